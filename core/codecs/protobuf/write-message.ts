import { CoreError } from '../../errors.ts'
import { fromBase64 } from '../../model/base64.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { type GoogleForm, NULL_VALUE, parseDuration, parseTimestamp } from './google-types.ts'
import { FIELD } from './raw.ts'
import type { FieldPlan, MessagePlan, Schema } from './schema.ts'
import { WIRE } from './wire-reader.ts'
import { type WireWriter, wordsOf } from './wire-writer.ts'

const MAX_DEPTH = 100

/**
 * Writes a message that is given as JSON says it; keys may also be the names of the schema.
 * @throws CoreError `codec.wrong_type`, `codec.out_of_range` or `codec.too_deep`.
 */
export function writeMessage(
  writer: WireWriter,
  plan: MessagePlan,
  value: Json,
  schema: Schema,
  depth: number,
): void {
  if (depth > MAX_DEPTH)
    throw new CoreError(
      'codec.too_deep',
      `expected at most ${MAX_DEPTH} messages inside of each other, found more`,
    )
  const { form } = plan
  if (form === undefined) writeObject(writer, plan, objectOf(value, plan.fullName), schema, depth)
  else writeForm(writer, form, plan, value, schema, depth)
}

function writeObject(
  writer: WireWriter,
  plan: MessagePlan,
  value: JsonObject,
  schema: Schema,
  depth: number,
): void {
  let isPlain = plan.required.length === 0
  for (const key in value) {
    const field = plan.byKey.get(key)
    if (field === undefined)
      throw new CoreError(
        'codec.wrong_type',
        `${plan.fullName}: expected ${known(plan)}, found ${JSON.stringify(key.slice(0, 64))}`,
      )
    if (field.key !== key || field.rivals.length > 0) isPlain = false
  }
  // Where every key is the one that we print, there is nothing to be sorted out.
  const given = isPlain ? undefined : sortOut(plan, value)
  for (const field of plan.fields) {
    const one = given === undefined ? ownOf(value, field.key) : given.get(field)
    if (one !== undefined && (one !== null || takesNull(field)))
      writeField(writer, plan, field, one, schema, depth)
  }
}

/** A member that is not inherited; the other members of objects are functions. */
function ownOf(value: JsonObject, key: string): Json | undefined {
  const one = value[key]
  return typeof one === 'function' ? undefined : one
}

function sortOut(plan: MessagePlan, value: JsonObject): ReadonlyMap<FieldPlan, Json> {
  const given = new Map<FieldPlan, Json>()
  for (const key of Object.keys(value)) {
    const field = plan.byKey.get(key)
    const one = value[key]
    if (field === undefined || one === undefined || (one === null && !takesNull(field))) continue
    if (given.has(field) || field.rivals.some((rival) => given.has(rival)))
      throw new CoreError(
        'codec.wrong_type',
        `${plan.fullName}: expected one of ${field.key} and what excludes it, found two`,
      )
    given.set(field, one)
  }
  for (const field of plan.required)
    if (!given.has(field)) throw wrong(plan, field, 'a value, for it is required', undefined)
  return given
}

/** Null is a value of the types that say JSON; everywhere else it is none. */
function takesNull({ message, enumeration }: FieldPlan): boolean {
  return message?.fullName === 'google.protobuf.Value' || enumeration?.fullName === NULL_VALUE
}

function known({ fields }: MessagePlan): string {
  const names = fields.slice(0, 12).map(({ key }) => key)
  return names.length === 0 ? 'no fields' : `one of ${names.join(', ')}`
}

function writeField(
  writer: WireWriter,
  plan: MessagePlan,
  field: FieldPlan,
  value: Json,
  schema: Schema,
  depth: number,
): void {
  const { message } = field
  if (message?.mapEntry === true) {
    for (const [key, one] of Object.entries(objectOf(value, `${plan.fullName}.${field.key}`)))
      writeEntry(writer, field, message, key, one, schema, depth)
    return
  }
  if (!field.repeated) {
    if (!field.presence && isDefault(field, value)) return
    writeOne(writer, plan, field, value, schema, depth)
    return
  }
  if (!Array.isArray(value)) throw wrong(plan, field, 'an array', value)
  if (!field.packed) {
    for (const one of value) writeOne(writer, plan, field, one, schema, depth)
    return
  }
  if (value.length === 0) return
  writer.tag(field.number, WIRE.bytes)
  const mark = writer.open()
  for (const one of value) writeScalar(writer, plan, field, one)
  writer.close(mark)
}

