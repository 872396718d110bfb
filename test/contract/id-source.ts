import { describe, expect, it } from 'vitest'
import type { Clock, IdSource } from '../../core/index.ts'

/** What every IdSource must do. */
export function idSourceContract(name: string, open: () => IdSource): void {
  describe(`${name}: IdSource contract`, () => {
    it('never gives an id twice, whatever the time and whoever asks', () => {
      const sources = [open(), open()]
      const ids = new Set<string>()
      for (let index = 0; index < 20_000; index++) {
        for (const source of sources) ids.add(source.next(1_750_000_000_000 + (index % 3)))
      }
      expect(ids.size).toBe(40_000)
    })

    it('gives ids that sort by time, as text', () => {
      const source = open()
      const times = [0, 1, 35, 36, 999_999_999_999, 1_750_000_000_000, 1_750_000_000_001, 4e13]
      const ids = times.map((time) => source.next(time))
      expect(ids.toSorted()).toEqual(ids)
    })

    it('gives ids within one millisecond in their order', () => {
      const source = open()
      const ids = Array.from({ length: 2_000 }, () => source.next(1_750_000_000_000))
      expect(ids.toSorted()).toEqual(ids)
    })

    it('gives ids that are safe in paths and topics', () => {
      expect(open().next(1_750_000_000_000)).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
    })

    it('gives chances from 0 to below 1, spread out', () => {
      const source = open()
      const chances = Array.from({ length: 2_000 }, () => source.random())
      expect(chances.every((chance) => chance >= 0 && chance < 1)).toBe(true)
      expect(chances.filter((chance) => chance < 0.5).length).toBeGreaterThan(800)
      expect(chances.filter((chance) => chance < 0.5).length).toBeLessThan(1_200)
    })
  })
}

/** What every Clock must do. */
export function clockContract(name: string, open: () => Clock): void {
  describe(`${name}: Clock contract`, () => {
    it('gives whole milliseconds since 1970', () => {
      const now = open().now()
      expect(Number.isInteger(now)).toBe(true)
      expect(now).toBeGreaterThan(Date.UTC(2025, 0, 1))
      expect(now).toBeLessThan(Date.UTC(2100, 0, 1))
    })
  })
}
