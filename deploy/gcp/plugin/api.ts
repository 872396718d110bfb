import { GoogleAuth } from 'google-auth-library'
import { z } from 'zod'
import { advice, DeployError, readError } from './errors.ts'

export type Body = Readonly<Record<string, unknown>>

/** A call of one of Google's REST interfaces. */
export interface ApiCall {
  /** The resource, as people call it: `topic anyhub-dev-uplinks`. */
  readonly what: string
  /** First label of the host: `pubsub` for pubsub.googleapis.com. */
  readonly service: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its leading slash and query. */
  readonly path: string
  readonly body?: Body
  /** Answers besides 2xx that the caller deals with. */
  readonly accept?: readonly number[]
}

export interface ApiAnswer {
  readonly status: number
  readonly body: Body
}

export interface GoogleApi {
  /** @throws DeployError with the resource, Google's answer and advice. */
  call(call: ApiCall): Promise<ApiAnswer>
  /** The resource, or `undefined` if there is none. */
  find(what: string, service: string, path: string): Promise<Body | undefined>
  /** Every item of a list, over all pages. */
  list(what: string, service: string, path: string, items: string): Promise<readonly Body[]>
  /**
   * Waits until a long-running operation is done; gives its response.
   * @throws DeployError if it ends in an error, or not within the time that was given.
   */
  wait(what: string, service: string, version: string, operation: Body): Promise<Body>
  /** Puts bytes to a signed address. */
  upload(what: string, url: string, bytes: Uint8Array): Promise<void>
  /** Waits before try number `attempt` (0, 1, …), each time longer. */
  pause(attempt: number): Promise<void>
}

export interface ApiOptions {
  readonly project: string
  readonly firstPollMs: number
  readonly maxPollMs: number
  readonly timeoutMs: number
  readonly env: Readonly<Record<string, string | undefined>>
}

const Bodies = z.record(z.string(), z.unknown())
const RETRY_STATUS: readonly number[] = [429, 500, 502, 503, 504]
const ATTEMPTS = 5
const REQUEST_TIMEOUT_MS = 60_000
const MAX_RETRY_AFTER_MS = 60_000

const Operation = z.looseObject({
  name: z.string().optional(),
  done: z.boolean().optional(),
  error: z.object({ code: z.number().optional(), message: z.string().default('') }).optional(),
  response: Bodies.optional(),
  metadata: z.looseObject({ buildName: z.string().optional() }).optional(),
})

/** HTTP statuses of the codes that operations end with. Source: google/rpc/code.proto. */
const HTTP_OF_CODE: Readonly<Record<number, number>> = {
  3: 400,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  16: 401,
}

/**
 * Google's REST interfaces, with the credentials of whoever deploys (Application Default Credentials).
 * Origins can be replaced by `CLOUDSDK_API_ENDPOINT_OVERRIDES_<SERVICE>`, the names that gcloud knows.
 */
