import { createApi } from '../../core/api/index.ts'
import {
  type Caller,
  type Config,
  type Core,
  CoreError,
  deviceCaller,
  isAlive,
  type Outcome,
  type Uplink,
} from '../../core/index.ts'
import { wait } from '../node/web-sender.ts'
import type { GcpSettings } from './config.ts'
import { createGcp, type Gcp } from './create-gcp.ts'
import { createDeviceAccess } from './device-access.ts'
import { type HttpFunction, send, toRequest, traceOf } from './http.ts'

export { readConfig } from './config.ts'

/** What a device may ask for, with its own token, on its own paths. */
const PATHS: readonly { readonly method: string; readonly path: RegExp }[] = [
  { method: 'POST', path: /^\/devices\/([^/]+)\/telemetry$/ },
  { method: 'GET', path: /^\/devices\/([^/]+)\/config$/ },
  { method: 'GET', path: /^\/devices\/([^/]+)\/shadow$/ },
  { method: 'GET', path: /^\/devices\/([^/]+)\/executions\/next$/ },
  { method: 'DELETE', path: /^\/devices\/([^/]+)\/executions\/[^/]+$/ },
  { method: 'POST', path: /^\/devices\/([^/]+)\/executions\/[^/]+\/abandon$/ },
]

/** How long a question may wait for its answer, and how often we look meanwhile: each look is a paid read. Unit: ms. */
const MAX_WAIT_MS = 55_000
const LOOK_MS = 1_000

/**
 * The public way in for devices: telemetry goes to the telemetry topic and is acknowledged when Pub/Sub has it; config and
 * commands come by long poll (`?wait=` seconds).
 *
 * Shape: `POST /devices/{id}/telemetry`; `GET /devices/{id}/config[?after={version}]`: the desired state, its version as
 *        ETag, 304 while there is no newer one; `GET /devices/{id}/executions/next`: the next command, 204 without one,
 *        settled by `DELETE /devices/{id}/executions/{etag}[?reject]` or `POST …/abandon`.
 */
export function createGcpIngestHttp(settings: GcpSettings, config: Config): HttpFunction {
  const gcp = createGcp(settings, config)
  const { core, observer, settle, trace } = gcp
  const access = createDeviceAccess({
    registry: core.ports.registry,
    clock: core.ports.clock,
    audience: settings.project,
  })
  const callers = new WeakMap<Request, Caller>()
  const api = createApi({
    core,
    // Devices alone come this way.
    identify: (request) => callers.get(request),
    add: createPublisher(gcp, settings.telemetryTopic),
  })

  /** Asks the API as the device; how long to wait is our business. */
  async function ask(request: Request, deviceId: string): Promise<Response> {
    const url = new URL(request.url)
    url.searchParams.delete('wait')
    const { method, headers } = request
    const asked = request.method === 'GET' ? new Request(url, { method, headers }) : request
    callers.set(asked, deviceCaller(deviceId))
    return api.fetch(asked)
  }

  async function serve(request: Request): Promise<Response> {
    const url = new URL(request.url)
    if (url.pathname === '/healthz') return api.fetch(request)
    const named = deviceOf(request.method, url.pathname)
    if (named === undefined)
      return problem(404, 'input.not_found', 'expected a path of a device: docs/gcp.md')
    const refusal = await access(named, request.headers.get('authorization') ?? undefined)
    if (refusal !== undefined) return problem(refusal.status, 'unauthorized', refusal.reason)
    const waitMs = readWait(url.searchParams.get('wait'))
    if (waitMs === undefined)
      return problem(
        400,
        'input.malformed',
        `expected wait: seconds, at most ${MAX_WAIT_MS / 1_000}`,
      )
    if (url.pathname.endsWith('/config')) {
      const after = Number(url.searchParams.get('after') ?? 0)
      return poll(waitMs, async () => configAnswer(core, named, after), isNews)
    }
    if (url.pathname.endsWith('/executions/next'))
      return poll(waitMs, () => ask(request, named), isNews)
    return ask(request, named)
  }

  return async (incoming, outgoing) => {
    const request = toRequest(incoming)
    const traceId = traceOf(
      request.headers.get('traceparent'),
      request.headers.get('x-cloud-trace-context'),
    )
    await trace(traceId, async () => {
      const response = await serve(request).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        observer.log('error', 'request failed', { path: new URL(request.url).pathname, reason })
        return problem(503, error instanceof CoreError ? error.code : 'internal', reason)
      })
      await settle()
      observer.flush()
      await send(response, outgoing)
    })
  }
}

