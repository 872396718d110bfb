import { type Chunk, packChunk, type StoredRow, unpackRows } from '../chunk/chunk.ts'
import type { Operation, SealOrder, SqlRow, SqlValue } from './protocol.ts'

/** More rows than this are several chunks: each is packed again with those that come late. */
const CHUNK_ROWS = 10_000

/** So many devices and hours are looked up at a time, and of one so many groups of rows. */
const LOOK_UP = 64
const GROUPS = 64

/** What the sealer needs of the database whose thread it runs on. */
export interface SealerParts {
  readonly inTransaction: (run: () => void) => void
  readonly read: (operation: Operation) => SqlRow[]
  readonly run: (operation: Operation) => void
  /** Whether there is time for hours that are not over. */
  readonly isCalm: () => boolean
}

/**
 * Packs telemetry by columns. What is packed is put in place of what it was packed from by one transaction, so that a crash
 * leaves either. Gives whether there is more to pack.
 */
export function createSealer({
  inTransaction,
  read,
  run,
  isCalm,
}: SealerParts): (order: SealOrder) => boolean {
  /** Packs some of what is stored of one device and hour, and mostly all of it. Gives whether there is more. */
  function sealHour(deviceId: SqlValue, hour: SqlValue): boolean {
    const byDay = new Map<SqlValue, StoredRow[]>()
    const groups = read(['telemetryGroups', deviceId, hour, GROUPS])
    let more = groups.length === GROUPS
    let count = 0
    for (const group of groups) {
      if (count >= CHUNK_ROWS) {
        more = true
        break
      }
      const seq = group['seq'] ?? null
      const day = group['stored_day'] ?? null
      const [stored] = read(['telemetryGroup', deviceId, hour, seq])
      const rows: StoredRow[] = JSON.parse(String(stored?.['rows']))
      byDay.set(day, [...(byDay.get(day) ?? []), ...rows])
      count += rows.length
      run(['telemetryDropGroup', deviceId, hour, seq])
    }
    for (const [day, rows] of byDay) putRows(deviceId, hour, day, rows)
    return more
  }

  function putRows(deviceId: SqlValue, hour: SqlValue, day: SqlValue, rows: StoredRow[]): void {
    const room = CHUNK_ROWS - rows.length
    const [beside] = read(['chunkWithRoom', deviceId, hour, day, room])
    if (beside === undefined) {
      const { columns, ids } = packChunk(rows)
      run(['chunkPut', deviceId, hour, day, rows.length, columns, ids])
      return
    }
    const all = [...storedRows(beside), ...rows]
    const { columns, ids } = packChunk(all)
    run(['chunkReplace', all.length, columns, ids, beside['position'] ?? null])
  }

  return ({ which, hour, forMs }) => {
    if (which === 'open' && !isCalm()) return false
    const until = performance.now() + forMs
    const name = which === 'over' ? 'telemetryOver' : 'telemetryOpen'
    const found = read([name, hour, LOOK_UP])
    if (found.length === 0) return false
    let more = found.length === LOOK_UP
    inTransaction(() => {
      for (const row of found) {
        if (performance.now() >= until) {
          more = true
          return
        }
        if (sealHour(row['device_id'] ?? null, row['hour'] ?? null)) more = true
      }
    })
    return more
  }
}

function storedRows(row: SqlRow): StoredRow[] {
  const chunk: Chunk = { columns: blob(row['columns']), ids: blob(row['ids']) }
  return unpackRows(chunk).map(({ at, messageId, metrics }) => [at, messageId, metrics])
}

function blob(value: SqlValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('expected bytes of a chunk')
  return value
}
