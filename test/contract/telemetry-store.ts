import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AGGREGATES, readSeries, type SeriesQuery } from '../../core/index.ts'
import { naiveSeries } from '../core/analytics/naive.ts'
import { commit, row, type StoreSubject, THREE } from './subject.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const ALL = { from: 0, to: 8.64e15, limit: 1_000, descending: false }

/** What every TelemetryStore must do, over rows that commits brought. */
export function telemetryStoreContract(name: string, open: () => Promise<StoreSubject>): void {
  describe(`${name}: TelemetryStore contract`, () => {
    let subject: StoreSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it('has nothing of a device without rows', async () => {
      expect(await subject.telemetry.known('nobody', [row(1, 'a')])).toEqual(new Set())
      expect(await subject.telemetry.known('nobody', [])).toEqual(new Set())
      expect(await subject.telemetry.range('nobody', ALL)).toEqual([])
      expect(await subject.telemetry.count('nobody')).toBe(0)
      expect(await subject.telemetry.count('')).toBe(0)
    })

    it('gives back values as they were, numbers, booleans and texts', async () => {
      const metrics = {
        temp: -17.25,
        tiny: 5e-324,
        large: 1.7976931348623157e308,
        on: true,
        text: 'ü "x"\n\u0000',
        'a.b': 0,
        constructor: 'c',
      }
      await subject.devices.commit(commit('dev-1', 1, { rows: [row(THREE, 'a', metrics)] }))
      expect(await subject.telemetry.range('dev-1', ALL)).toEqual([row(THREE, 'a', metrics)])
    })

    it('has rows when the commit resolves, many commits and hours', async () => {
      for (let version = 1; version <= 5; version++) {
        const rows = [0, 1, 2].map((index) =>
          row(THREE + version * HOUR + index, `${version}-${index}`, { n: index }),
        )
        await subject.devices.commit(commit('dev-1', version, { rows }))
        expect(await subject.telemetry.count('dev-1')).toBe(version * 3)
      }
      expect(await subject.telemetry.count('')).toBe(15)
    })

    it('has rows of more hours in one commit than a store writes at once', async () => {
      const text = 'x'.repeat(200)
      for (const version of [1, 2]) {
        const rows = Array.from({ length: 150 }, (_, hour) =>
          row(THREE + hour * HOUR + version, `${version}-${hour}`, { text }),
        )
        await subject.devices.commit(commit('dev-1', version, { rows }))
        expect(await subject.telemetry.count('dev-1')).toBe(version * 150)
      }
      const found = await subject.telemetry.range('dev-1', ALL)
      expect(new Set(found.map(({ messageId }) => messageId)).size).toBe(300)
    })

    it.each([
      { title: 'from is in, to is out', from: THREE, to: THREE + 2, ids: ['b', 'c'] },
      { title: 'an empty span', from: THREE, to: THREE, ids: [] },
      { title: 'a span the wrong way round', from: THREE + 2, to: THREE, ids: [] },
      { title: 'across hours', from: THREE - 1, to: THREE + HOUR, ids: ['a', 'b', 'c', 'd'] },
      { title: 'all', from: 0, to: 8.64e15, ids: ['a', 'b', 'c', 'd', 'e'] },
    ])('range: $title', async ({ from, to, ids }) => {
      const rows = [
        row(THREE + HOUR, 'e'),
        row(THREE + 1, 'c'),
        row(THREE - 1, 'a'),
        row(THREE, 'b'),
        row(THREE + 2, 'd'),
      ]
      // Two commits, neither in the order of time.
      await subject.devices.commit(commit('dev-1', 1, { rows: rows.slice(0, 2) }))
      await subject.devices.commit(commit('dev-1', 2, { rows: rows.slice(2) }))
      await subject.devices.commit(commit('dev-2', 1, { rows: [row(THREE, 'foreign')] }))
      const idsOf = async (descending: boolean, limit: number) => {
        const found = await subject.telemetry.range('dev-1', { from, to, limit, descending })
        return found.map(({ messageId }) => messageId)
      }
      expect(await idsOf(false, 1_000)).toEqual(ids)
      expect(await idsOf(true, 1_000)).toEqual(ids.toReversed())
      for (const limit of [0, 1, 2, 3]) {
        expect(await idsOf(false, limit)).toEqual(ids.slice(0, limit))
        expect(await idsOf(true, limit)).toEqual(ids.toReversed().slice(0, limit))
      }
    })

    it('takes two rows of one time for two, and one of two times for two', async () => {
      const rows = [row(THREE, 'a'), row(THREE, 'b'), row(THREE + 1, 'a')]
      await subject.devices.commit(commit('dev-1', 1, { rows }))
      expect(await subject.telemetry.count('dev-1')).toBe(3)
      expect(await subject.telemetry.range('dev-1', ALL)).toHaveLength(3)
    })

    it('takes a row that stands twice in a commit for one', async () => {
      const rows = [row(THREE, 'a', { n: 1 }), row(THREE, 'b'), row(THREE, 'a', { n: 1 })]
      await subject.devices.commit(commit('dev-1', 1, { rows }))
      expect(await subject.telemetry.count('dev-1')).toBe(2)
      expect(await subject.telemetry.range('dev-1', ALL)).toHaveLength(2)
    })

    it('takes a row for one that a lost attempt brought before', async () => {
      const rows = [row(THREE, 'a', { n: 1 })]
      await subject.devices.commit(commit('dev-1', 1))
      await expect(subject.devices.commit(commit('dev-1', 1, { rows }))).rejects.toMatchObject({
        code: 'store.conflict',
      })
      await subject.devices.commit(commit('dev-1', 2, { rows }))
      expect(await subject.telemetry.range('dev-1', ALL)).toEqual(rows)
      expect(await subject.telemetry.count('dev-1')).toBe(1)
    })

    it('knows those of the rows that are stored, by time and id together', async () => {
      const stored = [row(THREE, 'a'), row(THREE, 'b'), row(THREE - 5 * HOUR, 'c')]
      await subject.devices.commit(commit('dev-1', 1, { rows: stored }))
      await subject.devices.commit(commit('dev-2', 1, { rows: [row(THREE, 'foreign')] }))
      const asked = [
        ...stored,
        row(THREE + 1, 'a'),
        row(THREE - 5 * HOUR, 'a'),
        row(THREE, 'new'),
        row(THREE, 'foreign'),
      ]
      expect(await subject.telemetry.known('dev-1', asked.slice(3))).toEqual(new Set())
      expect(await subject.telemetry.known('dev-1', asked.slice(0, 2))).toEqual(new Set(['a', 'b']))
      expect(await subject.telemetry.known('dev-1', asked.slice(1))).toEqual(new Set(['b', 'c']))
    })

    it('keeps rows before 1970 and the first of that year', async () => {
      const rows = [row(-5, 'before'), row(0, 'first')]
      await subject.devices.commit(commit('dev-1', 1, { rows }))
      expect(await subject.telemetry.range('dev-1', { ...ALL, from: -HOUR })).toEqual(rows)
      expect(await subject.telemetry.known('dev-1', rows)).toEqual(new Set(['before', 'first']))
    })

    it('draws several metrics of several devices together in buckets', async () => {
      const rows = Array.from({ length: 12 }, (_, n) =>
        row(THREE + n * 20 * MINUTE, `m${n}`, {
          temp: n / 10,
          ...(n % 2 === 0 ? { on: n % 4 === 0 } : { state: `s${n}` }),
        }),
      )
      // Not in the order of time, and what is late lies between the others.
      await subject.devices.commit(commit('dev-1', 1, { rows: rows.slice(6) }))
      await subject.devices.commit(commit('dev-1', 2, { rows: rows.slice(0, 6).toReversed() }))
      const twins = [row(THREE, 'b', { temp: 2 }), row(THREE, 'a', { temp: 1 })]
      await subject.devices.commit(commit('dev-2', 1, { rows: twins }))
      await subject.devices.commit(commit('dev-3', 1, { rows: [row(THREE, 'a', { temp: 9 })] }))
      const stored = new Map([
        ['dev-1', rows],
        ['dev-2', twins],
      ])
      const query: SeriesQuery = {
        deviceIds: ['dev-2', 'nobody', 'dev-1', 'dev-2'],
        from: THREE,
        to: THREE + 11 * 20 * MINUTE,
        bucketMs: 50 * MINUTE,
        aggregates: AGGREGATES,
        maxPoints: 100,
      }
      const queries: SeriesQuery[] = [
        query,
        { ...query, metrics: ['state', 'temp', 'none'], aggregates: ['avg'] },
        { ...query, from: THREE + 1, bucketMs: 1, aggregates: ['first', 'last'] },
        { ...query, to: THREE },
        { ...query, deviceIds: [] },
      ]
      for (const asked of queries)
        expect(await readSeries(subject.telemetry, asked)).toEqual(
          naiveSeries((deviceId) => stored.get(deviceId) ?? [], asked),
        )
    })

    it('gives no more points than were asked for', async () => {
      const rows = Array.from({ length: 5 }, (_, n) => row(THREE + n, `m${n}`, { a: n, b: n }))
      await subject.devices.commit(commit('dev-1', 1, { rows }))
      const query: SeriesQuery = {
        deviceIds: ['dev-1'],
        from: 0,
        to: 8.64e15,
        bucketMs: 1,
        aggregates: ['count'],
        maxPoints: 10,
      }
      const found = await readSeries(subject.telemetry, query)
      expect(found.map(({ points }) => points.length)).toEqual([5, 5])
      await expect(readSeries(subject.telemetry, { ...query, maxPoints: 9 })).rejects.toMatchObject(
        { code: 'input.too_large' },
      )
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await subject.devices.commit(commit('dev-1', 1, { rows: [row(THREE, 'a')] }))
      await subject.takeAway()
      const away = { code: 'store.unavailable', retryable: true }
      await expect(subject.telemetry.known('dev-1', [row(THREE, 'a')])).rejects.toMatchObject(away)
      await expect(subject.telemetry.range('dev-1', ALL)).rejects.toMatchObject(away)
      const query = { deviceIds: ['dev-1'], from: 0, to: 1, bucketMs: 1, maxPoints: 1 } as const
      await expect(
        readSeries(subject.telemetry, { ...query, aggregates: ['avg'] }),
      ).rejects.toMatchObject(away)
      await expect(subject.telemetry.count('dev-1')).rejects.toMatchObject(away)
      await expect(subject.telemetry.count('')).rejects.toMatchObject(away)
    })
  })
}
