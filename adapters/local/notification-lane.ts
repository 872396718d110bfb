import type { Delivery } from '../../core/index.ts'

/** A place in a lane: rows stand in it by the time at which they are due, and by key where that is the same. */
export interface Place {
  /** Epoch ms. */
  readonly dueAt: number
  readonly key: string
}

/** A delivery that waits, as its row says. */
export interface Waiting extends Place {
  readonly lane: Lane
  readonly priority: number
  readonly delivery: Delivery
}

/** What waits for one channel with one priority: its beginning in memory, in order, and the rest on the disk. */
export interface Lane {
  readonly name: string
  readonly channelId: string
  /** Whether more than is known now has to be read to tell the first `count` that are due. */
  lacks(now: number, count: number): boolean
  /** Reads until nothing lacks. */
  fill(now: number, count: number): Promise<void>
  /** Up to `count` that are due, the longest due first. */
  due(now: number, count: number): readonly Waiting[]
  /** It waits no longer. Gives false if it is not among those in memory. */
  take(key: string): boolean
  /** What is due at this time (epoch ms), or later, may have changed on the disk. */
  changed(dueAt: number): void
}

export interface LaneOptions {
  readonly name: string
  /** Rows after a place, in order. */
  readonly read: (after: Place, limit: number) => Promise<readonly Omit<Waiting, 'lane'>[]>
  /** Such rows stay on the disk until they are settled. */
  readonly isClaimed: (key: string) => boolean
}

/** So many rows are read at once. */
const READ_AT_ONCE = 128

/** Before every row. */
const START: Place = { dueAt: Number.MIN_SAFE_INTEGER, key: '' }

/**
 * Opens a lane of which nothing is known yet. This process alone writes to the table, so that what it read stays true.
 *
 * The database answers in the order in which it is asked: whose end is written after a read is still claimed when that
 * read is answered.
 */
export function createLane({ name, read, isClaimed }: LaneOptions): Lane {
  /** All that waits up to `known`. */
  let head: Waiting[] = []
  let known = START
  /** Whether something may stand behind `known`. */
  let hasMore = true
  /** The earliest change since the read under way was asked for. */
  let changedAt = Number.POSITIVE_INFINITY
  let reading: Promise<void> | undefined

  async function readMore(): Promise<void> {
    changedAt = Number.POSITIVE_INFINITY
    const rows = await read(known, READ_AT_ONCE)
    for (const row of rows) {
      if (row.dueAt >= changedAt) break
      if (!isClaimed(row.key)) head.push({ ...row, lane })
      known = row
    }
    hasMore = rows.length === READ_AT_ONCE || changedAt < Number.POSITIVE_INFINITY
  }

  const lane: Lane = {
    name,
    channelId: channelOf(name),
    lacks: (now, count) => hasMore && known.dueAt <= now && head.length < count,
    async fill(now, count) {
      while (lane.lacks(now, count)) {
        reading ??= readMore().finally(() => {
          reading = undefined
        })
        await reading
      }
    },
    due(now, count) {
      const due: Waiting[] = []
      for (const one of head) {
        if (due.length >= count || one.dueAt > now) break
        due.push(one)
      }
      return due
    },
    take(key) {
      const at = head.findIndex((one) => one.key === key)
      if (at >= 0) head.splice(at, 1)
      return at >= 0
    },
    changed(dueAt) {
      changedAt = Math.min(changedAt, dueAt)
      hasMore = true
      if (dueAt > known.dueAt) return
      head = head.filter((one) => one.dueAt < dueAt)
      known = { dueAt, key: '' }
    },
  }
  return lane
}

/** Shape of a lane's name: the channel, a line break, the priority. Rows of earlier releases have the channel alone. */
function channelOf(name: string): string {
  const end = name.lastIndexOf('\n')
  return end < 0 ? name : name.slice(0, end)
}
