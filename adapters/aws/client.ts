import type { RequestOptions } from 'node:https'
import type { Credentials, Request as SignedRequest } from 'aws4'
import { CoreError } from '../../core/index.ts'

/** One call to a service of AWS. */
export interface AwsRequest {
  /** The name that the signature is for, such as `dynamodb`. */
  readonly service: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With its query, encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Where the service is asked; the regional endpoint of the service unless given. */
  readonly host?: string
}

export interface AwsResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
}

/** Signs requests and sends them, again where the service was busy. */
export interface AwsClient {
  /**
   * The answer, unless it is a fault of the service.
   * @throws CoreError `store.unavailable` if the service did not answer, or was busy each time that it was asked.
   */
  send(request: AwsRequest): Promise<AwsResponse>
  /** A signed URL for one object or request, valid for so long. */
  presign(
    request: Pick<AwsRequest, 'service' | 'method' | 'path' | 'host'>,
    seconds: number,
  ): Promise<string>
  /** Ends the connections that are kept. */
  close(): void
}

export interface AwsClientOptions {
  readonly region: string
  /** One address for every service, as test clouds have it; by service and region unless given. */
  readonly endpoint?: string | undefined
  readonly credentials: () => Credentials
  /** 0 <= random < 1. */
  readonly random: () => number
  /** Told of every request that was sent: what is paid for. */
  readonly onRequest?: (request: AwsRequest) => void
}

/** How often a request is sent at most, and how long it may take each time. */
const MAX_TRIES = 4
const TIMEOUT_MS = 5_000

/** The first wait between two tries, doubled each time, of which a random part is waited. Unit: ms. */
const BASE_WAIT_MS = 50

/** Faults that go away, in the words of the services. Source: AWS SDKs, retry behaviour of the standard mode. */
const BUSY =
  /Throttl|TooManyRequests|ProvisionedThroughputExceeded|RequestLimitExceeded|SlowDown|PriorRequestNotComplete|TransactionInProgress|InternalServerError|InternalFailure|ServiceUnavailable/

/**
 * A client of the REST and JSON interfaces of AWS.
 *
 * Source: docs/adr/0025: the vendor's clients take three times as long to load as this takes to answer.
 */
export function createAwsClient({
  region,
  endpoint,
  credentials,
  random,
  onRequest,
}: AwsClientOptions): AwsClient {
  const base = endpoint === undefined ? undefined : new URL(endpoint)
  let opened: ReturnType<typeof openTransport> | undefined
  const transport = () => (opened ??= openTransport(base?.protocol === 'http:'))

  async function signed(
    { service, method, path, headers, body, host }: AwsRequest,
    signQuery: boolean,
  ): Promise<SignedRequest> {
    const { sign } = await import('aws4')
    return sign(
      {
        service,
        region,
        method,
        path,
        signQuery,
        host: base?.host ?? host ?? hostOf(service, region),
        headers: { ...headers },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : Buffer.from(body) }),
      },
      credentials(),
    )
  }

  async function sendOnce(asked: AwsRequest): Promise<AwsResponse> {
    onRequest?.(asked)
    const { request, agent } = transport()
    const { hostname, port, path, headers } = withAddress(await signed(asked, false), base)
    const options: RequestOptions = {
      method: asked.method,
      hostname,
      port,
      path,
      headers,
      agent,
      timeout: TIMEOUT_MS,
    }
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
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
      sent.on('timeout', () => sent.destroy(new Error(`no answer for ${TIMEOUT_MS} ms`)))
      sent.on('error', reject)
      sent.end(asked.body)
    })
  }

  return {
    async send(asked) {
      for (let tries = 1; ; tries++) {
        let failure: unknown
        try {
          const response = await sendOnce(asked)
          if (!isBusy(response)) return response
          failure = new Error(`${response.status} ${faultOf(response).code}`)
        } catch (error) {
          failure = error
        }
        if (tries === MAX_TRIES) throw unavailable(asked.service, failure)
        await wait(random() * BASE_WAIT_MS * 2 ** tries)
      }
    },

    async presign(asked, seconds) {
      const separator = asked.path.includes('?') ? '&' : '?'
      const path = `${asked.path}${separator}X-Amz-Expires=${seconds}`
      const { host, path: query } = await signed({ ...asked, path }, true)
      return `${base?.protocol ?? 'https:'}//${host}${query}`
    },

    close: () => opened?.agent.destroy(),
  }
}

/** Loaded with the first request: it takes as long as all else that a cold start does. As an import it takes longer still. */
function openTransport(plain: boolean) {
  const { request, Agent } = process.getBuiltinModule(plain ? 'node:http' : 'node:https')
  return { request, agent: new Agent({ keepAlive: true, maxSockets: 64 }) }
}

/** What a service says is wrong: its code, without the namespace, and its sentence. */
export function faultOf({ headers, body }: AwsResponse): {
  readonly code: string
  readonly message: string
} {
  const text = body.toString('utf8')
  const named = headers['x-amzn-errortype'] ?? headers['x-amzn-error-type']
  const parsed = text.startsWith('{') ? membersOf(text) : new Map<string, string>()
  const code =
    (typeof named === 'string' ? named : undefined) ??
    parsed.get('__type') ??
    parsed.get('code') ??
    /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ??
    ''
  const message =
    parsed.get('message') ?? parsed.get('Message') ?? /<Message>([^<]*)<\/Message>/.exec(text)?.[1]
  return { code: code.replace(/^.*#/, '').replace(/:.*$/s, ''), message: message ?? '' }
}

/** A fault of a service that trying again does not mend: it is ours, and it is told with the service's own words. */
export function unexpected(service: string, response: AwsResponse): CoreError {
  const { code, message } = faultOf(response)
  return new CoreError(
    'store.unavailable',
    `${service}: expected an answer, found ${response.status} ${code} ${message}`.trim(),
    { details: { status: response.status, service } },
  )
}

function isBusy(response: AwsResponse): boolean {
  if (response.status >= 500 || response.status === 429) return true
  return response.status === 400 && BUSY.test(faultOf(response).code)
}

function unavailable(service: string, cause: unknown): CoreError {
  const reason =
    cause instanceof Error ? cause.message || String(Reflect.get(cause, 'code')) : String(cause)
  return new CoreError(
    'store.unavailable',
    `${service}: no answer after ${MAX_TRIES} tries: ${reason}`,
    {
      cause,
      details: { service },
    },
  )
}

function membersOf(text: string): ReadonlyMap<string, string> {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return new Map()
    return new Map(
      Object.entries(parsed).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, value] as const] : [],
      ),
    )
  } catch {
    return new Map()
  }
}

function withAddress(signedRequest: SignedRequest, base: URL | undefined) {
  const host = signedRequest.host ?? ''
  return {
    hostname: base?.hostname ?? host,
    port: base?.port,
    path: signedRequest.path ?? '/',
    headers: signedRequest.headers,
  }
}

/** Services whose endpoint is not called as their signature is. Source: AWS general reference, service endpoints. */
const HOSTS: Readonly<Record<string, string>> = { iotdata: 'data-ats.iot', ses: 'email' }

function hostOf(service: string, region: string): string {
  return `${HOSTS[service] ?? service}.${region}.amazonaws.com`
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
