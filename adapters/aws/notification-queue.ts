import { type Delivery, isUrgent, type NotificationQueue, takeTurns } from '../../core/index.ts'
import { type Dynamo, type Item, number, text } from './dynamo.ts'

export interface NotificationQueueOptions {
  readonly dynamo: Dynamo
  /** Shape: hash `key`; index `waiting` by (`waiting`, `due`), where `waiting` is `urgent` or `waiting`. */
  readonly table: string
  /** Epoch ms. */
  readonly now: () => number
  /** Tells a worker that something came in; what is not told is found by the tick. */
  readonly wake: (keys: readonly string[], priority: Priority) => Promise<void>
}

/** Which of the two queues carries a delivery: what is critical waits for nothing else. */
export type Priority = 'high' | 'normal'

/** The queue, and the side that a wake-up asks. */
export interface AwsNotificationQueue extends NotificationQueue {
  /** The same queue, of which only these deliveries are claimed. */
  only(keys: readonly string[]): NotificationQueue
}

const DAY_MS = 86_400_000

/**
 * Deliveries as items of DynamoDB: who sets the time of an item first has claimed it. SQS carries only their keys, so
 * that a key that is known for a day, a lease and a time to try again mean the same as on every other cloud.
 */
export function createNotificationQueue({
  dynamo,
  table,
  now,
  wake,
}: NotificationQueueOptions): AwsNotificationQueue {
  async function add(delivery: Delivery): Promise<boolean> {
    const { attempts, ...kept } = delivery
    const at = now()
    const written = await dynamo.put(
      table,
      {
        key: { S: delivery.key },
        waiting: { S: classOf(delivery) },
        due: { N: String(at) },
        attempts: { N: String(attempts) },
        delivery: { S: JSON.stringify(kept) },
      },
      {
        text: 'attribute_not_exists(#key) OR settledAt <= :before',
        names: { '#key': 'key' },
        values: { ':before': { N: String(at - DAY_MS) } },
      },
    )
    return written.ok
  }

  /** Sets the time until which an item is hidden, if nobody has since it was read. */
  async function lease(item: Item, until: number): Promise<Delivery | undefined> {
    const key = text(item, 'key') ?? ''
    const written = await dynamo.update(
      table,
      { key: { S: key } },
      {
        text: 'SET due = :until',
        values: { ':until': { N: String(until) }, ':seen': { N: String(number(item, 'due')) } },
      },
      'due = :seen AND attribute_exists(waiting)',
    )
    return written.item === undefined ? undefined : toDelivery(written.item)
  }

  async function leaseAll(items: readonly Item[], until: number): Promise<readonly Delivery[]> {
    const leased = await Promise.all(items.map((item) => lease(item, until)))
    return leased.filter((delivery) => delivery !== undefined)
  }

  async function findDue(name: Class, at: number, limit: number): Promise<readonly Item[]> {
    return dynamo.query({
      table,
      index: 'waiting',
      limit,
      key: {
        text: 'waiting = :waiting AND due <= :now',
        values: { ':waiting': { S: name }, ':now': { N: String(at) } },
      },
    })
  }

  async function claim(at: number, limit: number, leaseMs: number): Promise<readonly Delivery[]> {
    const claimed: Delivery[] = []
    // Who loses an item to another looks for the next.
    while (claimed.length < limit) {
      const left = limit - claimed.length
      const [urgent, rest] = await Promise.all([
        findDue('urgent', at, left),
        findDue('waiting', at, left),
      ])
      const next = takeTurns([...urgent, ...rest].map(toWaiting), left)
      if (next.length === 0) break
      const items = next.map(({ item }) => item)
      const leased = await leaseAll(items, at + Math.max(leaseMs, 1))
      claimed.push(...leased)
      if (leased.length === 0 && items.length < left) break
    }
    return claimed
  }

  async function putBack(key: string, dueAt: number, attempts: 0 | 1): Promise<void> {
    await dynamo.update(
      table,
      { key: { S: key } },
      {
        text: 'SET due = :due ADD attempts :more',
        values: { ':due': { N: String(dueAt) }, ':more': { N: String(attempts) } },
      },
      'attribute_exists(waiting)',
    )
  }

  const queue: NotificationQueue = {
    async enqueue(deliveries) {
      const unique = [...new Map(deliveries.map((one) => [one.key, one])).values()]
      const added = await Promise.all(unique.map(add))
      const fresh = unique.filter((_, index) => added[index])
      for (const priority of ['high', 'normal'] as const) {
        const keys = fresh
          .filter(({ notification }) => isUrgent(notification) === (priority === 'high'))
          .map(({ key }) => key)
        if (keys.length > 0) await wake(keys, priority)
      }
    },

    claim,

    async settle(key) {
      const at = now()
      await dynamo.update(
        table,
        { key: { S: key } },
        {
          text: 'SET settledAt = :now, #ttl = :ttl REMOVE waiting, delivery',
          names: { '#ttl': 'ttl', '#key': 'key' },
          values: {
            ':now': { N: String(at) },
            ':ttl': { N: String(Math.ceil((at + DAY_MS) / 1_000)) },
          },
        },
        'attribute_exists(#key) AND attribute_not_exists(settledAt)',
      )
    },

    retry: (key, dueAt) => putBack(key, dueAt, 1),
    hold: (key, dueAt) => putBack(key, dueAt, 0),
  }

  return {
    ...queue,
    only: (keys) => ({
      ...queue,
      async claim(at, limit, leaseMs) {
        const items = await dynamo.batchGet(
          table,
          [...new Set(keys)].slice(0, limit).map((key) => ({ key: { S: key } })),
        )
        const due = items.filter(
          (item) => text(item, 'waiting') !== undefined && (number(item, 'due') ?? 0) <= at,
        )
        return leaseAll(due, at + leaseMs)
      },
    }),
  }
}

/** The two partitions of the index. */
type Class = 'urgent' | 'waiting'

function classOf({ notification }: Delivery): Class {
  return isUrgent(notification) ? 'urgent' : 'waiting'
}

/** The index has keys only: all of a class count the same, and the longest due of it is first. */
function toWaiting(item: Item) {
  const priority = text(item, 'waiting') === 'urgent' ? 1 : 0
  return { item, priority, dueAt: number(item, 'due') ?? 0 }
}

function toDelivery(item: Item): Delivery {
  return {
    ...JSON.parse(text(item, 'delivery') ?? ''),
    attempts: number(item, 'attempts') ?? 0,
  }
}
