import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createApi, type Endpoint, registryEndpoints } from '../../../core/api/index.ts'
import { createWorld } from '../../fakes/memory-ports.ts'
import { NOW, start } from '../harness.ts'

// Requests made of the API's own document, right and wrong ones: what comes back is what the document says.

const TOKEN = 'Bearer a'
const SEED = 20_261_121
const RUNS = 12

/** The part of a schema of the document that is read here. */
interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
}

interface Described {
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: Schema }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: Schema }>> }
  readonly responses: Readonly<Record<string, object>>
}

interface Document {
  readonly paths: Record<string, Record<string, Described>>
  readonly components: { readonly schemas: Record<string, Schema> }
}

/** What is there besides. */
const MADE = [
  ['POST', '/registry/devices', '{"deviceId":"gw-1","gatewayAuth":"association"}'],
  ['PUT', '/groups/all', '{"name":"all","query":"dev"}'],
  ['PUT', '/people/ann', '{"name":"Ann","addresses":["ops"]}'],
  ['PUT', '/subscriptions/ann', '{"to":{"people":["ann"]}}'],
  ['POST', '/devices/dev-1/telemetry', '{'],
] as const

async function open() {
  const { core } = start(
    {
      api: { rateLimit: { requests: 1_000_000 } },
      channels: { ops: { type: 'webhook', url: 'https://example.com/' } },
      storedSubscriptions: true,
      alarms: { warm: { when: 'temp > 3' } },
      rules: { hot: { sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 3", actions: [] } },
    },
    { world: createWorld(NOW) },
  )
  const api = createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: (authorization) => authorization === TOKEN,
    more: registryEndpoints({ ports: core.ports }),
  })
  const ask = (method: string, path: string, init: RequestInit = {}) =>
    api.request(path, { ...init, method, headers: { authorization: TOKEN, ...init.headers } })
  const json = { 'content-type': 'application/json' }
  await ask('POST', '/devices/dev-1/telemetry', { headers: json, body: '{"temp":4}' })
  await ask('POST', '/registry/devices', { headers: json, body: '{"deviceId":"dev-1"}' })
  await ask('PATCH', '/devices/dev-1/shadow', {
    headers: json,
    body: '{"state":{"desired":{"fan":"on"}}}',
  })
  await ask('POST', '/devices/dev-1/commands', {
    headers: json,
    body: '{"name":"on","commandId":"c-1"}',
  })
  for (const [method, path, body] of MADE) await ask(method, path, { headers: json, body })
  const document: Document = JSON.parse(await (await ask('GET', '/openapi.json')).text())
  return { api, ask, document }
}

const { api, document } = await open()

let { ask } = await open()

/** What is there, or fits, by the names of parameters and fields: else hardly a request would come through. */
const KNOWN: Readonly<Record<string, readonly unknown[]>> = {
  deviceId: ['dev-1'],
  gatewayId: ['gw-1'],
  ruleId: ['hot'],
  alarmId: ['warm'],
  groupId: ['all'],
  id: ['ann'],
  commandId: ['c-1'],
  recipientId: ['@ann'],
  queue: ['q'],
  method: ['reboot'],
  day: ['2026-01-31'],
  query: ['dev', 'last.temp>3', 'type:fridge'],
  sort: ['id', '-seenAt'],
  after: ['', 'dev-0'],
  before: [''],
  from: ['2026-01-31', '0'],
  to: ['2026-02-01T00:00:00Z', '1790000000000'],
  devices: ['dev-1'],
  metrics: ['temp'],
  bucket: ['1h', 'auto'],
  aggregates: ['avg,max'],
  format: ['csv', 'jsonl'],
  standing: ['active'],
  for: ['1h'],
  until: ['2030-01-01T00:00:00Z'],
  sql: ["SELECT temp FROM 'devices/+/telemetry'"],
  actions: [[]],
  topic: ['devices/dev-1/telemetry'],
  publicKey: ['-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n'],
  fingerprint: ['0'.repeat(64)],
  audience: [{ channels: ['ops'] }, { everybody: true }],
  subject: ['hello'],
  ttlSeconds: [60],
  expiresAt: ['2030-01-01T00:00:00Z', 1_900_000_000_000],
  priority: [1],
  maxDeliveries: [3],
  language: ['de'],
  timeZone: ['Europe/Berlin'],
  groups: [['night']],
  addresses: [[], ['ops']],
  people: [['ann']],
  words: [{}],
  payloadBase64: ['AAEC'],
}

const resolved = (schema: Schema): Schema =>
  schema.$ref === undefined
    ? schema
    : resolved(document.components.schemas[schema.$ref.split('/').at(-1)!]!)

/** Values that fit a schema, mostly: patterns and rules between fields are not in it. */
function valuesOf(given: Schema, depth = 0, name = ''): fc.Arbitrary<unknown> {
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined
  const any = anyOf(given, depth)
  if (known === undefined) return any
  return fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: any },
  )
}

