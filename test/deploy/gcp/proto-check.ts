import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import protobuf from 'protobufjs'

// Google's own descriptions of its messages, as they come with its client library for Cloud Functions.

const root = protobuf.Root.fromJSON(
  JSON.parse(
    readFileSync(
      createRequire(import.meta.url).resolve('@google-cloud/functions/build/protos/protos.json'),
      'utf8',
    ),
  ),
)

/** What Google's JSON writes in a way of its own. Source: protobuf documentation, "ProtoJSON format". */
const WELL_KNOWN = new Set(['Timestamp', 'Duration', 'FieldMask', 'Struct', 'Value', 'Any'])

const INTEGER = /^s?u?(?:int|fixed|sfixed)(?:32|64)$/

/** Faults of a body by the message it should be: unknown fields, unknown names of enums, wrong types. */
export function faultsOf(messageName: string, body: unknown): string[] {
  return faultsOfMessage(root.lookupType(messageName), body, messageName.split('.').pop() ?? '')
}

function faultsOfMessage(type: protobuf.Type, body: unknown, path: string): string[] {
  if (WELL_KNOWN.has(type.name)) return typeof body === 'string' ? [] : [`${path}: no text`]
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return [`${path}: no object`]
  return Object.entries(body).flatMap(([name, value]) => {
    const field = type.fields[name]
    const at = `${path}.${name}`
    if (field === undefined) return [`${at}: no field of ${type.name}`]
    field.resolve()
    if (field.map) {
      if (typeof value !== 'object' || value === null) return [`${at}: no map`]
      return Object.entries(value).flatMap(([key, one]) =>
        faultsOfValue(field, one, `${at}.${key}`),
      )
    }
    if (!field.repeated) return faultsOfValue(field, value, at)
    if (!Array.isArray(value)) return [`${at}: no list`]
    return value.flatMap((one, index) => faultsOfValue(field, one, `${at}[${index}]`))
  })
}

function faultsOfValue(field: protobuf.Field, value: unknown, at: string): string[] {
  const { resolvedType, type } = field
  if (resolvedType instanceof protobuf.Enum)
    return typeof value === 'string' && value in resolvedType.values
      ? []
      : [`${at}: ${JSON.stringify(value)} is none of ${resolvedType.name}`]
  if (resolvedType instanceof protobuf.Type) return faultsOfMessage(resolvedType, value, at)
  const fits =
    type === 'string' || type === 'bytes'
      ? typeof value === 'string'
      : type === 'bool'
        ? typeof value === 'boolean'
        : INTEGER.test(type)
          ? Number.isInteger(Number(value)) && typeof value !== 'boolean'
          : typeof value === 'number'
  return fits ? [] : [`${at}: ${JSON.stringify(value)} is no ${type}`]
}
