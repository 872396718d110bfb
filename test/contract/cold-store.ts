import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ColdRow } from '../../core/index.ts'
import { commit, type StoreSubject } from './subject.ts'

const DAY = 86_400_000
const JANUARY_31 = Date.UTC(2026, 0, 31)

function coldRow(messageId: string, at: number): ColdRow {
  const body = { temp: 21.5, list: [null, true, 'ü\n'], deep: { empty: {} } }
  return {
    deviceId: 'dev-1',
    at,
    receivedAt: at + 5,
    messageId,
    topic: 'devices/dev-1/telemetry',
    body,
  }
}

/** What every ColdStore must do, over rows that commits brought. */
export function coldStoreContract(name: string, open: () => Promise<StoreSubject>): void {
  describe(`${name}: ColdStore contract`, () => {
    let subject: StoreSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it('has nothing on a day without rows', async () => {
      expect(await subject.cold.read('2026-01-31', 0, 10)).toEqual([])
    })

    it('gives back whole rows, by UTC day of event time, in the order of storing', async () => {
      const rows = [
        coldRow('noon', JANUARY_31 + DAY / 2),
        coldRow('last', JANUARY_31 + DAY - 1),
        coldRow('next day', JANUARY_31 + DAY),
        coldRow('first', JANUARY_31),
        coldRow('day before', JANUARY_31 - 1),
      ]
      await subject.devices.commit(commit('dev-1', 1, { cold: rows.slice(0, 2) }))
      await subject.devices.commit(commit('dev-1', 2, { cold: rows.slice(2) }))
      const read = async (day: string) =>
        (await subject.cold.read(day, 0, 10)).map(({ row }) => row)
      expect(await read('2026-01-31')).toEqual([rows[0], rows[1], rows[3]])
      expect(await read('2026-02-01')).toEqual([rows[2]])
      expect(await read('2026-01-30')).toEqual([rows[4]])
    })

    it('pages by position, and what comes later stands behind', async () => {
      const rows = Array.from({ length: 7 }, (_, index) => coldRow(`m${index}`, JANUARY_31 + index))
      await subject.devices.commit(commit('dev-1', 1, { cold: rows.slice(0, 5) }))
      const first = await subject.cold.read('2026-01-31', 0, 3)
      expect(first.map(({ row }) => row.messageId)).toEqual(['m0', 'm1', 'm2'])
      await subject.devices.commit(commit('dev-1', 2, { cold: rows.slice(5) }))
      const rest = await subject.cold.read('2026-01-31', first.at(-1)?.position ?? 0, 10)
      expect(rest.map(({ row }) => row.messageId)).toEqual(['m3', 'm4', 'm5', 'm6'])
      const positions = [...first, ...rest].map(({ position }) => position)
      expect(positions).toEqual(positions.toSorted((a, b) => a - b))
      expect(new Set(positions).size).toBe(7)
      expect(positions[0]).toBeGreaterThan(0)
      expect(await subject.cold.read('2026-01-31', positions.at(-1) ?? 0, 10)).toEqual([])
      expect(await subject.cold.read('2026-01-31', 0, 0)).toEqual([])
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await subject.takeAway()
      await expect(subject.cold.read('2026-01-31', 0, 10)).rejects.toMatchObject({
        code: 'store.unavailable',
        retryable: true,
      })
    })
  })
}
