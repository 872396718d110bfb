import { configJsonSchema, isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import { code } from './markdown.ts'
import { alternativesOf, describe, onlyKeyOf, propertyOf, schemaTable } from './schema.ts'

/** Sections of the page that have a table each; everything else is under "The rest". */
const SECTIONS = ['deviceTypes', 'rules', 'routes', 'alarms'] as const

/** The schema of anyhub.yml as plain JSON. */
export function configSchema(): JsonObject {
  const schema: Json = JSON.parse(JSON.stringify(configJsonSchema()))
  if (!isJsonObject(schema)) throw new Error('expected the schema of the config to be an object')
  return schema
}

/** docs/config.md. */
export function configDoc(): string {
  const schema = configSchema()
  const properties = schema['properties']
  const rest = Object.entries(isJsonObject(properties) ? properties : {}).filter(
    ([key]) =>
      key !== 'access' &&
      key !== 'channels' &&
      key !== 'networks' &&
      !SECTIONS.some((section) => section === key),
  )
  return `${[
    '# anyhub.yml',
    '<!-- Written by "npm run docs:rules" from the schema in core/config.ts. Changes are made there. -->',
    INTRODUCTION,
    ...SECTIONS.map((key) => {
      const one = propertyOf(schema, key)
      const entry = isJsonObject(one['additionalProperties']) ? one['additionalProperties'] : one
      return `## ${key}\n\n${describe(one)} ${describe(entry)}\n\n${schemaTable(entry, schema)}`
    }),
    `## Actions\n\n${ACTIONS}\n\n${actionSections(schema)}`,
    `## channels\n\n${channelSections(schema)}`,
    `## networks\n\n${networkSections(schema)}`,
    `## access\n\n${accessSection(schema)}`,
    `## The rest\n\n${schemaTable({ ...schema, properties: Object.fromEntries(rest) }, schema)}`,
  ].join('\n\n')}\n`
}

/** A section for each action, from the schema of the actions of a rule. */
export function actionSections(schema: JsonObject): string {
  return alternativesOf(itemsOf(propertyOf(entryOf(schema, 'rules'), 'actions')))
    .map((alternative) => {
      const name = onlyKeyOf(alternative) ?? ''
      const one = propertyOf(alternative, name)
      const hasKeys =
        Object.keys(isJsonObject(one['properties']) ? one['properties'] : {}).length > 0
      const keys = hasKeys ? schemaTable(one, schema) : `It has no keys: ${code(`${name}: {}`)}.`
      return `### ${name}\n\n${describe(one)}\n\n${keys}`
    })
    .join('\n\n')
}

function accessSection(schema: JsonObject): string {
  const access = propertyOf(schema, 'access')
  const issuers = propertyOf(access, 'oidc')
  const text = `${describe(access)} \`access.oidc\`: ${describe(issuers)} Each has these keys:`
  return `${text}\n\n${schemaTable(itemsOf(issuers), schema)}`
}

function channelSections(schema: JsonObject): string {
  const channel = entryOf(schema, 'channels')
  const sections = alternativesOf(channel).map((alternative) => {
    const { const: type } = propertyOf(alternative, 'type')
    return `### type: ${String(type)}\n\n${schemaTable(alternative, schema)}`
  })
  return [`${describe(propertyOf(schema, 'channels'))} ${describe(channel)}`, ...sections].join(
    '\n\n',
  )
}

/** What every network may have, once, and for each type what is its own. */
function networkSections(schema: JsonObject): string {
  const alternatives = alternativesOf(entryOf(schema, 'networks'))
  const keysOf = ({ properties }: JsonObject) =>
    Object.entries(isJsonObject(properties) ? properties : {}).filter(([key]) => key !== 'type')
  const tableOf = (one: JsonObject, isShown: (key: string) => boolean): string => {
    const shown = keysOf(one).filter(([key]) => isShown(key))
    return schemaTable({ ...one, properties: Object.fromEntries(shown) }, schema)
  }
  const isCommon = (key: string): boolean =>
    alternatives.every((one) => keysOf(one).some(([name]) => name === key))
  const [first = {}] = alternatives
  const sections = alternatives.map((one) => {
    const kind = propertyOf(one, 'type')
    const hasOwn = keysOf(one).some(([key]) => !isCommon(key))
    const own = hasOwn ? tableOf(one, (key) => !isCommon(key)) : 'It has no keys of its own.'
    return `### type: ${String(kind['const'])}\n\n${describe(kind)}\n\n${own}`
  })
  return [
    `${describe(propertyOf(schema, 'networks'))} How each is set up, and what comes of its messages, stands in
[networks.md](networks.md). Every network has these keys:`,
    tableOf(first, isCommon),
    ...sections,
  ].join('\n\n')
}

function entryOf(schema: JsonObject, key: string): JsonObject {
  const entry = propertyOf(schema, key)['additionalProperties']
  if (!isJsonObject(entry)) throw new Error(`expected ${key} to be a map`)
  return entry
}

function itemsOf({ items }: JsonObject): JsonObject {
  if (!isJsonObject(items)) throw new Error('expected a list')
  return items
}

const INTRODUCTION = `Every key of the config file, with its type, its default and what it is. \`anyhub check\` finds each fault in a file, with
line and column, and \`anyhub check --schema\` prints the JSON Schema that editors use. In any text \`\${env:NAME}\` stands
for an environment variable: secrets stay out of the file.

A *duration* is a text such as \`500ms\`, \`90s\`, \`2m\`, \`1h\`, \`30d\`, or \`0\`. \`<id>\` is a name of 1 to 64 letters, digits,
\`-\` and \`_\`. The language of \`sql\`, \`when\`, \`clear\` and of \`\${…}\` is described in [rules.md](rules.md),
that of \`condition\` in [routing.md](routing.md).`

const ACTIONS = `Each action of a rule is an object with one key, which names it. What they have in common is described in
[rules.md](rules.md#actions).`
