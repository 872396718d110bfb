import {
  type Clock,
  type Commit,
  CoreError,
  type DeviceRecord,
  type DeviceStore,
  MAX_RECORD_CHARS,
  replayMeasured,
} from '../../core/index.ts'
import type { Database, Upkeep } from './sqlite/database.ts'
import type { Operation, SqlRow } from './sqlite/protocol.ts'
import { measuredOperations, readChange, rowOperations } from './telemetry-store.ts'

/** The records of this process; those that its telemetry rows are ahead of catch up on their own. */
export interface LocalDeviceStore extends DeviceStore {
  /** What `load` would give, where that is in memory and on the disk already. */
  atHand(deviceId: string): DeviceRecord | undefined
  /** Loads the records that a process which ended at once left behind their rows. */
  recover(): Promise<void>
  /** Writes the records that are behind their rows. Resolves also where that fails: it is tried again. */
  catchUp(): Promise<void>
  /** Stops catching up by itself, and does it once more. */
  close(): Promise<void>
}

export interface DeviceStoreOptions {
  readonly database: Database
  readonly clock: Clock
  /** How many records are kept in memory. */
  readonly cacheSize: number
  /** Told of every record that became durable: the live page listens. */
  readonly onCommit: (commit: Commit) => void
}

/** What is known of one device. */
interface Cached {
  /** The newest record. */
  readonly record: DeviceRecord | undefined
  /** The one before it, while the newest is on its way to the disk. */
  before: DeviceRecord | undefined
  /** Resolves when the newest has reached the disk; `undefined` once it has. */
  durable: Promise<void> | undefined
  /** More than the characters of the newest record's JSON. */
  readonly chars: number
}

/** So many records are behind their rows at most; past that each commit writes its own. */
const MOST_BEHIND = 10_000

/** They catch up after so many commits, so many characters of their rows, or so long. Unit: ms. */
const CATCH_UP_COMMITS = 8_192
const CATCH_UP_CHARS = 4_194_304
const CATCH_UP_MS = 1_000

/**
 * What one value adds to a record at most: it stands with its name in the last values and in the reported state, and its
 * name once more with the time. JSON may write a character as six. Unit: characters.
 */
const GROWTH_BY_NAME_CHAR = 3 * 6
const GROWTH_BY_VALUE_CHAR = 2 * 6
const GROWTH_BY_VALUE = 130

/**
 * Records in SQLite, the busy ones also in memory: this process is the only one that has the file open, so what it
 * remembers is the truth, and a load costs no read.
 *
 * A commit that only measured writes its rows, with what else it changed, and no record: the record is written later, once
 * for many commits. Until then the disk has the older record and the rows, from which it is made again.
 */
