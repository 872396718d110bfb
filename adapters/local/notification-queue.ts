import {
  type Clock,
  type Delivery,
  type NotificationQueue,
  priorityOf,
  takeTurns,
} from '../../core/index.ts'
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
  readonly lane: string
  /** Epoch ms. */
  readonly until: number
}

interface Candidate {
  readonly lane: string
  readonly priority: number
  readonly dueAt: number
  readonly delivery: Delivery
}

/** Deliveries under way, by lane and by channel. */
interface Held {
  readonly lanes: ReadonlyMap<string, number>
  readonly channels: ReadonlyMap<string, number>
}

/**
 * The queue as a table. A settled row stays for a day, so that its key is known.
 *
 * Its rows stand in lanes, one for each channel and priority, so that one index finds the longest due of each.
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
  /** Every lane that may have something waiting. */
  const lanes = new Set<string>()
  /** How many deliveries of each channel were claimed: turns are counted where batches are small. */
  const turns = new Map<string, number>()
  let stored: Promise<void> | undefined
  let lastClaim: Promise<unknown> = Promise.resolve()

  /** What an earlier process left behind, asked once. */
  async function readLanes(): Promise<void> {
    const rows = await database.read('notificationLanes')
    for (const row of rows) lanes.add(String(row['channel_id']))
  }

  /** How many deliveries are claimed. Claims that were not kept end here. */
  function countLeases(now: number): Held {
    const held = { lanes: new Map<string, number>(), channels: new Map<string, number>() }
    for (const [key, { lane, until }] of leases) {
      if (until <= now) {
        leases.delete(key)
        continue
      }
      const channelId = channelOf(lane)
      held.lanes.set(lane, (held.lanes.get(lane) ?? 0) + 1)
      held.channels.set(channelId, (held.channels.get(channelId) ?? 0) + 1)
    }
    return held
  }

  async function findDue(
    lane: string,
    now: number,
    room: number,
    held: number,
  ): Promise<readonly Candidate[]> {
    if (room <= 0) return []
    // Those that are held are due as well, and may come first.
    const rows = await database.read('notificationDue', lane, now, room + held)
    return rows
      .filter((row) => !leases.has(String(row['key'])))
      .slice(0, room)
      .map((row) => toCandidate(lane, row))
  }

  async function claim(now: number, limit: number, leaseMs: number): Promise<readonly Delivery[]> {
    stored ??= readLanes().catch((error) => {
      stored = undefined
      throw error
    })
    await stored
    const held = countLeases(now)
    const roomOf = (channelId: string): number =>
      perChannel === undefined
        ? limit
        : Math.min(limit, perChannel.limit - (held.channels.get(channelId) ?? 0))
    const found = await Promise.all(
      [...lanes].map((lane) =>
        findDue(lane, now, roomOf(channelOf(lane)), held.lanes.get(lane) ?? 0),
      ),
    )
    const byChannel = Map.groupBy(found.flat(), ({ lane }) => channelOf(lane))
    const allowed = [...byChannel].flatMap(([channelId, due]) =>
      takeTurns(due, roomOf(channelId), turns.get(channelId)),
    )
    const claimed = takeTurns(allowed, limit)
    for (const { lane, delivery } of claimed) {
      leases.set(delivery.key, { lane, until: now + leaseMs })
      const channelId = channelOf(lane)
      turns.set(channelId, (turns.get(channelId) ?? 0) + 1)
    }
    return claimed.map(({ delivery }) => delivery)
  }

  function release(key: string): void {
    const lease = leases.get(key)
    if (lease === undefined) return
    const full = perChannel !== undefined && countOf(channelOf(lease.lane)) >= perChannel.limit
    leases.delete(key)
    if (full) perChannel.onRoom()
  }

  function countOf(channelId: string): number {
    let count = 0
    for (const { lane } of leases.values()) if (channelOf(lane) === channelId) count++
    return count
  }

  async function putBack(key: string, dueAt: number, attempts: 0 | 1): Promise<void> {
    await database.write([['notificationPutBack', dueAt, attempts, key]])
    release(key)
  }

  return {
    async enqueue(deliveries) {
      if (deliveries.length === 0) return
      const now = clock.now()
      await database.write(
        deliveries.map((delivery): Operation => {
          const { attempts, ...kept } = delivery
          const { key } = delivery
          return ['notificationPut', key, laneOf(delivery), now, attempts, JSON.stringify(kept)]
        }),
      )
      for (const delivery of deliveries) lanes.add(laneOf(delivery))
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

    retry: (key, dueAt) => putBack(key, dueAt, 1),
    hold: (key, dueAt) => putBack(key, dueAt, 0),
  }
}

/** Shape: the channel, a line break, the priority. Rows of earlier releases have the channel alone. */
function laneOf({ channelId, notification }: Delivery): string {
  return `${channelId}\n${priorityOf(notification)}`
}

function channelOf(lane: string): string {
  const end = lane.lastIndexOf('\n')
  return end < 0 ? lane : lane.slice(0, end)
}

function toCandidate(lane: string, row: SqlRow): Candidate {
  const delivery: Delivery = {
    ...JSON.parse(String(row['delivery'])),
    attempts: Number(row['attempts']),
  }
  const priority = priorityOf(delivery.notification)
  return { lane, priority, dueAt: Number(row['due_at']), delivery }
}
