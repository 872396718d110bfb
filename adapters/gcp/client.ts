import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'
import { createWebSender, parseJson, type WebResponse, wait } from '../node/web-sender.ts'

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

export type GcpResponse = WebResponse

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

/** How often a request is sent at most. */
const MAX_TRIES = 5

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
  const send = createWebSender()

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
