import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'

// In: HTTP API -> web Request

/** Only the fields we read. Source: API Gateway developer guide, payload format version 2.0. */
const HttpEvent = z.object({
  version: z.literal('2.0'),
  rawPath: z.string(),
  rawQueryString: z._default(z.string(), ''),
  headers: z._default(z.record(z.string(), z.string()), {}),
  /** Not among the headers. */
  cookies: z._default(z.array(z.string()), []),
  body: z.nullish(z.string()),
  isBase64Encoded: z._default(z.boolean(), false),
  requestContext: z.object({
    http: z.object({ method: z.string(), sourceIp: z.optional(z.string()) }),
    stage: z._default(z.string(), '$default'),
  }),
})

/** @throws CoreError `trigger.malformed` if this is no event of an HTTP API. */
export function toRequest(event: unknown): Request {
  const parsed = HttpEvent.safeParse(event)
  if (!parsed.success) {
    const [fault] = parsed.error.issues
    throw new CoreError(
      'trigger.malformed',
      `expected an event of an HTTP API, found ${fault?.path.join('.')}: ${fault?.message}`,
    )
  }
  const { rawPath, rawQueryString, headers, cookies, body, isBase64Encoded, requestContext } =
    parsed.data
  const { method } = requestContext.http
  const stage = `/${requestContext.stage}`
  const path = rawPath.startsWith(`${stage}/`) ? rawPath.slice(stage.length) : rawPath
  const url = new URL(`https://${headers['host'] ?? 'localhost'}`)
  // Set, not resolved: a path that begins with // is no host.
  url.pathname = path
  url.search = rawQueryString
  const hasBody = typeof body === 'string' && method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers: cookies.length === 0 ? headers : { ...headers, cookie: cookies.join('; ') },
    ...(hasBody ? { body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') } : {}),
  })
}

/** The address that a request came from; `undefined` if the event does not tell. */
export function sourceOf(event: unknown): string | undefined {
  return HttpEvent.safeParse(event).data?.requestContext.http.sourceIp
}

// Out: web Response -> HTTP API

/** The answer as API Gateway wants it; what is no text goes as base64. */
export interface HttpReply {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  /** What stands in Set-Cookie headers. */
  readonly cookies?: readonly string[]
  readonly body: string
  readonly isBase64Encoded: boolean
}

export async function toHttpReply(response: Response): Promise<HttpReply> {
  const bytes = Buffer.from(await response.arrayBuffer())
  const isText = /^(?:text\/|application\/(?:[a-z.+-]*json|javascript|xml))/.test(
    response.headers.get('content-type') ?? 'text/plain',
  )
  const cookies = response.headers.getSetCookie()
  response.headers.delete('set-cookie')
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    ...(cookies.length === 0 ? {} : { cookies }),
    body: bytes.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
  }
}
