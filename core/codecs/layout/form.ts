import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json } from '../../model/json.ts'
import { faultAt, truncatedAt } from '../fault.ts'
import { readUnsigned, writeNumber } from './byte-order.ts'
import { CHECKSUMS, type Checksum } from './checksum.ts'
import { fieldsIn } from './condition.ts'
import { badLayout } from './fault.ts'
import { fieldsOf } from './fields.ts'
import type { LayoutField, LayoutForm, LayoutOptions } from './options.ts'
import type { Reader, Writer } from './state.ts'

/** One form of message, ready to be read and written. */
export interface FormPlan {
  /** @throws CoreError `codec.*`. */
  read(bytes: Uint8Array, warnings: string[]): Json
  /** @throws CoreError `codec.*`. */
  write(value: Json): Uint8Array
}

/**
 * Prepares a form; what it does not say, the layout around it may.
 * @throws CoreError `codec.bad_options`.
 */
export function formOf(form: LayoutForm, around: LayoutOptions, path: string): FormPlan {
  const prefix = path === '' ? '' : `${path}.`
  const fields = form.fields ?? []
  if (fields.length === 0) throw badLayout(`${prefix}fields`, 'expected fields, found none')
  const plan = fieldsOf(
    fields,
    {
      endian: form.endian ?? around.endian ?? 'big',
      lowFirst: (form.bitOrder ?? around.bitOrder) === 'lsb',
      units: around.units ?? false,
      declared: new Set(),
      asked: new Set(askedIn(fields)),
      derived: new Map(),
    },
    `${prefix}fields`,
  )
  const sum = checksumOf(form.checksum ?? around.checksum, `${prefix}checksum`)
  const length = form.length ?? around.length
  const trailing = form.trailing ?? around.trailing ?? 'refuse'
  const { min = 0, max = Number.POSITIVE_INFINITY } =
    typeof length === 'number' ? { min: length, max: length } : (length ?? {})
  return {
    read(bytes, warnings) {
      if (bytes.length < min)
        throw truncatedAt('layout: the message', min, bytes.length, bytes.length)
      if (bytes.length > max)
        throw faultAt(
          'codec.trailing_bytes',
          `layout: expected at most ${max} bytes, found ${bytes.length}`,
          max,
        )
      const end = sum === undefined ? bytes.length : sum.check(bytes)
      const reader: Reader = {
        bytes,
        warnings,
        counts: new Map(),
        count: undefined,
        base: 0,
        end,
        at: 0,
        bit: 0,
        furthest: 0,
      }
      const value: Record<string, Json> = {}
      plan.read(reader, value)
      if (trailing === 'refuse' && reader.furthest < end)
        throw faultAt(
          'codec.trailing_bytes',
          `layout: expected the end of the message, found ${end - reader.furthest} bytes more`,
          reader.furthest,
        )
      return value
    },
    write(value) {
      if (!isJsonObject(value))
        throw new CoreError('codec.wrong_type', 'layout: expected an object of values, found none')
      const total = typeof length === 'number' ? length : undefined
      const writer: Writer = {
        bytes: [],
        counts: new Map(),
        count: undefined,
        total,
        base: 0,
        at: 0,
        bit: 0,
      }
      plan.write(writer, value)
      const fill = (total ?? 0) - (sum?.atEnd === true ? sum.size : 0)
      while (writer.bytes.length < fill) writer.bytes.push(0)
      sum?.put(writer.bytes)
      const size = writer.bytes.length
      if (size < min || size > max)
        throw new CoreError(
          'codec.wrong_type',
          `layout: expected a message of ${min} to ${max} bytes, found values for ${size}`,
        )
      return Uint8Array.from(writer.bytes)
    },
  }
}

/** A checksum with its place. */
interface PlacedChecksum {
  readonly size: number
  /** Whether nothing but the checksum stands from its place on. */
  readonly atEnd: boolean
  /** Gives where the fields end. @throws CoreError `codec.checksum` or `codec.truncated`. */
  check(bytes: Uint8Array): number
  /** Adds it to a message, or puts it into one. */
  put(bytes: number[]): void
}

function checksumOf(given: LayoutForm['checksum'], path: string): PlacedChecksum | undefined {
  if (given === undefined) return undefined
  const sum: Checksum | undefined = Object.hasOwn(CHECKSUMS, given.type)
    ? CHECKSUMS[given.type]
    : undefined
  if (sum === undefined)
    throw badLayout(
      `${path}.type`,
      `expected one of ${Object.keys(CHECKSUMS).join(', ')}, found ${given.type}`,
    )
  const { size } = sum
  const at = given.at ?? -size
  if (at < 0 && at > -size)
    throw badLayout(`${path}.at`, `expected room for ${size} bytes, found ${-at}`)
  const places = Array.from({ length: size }, (_, index) => index)
  const order = (given.endian ?? sum.endian) === 'little' ? places.toReversed() : places
  const atEnd = at === -size
  const ofPlace = (place: number, length: number): number => (place < 0 ? length + place : place)
  const sumOf = (bytes: ArrayLike<number>, start: number): number =>
    sum.of(bytes, ofPlace(given.from ?? 0, bytes.length), ofPlace(given.to ?? start, bytes.length))
  return {
    size,
    atEnd,
    check(bytes) {
      const start = ofPlace(at, bytes.length)
      if (start < 0 || start + size > bytes.length)
        throw truncatedAt(
          'layout: the checksum',
          size,
          Math.max(0, bytes.length - start),
          Math.max(0, start),
        )
      if (Number(readUnsigned(bytes, start, order)) !== sumOf(bytes, start))
        throw faultAt(
          'codec.checksum',
          `layout: expected the right ${given.type}, found another`,
          start,
        )
      return atEnd ? start : bytes.length
    },
    put(bytes) {
      if (atEnd) for (let index = 0; index < size; index++) bytes.push(0)
      const start = ofPlace(at, bytes.length)
      while (bytes.length < start + size) bytes.push(0)
      writeNumber(bytes, start, order, sumOf(bytes, start))
    },
  }
}

/** Names of fields that other fields ask for. */
function askedIn(fields: readonly LayoutField[]): readonly string[] {
  return fields.flatMap(
    ({ when, length, count, by, fields: inner = [], cases = {}, otherwise = [] }) => [
      ...(when === undefined ? [] : fieldsIn(when)),
      ...(typeof length === 'object' ? [length.field] : []),
      ...(typeof count === 'object' ? [count.field] : []),
      ...(by === undefined ? [] : [by]),
      ...askedIn(inner),
      ...Object.values(cases).flatMap(askedIn),
      ...askedIn(otherwise),
    ],
  )
}
