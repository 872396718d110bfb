import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { faultAt, truncatedAt } from '../fault.ts'
import { fieldsIn, testOf } from './condition.ts'
import {
  type Context,
  expectDeclared,
  type FieldPlan,
  labelOf,
  measureOf,
  restOf,
} from './context.ts'
import { badLayout, badValue } from './fault.ts'
import type { LayoutField } from './options.ts'
import { align, type Reader, room, take, type Writer } from './state.ts'
import { sizeOfText, TEXT_TYPES } from './texts.ts'
import { valueWire } from './values.ts'

/**
 * Prepares fields, in their order.
 * @throws CoreError `codec.bad_options`.
 */
export function fieldsOf(
  fields: readonly LayoutField[],
  context: Context,
  path: string,
): FieldPlan {
  const plans = fields.map((field, index) => placed(field, context, `${path}.${index}`))
  return {
    read(reader, into) {
      for (const plan of plans) plan.read(reader, into)
    },
    write(writer, from) {
      for (const plan of plans) plan.write(writer, from)
    },
  }
}

/** A field with its place and its condition. */
function placed(field: LayoutField, context: Context, path: string): FieldPlan {
  const { at, when, name } = field
  if (when !== undefined)
    for (const asked of fieldsIn(when)) expectDeclared(asked, context, `${path}.when`)
  const test = when === undefined ? undefined : testOf(when, `${path}.when`)
  const plan = planOf(field, context, path)
  if (name !== undefined) context.declared.add(name)
  if (at === undefined && test === undefined) return plan
  return {
    read(reader, into) {
      if (test !== undefined && !test({ counts: reader.counts, left: restOf(reader, '') })) return
      if (at !== undefined) {
        reader.at = at < 0 ? reader.bytes.length + at : reader.base + at
        reader.bit = 0
      }
      plan.read(reader, into)
    },
    write(writer, from) {
      const left = name !== undefined && from[name] === undefined ? 0 : Number.POSITIVE_INFINITY
      if (test !== undefined && !test({ counts: writer.counts, left })) return
      if (at !== undefined) {
        writer.at = at < 0 ? fromEnd(writer, at, field) : writer.base + at
        writer.bit = 0
      }
      plan.write(writer, from)
    },
  }
}

function fromEnd({ total }: Writer, at: number, field: LayoutField): number {
  if (total !== undefined) return total + at
  throw new CoreError(
    'codec.unsupported',
    `layout: expected the length of the message in the layout, since ${labelOf(field)} lies before its end`,
  )
}

function planOf(field: LayoutField, context: Context, path: string): FieldPlan {
  switch (field.type) {
    case 'skip':
      return skipPlan(field, context, path)
    case 'group':
      return groupPlan(field, context, path)
    case 'repeat':
      return repeatPlan(field, context, path)
    case 'choose':
      return choosePlan(field, context, path)
    default:
      return valuePlan(field, context, path)
  }
}

/** A measured value, or a text. */
function valuePlan(field: LayoutField, context: Context, path: string): FieldPlan {
  const { name, unit, value: constant, hidden = false } = field
  const wire = valueWire(field, context, path)
  const label = labelOf(field)
  const spread = name === undefined && field.type === 'bitmap'
  if (name === undefined && constant === undefined && !spread)
    throw badLayout(path, 'expected a name or a constant value, found neither')
  const asked = name !== undefined && context.asked.has(name)
  const withUnit = context.units && unit !== undefined
  if (typeof field.length === 'object' && TEXT_TYPES.has(field.type) && name !== undefined)
    context.derived.set(field.length.field, (from) => sizeOfText(field.type, from[name]))
  return {
    read(reader, into) {
      const { at } = reader
      reader.count = undefined
      const value = wire.read(reader)
      if (asked) reader.counts.set(name, reader.count ?? value)
      if (constant !== undefined && value !== constant && reader.count !== constant)
        throw faultAt(
          'codec.malformed',
          `layout: expected ${label} to be ${JSON.stringify(constant)}, found another value`,
          at,
        )
      if (hidden) return
      if (name !== undefined) into[name] = withUnit && value !== null ? { value, unit } : value
      else if (spread && isJsonObject(value)) Object.assign(into, value)
    },
    write(writer, from) {
      const value = valueIn(from)
      writer.count = undefined
      wire.write(writer, value)
      if (asked) writer.counts.set(name, writer.count ?? value)
    },
  }

  function valueIn(from: JsonObject): Json {
    if (constant !== undefined) return constant
    if (spread) return from
    const given = name === undefined ? undefined : from[name]
    const plain = withUnit && isJsonObject(given) ? given['value'] : given
    if (plain === null) return null
    const value = plain ?? derivedIn(from) ?? field.default
    if (value === undefined) throw badValue(label, 'a value', undefined)
    return value
  }

  function derivedIn(from: JsonObject): Json | undefined {
    return name === undefined ? undefined : context.derived.get(name)?.(from)
  }
}

