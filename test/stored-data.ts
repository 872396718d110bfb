import { DatabaseSync } from 'node:sqlite'
import { createDeadLetters } from '../adapters/local/dead-letters.ts'
import { createDeviceStore } from '../adapters/local/device-store.ts'
import { openDatabase } from '../adapters/local/sqlite/database.ts'
import { createTelemetryStore } from '../adapters/local/telemetry-store.ts'
import type { MetricValue } from '../core/index.ts'

/** What a cloud left in its data folder, in an order that does not depend on how it came there. */
export interface StoredData {
  readonly rows: readonly StoredTelemetry[]
  /** By device: what is remembered, without what depends on when a message came in. */
  readonly devices: Readonly<Record<string, unknown>>
  /** Keys of the notification queue. */
  readonly notifications: readonly string[]
  /** Payloads of the dead letters. */
  readonly deadLetters: readonly string[]
}

export interface StoredTelemetry {
  readonly deviceId: string
  /** Event time, epoch ms. */
  readonly at: number
  readonly messageId: string
  readonly metrics: Readonly<Record<string, MetricValue>>
}

const ALL = { from: 0, to: 8.64e15, limit: 1_000_000, descending: false }

/** Reads the data folder of a cloud that has ended. */
export async function readStoredData(data: string): Promise<StoredData> {
  const path = `${data}/anyhub.db`
  const notifications = readKeys(path)
  const database = await openDatabase({ path, durability: 'normal' })
  try {
    const clock = { now: Date.now }
    const onCommit = (): void => undefined
    const store = createDeviceStore({ database, clock, cacheSize: 1, onCommit })
    const telemetry = createTelemetryStore(database)
    const rows: StoredTelemetry[] = []
    const devices: Record<string, unknown> = {}
    for (const record of await store.list('', 1_000)) {
      const { deviceId, accepted, newestAt, last, alarms, shadows, outbox } = record
      const reported = shadows['']?.reported
      devices[deviceId] = { accepted, newestAt, last, alarms, reported, outbox }
      for (const row of await telemetry.range(deviceId, ALL)) rows.push({ deviceId, ...row })
    }
    const letters = await createDeadLetters(database).list('', 10_000)
    return {
      rows: rows.toSorted((a, b) => compare(keyOf(a), keyOf(b))),
      devices,
      notifications,
      deadLetters: letters.map(({ payload }) => Buffer.from(payload).toString()).toSorted(compare),
    }
  } finally {
    await database.close()
  }
}

/** No port lists the queue: who works on it only claims. */
function readKeys(path: string): string[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('SELECT key FROM notification').all()
  database.close()
  return rows.map(({ key }) => String(key)).toSorted(compare)
}

function keyOf({ deviceId, at, messageId }: StoredTelemetry): string {
  return `${deviceId}/${String(at).padStart(16, '0')}/${messageId}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
