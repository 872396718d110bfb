import { toBase64 } from '../../model/base64.ts'
import type { Json } from '../../model/json.ts'
import { readHalf } from '../binary/half-float.ts'
import { createKeyCache, isKey, type Key, readText, setKey } from '../binary/text.ts'
import { integerJson, oddFloat, typedBytes, typedFloat } from '../binary/typed.ts'
import { faultAt, truncatedAt } from '../fault.ts'
import { readTagged } from './tags.ts'

/** Containers and tags in each other. */
export const MAX_DEPTH = 64

/** What a message said. */
export interface CborMessage {
  readonly value: Json
  readonly warnings: readonly string[]
}

/** Reads messages, one at a time. */
export type CborReader = (bytes: Uint8Array) => CborMessage

const NOTHING: Uint8Array = new Uint8Array(0)

const NO_WARNINGS: readonly string[] = []

/** What stands for a value in place of a key, never as one. */
const BREAK = 0xff

/**
 * Opens a reader of one CBOR item with nothing behind it.
 *
 * `plain`: what JSON has no word for becomes its nearest word instead of a typed value.
 * Source: RFC 8949.
 */
export function createCborReader(plain: boolean): CborReader {
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
      const value = readItem(MAX_DEPTH)
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

  function readItem(levels: number): Json {
    const start = at
    if (start >= end) throw truncatedAt('CBOR item', 1, 0, start)
    const head = bytes[at++] ?? 0
    if (head < 0x18) return head
    const info = head & 0x1f
    switch (head >> 5) {
      case 0:
        return readInteger(info, start)
      case 1:
        return readNegative(info, start)
      case 2: {
        const content = info === 31 ? joinChunks(2) : readSlice(info, start)
        return plain ? toBase64(content) : typedBytes(content)
      }
      case 3:
        return info === 31 ? joinTexts() : readString(info, start)
      case 4:
        if (levels === 0) throw tooDeep(start)
        return info === 31 ? readOpenArray(levels - 1) : readArray(info, start, levels - 1)
      case 5:
        if (levels === 0) throw tooDeep(start)
        return readMap(info === 31 ? undefined : readCount(info, start, 2, 'map'), levels - 1)
      case 6:
        if (levels === 0) throw tooDeep(start)
        return readTag(info, start, levels - 1)
      default:
        return readSimple(info, start)
    }
  }

  function need(count: number, what: string): void {
    if (end - at < count) throw truncatedAt(what, count, end - at, at)
  }

  function word(offset: number): number {
    return (
      (((bytes[offset] ?? 0) << 24) |
        ((bytes[offset + 1] ?? 0) << 16) |
        ((bytes[offset + 2] ?? 0) << 8) |
        (bytes[offset + 3] ?? 0)) >>>
      0
    )
  }

  /** The number behind the initial byte; above 2^53 near it, which is enough for a length. */
  function readArgument(info: number, start: number): number {
    if (info < 24) return info
    switch (info) {
      case 24:
        need(1, 'number')
        return bytes[at++] ?? 0
      case 25:
        need(2, 'number')
        at += 2
        return ((bytes[at - 2] ?? 0) << 8) | (bytes[at - 1] ?? 0)
      case 26:
        need(4, 'number')
        at += 4
        return word(at - 4)
      case 27:
        need(8, 'number')
        at += 8
        return word(at - 8) * 0x1_0000_0000 + word(at - 4)
      default:
        throw malformed(
          'expected a length of 1, 2, 4 or 8 bytes, found one that CBOR reserves',
          start,
        )
    }
  }

  function readInteger(info: number, start: number): number | string {
    const value = readArgument(info, start)
    return Number.isSafeInteger(value) ? value : wide().toString()
  }

  function readNegative(info: number, start: number): number | string {
    const value = -1 - readArgument(info, start)
    return Number.isSafeInteger(value) ? value : (-1n - wide()).toString()
  }

  /** The eight bytes before this one. */
  function wide(): bigint {
    return (BigInt(word(at - 8)) << 32n) | BigInt(word(at - 4))
  }

  function readCount(info: number, start: number, each: number, what: string): number {
    const count = readArgument(info, start)
    if (count * each > end - at) throw truncatedAt(what, count * each, end - at, at)
    return count
  }

  function readSlice(info: number, start: number): Uint8Array {
    const length = readCount(info, start, 1, 'bytes')
    at += length
    return bytes.subarray(at - length, at)
  }

  function readString(info: number, start: number): string {
    const length = readCount(info, start, 1, 'text')
    at += length
    return readText(bytes, at - length, length)
  }

  /** Before the end of a text or a byte string in pieces: the next piece, or `false` at its end. */
  function nextChunk(major: number): boolean {
    need(1, 'piece')
    const head = bytes[at] ?? 0
    if (head === BREAK) {
      at++
      return false
    }
    if (head >> 5 !== major || (head & 0x1f) === 31)
      throw malformed('expected a piece of the same kind with a length, found another item', at)
    return true
  }

  function joinTexts(): string {
    let text = ''
    while (nextChunk(3)) {
      const start = at++
      text += readString((bytes[start] ?? 0) & 0x1f, start)
    }
    return text
  }

  function joinChunks(major: number): Uint8Array {
    const chunks: Uint8Array[] = []
    let length = 0
    while (nextChunk(major)) {
      const start = at++
      const chunk = readSlice((bytes[start] ?? 0) & 0x1f, start)
      chunks.push(chunk)
      length += chunk.length
    }
    const joined = new Uint8Array(length)
    let offset = 0
    for (const chunk of chunks) {
      joined.set(chunk, offset)
      offset += chunk.length
    }
    return joined
  }

  function readArray(info: number, start: number, levels: number): Json {
    const count = readCount(info, start, 1, 'array')
    const items: Json[] = []
    for (let index = 0; index < count; index++) items.push(readItem(levels))
    return items
  }

  function readOpenArray(levels: number): Json {
    const items: Json[] = []
    while (!atBreak()) items.push(readItem(levels))
    return items
  }

  function atBreak(): boolean {
    need(1, 'item or the end of a container')
    if (bytes[at] !== BREAK) return false
    at++
    return true
  }

  /** `count` is `undefined` for a map without a length. */
  function readMap(count: number | undefined, levels: number): Json {
    const content = at
    const map = ++maps
    const object: { [key: string]: Json } = {}
    let previous: Key = keys.first
    let isOdd = false
    let found = 0
    while (count === undefined ? !atBreak() : found < count) {
      const keyAt = at
      const length = (bytes[at] ?? 0) - 0x60
      let key: Key | undefined
      if (length > 0 && length < 24) {
        const guess = previous.next
        key =
          guess !== undefined && isKey(guess, bytes, at + 1, length)
            ? guess
            : at + 1 + length <= end
              ? keys.find(bytes, at + 1, length)
              : undefined
      }
      found++
      if (key === undefined) {
        isOdd = true
        setKey(object, readKey(levels), readItem(levels))
        continue
      }
      if (key.map === map) throw duplicate(keyAt)
      // It may have been kept before, and given its place to another.
      if (key.map === 0) isOdd = true
      key.map = map
      previous.next = key
      previous = key
      at += 1 + length
      object[key.text] = readItem(levels)
    }
    // A map inside, or a key that is not kept, may have hidden a key that is there twice.
    if ((isOdd || maps !== map) && Object.keys(object).length !== found)
      throw duplicate(findDuplicate(content, count, levels))
    return object
  }

  /** Keys are texts; numbers and the like become those that JSON has for them. */
  function readKey(levels: number): string {
    const start = at
    const head = bytes[at] ?? 0
    const key = readItem(levels)
    if (typeof key === 'string') return key
    if (typeof key === 'number' || typeof key === 'boolean' || key === null) return String(key)
    if (head >> 5 === 2 && typeof key === 'object' && '$bytes' in key) return String(key['$bytes'])
    throw faultAt(
      'codec.unsupported',
      'expected a text, a number, a boolean or bytes as a key, found another item',
      start,
    )
  }

  /** Reads a map again, which has a key twice, up to that key. */
  function findDuplicate(content: number, count: number | undefined, levels: number): number {
    const seen = new Set<string>()
    at = content
    for (let index = 0; count === undefined ? !atBreak() : index < count; index++) {
      const keyAt = at
      const key = readKey(levels)
      if (seen.has(key)) return keyAt
      seen.add(key)
      readItem(levels)
    }
    return content
  }

  function readTag(info: number, start: number, levels: number): Json {
    const tag = readInteger(info, start)
    const contentAt = at
    if (tag === 2 || tag === 3) return readBigInteger(tag, contentAt)
    // Says of a file that it is CBOR, and nothing else.
    if (tag === 55_799) return readItem(levels)
    const { value, warning } = readTagged(tag, readItem(levels), plain)
    if (warning !== undefined) warn(`tag ${tag}: ${warning}, at byte ${contentAt}`)
    return value
  }

  function readBigInteger(tag: 2 | 3, start: number): Json {
    need(1, 'bytes of a big integer')
    const head = bytes[at++] ?? 0
    if (head >> 5 !== 2)
      throw malformed('expected the bytes of a big integer, found another item', start)
    const digits = (head & 0x1f) === 31 ? joinChunks(2) : readSlice(head & 0x1f, start)
    if (digits.length > MAX_BIG_INTEGER)
      throw faultAt(
        'codec.too_large',
        `expected a big integer of at most ${MAX_BIG_INTEGER} bytes, found one of ${digits.length}`,
        start,
      )
    let value = 0n
    for (const digit of digits) value = (value << 8n) | BigInt(digit)
    return integerJson(tag === 2 ? value : -1n - value)
  }

  function readSimple(info: number, start: number): Json {
    switch (info) {
      case 20:
        return false
      case 21:
        return true
      case 22:
        return null
      case 24: {
        need(1, 'simple value')
        const simple = bytes[at++] ?? 0
        // Those from 24 to 31 had this form before RFC 8949 took it from them.
        if (simple < 24)
          throw malformed(
            'expected a simple value from 24 on, found a lower one in two bytes',
            start,
          )
        return simpleJson(simple)
      }
      case 25:
        need(2, 'float')
        at += 2
        return floatJson(readHalf(((bytes[at - 2] ?? 0) << 8) | (bytes[at - 1] ?? 0)), start)
      case 26:
        need(4, 'float')
        scratch.setUint32(0, word(at))
        at += 4
        return floatJson(scratch.getFloat32(0), start)
      case 27:
        need(8, 'float')
        scratch.setUint32(0, word(at))
        scratch.setUint32(4, word(at + 4))
        at += 8
        return floatJson(scratch.getFloat64(0), start)
      case 31:
        throw malformed('expected an item, found the end of a container that has a length', start)
      default:
        if (info > 27) throw malformed('expected an item, found one that CBOR reserves', start)
        return simpleJson(info)
    }
  }

  function simpleJson(simple: number): Json {
    return plain ? null : { $simple: simple }
  }

  function floatJson(value: number, start: number): Json {
    // The difference of a number to itself is 0, of all others NaN.
    if (value - value === 0) return value
    warn(oddFloat(value, start))
    return plain ? null : typedFloat(value)
  }

  function warn(warning: string): void {
    warnings ??= []
    if (warnings.length < MAX_WARNINGS) warnings.push(warning)
  }
}

/** A reader of messages has no use for more. */
const MAX_WARNINGS = 16

/** Longer ones only take time. Unit: bytes. */
const MAX_BIG_INTEGER = 64

function malformed(sentence: string, offset: number): Error {
  return faultAt('codec.malformed', sentence, offset)
}

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
