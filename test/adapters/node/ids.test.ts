import { expect, it } from 'vitest'
import { createIds } from '../../../adapters/node/ids.ts'

it('sort by time, and by order within one time', () => {
  const ids = createIds()
  const made = [0, 0, 5, 35, 36, 36, 1_700_000_000_000, 1_700_000_000_000, 1_700_000_000_001].map(
    (now) => ids.next(now),
  )
  expect(made.toSorted()).toEqual(made)
  expect(new Set(made).size).toBe(made.length)
  for (const id of made) expect(id).toMatch(/^[0-9a-z]{21}$/)
  expect(made[6]?.slice(0, 9)).toBe((1_700_000_000_000).toString(36).padStart(9, '0'))
})

it('does not repeat within a process, nor between two', () => {
  const first = createIds()
  const second = createIds()
  const made = new Set<string>()
  for (let index = 0; index < 50_000; index++) made.add(first.next(7)).add(second.next(7))
  expect(made.size).toBe(100_000)
})

it('keeps its order where the clock goes back and forth', () => {
  const ids = createIds()
  const later = ids.next(1_000)
  const earlier = ids.next(900)
  const again = ids.next(1_000)
  expect([again, later, earlier].toSorted()).toEqual([earlier, later, again])
})