function writeOne(
  writer: WireWriter,
  plan: MessagePlan,
  field: FieldPlan,
  value: Json,
  schema: Schema,
  depth: number,
): void {
  writer.tag(field.number, field.wire)
  if (field.message === undefined) {
    writeScalar(writer, plan, field, value)
    return
  }
  const mark = writer.open()
  writeMessage(writer, field.message, value, schema, depth + 1)
  writer.close(mark)
}

function writeEntry(
  writer: WireWriter,
  field: FieldPlan,
  entry: MessagePlan,
  key: string,
  value: Json,
  schema: Schema,
  depth: number,
): void {
  const [keyField, valueField] = [entry.small[1], entry.small[2]]
  if (keyField === undefined || valueField === undefined) return
  writer.tag(field.number, WIRE.bytes)
  const mark = writer.open()
  writer.tag(1, keyField.wire)
  writeScalar(writer, entry, keyField, keyField.type === FIELD.bool ? key === 'true' : key)
  writeOne(writer, entry, valueField, value, schema, depth)
  writer.close(mark)
}

/** Whether a value without presence says nothing. */
function isDefault(field: FieldPlan, value: Json): boolean {
  if (field.type === FIELD.enum)
    return value === 0 || (typeof value === 'string' && field.enumeration?.numbers.get(value) === 0)
  if (typeof value === 'number') return Object.is(value, 0)
  return value === false || value === '' || (isWhole(field.type) && value === '0')
}

function isWhole(type: number): boolean {
  return type !== FIELD.string && type !== FIELD.bytes
}

function writeScalar(writer: WireWriter, plan: MessagePlan, field: FieldPlan, value: Json): void {
  switch (field.type) {
    case FIELD.double:
      writer.double(numberOf(value, plan, field))
      return
    case FIELD.float:
      writer.float(numberOf(value, plan, field))
      return
    case FIELD.int32: {
      const whole = wholeOf(value, plan, field, -0x8000_0000, 0x7fff_ffff)
      // Negative ones take ten bytes: readers of 64 bits find the same number.
      writer.words(whole, whole < 0 ? 0xffff_ffff : 0)
      return
    }
    case FIELD.uint32:
      writer.uint32(wholeOf(value, plan, field, 0, 0xffff_ffff))
      return
    case FIELD.sint32: {
      const whole = wholeOf(value, plan, field, -0x8000_0000, 0x7fff_ffff)
      writer.uint32((whole << 1) ^ (whole >> 31))
      return
    }
    case FIELD.fixed32:
      writer.fixed32(wholeOf(value, plan, field, 0, 0xffff_ffff))
      return
    case FIELD.sfixed32:
      writer.fixed32(wholeOf(value, plan, field, -0x8000_0000, 0x7fff_ffff) >>> 0)
      return
    case FIELD.bool:
      if (typeof value !== 'boolean') throw wrong(plan, field, 'true or false', value)
      writer.uint32(value ? 1 : 0)
      return
    case FIELD.enum: {
      const number = enumOf(value, plan, field)
      writer.words(number, number < 0 ? 0xffff_ffff : 0)
      return
    }
    case FIELD.string:
      if (typeof value !== 'string') throw wrong(plan, field, 'a text', value)
      writer.text(value)
      return
    case FIELD.bytes: {
      const bytes = typeof value === 'string' ? bytesOf(value) : undefined
      if (bytes === undefined) throw wrong(plan, field, 'base64', value)
      writer.block(bytes)
      return
    }
    default:
      writeLong(writer, plan, field, value)
  }
}

function writeLong(writer: WireWriter, plan: MessagePlan, field: FieldPlan, value: Json): void {
  const unsigned = field.type === FIELD.uint64 || field.type === FIELD.fixed64
  const words = wordsOf(value, !unsigned)
  if (words === undefined)
    throw wrong(plan, field, `a whole number of 64 bits${unsigned ? ' without sign' : ''}`, value)
  const { low, high } = words
  if (field.wire === WIRE.fixed64) writer.fixed64(low, high)
  else if (field.type === FIELD.sint64) {
    const sign = high >> 31
    writer.words((low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign)
  } else writer.words(low, high)
}

/** Base64 of either alphabet. */
function bytesOf(text: string): Uint8Array | undefined {
  return fromBase64(text) ?? fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
}

function numberOf(value: Json, plan: MessagePlan, field: FieldPlan): number {
  if (typeof value === 'number') return value
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  if (typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value))
    return Number(value)
  throw wrong(plan, field, 'a number', value)
}

