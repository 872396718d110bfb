// JSON Schema as the document of the API has it -> TypeScript.

/** The part of JSON Schema 2020-12 that zod writes. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly not?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly prefixItems?: readonly Schema[]
  readonly description?: string
  readonly default?: unknown
}

/** The type of a schema, on as many lines as it takes. */
export function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return reference(schema.$ref)
  if (schema.const !== undefined) return literal(schema.const)
  if (schema.enum !== undefined) return union(schema.enum.map(literal))
  if (schema.not !== undefined) return 'never'
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return union(choices.map((one) => typeOf(one, indent)))
  if (schema.allOf !== undefined)
    return schema.allOf.map((one) => `(${typeOf(one, indent)})`).join(' & ')
  if (Array.isArray(schema.type))
    return union(schema.type.map((type: string) => typeOf({ ...schema, type }, indent)))
  switch (schema.type) {
    case 'string':
      return 'string'
    case 'number':
    case 'integer':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'null':
      return 'null'
    case 'array':
      return listOf(schema, indent)
    case 'object':
      return objectOf(schema, indent)
    default:
      return 'unknown'
  }
}

/** A member of an object type, with its description before it. */
export function member(name: string, optional: boolean, schema: Schema, indent: string): string {
  const words = schema.description
  const comment = words === undefined ? '' : `${indent}/** ${words.replaceAll('*/', '*\\/')} */\n`
  return `${comment}${indent}${keyOf(name)}${optional ? '?' : ''}: ${typeOf(schema, indent)}\n`
}

/** A name as the key of an object type. */
export function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

/** A text as a type. */
export function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

function literal(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value)
}

function listOf({ items, prefixItems }: Schema, indent: string): string {
  if (prefixItems !== undefined)
    return `[${prefixItems.map((one) => typeOf(one, indent)).join(', ')}]`
  const item = items === undefined ? 'unknown' : typeOf(items, indent)
  return / [|&] /.test(item) ? `(${item})[]` : `${item}[]`
}

function objectOf(schema: Schema, indent: string): string {
  const { properties = {}, required = [], additionalProperties } = schema
  const names = Object.keys(properties)
  const others =
    typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0
      ? typeOf(additionalProperties, `${indent}  `)
      : 'unknown'
  if (names.length === 0)
    return additionalProperties === false ? 'Record<string, never>' : `{ [key: string]: ${others} }`
  const members = Object.entries(properties).map(([name, one]) =>
    member(name, !required.includes(name), one, `${indent}  `),
  )
  const rest = typeof additionalProperties === 'object' ? `${indent}  [key: string]: unknown\n` : ''
  return `{\n${members.join('')}${rest}${indent}}`
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ')
}

function reference(pointer: string): string {
  const name = pointer.slice(pointer.lastIndexOf('/') + 1)
  if (name === 'Json') return 'Json'
  return `components['schemas'][${quoted(name)}]`
}
