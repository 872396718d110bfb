import type { Json, JsonObject } from '../../model/json.ts'
import { halfBits } from '../binary/half-float.ts'
import { newPage, nextPage, viewOf } from '../binary/page.ts'
import { cannotSay, textBytes, tooDeepToSay } from '../binary/text.ts'
import { bigIntegerIn, bytesOf, floatOf } from '../binary/typed.ts'
import { createWrittenKeys, type WrittenKey } from '../binary/written-keys.ts'
import { MAX_DEPTH } from './read.ts'

/** Unit: UTF-16 units. */
const SHORT_TEXT = 40

/** How values become CBOR. */
export interface CborForm {
  /** No object is a typed value. */
  readonly plain: boolean
  /** Keys that are whole numbers are written as numbers. */
  readonly integerKeys: boolean
  /** Texts that are whole numbers beyond 2^53 are written as numbers. */
  readonly bigIntegers: boolean
}

/**
 * Opens a writer of CBOR in its preferred form: the shortest numbers and lengths, keys in the order of the value.
 *
 * Source: RFC 8949, section 4.1.
 */
export function createCborWriter(form: CborForm): (value: Json) => Uint8Array {
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
    else if (typeof value === 'boolean') writeByte(value ? 0xf5 : 0xf4)
    else if (value === null) writeByte(0xf6)
    else if (levels === 0) throw tooDeepToSay('CBOR', MAX_DEPTH)
    else if (isArray(value)) {
      writeHead(4, value.length)
      for (const item of value) write(item, levels - 1)
    } else writeObject(value, levels - 1)
  }

  /** The count of keys is known at the end: room for the shortest form is left before them. */
  function writeObject(object: JsonObject, levels: number): void {
    const before = at - start
    writeByte(0xa0)
    let count = 0
    let previous = keys.first
    // All at once: one by one they are looked up by their names, which takes longer.
    const values = Object.values(object)
    for (const key in object) {
      if (count === 0 && key.charCodeAt(0) === DOLLAR && !form.plain) {
        at = start + before
        if (writeTyped(object, Object.keys(object), levels)) return
        at = start + before + 1
      }
      previous = writeKey(key, previous)
      write(values[count] ?? null, levels)
      count++
    }
    if (count < 24) page[start + before] = 0xa0 | count
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
    if (form.integerKeys && isWholeKey(key)) writeNumber(Number(key))
    else writeText(key)
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
    writeHead(5, count)
    put(content)
  }

  /** Whether the object is a typed value. */
  function writeTyped(object: JsonObject, keys: readonly string[], levels: number): boolean {
    const content = object[keys[0] ?? ''] ?? null
    if (keys.length === 2) {
      if (keys[0] !== '$tag' || keys[1] !== 'value') return false
      writeTag(content)
      write(object['value'] ?? null, levels)
      return true
    }
    if (keys.length > 2) return false
    switch (keys[0]) {
      case '$bytes':
        writeBytes(bytesOf('CBOR', content))
        return true
      case '$float':
        writeFloat(floatOf('CBOR', content))
        return true
      case '$simple':
        writeSimple(content)
        return true
      case '$time':
        if (typeof content !== 'string' && typeof content !== 'number')
          throw cannotSay('CBOR', 'expected a date or epoch seconds in $time, found something else')
        writeByte(typeof content === 'string' ? 0xc0 : 0xc1)
        write(content, levels)
        return true
      default:
        return false
    }
  }

  function writeTag(tag: Json): void {
    const number = typeof tag === 'string' ? bigIntegerIn(tag) : undefined
    if (number !== undefined && number > 0n && number < 1n << 64n) {
      writeWide(6, number)
      return
    }
    if (typeof tag !== 'number' || !Number.isSafeInteger(tag) || tag < 0)
      throw cannotSay('CBOR', 'expected the number of a tag in $tag, found something else')
    writeHead(6, tag)
  }

  function writeSimple(simple: Json): void {
    if (typeof simple !== 'number' || !Number.isInteger(simple) || simple < 0 || simple > 255)
      throw cannotSay('CBOR', 'expected 0 to 255 in $simple, found something else')
    writeHead(7, simple)
  }

  function writeByte(byte: number): void {
    reserve(1)
    page[at++] = byte
  }

  /** The initial byte and the number behind it, 0 to 2^53. */
  function writeHead(major: number, argument: number): void {
    reserve(9)
    const type = major << 5
    if (argument < 24) {
      page[at++] = type | argument
    } else if (argument < 0x100) {
      page[at++] = type | 24
      page[at++] = argument
    } else if (argument < 0x1_0000) {
      page[at] = type | 25
      view.setUint16(at + 1, argument)
      at += 3
    } else if (argument < 0x1_0000_0000) {
      page[at++] = type | 26
      putWord(argument)
    } else {
      page[at++] = type | 27
      putWord(Math.floor(argument / 0x1_0000_0000))
      putWord(argument % 0x1_0000_0000)
    }
  }

  /** Four bytes, for which there is room. */
  function putWord(word: number): void {
    view.setInt32(at, word)
    at += 4
  }

  function writeWide(major: number, argument: bigint): void {
    reserve(9)
    page[at++] = (major << 5) | 27
    putWord(Number(argument >> 32n))
    putWord(Number(argument & 0xffff_ffffn))
  }

  function writeNumber(value: number): void {
    const small = value | 0
    if (small === value && small !== 0) writeHead(small > 0 ? 0 : 1, small > 0 ? small : -1 - small)
    else if (!Number.isSafeInteger(value) || Object.is(value, -0)) writeFloat(value)
    else if (value >= 0) writeHead(0, value)
    else writeHead(1, -1 - value)
  }

  function writeFloat(value: number): void {
    reserve(9)
    if (Math.fround(value) !== value && !Number.isNaN(value)) {
      page[at] = 0xfb
      view.setFloat64(at + 1, value)
      at += 9
      return
    }
    view.setFloat32(at + 1, value)
    const half = Number.isNaN(value) ? 0x7e00 : halfBits(view.getInt32(at + 1))
    if (half === undefined) {
      page[at] = 0xfa
      at += 5
    } else putHalf(half)
  }

  function putHalf(half: number): void {
    page[at] = 0xf9
    page[at + 1] = half >> 8
    page[at + 2] = half
    at += 3
  }

  function writeString(text: string): void {
    const integer = form.bigIntegers && text.length >= 16 ? bigIntegerIn(text) : undefined
    if (integer === undefined) writeText(text)
    else writeBigInteger(integer)
  }

  function writeBigInteger(value: bigint): void {
    const isNegative = value < 0n
    const argument = isNegative ? -1n - value : value
    if (argument < 1n << 64n) {
      writeWide(isNegative ? 1 : 0, argument)
      return
    }
    writeByte(isNegative ? 0xc3 : 0xc2)
    const digits = argument.toString(16)
    const even = digits.length % 2 === 0 ? digits : `0${digits}`
    writeBytes(
      Uint8Array.from({ length: even.length / 2 }, (_, index) =>
        Number.parseInt(even.slice(2 * index, 2 * index + 2), 16),
      ),
    )
  }

  function writeText(text: string): void {
    const { length } = text
    if (length > SHORT_TEXT || !putShort(text, length)) {
      const encoded = textBytes(text)
      writeHead(3, encoded.length)
      put(encoded)
    }
  }

  /** Letter by letter, which is faster than an encoder as long as they are few and ASCII. */
  function putShort(text: string, length: number): boolean {
    reserve(length + 2)
    let to = at + (length < 24 ? 1 : 2)
    const target = page
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit > 0x7f) return false
      target[to++] = unit
    }
    if (length < 24) {
      page[at] = 0x60 | length
    } else {
      page[at] = 0x78
      page[at + 1] = length
    }
    at = to
    return true
  }

  function writeBytes(content: Uint8Array): void {
    writeHead(2, content.length)
    put(content)
  }

  function put(content: Uint8Array): void {
    reserve(content.length)
    page.set(content, at)
    at += content.length
  }
}

const DOLLAR = 0x24

function isArray(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value)
}

/** A key that a whole number becomes when it is read. */
function isWholeKey(key: string): boolean {
  return /^(?:0|-?[1-9]\d*)$/.test(key) && Number.isSafeInteger(Number(key))
}
