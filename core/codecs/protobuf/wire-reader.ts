import { faultAt, truncatedAt } from '../fault.ts'

/** How the bytes of one field are laid out. Source: protobuf.dev, encoding, "message structure". */
export const WIRE = {
  varint: 0,
  fixed64: 1,
  bytes: 2,
  startGroup: 3,
  endGroup: 4,
  fixed32: 5,
} as const

/** Below this, high words make numbers that a double keeps. */
const SAFE_HIGH = 0x20_0000

/** Up to here a text is put together byte by byte: that is quicker than asking the decoder. */
const SHORT_TEXT = 24

/** Groups inside of groups; nobody writes them any more. */
const MAX_GROUPS = 64

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the protobuf wire format. `end` is where the message at hand ends: nothing behind it is looked at. */
export class WireReader {
  readonly bytes: Uint8Array
  at = 0
  end: number
  /** The words of the last number of 64 bits. */
  low = 0
  high = 0
  #view: DataView | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.end = bytes.length
  }

  /** The low 32 bits of a varint, unsigned. */
  uint32(): number {
    const first = this.bytes[this.at]
    if (first !== undefined && first < 0x80 && this.at < this.end) {
      this.at++
      return first
    }
    this.words()
    return this.low
  }

  /** A varint into `low` and `high`. */
  words(): void {
    const { bytes, end } = this
    const start = this.at
    let at = start
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at]
      if (byte === undefined || at >= end) throw this.#short('a varint', at - start + 1)
      at++
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        this.at = at
        this.low = low >>> 0
        this.high = high >>> 0
        return
      }
    }
    throw faultAt(
      'codec.malformed',
      'expected a varint of at most 10 bytes, found a longer one',
      start,
    )
  }

  /** A tag: number of the field times 8, and how it is laid out. */
  tag(): number {
    const start = this.at
    const tag = this.uint32()
    if (tag >>> 3 === 0)
      throw faultAt('codec.malformed', 'expected the number of a field, found 0', start)
    return tag
  }

  /** Four bytes into `low`. */
  fixed32(): number {
    const { bytes } = this
    const at = this.#take('a fixed 32-bit value', 4)
    this.low =
      ((bytes[at] ?? 0) |
        ((bytes[at + 1] ?? 0) << 8) |
        ((bytes[at + 2] ?? 0) << 16) |
        ((bytes[at + 3] ?? 0) << 24)) >>>
      0
    return this.low
  }

  /** Eight bytes into `low` and `high`. */
  fixed64(): void {
    if (this.end - this.at < 8) throw this.#short('a fixed 64-bit value', 8)
    const low = this.fixed32()
    this.high = this.fixed32()
    this.low = low
  }

  float(): number {
    const at = this.#take('a float', 4)
    return this.#data().getFloat32(at, true)
  }

  double(): number {
    const at = this.#take('a double', 8)
    return this.#data().getFloat64(at, true)
  }

  /** The length of what follows, checked: so many bytes are there. */
  length(what: string): number {
    const start = this.at
    this.words()
    const left = this.end - this.at
    if (this.high !== 0 || this.low > left)
      throw truncatedAt(what, this.high * 0x1_0000_0000 + this.low, left, start)
    return this.low
  }

  /** Bytes as they stand: a view, not a copy. */
  block(): Uint8Array {
    const length = this.length('bytes')
    const start = this.at
    this.at = start + length
    return this.bytes.subarray(start, this.at)
  }

  text(): string {
    const length = this.length('a text')
    const start = this.at
    this.at = start + length
    return readUtf8(this.bytes, start, this.at)
  }

  /** Goes past a field whose tag has been read. */
  skip(tag: number): void {
    this.#skip(tag, 0)
  }

  #skip(tag: number, depth: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.words()
        return
      case WIRE.fixed64:
        this.#take('a fixed 64-bit value', 8)
        return
      case WIRE.bytes: {
        const length = this.length('bytes')
        this.at += length
        return
      }
      case WIRE.startGroup:
        this.#skipGroup(tag, depth + 1)
        return
      case WIRE.fixed32:
        this.#take('a fixed 32-bit value', 4)
        return
      default:
        throw faultAt(
          'codec.malformed',
          `expected a wire type from 0 to 5 that begins something, found ${tag & 7}`,
          this.at - 1,
        )
    }
  }

  #skipGroup(opened: number, depth: number): void {
    if (depth > MAX_GROUPS)
      throw faultAt(
        'codec.too_deep',
        `expected at most ${MAX_GROUPS} groups inside of each other, found more`,
        this.at,
      )
    for (;;) {
      const tag = this.tag()
      if ((tag & 7) !== WIRE.endGroup) this.#skip(tag, depth)
      else if (tag >>> 3 === opened >>> 3) return
      else
        throw faultAt(
          'codec.malformed',
          `expected the end of group ${opened >>> 3}, found that of ${tag >>> 3}`,
          this.at - 1,
        )
    }
  }

  #take(what: string, size: number): number {
    const { at } = this
    if (this.end - at < size) throw this.#short(what, size)
    this.at = at + size
    return at
  }

  #data(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
    return this.#view
  }

  #short(what: string, needed: number): Error {
    return truncatedAt(what, needed, Math.max(0, this.end - this.at), this.at)
  }
}

/**
 * A text of bytes.
 * @throws CoreError `codec.malformed` if they are not UTF-8.
 */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT_TEXT) {
    let text = ''
    let at = start
    for (; at < end; at++) {
      const byte = bytes[at]
      if (byte === undefined || byte > 0x7f) break
      text += String.fromCharCode(byte)
    }
    if (at === end) return text
  }
  try {
    return utf8.decode(bytes.subarray(start, end))
  } catch {
    throw faultAt(
      'codec.malformed',
      `expected a text in UTF-8, found ${end - start} bytes that are not`,
      start,
    )
  }
}

/** Two words as a whole number without sign; a decimal text where a double would lose digits. */
export function unsigned64(low: number, high: number): number | string {
  if (high < SAFE_HIGH) return high * 0x1_0000_0000 + low
  return ((BigInt(high) << 32n) | BigInt(low)).toString()
}

/** Two words as a whole number in two's complement; a decimal text where a double would lose digits. */
export function signed64(low: number, high: number): number | string {
  const signed = high | 0
  if (signed < SAFE_HIGH && signed >= -SAFE_HIGH) {
    const value = signed * 0x1_0000_0000 + low
    if (value > -0x20_0000_0000_0000) return value
  }
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)).toString()
}

/** The shortest decimal number that is this 32-bit float: 12.3, not 12.300000190734863. */
export function shortestFloat(value: number): number {
  const size = Math.abs(value)
  // Whole numbers below this are printed digit by digit: they are what they are.
  if (!Number.isFinite(value) || (Number.isInteger(value) && size < 1e21)) return value
  if (size > 1e-3 && size < 1e9) {
    for (let scale = 10; scale <= 1e9; scale *= 10) {
      const rounded = Math.round(value * scale) / scale
      if (Math.fround(rounded) === value) return rounded
    }
  }
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (Math.fround(rounded) === value) return rounded
  }
  return Number(value.toPrecision(9))
}
