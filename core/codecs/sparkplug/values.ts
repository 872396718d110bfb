import type { Json } from '../../model/json.ts'
import {
  shortestFloat,
  signed64,
  unsigned64,
  WIRE,
  type WireReader,
} from '../protobuf/wire-reader.ts'
import { readArray } from './arrays.ts'
import { DATA_TYPES, isArrayType, TYPE } from './data-types.ts'
import { toHex } from './hex.ts'

/** Which of the fields of `oneof value` was there. */
export const KIND = {
  none: -1,
  int: 0,
  long: 1,
  float: 2,
  double: 3,
  boolean: 4,
  text: 5,
  bytes: 6,
  /** A data set, a template or properties. */
  nested: 7,
} as const

/** A value as it stands on the wire: its type may come after it, or not at all. */
export class Slot {
  kind: number = KIND.none
  low = 0
  high = 0
  number = 0
  text = ''
  bytes: Uint8Array = NO_BYTES
  nested: Json = null
  /** Where the value begins. */
  at = 0
}

const NO_BYTES = new Uint8Array()

/** How the fields of `oneof value` are laid out, by kind. */
const WIRES: readonly number[] = [
  WIRE.varint,
  WIRE.varint,
  WIRE.fixed32,
  WIRE.fixed64,
  WIRE.varint,
  WIRE.bytes,
  WIRE.bytes,
]

/** Reads a value of one of the simple kinds; false if it is laid out otherwise, and nothing is read. */
export function readScalar(reader: WireReader, kind: number, wire: number, into: Slot): boolean {
  if (WIRES[kind] !== wire) return false
  into.kind = kind
  into.at = reader.at
  switch (kind) {
    case KIND.int:
    case KIND.long:
      into.low = reader.uint32()
      // One byte leaves the words alone.
      into.high = reader.at - into.at > 1 ? reader.high : 0
      return true
    case KIND.float:
      into.number = reader.float()
      return true
    case KIND.double:
      into.number = reader.double()
      return true
    case KIND.boolean:
      into.low = reader.uint32()
      into.high = reader.at - into.at > 1 ? reader.high : 0
      return true
    case KIND.text:
      into.text = reader.text()
      return true
    default:
      into.bytes = reader.block()
      into.at = reader.at - into.bytes.length
      return true
  }
}

/** Takes what a person should know of a message. */
export type Warn = (sentence: string) => void

/**
 * The value of a slot as its type has it. A value whose type is not known, or that is laid out as no value of the type is,
 * stays what it is on the wire.
 *
 * Range: whole numbers beyond 2^53 are decimal texts; NaN and infinities are null; bytes are hex.
 */
export function typedValue(slot: Slot, type: number, warn: Warn): Json {
  switch (type) {
    case TYPE.int8:
      return whole(slot, type, warn, (slot.low << 24) >> 24, -0x80, 0xff)
    case TYPE.int16:
      return whole(slot, type, warn, (slot.low << 16) >> 16, -0x8000, 0xffff)
    case TYPE.int32:
      return whole(slot, type, warn, slot.low | 0, -0x8000_0000, 0xffff_ffff)
    case TYPE.uint8:
      return whole(slot, type, warn, slot.low & 0xff, 0, 0xff)
    case TYPE.uint16:
      return whole(slot, type, warn, slot.low & 0xffff, 0, 0xffff)
    case TYPE.uint32:
      return whole(slot, type, warn, slot.low, 0, 0xffff_ffff)
    case TYPE.int64:
      if (slot.kind === KIND.long) return signed64(slot.low, slot.high)
      // Senders that save bytes put what fits into 32 bits there; its sign is that of 32 bits.
      return slot.kind === KIND.int ? slot.low | 0 : mismatch(slot, type, warn)
    case TYPE.uint64:
    case TYPE.dateTime:
      if (slot.kind === KIND.long) return unsigned64(slot.low, slot.high)
      return slot.kind === KIND.int ? slot.low : mismatch(slot, type, warn)
    case TYPE.float:
    case TYPE.double:
      return slot.kind === KIND.float || slot.kind === KIND.double
        ? rawValue(slot, warn)
        : mismatch(slot, type, warn)
    case TYPE.boolean:
      if (slot.kind === KIND.boolean || slot.kind === KIND.int || slot.kind === KIND.long)
        return slot.low !== 0 || slot.high !== 0
      return mismatch(slot, type, warn)
    case TYPE.string:
    case TYPE.text:
    case TYPE.uuid:
      return slot.kind === KIND.text ? slot.text : mismatch(slot, type, warn)
    case TYPE.bytes:
    case TYPE.file:
      return slot.kind === KIND.bytes ? toHex(slot.bytes) : mismatch(slot, type, warn)
    case TYPE.dataSet:
    case TYPE.template:
    case TYPE.propertySet:
    case TYPE.propertySetList:
      return slot.kind === KIND.nested ? slot.nested : mismatch(slot, type, warn)
    default:
      if (!isArrayType(type)) return rawValue(slot, warn)
      if (slot.kind !== KIND.bytes) return mismatch(slot, type, warn)
      return array(slot, type, warn)
  }
}

/** Numbers of up to 32 bits come in a field of 32 bits or, from some senders, in one of 64: both are taken. */
function whole(
  slot: Slot,
  type: number,
  warn: Warn,
  value: number,
  least: number,
  most: number,
): Json {
  if (slot.kind !== KIND.int && slot.kind !== KIND.long) return mismatch(slot, type, warn)
  const { low } = slot
  const signed = low | 0
  // Without sign, or negative in two's complement of 32 or 64 bits.
  const fits = low <= most || (signed < 0 && signed >= least)
  const isWide =
    slot.kind === KIND.long && slot.high !== 0 && (least === 0 || slot.high !== 0xffff_ffff)
  if (!fits || isWide)
    warn(`expected a value of ${DATA_TYPES[type]}, found one that is too large: its low bits count`)
  return value
}

function array(slot: Slot, type: number, warn: Warn): Json {
  const values = readArray(type, slot.bytes, slot.at)
  if ((type === TYPE.floatArray || type === TYPE.doubleArray) && values.includes(null))
    warn(NOT_FINITE)
  return values
}

const NOT_FINITE = 'expected a finite number, found NaN or an infinity: it is null'

function mismatch(slot: Slot, type: number, warn: Warn): Json {
  warn(`expected a value of ${DATA_TYPES[type]}, found one that is laid out otherwise`)
  return rawValue(slot, warn)
}

/** The value as it stands on the wire. */
function rawValue(slot: Slot, warn: Warn): Json {
  switch (slot.kind) {
    case KIND.int:
      return slot.low
    case KIND.long:
      return unsigned64(slot.low, slot.high)
    case KIND.float:
    case KIND.double: {
      const value = slot.kind === KIND.float ? shortestFloat(slot.number) : slot.number
      if (Number.isFinite(value)) return value
      warn(NOT_FINITE)
      return null
    }
    case KIND.boolean:
      return slot.low !== 0 || slot.high !== 0
    case KIND.text:
      return slot.text
    case KIND.bytes:
      return toHex(slot.bytes)
    case KIND.nested:
      return slot.nested
    default:
      return null
  }
}
