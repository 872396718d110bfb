/** The longest wait that the other side may ask for. Unit: ms. */
const LONGEST_MS = 86_400_000

/** What all three ways to write a date start with; what else a date parser might make a date of is none. */
const WEEKDAY = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /

/**
 * Reads a Retry-After header: whole seconds or a date.
 *
 * Unit: ms from now. Range: 0 to a day. `undefined` if it is neither.
 * Source: RFC 9110, 10.2.3 and 5.6.7.
 */
export function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, LONGEST_MS)
  if (!WEEKDAY.test(value)) return undefined
  // The way of C's asctime names no zone and means UTC.
  const at = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), LONGEST_MS)
}
