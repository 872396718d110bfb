import { describe, expect, it } from 'vitest'
import { createRateLimit } from '../../../core/api/rate-limit.ts'

function open(requests = 3, per = 60_000) {
  const clock = { at: 0, now: () => clock.at }
  return { clock, limit: createRateLimit({ requests, per }, clock) }
}

describe('the rate of a caller', () => {
  it('allows so many at once, and one more as soon as its share of the time is over', () => {
    const { clock, limit } = open()
    expect([1, 2, 3].map(() => limit.take('a').allowed)).toEqual([true, true, true])
    expect(limit.take('a')).toEqual({ allowed: false, left: 0, resetS: 20 })
    clock.at = 19_999
    expect(limit.take('a').allowed).toBe(false)
    clock.at = 20_001
    expect(limit.take('a')).toMatchObject({ allowed: true, left: 0 })
    expect(limit.take('a').allowed).toBe(false)
  })

  it('never saves up more than one window, and survives a clock that goes back', () => {
    const { clock, limit } = open()
    limit.take('a')
    clock.at = 3_600_000
    expect(limit.take('a')).toMatchObject({ allowed: true, left: 2 })
    clock.at = 0
    expect(limit.take('a')).toMatchObject({ allowed: true, left: 1 })
  })

  it('keeps callers apart, and forgets those who asked longest ago when there are many', () => {
    const { clock, limit } = open(1)
    limit.take('first')
    expect(limit.take('first').allowed).toBe(false)
    expect(limit.take('second').allowed).toBe(true)
    for (let caller = 0; caller < 10_001; caller++) {
      clock.at = 1
      limit.take(`caller ${caller}`)
    }
    // Forgotten, it begins anew: that is the price of memory that does not grow.
    expect(limit.take('first').allowed).toBe(true)
  })

  it('says its policy in the words of the draft', () => {
    expect(open(600, 60_000).limit.policy).toBe('"default";q=600;w=60')
  })
})
