const FIRST_SIZE = 512

/** More room than this is not kept for the next message. */
const MAX_KEPT = 65_536

/** Up to here a text is written letter by letter: that is quicker than asking the encoder. */
const SHORT_TEXT = 48

const encoder = new TextEncoder()

/** Writes the protobuf wire format. */
export class WireWriter {
  #bytes = new Uint8Array(FIRST_SIZE)
  #at = 0
  #view: DataView | undefined

  /** Begins anew: a writer serves for many messages, one after the other. */
  reset(): this {
    this.#at = 0
    return this
  }

  /** What was written. */
  finish(): Uint8Array {
    const written = this.#bytes.slice(0, this.#at)
    if (this.#bytes.length > MAX_KEPT) {
      this.#bytes = new Uint8Array(FIRST_SIZE)
      this.#view = undefined
    }
    return written
  }

  tag(field: number, wire: number): void {
    this.uint32(((field << 3) | wire) >>> 0)
  }

  uint32(value: number): void {
    this.#room(5)
    let left = value >>> 0
    while (left > 0x7f) {
      this.#bytes[this.#at++] = (left & 0x7f) | 0x80
      left >>>= 7
    }
    this.#bytes[this.#at++] = left
  }

  /** A varint of 64 bits, given as its words. */
  words(low: number, high: number): void {
    this.#room(10)
    let lowLeft = low >>> 0
    let highLeft = high >>> 0
    while (highLeft !== 0 || lowLeft > 0x7f) {
      this.#bytes[this.#at++] = (lowLeft & 0x7f) | 0x80
      lowLeft = ((lowLeft >>> 7) | (highLeft << 25)) >>> 0
      highLeft >>>= 7
    }
    this.#bytes[this.#at++] = lowLeft
  }

  fixed32(low: number): void {
    this.#room(4)
    this.#data().setUint32(this.#at, low, true)
    this.#at += 4
  }

  fixed64(low: number, high: number): void {
    this.fixed32(low)
    this.fixed32(high)
  }

  float(value: number): void {
    this.#room(4)
    this.#data().setFloat32(this.#at, value, true)
    this.#at += 4
  }

  double(value: number): void {
    this.#room(8)
    this.#data().setFloat64(this.#at, value, true)
    this.#at += 8
  }

  /** A length, and the bytes. */
  block(bytes: Uint8Array): void {
    this.uint32(bytes.length)
    this.raw(bytes)
  }

  /** Bytes without a length. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  text(text: string): void {
    if (text.length > SHORT_TEXT || !this.#ascii(text)) this.block(encoder.encode(text))
  }

  /** A short text of ASCII and its length, which is one byte; false if it has other letters, and nothing is written. */
  #ascii(text: string): boolean {
    const { length } = text
    this.#room(length + 1)
    const bytes = this.#bytes
    const start = this.#at + 1
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) return false
      bytes[start + index] = code
    }
    bytes[this.#at] = length
    this.#at = start + length
    return true
  }

  /** Begins something with a length before it, which `close` fills in. */
  open(): number {
    this.#room(1)
    return this.#at++
  }

  close(mark: number): void {
    const length = this.#at - mark - 1
    const size = varintSize(length)
    if (size > 1) {
      this.#room(size - 1)
      this.#bytes.copyWithin(mark + size, mark + 1, this.#at)
    }
    this.#at = mark
    this.uint32(length)
    this.#at += length
  }

  #room(more: number): void {
    const needed = this.#at + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = undefined
  }

  #data(): DataView {
    this.#view ??= new DataView(this.#bytes.buffer)
    return this.#view
  }
}

function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

/** A whole number of 64 bits as its words, two's complement. */
export interface Words {
  readonly low: number
  readonly high: number
}

/** Texts of up to so many characters are numbers that a double keeps. */
const SAFE_DIGITS = 15

/** The words of a whole number or of the decimal text of one; `undefined` for all else and for what does not fit. */
export function wordsOf(value: unknown, signed: boolean): Words | undefined {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || (value < 0 && !signed)) return undefined
    return { low: value >>> 0, high: Math.floor(value / 0x1_0000_0000) >>> 0 }
  }
  if (typeof value !== 'string' || !/^-?\d{1,20}$/.test(value)) return undefined
  if (value.length <= SAFE_DIGITS) return wordsOf(Number(value), signed)
  const whole = BigInt(value)
  const fits = signed ? BigInt.asIntN(64, whole) === whole : BigInt.asUintN(64, whole) === whole
  if (!fits) return undefined
  return {
    low: Number(BigInt.asUintN(32, whole)),
    high: Number(BigInt.asUintN(32, whole >> 32n)),
  }
}