/** Publishes what comes in one turn, which is one request's, as one message for each device: Pub/Sub is paid by the size. */
function createPublisher(
  { core, pubsub }: Gcp,
  topic: string,
): (uplink: Uplink) => Promise<Outcome> {
  let gathering: { readonly uplinks: Uplink[]; readonly done: Promise<string> } | undefined

  async function publish(uplinks: readonly Uplink[]): Promise<string> {
    const { clock, ids } = core.ports
    const publishId = ids.next(clock.now())
    const devices = Map.groupBy(uplinks, ({ deviceId }) => deviceId ?? '')
    await pubsub.publish(
      topic,
      [...devices].map(([deviceId, some]) => ({
        data: JSON.stringify(
          some.map(({ payload, contentType, receivedAt, sentAt, messageId }) => ({
            payload: Buffer.from(payload).toString('base64'),
            contentType,
            receivedAt,
            ...(sentAt === undefined ? {} : { sentAt }),
            ...(messageId === undefined ? {} : { messageId }),
          })),
        ),
        attributes: {
          deviceId,
          topic: some[0]?.topic ?? '',
          batch: String(some.length),
          publishId,
        },
        orderingKey: deviceId,
      })),
    )
    return publishId
  }

  return async (uplink) => {
    if (gathering === undefined) {
      const uplinks: Uplink[] = []
      const done = Promise.resolve().then(() => {
        gathering = undefined
        return publish(uplinks)
      })
      gathering = { uplinks, done }
    }
    const { uplinks, done } = gathering
    const index = uplinks.push(uplink) - 1
    try {
      const messageId = uplink.messageId ?? `${await done}/${index}`
      await done
      return { status: 'accepted', deviceId: uplink.deviceId ?? '', messageId }
    } catch (error) {
      if (error instanceof CoreError && error.retryable) return { status: 'retry', error }
      const cause = error instanceof Error ? error.message : String(error)
      return { status: 'retry', error: new CoreError('store.unavailable', cause) }
    }
  }
}

async function configAnswer(core: Core, deviceId: string, after: number): Promise<Response> {
  const document = (await core.ports.devices.load(deviceId))?.shadows['']
  const version = document?.desiredVersion ?? 0
  if (version <= after)
    return new Response(null, { status: 304, headers: { etag: `"${version}"` } })
  const desired = isAlive(document) ? (document.desired ?? {}) : {}
  return Response.json(desired, {
    headers: { etag: `"${version}"`, 'cache-control': 'no-store' },
  })
}

async function poll(
  waitMs: number,
  ask: () => Promise<Response>,
  enough: (response: Response) => boolean,
): Promise<Response> {
  const until = performance.now() + waitMs
  for (;;) {
    const response = await ask()
    const left = until - performance.now()
    if (enough(response) || left <= 0) return response
    await wait(Math.min(left, LOOK_MS))
  }
}

/** Nothing new is 204 or 304. */
function isNews({ status }: Response): boolean {
  return status !== 204 && status !== 304
}

function deviceOf(method: string, pathname: string): string | undefined {
  for (const own of PATHS) {
    const found = own.path.exec(pathname)?.[1]
    if (found !== undefined && own.method === method) return decode(found)
  }
  return undefined
}

/** `undefined` if it is no time that we wait. Unit: ms. */
function readWait(text: string | null): number | undefined {
  if (text === null) return 0
  const ms = /^\d{1,3}(?:\.\d{1,3})?$/.test(text) ? Number(text) * 1_000 : Number.NaN
  return ms <= MAX_WAIT_MS ? ms : undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function problem(status: number, code: string, detail: string): Response {
  const headers = {
    'content-type': 'application/problem+json',
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  }
  return Response.json({ type: 'about:blank', status, code, detail }, { status, headers })
}
