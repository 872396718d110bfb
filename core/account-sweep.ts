import { isJsonObject } from './model/json.ts'
import {
  accountTable,
  endsTable,
  NEWEST_TABLE,
  NOTIFICATIONS_TABLE,
  newestKey,
  SENT_TABLE,
  sentKey,
  sentOf,
  toldTable,
} from './notifications/tables.ts'
import type { Ports } from './ports.ts'

/** How often what is old is looked for; while there is more, at every call. Unit: ms. */
const SWEEP_EVERY_MS = 60_000

/** Rows that one call removes at most, and at the same time. */
const SWEEP_LIMIT = 1_000
const AT_ONCE = 25

/**
 * Builds what forgets accounts of notifications on demand that are older than `retentionMs`, a bounded part at each call:
 * for whoever runs on a schedule.
 *
 * The oldest first, by a list in the order of time; of one the rows first and the notification itself last, so that what
 * a crash left is found again.
 */
export function createAccountSweep(
  { tables, clock }: Pick<Ports, 'tables' | 'clock'>,
  retentionMs: number,
): () => Promise<void> {
  let sweptAt = Number.NEGATIVE_INFINITY

  /** Empties a table as far as `limit` reaches; tells how many rows that were. */
  async function empty(table: string, limit: number): Promise<number> {
    const rows = await tables.list(table, '', limit)
    for (let from = 0; from < rows.length; from += AT_ONCE)
      await Promise.all(
        rows.slice(from, from + AT_ONCE).map(({ key }) => tables.remove(table, key)),
      )
    return rows.length
  }

  /** Tells how many rows it removed; `limit` or more: there may be more of it. */
  async function forget(key: string, limit: number): Promise<number> {
    const { at, notificationId } = sentOf(key)
    const kept = await tables.get(NOTIFICATIONS_TABLE, notificationId)
    // Asked for again under its key: that one has a later place on the list.
    const isAnother = isJsonObject(kept) && Number(kept['at']) > at
    let removed = 0
    if (!isAnother) {
      for (const table of [toldTable, endsTable, accountTable]) {
        removed += await empty(table(notificationId), limit - removed)
        if (removed >= limit) return removed
      }
      await tables.remove(NOTIFICATIONS_TABLE, notificationId)
    }
    await tables.remove(NEWEST_TABLE, newestKey(at, notificationId))
    await tables.remove(SENT_TABLE, key)
    return removed + 3
  }

  return async () => {
    const now = clock.now()
    if (now - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = now
    const before = sentKey(now - retentionMs, '')
    let left = SWEEP_LIMIT
    for (const { key } of await tables.list(SENT_TABLE, '', SWEEP_LIMIT / 2)) {
      if (key >= before) return
      left -= await forget(key, left)
      if (left <= 0) break
    }
    if (left < SWEEP_LIMIT) sweptAt = Number.NEGATIVE_INFINITY
  }
}
