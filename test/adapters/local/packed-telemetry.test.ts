import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../../adapters/local/sqlite/database.ts'
import type { Operation } from '../../../adapters/local/sqlite/protocol.ts'
import {
  createTelemetryStore,
  dropOperations,
  rowOperations,
} from '../../../adapters/local/telemetry-store.ts'
import { newDeviceRecord, type TelemetryRow } from '../../../core/index.ts'
import { packAll } from './pack-all.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const ALL = { from: -DAY, to: 8.64e15, limit: 1_000_000, descending: false }
const OVER = { which: 'over', hour: 1_000, forMs: 1_000 } as const
const OPEN = { which: 'open', hour: 0, forMs: 1_000 } as const

let folder: string
let path: string
let database: Database

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'anyhub-'))
  path = join(folder, 'anyhub.db')
  await open()
})

afterEach(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

async function open(): Promise<void> {
  database = await openDatabase({ path, durability: 'normal' })
}

const versions = new Map<string, number>()
beforeEach(() => versions.clear())

/** Stores rows as one commit does. */
async function put(deviceId: string, rows: readonly TelemetryRow[], now = DAY): Promise<void> {
  const version = (versions.get(deviceId) ?? 0) + 1
  versions.set(deviceId, version)
  const record = { ...newDeviceRecord(deviceId, 0), version }
  const commit = { record, expectedVersion: version - 1, rows, cold: [], commands: [] }
  await database.write(rowOperations(commit, now))
}

/** Moves what is hot to its devices, as happens by itself when it is much. */
async function moveHot(): Promise<void> {
  const move: Operation[] = [['telemetrySeal'], ['telemetryDropSealed']]
  await database.write(move)
}

function row(at: number, messageId = 'm'): TelemetryRow {
  return { at, messageId, metrics: { n: at, text: `t${at % 3}`, on: at % 2 === 0 } }
}

/** What is in each of the three tables, as it lies on the disk. */
async function tables(): Promise<{ hot: number; groups: number; chunks: number }> {
  await database.close()
  const file = new DatabaseSync(path)
  const count = (table: string) =>
    Number(file.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])
  const found = {
    hot: count('telemetry_hot'),
    groups: count('telemetry'),
    chunks: count('telemetry_chunk'),
  }
  file.close()
  await open()
  return found
}

