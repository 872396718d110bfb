import { toBase64 } from '../../model/base64.ts'
import type { Json } from '../../model/json.ts'
import { faultAt } from '../fault.ts'
import { formatDuration, formatTimestamp, type GoogleForm, NULL_VALUE } from './google-types.ts'
import { camel } from './proto-text.ts'
import { FIELD } from './raw.ts'
import type { FieldPlan, MessagePlan, Schema } from './schema.ts'
import { shortestFloat, signed64, unsigned64, WIRE, WireReader } from './wire-reader.ts'

/** Messages inside of messages. Source: protobuf's own limit. */
const MAX_DEPTH = 100

type Draft = { [key: string]: Json }

const NO_BYTES = new Uint8Array()

/** How messages become JSON. */
export interface ReadOptions {
  readonly schema: Schema
  /** Whole numbers of 64 bits are numbers where a double keeps them; else all of them are texts. */
  readonly numbers: boolean
  /** Values that were not sent because they are 0, empty or false are there too. */
  readonly defaults: boolean
  readonly warn: (sentence: string) => void
}

/**
 * A message as JSON says it. Source: protobuf.dev, ProtoJSON.
 * @throws CoreError `codec.*`.
 */
export function readMessage(
  reader: WireReader,
  plan: MessagePlan,
  options: ReadOptions,
  depth: number,
): Json {
  const { form } = plan
  if (form === undefined) return readObject(reader, plan, {}, options, depth)
  return form === 'any'
    ? readAny(reader, plan, options, depth)
    : toForm(form, reader, plan, options, depth)
}

/** Reads into an object: a message that comes in parts is put together. */
function readObject(
  reader: WireReader,
  plan: MessagePlan,
  target: Draft,
  options: ReadOptions,
  depth: number,
): Draft {
  if (depth > MAX_DEPTH)
    throw faultAt(
      'codec.too_deep',
      `expected at most ${MAX_DEPTH} messages inside of each other, found more`,
      reader.at,
    )
  const { small, large } = plan
  while (reader.at < reader.end) {
    const tag = reader.tag()
    const number = tag >>> 3
    const field = small[number] ?? large.get(number)
    if (field === undefined) {
      options.warn(`${plan.fullName}: field ${number} is not known`)
      reader.skip(tag)
    } else if ((tag & 7) === field.wire) readField(reader, field, target, options, depth)
    else if ((tag & 7) === WIRE.bytes && field.packable && field.repeated)
      readPacked(reader, field, target, options)
    else
      throw faultAt(
        'codec.malformed',
        `${plan.fullName}: expected field ${number} with wire type ${field.wire}, found ${tag & 7}`,
        reader.at - 1,
      )
  }
  for (const { key } of plan.required)
    if (!Object.hasOwn(target, key))
      throw faultAt(
        'codec.malformed',
        `${plan.fullName}: expected ${key}, which is required, found none`,
        reader.at,
      )
  if (options.defaults) addDefaults(plan, target, options)
  return target
}

function readField(
  reader: WireReader,
  field: FieldPlan,
  target: Draft,
  options: ReadOptions,
  depth: number,
): void {
  const { key, message } = field
  if (field.rivals.length > 0) for (const rival of field.rivals) delete target[rival.key]
  if (message !== undefined) {
    const length = reader.length(key)
    const outer = reader.end
    reader.end = reader.at + length
    if (message.mapEntry) readEntry(reader, message, mapIn(target, key), options, depth + 1)
    else if (field.repeated)
      listIn(target, key).push(readMessage(reader, message, options, depth + 1))
    else {
      const before = target[key]
      if (isDraft(before) && message.form === undefined)
        readObject(reader, message, before, options, depth + 1)
      else target[key] = readMessage(reader, message, options, depth + 1)
    }
    reader.end = outer
  } else if (field.repeated) listIn(target, key).push(readScalar(reader, field, options))
  else target[key] = readScalar(reader, field, options)
}

function readPacked(
  reader: WireReader,
  field: FieldPlan,
  target: Draft,
  options: ReadOptions,
): void {
  const length = reader.length(field.key)
  const outer = reader.end
  reader.end = reader.at + length
  const list = listIn(target, field.key)
  while (reader.at < reader.end) list.push(readScalar(reader, field, options))
  reader.end = outer
}

function readEntry(
  reader: WireReader,
  entry: MessagePlan,
  map: Draft,
  options: ReadOptions,
  depth: number,
): void {
  const key = entry.small[1]
  const value = entry.small[2]
  if (key === undefined || value === undefined) return
  const parts = readObject(reader, entry, {}, options, depth)
  const name = String(parts[key.key] ?? defaultOf(key, options))
  const given = parts[value.key] ?? defaultOf(value, options)
  setOwn(map, name, given)
}

