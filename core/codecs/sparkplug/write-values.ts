import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json } from '../../model/json.ts'
import { WIRE } from '../protobuf/wire-reader.ts'
import { type WireWriter, wordsOf } from '../protobuf/wire-writer.ts'
import { DATA_TYPES, isArrayType, sizeInArray, TYPE } from './data-types.ts'
import { fromHex } from './hex.ts'
import { KIND } from './values.ts'

/** A value that the format cannot say. */
export function wrongValue(where: string, expected: string, found: Json | undefined): CoreError {
  return new CoreError('codec.wrong_type', `${where}: expected ${expected}, found ${kindOf(found)}`)
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value)
    ? 'an array'
    : typeof value === 'object'
      ? 'an object'
      : `a ${typeof value}`
}

/** A whole number that JSON cannot say may come as a text, or as `{bigint: text}`. */
function digitsOf(value: Json): Json {
  return isJsonObject(value) ? (value['bigint'] ?? value) : value
}

/** Ranges of the whole numbers that go into 32 bits. */
const RANGES: Readonly<Record<number, readonly [number, number]>> = {
  [TYPE.int8]: [-0x80, 0x7f],
  [TYPE.int16]: [-0x8000, 0x7fff],
  [TYPE.int32]: [-0x8000_0000, 0x7fff_ffff],
  [TYPE.uint8]: [0, 0xff],
  [TYPE.uint16]: [0, 0xffff],
  [TYPE.uint32]: [0, 0xffff_ffff],
}

/**
 * Writes a simple value into the fields of `oneof value` that begin at number `first`; one without a type as it would have
 * to stand to be read as the same.
 * @throws CoreError `codec.wrong_type` or `codec.out_of_range`.
 */
export function writeScalar(
  writer: WireWriter,
  first: number,
  type: number,
  value: Json,
  where: string,
): void {
  switch (type) {
    case TYPE.int8:
    case TYPE.int16:
    case TYPE.int32:
    case TYPE.uint8:
    case TYPE.uint16:
    case TYPE.uint32: {
      const [least, most] = RANGES[type] ?? [0, 0]
      const given = digitsOf(value)
      const number = typeof given === 'string' && /^-?\d{1,11}$/.test(given) ? Number(given) : given
      if (typeof number !== 'number')
        throw wrongValue(where, `a value of ${DATA_TYPES[type]}`, value)
      if (!Number.isInteger(number) || number < least || number > most)
        throw new CoreError(
          'codec.out_of_range',
          `${where}: expected a whole number from ${least} to ${most}, found another number`,
        )
      writer.tag(first + KIND.int, WIRE.varint)
      writer.uint32(number)
      return
    }
    case TYPE.int64:
    case TYPE.uint64:
    case TYPE.dateTime: {
      const words = wordsOf(digitsOf(value), type === TYPE.int64)
      if (words === undefined)
        throw wrongValue(where, `a whole number of ${DATA_TYPES[type]}, or the text of one`, value)
      writer.tag(first + KIND.long, WIRE.varint)
      writer.words(words.low, words.high)
      return
    }
    case TYPE.float:
      if (typeof value !== 'number') throw wrongValue(where, 'a number', value)
      writer.tag(first + KIND.float, WIRE.fixed32)
      writer.float(value)
      return
    case TYPE.double:
      if (typeof value !== 'number') throw wrongValue(where, 'a number', value)
      writer.tag(first + KIND.double, WIRE.fixed64)
      writer.double(value)
      return
    case TYPE.boolean:
      if (typeof value !== 'boolean') throw wrongValue(where, 'true or false', value)
      writer.tag(first + KIND.boolean, WIRE.varint)
      writer.uint32(value ? 1 : 0)
      return
    case TYPE.string:
    case TYPE.text:
    case TYPE.uuid:
      if (typeof value !== 'string') throw wrongValue(where, 'a text', value)
      writer.tag(first + KIND.text, WIRE.bytes)
      writer.text(value)
      return
    case TYPE.bytes:
    case TYPE.file: {
      const bytes = typeof value === 'string' ? fromHex(value) : undefined
      if (bytes === undefined) throw wrongValue(where, 'bytes as hex', value)
      writer.tag(first + KIND.bytes, WIRE.bytes)
      writer.block(bytes)
      return
    }
    default:
      if (isArrayType(type)) {
        if (!Array.isArray(value)) throw wrongValue(where, 'an array', value)
        writer.tag(first + KIND.bytes, WIRE.bytes)
        writer.block(arrayBytes(type, value, where))
        return
      }
      writeScalar(writer, first, guessType(value, where), value, where)
  }
}

