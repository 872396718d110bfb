import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDeadLetters } from '../../../adapters/gcp/dead-letters.ts'
import { createDeviceStore, recordPath } from '../../../adapters/gcp/device-store.ts'
import type { Firestore } from '../../../adapters/gcp/firestore.ts'
import { createHotTails } from '../../../adapters/gcp/hot-tails.ts'
import { createTelemetryStore } from '../../../adapters/gcp/telemetry-store.ts'
import type { DeadLetter, TelemetryRow } from '../../../core/index.ts'
import { commit, row } from '../../contract/subject.ts'
import { describeWithEmulators, type Emulator, startFirestore } from './emulators.ts'
import { openProject, type Project } from './fresh-project.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 31, 15)

describeWithEmulators('Google: documents of Firestore', () => {
  let firestore: Emulator
  beforeAll(async () => {
    firestore = await startFirestore()
  }, 120_000)
  afterAll(() => firestore?.stop())

  let opened: Project[] = []
  afterEach(async () => {
    for (const cloud of opened) await cloud.close()
    opened = []
  })

  function open(wrap: (store: Firestore) => Firestore = (store) => store) {
    const cloud = openProject({ firestore })
    opened.push(cloud)
    const store = wrap(cloud.firestore)
    const tails = createHotTails(100)
    let nonce = 0
    return {
      cloud,
      devices: createDeviceStore({
        firestore: store,
        tails,
        archive: async () => undefined,
        now: () => START,
        retentionMs: DAY,
        newId: () => `n${++nonce}`,
      }),
      telemetry: createTelemetryStore({ firestore: store, tails }),
    }
  }

  /** Rows of about a hundred characters. */
  const rowsOf = (count: number, at: (index: number) => number): readonly TelemetryRow[] =>
    Array.from({ length: count }, (_, index) =>
      row(at(index), `m-${index}`.padEnd(40, 'x'), { temp: index / 8, text: 'y'.repeat(20) }),
    )

  const ids = (rows: readonly TelemetryRow[]) => rows.map(({ messageId }) => messageId)

  describe('a device with more rows than its record holds', () => {
    it.each([
      {
        title: 'in the order of time, over four days',
        at: (n: number) => START + (n * 4 * DAY) / 5_000,
      },
      {
        title: 'in no order, over four days',
        at: (n: number) => START + ((n * 7_919) % 5_000) * 60_000,
      },
      { title: 'all within one minute', at: (n: number) => START + (n % 60) * 1_000 },
      { title: 'all of one time', at: () => START },
    ])(
      'keeps and finds them all, $title',
      async ({ at }) => {
        const { devices, telemetry, cloud } = open()
        const rows = rowsOf(5_000, at)
        for (let version = 1; version <= 50; version++) {
          const some = rows.slice((version - 1) * 100, version * 100)
          await devices.commit(commit('dev-1', version, { rows: some }))
        }
        expect(await telemetry.count('dev-1')).toBe(5_000)
        const documents = await cloud.firestore.count(recordPath('dev-1'), 'rows')
        expect(documents).toBeGreaterThan(8)
        expect(documents).toBeLessThan(60)
        const from = START + DAY / 2
        const to = START + 3 * DAY
        for (const span of [
          { from: 0, to: 8e15 },
          { from, to },
          { from: START, to: START + 1 },
        ]) {
          for (const limit of [1, 7, 400, 10_000]) {
            for (const descending of [false, true]) {
              const inSpan = rows.filter((one) => one.at >= span.from && one.at < span.to)
              const times = inSpan.map((one) => one.at).toSorted((a, b) => a - b)
              const wanted = (descending ? times.toReversed() : times).slice(0, limit)
              const found = await telemetry.range('dev-1', { ...span, limit, descending })
              expect(found.map((one) => one.at)).toEqual(wanted)
              expect(new Set(ids(found)).size).toBe(found.length)
            }
          }
        }
        const some = [rows[0], rows[2_500], rows[4_999]].filter((one) => one !== undefined)
        const unknown = [row(START + 5, 'nobody'), row(START - DAY, 'm-0')]
        expect(await telemetry.known('dev-1', [...some, ...unknown])).toEqual(new Set(ids(some)))
      },
      60_000,
    )

    it('takes a batch that no tail could hold', async () => {
      const { devices, telemetry } = open()
      const rows = rowsOf(8_000, (index) => START + index)
      await devices.commit(commit('dev-1', 1, { rows }))
      await devices.commit(commit('dev-1', 2, { rows: [row(START + 9_000, 'last')] }))
      expect(await telemetry.count('dev-1')).toBe(8_001)
      const found = await telemetry.range('dev-1', {
        from: 0,
        to: 8e15,
        limit: 10_000,
        descending: false,
      })
      expect(ids(found)).toEqual([...ids(rows), 'last'])
    })

    it('reads few documents for its newest rows', async () => {
      let read = 0
      const { devices, telemetry } = open((store) => ({
        ...store,
        async query(query) {
          const found = await store.query(query)
          read += found.length
          return found
        },
      }))
      for (let version = 1; version <= 60; version++) {
        const rows = rowsOf(100, (index) => START + version * 100_000 + index * 1_000)
        const named = rows.map((one) => ({ ...one, messageId: `${version}-${one.messageId}` }))
        await devices.commit(commit('dev-1', version, { rows: named }))
      }
      const found = await telemetry.range('dev-1', {
        from: 0,
        to: 8e15,
        limit: 10,
        descending: true,
      })
      expect(found[0]?.at).toBe(START + 60 * 100_000 + 99_000)
      expect(read).toBeLessThanOrEqual(8)
    })
  })

  it('a commit whose answer was lost, and that was sent again, is one', async () => {
    const { devices, telemetry } = open((store) => ({
      ...store,
      async commit(writes) {
        await store.commit(writes)
        return store.commit(writes)
      },
    }))
    await devices.commit(commit('dev-1', 1, { rows: [row(START, 'a')] }))
    await devices.commit(commit('dev-1', 2, { rows: [row(START, 'b')] }))
    expect((await devices.load('dev-1'))?.version).toBe(2)
    expect(await telemetry.count('dev-1')).toBe(2)
  })

  it('loads of one turn share a request', async () => {
    let asked = 0
    const { devices } = open((store) => ({
      ...store,
      get(paths) {
        asked++
        return store.get(paths)
      },
    }))
    for (const id of ['a', 'b']) await devices.commit(commit(id, 1))
    asked = 0
    const loaded = await Promise.all(['a', 'b', 'a', 'c'].map((id) => devices.load(id)))
    expect(loaded.map((one) => one?.deviceId)).toEqual(['a', 'b', 'a', undefined])
    expect(asked).toBe(1)
  })

  it('a dead letter of ten megabytes has every byte', async () => {
    const cloud = openProject({ firestore })
    opened.push(cloud)
    const deadLetters = createDeadLetters({
      firestore: cloud.firestore,
      now: Date.now,
      retentionMs: DAY,
    })
    const payload = Uint8Array.from({ length: 10_000_000 }, (_, index) => (index * 31) % 251)
    const letter: DeadLetter = {
      id: 'l-1',
      at: START,
      topic: 't',
      source: 'pubsub',
      contentType: '',
      payload,
      payloadBytes: payload.length,
      receivedAt: START,
      code: 'uplink.too_large',
      reason: 'x',
    }
    await deadLetters.put(letter)
    const found = await deadLetters.get('l-1')
    expect(Buffer.from(found?.payload ?? []).equals(payload)).toBe(true)
    expect((await deadLetters.list('', 5)).map(({ id }) => id)).toEqual(['l-1'])
    await deadLetters.remove('l-1')
    expect(await deadLetters.get('l-1')).toBeUndefined()
    expect(await cloud.firestore.count('deadLetters/kl-1', 'parts')).toBe(0)
  }, 60_000)
})