/** Bytes or bits that mean nothing; a length below zero goes back. */
function skipPlan({ length, bits }: LayoutField, context: Context, path: string): FieldPlan {
  if (bits !== undefined)
    return {
      read(reader) {
        const to = reader.at * 8 + reader.bit + bits
        const left = reader.end * 8 - to + bits
        if (left < bits)
          throw truncatedAt('layout: skipped bits', bits, Math.max(0, left), reader.at)
        reader.at = Math.floor(to / 8)
        reader.bit = to % 8
        reader.furthest = Math.max(reader.furthest, Math.ceil(to / 8))
      },
      write(writer) {
        const to = writer.at * 8 + writer.bit + bits
        while (writer.bytes.length < Math.ceil(to / 8)) writer.bytes.push(0)
        writer.at = Math.floor(to / 8)
        writer.bit = to % 8
      },
    }
  if (length === undefined) throw badLayout(path, 'expected length or bits to skip, found neither')
  const measure = measureOf(length, restOf, context, `${path}.length`)
  return {
    read(reader) {
      const size = measure(reader, 'skipped bytes')
      if (size >= 0) take(reader, size, 'skipped bytes')
      else {
        align(reader)
        reader.at += size
      }
    },
    write(writer) {
      const size = typeof length === 'number' ? length : 0
      if (size >= 0) room(writer, size)
      else writer.at = Math.max(0, writer.at + size)
    },
  }
}

function innerFields(field: LayoutField, path: string): readonly LayoutField[] {
  const { fields } = field
  if (fields === undefined || fields.length === 0)
    throw badLayout(`${path}.fields`, `expected the fields of ${labelOf(field)}, found none`)
  return fields
}

/** An object of its own; with a length, nothing in it reads further. */
function groupPlan(field: LayoutField, context: Context, path: string): FieldPlan {
  const { name, length, hidden = false } = field
  const label = labelOf(field)
  const measure =
    length === undefined ? undefined : measureOf(length, restOf, context, `${path}.length`)
  const inner = fieldsOf(innerFields(field, path), context, `${path}.fields`)
  return {
    read(reader, into) {
      const value: Record<string, Json> = name === undefined && !hidden ? into : {}
      align(reader)
      const { base, end } = reader
      reader.base = reader.at
      if (measure !== undefined) {
        const size = measure(reader, label)
        const from = take(reader, size, label)
        reader.at = from
        reader.end = from + size
      }
      inner.read(reader, value)
      if (measure !== undefined) {
        reader.at = reader.end
        reader.bit = 0
        reader.end = end
      }
      reader.base = base
      if (name !== undefined && !hidden) into[name] = value
    },
    write(writer, from) {
      align(writer)
      const { base, at } = writer
      writer.base = at
      const value = name === undefined ? from : from[name]
      if (!isJsonObject(value)) throw badValue(label, 'an object', value)
      inner.write(writer, value)
      writer.base = base
      align(writer)
      if (typeof length !== 'number') return
      if (writer.at - at > length) throw badValue(label, `${length} bytes`, value)
      room(writer, length - (writer.at - at))
    },
  }
}

