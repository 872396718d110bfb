import type { Json } from '../../model/json.ts'
import { faultAt, truncatedAt } from '../fault.ts'

/** A place in a message that is read, and what was read of it. */
export interface Reader {
  readonly bytes: Uint8Array
  readonly warnings: string[]
  /** Counts of the fields that others ask for. */
  readonly counts: Map<string, Json>
  /** Counts of the value that was just read, where they are not the value. */
  count: Json | undefined
  /** Where `at` counts from: the message, or the item of a repetition. */
  base: number
  /** Nothing is read from here on. */
  end: number
  /** The next byte, or the one of which `bit` bits are read. */
  at: number
  bit: number
  /** The first byte that nobody looked at. */
  furthest: number
}

/** A place in a message that is written. */
export interface Writer {
  readonly bytes: number[]
  readonly counts: Map<string, Json>
  count: Json | undefined
  /** Length of the whole message, where the layout tells it. */
  readonly total: number | undefined
  base: number
  at: number
  bit: number
}

/** Goes to the next whole byte. */
export function align(place: { at: number; bit: number }): void {
  if (place.bit === 0) return
  place.at++
  place.bit = 0
}

/**
 * Takes `size` whole bytes and gives the place of the first.
 * @throws CoreError `codec.truncated`.
 */
export function take(reader: Reader, size: number, label: string): number {
  align(reader)
  const { at } = reader
  if (at < 0)
    throw faultAt('codec.malformed', `layout: ${label} lies ${-at} bytes before the message`, 0)
  if (reader.end - at < size)
    throw truncatedAt(`layout: ${label}`, size, Math.max(0, reader.end - at), at)
  reader.at = at + size
  if (reader.at > reader.furthest) reader.furthest = reader.at
  return at
}

/** Makes room for `size` whole bytes and gives the place of the first. */
export function room(writer: Writer, size: number): number {
  align(writer)
  const { at } = writer
  while (writer.bytes.length < at + size) writer.bytes.push(0)
  writer.at = at + size
  return at
}
