// The REST API: web Request in, web Response out, the same behind every cloud's HTTP entry.

import { type Context, Hono } from 'hono'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { BEFORE_DEVICES, isDeviceId } from '../model/device-id.ts'
import type { ShadowInput } from '../model/input.ts'
import type { Outcome, Uplink } from '../model/uplink.ts'
import { explainDelta, isAlive } from '../shadow/index.ts'
import { createAlarmApi } from './alarms.ts'
import { allowedMethods } from './allowed-methods.ts'
import { createAudienceApi } from './audience.ts'
import { createCommandApi } from './commands.ts'
import { createDeliveryApi } from './deliveries.ts'
import { createNetworkApi } from './networks.ts'
import { createNotificationApi } from './notifications.ts'
import { notServed, problem, problemOf } from './problem.ts'
import { readBody } from './read-body.ts'
import { splitMessages } from './telemetry-body.ts'
import { deadLetterView, deviceDetail, deviceSummary } from './views.ts'

export { allowedMethods } from './allowed-methods.ts'
export { notServed, problem } from './problem.ts'
export { type ReadBody, readBody } from './read-body.ts'
export { createRegistryApi, type RegistryApiOptions, type TwinTags } from './registry.ts'
export { deviceSummary } from './views.ts'

/** How many messages one POST may bring. */
const MAX_MESSAGES = 10_000

/** How far ahead a desired value may expire. Unit: s. */
const MAX_EXPIRES_IN_S = 3_155_760_000

/** How much of a body is read at most, as a multiple of the limit for one message. */
const BATCH_FACTOR = 32

export interface ApiOptions {
  readonly core: Core
  /** Hands one uplink to the core; a host that batches puts its batcher here. */
  readonly add: (uplink: Uplink) => Promise<Outcome>
  /** Whether the bearer token of a request allows changes that people make. */
  readonly isAdmin: (authorization: string | undefined) => boolean
  /** Whether networks without a secret take requests of anybody; they do not unless given. */
  readonly trustsNetworks?: boolean
}

