import { z } from 'zod'
import { DeployError, readErrors, type Told, type Trail, tell } from './errors.ts'

export type Body = Readonly<Record<string, unknown>>

/** A call of Resource Manager, or of another interface of Azure. */
export interface ApiCall {
  /** The resource, as people call it: `resource group anyhub-dev`. */
  readonly what: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its leading slash and query, at Resource Manager; or a whole address. */
  readonly path: string
  readonly body?: Body
  /** In the place of `body`: the bytes of a zip. */
  readonly zip?: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** Answers besides 2xx that the caller deals with. */
  readonly accept?: readonly number[]
  /** For whom the token is; Resource Manager if it is not said, nobody if it is `undefined` on purpose: ''. */
  readonly scope?: string
  /** A request that may be sent again though it was perhaps heard, besides those that always may. */
  readonly repeatable?: boolean
}

export interface ApiAnswer {
  readonly status: number
  readonly body: Body
  readonly text: string
  readonly headers: Headers
}

export interface AzureApi {
  /** @throws DeployError with the resource, Azure's answer, its correlation id and advice. */
  call(call: ApiCall): Promise<ApiAnswer>
  /** The resource, or `undefined` if there is none. */
  find(what: string, path: string): Promise<Body | undefined>
  /** Every item of a list, over all pages. */
  list(what: string, path: string): Promise<readonly Body[]>
  /**
   * Asks again and again until something is given, at growing intervals.
   * @throws DeployError if nothing was given within the time.
   */
  until<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs?: number): Promise<T>
  /**
   * Waits until what an answer began is done: 201 or 202 with an address to look at.
   * @throws DeployError if it ends in an error, or not within the time.
   */
  wait(what: string, answer: ApiAnswer): Promise<void>
  /** Waits before try number `attempt` (0, 1, …), each time longer. */
  pause(attempt: number): Promise<void>
}

export interface ApiOptions {
  readonly firstPollMs: number
  readonly maxPollMs: number
  readonly timeoutMs: number
  readonly env: Readonly<Record<string, string | undefined>>
}

const RETRY_STATUS: readonly number[] = [408, 429, 500, 502, 503, 504]
const ATTEMPTS = 5
const REQUEST_TIMEOUT_MS = 120_000
const MAX_RETRY_AFTER_MS = 60_000
/** How long before its end a token is no longer used. */
const TOKEN_MARGIN_MS = 300_000

export const ARM = 'https://management.azure.com'

const Bodies = z.record(z.string(), z.unknown())

const Operation = z.looseObject({ status: z.string().optional(), error: z.unknown().optional() })

/**
 * Azure's REST interfaces, with the credentials of whoever deploys: a service principal or a workload identity of the
 * environment, a managed identity, or who is logged in to az. `AZURE_ARM_ENDPOINT` replaces the origin of Resource
 * Manager.
 */
