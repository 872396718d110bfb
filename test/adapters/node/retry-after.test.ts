import { describe, expect, it } from 'vitest'
import { readRetryAfter } from '../../../adapters/node/retry-after.ts'

const now = Date.UTC(1994, 10, 6, 8, 49, 0)
const DAY_MS = 86_400_000

describe('readRetryAfter', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    ['00120', 120_000],
    ['86400', DAY_MS],
    ['86401', DAY_MS],
    ['99999999999999999999999', DAY_MS],
    // The three forms of RFC 9110, 5.6.7.
    ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
    ['Sun Nov  6 08:49:37 1994', 37_000],
    ['Sun, 06 Nov 1994 08:48:00 GMT', 0],
    ['Fri, 31 Dec 1999 23:59:59 GMT', DAY_MS],
  ])('reads %j', (value, expected) => expect(readRetryAfter(value, now)).toBe(expected))

  it.each([
    undefined,
    '',
    'soon',
    '-5',
    '+5',
    '1.5',
    '1e3',
    '0x10',
    '120, 120',
    '120s',
    '2026-01-01T00:00:00Z',
    'Sun',
    'Sunday, noon',
    'Sun, 99 Nov 1994 08:49:37 GMT',
  ])('does not read %j', (value) => expect(readRetryAfter(value, now)).toBeUndefined())
})
