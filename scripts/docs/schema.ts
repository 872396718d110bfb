import { isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import { code, table } from './markdown.ts'

/** One key of a config, as its table shows it. */
interface Row {
  readonly path: string
  readonly schema: JsonObject
  readonly required: boolean
}

/** A table of all keys below a schema, with type, default and description. */
export function schemaTable(schema: JsonObject, root: JsonObject): string {
  const rows = rowsOf(schema, root, '').map(({ path, schema: one, required }) => [
    code(path),
    typeOf(one, root),
    required ? 'required' : 'default' in one ? code(JSON.stringify(one['default'])) : '',
    describe(one),
  ])
  return table(['key', 'type', 'default', 'what it is'], rows)
}

/** The schema of one key. @throws Error if there is none. */
export function propertyOf(schema: JsonObject, key: string): JsonObject {
  const properties = objectOf(schema['properties'])
  const found = properties?.[key]
  if (!isJsonObject(found)) throw new Error(`expected a schema of ${key}`)
  return found
}

/** The alternatives of a schema that has some. */
export function alternativesOf(schema: JsonObject): readonly JsonObject[] {
  const all = schema['anyOf'] ?? schema['oneOf']
  return Array.isArray(all) ? all.filter(isJsonObject) : []
}

/** The one key of a schema that has one: the name of an action. */
export function onlyKeyOf(schema: JsonObject): string | undefined {
  const keys = Object.keys(objectOf(schema['properties']) ?? {})
  return keys.length === 1 ? keys[0] : undefined
}

/** What a schema says of itself. */
export function describe(schema: JsonObject): string {
  return typeof schema['description'] === 'string' ? schema['description'] : ''
}

/** Every key below a schema: `rules.<id>.sql`. Actions and the like are named, and described where they belong. */
function rowsOf(schema: JsonObject, root: JsonObject, path: string): Row[] {
  const properties = objectOf(schema['properties'])
  const entries = objectOf(schema['additionalProperties'])
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  if (properties !== undefined) {
    return Object.entries(properties).flatMap(([key, one]) => {
      if (!isJsonObject(one)) return []
      const below = path === '' ? key : `${path}.${key}`
      return [
        { path: below, schema: one, required: required.includes(key) },
        ...rowsOf(one, root, below),
      ]
    })
  }
  return entries === undefined || '$ref' in entries ? [] : rowsOf(entries, root, `${path}.<id>`)
}

function typeOf(schema: JsonObject, root: JsonObject): string {
  if ('$ref' in schema) return 'any JSON value'
  const alternatives = alternativesOf(schema)
  if (alternatives.length > 0) {
    if (alternatives.every((one) => onlyKeyOf(one) !== undefined)) return 'an [action](#actions)'
    // A duration is a text, or a bare 0.
    const names = alternatives.map((one) => typeOf(one, root))
    return names.join() === 'text,`0`' ? 'duration' : [...new Set(names)].join(' or ')
  }
  if ('const' in schema) return code(JSON.stringify(schema['const']))
  const { enum: words, items } = schema
  if (Array.isArray(words)) return words.map((word) => code(String(word))).join(', ')
  switch (schema['type']) {
    case 'array': {
      const most = schema['maxItems'] === undefined ? '' : `, at most ${schema['maxItems']}`
      return `list of ${isJsonObject(items) ? typeOf(items, root) : 'values'}${most}`
    }
    case 'object':
      return objectOf(schema['properties']) === undefined ? 'map' : 'object'
    case 'integer':
    case 'number':
      return `number${rangeOf(schema)}`
    case 'string':
      return stringType(schema)
    default:
      return String(schema['type'])
  }
}

function stringType({ format, minLength, maxLength, pattern }: JsonObject): string {
  if (format === 'uri') return 'URL'
  if (format === 'email') return 'email address'
  if (typeof pattern === 'string' && pattern.startsWith('^(\\/')) return 'JSON pointer'
  if (typeof maxLength === 'number') return `text, at most ${maxLength} characters`
  return typeof minLength === 'number' && minLength > 1
    ? `text, at least ${minLength} characters`
    : 'text'
}

function rangeOf({ minimum, maximum }: JsonObject): string {
  if (minimum === undefined || maximum === undefined) return ''
  return `, ${Number(minimum).toLocaleString('en-US')} to ${Number(maximum).toLocaleString('en-US')}`
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined
}
