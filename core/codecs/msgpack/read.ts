import { toBase64 } from '../../model/base64.ts'
import type { Json } from '../../model/json.ts'
import { createKeyCache, isKey, type Key, readText, setKey } from '../binary/text.ts'
import { integerJson, oddFloat, typedBytes, typedFloat } from '../binary/typed.ts'
import { faultAt, truncatedAt } from '../fault.ts'
import { isoOf, type Timestamp } from './timestamp.ts'

/** Containers in each other. */
export const MAX_DEPTH = 64

/** What a message said. */
export interface MsgpackMessage {
  readonly value: Json
  readonly warnings: readonly string[]
}

/** Reads messages, one at a time. */
export type MsgpackReader = (bytes: Uint8Array) => MsgpackMessage

const NOTHING: Uint8Array = new Uint8Array(0)

const NO_WARNINGS: readonly string[] = []

/** A reader of messages has no use for more. */
const MAX_WARNINGS = 16

/**
 * Opens a reader of one MessagePack value with nothing behind it.
 *
 * `plain`: what JSON has no word for becomes its nearest word instead of a typed value.
 * Source: the MessagePack specification, with the extension type for times.
 */
export function createMsgpackReader(plain: boolean): MsgpackReader {
  const keys = createKeyCache()
  const scratch = new DataView(new ArrayBuffer(8))
  let bytes = NOTHING
  let at = 0
  let end = 0
  /** Counts maps: a key that was read in this one already is there twice. */
  let maps = 0
  let warnings: string[] | undefined

  /** @throws CoreError `codec.*` with the offset. */
  return (message) => {
    bytes = message
    at = 0
    end = message.length
    warnings = undefined
    try {
      const value = readValue(MAX_DEPTH)
      if (at < end)
        throw faultAt(
          'codec.trailing_bytes',
          `expected the end of the message, found ${end - at} more bytes`,
          at,
        )
      return { value, warnings: warnings ?? NO_WARNINGS }
    } finally {
      bytes = NOTHING
    }
  }

  function readValue(levels: number): Json {
    const start = at
    if (start >= end) throw truncatedAt('MessagePack value', 1, 0, start)
    const head = bytes[at++] ?? 0
    if (head < 0x80) return head
    if (head >= 0xe0) return head - 0x100
    if (head >= 0xc0) return readLong(head, start, levels)
    if (head >= 0xa0) return readString(head - 0xa0)
    if (levels === 0) throw tooDeep(start)
    return head < 0x90 ? readMap(head - 0x80, levels - 1) : readArray(head - 0x90, levels - 1)
  }

  function readLong(head: number, start: number, levels: number): Json {
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return bytesJson(slice(byte()))
      case 0xc5:
        return bytesJson(slice(short()))
      case 0xc6:
        return bytesJson(slice(word()))
      case 0xc7:
        return readExtension(byte(), start)
      case 0xc8:
        return readExtension(short(), start)
      case 0xc9:
        return readExtension(word(), start)
      case 0xca:
        scratch.setUint32(0, word())
        return floatJson(scratch.getFloat32(0), start)
      case 0xcb:
        scratch.setUint32(0, word())
        scratch.setUint32(4, word())
        return floatJson(scratch.getFloat64(0), start)
      case 0xcc:
        return byte()
      case 0xcd:
        return short()
      case 0xce:
        return word()
      case 0xcf:
        return wideJson(word(), word())
      case 0xd0:
        return (byte() << 24) >> 24
      case 0xd1:
        return (short() << 16) >> 16
      case 0xd2:
        return word() | 0
      case 0xd3:
        return wideJson(word() | 0, word())
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return readExtension(1 << (head - 0xd4), start)
      case 0xd9:
        return readString(byte())
      case 0xda:
        return readString(short())
      case 0xdb:
        return readString(word())
      default:
        return readContainer(head, start, levels)
    }
  }

  function readContainer(head: number, start: number, levels: number): Json {
    if (head === 0xc1)
      throw faultAt('codec.malformed', 'expected a value, found the byte that is never used', start)
    if (levels === 0) throw tooDeep(start)
    switch (head) {
      case 0xdc:
        return readArray(short(), levels - 1)
      case 0xdd:
        return readArray(word(), levels - 1)
      case 0xde:
        return readMap(short(), levels - 1)
      default:
        return readMap(word(), levels - 1)
    }
  }

  function need(count: number, what: string): void {
    if (end - at < count) throw truncatedAt(what, count, end - at, at)
  }

  function byte(): number {
    need(1, 'number')
    return bytes[at++] ?? 0
  }

  function short(): number {
    need(2, 'number')
    at += 2
    return ((bytes[at - 2] ?? 0) << 8) | (bytes[at - 1] ?? 0)
  }

  function word(): number {
    need(4, 'number')
    at += 4
    return (
      (((bytes[at - 4] ?? 0) << 24) |
        ((bytes[at - 3] ?? 0) << 16) |
        ((bytes[at - 2] ?? 0) << 8) |
        (bytes[at - 1] ?? 0)) >>>
      0
    )
  }

  /** `high` has the sign. */
  function wideJson(high: number, low: number): number | string {
    const value = high * 0x1_0000_0000 + low
    if (Number.isSafeInteger(value)) return value
    return integerJson((BigInt(high) << 32n) | BigInt(low))
  }

  function slice(length: number): Uint8Array {
    need(length, 'bytes')
    at += length
    return bytes.subarray(at - length, at)
  }

  function bytesJson(content: Uint8Array): Json {
    return plain ? toBase64(content) : typedBytes(content)
  }

  function readString(length: number): string {
    need(length, 'text')
    at += length
    return readText(bytes, at - length, length)
  }

  function readArray(count: number, levels: number): Json {
    need(count, 'items of an array')
    const items: Json[] = []
    for (let index = 0; index < count; index++) items.push(readValue(levels))
    return items
  }

  function readMap(count: number, levels: number): Json {
    need(2 * count, 'keys and values of a map')
    const content = at
    const map = ++maps
    const object: { [key: string]: Json } = {}
    let previous: Key = keys.first
    let isOdd = false
    for (let index = 0; index < count; index++) {
      const keyAt = at
      const length = (bytes[at] ?? 0) - 0xa0
      let key: Key | undefined
      if (length > 0 && length < 32 && at + 1 + length <= end) {
        const guess = previous.next
        key =
          guess !== undefined && isKey(guess, bytes, at + 1, length)
            ? guess
            : keys.find(bytes, at + 1, length)
      }
      if (key === undefined) {
        isOdd = true
        setKey(object, readKey(levels), readValue(levels))
        continue
      }
      if (key.map === map) throw duplicate(keyAt)
      // It may have been kept before, and given its place to another.
      if (key.map === 0) isOdd = true
      key.map = map
      previous.next = key
      previous = key
      at += 1 + length
      object[key.text] = readValue(levels)
    }
    // A map inside, or a key that is not kept, may have hidden a key that is there twice.
    if ((isOdd || maps !== map) && Object.keys(object).length !== count)
      throw duplicate(findDuplicate(content, count, levels))
    return object
  }

  /** Keys are texts; numbers and the like become those that JSON has for them. */
  function readKey(levels: number): string {
    const start = at
    const key = readValue(levels)
    if (typeof key === 'string') return key
    if (typeof key === 'number' || typeof key === 'boolean' || key === null) return String(key)
    const head = bytes[start] ?? 0
    if (head >= 0xc4 && head <= 0xc6 && '$bytes' in key) return String(key['$bytes'])
    throw faultAt(
      'codec.unsupported',
      'expected a text, a number, a boolean or bytes as a key, found another value',
      start,
    )
  }

  /** Reads a map again, which has a key twice, up to that key. */
  function findDuplicate(content: number, count: number, levels: number): number {
    const seen = new Set<string>()
    at = content
    for (let index = 0; index < count; index++) {
      const keyAt = at
      const key = readKey(levels)
      if (seen.has(key)) return keyAt
      seen.add(key)
      readValue(levels)
    }
    return content
  }

  function readExtension(length: number, start: number): Json {
    const type = (byte() << 24) >> 24
    const content = slice(length)
    if (type === TIME) {
      const iso = isoOf(readTimestamp(content, start))
      if (iso !== undefined) return plain ? iso : { $time: iso }
    }
    return plain ? toBase64(content) : { $ext: type, value: toBase64(content) }
  }

  /** Reads the content again, number by number. */
  function readTimestamp(content: Uint8Array, start: number): Timestamp {
    const after = at
    at -= content.length
    const found = timeIn(content.length, start)
    at = after
    if (found.nanoseconds > 999_999_999)
      throw faultAt(
        'codec.out_of_range',
        'expected fewer than 1,000,000,000 ns in a time, found more',
        start,
      )
    return found
  }

  function timeIn(length: number, start: number): Timestamp {
    switch (length) {
      case 4:
        return { seconds: BigInt(word()), nanoseconds: 0 }
      case 8: {
        const high = word()
        return {
          seconds: (BigInt(high & 3) << 32n) | BigInt(word()),
          nanoseconds: high >>> 2,
        }
      }
      case 12: {
        const nanoseconds = word()
        return { nanoseconds, seconds: (BigInt(word() | 0) << 32n) | BigInt(word()) }
      }
      default:
        throw faultAt(
          'codec.malformed',
          `expected a time of 4, 8 or 12 bytes, found one of ${length}`,
          start,
        )
    }
  }

  function floatJson(value: number, start: number): Json {
    // The difference of a number to itself is 0, of all others NaN.
    if (value - value === 0) return value
    warnings ??= []
    if (warnings.length < MAX_WARNINGS) warnings.push(oddFloat(value, start))
    return plain ? null : typedFloat(value)
  }
}

/** The type of the extension for times. */
export const TIME = -1

function tooDeep(offset: number): Error {
  return faultAt(
    'codec.too_deep',
    `expected at most ${MAX_DEPTH} levels of nesting, found more`,
    offset,
  )
}

function duplicate(offset: number): Error {
  return faultAt('codec.duplicate_key', 'expected each key of a map once, found one twice', offset)
}