export function createApi(options: ApiOptions): GoogleApi {
  const { project, firstPollMs, maxPollMs, timeoutMs, env } = options
  const auth = new GoogleAuth({
    scopes: 'https://www.googleapis.com/auth/cloud-platform',
    projectId: project,
  })
  const waitMs = (attempt: number) => Math.min(firstPollMs * 1.5 ** attempt, maxPollMs)
  const pause = (attempt: number) => sleep(waitMs(attempt))

  const originOf = (service: string) =>
    (
      env[`CLOUDSDK_API_ENDPOINT_OVERRIDES_${service.toUpperCase()}`] ??
      `https://${service}.googleapis.com`
    ).replace(/\/$/, '')

  async function headers(what: string): Promise<Headers> {
    try {
      const headers = await auth.getRequestHeaders()
      headers.set('content-type', 'application/json')
      headers.set('x-goog-user-project', project)
      return headers
    } catch (error) {
      const told = { status: '', message: messageOf(error), reason: undefined, metadata: {} }
      throw new DeployError(tell(what, 'no credentials', told, advice(401, told, project)), 401)
    }
  }

  /** Sends, and again where Google asks for patience. A request that was not answered is only sent again if that is harmless. */
  async function send(call: ApiCall): Promise<ApiAnswer> {
    const url = `${originOf(call.service)}${call.path}`
    for (let attempt = 1; ; attempt++) {
      const sent = await attemptOf(call, url)
      if (
        sent === undefined ||
        (RETRY_STATUS.includes(sent.status) && !call.accept?.includes(sent.status))
      ) {
        const again = attempt < ATTEMPTS && (sent !== undefined || call.method !== 'POST')
        if (again) {
          await sleep(sent?.retryAfterMs ?? waitMs(attempt))
          continue
        }
        if (sent === undefined) {
          const told = {
            status: '',
            message: `no answer from ${url}`,
            reason: undefined,
            metadata: {},
          }
          throw new DeployError(tell(call.what, call.method, told, advice(0, told, project)))
        }
      }
      return sent
    }
  }

  async function attemptOf(
    { what, method, body }: ApiCall,
    url: string,
  ): Promise<(ApiAnswer & { readonly retryAfterMs: number | undefined }) | undefined> {
    const withCredentials = await headers(what)
    let response: Response
    try {
      response = await fetch(url, {
        method,
        headers: withCredentials,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch (error) {
      if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError'))
        return undefined
      throw error
    }
    const text = await response.text()
    return {
      status: response.status,
      body: parseBody(text),
      retryAfterMs: readRetryAfter(response.headers.get('retry-after')),
    }
  }

  async function call(given: ApiCall): Promise<ApiAnswer> {
    const answer = await send(given)
    const { status, body } = answer
    if ((status >= 200 && status < 300) || given.accept?.includes(status)) return answer
    const told = readError(body)
    throw new DeployError(
      tell(given.what, `${given.method}: HTTP ${status}`, told, advice(status, told, project)),
      status,
    )
  }

  async function find(what: string, service: string, path: string) {
    const { status, body } = await call({ what, service, method: 'GET', path, accept: [404] })
    return status === 404 ? undefined : body
  }

  async function list(what: string, service: string, path: string, items: string) {
    const found: Body[] = []
    let pageToken = ''
    do {
      const sign = path.includes('?') ? '&' : '?'
      const page =
        pageToken === '' ? path : `${path}${sign}pageToken=${encodeURIComponent(pageToken)}`
      const { body } = await call({ what, service, method: 'GET', path: page })
      found.push(...z.array(Bodies).parse(body[items] ?? []))
      pageToken = z.string().parse(body['nextPageToken'] ?? '')
    } while (pageToken !== '')
    return found
  }

  async function wait(what: string, service: string, version: string, operation: Body) {
    const until = performance.now() + timeoutMs
    let current = Operation.parse(operation)
    for (let attempt = 0; current.done !== true; attempt++) {
      if (current.name === undefined) return operation
      if (performance.now() > until)
        throw new DeployError(
          `${what}: not done after ${Math.round(timeoutMs / 1000)} s (${current.name})\n  deploy again: what is done is skipped`,
        )
      await pause(attempt)
      const { body } = await call({
        what,
        service,
        method: 'GET',
        path: `/${version}/${current.name}`,
      })
      current = Operation.parse(body)
    }
    if (current.error === undefined) return current.response ?? {}
    const { code = 2, message } = current.error
    const told = { ...readError({ error: current.error }), message }
    const build = current.metadata?.buildName
    const log =
      build === undefined
        ? ''
        : `\n  build: gcloud builds log ${build.split('/').pop()} --project ${project}`
    const status = HTTP_OF_CODE[code] ?? 500
    throw new DeployError(
      tell(what, `operation failed, code ${code}`, told, advice(status, told, project)) + log,
      status,
    )
  }

  async function upload(what: string, url: string, bytes: Uint8Array) {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(url, {
        method: 'PUT',
        headers: { 'content-type': 'application/zip' },
        body: new Blob([new Uint8Array(bytes)]),
      }).catch((error: unknown) => messageOf(error))
      if (typeof response !== 'string' && response.ok) return
      const status = typeof response === 'string' ? 0 : response.status
      if (attempt < ATTEMPTS && (status === 0 || RETRY_STATUS.includes(status))) {
        await pause(attempt)
        continue
      }
      const message =
        typeof response === 'string' ? response : (await response.text()).slice(0, 500)
      const told = { status: '', message, reason: undefined, metadata: {} }
      throw new DeployError(
        tell(what, `upload: HTTP ${status}`, told, advice(status, told, project)),
        status,
      )
    }
  }

  return { call, find, list, wait, upload, pause }
}

/** Which resource, what was answered, what to do: three lines. */
function tell(
  what: string,
  how: string,
  { status, message }: { readonly status: string; readonly message: string },
  advised: string,
): string {
  const named = status === '' ? '' : ` ${status}`
  return `${what}: ${how}${named}\n  Google: ${message}\n  do: ${advised}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function parseBody(text: string): Body {
  if (text === '') return {}
  try {
    const parsed = Bodies.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return { error: { message: text.slice(0, 500) } }
}

/** Seconds or a date, as milliseconds from now, within bounds. Source: RFC 9110, section 10.2.3. */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  const seconds = Number(value)
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))
