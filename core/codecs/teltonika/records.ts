import type { Json } from '../../model/json.ts'
import { faultAt } from '../fault.ts'
import { type Cursor, hexDigits, int32, need, uint8, uint16, uint32 } from './cursor.ts'
import type { IoNames } from './io-names.ts'

export const CODEC_8 = 0x08
export const CODEC_8_EXTENDED = 0x8e
export const CODEC_16 = 0x10

/** What was measured at one moment: a type of JSON, so that it travels as it is. */
export type AvlRecord = {
  /** Epoch ms, UTC. */
  readonly timestamp: number
  /** 0 low, 1 high, 2 panic. */
  readonly priority: number
  /** Degrees; so is the latitude. */
  readonly longitude: number
  readonly latitude: number
  /** Metres. */
  readonly altitude: number
  /** Degrees from north. */
  readonly angle: number
  readonly satellites: number
  /** km/h. */
  readonly speed: number
  /** The IO element whose change made the record, 0 if none did. */
  readonly eventId: number
  /** Codec 16 only: what made the record. */
  readonly generationType?: number
  readonly ioCount: number
  readonly io: Readonly<Record<string, Json>>
}

/** Time, place and event, without IO elements: what a record has at least. */
const FIXED_BYTES = 24

/** No time of `Date` is later. */
const MAX_TIME_MS = 8.64e15

/**
 * Reads one record.
 * @throws CoreError `codec.truncated` or `codec.out_of_range`.
 */
export function readRecord(
  cursor: Cursor,
  codec: number,
  names: IoNames,
  warnings: string[],
): AvlRecord {
  const wideIds = codec !== CODEC_8
  const wideCounts = codec === CODEC_8_EXTENDED
  const start = cursor.at
  need(cursor, FIXED_BYTES, 'time and place of a record')
  const timestamp = uint32(cursor) * 2 ** 32 + uint32(cursor)
  if (timestamp > MAX_TIME_MS)
    throw faultAt('codec.out_of_range', 'Teltonika: expected a time in epoch ms', start)
  const priority = uint8(cursor)
  const longitude = int32(cursor) / 1e7
  const latitude = int32(cursor) / 1e7
  const altitude = (uint16(cursor) << 16) >> 16
  const angle = uint16(cursor)
  const satellites = uint8(cursor)
  const speed = uint16(cursor)
  need(cursor, wideCounts ? 4 : wideIds ? 4 : 2, 'event and number of IO elements')
  const eventId = wideIds ? uint16(cursor) : uint8(cursor)
  const generationType = codec === CODEC_16 ? uint8(cursor) : undefined
  const ioCount = wideCounts ? uint16(cursor) : uint8(cursor)
  const io: Record<string, Json> = {}
  let found = 0
  for (let size = 1; size <= 8; size *= 2) {
    need(cursor, wideCounts ? 2 : 1, `number of IO elements of ${size} bytes`)
    const count = wideCounts ? uint16(cursor) : uint8(cursor)
    need(cursor, count * (size + (wideIds ? 2 : 1)), `IO elements of ${size} bytes`)
    found += count
    for (let index = 0; index < count; index++) {
      const id = wideIds ? uint16(cursor) : uint8(cursor)
      keep(io, id, names, readValue(cursor, size), size, warnings)
    }
  }
  if (wideCounts) found += readLongElements(cursor, io, names, warnings)
  if (found !== ioCount)
    warnings.push(`expected ${ioCount} IO elements, as the record says, found ${found}`)
  const place = { timestamp, priority, longitude, latitude, altitude, angle, satellites, speed }
  return generationType === undefined
    ? { ...place, eventId, ioCount, io }
    : { ...place, eventId, generationType, ioCount, io }
}

/** Elements of any length, which only Codec 8 Extended has. Gives their number. */
function readLongElements(
  cursor: Cursor,
  io: Record<string, Json>,
  names: IoNames,
  warnings: string[],
): number {
  need(cursor, 2, 'number of IO elements of any length')
  const count = uint16(cursor)
  for (let index = 0; index < count; index++) {
    need(cursor, 4, 'id and length of an IO element')
    const id = uint16(cursor)
    const length = uint16(cursor)
    need(cursor, length, 'value of an IO element')
    keep(io, id, names, { hex: hexDigits(cursor, length) }, 0, warnings)
  }
  return count
}

/** A number, or its digits where a double would not keep them. */
function readValue(cursor: Cursor, size: number): number | string {
  switch (size) {
    case 1:
      return uint8(cursor)
    case 2:
      return uint16(cursor)
    case 4:
      return uint32(cursor)
    default: {
      const high = uint32(cursor)
      const low = uint32(cursor)
      return high < 0x20_0000 ? high * 2 ** 32 + low : String((BigInt(high) << 32n) | BigInt(low))
    }
  }
}

function keep(
  io: Record<string, Json>,
  id: number,
  names: IoNames,
  value: Json,
  size: number,
  warnings: string[],
): void {
  const known = names.get(id)
  const key = known === undefined ? String(id) : known.name
  if (io[key] !== undefined) warnings.push(`IO element ${id} stands twice; the last counts`)
  io[key] = known === undefined || typeof value === 'object' ? value : named(value, known, size)
}

function named(
  value: Json,
  { signed, scale }: { readonly signed: boolean; readonly scale: number },
  size: number,
): Json {
  let number = value
  if (signed && size === 8) number = exact(BigInt.asIntN(64, BigInt(String(value))))
  else if (signed && typeof value === 'number' && value >= 2 ** (8 * size - 1))
    number = value - 2 ** (8 * size)
  if (scale === 1) return number
  // 1 / 0.001 is 1000: dividing gives the nearest decimal where multiplying does not.
  const divisor = Math.round(1 / scale)
  return divisor >= 1 && Math.abs(divisor * scale - 1) < 1e-12
    ? Number(number) / divisor
    : Number(number) * scale
}

function exact(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
