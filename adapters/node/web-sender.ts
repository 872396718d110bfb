import type { RequestOptions } from 'node:https'

/** A request to any address. */
export interface WebRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** How long an answer may take; without it 10 s. */
  readonly timeoutMs?: number
}

export interface WebResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
}

/** Sends over connections that are kept open. */
export interface WebSender {
  (request: WebRequest): Promise<WebResponse>
  close(): void
}

const TIMEOUT_MS = 10_000

/**
 * Connections that nobody uses for so long are closed: what stands between forgets them after four minutes, and says so to
 * nobody. Source: Azure App Service, "Troubleshooting intermittent outbound connection errors". Unit: ms.
 */
const IDLE_MS = 120_000

/** Loads HTTP when it first sends: a cold start that only gets ready does without. */
export function createWebSender({
  idleMs = IDLE_MS,
}: {
  readonly idleMs?: number
} = {}): WebSender {
  let secure: Way | undefined
  let plain: Way | undefined

  /** As imports, node:http and node:https cost a cold start some 70 ms more. */
  function wayTo(protocol: string): Way {
    if (protocol === 'https:') {
      secure ??= openWay(process.getBuiltinModule('node:https'), idleMs)
      return secure
    }
    plain ??= openWay(process.getBuiltinModule('node:http'), idleMs)
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
    return new Promise<WebResponse>((resolve, reject) => {
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

function openWay(
  { request, Agent }: Pick<typeof import('node:http'), 'request' | 'Agent'>,
  idleMs: number,
): Way {
  // Of connections in use the time of the request counts.
  return { request, agent: new Agent({ keepAlive: true, maxSockets: 64, timeout: idleMs }) }
}

/** The value that bytes say in JSON; `undefined` if they say none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
