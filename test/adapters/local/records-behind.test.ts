import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDeviceStore } from '../../../adapters/local/device-store.ts'
import { type Database, openDatabase } from '../../../adapters/local/sqlite/database.ts'
import { createTelemetryStore } from '../../../adapters/local/telemetry-store.ts'
import {
  type Commit,
  CoreError,
  type DeviceRecord,
  MAX_RECORD_CHARS,
  replayMeasured,
} from '../../../core/index.ts'
import { commit, row, THREE } from '../../contract/subject.ts'

const ALL = { from: 0, to: 8.64e15, limit: 100_000, descending: false }
/** As in the worker: past so many rows the hot telemetry is sealed. */
const HOT_ROWS = 8_192

let folder: string
let database: Database
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'anyhub-'))
  await open()
})
afterEach(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

async function open(): Promise<void> {
  database = await openDatabase({ path: join(folder, 'anyhub.db'), durability: 'normal' })
}

/** As a process that ends at once leaves it: what was committed is there, what waits in memory is not. */
async function reopen(): Promise<void> {
  await database.close()
  await open()
}

function openStore(over: Database = database) {
  return createDeviceStore({
    database: over,
    clock: { now: () => THREE },
    cacheSize: 10_000,
    onCommit: () => undefined,
  })
}

/** The commit that measures one more value. */
function measure(before: DeviceRecord, value: number | string = before.version): Commit {
  const at = THREE + before.version
  const rows = [row(at, `m-${before.version}`, { value, [`odd ${before.version % 3}`]: true })]
  const measured = { seenAt: at + 5, newestAt: at, reportedAt: Math.floor(at / 1_000) }
  const record = replayMeasured(before, rows, measured)
  return { record, expectedVersion: before.version, rows, cold: [], commands: [], measured }
}

async function storedVersion(deviceId: string): Promise<number> {
  const [found] = await database.read('deviceGet', deviceId)
  const stored: DeviceRecord = JSON.parse(String(found?.['record']))
  return stored.version
}

async function hotRows(): Promise<number> {
  const [found] = await database.read('telemetryHot')
  return Number(found?.['rows'])
}

/** A first commit and so many that only measure. Gives the newest record. */
async function run(store: ReturnType<typeof openStore>, deviceId: string, commits: number) {
  const first = commit(deviceId, 1)
  await store.commit(first)
  let record = first.record
  for (let count = 0; count < commits; count++) {
    const next = measure(record)
    await store.commit(next)
    record = next.record
  }
  return record
}

describe('records that are behind their rows', () => {
  it('are not written with each commit, and are the same after the process ended at once', async () => {
    const store = openStore()
    const newest = await run(store, 'dev-1', 7)
    const other = await run(store, 'dev-2', 0)
    expect(await storedVersion('dev-1')).toBe(1)
    expect(await store.load('dev-1')).toEqual(newest)
    expect(await store.list('', 10)).toEqual([newest, other])

    await reopen()
    expect(await storedVersion('dev-1')).toBe(1)
    expect(await openStore().list('', 10)).toEqual([newest, other])
    expect(await openStore().load('dev-1')).toEqual(newest)
    expect(await createTelemetryStore(database).range('dev-1', ALL)).toHaveLength(7)
  })

  it('catch up when they are told to, and by themselves after a while', async () => {
    const store = openStore()
    const newest = await run(store, 'dev-1', 3)
    await store.catchUp()
    expect(await storedVersion('dev-1')).toBe(newest.version)
    await store.commit(measure(newest))
    await new Promise((resolve) => setTimeout(resolve, 1_300))
    expect(await storedVersion('dev-1')).toBe(newest.version + 1)
    expect(await database.read('deviceStale')).toEqual([])
  })

  it('are found again by the next process, which goes on from there', async () => {
    const newest = await run(openStore(), 'dev-1', 3)
    await reopen()
    const store = openStore()
    await store.recover()
    const next = measure(newest)
    await store.commit(next)
    await store.close()
    expect(await storedVersion('dev-1')).toBe(next.record.version)
    await reopen()
    expect(await openStore().load('dev-1')).toEqual(next.record)
  })

  it('are written whole by a commit that did more than measure', async () => {
    const store = openStore()
    const newest = await run(store, 'dev-1', 3)
    const { measured: _, ...whole } = measure(newest)
    await store.commit(whole)
    expect(await storedVersion('dev-1')).toBe(whole.record.version)
    await reopen()
    expect(await openStore().load('dev-1')).toEqual(whole.record)
  })

  it('are as they were after a commit that failed', async () => {
    let broken = false
    const store = openStore({
      ...database,
      write: (operations) =>
        broken
          ? Promise.reject(new CoreError('store.unavailable', 'disk full'))
          : database.write(operations),
    })
    const newest = await run(store, 'dev-1', 3)
    broken = true
    await expect(store.commit(measure(newest, 'lost'))).rejects.toThrow('disk full')
    broken = false
    expect(await store.load('dev-1')).toEqual(newest)
    const next = measure(newest)
    await store.commit(next)
    await reopen()
    expect(await openStore().load('dev-1')).toEqual(next.record)
  })

  it('keep no rows back: these are sealed, and nothing is lost of either', async () => {
    const store = openStore()
    const devices = 64
    const each = Math.ceil((HOT_ROWS * 2.5) / devices)
    const newest = await Promise.all(
      Array.from({ length: devices }, (_, index) => run(store, `dev-${index}`, each)),
    )
    expect(await hotRows()).toBeLessThan(2 * HOT_ROWS)
    const telemetry = createTelemetryStore(database)
    expect(await telemetry.count('')).toBe(devices * each)
    await reopen()
    const reopened = openStore()
    for (const record of newest) expect(await reopened.load(record.deviceId)).toEqual(record)
    const rows = await createTelemetryStore(database).range('dev-3', ALL)
    expect(rows.map(({ metrics }) => metrics['value'])).toEqual(
      Array.from({ length: each }, (_, index) => index + 1),
    )
  })

  it('do not grow past what a record may be', async () => {
    const store = openStore()
    let { record } = commit('dev-1', 1)
    await store.commit(commit('dev-1', 1))
    const text = 'x'.repeat(MAX_RECORD_CHARS / 30)
    const refused = await (async () => {
      for (let count = 0; count < 40; count++) {
        const at = THREE + count
        const rows = [row(at, `m-${count}`, { [`value-${count}`]: text })]
        const measured = { seenAt: at, newestAt: at, reportedAt: 1 }
        const next = replayMeasured(record, rows, measured)
        try {
          await store.commit({
            record: next,
            expectedVersion: record.version,
            rows,
            cold: [],
            commands: [],
            measured,
          })
        } catch (error) {
          return error
        }
        record = next
      }
      return undefined
    })()
    expect(refused).toMatchObject({ code: 'device.record_too_large' })
    expect(JSON.stringify(record).length).toBeLessThanOrEqual(MAX_RECORD_CHARS)
    expect(JSON.stringify(record).length).toBeGreaterThan(MAX_RECORD_CHARS * 0.9)
  })
})