describe('packed telemetry', () => {
  it('is packed where its hour is over, and not before', async () => {
    await put('a', [row(1), row(HOUR), row(2 * HOUR)])
    await moveHot()
    expect(await database.seal({ ...OVER, hour: 1 })).toBe(false)
    expect(await tables()).toEqual({ hot: 0, groups: 2, chunks: 1 })
    expect(await createTelemetryStore(database).range('a', ALL)).toEqual([
      row(1),
      row(HOUR),
      row(2 * HOUR),
    ])
  })

  it('takes what comes late, and is packed again with it', async () => {
    const telemetry = createTelemetryStore(database)
    await put('a', [row(1, 'x'), row(5, 'y')])
    await packAll(database)
    await put('a', [row(3, 'late')])
    const merged = [row(1, 'x'), row(3, 'late'), row(5, 'y')]
    expect(await telemetry.range('a', ALL)).toEqual(merged)
    expect(await telemetry.known('a', [row(3, 'late'), row(5, 'y'), row(5, 'z')])).toEqual(
      new Set(['late', 'y']),
    )
    expect(await telemetry.count('a')).toBe(3)
    await moveHot()
    expect(await telemetry.range('a', ALL)).toEqual(merged)
    await packAll(database)
    expect(await telemetry.range('a', ALL)).toEqual(merged)
    expect(await tables()).toEqual({ hot: 0, groups: 0, chunks: 1 })
  })

  it('packs an hour that is not over when there is much of it', async () => {
    for (let n = 0; n < 3; n++) {
      await put('a', [row(n)])
      await moveHot()
    }
    expect(await database.seal(OPEN)).toBe(false)
    expect((await tables()).chunks).toBe(0)
    await put('a', [row(3)])
    await moveHot()
    await database.seal(OPEN)
    expect(await tables()).toEqual({ hot: 0, groups: 0, chunks: 1 })
    expect(await createTelemetryStore(database).count('a')).toBe(4)
  })

  it('leaves an hour that is not over alone while there is much to store', async () => {
    const operations: Operation[] = []
    for (let version = 1; version <= 4 * 8_192; version++) {
      const record = { ...newDeviceRecord('a', 0), version }
      const rows = [row(version)]
      const commit = { record, expectedVersion: version - 1, rows, cold: [], commands: [] }
      operations.push(...rowOperations(commit, DAY))
      if (version % 8_192 === 0) await database.write(operations.splice(0))
    }
    expect(await database.seal(OPEN)).toBe(false)
    expect(await tables()).toEqual({ hot: 0, groups: 4, chunks: 0 })
    // Opened anew, nothing is known of what was before.
    await database.seal(OPEN)
    expect((await tables()).groups).toBeLessThan(4)
    expect(await createTelemetryStore(database).count('a')).toBe(4 * 8_192)
  })

  it('does some of it at a time, and says when there is more', async () => {
    for (let device = 0; device < 200; device++) await put(`d${device}`, [row(device)])
    await moveHot()
    expect(await database.seal({ ...OVER, forMs: 0 })).toBe(true)
    expect((await tables()).chunks).toBe(0)
    let rounds = 0
    while (await database.seal(OVER)) rounds++
    expect(rounds).toBeGreaterThan(1)
    expect(await tables()).toEqual({ hot: 0, groups: 0, chunks: 200 })
  })

  it('makes several chunks of very many rows', async () => {
    for (let part = 0; part < 5; part++) {
      const rows = Array.from({ length: 4_000 }, (_, n) => row(n * 5 + part))
      await put('a', rows)
      await packAll(database)
    }
    expect((await tables()).chunks).toBe(3)
    const rows = await createTelemetryStore(database).range('a', ALL)
    expect(rows.map(({ at }) => at)).toEqual(Array.from({ length: 20_000 }, (_, n) => n))
  })

  it('keeps apart what was stored on different days, and forgets it by the day', async () => {
    await put('a', [row(1)], DAY)
    await packAll(database)
    await put('a', [row(2)], 2 * DAY)
    await packAll(database)
    expect((await tables()).chunks).toBe(2)
    await database.write(dropOperations(2))
    expect(await createTelemetryStore(database).range('a', ALL)).toEqual([row(2)])
    expect(await createTelemetryStore(database).count('')).toBe(1)
    await database.write(dropOperations(3))
    expect(await createTelemetryStore(database).range('a', ALL)).toEqual([])
  })

  it('leaves everything as it was where packing fails, and rows are neither lost nor doubled', async () => {
    await put('a', [row(1)])
    await put('b', [row(2)])
    await moveHot()
    await database.close()
    const file = new DatabaseSync(path)
    file.exec(`CREATE TRIGGER fail BEFORE DELETE ON telemetry WHEN old.device_id = 'b'
      BEGIN SELECT raise(ABORT, 'the disk is full'); END`)
    file.close()
    await open()
    await expect(database.seal(OVER)).rejects.toMatchObject({ code: 'store.unavailable' })
    expect(await tables()).toEqual({ hot: 0, groups: 2, chunks: 0 })
    expect(await createTelemetryStore(database).range('b', ALL)).toEqual([row(2)])
    await database.write([['itemPut', 't', 'k', '1']])
    expect(await createTelemetryStore(database).count('')).toBe(2)
  })

  it('has each row once that was said to be durable, whenever the process was killed', async () => {
    const durable = new Set<string>()
    for (let round = 0; round < 4; round++) {
      await database.close()
      const child = spawn(process.execPath, [
        join(import.meta.dirname, 'pack-until-killed.ts'),
        path,
        String(round * 1_000_000),
      ])
      let printed = ''
      child.stdout.setEncoding('utf8')
      child.stdout.on('data', (text: string) => {
        printed += text
        if (printed.length > 3_000) child.kill('SIGKILL')
      })
      await once(child, 'close')
      for (const id of printed.slice(0, printed.lastIndexOf('\n')).split('\n')) durable.add(id)
      await open()
      const ids = (await createTelemetryStore(database).range('dev-1', ALL)).map(
        ({ messageId }) => messageId,
      )
      expect(new Set(ids).size).toBe(ids.length)
      expect([...durable].filter((id) => !ids.includes(id))).toEqual([])
      // Nothing but what was written: the last commit may be durable before it could be said.
      expect(ids.length - durable.size).toBeLessThanOrEqual((round + 1) * 3)
      expect(await createTelemetryStore(database).count('dev-1')).toBe(ids.length)
    }
    expect(durable.size).toBeGreaterThan(500)
    expect((await tables()).chunks).toBe(1)
  })

  it('is read the same however much of it is packed', async () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.array(fc.integer({ min: -2 * HOUR, max: 3 * HOUR }), { maxLength: 6 }),
      },
      { weight: 1, arbitrary: fc.constantFrom('move', 'pack', 'over', 'open') },
    )
    const query = fc.record({
      from: fc.integer({ min: -2 * HOUR, max: 3 * HOUR }),
      to: fc.integer({ min: -2 * HOUR, max: 3 * HOUR }),
      limit: fc.integer({ min: 0, max: 30 }),
      descending: fc.boolean(),
    })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), query, async (steps, asked) => {
        const deviceId = `device-${run++}`
        const stored: TelemetryRow[] = []
        for (const [number, now] of steps.entries()) {
          if (now === 'move') await moveHot()
          else if (now === 'pack') await packAll(database)
          else if (now === 'over') await database.seal({ ...OVER, hour: 0 })
          else if (now === 'open') await database.seal(OPEN)
          else {
            const rows = now.map((at, index) => row(at, `${number}-${index}`))
            stored.push(...rows)
            await put(deviceId, rows)
          }
        }
        const telemetry = createTelemetryStore(database)
        const wanted = stored
          .filter(({ at }) => at >= asked.from && at < asked.to)
          .sort((a, b) => a.at - b.at || (a.messageId < b.messageId ? -1 : 1))
        if (asked.descending) wanted.reverse()
        expect(await telemetry.range(deviceId, asked)).toEqual(wanted.slice(0, asked.limit))
        expect(await telemetry.count(deviceId)).toBe(stored.length)
        expect(await telemetry.known(deviceId, stored)).toEqual(
          new Set(stored.map(({ messageId }) => messageId)),
        )
      }),
      { numRuns: 60 },
    )
  })
})

describe('a data folder of version 2', () => {
  it('is taken as it is, and packed', async () => {
    await put('a', [row(1), row(HOUR)])
    await moveHot()
    await put('a', [row(2)])
    await database.close()
    const file = new DatabaseSync(path)
    file.exec('DROP TABLE telemetry_chunk; DROP INDEX telemetry_hour; PRAGMA user_version = 2')
    file.close()
    await open()
    const rows = [row(1), row(2), row(HOUR)]
    expect(await createTelemetryStore(database).range('a', ALL)).toEqual(rows)
    await packAll(database)
    expect(await createTelemetryStore(database).range('a', ALL)).toEqual(rows)
    expect(await tables()).toEqual({ hot: 0, groups: 0, chunks: 2 })
    await database.close()
    const found = new DatabaseSync(path, { readOnly: true })
    expect(found.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 })
    found.close()
    await open()
  })
})
