import { CoreError } from '../../errors.ts'
import { faultAt } from '../fault.ts'

/** A text keeps the mark of byte order that it begins with: it is a part of it. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Up to here bytes become a text faster one by one than through a decoder. */
const SHORT = 48

/**
 * The text in these bytes, which are there.
 * @throws CoreError `codec.malformed` if they are not UTF-8.
 */
export function readText(bytes: Uint8Array, start: number, length: number): string {
  if (length <= SHORT) {
    const text = readAscii(bytes, start, start + length)
    if (text !== undefined) return text
  }
  const part = bytes.subarray(start, start + length)
  try {
    return utf8.decode(part)
  } catch {
    throw faultAt(
      'codec.malformed',
      `expected text in UTF-8, found ${length} bytes that are not`,
      start + firstBadByte(part),
    )
  }
}

/** Where bytes stop to be UTF-8: a lenient decoder puts U+FFFD there. */
export function firstBadByte(bytes: Uint8Array): number {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  return textBytes(text.slice(0, text.indexOf('\ufffd'))).length
}

/** The text, if all of its bytes are ASCII. Eight at a time: each call costs more than the letters in it. */
function readAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  let at = start
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at] ?? 0
    const b = bytes[at + 1] ?? 0
    const c = bytes[at + 2] ?? 0
    const d = bytes[at + 3] ?? 0
    const e = bytes[at + 4] ?? 0
    const f = bytes[at + 5] ?? 0
    const g = bytes[at + 6] ?? 0
    const h = bytes[at + 7] ?? 0
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined
    text += String.fromCharCode(a, b, c, d, e, f, g, h)
  }
  const a = bytes[at] ?? 0
  const b = bytes[at + 1] ?? 0
  const c = bytes[at + 2] ?? 0
  const d = bytes[at + 3] ?? 0
  const e = bytes[at + 4] ?? 0
  const f = bytes[at + 5] ?? 0
  const g = bytes[at + 6] ?? 0
  switch (end - at) {
    case 0:
      return text
    case 1:
      return a > 0x7f ? undefined : text + String.fromCharCode(a)
    case 2:
      return (a | b) > 0x7f ? undefined : text + String.fromCharCode(a, b)
    case 3:
      return (a | b | c) > 0x7f ? undefined : text + String.fromCharCode(a, b, c)
    case 4:
      return (a | b | c | d) > 0x7f ? undefined : text + String.fromCharCode(a, b, c, d)
    case 5:
      return (a | b | c | d | e) > 0x7f ? undefined : text + String.fromCharCode(a, b, c, d, e)
    case 6:
      return (a | b | c | d | e | f) > 0x7f
        ? undefined
        : text + String.fromCharCode(a, b, c, d, e, f)
    default:
      return (a | b | c | d | e | f | g) > 0x7f
        ? undefined
        : text + String.fromCharCode(a, b, c, d, e, f, g)
  }
}

/** A key that was read before. */
export interface Key {
  readonly text: string
  readonly bytes: Uint8Array
  /** The key that followed it in a map, most likely the one that follows it again. */
  next: Key | undefined
  /** The map in which it was read last. */
  map: number
}

/** Keys longer than this are not kept. Unit: bytes. */
const LONGEST_KEY = 32

const SLOTS = 512

/** Messages of one device type have the same keys again and again: each becomes a text once. */
export interface KeyCache {
  /** What stands before the first key of a map. */
  readonly first: Key
  /** The kept key of these bytes, kept from now on; `undefined` for one that is not kept: long, not ASCII or `__proto__`. */
  find(bytes: Uint8Array, start: number, length: number): Key | undefined
}

/** Opens a cache that holds at most so many keys that it cannot be filled without end. */
export function createKeyCache(): KeyCache {
  const slots: (Key | undefined)[] = new Array(SLOTS).fill(undefined)
  const first: Key = { text: '', bytes: new Uint8Array(0), next: undefined, map: 0 }
  let count = 0

  /** Keys refer to each other: with all of them go the chains that they made. */
  function clear(): void {
    slots.fill(undefined)
    first.next = undefined
    count = 0
  }

  return {
    first,
    find(bytes, start, length) {
      if (length > LONGEST_KEY || length === 0) return undefined
      const end = start + length
      let hash = length
      for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0
      const slot = (hash ^ (hash >>> 9)) & (SLOTS - 1)
      const kept = slots[slot]
      if (kept !== undefined && isKey(kept, bytes, start, length)) return kept
      const text = readAscii(bytes, start, end)
      if (text === undefined || text === '__proto__') return undefined
      if (++count > 2 * SLOTS) clear()
      const key = { text: asName(text), bytes: bytes.slice(start, end), next: undefined, map: 0 }
      slots[slot] = key
      return key
    },
  }
}

/** Whether a key has these bytes. None of them are read beyond the end of the message, where there is nothing. */
export function isKey(key: Key, bytes: Uint8Array, start: number, length: number): boolean {
  const own = key.bytes
  if (own.length !== length || start + length > bytes.length) return false
  for (let index = 0; index < length; index++) if (own[index] !== bytes[start + index]) return false
  return true
}

/** The same text as the engine keeps names of properties: then it need not look for it each time. */
function asName(text: string): string {
  return Object.keys({ [text]: 0 })[0] ?? text
}

/** Sets a property under any name; `__proto__` is one as good as any. */
export function setKey(object: { [key: string]: unknown }, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  else object[key] = value
}

const utf8Encoder = new TextEncoder()

/** The bytes of a text. A half of a surrogate pair becomes U+FFFD. */
export function textBytes(text: string): Uint8Array {
  return utf8Encoder.encode(text)
}

/** A fault of a value that a format cannot say. */
export function cannotSay(format: string, sentence: string): CoreError {
  return new CoreError('codec.wrong_type', `${format}: ${sentence}`)
}

/** A value that nests deeper than decoders follow. */
export function tooDeepToSay(format: string, depth: number): CoreError {
  return new CoreError(
    'codec.too_deep',
    `${format}: expected at most ${depth} levels of nesting, found more`,
  )
}
