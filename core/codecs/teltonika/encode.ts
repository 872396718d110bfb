import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { crc16Ibm } from './crc16-ibm.ts'
import type { IoName, IoNames } from './io-names.ts'
import { CODEC_12 } from './messages.ts'
import { CODEC_8, CODEC_8_EXTENDED, CODEC_16 } from './records.ts'

/** The type of a message that is a command. */
const COMMAND = 5

/**
 * Writes a packet as TCP carries it: a command in Codec 12 (`{command: 'getinfo'}`), or the records that `decode` gave.
 * @throws CoreError `codec.wrong_type` or `codec.out_of_range`.
 */
export function writePacket(value: Json, names: IoNames): Uint8Array {
  if (!isJsonObject(value)) throw wrong('{command} or {codec, records}', nameOf(value))
  const { command, codec, records } = value
  if (typeof command === 'string') return framed(commandData(command))
  if (codec !== CODEC_8 && codec !== CODEC_8_EXTENDED && codec !== CODEC_16)
    throw wrong('a command, or records with codec 8, 16 or 142', nameOf(codec))
  if (!Array.isArray(records) || records.length > 255)
    throw wrong('a list of at most 255 records', nameOf(records))
  const ids: NamedIds = new Map([...names].map(([id, known]) => [known.name, { ...known, id }]))
  const data: number[] = [codec, records.length]
  for (const record of records) writeRecord(data, record, codec, ids)
  data.push(records.length)
  return framed(data)
}

function commandData(command: string): number[] {
  const text = new TextEncoder().encode(command)
  const data = [CODEC_12, 1, COMMAND]
  push(data, text.length, 4, 'command')
  for (const byte of text) data.push(byte)
  data.push(1)
  return data
}

function framed(data: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 + data.length + 4)
  const view = new DataView(bytes.buffer)
  view.setUint32(4, data.length)
  bytes.set(data, 8)
  view.setUint32(8 + data.length, crc16Ibm(bytes, 8, 8 + data.length))
  return bytes
}

function writeRecord(data: number[], record: Json, codec: number, ids: NamedIds): void {
  if (!isJsonObject(record)) throw wrong('a record', nameOf(record))
  const idBytes = codec === CODEC_8 ? 1 : 2
  const countBytes = codec === CODEC_8_EXTENDED ? 2 : 1
  push(data, numberIn(record, 'timestamp'), 8, 'timestamp')
  push(data, numberIn(record, 'priority'), 1, 'priority')
  pushSigned(data, Math.round(numberIn(record, 'longitude') * 1e7), 4, 'longitude')
  pushSigned(data, Math.round(numberIn(record, 'latitude') * 1e7), 4, 'latitude')
  pushSigned(data, Math.round(numberIn(record, 'altitude')), 2, 'altitude')
  push(data, Math.round(numberIn(record, 'angle')), 2, 'angle')
  push(data, numberIn(record, 'satellites'), 1, 'satellites')
  push(data, Math.round(numberIn(record, 'speed')), 2, 'speed')
  push(data, numberIn(record, 'eventId'), idBytes, 'eventId')
  if (codec === CODEC_16) push(data, numberIn(record, 'generationType'), 1, 'generationType')
  const { io } = record
  if (!isJsonObject(io)) throw wrong('io as an object', nameOf(io))
  const elements = Object.keys(io).map((key) => elementOf(key, io[key], ids))
  push(data, elements.length, countBytes, 'number of IO elements')
  for (const size of codec === CODEC_8_EXTENDED ? [1, 2, 4, 8, 0] : [1, 2, 4, 8]) {
    const sized = elements.filter((element) => element.size === size)
    push(data, sized.length, countBytes, 'number of IO elements')
    for (const { id, bytes } of sized) {
      push(data, id, idBytes, 'id of an IO element')
      if (size === 0) push(data, bytes.length, 2, 'length of an IO element')
      for (const byte of bytes) data.push(byte)
    }
  }
  if (codec !== CODEC_8_EXTENDED && elements.some(({ size }) => size === 0))
    throw wrong('bytes of an IO element in codec 142 (8 Extended) only', `them in codec ${codec}`)
}

