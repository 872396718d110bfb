import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { CoreError } from '../../core/index.ts'
import {
  createLookup,
  forbiddenAddress,
  type Resolve,
  resolveBySystem,
  shareLookups,
} from './guarded-lookup.ts'
import { isPublicAddress } from './public-address.ts'
import { readRetryAfter } from './retry-after.ts'

/** Of an answer's body, which says nothing to us, so much is read for so long: the connection can then be used again. */
const MAX_ANSWER_BYTES = 65_536
const DRAIN_MS = 2_000

/** So many connections to one host are kept while they are idle: a burst of deliveries does not open its own each time. */
const MAX_IDLE = 256

/** An idle connection is kept for so long. */
const IDLE_MS = 30_000

/** Statuses that may pass: the request came too slowly, too early, too often, or the same key is being worked on. */
const TRANSIENT = new Set([408, 409, 425, 429])

/** A request to an address that somebody else chose. */
export interface GuardedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  readonly timeoutMs: number
  /** Loopback and private addresses are allowed. */
  readonly allowPrivate: boolean
  /** Epoch ms, for answers that say when to come again. */
  readonly now: number
  /** How much of the answer's body `ask` reads, at most 65,536; 4,096 unless given. Unit: bytes. */
  readonly wantedBytes?: number
}

/** Sends requests to addresses that stand in configs or come from outside, over connections that are kept open. */
export interface GuardedSender {
  /**
   * Resolves with the status when the other side answered with one of 2xx; the rest of its answer does not matter.
   *
   * The address is resolved once, judged, and used for the connection itself, so that a name cannot point elsewhere in
   * between; redirects are not followed.
   * @throws CoreError `channel.unavailable` for a timeout, a lost connection, 408, 409, 425, 429 or 5xx, with
   * `details.retryAfterMs` where the answer says when; `channel.rejected` for any other status;
   * `channel.forbidden_address` for an address that is not public, unless that is allowed.
   */
  send(request: GuardedRequest): Promise<number>
  /**
   * The same for APIs that say in words what they think: the answer, whatever its status, and the beginning of its body.
   * @throws CoreError `channel.unavailable` for a timeout or a lost connection, `channel.forbidden_address` as above.
   */
  ask(request: GuardedRequest): Promise<GuardedAnswer>
  /** Ends every connection; what is under way fails as `channel.unavailable`. */
  close(): void
}

/** What the other side answered. */
export interface GuardedAnswer {
  readonly status: number
  /** The first 4,096 bytes, or as many as were wanted, as text. */
  readonly body: string
  /** When it asks to be tried again. Unit: ms from now. */
  readonly retryAfterMs: number | undefined
}

/** So much of a body says what is wrong. */
const MAX_SAID_BYTES = 4_096

/** Connections under one judgement of addresses. */
interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

/**
 * Builds a sender; names become addresses in the system's way unless given.
 *
 * Requests with and without `allowPrivate` never share a connection: the one's must not become the other's way inside.
 */
