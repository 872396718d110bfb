import { type Context, Hono } from 'hono'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { fromBase64 } from '../model/base64.ts'
import {
  COMMAND_ACKS,
  type CommandAck,
  type CommandInfo,
  type ReceivedCommand,
} from '../model/command.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { readBody } from './read-body.ts'

/** A body has room for the largest payload in base64 and what stands beside it. */
const MAX_BODY_BYTES = 262_144

const MAX_LEASE_SECONDS = 3_600

const FIELDS = [
  'commandId',
  'name',
  'payload',
  'payloadText',
  'payloadBase64',
  'contentType',
  'correlationId',
  'properties',
  'ttlSeconds',
  'expiresAt',
  'priority',
  'maxDeliveries',
  'ack',
] as const

export interface CommandApiOptions {
  readonly core: Core
  /** Answers instead of the route unless the caller is the admin. */
  readonly refuse: (context: Context) => Response | undefined
}

/** Commands and methods: people send and look, a device without a connection asks for its next command. */
export function createCommandApi({ core, refuse }: CommandApiOptions): Hono {
  const { commands, methods } = core
  const api = new Hono()

  api.post('/devices/:id/commands', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const request = readRequest(await readObject(context))
    const command = await commands.send(context.req.param('id'), { ...request, sentBy: 'admin' })
    return context.json(infoView(command), 202)
  })

  api.get('/devices/:id/commands', async (context) => {
    const found = await commands.list(context.req.param('id'))
    return context.json({ commands: found.map(infoView) })
  })

  api.get('/devices/:id/commands/:command', async (context) => {
    const command = await commands.get(context.req.param('id'), context.req.param('command'))
    if (command === undefined)
      throw new CoreError('input.not_found', 'expected a command that waits or ended lately')
    return context.json(infoView(command))
  })

  api.delete('/devices/:id/commands', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    return context.json({ purged: await commands.purge(context.req.param('id')) })
  })

  api.post('/devices/:id/methods/:method', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const connect = readSeconds(context, 'connectTimeout')
    const response = readSeconds(context, 'responseTimeout')
    const answer = await methods.invoke(context.req.param('id'), {
      name: context.req.param('method'),
      payload: await readJson(context, null),
      ...(connect === undefined ? {} : { connectTimeoutMs: connect * 1_000 }),
      ...(response === undefined ? {} : { responseTimeoutMs: response * 1_000 }),
    })
    return context.json({ ...answer })
  })

  // The device's side, for those that hold no connection.

  api.get('/devices/:id/executions/next', async (context) => {
    const received = await commands.receive(context.req.param('id'))
    return received === undefined ? context.body(null, 204) : receivedAnswer(received)
  })

  api.delete('/devices/:id/executions/:lock', async (context) => {
    const how = context.req.query('reject') === undefined ? 'complete' : 'reject'
    const { id, lock } = context.req.param()
    await commands.settle(id, lock, how, context.req.query('reason'))
    return context.body(null, 204)
  })

  api.post('/devices/:id/executions/:lock/abandon', async (context) => {
    const { id, lock } = context.req.param()
    await commands.settle(id, lock, 'abandon')
    return context.body(null, 204)
  })

  api.get('/commands/feedback', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    const limit = readCount(context, 'limit', 50, 1_000)
    const lease = readCount(context, 'leaseSeconds', 60, MAX_LEASE_SECONDS)
    const found = await commands.claimFeedback(limit, lease * 1_000)
    return context.json({
      feedback: found.map(({ id, at, feedback }) => ({ id, at, ...feedback })),
    })
  })

  api.delete('/commands/feedback/:feedback', async (context) => {
    const refused = refuse(context)
    if (refused !== undefined) return refused
    if (await commands.removeFeedback(context.req.param('feedback'))) return context.body(null, 204)
    throw new CoreError('input.not_found', 'expected the id of feedback that waits')
  })

  return api
}

function infoView(command: CommandInfo): JsonObject {
  return { ...command }
}

/** Bytes of any kind are the body; what is known of them stands in headers. */
function receivedAnswer(received: ReceivedCommand): Response {
  const { command, payload, contentType, correlationId, properties } = received
  // Headers are bytes: what is beyond ASCII goes in as JSON does it.
  const ascii = (text: string): string => encodeURIComponent(text)
  return new Response(payload.slice(), {
    headers: {
      'content-type': contentType ?? 'application/octet-stream',
      'cache-control': 'no-store',
      etag: `"${received.lockToken}"`,
      'anyhub-command-id': ascii(command.commandId),
      'anyhub-command-name': ascii(command.name),
      'anyhub-delivery-count': String(received.deliveryCount),
      'anyhub-locked-until': new Date(received.lockedUntil).toISOString(),
      'anyhub-expires-at': new Date(command.expiresAt).toISOString(),
      'anyhub-properties': ascii(JSON.stringify(properties)),
      ...(correlationId === undefined ? {} : { 'anyhub-correlation-id': ascii(correlationId) }),
    },
  })
}

