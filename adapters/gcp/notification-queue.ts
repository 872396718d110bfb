import { createHash } from 'node:crypto'
import {
  type Delivery,
  isUrgent,
  type NotificationQueue,
  priorityOf,
  takeTurns,
} from '../../core/index.ts'
import { type Document, expireAt, type Firestore, number, text, type Write } from './firestore.ts'

export interface NotificationQueueOptions {
  readonly firestore: Firestore
  /** Epoch ms. */
  readonly now: () => number
  /** Tells a worker that something came in; what is not told is found by the tick. */
  readonly wake: (keys: readonly string[], priority: Priority) => Promise<void>
}

/** Which of the two topics carries a delivery: what is critical waits for nothing else. */
export type Priority = 'high' | 'normal'

/** The queue, and the side that a wake-up asks. */
export interface GcpNotificationQueue extends NotificationQueue {
  /** The same queue, of which only these deliveries are claimed. */
  only(keys: readonly string[]): NotificationQueue
}

const DAY_MS = 86_400_000
const COLLECTION = 'notifications'

/**
 * Deliveries as documents of Firestore: who sets the time of a document first has claimed it. Pub/Sub carries only their
 * keys, so that a key that is known for a day, a lease and a time to try again mean the same as on every other cloud.
 *
 * Shape: `notifications/{SHA-256 of the key}`: `due` while it waits, `attempts`, `delivery`; the same time as `urgentDue`
 *        where it is urgent, so that no index of two fields is needed; `settledAt` and `expireAt` once it is settled.
 */
export function createNotificationQueue({
  firestore,
  now,
  wake,
}: NotificationQueueOptions): GcpNotificationQueue {
  async function read(keys: readonly string[]): Promise<ReadonlyMap<string, Document>> {
    return firestore.get(keys.map(pathOf))
  }

  /** Adds those that are new, and gives them. */
  async function addAll(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const at = now()
    const created = await firestore.commitEach(
      deliveries.map((one) => ({ ...added(one, at), if: { exists: false } })),
    )
    const there = deliveries.filter((_, index) => created[index] !== true)
    const fresh = deliveries.filter((_, index) => created[index] === true)
    if (there.length === 0) return fresh
    const stored = await read(there.map(({ key }) => key))
    const forgotten = there.flatMap((one) => {
      const document = stored.get(pathOf(one.key))
      const settledAt = document === undefined ? undefined : number(document, 'settledAt')
      return document !== undefined && settledAt !== undefined && settledAt <= at - DAY_MS
        ? [{ one, updateTime: document.updateTime }]
        : []
    })
    const again = await firestore.commitEach(
      forgotten.map(({ one, updateTime }) => ({ ...added(one, at), if: { updateTime } })),
    )
    return [
      ...fresh,
      ...forgotten.flatMap(({ one }, index) => (again[index] === true ? [one] : [])),
    ]
  }

  /** Sets the time until which documents are hidden, of those that nobody has touched since they were read. */
  async function lease(
    documents: readonly Document[],
    until: number,
  ): Promise<readonly Delivery[]> {
    const held = await firestore.commitEach(
      documents.map((document) => ({
        path: document.path,
        ...dueAt(until, number(document, 'urgentDue') !== undefined),
        if: { updateTime: document.updateTime },
      })),
    )
    return documents.filter((_, index) => held[index] === true).map(toDelivery)
  }

  function findDue(field: 'due' | 'urgentDue', at: number, limit: number) {
    return firestore.query({
      parent: '',
      collection: COLLECTION,
      where: [{ field, op: 'LESS_THAN_OR_EQUAL', value: { doubleValue: at } }],
      orderBy: field,
      limit,
    })
  }

  async function putBack(key: string, time: number, more: 0 | 1): Promise<void> {
    for (;;) {
      const document = (await read([key])).get(pathOf(key))
      if (document === undefined || number(document, 'due') === undefined) return
      const { fields, mask } = dueAt(time, number(document, 'urgentDue') !== undefined)
      const attempts = (number(document, 'attempts') ?? 0) + more
      const [held] = await firestore.commitEach([
        {
          path: document.path,
          fields: { ...fields, attempts: { doubleValue: attempts } },
          mask: [...mask, 'attempts'],
          if: { updateTime: document.updateTime },
        },
      ])
      if (held === true) return
    }
  }

  const queue: NotificationQueue = {
    async enqueue(deliveries) {
      if (deliveries.length === 0) return
      const unique = [...new Map(deliveries.map((one) => [one.key, one])).values()]
      const fresh = await addAll(unique)
      for (const priority of ['high', 'normal'] as const) {
        const keys = fresh
          .filter(({ notification }) => isUrgent(notification) === (priority === 'high'))
          .map(({ key }) => key)
        if (keys.length > 0) await wake(keys, priority)
      }
    },

    async claim(at, limit, leaseMs) {
      const claimed: Delivery[] = []
      // Who loses a document to another looks for the next.
      while (claimed.length < limit) {
        const left = limit - claimed.length
        const oldest = await findDue('due', at, left)
        if (oldest.length === 0) break
        // Where all that is due was found, the urgent ones are among them.
        const urgent = oldest.length < left ? [] : await findDue('urgentDue', at, left)
        const due = new Map([...oldest, ...urgent].map((one) => [one.path, toWaiting(one)]))
        const next = takeTurns([...due.values()], left).map(({ document }) => document)
        // One that is not hidden at all would be claimed again by this very call.
        claimed.push(...(await lease(next, at + Math.max(leaseMs, 1))))
      }
      return claimed
    },

    async settle(key) {
      const at = now()
      await firestore.commitEach([
        {
          path: pathOf(key),
          fields: { settledAt: { doubleValue: at }, ...expireAt(at + DAY_MS) },
          // `attempts` stays, for people.
          mask: ['settledAt', 'expireAt', 'due', 'urgentDue', 'delivery'],
          if: { exists: true },
        },
      ])
    },

    retry: (key, time) => putBack(key, time, 1),
    hold: (key, time) => putBack(key, time, 0),
  }

  return {
    ...queue,
    only: (keys) => ({
      ...queue,
      async claim(at, limit, leaseMs) {
        const documents = [...(await read([...new Set(keys)].slice(0, limit))).values()]
        const due = documents.filter(
          (document) => (number(document, 'due') ?? Number.POSITIVE_INFINITY) <= at,
        )
        return lease(due, at + leaseMs)
      },
    }),
  }
}

function pathOf(key: string): string {
  return `${COLLECTION}/${createHash('sha256').update(key).digest('hex')}`
}

function added({ attempts, ...kept }: Delivery, at: number): Write {
  return {
    path: pathOf(kept.key),
    fields: {
      ...dueAt(at, isUrgent(kept.notification)).fields,
      attempts: { doubleValue: attempts },
      delivery: { stringValue: JSON.stringify(kept) },
    },
  }
}

/** The time at which a document may be claimed. */
function dueAt(time: number, urgent: boolean) {
  const value = { doubleValue: time }
  return urgent
    ? { fields: { due: value, urgentDue: value }, mask: ['due', 'urgentDue'] }
    : { fields: { due: value }, mask: ['due'] }
}

function toWaiting(document: Document) {
  const { notification } = toDelivery(document)
  return { document, priority: priorityOf(notification), dueAt: number(document, 'due') ?? 0 }
}

function toDelivery(document: Document): Delivery {
  return {
    ...JSON.parse(text(document, 'delivery') ?? ''),
    attempts: number(document, 'attempts') ?? 0,
  }
}
