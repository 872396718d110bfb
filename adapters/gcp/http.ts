import type { IncomingMessage, ServerResponse } from 'node:http'
import { CoreError } from '../../core/index.ts'

// In: functions-framework -> web Request

/** A request as the runtime of Google hands it over: its bytes are read already. */
export type GcpHttpRequest = IncomingMessage & { readonly rawBody?: Uint8Array }

/** @throws CoreError `trigger.malformed` if this is no request of the runtime. */
export function toRequest(incoming: GcpHttpRequest): Request {
  const { method, url, headers, rawBody } = incoming
  if (method === undefined || url === undefined)
    throw new CoreError('trigger.malformed', 'expected a request of HTTP, found another event')
  const hasBody = rawBody !== undefined && method !== 'GET' && method !== 'HEAD'
  const given = new Headers()
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) given.set(name, Array.isArray(value) ? value.join(', ') : value)
  const [path = '', ...query] = url.split('?')
  const address = new URL(`https://${headers.host ?? 'localhost'}`)
  // Set, not resolved: a path that begins with // is no host.
  address.pathname = path
  address.search = query.join('?')
  return new Request(address, {
    method,
    headers: given,
    ...(hasBody ? { body: Buffer.from(rawBody) } : {}),
  })
}

/** The body of a push as JSON; `undefined` if it is none. */
export function bodyOf({ rawBody }: GcpHttpRequest): unknown {
  try {
    return JSON.parse(Buffer.from(rawBody ?? []).toString('utf8'))
  } catch {
    return undefined
  }
}

// Out: web Response -> functions-framework

export async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  const bytes = Buffer.from(await response.arrayBuffer())
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(bytes)
}

/** What an HTTP function of Google is. */
export type HttpFunction = (incoming: GcpHttpRequest, outgoing: ServerResponse) => Promise<void>

/**
 * The trace that a call is part of: 32 hex digits.
 * Source: W3C Trace Context, `traceparent`; Google's older `X-Cloud-Trace-Context`.
 */
export function traceOf(traceparent: unknown, cloudTrace: unknown = undefined): string | undefined {
  const given = typeof traceparent === 'string' ? traceparent : ''
  const older = typeof cloudTrace === 'string' ? cloudTrace : ''
  return /^[\da-f]{2}-([\da-f]{32})-/.exec(given)?.[1] ?? /^([\da-f]{32})(?:\/|$)/.exec(older)?.[1]
}