function readRequest(body: JsonObject) {
  const unknown = Object.keys(body).find((key) => !FIELDS.some((field) => field === key))
  if (unknown !== undefined)
    throw malformed(`expected ${FIELDS.join(', ')}, found ${JSON.stringify(unknown.slice(0, 40))}`)
  const ttlSeconds = readNumber(body, 'ttlSeconds')
  return {
    name: readText(body, 'name') ?? 'message',
    ...readPayload(body),
    ...optional('commandId', readText(body, 'commandId')),
    ...optional('correlationId', readText(body, 'correlationId')),
    ...optional('properties', readProperties(body['properties'])),
    ...optional('ttlMs', ttlSeconds === undefined ? undefined : ttlSeconds * 1_000),
    ...optional('expiresAt', readNumber(body, 'expiresAt')),
    ...optional('priority', readNumber(body, 'priority')),
    ...optional('maxDeliveries', readNumber(body, 'maxDeliveries')),
    ...optional('ack', readAck(body['ack'])),
  }
}

/** JSON is sent as JSON, text as text, and anything in base64; nothing unless given. */
function readPayload(body: JsonObject): {
  readonly payload: Uint8Array
  readonly contentType?: string
} {
  const given = ['payload', 'payloadText', 'payloadBase64'].filter((one) => body[one] !== undefined)
  if (given.length > 1) throw malformed(`expected one payload, found ${given.join(' and ')}`)
  const named = readText(body, 'contentType')
  const typed = (usual?: string) => optional('contentType', named ?? usual)
  if (body['payload'] !== undefined) {
    const payload = new TextEncoder().encode(JSON.stringify(body['payload']))
    return { payload, ...typed('application/json') }
  }
  const base64 = readText(body, 'payloadBase64')
  if (base64 === undefined)
    return { payload: new TextEncoder().encode(readText(body, 'payloadText') ?? ''), ...typed() }
  const payload = fromBase64(base64)
  if (payload === undefined) throw malformed('payloadBase64: expected base64')
  return { payload, ...typed() }
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [k in K]?: V } {
  const found: { [k in K]?: V } = {}
  if (value !== undefined) found[key] = value
  return found
}

function readText(body: JsonObject, field: string): string | undefined {
  const value = body[field]
  if (value === undefined || typeof value === 'string') return value
  throw malformed(`${field}: expected a text`)
}

function readNumber(body: JsonObject, field: string): number | undefined {
  const value = body[field]
  if (value === undefined || typeof value === 'number') return value
  throw malformed(`${field}: expected a number`)
}

function readAck(value: Json | undefined): CommandAck | undefined {
  if (value === undefined) return undefined
  const ack = COMMAND_ACKS.find((one) => one === value)
  if (ack === undefined) throw malformed(`ack: expected ${COMMAND_ACKS.join(', ')}`)
  return ack
}

function readProperties(value: Json | undefined): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined
  const fault = 'properties: expected texts by name'
  if (!isJsonObject(value)) throw malformed(fault)
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      if (typeof text !== 'string') throw malformed(fault)
      return [name, text]
    }),
  )
}

async function readObject(context: Context): Promise<JsonObject> {
  const body = await readJson(context, {})
  if (!isJsonObject(body)) throw malformed('expected an object')
  return body
}

async function readJson(context: Context, usual: Json): Promise<Json> {
  const { bytes, complete, length } = await readBody(context.req.raw, MAX_BODY_BYTES)
  if (!complete)
    throw new CoreError(
      'command.too_large',
      `expected a body of at most ${MAX_BODY_BYTES} bytes, found ${length} or more`,
    )
  if (bytes.length === 0) return usual
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw malformed('expected a body of JSON')
  }
}

function readSeconds(context: Context, name: string): number | undefined {
  const text = context.req.query(name)
  if (text === undefined) return undefined
  if (/^\d{1,6}(?:\.\d{1,3})?$/.test(text)) return Number(text)
  throw malformed(`${name}: expected seconds`)
}

function readCount(context: Context, name: string, usual: number, most: number): number {
  const text = context.req.query(name)
  if (text === undefined) return usual
  if (/^\d{1,9}$/.test(text) && Number(text) <= most) return Number(text)
  throw malformed(`${name}: expected a count from 0 to ${most}`)
}

function malformed(message: string): CoreError {
  return new CoreError('input.malformed', message)
}
