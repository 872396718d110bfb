import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, MAX_ATTEMPTS } from '../../../core/notifications/backoff.ts'

const HOUR = 3_600_000

describe('backoffMs', () => {
  it.each([
    { attempts: 1, least: 500, most: 1_000 },
    { attempts: 2, least: 1_000, most: 2_000 },
    { attempts: 5, least: 8_000, most: 16_000 },
    { attempts: 12, least: 1_024_000, most: 2_048_000 },
    { attempts: 13, least: HOUR / 2, most: HOUR },
    { attempts: 14, least: HOUR / 2, most: HOUR },
    { attempts: 5_000, least: HOUR / 2, most: HOUR },
    { attempts: 0, least: 500, most: 1_000 },
  ])('after $attempts: $least to $most ms', ({ attempts, least, most }) => {
    expect(backoffMs(attempts, 0)).toBe(least)
    expect(backoffMs(attempts, 0.999_999_999)).toBe(most)
  })

  it('grows with the chance, is whole, and never below what was asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.nat(2 * HOUR),
        (attempts, random, asked) => {
          const pause = backoffMs(attempts, random, asked)
          expect(Number.isInteger(pause)).toBe(true)
          expect(pause).toBeGreaterThanOrEqual(asked)
          expect(pause).toBe(Math.max(asked, backoffMs(attempts, random)))
        },
      ),
    )
  })

  it('gives up after most of half a day', () => {
    let sum = 0
    for (let attempts = 1; attempts < MAX_ATTEMPTS; attempts++) sum += backoffMs(attempts, 0.5)
    expect(sum / HOUR).toBeGreaterThan(1)
    expect(sum / HOUR).toBeLessThan(24)
  })
})