/** What `io-names` holds, the other way round. */
type NamedIds = ReadonlyMap<string, IoName & { readonly id: number }>

interface Element {
  readonly id: number
  /** 1, 2, 4 or 8; 0 where the length is told. */
  readonly size: number
  readonly bytes: readonly number[]
}

/** Numbers take as few bytes as they need: a record does not say how many it had. */
function elementOf(key: string, value: Json | undefined, ids: NamedIds): Element {
  const known = ids.get(key)
  const id = known?.id ?? Number(key)
  if (isJsonObject(value)) {
    const { hex } = value
    if (typeof hex !== 'string' || !/^([0-9a-f]{2})*$/i.test(hex))
      throw wrong(`IO element ${id} as a number or as {hex}`, 'an object')
    const bytes = (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
    return { id, size: 0, bytes }
  }
  const given = typeof value === 'number' ? Math.round(value / (known?.scale ?? 1)) : value
  const signed = known?.signed ?? false
  if (typeof given === 'number' && given >= 0 && given <= 0x7fff_ffff) {
    const half = signed ? 2 : 1
    const size = given < 0x100 / half ? 1 : given < 0x1_0000 / half ? 2 : 4
    return { id, size, bytes: bytesOf(given, size) }
  }
  const digits = String(given)
  if (given === undefined || !/^-?\d{1,20}$/.test(digits))
    throw wrong(`IO element ${id} as a whole number`, nameOf(value))
  const count = BigInt(digits)
  const size = [1, 2, 4, 8].find((bytes) => fits(count, bytes, signed))
  if (size === undefined)
    throw new CoreError(
      'codec.out_of_range',
      `Teltonika: expected IO element ${id} in 8 bytes${signed ? '' : ' without a sign'}`,
    )
  const bits = BigInt.asUintN(8 * size, count)
  const high = Number(bits >> 32n)
  const low = Number(bits & 0xffff_ffffn)
  return {
    id,
    size,
    bytes: size === 8 ? [...bytesOf(high, 4), ...bytesOf(low, 4)] : bytesOf(low, size),
  }
}

function bytesOf(value: number, size: number): readonly number[] {
  switch (size) {
    case 1:
      return [value & 0xff]
    case 2:
      return [value >>> 8, value & 0xff]
    default:
      return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
  }
}

function fits(count: bigint, size: number, signed: boolean): boolean {
  const width = 8 * size
  return count === (signed ? BigInt.asIntN(width, count) : BigInt.asUintN(width, count))
}

function numberIn(record: JsonObject, name: string): number {
  const value = record[name] ?? 0
  if (typeof value !== 'number') throw wrong(`${name} as a number`, nameOf(value))
  return value
}

function pushSigned(data: number[], value: number, size: number, what: string): void {
  const span = 2 ** (8 * size)
  if (!(value >= -span / 2 && value < span / 2)) throw tooLarge(what, size, value)
  push(data, value < 0 ? value + span : value, size, what)
}

function push(data: number[], value: number, size: number, what: string): void {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size))
    throw tooLarge(what, size, value)
  if (size === 1) data.push(value)
  else if (size === 2) data.push(value >>> 8, value & 0xff)
  else
    for (let shift = size - 1; shift >= 0; shift--)
      data.push(Math.floor(value / 2 ** (8 * shift)) % 256)
}

function tooLarge(what: string, size: number, value: number): CoreError {
  return new CoreError(
    'codec.out_of_range',
    `Teltonika: expected ${what} as a whole number of ${size} bytes, found ${value}`,
  )
}

function wrong(expected: string, found: string): CoreError {
  return new CoreError('codec.wrong_type', `Teltonika: expected ${expected}, found ${found}`)
}

function nameOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'number') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
