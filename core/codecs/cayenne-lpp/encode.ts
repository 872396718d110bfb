import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { END_OF_DOWNLINK } from './decode.ts'
import type { GivenReading } from './reading.ts'
import {
  ALTITUDE_DIVISOR,
  LOCATION_DIVISOR,
  LPP_BY_BYTE,
  LPP_BY_NAME,
  type LppType,
} from './types.ts'

/** How a value becomes counts: the nearest count (halves go up), or the one towards zero, as C and Go cast. */
export type LppRounding = 'nearest' | 'down'

export interface LppEncodeOptions {
  readonly rounding: LppRounding
  /** Whether the byte 0xFF ends a downlink. */
  readonly endByte: boolean
}

/**
 * Writes a frame, or a downlink: `value` is a list of readings, `{temperature_3: 27.2}`, `{temperatureSensor: {"3": 27.2}}`, or
 * for a downlink `{value_3: 27.2}` or `{"3": 27.2}`.
 * @throws CoreError `codec.wrong_type` or `codec.out_of_range`.
 */
export function writeLpp(value: Json, options: LppEncodeOptions): Uint8Array {
  if (isJsonObject(value)) {
    const names = Object.keys(value)
    const downlinks = names.filter((name) => DOWNLINK_KEY.test(name))
    if (downlinks.length > 0) {
      if (downlinks.length < names.length)
        throw wrong('either values of a downlink (value_2) or measured values', 'both')
      return writeDownlink(value, options)
    }
  }
  const bytes: number[] = []
  for (const reading of readingsOf(value)) writeReading(bytes, reading, options.rounding)
  return Uint8Array.from(bytes)
}

const DOWNLINK_KEY = /^(?:value_)?(\d+)$/

/** `_2` behind the channel tells equal names of one frame apart. */
const KEY = /^(.+?)_(\d+)(?:_\d+)?$/

function writeDownlink(value: JsonObject, { rounding, endByte }: LppEncodeOptions): Uint8Array {
  const bytes: number[] = []
  for (const name of Object.keys(value)) {
    const channel = channelOf(Number(DOWNLINK_KEY.exec(name)?.[1]))
    if (channel === END_OF_DOWNLINK) throw wrong('a channel from 0 to 254', '255')
    bytes.push(channel)
    const given = value[name]
    writeNumber(bytes, given, { name, size: 2, signed: true, divisor: 100 }, rounding)
  }
  if (endByte) bytes.push(END_OF_DOWNLINK)
  return Uint8Array.from(bytes)
}

function readingsOf(value: Json): readonly GivenReading[] {
  if (Array.isArray(value)) return value.map(readingOf)
  if (!isJsonObject(value)) throw wrong('readings, or an object of them', nameOf(value))
  const inner = value['readings']
  if (Array.isArray(inner)) return inner.map(readingOf)
  return Object.keys(value).flatMap((name): readonly GivenReading[] => {
    const given = value[name]
    const type = LPP_BY_NAME.get(name)
    if (type !== undefined && isJsonObject(given))
      return Object.keys(given).map((channel) => ({
        channel: Number(channel),
        type: type.type,
        value: given[channel],
      }))
    const parts = KEY.exec(name)
    return [{ channel: Number(parts?.[2]), type: parts?.[1] ?? name, value: given }]
  })
}

function readingOf(given: Json): GivenReading {
  if (!isJsonObject(given)) throw wrong('a reading with channel, type and value', nameOf(given))
  return {
    channel: given['channel'],
    type: given['type'] ?? given['name'],
    value: given['value'],
  }
}

function writeReading(bytes: number[], given: GivenReading, rounding: LppRounding): void {
  const type = typeOf(given.type)
  const { name, divisor } = type
  const { value } = given
  bytes.push(channelOf(given.channel), type.type)
  switch (type.shape) {
    case 'number':
      writeNumber(bytes, value, type, rounding)
      return
    case 'axes':
      for (const axis of ['x', 'y', 'z'])
        writeNumber(
          bytes,
          partOf(value, axis, name),
          { name: `${name}.${axis}`, size: 2, signed: true, divisor },
          rounding,
        )
      return
    case 'location':
      for (const part of ['latitude', 'longitude', 'altitude'])
        writeNumber(
          bytes,
          partOf(value, part, name),
          {
            name: `${name}.${part}`,
            size: 3,
            signed: true,
            divisor: part === 'altitude' ? ALTITUDE_DIVISOR : LOCATION_DIVISOR,
          },
          rounding,
        )
      return
    case 'colour':
      for (const part of ['r', 'g', 'b'])
        writeNumber(
          bytes,
          partOf(value, part, name),
          { name: `${name}.${part}`, size: 1, signed: false, divisor: 1 },
          rounding,
        )
  }
}

function typeOf(given: Json | undefined): LppType {
  const type =
    typeof given === 'number'
      ? LPP_BY_BYTE[given]
      : typeof given === 'string'
        ? LPP_BY_NAME.get(given)
        : undefined
  if (type === undefined) {
    const found = typeof given === 'number' ? `type ${given}` : nameOf(given)
    throw wrong('a data type by number or name, such as 103 or temperature', found)
  }
  return type
}

function channelOf(given: Json | undefined): number {
  if (typeof given !== 'number' || !Number.isInteger(given) || given < 0 || given > 255)
    throw wrong('a channel from 0 to 255', typeof given === 'number' ? `${given}` : nameOf(given))
  return given
}

function partOf(value: Json | undefined, part: string, name: string): Json | undefined {
  if (!isJsonObject(value)) throw wrong(`${name} with ${part}`, nameOf(value))
  return value[part]
}

interface NumberField {
  readonly name: string
  readonly size: number
  readonly signed: boolean
  readonly divisor: number
}

function writeNumber(
  bytes: number[],
  given: Json | undefined,
  { name, size, signed, divisor }: NumberField,
  rounding: LppRounding,
): void {
  const value = typeof given === 'boolean' ? Number(given) : given
  if (typeof value !== 'number') throw wrong(`${name} as a number`, nameOf(given))
  const counts = rounding === 'nearest' ? Math.round(value * divisor) : Math.trunc(value * divisor)
  const span = 2 ** (8 * size)
  const low = signed ? -span / 2 : 0
  const high = low + span - 1
  if (!(counts >= low && counts <= high))
    throw new CoreError(
      'codec.out_of_range',
      `Cayenne LPP: expected ${name} from ${low / divisor} to ${high / divisor}, found ${value}`,
    )
  for (let shift = size - 1; shift >= 0; shift--)
    bytes.push(Math.floor((counts < 0 ? counts + span : counts) / 2 ** (8 * shift)) & 0xff)
}

function wrong(expected: string, found: string): CoreError {
  return new CoreError('codec.wrong_type', `Cayenne LPP: expected ${expected}, found ${found}`)
}

function nameOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
