import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WEEKDAYS, type WeeklySpan } from '../../../core/model/weekly-span.ts'
import { createLocalClock, endOf, isWithin } from '../../../core/notifications/weekly.ts'

const MINUTE = 60_000
const UTC = createLocalClock('UTC')
const BERLIN = createLocalClock('Europe/Berlin')

const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
const span = (from: string, to: string, ...days: WeeklySpan['days'] & object): WeeklySpan => ({
  from: minutes(from),
  to: minutes(to),
  ...(days.length === 0 ? {} : { days }),
})

/** The same by looking at what day and hour it is, and at nothing else. */
function holdsByHand({ days = WEEKDAYS, from, to }: WeeklySpan, at: number): boolean {
  const date = new Date(at)
  const minute = date.getUTCHours() * 60 + date.getUTCMinutes()
  const today = WEEKDAYS[date.getUTCDay()] ?? 'sun'
  const yesterday = WEEKDAYS[(date.getUTCDay() + 6) % 7] ?? 'sun'
  const begins = days.includes(today)
  const began = days.includes(yesterday)
  if (from === to) return (begins && minute >= from) || (began && minute < to)
  if (from < to) return begins && minute >= from && minute < to
  return (begins && minute >= from) || (began && minute < to)
}

describe('a weekly span', () => {
  it('holds when the clock on the wall says so, summer and winter', () => {
    const night = [span('22:00', '06:00')]
    expect(isWithin(night, Date.UTC(2026, 0, 10, 20, 59), BERLIN)).toBe(false)
    expect(isWithin(night, Date.UTC(2026, 0, 10, 21, 0), BERLIN)).toBe(true)
    expect(isWithin(night, Date.UTC(2026, 6, 10, 20, 0), BERLIN)).toBe(true)
    expect(isWithin(night, Date.UTC(2026, 6, 10, 4, 0), BERLIN)).toBe(false)
  })

  it('ends by the clock on the wall when clocks are changed in it, seen again in time', () => {
    const night = [span('22:00', '06:00')]
    // 29 March 2026, 2:00 is 3:00 in Berlin: six in the morning is 4:00 UTC.
    const before = Date.UTC(2026, 2, 28, 22)
    let at = before
    for (let looks = 0; isWithin(night, at, BERLIN); looks++) {
      if (looks > 3) throw new Error('expected an end')
      at = endOf(night, at, BERLIN)
    }
    expect(at).toBeGreaterThanOrEqual(Date.UTC(2026, 2, 29, 4))
    expect(at).toBeLessThanOrEqual(Date.UTC(2026, 2, 29, 5))
  })

  const time = fc.integer({ min: 0, max: 1_439 })
  const anySpan = fc.record(
    { from: time, to: time, days: fc.subarray([...WEEKDAYS], { minLength: 1 }) },
    { requiredKeys: ['from', 'to'] },
  )
  const anyTime = fc.integer({ min: 0, max: 30 * 1_440 }).map((minute) => minute * MINUTE)

  it('holds when a simpler model says so', () => {
    fc.assert(
      fc.property(fc.array(anySpan, { minLength: 1, maxLength: 4 }), anyTime, (spans, at) => {
        expect(isWithin(spans, at, UTC)).toBe(spans.some((one) => holdsByHand(one, at)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('holds until the end that is told, and one span ends there', () => {
    fc.assert(
      fc.property(anySpan, anyTime, (one, at) => {
        const end = endOf([one], at, UTC)
        if (!isWithin([one], at, UTC)) {
          expect(end).toBe(at)
          return
        }
        expect(end).toBeGreaterThan(at)
        expect(end - at).toBeLessThanOrEqual(1_440 * MINUTE)
        for (let step = at; step < end; step += 17 * MINUTE)
          expect(isWithin([one], step, UTC)).toBe(true)
        if (one.days?.length === 1) expect(isWithin([one], end, UTC)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})
