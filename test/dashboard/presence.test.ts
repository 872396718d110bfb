import { describe, expect, it } from 'vitest'

// The page is checked by a project of its own.
const file = '../../dashboard/src/live/device.ts'
const { presenceOf } = await import(file)

const NOW = 1_000_000
const device = { connected: false, status: 'unknown', expected: false, seenAt: 1 }

describe('presence on the page', () => {
  it.each([
    [{ connected: true, status: 'online', presenceChangedAt: 1 }, 'connected'],
    [{ connected: true, status: 'late', presenceChangedAt: 1, expected: true }, 'late'],
    [{ status: 'online', presenceChangedAt: 1, expected: true }, 'heard'],
    // Its absence may be a flap, so that nobody is told yet: the page shows what is.
    [{ status: 'online', presenceChangedAt: 1 }, 'offline'],
    [{ status: 'offline', presenceChangedAt: 0, expected: true }, 'offline'],
    [{ status: 'unreachable', presenceChangedAt: 1 }, 'unreachable'],
    [{ status: 'unknown', presenceChangedAt: 0, seenAt: NOW - 30_000 }, 'heard'],
    [{ status: 'unknown', presenceChangedAt: 0, seenAt: NOW - 90_000 }, 'silent'],
    [{ status: 'unknown', presenceChangedAt: 0, seenAt: 0 }, 'never'],
  ])('%j is %s', (facts, shown) => {
    expect(presenceOf({ ...device, ...facts }, NOW)).toBe(shown)
  })
})
