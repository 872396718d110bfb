import { CoreError } from '../../core/index.ts'
import { readRetryAfter } from '../node/retry-after.ts'
import {
  createWebSender,
  parseJson,
  type WebRequest,
  type WebResponse,
  wait,
} from '../node/web-sender.ts'

/** Services of Azure that we ask. */
export type ServiceName =
  | 'cosmos'
  | 'blob'
  | 'queue'
  | 'iothub'
  | 'communication'
  | 'notificationhubs'
  | 'keyvault'
  | 'monitor'
  | 'otlp'

/** One call to a service of Azure. */
export interface AzureRequest {
  readonly service: ServiceName
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD'
  /** With its query, encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** How long an answer may take; without it 10 s. */
  readonly timeoutMs?: number
  /** How often it is sent at most; 5 unless given. */
  readonly tries?: number
}

export type AzureResponse = WebResponse

/** Where a service is, and what shows it who we are. */
export interface Service {
  /** Shape: `https://host`, with a path where the service has one. */
  readonly endpoint: string
  /** Headers that are sent besides those of the request. */
  readonly authorize: Authorize
}

/** Gives the headers that show a service who we are. */
export type Authorize = (request: Omit<WebRequest, 'timeoutMs'>) => Promise<Headers>
type Headers = Readonly<Record<string, string>>

/** Sends requests, again where the service was busy. */
export interface AzureClient {
  /**
   * The answer, unless it is a fault of the service.
   * @throws CoreError `store.unavailable` if the service did not answer, or was busy each time that it was asked;
   * `details.retryAfterMs` where it said when. `config.invalid` if there is no such service here.
   */
  send(request: AzureRequest): Promise<AzureResponse>
  /** Ends the connections that are kept. */
  close(): void
}

export interface AzureClientOptions {
  readonly services: Readonly<Partial<Record<ServiceName, Service>>>
  /** 0 <= random < 1. */
  readonly random: () => number
  /** Told of every answer: what is paid for. */
  readonly onResponse?: (request: AzureRequest, response: AzureResponse) => void
  /** Waits; unit: ms. */
  readonly pause?: (ms: number) => Promise<void>
}

const MAX_TRIES = 5

/** The first wait between two tries, doubled each time, of which a random part is waited. Unit: ms. */
const BASE_WAIT_MS = 50

/** Who is asked to wait longer in one call gives up, and leaves it to the redelivery. Unit: ms. */
const MAX_WAITS_MS = 8_000

/**
 * A client of the REST interfaces of Azure.
 *
 * Source: docs/adr/0029: the vendor's clients take longer to load than all else that a function does.
 */
export function createAzureClient({
  services,
  random,
  onResponse,
  pause = wait,
}: AzureClientOptions): AzureClient {
  const send = createWebSender()

  async function sendOnce(asked: AzureRequest, service: Service): Promise<AzureResponse> {
    const { method, path, headers, body, timeoutMs } = asked
    const request = {
      url: new URL(`${service.endpoint.replace(/\/$/, '')}${path}`),
      method,
      headers: headers ?? {},
      ...(body === undefined ? {} : { body }),
    }
    const response = await send({
      ...request,
      headers: { ...request.headers, ...(await service.authorize(request)) },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
    onResponse?.(asked, response)
    return response
  }

  return {
    async send(asked) {
      const service = services[asked.service]
      if (service === undefined)
        throw new CoreError(
          'config.invalid',
          `expected the address of ${asked.service}, found none`,
        )
      let left = MAX_WAITS_MS
      for (let tries = 1; ; tries++) {
        let failure: unknown
        let retryAfterMs: number | undefined
        try {
          const response = await sendOnce(asked, service)
          if (!isBusy(response)) return response
          const { code, message } = faultOf(response)
          failure = new Error(`${response.status} ${code} ${message}`.trim())
          retryAfterMs = retryAfterOf(response)
        } catch (error) {
          if (error instanceof CoreError && !error.retryable) throw error
          failure = error
        }
        const ms = Math.max(retryAfterMs ?? 0, random() * BASE_WAIT_MS * 2 ** tries)
        if (tries >= (asked.tries ?? MAX_TRIES) || ms > left)
          throw unavailable(asked.service, tries, failure, retryAfterMs)
        left -= ms
        await pause(ms)
      }
    },
    close: send.close,
  }
}

/**
 * How long a service wants to be left alone. Unit: ms.
 *
 * Source: Cosmos DB REST reference, common response headers (`x-ms-retry-after-ms`); Communication Services
 *         (`retry-after-ms`); RFC 9110, 10.2.3.
 */
export function retryAfterOf({ headers }: Pick<AzureResponse, 'headers'>): number | undefined {
  for (const name of ['x-ms-retry-after-ms', 'retry-after-ms']) {
    const value = headers[name]
    if (typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value)) return Number(value)
  }
  const value = headers['retry-after']
  return typeof value === 'string' ? readRetryAfter(value, Date.now()) : undefined
}

/** What a service says is wrong: its code, such as `ResourceNotFound`, and its sentence. */
export function faultOf({ headers, body }: Pick<AzureResponse, 'headers' | 'body'>): {
  readonly code: string
  readonly message: string
} {
  const named = header(headers, 'x-ms-error-code')
  const text = body.toString('utf8').trim()
  if (text.startsWith('<')) {
    const code = named ?? /<Code>([^<]*)</.exec(text)?.[1] ?? ''
    const message = /<(?:Message|Detail)>([^<]*)</.exec(text)?.[1] ?? ''
    return { code, message: message.split('\n', 1)[0] ?? '' }
  }
  const members = membersOf(parseJson(body))
  const inner = membersOf(members.get('error'))
  const textOf = (...names: readonly string[]): string | undefined => {
    for (const found of [inner, members])
      for (const name of names) {
        const value = found.get(name)
        if (typeof value === 'string') return value
      }
    return undefined
  }
  // IoT Hub writes its members large: `Message`, which holds JSON in its turn.
  const code = named ?? textOf('code', 'ErrorCode', 'error') ?? ''
  const message = textOf('message', 'Message', 'error_description') ?? text
  return { code, message: message.replace(/\s+/g, ' ').slice(0, 200) }
}

/** A fault of a service that trying again does not mend: it is ours, and it is told with the service's own words. */
export function unexpected(service: string, response: AzureResponse): CoreError {
  const { code, message } = faultOf(response)
  const requestId =
    header(response.headers, 'x-ms-activity-id') ?? header(response.headers, 'x-ms-request-id')
  return new CoreError(
    'store.unavailable',
    `${service}: expected an answer, found ${response.status} ${code} ${message}`.trim(),
    {
      details: {
        status: response.status,
        service,
        ...(requestId === undefined ? {} : { requestId }),
      },
    },
  )
}

/** A header that stands there once; `undefined` otherwise. */
export function header(headers: AzureResponse['headers'], name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

/** 449 is Cosmos' "Retry With". Source: Cosmos DB REST reference, HTTP status codes. */
function isBusy({ status }: AzureResponse): boolean {
  return status >= 500 || status === 408 || status === 429 || status === 449
}

function unavailable(
  service: string,
  tries: number,
  cause: unknown,
  retryAfterMs: number | undefined,
): CoreError {
  const reason =
    cause instanceof Error ? cause.message || String(Reflect.get(cause, 'code')) : String(cause)
  return new CoreError(
    'store.unavailable',
    `${service}: no answer after ${tries} tries: ${reason}`,
    { cause, details: { service, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } },
  )
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : new Map()
}
