// The document of the API -> the types that openapi-fetch wants.

import { keyOf, member, quoted, type Schema, typeOf } from './types-of.ts'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Content }
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Content }>
  >
}

/** What is read of the document. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const

/** The text of client/schema.ts. Shape: as openapi-typescript 7 writes it. */
export function schemaOf({ paths, components }: Document): string {
  const operations = Object.values(paths).flatMap((item) => Object.values(item))
  return [
    '// What the REST API takes and gives, written by `node scripts/client.ts` from its document. A test compares.',
    '',
    'export interface paths {',
    ...Object.entries(paths)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, item]) => pathItem(path, item)),
    '}',
    '',
    `export type Json = ${typeOf(components.schemas['Json'] ?? {}, '')}`,
    '',
    'export interface components {',
    '  schemas: {',
    '    Json: Json',
    ...Object.entries(components.schemas)
      .filter(([name]) => name !== 'Json')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => member(name, false, schema, '    ').trimEnd()),
    '  }',
    '}',
    '',
    'export interface operations {',
    ...operations
      .toSorted((a, b) => (a.operationId < b.operationId ? -1 : 1))
      .map((one) => operation(one)),
    '}',
    '',
  ].join('\n')
}

function pathItem(path: string, item: Readonly<Record<string, Operation>>): string {
  const methods = METHODS.map((method) => {
    const one = item[method]
    return one === undefined
      ? `    ${method}?: never`
      : `    /** ${one.summary} */\n    ${method}: operations[${quoted(one.operationId)}]`
  })
  return `  ${quoted(path)}: {\n${NO_PARAMETERS}\n${methods.join('\n')}\n  }`
}

const NO_PARAMETERS =
  '    parameters: { query?: never; header?: never; path?: never; cookie?: never }'

/** What every request may carry. */
const HEADERS = ['idempotency-key', 'if-match', 'if-none-match']
  .map((name) => `${quoted(name)}?: string`)
  .join('; ')

function operation({ operationId, parameters = [], requestBody, responses }: Operation): string {
  const lines = [`  ${keyOf(operationId)}: {`, '    parameters: {']
  for (const place of ['query', 'path'] as const) {
    const all = parameters.filter((one) => one.in === place)
    if (all.length === 0) {
      lines.push(`      ${place}?: never`)
      continue
    }
    lines.push(`      ${place}${all.some((one) => one.required) ? '' : '?'}: {`)
    for (const { name, required, schema, description } of all) {
      const described = description === undefined ? schema : { ...schema, description }
      lines.push(member(name, !required, described, '        ').trimEnd())
    }
    lines.push('      }')
  }
  lines.push(`      header?: { ${HEADERS} }`, '      cookie?: never', '    }')
  if (requestBody === undefined) lines.push('    requestBody?: never')
  else
    lines.push(
      `    requestBody${requestBody.required === true ? '' : '?'}: {`,
      contentOf(requestBody.content),
      '    }',
    )
  lines.push('    responses: {')
  for (const [status, { content }] of Object.entries(responses))
    lines.push(
      `      ${status}: {`,
      '        headers: { [name: string]: unknown }',
      content === undefined ? '        content?: never' : `  ${contentOf(content)}`,
      '      }',
    )
  lines.push('    }', '  }')
  return lines.join('\n')
}

function contentOf(content: Content): string {
  const types = Object.entries(content).map(
    ([type, { schema = {} }]) => `${quoted(type)}: ${typeOf(schema, '          ')}`,
  )
  return `      content: { ${types.join('; ')} }`
}
