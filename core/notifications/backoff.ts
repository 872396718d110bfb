/** After so many failed tries a delivery or an effect is set aside: about 12 hours after the first. */
export const MAX_ATTEMPTS = 14

const FIRST_MS = 1_000
const LONGEST_MS = 3_600_000

/**
 * How long to wait after the given number of failed tries: doubling from 1 s to 1 h, with jitter.
 *
 * Unit: ms. Range: half to all of the doubled time, so that many who failed together do not come back together.
 * `random`: 0 <= random < 1. A time that the other side asked for is a lower bound.
 */
export function backoffMs(attempts: number, random: number, askedForMs = 0): number {
  const doubled = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, attempts - 1))
  return Math.round(Math.max(askedForMs, doubled * (0.5 + random / 2)))
}
