import { CoreError } from '../../errors.ts'
import { type GoogleForm, googleForm } from './google-types.ts'
import { camel } from './proto-text.ts'
import {
  FIELD,
  isPackable,
  type RawEnum,
  type RawField,
  type RawFile,
  type RawMessage,
} from './raw.ts'
import { WIRE } from './wire-reader.ts'

/** A message whose names are looked up, ready to be read and written. */
export interface MessagePlan {
  readonly fullName: string
  readonly mapEntry: boolean
  /** How JSON says it, where that is no object of its fields. */
  readonly form: GoogleForm | undefined
  /** In the order of their numbers. */
  readonly fields: FieldPlan[]
  /** Fields with small numbers, at their numbers; most have only such. */
  readonly small: (FieldPlan | undefined)[]
  readonly large: Map<number, FieldPlan>
  /** By the names that JSON may have for them. */
  readonly byKey: Map<string, FieldPlan>
  /** Fields that a message must have. */
  readonly required: FieldPlan[]
}

export interface EnumPlan {
  readonly fullName: string
  readonly names: ReadonlyMap<number, string>
  readonly numbers: ReadonlyMap<string, number>
  readonly first: number
}

export interface FieldPlan {
  /** Its key in the objects that are made. */
  readonly key: string
  readonly number: number
  readonly type: number
  /** How one value is laid out. */
  readonly wire: number
  readonly repeated: boolean
  readonly packable: boolean
  readonly packed: boolean
  readonly presence: boolean
  readonly message: MessagePlan | undefined
  readonly enumeration: EnumPlan | undefined
  /** The others of which only one can be there. */
  readonly rivals: FieldPlan[]
}

/** All messages of some files, by their full names. */
export type Schema = ReadonlyMap<string, MessagePlan>

/** Numbers below this are looked up by index. */
const SMALL = 256

const NO_ENUM: EnumPlan = { fullName: '', names: new Map(), numbers: new Map(), first: 0 }

interface Declared {
  readonly raw: RawMessage
  readonly plan: MessagePlan
}

/**
 * Looks up the names of types. `protoNames`: keys are the names of the schema, not those of JSON.
 * @throws CoreError `codec.bad_options` for a name that is nothing and for what is not supported.
 */
export function linkSchema(files: readonly RawFile[], protoNames: boolean): Schema {
  const messages = new Map<string, Declared>()
  const enums = new Map<string, EnumPlan>()
  for (const file of files) {
    for (const one of file.messages) declareMessage(one, file.package, messages, enums)
    for (const one of file.enums) declareEnum(one, file.package, enums)
  }
  const link = (raw: RawField, scope: string, owner: MessagePlan, key: string): FieldPlan => {
    const plan = linkField(raw, scope, key, messages, enums)
    owner.fields.push(plan)
    if (raw.label === 'required') owner.required.push(plan)
    for (const name of new Set([key, raw.jsonName ?? camel(raw.name), raw.name]))
      if (!owner.byKey.has(name)) owner.byKey.set(name, plan)
    return plan
  }
  const extend = (raw: RawField, scope: string): void => {
    const found = lookUp(raw.extendee ?? '', scope, (name) => messages.get(name))
    if (found === undefined) return
    const fullName = scope === '' ? raw.name : `${scope}.${raw.name}`
    link(raw, scope, found.plan, `[${fullName}]`)
  }
  for (const { raw, plan } of messages.values()) {
    const oneofs = new Map<string, FieldPlan[]>()
    for (const field of raw.fields) {
      const key = protoNames ? field.name : (field.jsonName ?? camel(field.name))
      const linked = link(field, plan.fullName, plan, key)
      if (field.oneof === undefined) continue
      const group = oneofs.get(field.oneof) ?? []
      oneofs.set(field.oneof, group)
      for (const rival of group) {
        rival.rivals.push(linked)
        linked.rivals.push(rival)
      }
      group.push(linked)
    }
    for (const field of raw.extensions) extend(field, plan.fullName)
  }
  for (const file of files) for (const field of file.extensions) extend(field, file.package)
  for (const { plan } of messages.values()) {
    plan.fields.sort((a, b) => a.number - b.number)
    for (const field of plan.fields)
      if (field.number < SMALL) plan.small[field.number] = field
      else plan.large.set(field.number, field)
  }
  return new Map([...messages].map(([name, { plan }]) => [name, plan]))
}

