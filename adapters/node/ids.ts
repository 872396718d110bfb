import { randomBytes } from 'node:crypto'
import type { IdSource } from '../../core/index.ts'

/**
 * Ids that sort by time.
 *
 * Shape: 9 characters of time in base 36 (until the year 5188), 4 that count within the process, 8 of chance for the process.
 */
export function createIds(): IdSource {
  const process = Array.from(randomBytes(8), (byte) => (byte % 36).toString(36)).join('')
  let counter = 0
  return {
    next(now) {
      counter = (counter + 1) % 36 ** 4
      return now.toString(36).padStart(9, '0') + counter.toString(36).padStart(4, '0') + process
    },
    random: Math.random,
  }
}
