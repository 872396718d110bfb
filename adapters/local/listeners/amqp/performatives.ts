import {
  type Budget,
  describedAt,
  descriptorAt,
  type FieldKind,
  kindAt,
  walkValue,
} from './values.ts'
import { malformed } from './violation.ts'

/** The body of a frame: which it is, where its fields stand and where it ends. */
export interface Performative {
  readonly code: number
  /** Offsets of the fields that are there. */
  readonly fields: readonly number[]
  readonly end: number
}

/** What a field may hold; `!` says that it has to be there. A number is the descriptor of what is described. */
type Field = readonly (FieldKind | number | '!')[]

const UINT: Field = ['uint']
const NEEDED_UINT: Field = ['uint', '!']
const BOOLEAN: Field = ['boolean']
const SYMBOLS: Field = ['symbol', 'array']
const MAP: Field = ['map']
const ERROR: Field = [0x1d]
const ANYTHING: Field = []

/** The frames that clients may send, with their fields. Source: AMQP 1.0, part 2, 2.7, and part 5, 5.3.3. */
const FRAMES: Readonly<Record<number, readonly Field[]>> = {
  // open
  16: [
    ['string', '!'],
    ['string'],
    UINT,
    ['ushort'],
    UINT,
    SYMBOLS,
    SYMBOLS,
    SYMBOLS,
    SYMBOLS,
    MAP,
  ],
  // begin
  17: [['ushort'], NEEDED_UINT, NEEDED_UINT, NEEDED_UINT, UINT, SYMBOLS, SYMBOLS, MAP],
  // attach
  18: [
    ['string', '!'],
    NEEDED_UINT,
    ['boolean', '!'],
    ['ubyte'],
    ['ubyte'],
    [0x28],
    [0x29],
    MAP,
    BOOLEAN,
    UINT,
    ['ulong'],
    SYMBOLS,
    SYMBOLS,
    MAP,
  ],
  // flow
  19: [UINT, NEEDED_UINT, NEEDED_UINT, NEEDED_UINT, UINT, UINT, UINT, UINT, BOOLEAN, BOOLEAN, MAP],
  // transfer
  20: [
    NEEDED_UINT,
    UINT,
    ['binary'],
    UINT,
    BOOLEAN,
    BOOLEAN,
    ['ubyte'],
    [0x23, 0x24, 0x25, 0x26, 0x27],
    BOOLEAN,
    BOOLEAN,
    BOOLEAN,
  ],
  // disposition
  21: [['boolean', '!'], NEEDED_UINT, UINT, BOOLEAN, [0x23, 0x24, 0x25, 0x26, 0x27], BOOLEAN],
  // detach, end, close
  22: [NEEDED_UINT, BOOLEAN, ERROR],
  23: [ERROR],
  24: [ERROR],
  // SASL init
  65: [['symbol', '!'], ['binary'], ['string']],
}

/** The sections of a message, by their descriptors. Source: AMQP 1.0, part 3, 3.2. */
const SECTIONS: Readonly<Record<number, Field>> = {
  112: ['list'],
  113: MAP,
  114: MAP,
  115: ['list'],
  116: MAP,
  117: ['binary'],
  118: ['list'],
  119: ANYTHING,
  120: MAP,
}

/**
 * Reads the body of a frame, as far as its fields have to be what they are said to be.
 * @throws AmqpViolation
 */
export function readPerformative(
  frame: Buffer,
  start: number,
  end: number,
  budget: Budget,
): Performative {
  const stop = walkValue(frame, start, end, budget)
  const code = descriptorAt(frame, start)
  const schema = code === undefined ? undefined : FRAMES[code]
  if (code === undefined || schema === undefined) throw malformed('expected a frame of a client')
  const list = describedAt(frame, start)
  const fields = fieldsOf(frame, list, budget)
  if (fields.length > schema.length)
    throw malformed(`expected at most ${schema.length} fields, found ${fields.length}`)
  let index = 0
  for (const field of schema) check(frame, fields[index++], field)
  return { code, fields, end: stop }
}

/**
 * Walks the sections of an encoded message. What it allows, a decoder may read without care.
 * @throws AmqpViolation
 */
export function walkMessage(bytes: Buffer, budget: Budget): void {
  let at = 0
  while (at < bytes.length) {
    const next = walkValue(bytes, at, bytes.length, budget)
    const code = descriptorAt(bytes, at)
    const section = code === undefined ? undefined : SECTIONS[code]
    if (section === undefined) throw malformed('expected a section of a message')
    const value = describedAt(bytes, at)
    const kind = kindAt(bytes, value)
    if (section !== ANYTHING && !section.includes(kind))
      throw malformed(`expected another kind of section, found ${kind}`)
    at = next
  }
}

/** Whether a field is there and holds something. */
export function isGiven(frame: Buffer, at: number | undefined): at is number {
  return at !== undefined && frame[at] !== 0x40
}

function fieldsOf(frame: Buffer, list: number, budget: Budget): readonly number[] {
  if (kindAt(frame, list) !== 'list') throw malformed('expected a list of fields')
  const code = frame[list]
  if (code === 0x45) return []
  const width = code === 0xc0 ? 1 : 4
  const size = width === 1 ? frame.readUInt8(list + 1) : frame.readUInt32BE(list + 1)
  const close = list + 1 + width + size
  const count = width === 1 ? frame.readUInt8(list + 2) : frame.readUInt32BE(list + 5)
  const fields: number[] = []
  let at = list + 1 + width * 2
  for (let index = 0; index < count; index++) {
    fields.push(at)
    at = walkValue(frame, at, close, budget)
  }
  return fields
}

function check(frame: Buffer, at: number | undefined, field: Field): void {
  if (!isGiven(frame, at)) {
    if (field.includes('!')) throw malformed('expected a field that has to be there')
    return
  }
  const kind = kindAt(frame, at)
  if (kind !== 'described') {
    if (!field.includes(kind)) throw malformed(`expected another kind of field, found ${kind}`)
    return
  }
  const descriptor = descriptorAt(frame, at)
  if (
    descriptor === undefined ||
    !field.includes(descriptor) ||
    kindAt(frame, describedAt(frame, at)) !== 'list'
  )
    throw malformed('expected another kind of field, found one that is described')
}
