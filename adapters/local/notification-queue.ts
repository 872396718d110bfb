import type { Clock, Delivery, NotificationQueue } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'
import type { Operation, SqlRow } from './sqlite/protocol.ts'

export interface NotificationQueueOptions {
  readonly database: Database
  readonly clock: Clock
  /** Told when something came in that is due at once: the worker need not wait for its next look. */
  readonly onEnqueue: () => void
  /** Without it a claim may take all that one channel has. */
  readonly perChannel?: ChannelShare
}

/** How much of what is under way may be of one channel: one that hangs must not hold the others. */
export interface ChannelShare {
  readonly limit: number
  /** Told when a channel that was at its limit may be claimed of again. */
  readonly onRoom: () => void
}

/** A claimed delivery. */
interface Lease {
  readonly channelId: string
  /** Epoch ms. */
  readonly until: number
}

interface Candidate {
  readonly dueAt: number
  readonly delivery: Delivery
}

/**
 * The queue as a table. A settled row stays for a day, so that its key is known.
 *
 * Leases are kept in memory: this process is the only one that has the file open, and with it they end.
 */
export function createNotificationQueue({
  database,
  clock,
  onEnqueue,
  perChannel,
}: NotificationQueueOptions): NotificationQueue {
  const leases = new Map<string, Lease>()
  /** Every channel that may have something waiting. */
  const channels = new Set<string>()
  let stored: Promise<void> | undefined
  let lastClaim: Promise<unknown> = Promise.resolve()

  /** What an earlier process left behind, asked once. */
  async function readChannels(): Promise<void> {
    const rows = await database.read('notificationChannels')
    for (const row of rows) channels.add(String(row['channel_id']))
  }

  /** How many deliveries of each channel are claimed. Claims that were not kept end here. */
  function countLeases(now: number): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const [key, { channelId, until }] of leases) {
      if (until <= now) leases.delete(key)
      else counts.set(channelId, (counts.get(channelId) ?? 0) + 1)
    }
    return counts
  }

  async function findDue(
    channelId: string,
    now: number,
    limit: number,
    held: number,
  ): Promise<readonly Candidate[]> {
    const room = Math.min(limit, (perChannel?.limit ?? limit) - (perChannel ? held : 0))
    if (room <= 0) return []
    // Those that are held are due as well, and may come first.
    const rows = await database.read('notificationDue', channelId, now, room + held)
    return rows
      .filter((row) => !leases.has(String(row['key'])))
      .slice(0, room)
      .map(toCandidate)
  }

  async function claim(now: number, limit: number, leaseMs: number): Promise<readonly Delivery[]> {
    stored ??= readChannels().catch((error) => {
      stored = undefined
      throw error
    })
    await stored
    const held = countLeases(now)
    const found = await Promise.all(
      [...channels].map((channelId) => findDue(channelId, now, limit, held.get(channelId) ?? 0)),
    )
    const claimed = found
      .flat()
      .toSorted((a, b) => a.dueAt - b.dueAt)
      .slice(0, limit)
    for (const { delivery } of claimed)
      leases.set(delivery.key, { channelId: delivery.channelId, until: now + leaseMs })
    return claimed.map(({ delivery }) => delivery)
  }

  function release(key: string): void {
    const lease = leases.get(key)
    if (lease === undefined) return
    const full = perChannel !== undefined && countOf(lease.channelId) >= perChannel.limit
    leases.delete(key)
    if (full) perChannel.onRoom()
  }

  function countOf(channelId: string): number {
    let count = 0
    for (const lease of leases.values()) if (lease.channelId === channelId) count++
    return count
  }

  return {
    async enqueue(deliveries) {
      if (deliveries.length === 0) return
      const now = clock.now()
      await database.write(
        deliveries.map((delivery): Operation => {
          const { attempts, ...kept } = delivery
          const { key, channelId } = delivery
          return ['notificationPut', key, channelId, now, attempts, JSON.stringify(kept)]
        }),
      )
      for (const { channelId } of deliveries) channels.add(channelId)
      onEnqueue()
    },

    /** One at a time: between finding and leasing nobody else may find the same. */
    claim(now, limit, leaseMs) {
      const mine = lastClaim.then(() => claim(now, limit, leaseMs))
      lastClaim = mine.catch(() => undefined)
      return mine
    },

    async settle(key) {
      await database.write([['notificationSettle', clock.now(), key]])
      release(key)
    },

    async retry(key, dueAt) {
      await database.write([['notificationRetry', dueAt, key]])
      release(key)
    },
  }
}

function toCandidate(row: SqlRow): Candidate {
  return {
    dueAt: Number(row['due_at']),
    delivery: { ...JSON.parse(String(row['delivery'])), attempts: Number(row['attempts']) },
  }
}
