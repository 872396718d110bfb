import type { IdSource } from '../../core/index.ts'

/**
 * Ids that sort by time.
 *
 * Shape: 9 characters of time in base 36 (until the year 5188), 4 that count within the process, 8 of chance for the process.
 */
export function createIds(): IdSource {
  // Drawn when the first id is needed: a cold start need not wait for the source of chance.
  let drawn = ''
  let pairs: readonly string[] = []
  let counter = 0
  let time = ''
  let timeOf = Number.NaN
  return {
    next(now) {
      if (drawn === '') {
        const { randomBytes } = process.getBuiltinModule('node:crypto')
        drawn = Array.from(randomBytes(8), (byte) => (byte % 36).toString(36)).join('')
        pairs = Array.from({ length: 36 ** 2 }, (_, pair) => pair.toString(36).padStart(2, '0'))
      }
      counter = (counter + 1) % 36 ** 4
      if (now !== timeOf) {
        time = now.toString(36).padStart(9, '0')
        timeOf = now
      }
      return time + pairs[Math.floor(counter / 36 ** 2)] + pairs[counter % 36 ** 2] + drawn
    },
    random: Math.random,
  }
}