/** Builds the API. Devices post telemetry; people read, and with the admin's token change. */
export function createApi({ core, add, isAdmin, trustsNetworks = false }: ApiOptions): Hono {
  const { ports, program } = core
  const api = new Hono()
  api.onError((error, context) => {
    if (!(error instanceof CoreError))
      ports.observer.log('error', 'request failed', {
        path: context.req.path,
        reason: error.message,
      })
    return problemOf(context, error)
  })
  api.notFound((context) => notServed(context, allowedMethods(api, context.req.path)))

  api.get('/healthz', (context) => context.json({ status: 'ok' }))

  api.post('/devices/:id/telemetry', async (context) => {
    const deviceId = context.req.param('id')
    const contentType = context.req.header('content-type') ?? ''
    const limit = program.config.limits.bodyBytes
    const body = await readBody(context.req.raw, limit * BATCH_FACTOR)
    const receivedAt = ports.clock.now()
    const times = context.req.header('anyhub-time')?.split(',').map(readSentAt)
    const toUplink = (payload: Uint8Array, index: number, count: number): Uplink => {
      const sentAt = times?.[index]
      const key = context.req.header('idempotency-key')
      return {
        deviceId,
        topic: `devices/${deviceId}/telemetry`,
        payload,
        contentType,
        receivedAt,
        source: 'http',
        ...(sentAt === undefined ? {} : { sentAt }),
        ...(key === undefined ? {} : { messageId: count === 1 ? key : `${key}/${index}` }),
      }
    }
    if (!body.complete) {
      const deadLetterId = await keepStart(
        toUplink(body.bytes.subarray(0, limit), 0, 1),
        body.length,
      )
      const detail = `expected at most ${limit * BATCH_FACTOR} bytes, found ${body.length} or more`
      return problem(context, 413, 'uplink.too_large', detail, { deadLetterId })
    }
    const payloads = splitMessages(body.bytes, contentType)
    if (payloads.length > MAX_MESSAGES) {
      const deadLetterId = await keepStart(
        toUplink(body.bytes.subarray(0, limit), 0, 1),
        body.length,
      )
      return problem(
        context,
        413,
        'uplink.too_large',
        `expected at most ${MAX_MESSAGES} messages, found ${payloads.length}`,
        { deadLetterId },
      )
    }
    if (times !== undefined && times.length !== payloads.length) {
      return problem(
        context,
        400,
        'input.malformed',
        `expected one anyhub-time for each of ${payloads.length} messages, found ${times.length}`,
      )
    }
    const outcomes = await Promise.all(
      payloads.map((payload, index) => add(toUplink(payload, index, payloads.length))),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'retry')
    if (failed?.status === 'retry')
      return problem(context, 503, failed.error.code, failed.error.message)
    const deadLetters = outcomes.flatMap((outcome, index) =>
      outcome.status === 'dead_lettered'
        ? [
            {
              index,
              id: outcome.deadLetterId,
              code: outcome.error.code,
              reason: outcome.error.message,
            },
          ]
        : [],
    )
    const count = (status: Outcome['status']): number =>
      outcomes.filter((outcome) => outcome.status === status).length
    const summary = { accepted: count('accepted'), duplicates: count('duplicate'), deadLetters }
    const only = deadLetters[0]
    if (outcomes.length === 1 && only !== undefined) {
      return problem(
        context,
        only.code === 'uplink.too_large' ? 413 : 422,
        only.code,
        only.reason,
        summary,
      )
    }
    return context.json(summary, 202)
  })

  /** Keeps the start of a body that is too large to be read, so that somebody can see what it was. */
  async function keepStart(uplink: Uplink, payloadBytes: number): Promise<string> {
    const now = ports.clock.now()
    const id = ports.ids.next(now)
    const { deviceId, topic, payload, contentType, receivedAt, source } = uplink
    ports.observer.count('uplink.received', 1)
    ports.observer.count('uplink.rejected', 1, { code: 'uplink.too_large' })
    await ports.deadLetters.put({
      id,
      at: now,
      topic,
      payload,
      contentType,
      receivedAt,
      source,
      payloadBytes,
      code: 'uplink.too_large',
      reason: `a body of ${payloadBytes} bytes or more; only its start was kept`,
      ...(deviceId === undefined ? {} : { deviceId }),
    })
    return id
  }

  api.get('/devices', async (context) => {
    const limit = readCount(context.req.query('limit'), 100, 1_000)
    const records = await ports.devices.list(context.req.query('after') || BEFORE_DEVICES, limit)
    const next = records.length === limit ? records.at(-1)?.deviceId : undefined
    return context.json({
      devices: records.filter(({ deviceId }) => isDeviceId(deviceId)).map(deviceSummary),
      ...(next === undefined ? {} : { next }),
    })
  })

  api.get('/devices/:id', async (context) =>
    context.json(deviceDetail(await find(context.req.param('id')))),
  )

  api.get('/devices/:id/telemetry', async (context) => {
    const { deviceId } = await find(context.req.param('id'))
    const from = readTime(context.req.query('from'), 0)
    const to = readTime(context.req.query('to'), 8.64e15)
    const limit = readCount(context.req.query('limit'), 100, 10_000)
    const rows = await ports.telemetry.range(deviceId, {
      from,
      to,
      limit,
      descending: readOrder(context.req.query('order')) === 'desc',
    })
    return context.json({ rows, count: await ports.telemetry.count(deviceId) })
  })

  api.get('/devices/:id/shadow', async (context) => {
    const name = context.req.query('name') ?? ''
    const { deviceId } = await find(context.req.param('id'))
    return shadowAnswer(deviceId, { operation: 'get', name, body: '' })
  })

  api.get('/devices/:id/shadow/delta', async (context) => {
    const name = context.req.query('name') ?? ''
    const { shadows } = await find(context.req.param('id'))
    const shadow = Object.hasOwn(shadows, name) ? shadows[name] : undefined
    if (!isAlive(shadow))
      throw new CoreError('shadow.not_found', `no shadow has the name ${JSON.stringify(name)}`)
    return context.json({ version: shadow.version, delta: explainDelta(shadow) })
  })

  api.patch('/devices/:id/shadow', async (context) => {
    if (!isAdmin(context.req.header('authorization'))) return unauthorized(context)
    const name = context.req.query('name') ?? ''
    const body = await readBody(context.req.raw, program.config.limits.bodyBytes)
    if (!body.complete) return problem(context, 413, 'uplink.too_large', 'the request is too large')
    const expiresIn = readCount(context.req.query('expiresIn'), 0, MAX_EXPIRES_IN_S)
    return shadowAnswer(context.req.param('id'), {
      operation: 'update',
      name,
      body: body.bytes,
      by: 'admin',
      once: readSwitch('once', context.req.query('once')),
      ...(expiresIn === 0 ? {} : { expiresAt: ports.clock.now() + expiresIn * 1_000 }),
    })
  })

  async function shadowAnswer(
    deviceId: string,
    request: Omit<ShadowInput, 'kind' | 'at'>,
  ): Promise<Response> {
    const [result] = await core.gate.run(deviceId, [
      { kind: 'shadow', at: ports.clock.now(), ...request },
    ])
    if (result?.status === 'refused') throw new CoreError(result.code, result.message)
    if (result?.status !== 'answered')
      throw new CoreError('shadow.bad_request', 'expected an answer, found none')
    const status = result.accepted ? 200 : statusOf(result.body)
    return new Response(JSON.stringify(result.body), {
      status,
      headers: { 'content-type': 'application/json' },
    })
  }

  api.get('/dead-letters', async (context) => {
    const limit = readCount(context.req.query('limit'), 50, 1_000)
    const letters = await ports.deadLetters.list(context.req.query('before') ?? '', limit)
    const next = letters.length === limit ? letters.at(-1)?.id : undefined
    return context.json({
      deadLetters: letters.map(deadLetterView),
      total: await ports.deadLetters.count(),
      ...(next === undefined ? {} : { next }),
    })
  })

  api.get('/dead-letters/:id', async (context) => {
    const letter = await ports.deadLetters.get(context.req.param('id'))
    if (letter === undefined)
      return problem(context, 404, 'input.not_found', 'expected the id of a dead letter')
    return context.json(deadLetterView(letter))
  })

  api.post('/dead-letters/:id/redrive', async (context) => {
    if (!isAdmin(context.req.header('authorization'))) return unauthorized(context)
    const result = await core.redrive(context.req.param('id'))
    if (result.status === 'dead_lettered') {
      return problem(context, 422, result.error.code, result.error.message, {
        deadLetterId: result.deadLetterId,
      })
    }
    if (result.status === 'retry') throw result.error
    return context.json({ status: result.status })
  })

  api.delete('/dead-letters/:id', async (context) => {
    if (!isAdmin(context.req.header('authorization'))) return unauthorized(context)
    await ports.deadLetters.remove(context.req.param('id'))
    return context.body(null, 204)
  })

  api.get('/cold/:day', async (context) => {
    const day = context.req.param('day')
    if (!/^\d{4}-\d\d-\d\d$/.test(day))
      return problem(context, 400, 'input.malformed', 'expected a day such as 2026-01-31')
    const rows = await ports.cold.read(
      day,
      readCount(context.req.query('after'), 0, Number.MAX_SAFE_INTEGER),
      1_000,
    )
    const last = rows.at(-1)
    return context.body(rows.map(({ row }) => `${JSON.stringify(row)}\n`).join(''), 200, {
      'content-type': 'application/x-ndjson',
      ...(last === undefined ? {} : { 'anyhub-next': String(last.position) }),
    })
  })

  const refuse = (context: Context): Response | undefined =>
    isAdmin(context.req.header('authorization')) ? undefined : unauthorized(context)
  api.route('/', createAlarmApi({ core, refuse }))
  api.route('/', createCommandApi({ core, refuse }))
  api.route('/', createDeliveryApi({ core, refuse }))
  api.route('/', createNotificationApi({ core, refuse }))
  api.route('/', createAudienceApi({ core, refuse }))
  api.route('/', createNetworkApi({ core, add, isAdmin, trusting: trustsNetworks }))

  async function find(deviceId: string) {
    const record = await ports.devices.load(deviceId)
    if (record === undefined)
      throw new CoreError(
        'input.not_found',
        `no device ${JSON.stringify(deviceId)} has been heard of`,
      )
    return record
  }

  return api
}