/** The type that a value without one is written as. */
function guessType(value: Json, where: string): number {
  const given = digitsOf(value)
  if (typeof given === 'boolean') return TYPE.boolean
  if (typeof given === 'string') return typeof value === 'object' ? TYPE.uint64 : TYPE.string
  if (typeof given !== 'number') throw wrongValue(where, 'a simple value, or a dataType', value)
  if (!Number.isInteger(given)) return TYPE.double
  if (given >= 0 && given <= 0xffff_ffff) return TYPE.uint32
  if (given < 0 && given >= -0x8000_0000) return TYPE.int32
  return given >= 0 ? TYPE.uint64 : TYPE.int64
}

const encoder = new TextEncoder()

/** The bytes of an array. Shape as in `readArray`. */
function arrayBytes(type: number, values: readonly Json[], where: string): Uint8Array {
  if (type === TYPE.booleanArray) return booleanBytes(values, where)
  if (type === TYPE.stringArray) return textBytes(values, where)
  const size = sizeInArray(type)
  const bytes = new Uint8Array(values.length * size)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const value of values) {
    writeOne(type, view, at, value, where)
    at += size
  }
  return bytes
}

/** The type of the values of an array of whole numbers up to 32 bits. */
const ELEMENTS: Readonly<Record<number, number>> = {
  [TYPE.int8Array]: TYPE.int8,
  [TYPE.int16Array]: TYPE.int16,
  [TYPE.int32Array]: TYPE.int32,
  [TYPE.uint8Array]: TYPE.uint8,
  [TYPE.uint16Array]: TYPE.uint16,
  [TYPE.uint32Array]: TYPE.uint32,
}

function writeOne(type: number, view: DataView, at: number, value: Json, where: string): void {
  const range = RANGES[ELEMENTS[type] ?? -1]
  if (range !== undefined) {
    const [least, most] = range
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      throw new CoreError(
        'codec.out_of_range',
        `${where}: expected whole numbers from ${least} to ${most}, found another value`,
      )
    const size = sizeInArray(type)
    if (size === 1) view.setInt8(at, value)
    else if (size === 2) view.setInt16(at, value, true)
    else view.setInt32(at, value, true)
    return
  }
  if (type === TYPE.floatArray || type === TYPE.doubleArray) {
    if (typeof value !== 'number' && value !== null) throw wrongValue(where, 'numbers', value)
    const number = value ?? Number.NaN
    if (type === TYPE.floatArray) view.setFloat32(at, number, true)
    else view.setFloat64(at, number, true)
    return
  }
  const words = wordsOf(digitsOf(value), type === TYPE.int64Array)
  if (words === undefined) throw wrongValue(where, 'whole numbers, or the texts of some', value)
  view.setUint32(at, words.low, true)
  view.setUint32(at + 4, words.high, true)
}

function booleanBytes(values: readonly Json[], where: string): Uint8Array {
  const bytes = new Uint8Array(4 + Math.ceil(values.length / 8))
  new DataView(bytes.buffer).setUint32(0, values.length, true)
  for (const [index, value] of values.entries()) {
    if (typeof value !== 'boolean') throw wrongValue(where, 'true or false', value)
    if (value) bytes[4 + (index >> 3)] = (bytes[4 + (index >> 3)] ?? 0) | (0x80 >> (index & 7))
  }
  return bytes
}

function textBytes(values: readonly Json[], where: string): Uint8Array {
  for (const value of values)
    if (typeof value !== 'string' || value.includes('\0'))
      throw wrongValue(where, 'texts without a zero character', value)
  return encoder.encode(values.map((value) => `${value}\0`).join(''))
}
