import {
  type Delivery,
  isUrgent,
  type NotificationQueue,
  priorityOf,
  takeTurns,
} from '../../core/index.ts'
import { type Cosmos, etag, expireIn, type Item, number, text } from './cosmos.ts'
import { digestOf } from './digest.ts'

export interface NotificationQueueOptions {
  readonly cosmos: Cosmos
  /** Epoch ms. */
  readonly now: () => number
  /** Tells a worker that something came in; what is not told is found by the tick. */
  readonly wake: (keys: readonly string[], priority: Priority) => Promise<void>
}

/** Which of the two queues carries a delivery: what is critical waits for nothing else. */
export type Priority = 'high' | 'normal'

/** The queue, and the side that a wake-up asks. */
export interface AzureNotificationQueue extends NotificationQueue {
  /** The same queue, of which only these deliveries are claimed. */
  only(keys: readonly string[]): NotificationQueue
}

const DAY_MS = 86_400_000

/** Requests to Cosmos at a time. */
const AT_ONCE = 20

/**
 * Deliveries as items of Cosmos: who replaces an item first has claimed it. Storage queues carry only their keys, so that
 * a key that is known for a day, a lease and a time to try again mean the same as on every other cloud.
 *
 * Shape: id SHA-256 of the key; `due` while it waits, `urgent`, `attempts`, `delivery`; `settledAt` and `ttl` once it is settled.
 */
export function createNotificationQueue({
  cosmos,
  now,
  wake,
}: NotificationQueueOptions): AzureNotificationQueue {
  function read(key: string): Promise<Item | undefined> {
    const id = digestOf(key)
    return cosmos.get('notifications', id, id)
  }

  async function replace(item: Item, changes: Item, stored: Item): Promise<boolean> {
    const next = { ...item, ...changes }
    return (await cosmos.replace('notifications', idOf(item), next, etag(stored))).held
  }

  /** Whether it was added: it is new, or its key was forgotten. */
  async function add(delivery: Delivery): Promise<boolean> {
    const item = added(delivery, now())
    if ((await cosmos.create('notifications', idOf(item), item)).held) return true
    const stored = await read(delivery.key)
    if (stored === undefined) return (await cosmos.create('notifications', idOf(item), item)).held
    const settledAt = number(stored, 'settledAt')
    if (settledAt === undefined || settledAt > now() - DAY_MS) return false
    return replace(item, {}, stored)
  }

  /** Sets the time until which items are hidden, of those that nobody has touched since they were read. */
  async function lease(items: readonly Item[], until: number): Promise<readonly Delivery[]> {
    const held = await each(items, (item) => replace(ours(item), { due: until }, item))
    return items.filter((_, index) => held[index] === true).map(toDelivery)
  }

  /** The longest due, of all or of the urgent ones. */
  async function findDue(at: number, limit: number, urgent: boolean): Promise<readonly Item[]> {
    const items = await cosmos.queryAll({
      container: 'notifications',
      text: `SELECT * FROM c WHERE c.due <= @at${urgent ? ' AND c.urgent = 1' : ''} ORDER BY c.due`,
      parameters: { at },
      limit,
    })
    return items
      .toSorted((a, b) => (number(a, 'due') ?? 0) - (number(b, 'due') ?? 0))
      .slice(0, limit)
  }

  async function putBack(key: string, dueAt: number, more: 0 | 1): Promise<void> {
    for (;;) {
      const stored = await read(key)
      if (stored === undefined || number(stored, 'due') === undefined) return
      const attempts = (number(stored, 'attempts') ?? 0) + more
      if (await replace(ours(stored), { due: dueAt, attempts }, stored)) return
    }
  }

  const queue: NotificationQueue = {
    async enqueue(deliveries) {
      if (deliveries.length === 0) return
      const unique = [...new Map(deliveries.map((one) => [one.key, one])).values()]
      const fresh = await each(unique, add)
      for (const priority of ['high', 'normal'] as const) {
        const keys = unique
          .filter((_, index) => fresh[index] === true)
          .filter(({ notification }) => isUrgent(notification) === (priority === 'high'))
          .map(({ key }) => key)
        for (const some of messagesOf(keys)) await wake(some, priority)
      }
    },

    async claim(at, limit, leaseMs) {
      const claimed: Delivery[] = []
      // Who loses an item to another looks for the next.
      while (claimed.length < limit) {
        const left = limit - claimed.length
        const oldest = await findDue(at, left, false)
        if (oldest.length === 0) break
        // Where all that is due was found, the urgent ones are among them.
        const urgent = oldest.length < left ? [] : await findDue(at, left, true)
        const due = new Map([...oldest, ...urgent].map((item) => [idOf(item), toWaiting(item)]))
        const next = takeTurns([...due.values()], left).map(({ item }) => item)
        // One that is not hidden at all would be claimed again by this very call.
        claimed.push(...(await lease(next, at + Math.max(leaseMs, 1))))
      }
      return claimed
    },

    async settle(key) {
      for (;;) {
        const stored = await read(key)
        if (stored === undefined || number(stored, 'settledAt') !== undefined) return
        const attempts = number(stored, 'attempts') ?? 0
        const id = digestOf(key)
        const settled = { id, attempts, settledAt: now(), ...expireIn(DAY_MS) }
        if (await replace(settled, {}, stored)) return
      }
    },

    retry: (key, dueAt) => putBack(key, dueAt, 1),
    hold: (key, dueAt) => putBack(key, dueAt, 0),
  }

  return {
    ...queue,
    only: (keys) => ({
      ...queue,
      async claim(at, limit, leaseMs) {
        const items = await each([...new Set(keys)].slice(0, limit), read)
        const due = items.flatMap((item) =>
          item !== undefined && (number(item, 'due') ?? Number.POSITIVE_INFINITY) <= at
            ? [item]
            : [],
        )
        return lease(due, at + leaseMs)
      },
    }),
  }
}

/** Keys that one message takes; the rest of it is brackets and quotes. Unit: bytes. */
const WAKE_BYTES = 40_000

function messagesOf(keys: readonly string[]): readonly (readonly string[])[] {
  const found: string[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const key of keys) {
    const bytes = Buffer.byteLength(JSON.stringify(key)) + 1
    const last = found.at(-1)
    if (last === undefined || size + bytes > WAKE_BYTES) {
      found.push([key])
      size = bytes
    } else {
      last.push(key)
      size += bytes
    }
  }
  return found
}

/** Results in the order of what is given, some at a time. */
async function each<T, R>(all: readonly T[], run: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  for (let from = 0; from < all.length; from += AT_ONCE)
    results.push(...(await Promise.all(all.slice(from, from + AT_ONCE).map(run))))
  return results
}

function added({ attempts, ...kept }: Delivery, at: number): Item {
  return {
    id: digestOf(kept.key),
    due: at,
    urgent: isUrgent(kept.notification) ? 1 : 0,
    attempts,
    delivery: JSON.stringify(kept),
  }
}

/** An item without what Cosmos added. */
function ours(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !name.startsWith('_')))
}

function idOf(item: Item): string {
  return text(item, 'id') ?? ''
}

function toWaiting(item: Item) {
  const { notification } = toDelivery(item)
  return { item, priority: priorityOf(notification), dueAt: number(item, 'due') ?? 0 }
}

function toDelivery(item: Item): Delivery {
  return {
    ...JSON.parse(text(item, 'delivery') ?? ''),
    attempts: number(item, 'attempts') ?? 0,
  }
}
