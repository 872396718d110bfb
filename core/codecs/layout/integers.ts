import { faultAt, truncatedAt } from '../fault.ts'
import { orderOf, readBits, readUnsigned, writeBits, writeNumber } from './byte-order.ts'
import { type Context, labelOf } from './context.ts'
import { badLayout, outOfRange } from './fault.ts'
import type { LayoutField } from './options.ts'
import { type Reader, room, take, type Writer } from './state.ts'

/** A whole number in the bytes. */
export interface IntegerWire {
  read(reader: Reader): number | bigint
  write(writer: Writer, counts: number | bigint): void
}

/** How wide a whole number is, and how it is signed. */
export interface IntegerShape {
  readonly signed: boolean
  /** Bytes, where the field does not say it. */
  readonly length: number
}

/**
 * Prepares a whole number: of bytes, of the next `bits`, or of `bits` within bytes from `bit` on (0: the lowest).
 * @throws CoreError `codec.bad_options`.
 */
export function integerWire(
  field: LayoutField,
  { signed, length: usual }: IntegerShape,
  context: Context,
  path: string,
): IntegerWire {
  const { bit, bits } = field
  const length = field.length ?? usual
  if (typeof length !== 'number' || length < 1 || length > 8)
    throw badLayout(`${path}.length`, 'expected 1 to 8 bytes for a number, found another length')
  if (bits !== undefined && bit === undefined) return bitStream(field, bits, signed, context)
  const endian = field.endian ?? context.endian
  const order = orderOf(endian, length)
  if (order === undefined)
    throw badLayout(`${path}.endian`, `expected an even length for ${endian}, found ${length}`)
  const label = labelOf(field)
  if (bit !== undefined) {
    if (length > 6 || bit + (bits ?? 1) > 8 * length)
      throw badLayout(`${path}.bit`, `expected bits within ${length} bytes (of at most 6)`)
    return bitsWithin(label, order, bit, bits ?? 1, signed)
  }
  return wholeBytes(label, order, signed)
}

function wholeBytes(label: string, order: readonly number[], signed: boolean): IntegerWire {
  const size = order.length
  const width = 8 * size
  const half = 2 ** (width - 1)
  const span = 2 ** width
  return {
    read(reader) {
      const counts = readUnsigned(reader.bytes, take(reader, size, label), order)
      if (!signed) return counts
      if (size <= 6) return counts >= half ? Number(counts) - span : counts
      const wide = BigInt.asIntN(width, BigInt(counts))
      const narrow = Number(wide)
      return Number.isSafeInteger(narrow) ? narrow : wide
    },
    write(writer, counts) {
      const wide = BigInt(counts)
      const fits = signed ? BigInt.asIntN(width, wide) : BigInt.asUintN(width, wide)
      if (fits !== wide) throw outOfRange(label, signed ? -half : 0, (signed ? half : span) - 1)
      writeNumber(writer.bytes, room(writer, size), order, counts)
    },
  }
}

function bitStream(
  field: LayoutField,
  bits: number,
  signed: boolean,
  { lowFirst }: Context,
): IntegerWire {
  const label = labelOf(field)
  const narrow = narrowing(label, bits, signed)
  return {
    read(reader) {
      const from = reader.at * 8 + reader.bit
      const left = reader.end * 8 - from
      if (left < bits)
        throw truncatedAt(`layout: ${label}, in bits`, bits, Math.max(0, left), reader.at)
      if (from < 0) throw faultAt('codec.malformed', `layout: ${label} lies before the message`, 0)
      const value = readBits(reader.bytes, from, bits, lowFirst)
      const to = from + bits
      reader.at = Math.floor(to / 8)
      reader.bit = to % 8
      reader.furthest = Math.max(reader.furthest, Math.ceil(to / 8))
      return narrow.signOf(value)
    },
    write(writer, counts) {
      const value = narrow.check(counts)
      const from = writer.at * 8 + writer.bit
      writeBits(writer.bytes, from, bits, lowFirst, value)
      writer.at = Math.floor((from + bits) / 8)
      writer.bit = (from + bits) % 8
    },
  }
}

function bitsWithin(
  label: string,
  order: readonly number[],
  bit: number,
  bits: number,
  signed: boolean,
): IntegerWire {
  const narrow = narrowing(label, bits, signed)
  const weight = 2 ** bit
  return {
    read(reader) {
      const unit = Number(readUnsigned(reader.bytes, take(reader, order.length, label), order))
      return narrow.signOf(Math.floor(unit / weight) % 2 ** bits)
    },
    // Other fields may have bits of the same bytes: what stands there stays.
    write(writer, counts) {
      const at = room(writer, order.length)
      const unit = Number(readUnsigned(writer.bytes, at, order))
      const before = Math.floor(unit / weight) % 2 ** bits
      writeNumber(writer.bytes, at, order, unit + (narrow.check(counts) - before) * weight)
    },
  }
}

/** Numbers of fewer bits than bytes have. */
function narrowing(label: string, bits: number, signed: boolean) {
  const span = 2 ** bits
  const low = signed ? -span / 2 : 0
  const high = low + span - 1
  return {
    signOf: (value: number): number => (signed && value >= span / 2 ? value - span : value),
    check(counts: number | bigint): number {
      const value = Number(counts)
      if (!(value >= low && value <= high)) throw outOfRange(label, low, high)
      return value < 0 ? value + span : value
    },
  }
}

/** Decimal digits of four bits each. */
export function bcdWire(field: LayoutField, context: Context, path: string): IntegerWire {
  const { length = 1 } = field
  if (typeof length !== 'number' || length < 1 || length > 8)
    throw badLayout(`${path}.length`, 'expected 1 to 8 bytes of digits, found another length')
  const order = orderOf(field.endian ?? context.endian, length)
  if (order === undefined)
    throw badLayout(`${path}.endian`, `expected an even length, found ${length}`)
  const label = labelOf(field)
  return {
    read(reader) {
      const at = take(reader, length, label)
      let digits = ''
      for (const place of order) {
        const byte = reader.bytes[at + place] ?? 0
        if (byte >> 4 > 9 || (byte & 15) > 9)
          throw faultAt('codec.malformed', `layout: ${label}: expected decimal digits`, at + place)
        digits += `${byte >> 4}${byte & 15}`
      }
      const value = Number(digits)
      return Number.isSafeInteger(value) ? value : BigInt(digits)
    },
    write(writer, counts) {
      const digits = String(counts).padStart(2 * length, '0')
      if (!/^\d+$/.test(digits) || digits.length > 2 * length)
        throw outOfRange(label, 0, 10 ** (2 * length) - 1)
      const at = room(writer, length)
      order.forEach((place, index) => {
        writer.bytes[at + place] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16)
      })
    },
  }
}
