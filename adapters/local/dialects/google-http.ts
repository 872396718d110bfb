import { readBody } from '../../../core/api/index.ts'
import {
  type Core,
  CoreError,
  isJsonObject,
  type Json,
  type JsonObject,
  type Outcome,
  type Uplink,
} from '../../../core/index.ts'
import type { Identities } from '../identity.ts'
import type { ConfigDesk } from './google-config.ts'
import { type GooglePath, readGooglePath } from './google-ids.ts'
import { MAX_STATE_BYTES, type StateDesk } from './google-state.ts'
import { toGoogleUplink } from './google-uplink.ts'
import type { HttpCallerFacts, HttpDialect } from './http-dialect.ts'

// The HTTP bridge of Google Cloud IoT Core: each request brings a token of its device.

export interface GoogleHttpOptions {
  readonly core: Core
  readonly identities: Pick<Identities, 'ofJwt' | 'isRegistered' | 'isDisabled'>
  /** Nobody is served who does not prove who he is. */
  readonly requireAuth: boolean
  readonly configs: ConfigDesk
  readonly states: StateDesk
  /** Hands one uplink to the core. */
  readonly add: (uplink: Uplink) => Promise<Outcome>
}

const PREFIX = '/v1/'

/** Source: Google Cloud IoT quotas: 256 KB of telemetry, which base64 makes a third longer. */
const MAX_BODY_BYTES = 400_000

/** Source: Google Cloud APIs, `google.rpc.Code` and its HTTP mapping. */
const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'INVALID_ARGUMENT',
  413: 'INVALID_ARGUMENT',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}

/** Whether a path is of this dialect: it looks for itself who may use it. */
export function isGoogleHttpPath(path: string): boolean {
  return path.startsWith('/v1/projects/')
}

/**
 * Builds the bridge: `POST …/devices/{id}:publishEvent`, `POST …/devices/{id}:setState`, `GET …/devices/{id}/config`.
 *
 * Source: Google Cloud IoT, "Publishing over the HTTP bridge", `cloudiotdevice.googleapis.com/v1`.
 */
export function createGoogleHttp(options: GoogleHttpOptions): HttpDialect {
  const { core, identities, requireAuth, configs, states, add } = options
  const { clock, observer } = core.ports

  /** Why somebody is not let in; `undefined`: he is. */
  function refusal(request: Request, { deviceId, project }: GooglePath): Response | undefined {
    const isOpen = !requireAuth && new URL(request.url).protocol === 'http:'
    if (isOpen && !identities.isRegistered(deviceId)) return undefined
    const bearer = /^bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
    if (bearer === undefined) return googleError(401, 'expected a token of the device as bearer')
    const judged = identities.ofJwt(deviceId, bearer, project)
    if (judged.kind !== 'refused') return undefined
    observer.count('http.refused', 1, { dialect: 'google' })
    return googleError(judged.reason === 'bad_credentials' ? 401 : 403, judged.why)
  }

  async function publishEvent(
    path: GooglePath,
    body: JsonObject,
    caller: HttpCallerFacts,
  ): Promise<Response> {
    const payload = readBytes(body)
    const subfolder = either(body, 'subFolder', 'sub_folder') ?? ''
    if (payload === undefined || typeof subfolder !== 'string' || !isSubfolder(subfolder))
      return googleError(400, 'expected binary_data in base64, and sub_folder as topic levels')
    const outcome = await add(
      toGoogleUplink({
        path,
        subfolder,
        payload,
        source: 'http',
        receivedAt: clock.now(),
        sourceIp: caller.remoteAddress,
      }),
    )
    return outcome.status === 'retry' ? googleError(503, outcome.error.message) : answer({})
  }

  async function setState({ deviceId }: GooglePath, body: JsonObject): Promise<Response> {
    const { state } = body
    const payload = isJsonObject(state) ? readBytes(state) : undefined
    if (payload === undefined || payload.length > MAX_STATE_BYTES)
      return googleError(400, 'expected state.binary_data in base64, of at most 64 KB')
    await states.report(deviceId, payload)
    return answer({})
  }

  async function getConfig({ deviceId }: GooglePath, url: URL): Promise<Response> {
    const local = url.searchParams.get('local_version') ?? url.searchParams.get('localVersion')
    if (local !== null && !/^\d{1,15}$/.test(local))
      return googleError(400, 'expected local_version to be a count')
    const { version, payload, updatedAt } = await configs.current(deviceId)
    if (local !== null && Number(local) >= version) {
      await configs.acknowledge(deviceId, version)
      return answer({})
    }
    return answer({
      version: String(version),
      // The first one was set by nobody.
      ...(updatedAt === 0 ? {} : { cloudUpdateTime: new Date(updatedAt).toISOString() }),
      binaryData: Buffer.from(payload).toString('base64'),
    })
  }

  async function route(request: Request, caller: HttpCallerFacts): Promise<Response> {
    const url = new URL(request.url)
    const target = decode(url.pathname.slice(PREFIX.length))
    const parts = /^(.*\/devices\/[^/]*?)(:publishEvent|:setState|\/config)$/.exec(target)
    const path = readGooglePath(parts?.[1] ?? '')
    const what = parts?.[2]
    if (path === undefined || what === undefined)
      return googleError(404, 'expected …/devices/{id}:publishEvent, :setState or /config')
    const refused = refusal(request, path)
    if (refused !== undefined) return refused
    if (identities.isDisabled(path.deviceId)) return googleError(403, 'device is disabled')
    if (request.method !== (what === '/config' ? 'GET' : 'POST'))
      return googleError(405, `${request.method} is not served here`)
    if (what === '/config') return getConfig(path, url)
    const read = await readBody(request, MAX_BODY_BYTES)
    if (!read.complete) return googleError(413, 'the request is too large')
    const body = readObject(read.bytes)
    if (body === undefined) return googleError(400, 'expected a body of JSON, an object')
    return what === ':setState' ? setState(path, body) : publishEvent(path, body, caller)
  }

  return {
    owns: (_method, path) => isGoogleHttpPath(path),

    async serve(request, caller) {
      try {
        return await route(request, caller)
      } catch (error) {
        if (error instanceof CoreError)
          return googleError(error.retryable ? 503 : 400, error.message)
        const reason = error instanceof Error ? error.message : String(error)
        observer.log('error', 'request failed', { path: 'google', reason })
        return googleError(500, 'Internal error encountered.')
      }
    },

    refuse: googleError,
  }
}

/** An error as Google's APIs tell it. Source: Google Cloud APIs, "Errors". */
function googleError(code: number, message: string): Response {
  const status = STATUSES[code] ?? 'INTERNAL'
  return answer({ error: { code, message, status } }, code)
}

function answer(body: Json, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
  })
}

/** Google's JSON takes both spellings. Source: proto3 JSON mapping. */
function either(body: JsonObject, camel: string, snake: string): Json | undefined {
  return body[camel] ?? body[snake]
}

/** Bytes in base64, of either alphabet; absent is empty. `undefined` if they are none. */
function readBytes(body: JsonObject): Uint8Array | undefined {
  const text = either(body, 'binaryData', 'binary_data') ?? ''
  if (typeof text !== 'string' || !/^[\w+/-]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}

/** Levels of a topic: none of them empty, no wildcard, nothing that cannot be seen. */
function isSubfolder(text: string): boolean {
  return text.length <= 256 && (text === '' || /^[^+#/\p{Cc}]+(?:\/[^+#/\p{Cc}]+)*$/u.test(text))
}

function readObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