function readScalar(reader: WireReader, field: FieldPlan, options: ReadOptions): Json {
  switch (field.type) {
    case FIELD.double:
      return numberOf(reader.double())
    case FIELD.float:
      return numberOf(shortestFloat(reader.float()))
    case FIELD.int32:
      return reader.uint32() | 0
    case FIELD.uint32:
      return reader.uint32()
    case FIELD.sint32: {
      const value = reader.uint32()
      return (value >>> 1) ^ -(value & 1)
    }
    case FIELD.fixed32:
      return reader.fixed32()
    case FIELD.sfixed32:
      return reader.fixed32() | 0
    case FIELD.bool:
      reader.words()
      return reader.low !== 0 || reader.high !== 0
    case FIELD.enum: {
      const number = reader.uint32() | 0
      const { enumeration } = field
      if (enumeration?.fullName === NULL_VALUE) return null
      return enumeration?.names.get(number) ?? number
    }
    case FIELD.string:
      return reader.text()
    case FIELD.bytes:
      return toBase64(reader.block())
    case FIELD.int64:
      reader.words()
      return long(signed64(reader.low, reader.high), options)
    case FIELD.uint64:
      reader.words()
      return long(unsigned64(reader.low, reader.high), options)
    case FIELD.sint64: {
      reader.words()
      const sign = -(reader.low & 1)
      const low = (((reader.low >>> 1) | (reader.high << 31)) ^ sign) >>> 0
      return long(signed64(low, ((reader.high >>> 1) ^ sign) >>> 0), options)
    }
    case FIELD.fixed64:
      reader.fixed64()
      return long(unsigned64(reader.low, reader.high), options)
    default:
      reader.fixed64()
      return long(signed64(reader.low, reader.high), options)
  }
}

function long(value: number | string, { numbers }: ReadOptions): Json {
  return numbers ? value : String(value)
}

function numberOf(value: number): Json {
  return Number.isFinite(value) ? value : String(value)
}

/** What stands for a value that was not sent. */
function defaultOf(field: FieldPlan, options: ReadOptions): Json {
  switch (field.type) {
    case FIELD.message:
      return field.message === undefined
        ? null
        : readMessage(new WireReader(NO_BYTES), field.message, options, MAX_DEPTH)
    case FIELD.string:
    case FIELD.bytes:
      return ''
    case FIELD.bool:
      return false
    case FIELD.enum: {
      const { enumeration } = field
      if (enumeration === undefined || enumeration.fullName === NULL_VALUE) return null
      return enumeration.names.get(enumeration.first) ?? enumeration.first
    }
    case FIELD.int64:
    case FIELD.uint64:
    case FIELD.sint64:
    case FIELD.fixed64:
    case FIELD.sfixed64:
      return long(0, options)
    default:
      return 0
  }
}

function addDefaults(plan: MessagePlan, target: Draft, options: ReadOptions): void {
  for (const field of plan.fields) {
    if (Object.hasOwn(target, field.key)) continue
    if (field.repeated) target[field.key] = field.message?.mapEntry === true ? {} : []
    else if (!field.presence) target[field.key] = defaultOf(field, options)
  }
}

function listIn(target: Draft, key: string): Json[] {
  const known = target[key]
  if (Array.isArray(known)) return known
  const list: Json[] = []
  target[key] = list
  return list
}

function mapIn(target: Draft, key: string): Draft {
  const known = target[key]
  if (isDraft(known)) return known
  const map: Draft = {}
  target[key] = map
  return map
}

function isDraft(value: Json | undefined): value is Draft {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function setOwn(target: Draft, key: string, value: Json): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  else target[key] = value
}

/** A message that JSON says in a way of its own. */
function toForm(
  form: Exclude<GoogleForm, 'any'>,
  reader: WireReader,
  plan: MessagePlan,
  options: ReadOptions,
  depth: number,
): Json {
  const start = reader.at
  const given = { ...options, defaults: false, numbers: form !== 'wrapper' || options.numbers }
  const parts = readObject(reader, plan, {}, given, depth)
  const first = plan.fields[0]
  switch (form) {
    case 'timestamp':
    case 'duration': {
      const { seconds = 0, nanos = 0 } = parts
      const text =
        typeof seconds !== 'number' || typeof nanos !== 'number'
          ? undefined
          : form === 'timestamp'
            ? formatTimestamp(seconds, nanos)
            : formatDuration(seconds, nanos)
      if (text !== undefined) return text
      throw faultAt(
        'codec.out_of_range',
        `expected a ${form} that JSON can say, found another`,
        start,
      )
    }
    case 'fieldMask': {
      const { paths } = parts
      return Array.isArray(paths) ? paths.map((path) => camel(String(path))).join(',') : ''
    }
    case 'struct':
      return parts['fields'] ?? {}
    case 'list':
      return parts['values'] ?? []
    case 'value': {
      const [value = null] = Object.values(parts)
      return value
    }
    case 'wrapper':
      return first === undefined ? null : (parts[first.key] ?? defaultOf(first, options))
  }
}

function readAny(reader: WireReader, plan: MessagePlan, options: ReadOptions, depth: number): Json {
  let type = ''
  let start = reader.at
  let end = start
  while (reader.at < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) type = reader.text()
    else if (tag === 0x12) {
      end = reader.length('a value') + reader.at
      start = reader.at
      reader.at = end
    } else reader.skip(tag)
  }
  if (type === '' && start === end) return {}
  const name = type.slice(type.lastIndexOf('/') + 1)
  const message = options.schema.get(name)
  if (message === undefined) {
    options.warn(`${plan.fullName}: type ${JSON.stringify(name)} is not known: its value is base64`)
    return { '@type': type, value: toBase64(reader.bytes.subarray(start, end)) }
  }
  const { at, end: outer } = reader
  reader.at = start
  reader.end = end
  const value = readMessage(reader, message, options, depth + 1)
  reader.at = at
  reader.end = outer
  return message.form === undefined && isDraft(value)
    ? { '@type': type, ...value }
    : { '@type': type, value }
}
