import type { Json } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { faultAt } from '../fault.ts'
import { orderOf } from './byte-order.ts'
import { type Context, labelOf, type ValueWire } from './context.ts'
import { badLayout, badValue, outOfRange } from './fault.ts'
import { readFloat, writeFloat } from './float.ts'
import { bcdWire, type IntegerWire, integerWire } from './integers.ts'
import type { LayoutField } from './options.ts'
import { scaleOf } from './scale.ts'
import { room, take } from './state.ts'
import { TEXT_TYPES, textWire } from './texts.ts'

const SIZED = /^(uint|int|float)(8|16|24|32|40|48|56|64)$/

/**
 * Prepares a value by its type.
 * @throws CoreError `codec.bad_options`.
 */
export function valueWire(given: LayoutField, context: Context, path: string): ValueWire {
  const field = sized(given, path)
  switch (field.type) {
    case 'uint':
    case 'enum':
      return integerValue(
        field,
        integerWire(field, { signed: false, length: 1 }, context, path),
        path,
      )
    case 'int':
      return integerValue(
        field,
        integerWire(field, { signed: true, length: 1 }, context, path),
        path,
      )
    case 'bcd':
      return integerValue(field, bcdWire(field, context, path), path)
    case 'bool':
      return boolValue(field, integerWire(field, { signed: false, length: 1 }, context, path))
    case 'bitmap':
      return bitmapValue(
        field,
        integerWire(field, { signed: false, length: 1 }, context, path),
        path,
      )
    case 'timestamp':
      return timeValue(field, integerWire(field, { signed: false, length: 4 }, context, path), path)
    case 'float':
      return floatValue(field, context, path)
    default:
      if (TEXT_TYPES.has(field.type)) return textWire(field, context, path)
      throw badLayout(`${path}.type`, `expected a type of the reference, found ${field.type}`)
  }
}

/** `uint16` is `uint` with a length of 2. */
function sized(field: LayoutField, path: string): LayoutField {
  const parts = SIZED.exec(field.type)
  if (parts === null) return field
  if (field.length !== undefined || (field.bits !== undefined && field.bit === undefined))
    throw badLayout(`${path}.type`, `expected no length beside ${field.type}, found one`)
  return { ...field, type: parts[1] ?? '', length: Number(parts[2]) / 8 }
}

function invalidOf({ invalid }: LayoutField): readonly number[] {
  if (invalid === undefined) return []
  return typeof invalid === 'number' ? [invalid] : invalid
}

