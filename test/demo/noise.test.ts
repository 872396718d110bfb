import { describe, expect, it } from 'vitest'
import { noise, seedOf } from '../../cli/demo/noise.ts'

const draw = (seed: number) => Array.from({ length: 20_000 }, (_, count) => noise(seed, count))

describe('noise', () => {
  it('is the same for the same seed and count', () => expect(draw(7)).toEqual(draw(7)))

  it('stays in its range and has the mean and spread of chance', () => {
    const draws = draw(1)
    const mean = draws.reduce((sum, one) => sum + one, 0) / draws.length
    const variance = draws.reduce((sum, one) => sum + (one - mean) ** 2, 0) / draws.length
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...draws)).toBeLessThan(1)
    expect(mean).toBeCloseTo(0.5, 1)
    expect(variance).toBeCloseTo(1 / 12, 2)
  })

  it('has nothing in common between neighbours of a fleet', () => {
    const seeds = Array.from({ length: 50 }, (_, index) => seedOf(1, index))
    expect(new Set(seeds).size).toBe(50)
    const [a, b] = [draw(seeds[0]!), draw(seeds[1]!)]
    const together = a.reduce((sum, one, index) => sum + (one - 0.5) * (b[index]! - 0.5), 0)
    expect(Math.abs(together / a.length)).toBeLessThan(0.002)
    expect(new Set([...a, ...b]).size).toBeGreaterThan(39_900)
  })
})