export function createApi(options: ApiOptions): AzureApi {
  const { firstPollMs, maxPollMs, timeoutMs, env } = options
  const origin = (env['AZURE_ARM_ENDPOINT'] ?? ARM).replace(/\/$/, '')
  const waitMs = (attempt: number) => Math.min(firstPollMs * 1.5 ** attempt, maxPollMs)
  const pause = (attempt: number) => sleep(waitMs(attempt))
  const tokenFor = createTokens()

  async function send(call: ApiCall): Promise<ApiAnswer> {
    const url = call.path.startsWith('/') ? `${origin}${call.path}` : call.path
    for (let attempt = 1; ; attempt++) {
      const sent = await attemptOf(call, url)
      const refused = sent !== undefined && RETRY_STATUS.includes(sent.status)
      if (sent !== undefined && (!refused || call.accept?.includes(sent.status))) return sent
      // 429 and 503 were not taken; of the others nobody knows.
      const unheard = sent?.status === 429 || sent?.status === 503
      const again = unheard || call.method !== 'POST' || call.repeatable === true
      if (attempt >= ATTEMPTS || !again) {
        if (sent !== undefined) return sent
        const faults = [{ code: '', message: `no answer from ${url}`, target: '' }]
        throw new DeployError(tell(call.what, call.method, { status: 0, faults }))
      }
      await sleep(readRetryAfter(sent?.headers.get('retry-after')) ?? waitMs(attempt))
    }
  }

  async function attemptOf(call: ApiCall, url: string): Promise<ApiAnswer | undefined> {
    const { what, method, body, zip, scope = `${ARM}/.default` } = call
    const headers = new Headers(call.headers)
    if (scope !== '') headers.set('authorization', `Bearer ${await tokenFor(what, scope)}`)
    if (zip !== undefined) headers.set('content-type', 'application/zip')
    else if (body !== undefined) headers.set('content-type', 'application/json')
    const content = zip === undefined ? JSON.stringify(body) : new Blob([new Uint8Array(zip)])
    try {
      const response = await fetch(url, {
        method,
        headers,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(content === undefined ? {} : { body: content }),
      })
      const text = await response.text()
      return { status: response.status, body: parseBody(text), text, headers: response.headers }
    } catch (error) {
      if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError'))
        return undefined
      throw error
    }
  }

  async function call(given: ApiCall): Promise<ApiAnswer> {
    const answer = await send(given)
    const { status, text } = answer
    if ((status >= 200 && status < 300) || given.accept?.includes(status)) return answer
    const faults = readErrors(text)
    const how = `${given.method}: HTTP ${status}`
    throw new DeployError(
      tell(given.what, how, { status, faults, trail: trailOf(answer.headers) }),
      status,
      faults[0].code,
    )
  }

  async function find(what: string, path: string) {
    const { status, body } = await call({ what, method: 'GET', path, accept: [404] })
    return status === 404 ? undefined : body
  }

  async function list(what: string, path: string) {
    const found: Body[] = []
    for (let next: string | undefined = path; next !== undefined; ) {
      const { body }: ApiAnswer = await call({ what, method: 'GET', path: next })
      found.push(...z.array(Bodies).parse(body['value'] ?? []))
      const link = z.string().nullish().parse(body['nextLink'])
      next = link === null || link === '' ? undefined : link
    }
    return found
  }

  async function until<T>(what: string, ask: () => Promise<T | undefined>, ms = timeoutMs) {
    const end = performance.now() + ms
    for (let attempt = 0; ; attempt++) {
      const given = await ask()
      if (given !== undefined) return given
      if (performance.now() > end)
        throw new DeployError(
          `${what}: not done after ${Math.round(ms / 1000)} s\n  do: deploy again: what is done is skipped`,
        )
      await pause(attempt)
    }
  }

  /** Source: Azure Resource Manager, "Track asynchronous operations". */
  async function wait(what: string, answer: ApiAnswer) {
    const watched = answer.headers.get('azure-asyncoperation')
    const location = answer.headers.get('location')
    const address = watched ?? location
    if (address === null || (answer.status !== 201 && answer.status !== 202)) return
    await until(what, async () => {
      const { status, body, headers } = await call({
        what,
        method: 'GET',
        path: address,
        accept: [404],
      })
      if (watched === null) return status === 202 ? undefined : true
      const { status: state = '', error } = Operation.parse(body)
      if (/^(?:Failed|Canceled)$/.test(state))
        throw failure(what, state, error ?? body, trailOf(headers))
      return /^Succeeded$/.test(state) ? true : undefined
    })
  }

  return { call, find, list, until, wait, pause }
}

/** An operation that ended in an error, told. */
export function failure(what: string, state: string, error: unknown, trail: Trail): DeployError {
  const faults: readonly [Told, ...Told[]] = readErrors(error)
  return new DeployError(
    tell(what, state.toLowerCase(), { status: 409, faults, trail }),
    409,
    faults[0].code,
  )
}

/** Source: Azure Resource Manager, "Track asynchronous operations", x-ms-correlation-request-id. */
export function trailOf(headers: Headers): Trail {
  return {
    correlationId: headers.get('x-ms-correlation-request-id') ?? undefined,
    requestId: headers.get('x-ms-request-id') ?? undefined,
  }
}

/** Tokens by whom they are for, kept until shortly before their end. The library is loaded when the first is asked for. */
function createTokens(): (what: string, scope: string) => Promise<string> {
  const kept = new Map<string, { readonly token: string; readonly until: number }>()
  const asked = new Map<string, Promise<string>>()
  const credential = once(async () => {
    const { DefaultAzureCredential } = await import('@azure/identity')
    return new DefaultAzureCredential()
  })

  async function fresh(what: string, scope: string): Promise<string> {
    try {
      const given = await (await credential()).getToken(scope)
      kept.set(scope, { token: given.token, until: given.expiresOnTimestamp - TOKEN_MARGIN_MS })
      return given.token
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const [first = ''] = message.split('\n')
      const faults = [{ code: '', message: first, target: '' }]
      throw new DeployError(tell(what, 'no credentials', { status: 401, faults }), 401)
    } finally {
      asked.delete(scope)
    }
  }

  return async (what, scope) => {
    const there = kept.get(scope)
    if (there !== undefined && Date.now() < there.until) return there.token
    const pending = asked.get(scope) ?? fresh(what, scope)
    asked.set(scope, pending)
    return pending
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

function parseBody(text: string): Body {
  if (text === '') return {}
  try {
    const parsed = Bodies.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return {}
}

/** Seconds or a date, as milliseconds from now, within bounds. Source: RFC 9110, section 10.2.3. */
function readRetryAfter(value: string | null | undefined): number | undefined {
  if (value === null || value === undefined) return undefined
  const seconds = Number(value)
  const ms = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))
