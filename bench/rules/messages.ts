import { FIRST_NUMBER, messageOf, textOf } from '../load/message.ts'

/** Messages of one run through the pool; each of its temperatures, -19.99 to -18.00 °C, comes once. */
export const POOL = 200

/** The topic of every message. */
export const TOPIC = 'devices/d00001/telemetry'

const STARTED_AT = 1_700_000_000_000

/** A message as the rules of this bench look at it. */
export interface Body {
  readonly temp: number
  readonly site: string
  readonly [key: string]: string | number
}

/** The pool as text, 150 bytes each. Sites are spread over all of `sites`. */
export function textsOf(sites: number): string[] {
  return Array.from({ length: POOL }, (_, index) => {
    const message = messageOf(FIRST_NUMBER + index, STARTED_AT + index * 1_000)
    return textOf({ ...message, site: siteOf(Math.floor((index * sites) / POOL)) })
  })
}

/** As long as the site of the other benches' messages. */
export function siteOf(number: number): string {
  return `site-${String(number).padStart(7, '0')}`
}

/** The pool as values. */
export function bodiesOf(texts: readonly string[]): Body[] {
  return texts.map((text) => JSON.parse(text))
}

/** Thresholds of which one in a hundred lies below the temperature of a message, on average over the pool. */
export function thresholdsOf(count: number): number[] {
  // One rule can match now or never: of the pool the two warmest messages are above this.
  if (count === 1) return [-18.015]
  // From -20 °C on, evenly: the pool is 1.005 °C above that on average, so 100.5 °C hold all of them.
  return Array.from({ length: count }, (_, index) => {
    return Number((-20 + (100.5 * (index + 0.5)) / count).toFixed(4))
  })
}

/** How many thresholds are exceeded by the pool, counted without any engine. */
export function exceeded(bodies: readonly Body[], thresholds: readonly number[]): number {
  let count = 0
  for (const { temp } of bodies) for (const threshold of thresholds) if (temp > threshold) count++
  return count
}
