import { faultAt, truncatedAt } from '../fault.ts'
import type { LppReading, LppValue } from './reading.ts'
import { ALTITUDE_DIVISOR, LOCATION_DIVISOR, LPP_BY_BYTE, type LppType } from './types.ts'

/**
 * Reads the measured values of a frame, in their order.
 *
 * Shape: any number of channel (1 byte), type (1 byte), value (as long as the type says), big-endian.
 * @throws CoreError `codec.truncated` or `codec.unsupported`: a type that nobody knows has no length that could be skipped.
 */
export function readFrame(bytes: Uint8Array): readonly LppReading[] {
  const readings: LppReading[] = []
  const end = bytes.length
  let at = 0
  while (at < end) {
    if (end - at < 2) throw truncatedAt('Cayenne LPP: channel and type', 2, end - at, at)
    const byte = bytes[at + 1] ?? 0
    const type = LPP_BY_BYTE[byte]
    if (type === undefined)
      throw faultAt(
        'codec.unsupported',
        `Cayenne LPP: expected a known data type, found type ${byte}`,
        at + 1,
      )
    const left = end - at - 2
    if (left < type.size) throw truncatedAt(`Cayenne LPP: ${type.name}`, type.size, left, at + 2)
    readings.push({
      channel: bytes[at] ?? 0,
      type: byte,
      name: type.name,
      value: readValue(bytes, at + 2, type),
    })
    at += 2 + type.size
  }
  return readings
}

/**
 * Reads the values that a server sends to a device.
 *
 * Shape: channel (1 byte) and value (2 bytes, 0.01 signed), any number; the byte 0xFF may end them.
 * @throws CoreError `codec.truncated` or `codec.trailing_bytes`.
 */
export function readDownlink(bytes: Uint8Array): ReadonlyMap<number, number> {
  const values = new Map<number, number>()
  const end = bytes.length
  let at = 0
  while (at < end) {
    const channel = bytes[at] ?? 0
    if (channel === END_OF_DOWNLINK) {
      if (at + 1 < end)
        throw faultAt(
          'codec.trailing_bytes',
          `Cayenne LPP: expected nothing after the end, found ${end - at - 1} bytes`,
          at + 1,
        )
      break
    }
    if (end - at < 3) throw truncatedAt('Cayenne LPP: value of a channel', 2, end - at - 1, at + 1)
    values.set(channel, int16(bytes, at + 1) / 100)
    at += 3
  }
  return values
}

/** Ends a downlink. Source: myDevices Cayenne, actuator commands. */
export const END_OF_DOWNLINK = 0xff

function readValue(bytes: Uint8Array, at: number, type: LppType): LppValue {
  const { divisor } = type
  switch (type.shape) {
    case 'number':
      return readNumber(bytes, at, type) / divisor
    case 'axes':
      return {
        x: int16(bytes, at) / divisor,
        y: int16(bytes, at + 2) / divisor,
        z: int16(bytes, at + 4) / divisor,
      }
    case 'location':
      return {
        latitude: int24(bytes, at) / LOCATION_DIVISOR,
        longitude: int24(bytes, at + 3) / LOCATION_DIVISOR,
        altitude: int24(bytes, at + 6) / ALTITUDE_DIVISOR,
      }
    case 'colour':
      return { r: bytes[at] ?? 0, g: bytes[at + 1] ?? 0, b: bytes[at + 2] ?? 0 }
  }
}

function readNumber(bytes: Uint8Array, at: number, { size, signed }: LppType): number {
  if (size === 2) return signed ? int16(bytes, at) : ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  if (size === 1) return bytes[at] ?? 0
  if (size === 3) return int24(bytes, at)
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  )
}

function int16(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) >> 16) | (bytes[at + 1] ?? 0)
}

function int24(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) >> 8) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
}
