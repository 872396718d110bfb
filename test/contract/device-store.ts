import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Commit, type DeviceRecord, MAX_RECORD_CHARS } from '../../core/index.ts'
import { commit, record, row, type StoreSubject, THREE } from './subject.ts'

const RICH: Partial<DeviceRecord> = {
  presence: { connected: true, changedAt: THREE, seenAt: THREE + 1 },
  accepted: 7,
  newestAt: THREE,
  last: {
    temp: { value: 21.5, at: THREE },
    on: { value: false, at: THREE },
    'göteborg.名前': { value: 'a "quoted" \\ text\n\u0000\u{1F600}', at: THREE },
    constructor: { value: 1e-9, at: 0 },
  },
  recentIds: ['a', 'b'],
  shadows: {
    '': {
      desired: { led: 'on', deep: { list: [1, null, { a: [] }] } },
      metadata: { desired: { led: { timestamp: 1 } } },
      version: 3,
      desiredVersion: 2,
      reportedVersion: 1,
      updatedAt: 1,
    },
  },
  alarms: {
    hot: { status: 'pending', severity: 'critical', since: 1, dueAt: 2, text: 'x', judgedAt: 1 },
  },
  outbox: [
    {
      key: 'k',
      effect: {
        kind: 'publish',
        topic: 't',
        payload: '{}',
        encoding: 'utf8',
        qos: 1,
        retain: false,
      },
      at: 5,
      attempts: 2,
    },
  ],
  dueAt: 2,
}

