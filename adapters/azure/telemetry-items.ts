import type { StoredRow } from '../node/stored-rows.ts'
import { expireIn, type Item, itemId } from './cosmos.ts'
import { pack } from './pack.ts'

export const DAY_MS = 86_400_000

/** One item holds no more than this of rows, for an item is 2 MB at most, and is read as a whole. Unit: characters. */
const ITEM_CHARS = 200_000

export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS)
}

export interface TelemetryItemsOptions {
  readonly deviceId: string
  /** What their ids begin with: who writes the same rows again writes the same items. */
  readonly name: string
  readonly rows: readonly StoredRow[]
  readonly retentionMs: number
  /** The commit that they wait for, if it is not done. */
  readonly pending?: string
}

/**
 * Items for rows of one device, one for each UTC day of event time.
 *
 * Shape: id `{name}-{number}`; `device` is the partition; `from` and `to` are the times of the first and the last row,
 *        `rows` all of them, packed; `pending` is the nonce of a commit without which they do not count.
 */
export function telemetryItems({
  deviceId,
  name,
  rows,
  retentionMs,
  pending,
}: TelemetryItemsOptions): readonly Item[] {
  const days = new Map<number, StoredRow[]>()
  for (const row of rows) {
    const ofDay = days.get(dayOf(row[0]))
    if (ofDay === undefined) days.set(dayOf(row[0]), [row])
    else ofDay.push(row)
  }
  return [...days.values()].flatMap(parts).map((part, index): Item => {
    const times = part.map(([at]) => at)
    return {
      id: `${name}-${index}`,
      device: itemId(deviceId),
      from: times.reduce((a, b) => Math.min(a, b)),
      to: times.reduce((a, b) => Math.max(a, b)),
      rows: pack(JSON.stringify(part)),
      ...(pending === undefined ? {} : { pending }),
      ...expireIn(retentionMs),
    }
  })
}

function parts(rows: readonly StoredRow[]): StoredRow[][] {
  const found: StoredRow[][] = []
  let part: StoredRow[] = []
  let chars = 0
  for (const row of rows) {
    const size = JSON.stringify(row).length
    if (part.length > 0 && chars + size > ITEM_CHARS) {
      found.push(part)
      part = []
      chars = 0
    }
    part.push(row)
    chars += size
  }
  found.push(part)
  return found
}
