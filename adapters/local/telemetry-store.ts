import type { Commit, MeasuredChange, TelemetryRow, TelemetryStore } from '../../core/index.ts'
import type { StoredRow } from './chunk/chunk.ts'
import { commandOperation } from './command-store.ts'
import type { Database } from './sqlite/database.ts'
import type { Operation, SqlRow } from './sqlite/protocol.ts'
import { type HourKeys, rowKey, type StoredKeys } from './stored-keys.ts'
import { createHours, hourOf, rowsOf, spansOf } from './telemetry-hours.ts'
import { seriesOfHours } from './telemetry-series.ts'

const HOUR_MS = 3_600_000

/** What a commit writes besides the record: its telemetry, one row for each hour of event time, its cold rows, and contents of commands. */
export function rowOperations({ record, rows, cold, commands }: Commit, now: number): Operation[] {
  const operations: Operation[] = []
  for (const [hour, ofHour] of byHour(rows))
    operations.push(telemetryPut(record, hour, distinct(ofHour), now, null))
  pushCold(operations, cold)
  for (const row of commands) operations.push(commandOperation(record.deviceId, row))
  return operations
}

/**
 * What a commit writes in place of the record, where its rows tell what changed in it; `undefined` where they do not: they
 * are then of one hour, and each stands there once.
 */
export function measuredOperations(
  { record, rows, cold, commands, measured }: Commit,
  now: number,
): Operation[] | undefined {
  const hour = hourOf(rows[0]?.at ?? Number.NaN)
  if (measured === undefined || commands.length > 0) return undefined
  if (rows.some(({ at }) => hourOf(at) !== hour)) return undefined
  const stored = distinct(rows)
  if (stored.length < rows.length) return undefined
  const { seenAt, newestAt, reportedAt } = measured
  const change = `[${seenAt},${newestAt},${reportedAt}]`
  return pushCold([telemetryPut(record, hour, stored, now, change)], cold)
}

/** What a commit changed in its record, read back. */
export function readChange(row: SqlRow): { rows: TelemetryRow[]; measured: MeasuredChange } {
  const [seenAt, newestAt, reportedAt]: [number, number, number] = JSON.parse(String(row['change']))
  const stored: StoredRow[] = JSON.parse(`[${String(row['rows'])}]`)
  return {
    rows: stored.map(([at, messageId, metrics]) => ({ at, messageId, metrics })),
    measured: { seenAt, newestAt, reportedAt },
  }
}

function telemetryPut(
  { deviceId, version }: Commit['record'],
  hour: number,
  stored: readonly StoredRow[],
  now: number,
  change: string | null,
): Operation {
  // Without the brackets: rows of several commits are joined by commas.
  const text = JSON.stringify(stored).slice(1, -1)
  return ['telemetryPut', deviceId, hour, version, stored.length, storedDay(now), text, change]
}

function pushCold(operations: Operation[], cold: Commit['cold']): Operation[] {
  for (const row of cold)
    operations.push(['coldPut', new Date(row.at).toISOString().slice(0, 10), JSON.stringify(row)])
  return operations
}

/** The rows as they are stored; one that stands there twice is one. */
function distinct(rows: readonly TelemetryRow[]): StoredRow[] {
  if (isRising(rows)) return rows.map(({ at, messageId, metrics }) => [at, messageId, metrics])
  const keys = new Set<string>()
  const stored: StoredRow[] = []
  for (const { at, messageId, metrics } of rows) {
    const before = keys.size
    if (keys.add(rowKey(at, messageId)).size > before) stored.push([at, messageId, metrics])
  }
  return stored
}

/** Whether each row is later than the one before, as with most devices: then no two are the same. */
function isRising(rows: readonly TelemetryRow[]): boolean {
  let last = Number.NEGATIVE_INFINITY
  for (const { at } of rows) {
    if (at <= last) return false
    last = at
  }
  return true
}

/**
 * Reads telemetry. Rows of one hour stand together, packed or as commits brought them; they are sorted when they are read.
 * With `keys` the question what is known does not read the same hour each time.
 */
export function createTelemetryStore(database: Database, keys?: StoredKeys): TelemetryStore {
  const hours = createHours(database)

  return {
    async known(deviceId, rows) {
      const known = new Set<string>()
      for (const [hour, ofHour] of byHour(rows)) {
        const read = (): Promise<HourKeys> => hours.keys(deviceId, hour)
        const stored = await (keys === undefined ? read() : keys.of(deviceId, hour, read))
        for (const { at, messageId } of ofHour)
          if (stored.has(rowKey(at, messageId))) known.add(messageId)
      }
      return known
    },

    async range(deviceId, { from, to, limit, descending }) {
      const found: TelemetryRow[] = []
      const stored = await hours.list([deviceId], hourOf(from), hourOf(to))
      if (limit <= 0) return found
      for (const span of spansOf(descending ? stored.toReversed() : stored, limit)) {
        const parts = await hours.read([deviceId], span)
        for (const { hour } of span) {
          const rows = rowsOf(parts.of(deviceId, hour))
          for (const row of descending ? rows.toReversed() : rows) {
            if (row.at < from || row.at >= to) continue
            found.push(row)
            if (found.length === limit) return found
          }
        }
      }
      return found
    },

    series: (query) => seriesOfHours(hours, query),

    async count(deviceId) {
      const [row] = await (deviceId === ''
        ? database.read('telemetryCountAll')
        : database.read('telemetryCount', deviceId))
      return Number(row?.['count'] ?? 0)
    },
  }
}

/** What forgets telemetry that was stored before a day: all of it has to be sealed, however little came lately. */
export function dropOperations(beforeDay: number): Operation[] {
  return [
    ['telemetrySeal'],
    ['telemetryDropSealed'],
    ['telemetryDropBefore', beforeDay],
    ['telemetryDropChunksBefore', beforeDay],
  ]
}

/** Retention counts from the day on which a row was stored: history that is sent today is kept from today. */
export function storedDay(at: number): number {
  return Math.floor(at / (24 * HOUR_MS))
}

function byHour<T extends Pick<TelemetryRow, 'at'>>(rows: readonly T[]): Map<number, T[]> {
  const hours = new Map<number, T[]>()
  let hour = Number.NaN
  let ofHour: T[] = []
  for (const row of rows) {
    // Mostly that of the row before.
    if (hourOf(row.at) !== hour) {
      hour = hourOf(row.at)
      ofHour = hours.get(hour) ?? []
      hours.set(hour, ofHour)
    }
    ofHour.push(row)
  }
  return hours
}
