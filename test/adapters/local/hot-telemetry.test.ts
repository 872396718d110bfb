import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../../adapters/local/sqlite/database.ts'
import type { Operation } from '../../../adapters/local/sqlite/protocol.ts'
import {
  createTelemetryStore,
  dropOperations,
  rowOperations,
} from '../../../adapters/local/telemetry-store.ts'
import { newDeviceRecord, type TelemetryRow } from '../../../core/index.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** As in the worker: past so many rows the hot telemetry is sealed. */
const HOT_ROWS = 8_192
const ALL = { from: 0, to: 8.64e15, limit: 100_000, descending: false }

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

/** What a commit of that version writes besides its record. */
function put(
  deviceId: string,
  version: number,
  rows: readonly TelemetryRow[],
  now = DAY,
): Operation[] {
  const record = { ...newDeviceRecord(deviceId, 0), version }
  return rowOperations({ record, expectedVersion: version - 1, rows, cold: [], commands: [] }, now)
}

function row(at: number, messageId: string, text = 'x'): TelemetryRow {
  return { at, messageId, metrics: { n: at, text } }
}

async function hotRows(): Promise<number> {
  const [found] = await database.read('telemetryHot')
  return Number(found?.['rows'])
}

/** Fills the hot telemetry with rows of devices that nobody asks for. */
async function fill(count: number, firstVersion = 1): Promise<void> {
  const operations: Operation[] = []
  for (let index = 0; index < count; index++)
    operations.push(...put('filler', firstVersion + index, [row(index, `f-${index}`)]))
  await database.write(operations)
}

describe('hot telemetry', () => {
  it('is read like any other, before it is sealed and after', async () => {
    const telemetry = createTelemetryStore(database)
    const rows = [row(5, 'a', '],['), row(HOUR + 1, 'b', '"],'), row(HOUR, 'c')]
    await database.write([...put('dev-1', 1, rows.slice(0, 2)), ...put('dev-2', 1, [row(5, 'a')])])
    await database.write(put('dev-1', 2, rows.slice(2)))
    const look = async () => ({
      all: await telemetry.range('dev-1', ALL),
      newest: await telemetry.range('dev-1', { ...ALL, descending: true, limit: 2 }),
      known: await telemetry.known('dev-1', [row(5, 'a'), row(HOUR, 'c'), row(6, 'a')]),
      counts: [await telemetry.count('dev-1'), await telemetry.count('dev-2')],
    })
    const hot = await look()
    expect(hot.all).toEqual([rows[0], rows[2], rows[1]])
    expect(hot.newest).toEqual([rows[1], rows[2]])
    expect(hot.known).toEqual(new Set(['a', 'c']))
    expect(hot.counts).toEqual([3, 1])
    expect(await hotRows()).toBe(4)

    await fill(HOT_ROWS)
    expect(await hotRows()).toBe(0)
    expect(await look()).toEqual(hot)
    expect(await telemetry.count('')).toBe(4 + HOT_ROWS)

    await database.write(put('dev-1', 3, [row(6, 'd')]))
    expect(await hotRows()).toBe(1)
    expect(await telemetry.range('dev-1', ALL)).toEqual([rows[0], row(6, 'd'), rows[2], rows[1]])
    expect(await telemetry.count('dev-1')).toBe(4)
  })

  it('is sealed when its texts are large, however few', async () => {
    const telemetry = createTelemetryStore(database)
    const large = 'x'.repeat(100_000)
    for (let version = 1; version <= 45; version++)
      await database.write(put('dev-1', version, [row(version, 'a', large)]))
    expect(await hotRows()).toBeLessThan(45)
    expect(await telemetry.count('dev-1')).toBe(45)
    expect(await telemetry.range('dev-1', ALL)).toHaveLength(45)
  })

  it('counts what an earlier process left', async () => {
    await fill(HOT_ROWS - 10)
    expect(await hotRows()).toBe(HOT_ROWS - 10)
    await database.close()
    await open()
    expect(await hotRows()).toBe(HOT_ROWS - 10)
    await fill(10, HOT_ROWS)
    expect(await hotRows()).toBe(0)
    expect(await createTelemetryStore(database).count('filler')).toBe(HOT_ROWS)
  })

  it('takes a commit for one that is written twice', async () => {
    const telemetry = createTelemetryStore(database)
    await database.write(put('dev-1', 1, [row(5, 'a')]))
    await database.write(put('dev-1', 1, [row(5, 'a')]))
    expect(await telemetry.count('dev-1')).toBe(1)
    expect(await telemetry.range('dev-1', ALL)).toEqual([row(5, 'a')])
  })

  it('forgets what was stored before a day, hot or sealed', async () => {
    const telemetry = createTelemetryStore(database)
    await database.write(put('dev-1', 1, [row(5, 'old, sealed')], 2 * DAY))
    await fill(HOT_ROWS)
    await database.write(put('dev-1', 2, [row(6, 'old, hot')], 2 * DAY))
    await database.write(put('dev-1', 3, [row(2 * HOUR, 'new')], 3 * DAY))
    await database.write(dropOperations(3))
    expect(await telemetry.range('dev-1', ALL)).toEqual([row(2 * HOUR, 'new')])
    expect(await telemetry.count('')).toBe(1)
    expect(await hotRows()).toBe(0)
  })
})
