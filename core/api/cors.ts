import type { Context, MiddlewareHandler } from 'hono'

/** What pages of other origins may send and read. */
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const SENT =
  'authorization, content-type, idempotency-key, if-match, if-none-match, anyhub-csrf, last-event-id'
const READ =
  'etag, link, location, retry-after, ratelimit, ratelimit-policy, idempotency-replayed, anyhub-next'

/** How long a browser remembers an answer to its question. Unit: s. */
const MAX_AGE_S = '600'

/**
 * Lets pages of other origins use the API. Its question is answered before anybody asks who it is; where all origins are
 * let in, cookies are not.
 * Source: Fetch Standard, CORS protocol.
 */
export function createCors(origins: readonly string[]): MiddlewareHandler {
  const known = new Set(origins)
  const all = known.has('*')

  /** Once, whoever stands in front. */
  function allow(context: Context, headers: Headers): boolean {
    if (/\bOrigin\b/i.test(headers.get('vary') ?? '')) return false
    headers.append('vary', 'Origin')
    const origin = context.req.header('origin')
    if (origin === undefined || !(all || known.has(origin))) return false
    headers.set('access-control-allow-origin', known.has(origin) ? origin : '*')
    // Only who is named may bring cookies along.
    if (known.has(origin)) headers.set('access-control-allow-credentials', 'true')
    return true
  }

  return async (context, next) => {
    const asks = context.req.header('access-control-request-method') !== undefined
    if (context.req.method === 'OPTIONS' && asks) {
      const headers = new Headers()
      if (allow(context, headers)) {
        headers.set('access-control-allow-methods', METHODS)
        headers.set('access-control-allow-headers', SENT)
        headers.set('access-control-max-age', MAX_AGE_S)
      }
      return new Response(null, { status: 204, headers })
    }
    await next()
    if (allow(context, context.res.headers))
      context.res.headers.set('access-control-expose-headers', READ)
    return undefined
  }
}
