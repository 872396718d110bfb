import { wrongUse } from '../terminal.ts'

/** How fast a recording is played: 1 as it was recorded, Infinity as fast as the cloud takes it. */
export type Speed = number

/**
 * Reads `max`, `real`, or `10x`.
 * @throws CoreError `usage.wrong`.
 */
export function readSpeed(text: string): Speed {
  if (text === 'max') return Number.POSITIVE_INFINITY
  if (text === 'real') return 1
  const factor = /^(\d+(?:\.\d+)?)x$/.exec(text)?.[1]
  if (factor !== undefined && Number(factor) > 0) return Number(factor)
  throw wrongUse(
    `--speed: expected max, real or a factor such as 10x, found ${JSON.stringify(text)}`,
  )
}

/** Keeps the gaps between event times. */
export interface Pace {
  /** How long to wait before a message of this event time. Unit: ms. 0: no longer. */
  waitFor(at: number): number
}

/** Starts with the first message. A message that is older than the one before it is not waited for. */
export function createPace(speed: Speed, now: () => number): Pace {
  let start: { readonly at: number; readonly wall: number } | undefined
  return {
    waitFor(at) {
      if (speed === Number.POSITIVE_INFINITY) return 0
      start ??= { at, wall: now() }
      return Math.max(0, start.wall + (at - start.at) / speed - now())
    },
  }
}