export function createDeviceStore({
  database,
  clock,
  cacheSize,
  onCommit,
}: DeviceStoreOptions): LocalDeviceStore {
  const cache = new Map<string, Cached>()
  /** Devices whose record on the disk is behind their rows. */
  const behind = new Set<string>()
  let commitsBehind = 0
  let charsBehind = 0
  let timer: NodeJS.Timeout | undefined
  let asked = false
  let closed = false
  database.beforeWrites(upkeep)

  /** Keeps the most recently used; those that the disk does not have as they are are never dropped. */
  function remember(deviceId: string, cached: Cached): void {
    cache.delete(deviceId)
    cache.set(deviceId, cached)
    if (cache.size <= cacheSize) return
    for (const [oldest, { durable }] of cache) {
      if (durable !== undefined || behind.has(oldest)) continue
      cache.delete(oldest)
      return
    }
  }

  async function current(deviceId: string): Promise<DeviceRecord | undefined> {
    const cached = cache.get(deviceId)
    if (cached !== undefined) return cached.record
    const [row] = await database.read('deviceGet', deviceId)
    const found = row === undefined ? undefined : await readRecord(row)
    // While the disk was read, a commit may have brought something newer.
    const meanwhile = cache.get(deviceId)
    if (meanwhile !== undefined) return meanwhile.record
    if (found?.stale === true) fallBehind(deviceId, 0)
    const record = found?.record
    // How long it is nobody counted: the next commit does.
    remember(deviceId, { record, before: undefined, durable: undefined, chars: Infinity })
    return record
  }

  /** The record as the row has it, or as the rows of later commits make it. */
  async function readRecord(row: SqlRow): Promise<{ record: DeviceRecord; stale: boolean }> {
    let record: DeviceRecord = JSON.parse(String(row['record']))
    const stale = row['stale'] === 1
    if (stale) {
      const changes = await database.read('deviceChanges', record.deviceId, record.version)
      for (const change of changes) {
        const { rows, measured } = readChange(change)
        record = replayMeasured(record, rows, measured)
      }
    }
    return { record, stale }
  }

  function fallBehind(deviceId: string, chars: number): void {
    behind.add(deviceId)
    commitsBehind++
    charsBehind += chars
    if (!closed) timer ??= setTimeout(() => void catchUp(), CATCH_UP_MS).unref()
  }

  /** All records that are behind, as the disk would make them: nothing is under way now. */
  function upkeep(): Upkeep | undefined {
    const due = asked || commitsBehind >= CATCH_UP_COMMITS || charsBehind >= CATCH_UP_CHARS
    if (!due || behind.size === 0) return undefined
    clearTimeout(timer)
    timer = undefined
    asked = false
    commitsBehind = 0
    charsBehind = 0
    const operations: Operation[] = []
    const catching = [...behind]
    behind.clear()
    for (const deviceId of catching) {
      const record = settledOf(cache.get(deviceId))
      if (record !== undefined)
        operations.push(put('deviceCatchUp', record, JSON.stringify(record)))
    }
    return {
      operations,
      onSettled(stored) {
        if (!stored) for (const deviceId of catching) fallBehind(deviceId, 0)
      },
    }
  }

  async function catchUp(): Promise<void> {
    if (behind.size === 0) return
    timer = undefined
    asked = true
    await database.write([]).catch(() => undefined)
  }

  /** The rows alone where they tell the record, which must not grow too long meanwhile. */
  function operationsOf(
    commit: Commit,
    before: Cached | undefined,
  ): { operations: Operation[]; chars: number } {
    const { record, rows, measured } = commit
    const { deviceId } = record
    if (
      measured !== undefined &&
      before?.record !== undefined &&
      before.durable === undefined &&
      behind.size < MOST_BEHIND
    ) {
      const operations = measuredOperations(commit, clock.now())
      const chars = before.chars + growthOf(rows)
      if (operations !== undefined && chars <= MAX_RECORD_CHARS) return { operations, chars }
    }
    const text = JSON.stringify(record)
    if (text.length > MAX_RECORD_CHARS) {
      throw new CoreError(
        'device.record_too_large',
        `${deviceId}: expected a record of at most ${MAX_RECORD_CHARS} characters, found ${text.length}`,
      )
    }
    const operations = [put('devicePut', record, text)]
    for (const operation of rowOperations(commit, clock.now())) operations.push(operation)
    return { operations, chars: text.length }
  }

  /** No wait from the look at the version to `remember`: of racing writers one wins. */
  function commitNow(commit: Commit, loaded?: DeviceRecord): Promise<void> {
    const { record, expectedVersion } = commit
    const { deviceId } = record
    const before = cache.get(deviceId)
    const found = (before === undefined ? loaded : before.record)?.version ?? 0
    if (found !== expectedVersion) {
      return Promise.reject(
        new CoreError(
          'store.conflict',
          `${deviceId}: expected version ${expectedVersion}, found ${found}`,
        ),
      )
    }
    let planned: ReturnType<typeof operationsOf>
    try {
      planned = operationsOf(commit, before)
    } catch (error) {
      return Promise.reject(error)
    }
    const { operations, chars } = planned
    const durable = database.write(operations)
    const written: Cached = { record, before: settledOf(before), durable, chars }
    remember(deviceId, written)
    return durable.then(
      () => {
        written.durable = undefined
        written.before = undefined
        if (operations[0]?.[0] === 'devicePut') behind.delete(deviceId)
        else fallBehind(deviceId, String(operations[0]?.[6]).length)
        onCommit(commit)
      },
      (error) => {
        cache.delete(deviceId)
        // As before: the rows that it is behind must not be taken for its own.
        if (behind.has(deviceId))
          remember(deviceId, {
            ...written,
            record: written.before,
            durable: undefined,
            chars: Infinity,
          })
        throw error
      },
    )
  }

  return {
    atHand(deviceId) {
      const cached = cache.get(deviceId)
      return cached?.durable === undefined ? cached?.record : undefined
    },

    async load(deviceId) {
      const cached = cache.get(deviceId)
      if (cached !== undefined && cached.durable === undefined) return cached.record
      await cached?.durable?.catch(() => undefined)
      return current(deviceId)
    },

    commit(commit) {
      const { deviceId } = commit.record
      return cache.has(deviceId)
        ? commitNow(commit)
        : current(deviceId).then((loaded) => commitNow(commit, loaded))
    },

    async due(now, limit) {
      const rows = await database.read('deviceDue', now, limit)
      return rows.map((row) => String(row['device_id']))
    },

    async list(afterId, limit) {
      const rows = await database.read('deviceList', afterId, limit)
      const records: DeviceRecord[] = []
      for (const row of rows) {
        const settled = settledOf(cache.get(String(row['device_id'])))
        records.push(settled ?? (await readRecord(row)).record)
      }
      return records
    },

    async recover() {
      const rows = await database.read('deviceStale')
      for (const row of rows) await current(String(row['device_id']))
    },

    catchUp,

    async close() {
      closed = true
      clearTimeout(timer)
      await catchUp()
    },
  }
}

/** The newest record that is known to be on the disk. */
function settledOf(cached: Cached | undefined): DeviceRecord | undefined {
  return cached?.durable === undefined ? cached?.record : cached.before
}

/** What the rows of one commit may add to its record at most. Unit: characters. */
function growthOf(rows: Commit['rows']): number {
  let chars = 0
  for (const { messageId, metrics } of rows) {
    chars += GROWTH_BY_VALUE_CHAR * messageId.length
    for (const metric in metrics) {
      const value = metrics[metric]
      chars += GROWTH_BY_VALUE + GROWTH_BY_NAME_CHAR * metric.length
      if (typeof value === 'string') chars += GROWTH_BY_VALUE_CHAR * value.length
    }
  }
  return chars
}

function put(name: 'devicePut' | 'deviceCatchUp', record: DeviceRecord, text: string): Operation {
  return [name, record.deviceId, record.version, record.dueAt, text]
}