function wholeOf(
  value: Json,
  plan: MessagePlan,
  field: FieldPlan,
  least: number,
  most: number,
): number {
  const number = typeof value === 'string' && /^-?\d{1,11}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number') throw wrong(plan, field, 'a whole number', value)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new CoreError(
    'codec.out_of_range',
    `${plan.fullName}.${field.key}: expected a whole number from ${least} to ${most}, found another`,
  )
}

function enumOf(value: Json, plan: MessagePlan, field: FieldPlan): number {
  const { enumeration } = field
  if (value === null && enumeration?.fullName === NULL_VALUE) return 0
  const number = typeof value === 'string' ? enumeration?.numbers.get(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number === (number | 0))
    return number
  throw wrong(plan, field, `a value of ${enumeration?.fullName ?? 'an enumeration'}`, value)
}

function objectOf(value: Json, where: string): JsonObject {
  if (isJsonObject(value)) return value
  throw new CoreError('codec.wrong_type', `${where}: expected an object, found ${kindOf(value)}`)
}

function wrong(
  plan: MessagePlan,
  field: FieldPlan,
  expected: string,
  found: Json | undefined,
): CoreError {
  return new CoreError(
    'codec.wrong_type',
    `${plan.fullName}.${field.key}: expected ${expected}, found ${kindOf(found)}`,
  )
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `another ${typeof value}`
}

/** Writes a message that JSON says in a way of its own. */
function writeForm(
  writer: WireWriter,
  form: GoogleForm,
  plan: MessagePlan,
  value: Json,
  schema: Schema,
  depth: number,
): void {
  const put = (given: JsonObject): void => writeObject(writer, plan, given, schema, depth)
  const [first] = plan.fields
  const refuse = (expected: string): CoreError =>
    new CoreError(
      'codec.wrong_type',
      `${plan.fullName}: expected ${expected}, found ${kindOf(value)}`,
    )
  switch (form) {
    case 'timestamp':
    case 'duration': {
      const parse = form === 'timestamp' ? parseTimestamp : parseDuration
      const parts = typeof value === 'string' ? parse(value) : undefined
      if (parts === undefined)
        throw refuse(form === 'timestamp' ? 'a time in RFC 3339' : 'a duration such as 1.5s')
      put({ seconds: parts.seconds, nanos: parts.nanos })
      return
    }
    case 'fieldMask': {
      if (typeof value !== 'string') throw refuse('paths joined by commas')
      const snake = (path: string): string =>
        path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      put({ paths: value === '' ? [] : value.split(',').map(snake) })
      return
    }
    case 'struct':
      put({ fields: objectOf(value, plan.fullName) })
      return
    case 'list':
      if (!Array.isArray(value)) throw refuse('an array')
      put({ values: value })
      return
    case 'value':
      put(toValue(value))
      return
    case 'wrapper':
      if (first !== undefined) put({ [first.key]: value })
      return
    case 'any':
      writeAny(writer, plan, objectOf(value, plan.fullName), schema, depth)
  }
}

function toValue(value: Json): JsonObject {
  if (value === null) return { null_value: null }
  if (typeof value === 'number') return { number_value: value }
  if (typeof value === 'string') return { string_value: value }
  if (typeof value === 'boolean') return { bool_value: value }
  return Array.isArray(value) ? { list_value: value } : { struct_value: value }
}

function writeAny(
  writer: WireWriter,
  plan: MessagePlan,
  given: JsonObject,
  schema: Schema,
  depth: number,
): void {
  const { '@type': type, ...rest } = given
  if (type === undefined && Object.keys(rest).length === 0) return
  if (typeof type !== 'string')
    throw new CoreError('codec.wrong_type', `${plan.fullName}: expected @type, found none`)
  const name = type.slice(type.lastIndexOf('/') + 1)
  const message = schema.get(name)
  writer.tag(1, WIRE.bytes)
  writer.text(type)
  writer.tag(2, WIRE.bytes)
  const mark = writer.open()
  if (message === undefined) {
    const { value } = rest
    const bytes = typeof value === 'string' ? fromBase64(value) : undefined
    if (bytes === undefined)
      throw new CoreError('codec.wrong_type', `${plan.fullName}: expected a type that is declared`)
    writer.raw(bytes)
  } else if (message.form === undefined) writeMessage(writer, message, rest, schema, depth + 1)
  else writeMessage(writer, message, rest['value'] ?? null, schema, depth + 1)
  writer.close(mark)
}