function anyOf(given: Schema, depth: number): fc.Arbitrary<unknown> {
  const schema = resolved(given)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined)
    return depth > 2
      ? valuesOf(schema.anyOf[0]!, depth)
      : fc.oneof(...schema.anyOf.map((one) => valuesOf(one, depth + 1)))
  switch (schema.type) {
    case 'string':
      return fc.oneof(
        fc.constantFrom('dev-1', 'ops', 'hot', '2026-01-31', '1h', 'x'),
        fc.string({ maxLength: Math.min(schema.maxLength ?? 12, 12) }),
      )
    case 'integer':
    case 'number': {
      const min = Math.max(schema.minimum ?? -3, -1_000)
      return fc.integer({ min, max: Math.max(min, Math.min(schema.maximum ?? 1_000, 1_000)) })
    }
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}, depth + 1), { maxLength: 2 })
    case 'object': {
      const entries = Object.entries(schema.properties ?? {})
      if (entries.length === 0)
        return typeof schema.additionalProperties === 'object' && depth < 3
          ? fc.dictionary(
              fc.string({ maxLength: 4 }),
              valuesOf(schema.additionalProperties, depth + 1),
              { maxKeys: 2 },
            )
          : fc.constant({})
      return fc.record(
        Object.fromEntries(entries.map(([name, one]) => [name, valuesOf(one, depth + 1, name)])),
        { requiredKeys: [...(schema.required ?? [])] },
      )
    }
    default:
      return fc.jsonValue({ maxDepth: 1 })
  }
}

/** What a value of another type would be. */
function wrongFor({ type }: Schema): unknown {
  return type === 'string' ? 7 : type === 'boolean' ? 'yes' : type === 'object' ? [] : {}
}

/** A schema that finds what it does not name, all the way down. One that means itself is made once. */
function exact(schema: z.ZodType, made: Map<z.ZodType, z.ZodType>): z.ZodType {
  const before = made.get(schema)
  if (before !== undefined) return before
  made.set(
    schema,
    z.lazy(() => strict),
  )
  const strict = strictly(schema, (one) => exact(one as z.ZodType, made))
  return strict
}

function strictly(schema: z.ZodType, inner: (one: unknown) => z.ZodType): z.ZodType {
  if (schema instanceof z.ZodObject) {
    const shape = Object.fromEntries(
      Object.entries(schema.shape).map(([name, one]) => [name, inner(one)]),
    )
    const { catchall } = schema.def
    return catchall === undefined || catchall instanceof z.ZodNever
      ? z.strictObject(shape)
      : z.looseObject(shape)
  }
  if (schema instanceof z.ZodArray) return z.array(inner(schema.element))
  if (schema instanceof z.ZodOptional) return inner(schema.unwrap()).optional()
  if (schema instanceof z.ZodNullable) return inner(schema.unwrap()).nullable()
  if (schema instanceof z.ZodRecord) return z.record(z.string(), inner(schema.valueType))
  if (schema instanceof z.ZodUnion) return z.union(schema.options.map(inner))
  return schema
}

const Problem = z.looseObject({
  type: z.string().startsWith('urn:anyhub:'),
  title: z.string(),
  status: z.int(),
  detail: z.string().min(1),
  errors: z
    .array(
      z.strictObject({
        in: z.enum(['path', 'query', 'body', 'header']),
        pointer: z.string(),
        detail: z.string().min(1),
        line: z.int().optional(),
        column: z.int().optional(),
      }),
    )
    .optional(),
})

interface Request {
  readonly path: string
  readonly query: string
  readonly body?: unknown
}

const described = (one: Endpoint): Described => document.paths[one.path]![one.method]!

const bodySchema = (one: Endpoint): Schema | undefined =>
  one.body === undefined
    ? undefined
    : described(one).requestBody?.content['application/json']?.schema

/** Requests to an endpoint, as the document describes them. */
function requestsTo(one: Endpoint): fc.Arbitrary<Request> {
  const { parameters = [] } = described(one)
  const record = (place: string) => {
    const all = parameters.filter((parameter) => parameter.in === place)
    return fc.record(
      Object.fromEntries(all.map(({ name, schema }) => [name, valuesOf(schema, 0, name)])),
      {
        requiredKeys: all.filter(({ required }) => required).map(({ name }) => name),
      },
    )
  }
  const schema = bodySchema(one)
  return fc
    .record({
      path: record('path'),
      query: record('query'),
      body: fc.oneof(
        ...(GOOD[one.operation] ?? []).map((body) => fc.constant(body)),
        schema === undefined ? fc.constant(undefined) : valuesOf(schema),
      ),
    })
    .map(({ path, query, body }) => ({
      path: one.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(String(path[name as keyof typeof path]) || 'x').replace(/^\.+$/, 'x'),
      ),
      query: new URLSearchParams(
        Object.entries(query).map(([name, value]) => [name, String(value)] as [string, string]),
      ).toString(),
      body,
    }))
}

/** Bodies of endpoints that take what the document cannot say, or read them themselves. */
const GOOD: Readonly<Record<string, readonly unknown[]>> = {
  sendCommand: [{ name: 'on' }, { payload: { a: 1 } }, { payloadText: 'x', priority: 9 }],
  patchShadow: [{ state: { desired: { fan: 'off' } } }, { state: { desired: null } }, {}],
  postTelemetry: [{ temp: 5 }, [{ temp: 1 }, { temp: 'x' }]],
  putSubscription: [{ to: { people: ['ann'] } }, { to: { channels: ['ops'] }, digest: '1h' }],
  startTask: [{ kind: 'export', format: 'csv', devices: ['dev-1'] }],
}

