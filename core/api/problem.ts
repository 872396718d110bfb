import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { CoreError, type ErrorCode } from '../errors.ts'
import { PRIVATE } from './answer-headers.ts'
import { RequestFault } from './request-fault.ts'

/** Statuses of errors that are not the server's fault; every other code is a 500 or, if it may pass, a 503. */
const STATUS: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  'access.bad_credentials': 401,
  'access.expired': 401,
  'access.forbidden': 403,
  'access.no_role': 403,
  'access.csrf': 403,
  'access.throttled': 429,
  'uplink.too_large': 413,
  'uplink.bad_device_id': 400,
  'device.exists': 409,
  'input.not_found': 404,
  'input.malformed': 400,
  'input.too_large': 413,
  'input.wrong_type': 415,
  'input.precondition_failed': 412,
  'input.key_reused': 422,
  'input.key_in_use': 409,
  'input.key_done': 409,
  'access.rate_limited': 429,
  'rule.fixed': 409,
  'rule.declared': 409,
  'rule.limit': 422,
  'shadow.bad_request': 400,
  'shadow.not_found': 404,
  'shadow.version_conflict': 409,
  'shadow.too_large': 413,
  'device.record_too_large': 413,
  'command.invalid': 400,
  'command.too_large': 413,
  'command.queue_full': 429,
  'command.lock_lost': 412,
  'method.invalid': 400,
  'method.device_offline': 404,
  'method.timed_out': 504,
  'method.unsupported': 501,
}

/** Answers with a problem document. Source: RFC 9457. */
export function problem(
  context: Context,
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  extra: object = {},
): Response {
  return context.body(
    JSON.stringify({ type: `urn:anyhub:${code}`, title: code, status, detail, ...extra }),
    status,
    { ...PRIVATE, ...context.get('quota'), 'content-type': 'application/problem+json' },
  )
}

/** The problem document for a path that is not there, or is there for other methods only. Source: RFC 9110, 15.5.6. */
export function notServed(context: Context, allowed: readonly string[]): Response {
  const { method, path } = context.req
  if (allowed.length === 0)
    return problem(context, 404, 'input.not_found', `no such path: ${method} ${path}`)
  const answer = problem(
    context,
    405,
    'input.not_allowed',
    `${path}: expected ${allowed.join(' or ')}, found ${method}`,
  )
  answer.headers.set('allow', allowed.join(', '))
  return answer
}

/** The problem document for an error of the core; what is no error of the core is reported without its text. */
export function problemOf(context: Context, error: unknown): Response {
  if (error instanceof RequestFault)
    return problem(context, error.status, 'input.malformed', error.message, {
      errors: error.faults,
    })
  if (!(error instanceof CoreError))
    return problem(context, 500, 'internal', 'something went wrong here')
  const status = STATUS[error.code] ?? (error.retryable ? 503 : 500)
  const answer = problem(context, status, error.code, error.message)
  // Source: RFC 6750, 3.1.
  if (status === 401) answer.headers.set('www-authenticate', 'Bearer error="invalid_token"')
  const { retryAfterMs } = error.details
  if (status === 429 && typeof retryAfterMs === 'number')
    answer.headers.set('retry-after', String(Math.ceil(retryAfterMs / 1_000)))
  return answer
}
