import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CoreError, type Json, readEventTime, type TimeUnit } from '../../../core/index.ts'

const NOON = Date.UTC(2026, 0, 31, 12)

describe('readEventTime', () => {
  const times: readonly { unit: TimeUnit; value: Json; ms: number }[] = [
    // auto: seconds below 1e11, milliseconds from there on
    { unit: 'auto', value: 0, ms: 0 },
    { unit: 'auto', value: 1, ms: 1_000 },
    { unit: 'auto', value: 1_769_860_800, ms: NOON },
    { unit: 'auto', value: 1_769_860_800.5, ms: NOON + 500 },
    { unit: 'auto', value: 1_769_860_800.0004, ms: NOON },
    { unit: 'auto', value: 1_769_860_800.1236, ms: NOON + 124 },
    { unit: 'auto', value: 99_999_999_999, ms: 99_999_999_999_000 },
    { unit: 'auto', value: 1e11, ms: 1e11 },
    { unit: 'auto', value: NOON, ms: NOON },
    { unit: 'auto', value: NOON + 0.4, ms: NOON },
    { unit: 'auto', value: 8.64e15, ms: 8.64e15 },
    { unit: 'auto', value: '1769860800', ms: NOON },
    { unit: 'auto', value: '1769860800.25', ms: NOON + 250 },
    { unit: 'auto', value: `${NOON}`, ms: NOON },
    { unit: 'auto', value: '2026-01-31T12:00:00Z', ms: NOON },
    { unit: 'auto', value: '2026-01-31T12:00:00.123Z', ms: NOON + 123 },
    { unit: 'auto', value: '2026-01-31T12:00:00.123456789Z', ms: NOON + 123 },
    { unit: 'auto', value: '2026-01-31T12:00Z', ms: NOON },
    { unit: 'auto', value: '2026-01-31T13:30:00+01:30', ms: NOON },
    { unit: 'auto', value: '2026-01-31T13:30:00+0130', ms: NOON },
    { unit: 'auto', value: '2026-01-31T00:00:00-12:00', ms: NOON },
    { unit: 'auto', value: '2024-02-29T00:00:00Z', ms: Date.UTC(2024, 1, 29) },
    { unit: 'auto', value: '1999-12-31T00:00:00Z', ms: Date.UTC(1999, 11, 31) },
    { unit: 'auto', value: '2026', ms: 2_026_000 },
    // formats with a type for times leave no doubt
    { unit: 'auto', value: { $time: 1_769_860_800 }, ms: NOON },
    { unit: 'ms', value: { $time: 1_769_860_800.5 }, ms: NOON + 500 },
    { unit: 's', value: { $time: '2026-01-31T12:00:00.123456789Z' }, ms: NOON + 123 },
    // named units say what a number means, however large it is
    { unit: 's', value: 99, ms: 99_000 },
    { unit: 's', value: 8.64e12, ms: 8.64e15 },
    { unit: 's', value: '99.5', ms: 99_500 },
    { unit: 'ms', value: 99, ms: 99 },
    { unit: 'ms', value: 99.5, ms: 100 },
    { unit: 'ms', value: '1769860800000', ms: NOON },
    { unit: 'iso', value: '2026-01-31T12:00:00Z', ms: NOON },
  ]

  it.each(times)('$unit: $value is $ms', ({ unit, value, ms }) => {
    expect(readEventTime(value, unit)).toBe(ms)
  })

  const garbage: readonly { unit: TimeUnit; value: Json }[] = [
    ...(['auto', 's', 'ms', 'iso'] as const).flatMap((unit) =>
      [
        null,
        true,
        [],
        {},
        [1_769_860_800],
        '',
        ' ',
        'now',
        '2026-01-31',
        '2026-01-31 12:00:00Z',
        '31.01.2026T12:00:00Z',
        '2026-01-31T12:00:00',
        '2026-13-01T12:00:00Z',
        '2026-01-32T12:00:00Z',
        '2026-02-30T12:00:00Z',
        '2025-02-29T12:00:00Z',
        '2026-04-31T00:00:00+02:00',
        '2026-01-31T25:00:00Z',
        '2026-01-31T12:61:00Z',
        '2026-01-31T12:00:00Z\n',
        ' 2026-01-31T12:00:00Z',
        '-1',
        '1e9',
        '0x10',
        '1,5',
        '1769860800 ',
        'Infinity',
        'NaN',
        -1,
        8.64e15 + 2_000,
        1e300,
      ].map((value) => ({ unit, value })),
    ),
    { unit: 'iso', value: 1_769_860_800 },
    { unit: 'iso', value: '1769860800' },
    { unit: 's', value: '2026-01-31T12:00:00Z' },
    { unit: 'ms', value: '2026-01-31T12:00:00Z' },
    { unit: 's', value: 8.64e12 + 1 },
    { unit: 'auto', value: '9'.repeat(400) },
  ]

  it.each(garbage)('$unit: $value is none', ({ unit, value }) => {
    expect(() => readEventTime(value, unit)).toThrow(
      expect.objectContaining({ code: 'uplink.bad_time' }),
    )
  })

  it('quotes no text of the payload', () => {
    expect(() => readEventTime('secret', 'auto')).toThrow(/^(?!.*secret)/)
  })

  it('reads back every time that JavaScript writes, in every unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1e11, max: 8.64e15 }), (ms) => {
        expect(readEventTime(ms, 'auto')).toBe(ms)
        expect(readEventTime(ms, 'ms')).toBe(ms)
        if (ms < 253_402_300_800_000) {
          expect(readEventTime(new Date(ms).toISOString(), 'auto')).toBe(ms)
          expect(readEventTime(new Date(ms).toISOString(), 'iso')).toBe(ms)
        }
      }),
    )
  })

  it('knows one zero', () => {
    expect(Object.is(readEventTime(-0, 'ms'), 0)).toBe(true)
  })

  it('gives a whole number of milliseconds that a Date takes, or refuses', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom<TimeUnit>('auto', 's', 'ms', 'iso'),
        (value, unit) => {
          try {
            const ms = readEventTime(value as Json, unit)
            expect(Number.isSafeInteger(ms)).toBe(true)
            expect(new Date(ms).getTime()).toBe(ms)
          } catch (error) {
            expect(error).toBeInstanceOf(CoreError)
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
