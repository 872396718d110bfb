import type { RequestOptions } from 'node:https'
import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'

/** Services of Google, by the first part of their host. */
export type Service =
  | 'firestore'
  | 'pubsub'
  | 'bigquery'
  | 'storage'
  | 'secretmanager'
  | 'iamcredentials'

/** One call to a service of Google. */
export interface GcpRequest {
  readonly service: Service
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its query, encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** How long an answer may take; without it 10 s. */
  readonly timeoutMs?: number
}

export interface GcpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
}

/** Sends requests, again where the service was busy. */
export interface GcpClient {
  /**
   * The answer, unless it is a fault of the service.
   * @throws CoreError `store.unavailable` if the service did not answer, or was busy each time that it was asked.
   */
  send(request: GcpRequest): Promise<GcpResponse>
  /** Ends the connections that are kept. */
  close(): void
}

export interface GcpClientOptions {
  /** Where services are that are not at their usual address: emulators, test clouds. Shape: `http://host:port`. */
  readonly endpoints: Readonly<Partial<Record<Service, string>>>
  /** What the authorization header says. */
  readonly token: () => Promise<string>
  /** 0 <= random < 1. */
  readonly random: () => number
  /** Told of every request that was sent: what is paid for. */
  readonly onRequest?: (request: GcpRequest) => void
}

/** How often a request is sent at most, and how long it may take each time. */
const MAX_TRIES = 5
const TIMEOUT_MS = 10_000

/** The first wait between two tries, doubled each time, of which a random part is waited. Unit: ms. */
const BASE_WAIT_MS = 50

/**
 * A client of the REST interfaces of Google.
 *
 * Source: docs/adr/0025 and 0028: the vendor's clients for Pub/Sub and Firestore take ten times as long to load as a function does.
 */
export function createGcpClient({
  endpoints,
  token,
  random,
  onRequest,
}: GcpClientOptions): GcpClient {
  const send = createSender()

  async function sendOnce(asked: GcpRequest): Promise<GcpResponse> {
    const authorization = `Bearer ${await token()}`
    onRequest?.(asked)
    const { service, method, path, headers, body, timeoutMs } = asked
    return send({
      url: new URL(path, endpoints[service] ?? `https://${service}.googleapis.com`),
      method,
      headers: { authorization, ...headers },
      ...(body === undefined ? {} : { body }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
  }

  return {
    async send(asked) {
      for (let tries = 1; ; tries++) {
        let failure: unknown
        try {
          const response = await sendOnce(asked)
          if (!isBusy(response)) return response
          const { code, message } = faultOf(response)
          failure = new Error(`${response.status} ${code} ${message}`.trim())
        } catch (error) {
          failure = error
        }
        if (tries === MAX_TRIES) throw unavailable(asked.service, failure)
        await wait(random() * BASE_WAIT_MS * 2 ** tries)
      }
    },
    close: send.close,
  }
}

/** A request to any address. */
export interface WebRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly timeoutMs?: number
}

/** Sends over connections that are kept open. */
export interface Sender {
  (request: WebRequest): Promise<GcpResponse>
  close(): void
}

/** Loads HTTP when it first sends: a cold start that only gets ready does without. */
export function createSender(): Sender {
  let secure: Way | undefined
  let plain: Way | undefined

  /** As imports, node:http and node:https cost a cold start some 70 ms more. */
  function wayTo(protocol: string): Way {
    if (protocol === 'https:') {
      secure ??= openWay(process.getBuiltinModule('node:https'))
      return secure
    }
    plain ??= openWay(process.getBuiltinModule('node:http'))
    return plain
  }

  const send = ({ url, method, headers, body, timeoutMs = TIMEOUT_MS }: WebRequest) => {
    const { request, agent } = wayTo(url.protocol)
    const options: RequestOptions = {
      method,
      headers: { ...headers, 'content-length': body === undefined ? 0 : Buffer.byteLength(body) },
      agent,
      timeout: timeoutMs,
    }
    return new Promise<GcpResponse>((resolve, reject) => {
      const sent = request(url, options, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        )
      })
      sent.on('timeout', () => sent.destroy(new Error(`no answer for ${timeoutMs} ms`)))
      sent.on('error', reject)
      sent.end(body)
    })
  }
  const close = (): void => {
    secure?.agent.destroy()
    plain?.agent.destroy()
  }
  return Object.assign(send, { close })
}

/** A protocol, and the connections that are kept. */
interface Way {
  readonly request: typeof import('node:https').request
  readonly agent: import('node:http').Agent
}

function openWay({ request, Agent }: Pick<typeof import('node:http'), 'request' | 'Agent'>): Way {
  return { request, agent: new Agent({ keepAlive: true, maxSockets: 64 }) }
}

const Fault = z.object({
  error: z.object({
    status: z._default(z.string(), ''),
    message: z._default(z.string(), ''),
  }),
})

/** What a service says is wrong: its code, such as `NOT_FOUND`, and its sentence. */
export function faultOf({ body }: Pick<GcpResponse, 'body'>): {
  readonly code: string
  readonly message: string
} {
  const parsed = parseJson(body)
  // Streams answer with a list. Source: Firestore REST reference, batchGet and runQuery.
  const fault = Fault.safeParse(Array.isArray(parsed) ? parsed[0] : parsed)
  if (!fault.success) return { code: '', message: body.toString('utf8').slice(0, 200) }
  const { status, message } = fault.data.error
  return { code: status, message }
}

/** A fault of a service that trying again does not mend: it is ours, and it is told with the service's own words. */
export function unexpected(service: string, response: GcpResponse): CoreError {
  const { code, message } = faultOf(response)
  return new CoreError(
    'store.unavailable',
    `${service}: expected an answer, found ${response.status} ${code} ${message}`.trim(),
    { details: { status: response.status, service } },
  )
}

/** The value that bytes say in JSON; `undefined` if they say none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}

/** Quotas answer 429 RESOURCE_EXHAUSTED. Source: Google Cloud APIs, error model. */
function isBusy({ status }: GcpResponse): boolean {
  return status >= 500 || status === 429
}

function unavailable(service: string, cause: unknown): CoreError {
  const reason =
    cause instanceof Error ? cause.message || String(Reflect.get(cause, 'code')) : String(cause)
  return new CoreError(
    'store.unavailable',
    `${service}: no answer after ${MAX_TRIES} tries: ${reason}`,
    { cause, details: { service } },
  )
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