/** The same fields several times: until the bytes end, or as often as told. */
function repeatPlan(field: LayoutField, context: Context, path: string): FieldPlan {
  const { name, count = 'rest', into: form = 'list' } = field
  const label = labelOf(field)
  if (name === undefined && form !== 'here')
    throw badLayout(path, 'expected a name for what repeats, found none')
  const measure = measureOf(count, () => Number.POSITIVE_INFINITY, context, `${path}.count`)
  const fields = innerFields(field, path)
  const [only] = fields
  const bare = fields.length === 1 && only !== undefined && only.name === undefined
  const named = bare && only !== undefined ? [{ ...only, name: ITEM }] : fields
  const inner = fieldsOf(named, context, `${path}.fields`)
  if (typeof count === 'object' && name !== undefined)
    context.derived.set(count.field, (from) => itemsOf(from[name])?.length)
  const readItem = (reader: Reader, into: Record<string, Json>): void => {
    const { base, at, bit } = reader
    reader.base = at
    inner.read(reader, into)
    reader.base = base
    if (reader.at <= at && reader.bit <= bit)
      throw faultAt(
        'codec.malformed',
        `layout: ${label}: expected a repetition to read something`,
        at,
      )
  }
  return {
    read(reader, into) {
      const times = measure(reader, label)
      const items: Json[] = []
      for (let index = 0; index < times; index++) {
        if (count === 'rest' && restOf(reader, '') === 0) break
        const item: Record<string, Json> = form === 'here' ? into : {}
        readItem(reader, item)
        if (form !== 'here') items.push(bare ? (item[ITEM] ?? null) : item)
      }
      if (name === undefined || form === 'here' || field.hidden === true) return
      into[name] = form === 'list' ? items : numbered(items)
    },
    write(writer, from) {
      const items = name === undefined ? undefined : itemsOf(from[name])
      if (form === 'here')
        throw new CoreError(
          'codec.unsupported',
          `layout: ${label} is read into the object around it and cannot be written from there`,
        )
      if (items === undefined)
        throw badValue(label, 'a list', name === undefined ? undefined : from[name])
      if (typeof count === 'number' && items.length !== count)
        throw badValue(label, `a list of ${count}`, from[name ?? ''])
      const { base } = writer
      for (const item of items) {
        const value = bare ? { [ITEM]: item } : item
        if (!isJsonObject(value)) throw badValue(`an item of ${label}`, 'an object', value)
        align(writer)
        writer.base = writer.at
        inner.write(writer, value)
      }
      writer.base = base
    },
  }
}

/** What the only field of a repetition is called where it has no name. */
const ITEM = 'item'

function numbered(items: readonly Json[]): JsonObject {
  return Object.fromEntries(items.map((item, index) => [String(index + 1), item]))
}

function itemsOf(value: Json | undefined): readonly Json[] | undefined {
  if (Array.isArray(value)) return value
  return isJsonObject(value) ? Object.values(value) : undefined
}

/** Fields that the value of another one chooses. */
function choosePlan(field: LayoutField, context: Context, path: string): FieldPlan {
  const { by, cases, otherwise } = field
  if (by === undefined || cases === undefined)
    throw badLayout(path, 'expected by and cases, found one or none of them')
  expectDeclared(by, context, `${path}.by`)
  const plans = new Map(
    Object.entries(cases).map(([key, fields]) => [
      /^0x[0-9a-f]+$/i.test(key) ? String(Number(key)) : key,
      fieldsOf(fields, context, `${path}.cases.${key}`),
    ]),
  )
  const fallback =
    otherwise === undefined ? undefined : fieldsOf(otherwise, context, `${path}.otherwise`)
  context.derived.set(by, (from) => {
    const chosen = Object.entries(cases).find(([, fields]) =>
      fields.some(({ name }) => name !== undefined && from[name] !== undefined),
    )
    return chosen === undefined ? undefined : Number(chosen[0])
  })
  const planFor = (counts: ReadonlyMap<string, Json>, at: number): FieldPlan => {
    const plan = plans.get(String(counts.get(by))) ?? fallback
    if (plan !== undefined) return plan
    throw faultAt(
      'codec.unsupported',
      `layout: expected ${by} to be one of ${[...plans.keys()].join(', ')}, found another value`,
      at,
    )
  }
  return {
    read(reader, into) {
      planFor(reader.counts, reader.at).read(reader, into)
    },
    write(writer, from) {
      planFor(writer.counts, writer.at).write(writer, from)
    },
  }
}
