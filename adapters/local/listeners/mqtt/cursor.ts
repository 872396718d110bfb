import { isUtf8 } from 'node:buffer'
import { REASON } from './reason-codes.ts'

/**
 * A place in the body of one packet. The first fault sticks: later reads give zero values and end at once,
 * so that a decoder checks `fault` once, at its end.
 */
export interface Cursor {
  readonly bytes: Buffer
  at: number
  readonly end: number
  /** The reason code of the first fault, 0 while there is none. */
  fault: number
  why: string
}

/** Why a packet was not accepted: an MQTT 5 reason code and words for the log. */
export interface Fault {
  readonly fault: number
  readonly why: string
}

export function createCursor(bytes: Buffer, start: number, end: number): Cursor {
  return { bytes, at: start, end, fault: 0, why: '' }
}

/** Marks the packet as bad, unless it is already. */
export function fail(cursor: Cursor, fault: number, why: string): void {
  if (cursor.fault !== 0) return
  cursor.fault = fault
  cursor.why = why
  cursor.at = cursor.end
}

export function readByte(cursor: Cursor): number {
  const value = cursor.at < cursor.end ? cursor.bytes[cursor.at] : undefined
  if (value === undefined) {
    fail(cursor, REASON.malformed, 'packet too short')
    return 0
  }
  cursor.at += 1
  return value
}

export function readUint16(cursor: Cursor): number {
  const high = readByte(cursor)
  return (high << 8) | readByte(cursor)
}

export function readUint32(cursor: Cursor): number {
  const high = readUint16(cursor)
  return high * 65_536 + readUint16(cursor)
}

/** A variable byte integer: at most four bytes, and no more than it needs. Source: MQTT-1.5.5-1. */
export function readVarint(cursor: Cursor): number {
  let value = 0
  for (let scale = 1; scale <= 2_097_152; scale *= 128) {
    const byte = readByte(cursor)
    value += (byte & 127) * scale
    if (byte < 128 && (byte > 0 || scale === 1)) return value
    if (byte === 0) break
  }
  fail(cursor, REASON.malformed, 'variable byte integer too long')
  return 0
}

/** Bytes behind a two-byte length, as a view of the packet. */
export function readBinary(cursor: Cursor): Buffer {
  const length = readUint16(cursor)
  const start = cursor.at
  if (start + length > cursor.end) {
    fail(cursor, REASON.malformed, 'string or binary longer than its packet')
    return cursor.bytes.subarray(0, 0)
  }
  cursor.at = start + length
  return cursor.bytes.subarray(start, start + length)
}

/** UTF-8 text behind a two-byte length: well-formed and without U+0000. Source: MQTT-1.5.4-1, MQTT-1.5.4-2. */
export function readString(cursor: Cursor): string {
  const bytes = readBinary(cursor)
  const text = bytes.toString('utf8')
  if (!isCleanText(text, bytes)) {
    fail(cursor, REASON.malformed, 'string is not well-formed UTF-8 or has U+0000')
    return ''
  }
  return text
}

/** True if `text`, decoded from `bytes`, lost nothing and has no U+0000. */
export function isCleanText(text: string, bytes: Uint8Array): boolean {
  // The decoder writes U+FFFD for what it cannot read; only then are the bytes looked at again.
  return !text.includes('\u0000') && (!text.includes('\ufffd') || isUtf8(bytes))
}
