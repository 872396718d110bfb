import { CoreError } from '../errors.ts'
import type { Clock } from '../ports.ts'
import type { Guards } from './mount.ts'
import { createRateLimit, type RateLimitOptions } from './rate-limit.ts'
import type { Who } from './who.ts'

/**
 * Holds each caller to a rate; who is not known is told apart by his address. What devices send is not counted.
 * Source: draft-ietf-httpapi-ratelimit-headers-10.
 */
export function createMeter(
  options: RateLimitOptions,
  clock: Clock,
  factsOf: Who['factsOf'] = () => ({}),
): NonNullable<Guards['meter']> {
  const limit = createRateLimit(options, clock)
  return (one, caller, context) => {
    if (one.needs === 'telemetry:write') return undefined
    const { kind, id } = caller
    const name = kind === 'anonymous' ? (factsOf(context.req.raw).remote ?? '') : id
    const { allowed, left, resetS } = limit.take(`${kind}/${name}`)
    const quota = {
      'ratelimit-policy': limit.policy,
      ratelimit: `"default";r=${left};t=${resetS}`,
    }
    if (allowed) return quota
    context.set('quota', quota)
    throw new CoreError('access.rate_limited', `expected a request in ${resetS} s, found it now`, {
      details: { retryAfterMs: resetS * 1_000 },
    })
  }
}
