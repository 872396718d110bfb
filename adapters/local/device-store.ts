import {
  type Clock,
  type Commit,
  CoreError,
  type DeviceRecord,
  type DeviceStore,
  MAX_RECORD_CHARS,
} from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'
import type { Operation, SqlRow } from './sqlite/protocol.ts'
import { rowOperations } from './telemetry-store.ts'

export interface DeviceStoreOptions {
  readonly database: Database
  readonly clock: Clock
  /** How many records are kept in memory. */
  readonly cacheSize: number
  /** Told of every record that became durable: the live page listens. */
  readonly onCommit: (commit: Commit) => void
}

/** What is known of one device: the newest record, and whether it has reached the disk. */
interface Cached {
  readonly record: DeviceRecord | undefined
  /** `undefined` once it has. */
  durable: Promise<void> | undefined
}

/**
 * Records in SQLite, the busy ones also in memory: this process is the only one that has the file open, so what it
 * remembers is the truth, and a load costs no read.
 */
export function createDeviceStore({
  database,
  clock,
  cacheSize,
  onCommit,
}: DeviceStoreOptions): DeviceStore {
  const cache = new Map<string, Cached>()

  /** Keeps the most recently used; those on their way to the disk are never dropped. */
  function remember(deviceId: string, cached: Cached): void {
    cache.delete(deviceId)
    cache.set(deviceId, cached)
    if (cache.size <= cacheSize) return
    for (const [oldest, { durable }] of cache) {
      if (durable !== undefined) continue
      cache.delete(oldest)
      return
    }
  }

  async function current(deviceId: string): Promise<DeviceRecord | undefined> {
    const cached = cache.get(deviceId)
    if (cached !== undefined) return cached.record
    const [row] = await database.read('deviceGet', deviceId)
    // While the disk was read, a commit may have brought something newer.
    const meanwhile = cache.get(deviceId)
    if (meanwhile !== undefined) return meanwhile.record
    const record = row === undefined ? undefined : readRecord(row)
    remember(deviceId, { record, durable: undefined })
    return record
  }

  return {
    async load(deviceId) {
      const cached = cache.get(deviceId)
      if (cached !== undefined && cached.durable === undefined) return cached.record
      await cached?.durable?.catch(() => undefined)
      return current(deviceId)
    },

    async commit(commit) {
      const { record, expectedVersion } = commit
      const { deviceId } = record
      const loaded = cache.has(deviceId) ? undefined : await current(deviceId)
      // Looked at again after the wait, and no wait from here to `remember`: of racing writers one wins.
      const before = cache.get(deviceId)
      const found = (before === undefined ? loaded : before.record)?.version ?? 0
      if (found !== expectedVersion) {
        throw new CoreError(
          'store.conflict',
          `${deviceId}: expected version ${expectedVersion}, found ${found}`,
        )
      }
      const text = JSON.stringify(record)
      if (text.length > MAX_RECORD_CHARS) {
        throw new CoreError(
          'device.record_too_large',
          `${deviceId}: expected a record of at most ${MAX_RECORD_CHARS} characters, found ${text.length}`,
        )
      }
      const operations: Operation[] = [['devicePut', deviceId, record.version, record.dueAt, text]]
      for (const operation of rowOperations(commit, clock.now())) operations.push(operation)
      const written: Cached = { record, durable: database.write(operations) }
      remember(deviceId, written)
      try {
        await written.durable
      } catch (error) {
        cache.delete(deviceId)
        throw error
      }
      written.durable = undefined
      onCommit(commit)
    },

    async due(now, limit) {
      const rows = await database.read('deviceDue', now, limit)
      return rows.map((row) => String(row['device_id']))
    },

    async list(afterId, limit) {
      const rows = await database.read('deviceList', afterId, limit)
      return rows.map(readRecord)
    },
  }
}

function readRecord(row: SqlRow): DeviceRecord {
  return JSON.parse(String(row['record']))
}