/** What every DeviceStore must do. Run once per cloud by test/adapters/<cloud>. */
export function deviceStoreContract(name: string, open: () => Promise<StoreSubject>): void {
  describe(`${name}: DeviceStore contract`, () => {
    let subject: StoreSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it('says undefined for a device that it does not have', async () => {
      expect(await subject.devices.load('nobody')).toBeUndefined()
      expect(await subject.devices.load('nobody')).toBeUndefined()
    })

    it('gives back what was committed, every value of it', async () => {
      await subject.devices.commit(commit('dev-1', 1, RICH))
      expect(await subject.devices.load('dev-1')).toEqual(record('dev-1', 1, RICH))
    })

    it.each(['a', 'A', 'x:y', 'x_y', 'x.y', '-', '__proto__', 'constructor', 'z'.repeat(128)])(
      'takes %s for a device of its own',
      async (deviceId) => {
        await subject.devices.commit(commit('other', 1, { accepted: 1 }))
        await subject.devices.commit(commit(deviceId, 1, { accepted: 2, rows: [row(1, 'm')] }))
        expect((await subject.devices.load('other'))?.accepted).toBe(1)
        expect((await subject.devices.load(deviceId))?.accepted).toBe(2)
        expect(await subject.telemetry.count(deviceId)).toBe(1)
      },
    )

    it('replaces a record by the next version', async () => {
      await subject.devices.commit(commit('dev-1', 1, RICH))
      await subject.devices.commit(commit('dev-1', 2, { accepted: 8 }))
      expect(await subject.devices.load('dev-1')).toEqual(record('dev-1', 2, { accepted: 8 }))
    })

    it.each([
      { title: 'a first record where there is one', stored: 1, version: 1 },
      { title: 'an old version', stored: 3, version: 3 },
      { title: 'a version too far ahead', stored: 1, version: 3 },
      { title: 'a later version where there is none', stored: 0, version: 2 },
    ])('refuses $title and leaves all as it was', async ({ stored, version }) => {
      for (let next = 1; next <= stored; next++) {
        await subject.devices.commit(commit('dev-1', next, { accepted: next }))
      }
      const before = await subject.devices.load('dev-1')
      const late = commit('dev-1', version, {
        accepted: 99,
        rows: [row(THREE, 'lost')],
        cold: [coldRow('lost')],
        dueAt: 1,
      })
      await expect(subject.devices.commit(late)).rejects.toMatchObject({
        code: 'store.conflict',
        retryable: true,
      })
      expect(await subject.devices.load('dev-1')).toEqual(before)
      expect(await subject.telemetry.known('dev-1', [row(THREE, 'lost')])).toEqual(new Set())
      expect(await subject.devices.due(THREE, 10)).toEqual([])
    })

    it('lets exactly one of many racing writers win, at the first version and at the next', async () => {
      for (const version of [1, 2]) {
        const writers = Array.from({ length: 8 }, (_, writer): Commit => {
          return commit('dev-1', version, {
            accepted: writer,
            rows: [row(THREE, `${version}-${writer}`)],
          })
        })
        const results = await Promise.allSettled(writers.map((one) => subject.devices.commit(one)))
        const winners = results.flatMap(({ status }, writer) =>
          status === 'fulfilled' ? [writer] : [],
        )
        expect(winners).toHaveLength(1)
        for (const result of results) {
          if (result.status === 'rejected')
            expect(result.reason).toMatchObject({ code: 'store.conflict', retryable: true })
        }
        expect((await subject.devices.load('dev-1'))?.accepted).toBe(winners[0])
        const known = await subject.telemetry.known(
          'dev-1',
          writers.flatMap(({ rows }) => rows),
        )
        expect(known).toEqual(new Set([`${version}-${winners[0]}`]))
      }
    })

    it('keeps devices apart when many are written at once', async () => {
      const ids = Array.from({ length: 50 }, (_, index) => `dev-${index}`)
      await Promise.all(
        ids.map((id, index) =>
          subject.devices.commit(commit(id, 1, { accepted: index, rows: [row(index, id)] })),
        ),
      )
      for (const [index, id] of ids.entries()) {
        expect((await subject.devices.load(id))?.accepted).toBe(index)
      }
      expect(await subject.telemetry.count('')).toBe(50)
    })

    it('refuses a record over the limit and leaves all as it was', async () => {
      await subject.devices.commit(commit('dev-1', 1, { accepted: 1 }))
      const large = commit('dev-1', 2, {
        last: { text: { value: 'x'.repeat(MAX_RECORD_CHARS), at: 1 } },
        rows: [row(THREE, 'lost')],
      })
      await expect(subject.devices.commit(large)).rejects.toMatchObject({
        code: 'device.record_too_large',
        retryable: false,
      })
      expect((await subject.devices.load('dev-1'))?.version).toBe(1)
      expect(await subject.telemetry.known('dev-1', [row(THREE, 'lost')])).toEqual(new Set())
      await subject.devices.commit(commit('dev-1', 2, { accepted: 2 }))
      expect((await subject.devices.load('dev-1'))?.accepted).toBe(2)
    })

    it('takes a record that just fits', async () => {
      const fixed = JSON.stringify(record('dev-1', 1, { recentIds: [''] })).length
      const full = { recentIds: ['x'.repeat(MAX_RECORD_CHARS - fixed)] }
      await subject.devices.commit(commit('dev-1', 1, full))
      expect(await subject.devices.load('dev-1')).toEqual(record('dev-1', 1, full))
    })

    describe('due', () => {
      it('names devices whose time has come, the longest due first, no more than asked for', async () => {
        for (const [deviceId, dueAt] of [
          ['later', 400],
          ['never', 0],
          ['second', 200],
          ['first', 100],
          ['third', 300],
        ] as const) {
          await subject.devices.commit(commit(deviceId, 1, { dueAt }))
        }
        expect(await subject.devices.due(300, 10)).toEqual(['first', 'second', 'third'])
        expect(await subject.devices.due(299, 10)).toEqual(['first', 'second'])
        expect(await subject.devices.due(400, 2)).toEqual(['first', 'second'])
        expect(await subject.devices.due(99, 10)).toEqual([])
        expect(await subject.devices.due(400, 0)).toEqual([])
      })

      it('names records by their own ids, whatever is in them', async () => {
        const ids = ['urn:dev:a_1', '$inbox/watch/%40ann', '$window/means/%7B"a"%3A1%7D']
        for (const [index, deviceId] of ids.entries()) {
          await subject.devices.commit(commit(deviceId, 1, { dueAt: 100 + index }))
        }
        expect(await subject.devices.due(300, 10)).toEqual(ids)
      })

      it('goes by the newest record of a device', async () => {
        await subject.devices.commit(commit('dev-1', 1, { dueAt: 100 }))
        await subject.devices.commit(commit('dev-1', 2, { dueAt: 500 }))
        expect(await subject.devices.due(499, 10)).toEqual([])
        await subject.devices.commit(commit('dev-1', 3, { dueAt: 0 }))
        expect(await subject.devices.due(Number.MAX_SAFE_INTEGER, 10)).toEqual([])
      })
    })

    describe('list', () => {
      it('gives records in the order of their ids, page by page', async () => {
        const ids = ['b', 'a', 'c', 'a-1', 'A', 'b1', '9'].map((id) => `dev-${id}`)
        for (const id of ids) await subject.devices.commit(commit(id, 1))
        const inOrder = ids.toSorted()
        expect((await subject.devices.list('', 100)).map(({ deviceId }) => deviceId)).toEqual(
          inOrder,
        )
        const pages: string[][] = []
        for (let after = ''; ; ) {
          const page = (await subject.devices.list(after, 3)).map(({ deviceId }) => deviceId)
          if (page.length === 0) break
          pages.push(page)
          after = page.at(-1) ?? ''
        }
        expect(pages).toEqual([inOrder.slice(0, 3), inOrder.slice(3, 6), inOrder.slice(6)])
        expect(await subject.devices.list('', 0)).toEqual([])
        expect(await subject.devices.list('zzz', 5)).toEqual([])
      })

      it('gives whole records, the newest', async () => {
        await subject.devices.commit(commit('dev-1', 1))
        await subject.devices.commit(commit('dev-1', 2, RICH))
        expect(await subject.devices.list('', 5)).toEqual([record('dev-1', 2, RICH)])
      })
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await subject.devices.commit(commit('dev-1', 1, { dueAt: 1 }))
      await subject.takeAway()
      const away = { code: 'store.unavailable', retryable: true }
      await expect(subject.devices.load('dev-2')).rejects.toMatchObject(away)
      await expect(subject.devices.commit(commit('dev-1', 2))).rejects.toMatchObject(away)
      await expect(subject.devices.commit(commit('dev-2', 1))).rejects.toMatchObject(away)
      await expect(subject.devices.due(10, 10)).rejects.toMatchObject(away)
      await expect(subject.devices.list('', 10)).rejects.toMatchObject(away)
    })
  })
}

function coldRow(messageId: string) {
  return { deviceId: 'dev-1', at: THREE, receivedAt: THREE, messageId, topic: 't', body: null }
}