function unauthorized(context: Parameters<typeof problem>[0]): Response {
  const answer = problem(
    context,
    401,
    'unauthorized',
    "expected the admin's token: Authorization: Bearer …",
  )
  answer.headers.set('www-authenticate', 'Bearer')
  return answer
}

function statusOf(body: unknown): number {
  if (typeof body !== 'object' || body === null || !('code' in body)) return 400
  return typeof body.code === 'number' && body.code >= 400 && body.code < 600 ? body.code : 400
}

function readCount(text: string | undefined, usual: number, most: number): number {
  if (text === undefined) return usual
  if (/^\d{1,16}$/.test(text) && Number(text) <= most) return Number(text)
  throw new CoreError(
    'input.malformed',
    `expected a count from 0 to ${most}, found ${JSON.stringify(text.slice(0, 40))}`,
  )
}

/** Epoch ms; what is no number goes on as none, and is found where messages are decoded. */
function readSentAt(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

function readSwitch(name: string, text: string | undefined): boolean {
  if (text === undefined || text === 'true' || text === 'false') return text === 'true'
  throw new CoreError(
    'input.malformed',
    `expected ${name} to be true or false, found ${JSON.stringify(text.slice(0, 40))}`,
  )
}

function readOrder(text: string | undefined): 'asc' | 'desc' {
  if (text === undefined) return 'desc'
  if (text === 'asc' || text === 'desc') return text
  throw new CoreError(
    'input.malformed',
    `expected the order asc or desc, found ${JSON.stringify(text.slice(0, 40))}`,
  )
}

/** What else the engine's parser would make a date of is none. */
const ISO_DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))?$/

/** Epoch ms, or ISO 8601: a day of UTC, or a time with its zone. */
function readTime(text: string | undefined, usual: number): number {
  if (text === undefined) return usual
  const ms = /^\d{1,16}$/.test(text)
    ? Number(text)
    : ISO_DATE.test(text)
      ? Date.parse(text)
      : Number.NaN
  if (!Number.isNaN(ms)) return ms
  throw new CoreError(
    'input.malformed',
    `expected epoch milliseconds or ISO 8601, found ${JSON.stringify(text.slice(0, 40))}`,
  )
}
