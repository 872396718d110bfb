import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { createDeviceStore } from '../../adapters/local/device-store.ts'
import { openDatabase } from '../../adapters/local/sqlite/database.ts'
import { newDeviceRecord, type TelemetryRow } from '../../core/index.ts'
import { deviceName, END, HOUR, rowOf, sizeOf } from './spec.ts'

// A process of its own: node fill.ts FOLDER anyhub|rows SIZE. Stores the rows, waits until they are packed, and prints how long both took and how large
// the file is, as one line of JSON.

const [folder = '', rival = '', sizeName = ''] = process.argv.slice(2)
const size = sizeOf(sizeName)
const path = join(folder, `${rival}.db`)

/** History comes in commits of so many rows; what the devices sent last comes as they send it, one by one. */
const ROWS_OF_COMMIT = 90
const ONE_BY_ONE = 180

/** Longer than the worker waits. Unit: ms. */
const CALM = 5_500

/** An hour is packed when it has been over for so long. Unit: ms. */
const LATE = 600_000

/** Commits that are under way at once: those of so many devices. */
const TOGETHER = 500

/** How long it took to store the rows, and to pack them. Unit: ms. */
interface Taken {
  readonly fillMs: number
  readonly sealMs: number
}

async function fillAnyhub(): Promise<Taken> {
  const started = performance.now()
  const database = await openDatabase({ path, durability: 'normal' })
  const clock = { now: () => END }
  const store = createDeviceStore({
    database,
    clock,
    cacheSize: size.devices,
    onCommit: () => undefined,
  })
  const versions = new Map<number, number>()

  function commit(device: number, from: number, to: number): Promise<void> {
    const rows: TelemetryRow[] = []
    for (let index = from; index < to; index++) rows.push(rowOf(size, device, index))
    const expectedVersion = versions.get(device) ?? 0
    const version = expectedVersion + 1
    versions.set(device, version)
    const record = { ...newDeviceRecord(deviceName(device), END), version }
    return store.commit({ record, expectedVersion, rows, cold: [], commands: [] })
  }

  const { devices, rowsOfEach } = size
  const history = rowsOfEach - ONE_BY_ONE
  for (let from = 0; from < rowsOfEach; ) {
    const to = from < history ? Math.min(from + ROWS_OF_COMMIT, history) : from + 1
    for (let first = 0; first < devices; first += TOGETHER) {
      const many = Math.min(TOGETHER, devices - first)
      await Promise.all(Array.from({ length: many }, (_, n) => commit(first + n, from, to)))
    }
    from = to
    sayAlive()
  }
  await store.close()
  // Of the hour that is not over nothing is packed before the worker had a while without much to store.
  const fillMs = performance.now() - started
  if (sizeName === 'full') await setTimeout(CALM)
  const begun = performance.now()
  // As the schedule does, without waiting between rounds.
  const hour = Math.floor((END - LATE) / HOUR)
  for (const which of ['over', 'open'] as const)
    while (await database.seal({ which, hour, forMs: 10 })) sayAlive()
  const sealMs = performance.now() - begun
  await database.close()
  return { fillMs, sealMs }
}

function fillRows(): Taken {
  const started = performance.now()
  const database = new DatabaseSync(path)
  database.exec('PRAGMA page_size = 16384')
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = NORMAL')
  database.exec(`CREATE TABLE row (
    device_id TEXT NOT NULL, at INTEGER NOT NULL, message_id TEXT NOT NULL, temperature REAL, humidity REAL, heating INTEGER,
    PRIMARY KEY (device_id, at, message_id)) STRICT, WITHOUT ROWID`)
  const insert = database.prepare('INSERT INTO row VALUES (?, ?, ?, ?, ?, ?)')
  for (let device = 0; device < size.devices; device++) {
    const deviceId = deviceName(device)
    database.exec('BEGIN')
    for (let index = 0; index < size.rowsOfEach; index++) {
      const { at, messageId, metrics } = rowOf(size, device, index)
      const { temperature = null, humidity = null, heating } = metrics
      insert.run(deviceId, at, messageId, sql(temperature), sql(humidity), heating === true ? 1 : 0)
    }
    database.exec('COMMIT')
    sayAlive()
  }
  database.close()
  return { fillMs: performance.now() - started, sealMs: 0 }
}

let said = performance.now()

/** A line now and then, for whoever waits. */
function sayAlive(): void {
  if (performance.now() - said < 5_000) return
  said = performance.now()
  console.log('…')
}

/** Bytes of the file that hold something. */
function bytesInUse(): number {
  const database = new DatabaseSync(path)
  const ask = (name: string): number =>
    Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
  const bytes = (ask('page_count') - ask('freelist_count')) * ask('page_size')
  database.close()
  return bytes
}

function sql(value: number | boolean | string | null): number | null {
  return typeof value === 'number' ? value : null
}

const taken = rival === 'anyhub' ? await fillAnyhub() : fillRows()
console.log(JSON.stringify({ ...taken, bytes: bytesInUse() }))
