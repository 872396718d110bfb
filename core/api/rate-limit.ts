import type { Clock } from '../ports.ts'

/** So many callers are remembered; of more, those are forgotten that asked longest ago. */
const MAX_CALLERS = 10_000

export interface RateLimitOptions {
  /** How many at once, and on average. */
  readonly requests: number
  /** Within which time. Unit: ms. */
  readonly per: number
}

/** What is left to a caller after one request more. */
export interface Allowance {
  readonly allowed: boolean
  readonly left: number
  /** Until one more may be asked. Unit: s. */
  readonly resetS: number
}

export interface RateLimit {
  /** Quota and window. Shape: the field of draft-ietf-httpapi-ratelimit-headers-10, 3. */
  readonly policy: string
  take(caller: string): Allowance
}

interface Bucket {
  tokens: number
  at: number
}

/** A bucket of tokens for each caller, in this process. */
export function createRateLimit({ requests, per }: RateLimitOptions, clock: Clock): RateLimit {
  const buckets = new Map<string, Bucket>()
  const perMs = requests / per

  function bucketOf(caller: string, now: number): Bucket {
    const found = buckets.get(caller)
    if (found !== undefined) {
      found.tokens = Math.min(requests, found.tokens + Math.max(0, now - found.at) * perMs)
      found.at = now
      return found
    }
    if (buckets.size >= MAX_CALLERS) forgetOldest(buckets)
    const fresh = { tokens: requests, at: now }
    buckets.set(caller, fresh)
    return fresh
  }

  return {
    policy: `"default";q=${requests};w=${Math.ceil(per / 1_000)}`,
    take(caller) {
      const bucket = bucketOf(caller, clock.now())
      const allowed = bucket.tokens >= 1
      if (allowed) bucket.tokens--
      const missing = Math.max(0, 1 - bucket.tokens)
      return {
        allowed,
        left: Math.floor(bucket.tokens),
        resetS: Math.ceil(missing / perMs / 1_000),
      }
    },
  }
}

/** One in ten goes, so that it is not asked for with every request. */
function forgetOldest(buckets: Map<string, Bucket>): void {
  const oldest = [...buckets].sort(([, a], [, b]) => a.at - b.at).slice(0, MAX_CALLERS / 10)
  for (const [caller] of oldest) buckets.delete(caller)
}