export function createGuardedSender(resolve: Resolve = resolveBySystem): GuardedSender {
  const shared = shareLookups(resolve)
  const guarded = createAgents(shared, isPublicAddress)
  const unguarded = createAgents(shared, () => true)
  let closed = false

  async function exchangeGuarded(request: GuardedRequest, wanted: number): Promise<Answer> {
    if (closed) throw new CoreError('channel.unavailable', 'the sender is closed')
    const { url, allowPrivate } = request
    // A literal address is connected to without a look-up, so that it is judged here.
    const literal = url.hostname.replace(/^\[|\]$/g, '')
    if (!allowPrivate && isIP(literal) !== 0 && !isPublicAddress(literal))
      throw forbiddenAddress(url.hostname)
    return exchange(request, allowPrivate ? unguarded : guarded, wanted)
  }

  return {
    async send(request) {
      const answer = await exchangeGuarded(request, 0)
      judge(request.url, answer, request.now)
      return answer.status
    },
    async ask(request) {
      const wanted = request.wantedBytes ?? MAX_SAID_BYTES
      const { status, retryAfter, body } = await exchangeGuarded(request, wanted)
      return { status, body, retryAfterMs: readRetryAfter(retryAfter, request.now) }
    },
    close() {
      closed = true
      for (const { http, https } of [guarded, unguarded]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

function createAgents(resolve: Resolve, allowed: (address: string) => boolean): Agents {
  const options = {
    keepAlive: true,
    maxFreeSockets: MAX_IDLE,
    timeout: IDLE_MS,
    lookup: createLookup(resolve, allowed),
  }
  return { http: new HttpAgent(options), https: new HttpsAgent(options) }
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

/** Sends the request and gives the head of the answer, and so many bytes of its body, within `timeoutMs` from now. */
function exchange(request: GuardedRequest, agents: Agents, wanted: number): Promise<Answer> {
  const { url, timeoutMs, body } = request
  return new Promise((resolve, reject) => {
    const outgoing = open(request, agents)
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(timer)
      reject(new CoreError('channel.unavailable', `${url.host}: ${reason}`, { cause }))
    }
    // One timer over all phases: a name that does not resolve, a handshake, an answer byte by byte.
    const timer = setTimeout(() => {
      fail(`no answer within ${timeoutMs} ms`)
      outgoing.destroy()
    }, timeoutMs)
    outgoing.once('response', (answer) => {
      const settle = (body: string): void => {
        clearTimeout(timer)
        resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'], body })
      }
      if (wanted === 0) settle('')
      else readStart(answer, wanted, settle)
      drain(answer)
    })
    outgoing.on('error', (error) => {
      if (!(error instanceof CoreError)) return fail(reasonOf(error), error)
      clearTimeout(timer)
      reject(error)
    })
    outgoing.end(body)
  })
}

/** @throws CoreError `channel.rejected` if Node cannot make a request of this, for example of a password with `%zz`. */
function open(
  { url, method, headers: given, body }: GuardedRequest,
  { http, https }: Agents,
): ClientRequest {
  const headers = { ...given, 'content-length': String(Buffer.byteLength(body)) }
  const options = { method, headers }
  try {
    return url.protocol === 'https:'
      ? requestHttps(url, { ...options, agent: https })
      : requestHttp(url, { ...options, agent: http })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CoreError('channel.rejected', `${url.host}: ${reason}`)
  }
}

/** Gives the beginning of a body, or what came of it before the connection was lost. */
function readStart(answer: IncomingMessage, wanted: number, give: (body: string) => void): void {
  const chunks: Buffer[] = []
  let length = 0
  answer.on('data', (chunk: Buffer) => {
    if (length < wanted) chunks.push(chunk)
    length += chunk.length
    if (length >= wanted) end()
  })
  const end = (): void => give(Buffer.concat(chunks).subarray(0, wanted).toString('utf8'))
  answer.once('end', end)
  answer.once('close', end)
}

/** Reads the rest of an answer so that its connection becomes free; one that is too long or too slow loses it. */
function drain(answer: IncomingMessage): void {
  let received = 0
  const timer = setTimeout(() => answer.destroy(), DRAIN_MS)
  timer.unref()
  answer.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received > MAX_ANSWER_BYTES) answer.destroy()
  })
  answer.on('error', () => undefined)
  answer.on('close', () => clearTimeout(timer))
}

/** @throws CoreError unless the answer says that the request was taken. */
function judge(url: URL, { status, retryAfter }: Answer, now: number): void {
  if (status >= 200 && status < 300) return
  const message = `${url.host}: expected status 2xx, found ${status}`
  if (status < 500 && !TRANSIENT.has(status))
    throw new CoreError('channel.rejected', message, { details: { status } })
  const retryAfterMs = readRetryAfter(retryAfter, now)
  throw new CoreError('channel.unavailable', message, {
    details: retryAfterMs === undefined ? { status } : { status, retryAfterMs },
  })
}

/** Of several addresses that were all tried Node gives one error without a text of its own. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return error.message || error.code || 'the connection failed'
}