function declareMessage(
  raw: RawMessage,
  scope: string,
  messages: Map<string, Declared>,
  enums: Map<string, EnumPlan>,
): void {
  const fullName = scope === '' ? raw.name : `${scope}.${raw.name}`
  const plan: MessagePlan = {
    fullName,
    mapEntry: raw.mapEntry,
    form: googleForm(fullName),
    fields: [],
    small: [],
    large: new Map(),
    byKey: new Map(),
    required: [],
  }
  // The first counts: what a schema brings along of Google's own types is known already.
  if (!messages.has(fullName)) messages.set(fullName, { raw, plan })
  for (const one of raw.messages) declareMessage(one, fullName, messages, enums)
  for (const one of raw.enums) declareEnum(one, fullName, enums)
}

function declareEnum(raw: RawEnum, scope: string, enums: Map<string, EnumPlan>): void {
  const fullName = scope === '' ? raw.name : `${scope}.${raw.name}`
  const names = new Map<number, string>()
  // Of aliases the first is printed.
  for (const { name, number } of raw.values) if (!names.has(number)) names.set(number, name)
  enums.set(fullName, {
    fullName,
    names,
    numbers: new Map(raw.values.map(({ name, number }) => [name, number])),
    first: raw.values[0]?.number ?? 0,
  })
}

function linkField(
  raw: RawField,
  scope: string,
  key: string,
  messages: ReadonlyMap<string, Declared>,
  enums: ReadonlyMap<string, EnumPlan>,
): FieldPlan {
  if (raw.type === FIELD.group) throw bad(`${scope}.${raw.name}: groups are not supported`)
  if (raw.number < 1 || raw.number > 0x1fff_ffff)
    throw bad(`${scope}.${raw.name}: expected a number from 1 to 536870911, found ${raw.number}`)
  if (key === '__proto__') throw bad(`${scope}.${raw.name}: expected another name`)
  const { typeName } = raw
  let { type } = raw
  let message: MessagePlan | undefined
  let enumeration: EnumPlan | undefined
  if (typeName !== undefined && (type === 0 || type === FIELD.message || type === FIELD.enum)) {
    const found = lookUp(typeName, scope, (name) => messages.get(name)?.plan ?? enums.get(name))
    if (found === undefined)
      throw bad(`${scope}.${raw.name}: expected a type that is declared, found ${typeName}`)
    if ('fields' in found) message = found
    else enumeration = found
    type = message === undefined ? FIELD.enum : FIELD.message
  }
  if (
    type < FIELD.double ||
    type > FIELD.sint64 ||
    (type === FIELD.message && message === undefined)
  )
    throw bad(`${scope}.${raw.name}: expected a type, found number ${type}`)
  const packable = isPackable(type)
  return {
    key,
    number: raw.number,
    type,
    wire: wireOf(type),
    repeated: raw.label === 'repeated',
    packable,
    packed: packable && raw.packed === true,
    presence: raw.presence || type === FIELD.message,
    message,
    enumeration: type === FIELD.enum ? (enumeration ?? NO_ENUM) : undefined,
    rivals: [],
  }
}

/** What a name means in a scope: the innermost that is declared. Source: protobuf.dev, "Packages and Name Resolution". */
function lookUp<T>(
  name: string,
  scope: string,
  find: (fullName: string) => T | undefined,
): T | undefined {
  if (name.startsWith('.')) return find(name.slice(1))
  for (let at = scope; ; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const found = find(at === '' ? name : `${at}.${name}`)
    if (found !== undefined || at === '') return found
  }
}

function wireOf(type: number): number {
  switch (type) {
    case FIELD.double:
    case FIELD.fixed64:
    case FIELD.sfixed64:
      return WIRE.fixed64
    case FIELD.float:
    case FIELD.fixed32:
    case FIELD.sfixed32:
      return WIRE.fixed32
    case FIELD.string:
    case FIELD.bytes:
    case FIELD.message:
      return WIRE.bytes
    default:
      return WIRE.varint
  }
}

function bad(sentence: string): CoreError {
  return new CoreError('codec.bad_options', `descriptor: ${sentence}`)
}