function integerValue(field: LayoutField, wire: IntegerWire, path: string): ValueWire {
  const label = labelOf(field)
  const invalid = invalidOf(field)
  const scale = scaleOf(field)
  const names = field.enum
  if (names !== undefined && scale !== undefined)
    throw badLayout(`${path}.enum`, 'expected an enum or a scale, found both')
  const numbers = new Map(
    Object.entries(names ?? {}).map(([counts, name]) => [name, Number(counts)]),
  )
  return {
    read(reader) {
      const raw = wire.read(reader)
      const counts = typeof raw === 'bigint' ? String(raw) : raw
      reader.count = counts
      if (invalid.includes(Number(raw))) {
        reader.warnings.push(`${label}: the device has no value`)
        return null
      }
      if (names !== undefined) {
        const name = Object.hasOwn(names, String(counts)) ? names[String(counts)] : undefined
        if (name === undefined) reader.warnings.push(`${label}: ${counts} has no name`)
        return name ?? counts
      }
      return scale === undefined ? counts : scale.toUnits(Number(raw))
    },
    write(writer, value) {
      const counts = countsIn(value)
      writer.count = Number(counts)
      wire.write(writer, counts)
    },
  }

  function countsIn(value: Json): number | bigint {
    if (value === null) {
      const [none] = invalid
      if (none === undefined) throw badValue(label, 'a number', value)
      return none
    }
    if (typeof value === 'string') {
      const named = numbers.get(value)
      if (named !== undefined) return named
      if (names === undefined && /^-?\d{1,20}$/.test(value)) return BigInt(value)
      throw badValue(
        label,
        names === undefined ? 'a number' : `one of ${[...numbers.keys()].join(', ')}`,
        value,
      )
    }
    const number = typeof value === 'boolean' ? Number(value) : value
    if (typeof number !== 'number' || !Number.isFinite(number))
      throw badValue(label, 'a number', value)
    const counts = Math.round(scale === undefined ? number : scale.toCounts(number))
    if (!Number.isFinite(counts))
      throw outOfRange(label, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    return counts
  }
}

function boolValue(field: LayoutField, wire: IntegerWire): ValueWire {
  const label = labelOf(field)
  return {
    read: (reader) => Number(wire.read(reader)) !== 0,
    write(writer, value) {
      if (typeof value !== 'boolean' && typeof value !== 'number')
        throw badValue(label, 'true or false', value)
      wire.write(writer, value === false || value === 0 ? 0 : 1)
    },
  }
}

function bitmapValue(field: LayoutField, wire: IntegerWire, path: string): ValueWire {
  const label = labelOf(field)
  const flags = Object.entries(field.flags ?? {}).map(([bit, name]) => ({
    name,
    weight: 2 ** Number(bit),
  }))
  if (flags.length === 0)
    throw badLayout(`${path}.flags`, 'expected names of bits, such as {0: door}, found none')
  return {
    read(reader) {
      const counts = Number(wire.read(reader))
      reader.count = counts
      const value: Record<string, Json> = {}
      for (const { name, weight } of flags) value[name] = Math.floor(counts / weight) % 2 === 1
      return value
    },
    write(writer, value) {
      if (!isJsonObject(value)) throw badValue(label, 'an object of true and false', value)
      let counts = 0
      for (const { name, weight } of flags) if (value[name] === true) counts += weight
      writer.count = counts
      wire.write(writer, counts)
    },
  }
}

const STEP_MS = { s: 1_000, ms: 1, min: 60_000 } as const

/** No time of `Date` is later. */
const MAX_TIME_MS = 8.64e15

function timeValue(field: LayoutField, wire: IntegerWire, path: string): ValueWire {
  const label = labelOf(field)
  const { resolution = 's', as = 'iso', since = '1970-01-01T00:00:00Z' } = field
  const start = Date.parse(since)
  if (Number.isNaN(start))
    throw badLayout(`${path}.since`, 'expected a day or time in ISO 8601, such as 2000-01-01')
  const invalid = invalidOf(field)
  const step = STEP_MS[resolution]
  return {
    read(reader) {
      const { at } = reader
      const counts = Number(wire.read(reader))
      if (invalid.includes(counts)) {
        reader.warnings.push(`${label}: the device has no value`)
        return null
      }
      const ms = start + counts * step
      if (ms > MAX_TIME_MS)
        throw faultAt(
          'codec.out_of_range',
          `layout: ${label}: expected a time, found one too late`,
          at,
        )
      if (as === 'iso') return new Date(ms).toISOString()
      return as === 's' ? ms / 1_000 : ms
    },
    write(writer, value) {
      if (value === null && invalid[0] !== undefined) return wire.write(writer, invalid[0])
      const ms =
        typeof value === 'string'
          ? Date.parse(value)
          : typeof value === 'number'
            ? value * (as === 's' ? 1_000 : 1)
            : Number.NaN
      if (Number.isNaN(ms)) throw badValue(label, 'a time', value)
      wire.write(writer, Math.round((ms - start) / step))
    },
  }
}

function floatValue(field: LayoutField, context: Context, path: string): ValueWire {
  const label = labelOf(field)
  const { length = 4 } = field
  if (length !== 2 && length !== 4 && length !== 8)
    throw badLayout(`${path}.length`, 'expected 2, 4 or 8 bytes for a float, found another length')
  const endian = field.endian ?? context.endian
  const order = orderOf(endian, length)
  if (order === undefined)
    throw badLayout(`${path}.endian`, `expected another order than ${endian}`)
  const scale = scaleOf(field)
  const view = new DataView(new ArrayBuffer(8))
  return {
    read(reader) {
      const number = readFloat(reader.bytes, take(reader, length, label), order, view)
      if (!Number.isFinite(number)) {
        reader.warnings.push(`${label}: the device has no value`)
        return null
      }
      // A zero has no sign in JSON.
      return (scale === undefined ? number : scale.toUnits(number)) + 0
    },
    write(writer, value) {
      if (value !== null && typeof value !== 'number') throw badValue(label, 'a number', value)
      const number =
        value === null ? Number.NaN : scale === undefined ? value : scale.toCounts(value)
      writeFloat(writer.bytes, room(writer, length), order, number, view)
    },
  }
}
