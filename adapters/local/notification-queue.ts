import {
  type Clock,
  type Delivery,
  type NotificationQueue,
  priorityOf,
  takeTurns,
} from '../../core/index.ts'
import { createLane, type Lane, type Waiting } from './notification-lane.ts'
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
interface Lease extends Pick<Waiting, 'lane' | 'dueAt'> {
  /** Epoch ms. */
  readonly until: number
  /** What became of it is known, and on its way to the disk. */
  ended: boolean
}

/** Before a lane has fewer than this in memory it reads on, so that no claim has to wait for it. */
const READ_AHEAD = 64

/** Ends that are on their way to the disk, at most: they come again after a crash. */
const MAX_ENDED = 512

/** Ends that come within so long are written together. Unit: ms. */
const GATHER_MS = 5

/**
 * The queue as a table. A settled row stays for a day, so that its key is known.
 *
 * Its rows stand in lanes, one for each channel and priority, so that one index finds the longest due of each.
 *
 * Leases are kept in memory: this process is the only one that has the file open, and with it they end. A delivery whose
 * end is known makes room for the next of its channel at once, and stays hidden until the disk has it.
 */
export function createNotificationQueue({
  database,
  clock,
  onEnqueue,
  perChannel,
}: NotificationQueueOptions): NotificationQueue {
  const leases = new Map<string, Lease>()
  /** Every lane that may have something waiting, by name. */
  const lanes = new Map<string, Lane>()
  /** Deliveries on their way, by channel. */
  const underWay = new Map<string, number>()
  let ended = 0
  /** How many deliveries of each channel were claimed: turns are counted where batches are small. */
  const turns = new Map<string, number>()
  let stored: Promise<void> | undefined
  let lastClaim: Promise<unknown> = Promise.resolve()
  /** Keys to be settled together. */
  let settling: { readonly keys: string[]; readonly written: Promise<void> } | undefined

  function laneNamed(name: string): Lane {
    let lane = lanes.get(name)
    if (lane === undefined) {
      lane = createLane({
        name,
        read: async ({ dueAt, key }, limit) =>
          (await database.read('notificationNext', name, dueAt, key, limit)).map(toWaiting),
        isClaimed: (key) => leases.has(key),
      })
      lanes.set(name, lane)
    }
    return lane
  }

  /** What an earlier process left behind, asked once. */
  async function readLanes(): Promise<void> {
    const rows = await database.read('notificationLanes')
    for (const row of rows) laneNamed(String(row['channel_id']))
  }

  function lease({ lane, key, dueAt }: Waiting, until: number): void {
    const { channelId } = lane
    lane.take(key)
    leases.set(key, { lane, dueAt, until, ended: false })
    underWay.set(channelId, (underWay.get(channelId) ?? 0) + 1)
    turns.set(channelId, (turns.get(channelId) ?? 0) + 1)
  }

  /** The next of its channel may go. */
  function end(lease: Lease): void {
    if (lease.ended) return
    lease.ended = true
    ended++
    leave(lease.lane.channelId)
  }

  function leave(channelId: string): void {
    const count = underWay.get(channelId) ?? 0
    if (count > 1) underWay.set(channelId, count - 1)
    else underWay.delete(channelId)
    if (perChannel !== undefined && count >= perChannel.limit) perChannel.onRoom()
  }

  function drop(key: string, lease: Lease): void {
    leases.delete(key)
    if (!lease.ended) leave(lease.lane.channelId)
    else if (ended-- === MAX_ENDED) perChannel?.onRoom()
  }

  /** Claims that were not kept end here. */
  function dropLate(now: number): void {
    for (const [key, lease] of leases) {
      if (lease.until > now) continue
      drop(key, lease)
      lease.lane.changed(lease.dueAt)
    }
  }

  function roomOf(channelId: string, limit: number): number {
    if (perChannel === undefined) return limit
    return Math.max(0, Math.min(limit, perChannel.limit - (underWay.get(channelId) ?? 0)))
  }

  async function claim(now: number, most: number, leaseMs: number): Promise<readonly Delivery[]> {
    stored ??= readLanes().catch((error) => {
      stored = undefined
      throw error
    })
    await stored
    dropLate(now)
    const limit = perChannel === undefined ? most : Math.min(most, MAX_ENDED - ended)
    const lacking = [...lanes.values()].filter((lane) =>
      lane.lacks(now, roomOf(lane.channelId, limit)),
    )
    if (lacking.length > 0)
      await Promise.all(lacking.map((lane) => lane.fill(now, roomOf(lane.channelId, limit))))
    const byChannel = new Map<string, Waiting[]>()
    for (const lane of lanes.values()) {
      const due = lane.due(now, roomOf(lane.channelId, limit))
      const others = byChannel.get(lane.channelId)
      if (others !== undefined) others.push(...due)
      else if (due.length > 0) byChannel.set(lane.channelId, [...due])
    }
    const allowed = [...byChannel].flatMap(([channelId, due]) =>
      takeTurns(due, roomOf(channelId, limit), turns.get(channelId)),
    )
    const claimed = takeTurns(allowed, limit)
    for (const waiting of claimed) lease(waiting, now + leaseMs)
    readAhead(now)
    return claimed.map(({ delivery }) => delivery)
  }

  /** What cannot be read now is read by the claim that needs it. */
  function readAhead(now: number): void {
    if (perChannel === undefined) return
    for (const lane of lanes.values())
      if (lane.lacks(now, READ_AHEAD)) lane.fill(now, READ_AHEAD).catch(() => undefined)
  }

  /** What is wrong with the disk shows in the next claim, before anything is sent; the lease stays until its end. */
  function notWritten(): void {
    for (const lane of lanes.values()) lane.changed(Number.MIN_SAFE_INTEGER)
  }

  /** The lane where it stood, which forgets it; none, where this process has not seen it. */
  function forget(key: string): Lane | undefined {
    const lease = leases.get(key)
    if (lease !== undefined) {
      drop(key, lease)
      return lease.lane
    }
    for (const lane of lanes.values()) if (lane.take(key)) return lane
    return undefined
  }

  async function write(key: string, written: () => Promise<void>): Promise<Lane | undefined> {
    const lease = leases.get(key)
    if (lease !== undefined) end(lease)
    try {
      await written()
    } catch (error) {
      notWritten()
      throw error
    }
    return forget(key)
  }

  async function putBack(key: string, dueAt: number, attempts: 0 | 1): Promise<void> {
    const lane = await write(key, () =>
      database.write([['notificationPutBack', dueAt, attempts, key]]),
    )
    for (const changed of lane === undefined ? lanes.values() : [lane]) changed.changed(dueAt)
  }

  async function settleTogether(keys: readonly string[]): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    settling = undefined
    await database.write([['notificationSettle', clock.now(), JSON.stringify(keys)]])
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
      for (const name of new Set(deliveries.map(laneOf))) laneNamed(name).changed(now)
      onEnqueue()
    },

    /** One at a time: between finding and leasing nobody else may find the same. */
    claim(now, limit, leaseMs) {
      const mine = lastClaim.then(() => claim(now, limit, leaseMs))
      lastClaim = mine.catch(() => undefined)
      return mine
    },

    async settle(key) {
      await write(key, () => {
        if (settling === undefined) {
          const keys: string[] = []
          settling = { keys, written: settleTogether(keys) }
        }
        settling.keys.push(key)
        return settling.written
      })
    },

    retry: (key, dueAt) => putBack(key, dueAt, 1),
    hold: (key, dueAt) => putBack(key, dueAt, 0),
  }
}

/** Shape: the channel, a line break, the priority. Rows of earlier releases have the channel alone. */
function laneOf({ channelId, notification }: Delivery): string {
  return `${channelId}\n${priorityOf(notification)}`
}

function toWaiting(row: SqlRow): Omit<Waiting, 'lane'> {
  const delivery: Delivery = {
    ...JSON.parse(String(row['delivery'])),
    attempts: Number(row['attempts']),
  }
  return {
    key: String(row['key']),
    dueAt: Number(row['due_at']),
    priority: priorityOf(delivery.notification),
    delivery,
  }
}