async function send(one: Endpoint, { path, query, body }: Request) {
  const answer = await ask(
    one.method.toUpperCase(),
    query === '' ? path : `${path}?${query}`,
    body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  )
  const type = answer.headers.get('content-type') ?? ''
  // A stream does not end: that it began is enough.
  if (type.startsWith('text/event-stream')) {
    await answer.body?.cancel()
    return { status: answer.status, type, text: '', json: undefined, headers: answer.headers }
  }
  const text = await answer.text()
  const json: unknown = /[/+]json$/.test(type) ? JSON.parse(text) : undefined
  return { status: answer.status, type, text, json, headers: answer.headers }
}

type Sent = Awaited<ReturnType<typeof send>>

/** What holds for every answer. */
function checkAnswer(one: Endpoint, { status, type, text, json, headers }: Sent): void {
  expect(status, text).toBeLessThan(500)
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('cache-control')).not.toBeNull()
  const { responses } = described(one)
  if (status >= 400 && !(String(status) in responses)) {
    expect(type).toBe('application/problem+json')
    const problem = Problem.parse(json)
    expect(problem.status).toBe(status)
    return
  }
  expect(Object.keys(responses)).toContain(String(status))
  const usual = one.status ?? (one.answer === undefined && !one.contentType ? 204 : 200)
  const schema = status === usual ? one.answer : one.others?.[status]?.answer
  if (schema !== undefined && json !== undefined) {
    const found = exact(schema, new Map()).safeParse(json)
    expect(found.success ? [] : found.error.issues, text).toEqual([])
  }
}

const settings = { seed: SEED, numRuns: RUNS } as const

/** Bodies that the endpoint checks itself: they hold what the document cannot say. */
const withBody = api.endpoints.filter((one) => resolved(bodySchema(one) ?? {}).type === 'object')

describe('every endpoint, as its document says', () => {
  // What one endpoint takes away is there for the next.
  beforeEach(async () => {
    const opened = await open()
    ask = opened.ask
  })

  it.each(api.endpoints.map((one) => [one.operation, one] as const))(
    '%s answers what the document says',
    (_, one) =>
      fc.assert(
        fc.asyncProperty(requestsTo(one), async (request) =>
          checkAnswer(one, await send(one, request)),
        ),
        settings,
      ),
  )
})

describe('every endpoint', () => {
  it.each(api.endpoints.map((one) => [one.operation, one] as const))(
    '%s knows its parameters, and no others',
    async (_, one) => {
      if (one.operation === 'postNetworkMessage') return
      const answer = await send(one, { path: one.path.replaceAll(/[{}]/g, ''), query: 'zzz=1' })
      checkAnswer(one, answer)
      expect([400, 404], answer.text).toContain(answer.status)
    },
  )

  it.each(withBody.map((one) => [one.operation, one] as const))(
    '%s knows its fields, and says which one is wrong',
    async (_, one) => {
      const path = one.path.replaceAll(/\{\w+\}/g, 'dev-1')
      const schema = resolved(bodySchema(one)!)
      const stranger = await send(one, { path, query: '', body: { zzz: 1 } })
      checkAnswer(one, stranger)
      expect(stranger).toMatchObject({ status: 400 })
      expect(Problem.parse(stranger.json).errors).toContainEqual(
        expect.objectContaining({ in: 'body', pointer: '/zzz' }),
      )
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        const meant = resolved(field)
        if (meant.type === undefined) continue
        const wrong = await send(one, { path, query: '', body: { [name]: wrongFor(meant) } })
        checkAnswer(one, wrong)
        expect(wrong.status).toBe(400)
        const { errors = [] } = Problem.parse(wrong.json)
        expect(
          errors.some(({ pointer }) => pointer.startsWith(`/${name}`)),
          wrong.text,
        ).toBe(true)
      }
    },
  )

  it.each(withBody.map((one) => [one.operation, one] as const))(
    '%s reads no more than it has to, and nothing that is no JSON',
    async (_, one) => {
      const path = one.path.replaceAll(/\{\w+\}/g, 'dev-1')
      const bodyOf = (body: string, type = 'application/json') =>
        ask(one.method.toUpperCase(), path, { headers: { 'content-type': type }, body })
      const large = await bodyOf(`{"zzz":"${'x'.repeat((one.maxBytes ?? 65_536) + 1)}"}`)
      expect(large.status).toBe(413)
      Problem.parse(await large.json())
      for (const text of ['{', 'nul', '[]', '"x"', '1', 'null']) {
        const answer = await bodyOf(text)
        expect(answer.status).toBe(400)
        Problem.parse(await answer.json())
      }
      const xml = await bodyOf('<a/>', 'application/xml')
      expect(xml.status).toBe(415)
      Problem.parse(await xml.json())
    },
  )
})
