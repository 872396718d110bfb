import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi'
import * as z from 'zod'
import type { JsonObject } from '../model/json.ts'
import type { Endpoint, OtherAnswer } from './endpoint.ts'
import { type Components, toSchema } from './json-schema.ts'

/** Every answer that is none. Source: RFC 9457. */
const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z
      .array(
        z.object({
          in: z.enum(['path', 'query', 'body', 'header']),
          pointer: z.string(),
          detail: z.string(),
          line: z.int().optional(),
          column: z.int().optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem', description: 'What was expected, what was found, and where.' })

const PROBLEM: OtherAnswer = {
  description: 'A problem.',
  answer: Problem,
  contentType: 'application/problem+json',
}

/**
 * The document of endpoints.
 * Source: OpenAPI 3.1.
 */
export function documentOf(api: OpenAPIHono, endpoints: readonly Endpoint[]): object {
  const registry = api.openAPIRegistry
  const components: Components = new Map()
  for (const one of endpoints) registry.registerPath(describe(one, components))
  for (const [name, schema] of components) registry.registerComponent('schemas', name, schema)
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: "The admin's token, an API key, or a token of an identity provider.",
  })
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'anyhub',
      version: '1',
      description:
        'One IoT backend, any cloud. Times are epoch milliseconds; errors are problem documents (RFC 9457).',
    },
    security: [{ bearer: [] }],
  })
}

function describe(one: Endpoint, components: Components): RouteConfig {
  const { body, raw = [], needs, params, query, bodyOptional = false } = one
  const content =
    body === undefined
      ? Object.fromEntries(raw.map((type) => [type, { schema: {} }]))
      : { 'application/json': { schema: toSchema(body, 'input', components) } }
  return {
    method: one.method,
    path: one.path,
    operationId: one.operation,
    tags: [one.tag],
    summary: one.summary,
    ...(one.description === undefined ? {} : { description: one.description }),
    security: needs === 'open' ? [] : [{ bearer: [needs] }],
    parameters: [
      ...parametersOf(params, 'path', components),
      ...parametersOf(query, 'query', components),
    ],
    ...(Object.keys(content).length === 0
      ? {}
      : { request: { body: { content, required: !bodyOptional } } }),
    responses: answersOf(one, components),
  }
}

function parametersOf({ shape }: z.ZodObject, place: 'path' | 'query', components: Components) {
  const entries: [string, unknown][] = Object.entries(shape)
  return entries.map(([name, type]) => {
    const { description, ...schema }: JsonObject =
      type instanceof z.ZodType ? toSchema(type, 'input', components) : {}
    return {
      name,
      in: place,
      required:
        place === 'path' || !(type instanceof z.ZodType && type.safeParse(undefined).success),
      ...(typeof description === 'string' ? { description } : {}),
      schema: asMeant(schema),
    }
  })
}

/** A number or a switch is text in a path and a query; in the document it is what is meant. */
function asMeant(schema: JsonObject): JsonObject {
  if (schema['type'] !== 'integer' && schema['type'] !== 'boolean') return schema
  const { pattern: _, enum: __, ...rest } = schema
  return rest
}

function answersOf(one: Endpoint, components: Components): RouteConfig['responses'] {
  const { answer, contentType, summary, others = {} } = one
  const usual = answer === undefined && contentType === undefined ? 204 : 200
  const all: [string, OtherAnswer][] = [
    [
      String(one.status ?? usual),
      {
        description: summary,
        ...(answer === undefined ? {} : { answer }),
        ...(contentType === undefined ? {} : { contentType }),
      },
    ],
    ...Object.entries(others).map(([status, other]): [string, OtherAnswer] => [
      status,
      Number(status) < 400 ? other : { ...PROBLEM, ...other },
    ]),
    ['default', PROBLEM],
  ]
  return Object.fromEntries(
    all.map(([status, { description, answer: schema, contentType: type }]) => [
      status,
      {
        description,
        ...(schema === undefined && type === undefined
          ? {}
          : {
              content: {
                [type ?? 'application/json']: {
                  schema: schema === undefined ? {} : toSchema(schema, 'output', components),
                },
              },
            }),
      },
    ]),
  )
}
