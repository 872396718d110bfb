import * as z from 'zod'
import type { Json, JsonObject } from '../model/json.ts'
import { isJsonObject } from '../model/json.ts'

/** The named schemas of a document: each is written once, and meant by its name everywhere else. */
export type Components = Map<string, JsonObject>

/** A schema as it stands in a document. `input`: what is sent; `output`: what comes back. Source: JSON Schema 2020-12. */
export function toSchema(
  schema: z.ZodType,
  io: 'input' | 'output',
  components: Components,
): JsonObject {
  const made: Json = JSON.parse(
    JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'draft-2020-12' })),
  )
  if (!isJsonObject(made)) return {}
  const { $schema: _, $defs, ...rest } = withNames(made)
  if (isJsonObject($defs))
    for (const [name, one] of Object.entries($defs))
      if (isJsonObject(one) && one['$ref'] !== `#/$defs/${name}`)
        components.set(name, withoutId(pointed(one)))
  const named = rest['id']
  if (typeof named !== 'string') return withoutId(pointed(rest))
  components.set(named, withoutId(pointed(rest)))
  return { $ref: `#/components/schemas/${named}` }
}

/** What zod calls schemas that are met on a way in a circle and have no name: counted for each schema anew. */
const NAMELESS = /^__schema\d+$/

/** Any value of JSON means itself; it is the only one here that does so without a name. Others stand where they are meant. */
function withNames(given: JsonObject): JsonObject {
  const schema = withoutDetours(given)
  const { $defs } = schema
  if (!isJsonObject($defs)) return schema
  const nameless = Object.keys($defs).filter((name) => NAMELESS.test(name))
  if (nameless.length === 0) return schema
  const renamed: Json = JSON.parse(
    nameless.reduce(
      (text, name) => text.replaceAll(`"#/$defs/${name}"`, '"#/$defs/Json"'),
      JSON.stringify(schema),
    ),
  )
  if (!isJsonObject(renamed) || !isJsonObject(renamed['$defs'])) return schema
  const { Json: _, ...named } = renamed['$defs']
  const [first = ''] = nameless
  const kept = Object.entries(named).filter(([name]) => !NAMELESS.test(name))
  return { ...renamed, $defs: { ...Object.fromEntries(kept), Json: named[first] ?? {} } }
}

/** Nameless schemas that do not mean themselves, such as a list of something that has a name, in place of references to them. */
function withoutDetours(schema: JsonObject): JsonObject {
  const { $defs } = schema
  if (!isJsonObject($defs)) return schema
  const detours = new Map(
    Object.entries($defs).filter(
      ([name, one]) => NAMELESS.test(name) && !JSON.stringify(one).includes(`"#/$defs/${name}"`),
    ),
  )
  if (detours.size === 0) return schema
  const walk = (one: Json): Json => {
    if (Array.isArray(one)) return one.map(walk)
    if (!isJsonObject(one)) return one
    const { $ref, ...beside } = one
    const meant = typeof $ref === 'string' ? detours.get($ref.replace('#/$defs/', '')) : undefined
    if (isJsonObject(meant)) return walk({ ...meant, ...beside })
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, walk(inner)]))
  }
  const kept = Object.entries($defs).filter(([name]) => !detours.has(name))
  const walked = walk({ ...schema, $defs: Object.fromEntries(kept) })
  return isJsonObject(walked) ? walked : schema
}

/** References that point into the document, not into the schema. */
function pointed(value: JsonObject): JsonObject {
  const walk = (one: Json): Json => {
    if (Array.isArray(one)) return one.map(walk)
    if (!isJsonObject(one)) return one
    return Object.fromEntries(
      Object.entries(one).map(([key, inner]) => [
        key,
        key === '$ref' && typeof inner === 'string'
          ? inner.replace('#/$defs/', '#/components/schemas/')
          : walk(inner),
      ]),
    )
  }
  const walked = walk(value)
  return isJsonObject(walked) ? walked : {}
}

function withoutId({ id: _, ...rest }: JsonObject): JsonObject {
  return rest
}
