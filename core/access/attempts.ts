/** Counts wrong credentials by where they come from, so that nobody can try many. */
export interface Attempts {
  /** How long this place has to wait; 0: it may try. Unit: ms. */
  waitMs(remote: string, now: number): number
  /** One was wrong. */
  failed(remote: string, now: number): void
}

/** So many wrong ones of one place in one window are answered before it has to wait. */
const MAX_FAILED = 30

/** Unit: ms. */
const WINDOW_MS = 60_000

/** Places that are remembered; of more the longest known are forgotten. */
const MAX_PLACES = 10_000

interface Place {
  readonly since: number
  readonly count: number
}

/** Builds a counter over fixed windows. One process counts for itself. */
export function createAttempts(): Attempts {
  const places = new Map<string, Place>()
  const liveOf = (remote: string, now: number): Place | undefined => {
    const place = places.get(networkOf(remote))
    return place !== undefined && now - place.since < WINDOW_MS ? place : undefined
  }
  return {
    waitMs(remote, now) {
      const place = liveOf(remote, now)
      return place === undefined || place.count < MAX_FAILED ? 0 : place.since + WINDOW_MS - now
    },
    failed(remote, now) {
      const place = liveOf(remote, now) ?? { since: now, count: 0 }
      const key = networkOf(remote)
      places.delete(key)
      places.set(key, { since: place.since, count: place.count + 1 })
      const oldest = places.size > MAX_PLACES ? places.keys().next().value : undefined
      if (oldest !== undefined) places.delete(oldest)
    },
  }
}

/** One customer has 2^64 addresses of IPv6: they count as one. Source: RFC 6177. */
function networkOf(remote: string): string {
  if (!remote.includes(':') || /^::ffff:\d+\./i.test(remote)) return remote
  const [head = '', tail] = remote.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0')
  return [...first, ...(tail === undefined ? [] : zeros), ...last].slice(0, 4).join(':')
}
