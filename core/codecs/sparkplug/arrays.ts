import type { Json } from '../../model/json.ts'
import { faultAt, truncatedAt } from '../fault.ts'
import { readUtf8, shortestFloat, signed64, unsigned64 } from '../protobuf/wire-reader.ts'
import { DATA_TYPES, sizeInArray, TYPE } from './data-types.ts'

/**
 * The values of an array type.
 *
 * Shape:  values one after the other, little-endian; booleans as a count of 4 bytes and bits, the highest first; texts each
 *         with a zero byte behind it.
 * Source: Sparkplug 3.0.0, 6.4.16.3. Where the examples printed there contradict the rule, the rule counts.
 *
 * @throws CoreError `codec.truncated` or `codec.malformed`; `offset` is where the bytes stand in the message.
 */
export function readArray(type: number, bytes: Uint8Array, offset: number): readonly Json[] {
  if (type === TYPE.booleanArray) return readBooleans(bytes, offset)
  if (type === TYPE.stringArray) return readTexts(bytes, offset)
  const size = sizeInArray(type)
  const left = bytes.length % size
  if (left !== 0)
    throw truncatedAt(`a value of ${DATA_TYPES[type]}`, size, left, offset + bytes.length - left)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values: Json[] = new Array(bytes.length / size)
  for (let index = 0; index < values.length; index++)
    values[index] = readOne(type, view, index * size)
  return values
}

/** A number; `null` for one that JSON cannot say. */
function readOne(type: number, view: DataView, at: number): Json {
  switch (type) {
    case TYPE.int8Array:
      return view.getInt8(at)
    case TYPE.int16Array:
      return view.getInt16(at, true)
    case TYPE.int32Array:
      return view.getInt32(at, true)
    case TYPE.int64Array:
      return signed64(view.getUint32(at, true), view.getUint32(at + 4, true))
    case TYPE.uint8Array:
      return view.getUint8(at)
    case TYPE.uint16Array:
      return view.getUint16(at, true)
    case TYPE.uint32Array:
      return view.getUint32(at, true)
    case TYPE.floatArray:
      return finite(shortestFloat(view.getFloat32(at, true)))
    case TYPE.doubleArray:
      return finite(view.getFloat64(at, true))
    default:
      return unsigned64(view.getUint32(at, true), view.getUint32(at + 4, true))
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function readBooleans(bytes: Uint8Array, offset: number): readonly boolean[] {
  if (bytes.length < 4) throw truncatedAt('the count of a BooleanArray', 4, bytes.length, offset)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = view.getUint32(0, true)
  const needed = Math.ceil(count / 8)
  if (bytes.length - 4 < needed)
    throw truncatedAt('the bits of a BooleanArray', needed, bytes.length - 4, offset + 4)
  const values: boolean[] = []
  for (let index = 0; index < count; index++)
    values.push(((bytes[4 + (index >> 3)] ?? 0) & (0x80 >> (index & 7))) !== 0)
  return values
}

function readTexts(bytes: Uint8Array, offset: number): readonly string[] {
  const values: string[] = []
  let start = 0
  while (start < bytes.length) {
    const end = bytes.indexOf(0, start)
    if (end < 0)
      throw faultAt(
        'codec.truncated',
        'a value of StringArray: expected a zero byte behind it, found the end',
        offset + start,
      )
    try {
      values.push(readUtf8(bytes, start, end))
    } catch {
      throw faultAt(
        'codec.malformed',
        'expected texts in UTF-8, found bytes that are not',
        offset + start,
      )
    }
    start = end + 1
  }
  return values
}
