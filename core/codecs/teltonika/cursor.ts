import { faultAt, truncatedAt } from '../fault.ts'

/** A place in a message, which moves with what is read. Numbers are big-endian. */
export interface Cursor {
  readonly bytes: Uint8Array
  /** Nothing is read from here on. */
  readonly end: number
  at: number
}

/** @throws CoreError `codec.truncated` if fewer than `size` bytes are left. */
export function need(cursor: Cursor, size: number, what: string): void {
  const left = cursor.end - cursor.at
  if (left < size) throw truncatedAt(`Teltonika: ${what}`, size, left, cursor.at)
}

/** Reads a number of 1 byte. */
export function uint8(cursor: Cursor): number {
  return cursor.bytes[cursor.at++] ?? 0
}

/** Reads a number of 2 bytes. */
export function uint16(cursor: Cursor): number {
  const { bytes, at } = cursor
  cursor.at = at + 2
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

/** Reads a number of 4 bytes in two's complement. */
export function int32(cursor: Cursor): number {
  const { bytes, at } = cursor
  cursor.at = at + 4
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  )
}

/** Reads a number of 4 bytes. */
export function uint32(cursor: Cursor): number {
  return int32(cursor) >>> 0
}

/** Reads bytes as lower-case digits. */
export function hexDigits(cursor: Cursor, size: number): string {
  const end = cursor.at + size
  let digits = ''
  while (cursor.at < end) digits += HEX[uint8(cursor)] ?? ''
  return digits
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Reads bytes as characters. */
export function ascii(cursor: Cursor, size: number): string {
  const end = cursor.at + size
  let text = ''
  while (cursor.at < end) text += String.fromCharCode(uint8(cursor))
  return text
}

/** @throws CoreError `codec.malformed` if there is something between here and the end. */
export function finish({ at, end }: Cursor): void {
  if (at < end)
    throw faultAt(
      'codec.malformed',
      `Teltonika: expected the end of the data, found ${end - at} bytes more`,
      at,
    )
}
