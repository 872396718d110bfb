import type { Json, JsonObject } from '../../model/json.ts'
import { newPage, nextPage, viewOf } from '../binary/page.ts'
import { cannotSay, textBytes, tooDeepToSay } from '../binary/text.ts'
import { bigIntegerIn, bytesOf, floatOf } from '../binary/typed.ts'
import { createWrittenKeys, type WrittenKey } from '../binary/written-keys.ts'
import { MAX_DEPTH, TIME } from './read.ts'
import { type Timestamp, timestampOf, timestampOfSeconds } from './timestamp.ts'

/** How values become MessagePack. */
export interface MsgpackForm {
  /** No object is a typed value. */
  readonly plain: boolean
  /** Texts that are whole numbers beyond 2^53 are written as numbers. */
  readonly bigIntegers: boolean
}

/** Unit: UTF-16 units. */
const SHORT_TEXT = 40

const DOLLAR = 0x24

/** Opens a writer of MessagePack in its shortest form, keys in the order of the value. */
export function createMsgpackWriter(form: MsgpackForm): (value: Json) => Uint8Array {
  const keys = createWrittenKeys(keyBytes)
  let page = newPage()
  let view = viewOf(page)
  let start = 0
  let at = 0

  /** @throws CoreError `codec.wrong_type` or `codec.too_deep`. */
  return (value) => {
    at = start
    write(value, MAX_DEPTH)
    const message = page.subarray(start, at)
    start = at
    return message
  }

  function reserve(count: number): void {
    if (at + count <= page.length) return
    page = nextPage(page, start, at, count)
    view = viewOf(page)
    at -= start
    start = 0
  }

  function write(value: Json, levels: number): void {
    if (typeof value === 'number') writeNumber(value)
    else if (typeof value === 'string') writeString(value)
    else if (typeof value === 'boolean') writeByte(value ? 0xc3 : 0xc2)
    else if (value === null) writeByte(0xc0)
    else if (levels === 0) throw tooDeepToSay('MessagePack', MAX_DEPTH)
    else if (isArray(value)) {
      if (value.length < 16) writeByte(0x90 | value.length)
      else writeHead(undefined, 0xdc, 0xdd, value.length)
      for (const item of value) write(item, levels - 1)
    } else writeObject(value, levels - 1)
  }

  /** The count of keys is known at the end: room for the shortest form is left before them. */
  function writeObject(object: JsonObject, levels: number): void {
    const before = at - start
    writeByte(0x80)
    let count = 0
    let previous = keys.first
    // All at once: one by one they are looked up by their names, which takes longer.
    const values = Object.values(object)
    for (const key in object) {
      if (count === 0 && key.charCodeAt(0) === DOLLAR && !form.plain) {
        at = start + before
        if (writeTyped(object, Object.keys(object))) return
        at = start + before + 1
      }
      previous = writeKey(key, previous)
      write(values[count] ?? null, levels)
      count++
    }
    if (count < 16) page[start + before] = 0x80 | count
    else lengthen(before, count)
  }

  /** Writes a key, by what followed the one before it the last time. */
  function writeKey(key: string, previous: WrittenKey): WrittenKey {
    const guess = previous.next
    const known = guess !== undefined && guess.text === key ? guess : kept(key)
    if (known === undefined) {
      putKey(key)
      return previous
    }
    previous.next = known
    const { bytes } = known
    const { length } = bytes
    reserve(length)
    const target = page
    const to = at
    for (let index = 0; index < length; index++) target[to + index] = bytes[index] ?? 0
    at = to + length
    return known
  }

  /** Longer keys than this are not kept. */
  function kept(key: string): WrittenKey | undefined {
    return key.length > SHORT_TEXT ? undefined : keys.find(key)
  }

  function putKey(key: string): void {
    writeText(key)
  }

  /** The bytes of a key by itself: it is written, and taken back. */
  function keyBytes(key: string): Uint8Array {
    const before = at - start
    putKey(key)
    const bytes = page.slice(start + before, at)
    at = start + before
    return bytes
  }

  /** Puts the head of a map with many keys before them. */
  function lengthen(before: number, count: number): void {
    const content = page.slice(start + before + 1, at)
    at = start + before
    writeHead(undefined, 0xde, 0xdf, count)
    put(content)
  }

  /** Whether the object is a typed value. */
  function writeTyped(object: JsonObject, keys: readonly string[]): boolean {
    const content = object[keys[0] ?? ''] ?? null
    if (keys.length === 2) {
      if (keys[0] !== '$ext' || keys[1] !== 'value') return false
      if (typeof content !== 'number' || content < -128 || content > 127 || content % 1 !== 0)
        throw cannotSay('MessagePack', 'expected -128 to 127 in $ext, found something else')
      writeExtension(content, bytesOf('MessagePack', object['value']))
      return true
    }
    if (keys.length > 2) return false
    switch (keys[0]) {
      case '$bytes': {
        const bytes = bytesOf('MessagePack', content)
        writeHead(0xc4, 0xc5, 0xc6, bytes.length)
        put(bytes)
        return true
      }
      case '$float':
        writeFloat(floatOf('MessagePack', content))
        return true
      case '$time':
        writeTime(content)
        return true
      default:
        return false
    }
  }

  function writeTime(content: Json): void {
    const time =
      typeof content === 'string'
        ? timestampOf(content)
        : typeof content === 'number' && Math.abs(content) < 2 ** 53
          ? timestampOfSeconds(content)
          : undefined
    if (time === undefined)
      throw cannotSay(
        'MessagePack',
        'expected a time of ISO 8601 with a zone or epoch seconds in $time, found something else',
      )
    writeTimestamp(time)
  }

  function writeTimestamp({ seconds, nanoseconds }: Timestamp): void {
    reserve(15)
    if (seconds >= 0n && seconds < 1n << 32n && nanoseconds === 0) {
      page[at++] = 0xd6
      page[at++] = TIME
      putWord(Number(seconds))
    } else if (seconds >= 0n && seconds < 1n << 34n) {
      page[at++] = 0xd7
      page[at++] = TIME
      putWord(((nanoseconds << 2) | Number(seconds >> 32n)) >>> 0)
      putWord(Number(seconds & 0xffff_ffffn))
    } else {
      page[at++] = 0xc7
      page[at++] = 12
      page[at++] = TIME
      putWord(nanoseconds)
      putWide(seconds)
    }
  }

  function writeExtension(type: number, content: Uint8Array): void {
    const { length } = content
    const fixed = FIXED_EXTENSIONS.indexOf(length)
    if (fixed >= 0) writeByte(0xd4 + fixed)
    else writeHead(0xc7, 0xc8, 0xc9, length)
    writeByte(type)
    put(content)
  }

  function writeByte(byte: number): void {
    reserve(1)
    page[at++] = byte
  }

  /** The first of the three bytes whose number has room for the length, and that number. */
  function writeHead(one: number | undefined, two: number, four: number, length: number): void {
    reserve(5)
    if (one !== undefined && length < 0x100) {
      page[at++] = one
      page[at++] = length
    } else if (length < 0x1_0000) {
      page[at++] = two
      page[at++] = length >> 8
      page[at++] = length
    } else {
      page[at++] = four
      putWord(length)
    }
  }

  /** Four bytes, for which there is room. */
  function putWord(word: number): void {
    view.setInt32(at, word)
    at += 4
  }

  function putWide(value: bigint): void {
    view.setBigInt64(at, BigInt.asIntN(64, value))
    at += 8
  }

  function writeNumber(value: number): void {
    if ((value | 0) === value && value > 0) writePositive(value)
    else if (!Number.isSafeInteger(value) || Object.is(value, -0)) writeFloat(value)
    else if (value >= 0) writePositive(value)
    else writeNegative(value)
  }

  function writePositive(value: number): void {
    reserve(9)
    if (value < 0x80) {
      page[at++] = value
    } else if (value < 0x100) {
      page[at++] = 0xcc
      page[at++] = value
    } else if (value < 0x1_0000) {
      page[at++] = 0xcd
      page[at++] = value >> 8
      page[at++] = value
    } else if (value < 0x1_0000_0000) {
      page[at++] = 0xce
      putWord(value)
    } else {
      page[at++] = 0xcf
      putWord(Math.floor(value / 0x1_0000_0000))
      putWord(value % 0x1_0000_0000)
    }
  }

  function writeNegative(value: number): void {
    reserve(9)
    if (value >= -0x20) {
      page[at++] = value
    } else if (value >= -0x80) {
      page[at++] = 0xd0
      page[at++] = value
    } else if (value >= -0x8000) {
      page[at++] = 0xd1
      page[at++] = value >> 8
      page[at++] = value
    } else if (value >= -0x8000_0000) {
      page[at++] = 0xd2
      putWord(value)
    } else {
      page[at++] = 0xd3
      putWide(BigInt(value))
    }
  }

  function writeFloat(value: number): void {
    reserve(9)
    if (Math.fround(value) === value || Number.isNaN(value)) {
      page[at] = 0xca
      view.setFloat32(at + 1, value)
      at += 5
    } else {
      page[at] = 0xcb
      view.setFloat64(at + 1, value)
      at += 9
    }
  }

  function writeString(text: string): void {
    const integer = form.bigIntegers && text.length >= 16 ? bigIntegerIn(text) : undefined
    if (integer === undefined || integer < -(1n << 63n) || integer >= 1n << 64n) {
      writeText(text)
    } else {
      writeByte(integer < 1n << 63n ? 0xd3 : 0xcf)
      reserve(8)
      putWide(integer)
    }
  }

  function writeText(text: string): void {
    const { length } = text
    if (length > SHORT_TEXT || !putShort(text, length)) {
      const encoded = textBytes(text)
      if (encoded.length < 32) writeByte(0xa0 | encoded.length)
      else writeHead(0xd9, 0xda, 0xdb, encoded.length)
      put(encoded)
    }
  }

  /** Letter by letter, which is faster than an encoder as long as they are few and ASCII. */
  function putShort(text: string, length: number): boolean {
    reserve(length + 2)
    let to = at + (length < 32 ? 1 : 2)
    const target = page
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit > 0x7f) return false
      target[to++] = unit
    }
    if (length < 32) {
      page[at] = 0xa0 | length
    } else {
      page[at] = 0xd9
      page[at + 1] = length
    }
    at = to
    return true
  }

  function put(content: Uint8Array): void {
    reserve(content.length)
    page.set(content, at)
    at += content.length
  }
}

/** Lengths of extensions that have a head of their own. Unit: bytes. */
const FIXED_EXTENSIONS: readonly number[] = [1, 2, 4, 8, 16]

function isArray(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value)
}
