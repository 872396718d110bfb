import type { TelemetryRow } from '../../core/index.ts'
import { type Chunk, type StoredRow, unpackKeys, unpackRows } from './chunk/chunk.ts'
import type { Database } from './sqlite/database.ts'
import type { SqlRow } from './sqlite/protocol.ts'
import { rowKey } from './stored-keys.ts'

/** An hour of event time of which a device has rows. */
export interface StoredHour {
  readonly deviceId: string
  /** Whole hours since the epoch. */
  readonly hour: number
  readonly count: number
}

/** Rows of one device and hour that stand together: packed by columns, or in the order in which they came. */
export type Part = { readonly chunk: Chunk } | { readonly rows: readonly StoredRow[] }

/** What was read of some devices and hours. */
export interface HourParts {
  /** Empty if there is nothing. */
  of(deviceId: string, hour: number): readonly Part[]
}

/** Reads hours of telemetry from the disk. */
export interface Hours {
  /** In the order of the devices' ids, and of time. */
  list(
    deviceIds: readonly string[],
    fromHour: number,
    toHour: number,
  ): Promise<readonly StoredHour[]>
  /** All between the first and the last of the given hours. */
  read(deviceIds: readonly string[], span: readonly Pick<StoredHour, 'hour'>[]): Promise<HourParts>
  keys(deviceId: string, hour: number): Promise<ReadonlySet<string>>
}

const HOUR_MS = 3_600_000

/** The hour of a time: whole hours since the epoch. */
export function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS)
}

/** No more rows than these are read at a time, unless one hour has more. */
const MOST_ROWS = 50_000

export function createHours(database: Database): Hours {
  async function read(
    deviceIds: readonly string[],
    span: readonly Pick<StoredHour, 'hour'>[],
  ): Promise<HourParts> {
    let first = Infinity
    let last = -Infinity
    for (const { hour } of span) {
      if (hour < first) first = hour
      if (hour > last) last = hour
    }
    const found = new Map<string, Map<number, Part[]>>()
    for (const row of await database.read(
      'telemetrySpan',
      JSON.stringify(deviceIds),
      first,
      last,
    )) {
      const deviceId = String(row['device_id'])
      const hour = Number(row['hour'])
      const ofDevice = found.get(deviceId) ?? new Map<number, Part[]>()
      found.set(deviceId, ofDevice)
      const parts = ofDevice.get(hour)
      if (parts === undefined) ofDevice.set(hour, [partOf(row)])
      else parts.push(partOf(row))
    }
    return { of: (deviceId, hour) => found.get(deviceId)?.get(hour) ?? [] }
  }

  return {
    async list(deviceIds, fromHour, toHour) {
      const rows = await database.read(
        'telemetryHours',
        JSON.stringify(deviceIds),
        fromHour,
        toHour,
      )
      return rows.map((row) => ({
        deviceId: String(row['device_id']),
        hour: Number(row['hour']),
        count: Number(row['count']),
      }))
    },
    read,
    async keys(deviceId, hour) {
      const keys = new Set<string>()
      for (const part of (await read([deviceId], [{ hour }])).of(deviceId, hour)) {
        const pairs = 'chunk' in part ? unpackKeys(part.chunk) : part.rows
        for (const [at, messageId] of pairs) keys.add(rowKey(at, messageId))
      }
      return keys
    },
  }
}

function partOf(row: SqlRow): Part {
  const { columns, ids, rows } = row
  if (columns instanceof Uint8Array && ids instanceof Uint8Array) return { chunk: { columns, ids } }
  return { rows: JSON.parse(String(rows)) }
}

/** Cuts hours into spans, each of which is read at once: no more of them than are likely to be needed. */
export function spansOf<T extends Pick<StoredHour, 'count'>>(
  hours: readonly T[],
  rows: number,
): readonly (readonly T[])[] {
  const spans: T[][] = []
  let span: T[] = []
  let count = 0
  for (const hour of hours) {
    span.push(hour)
    count += hour.count
    if (count < Math.min(rows, MOST_ROWS)) continue
    spans.push(span)
    span = []
    count = 0
  }
  if (span.length > 0) spans.push(span)
  return spans
}

/** All rows of one device and hour, in the order of time and, where it is the same, of their ids. */
export function rowsOf(parts: readonly Part[]): TelemetryRow[] {
  const [only] = parts
  if (only !== undefined && parts.length === 1 && 'chunk' in only) return unpackRows(only.chunk)
  const rows = parts.flatMap((part) =>
    'chunk' in part ? unpackRows(part.chunk) : part.rows.map(toRow),
  )
  return rows.sort(byTimeAndId)
}

function toRow([at, messageId, metrics]: StoredRow): TelemetryRow {
  return { at, messageId, metrics }
}

function byTimeAndId(a: TelemetryRow, b: TelemetryRow): number {
  if (a.at !== b.at) return a.at - b.at
  if (a.messageId === b.messageId) return 0
  return a.messageId < b.messageId ? -1 : 1
}
