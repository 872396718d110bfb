import type { QueueEntry, QueueReader, QueueSender } from '../../core/index.ts'
import { type Cosmos, etag, type Item, number, text } from './cosmos.ts'
import { digestOf } from './digest.ts'

/**
 * Queues that this system reads itself, such as the feedback about commands, as items of Cosmos: a Storage queue knows no
 * keys, and hides each message by a receipt of its own.
 *
 * Shape: each queue a partition; id SHA-256 of the key; `at`, `due`, `body`.
 */
export function createOwnQueues(cosmos: Cosmos, now: () => number): QueueSender & QueueReader {
  let last = 0

  /** Grows within the process, also within one ms. */
  function nextDue(): number {
    last = Math.max(now(), last + 1 / 1_024)
    return last
  }

  async function setDue(shelf: string, item: Item, due: number): Promise<boolean> {
    const next = { id: idOf(item), shelf, at: number(item, 'at') ?? 0, due, body: bodyOf(item) }
    return (await cosmos.replace('items', shelf, next, etag(item))).held
  }

  return {
    async send(queue, body, key) {
      const at = nextDue()
      const shelf = shelfOf(queue)
      const item = { id: digestOf(key), shelf, at, due: at, body: JSON.stringify(body) }
      await cosmos.create('items', shelf, item)
    },

    async claim(queue, limit, leaseMs) {
      const claimed: QueueEntry[] = []
      const at = now()
      const shelf = shelfOf(queue)
      while (claimed.length < limit) {
        const items = await cosmos.query({
          container: 'items',
          partition: shelf,
          // The last one that was sent may be a part of a ms ahead.
          text: 'SELECT * FROM c WHERE c.shelf = @shelf AND c.due < @before ORDER BY c.due',
          parameters: { shelf, before: Math.floor(at) + 1 },
          limit: limit - claimed.length,
        })
        if (items.length === 0) break
        const until = at + Math.max(leaseMs, 1)
        const held = await Promise.all(items.map((item) => setDue(shelf, item, until)))
        for (const [index, item] of items.entries())
          if (held[index] === true) claimed.push(toEntry(item))
      }
      return claimed
    },

    remove: (queue, id) => cosmos.remove('items', shelfOf(queue), id),

    async release(queue, id) {
      const shelf = shelfOf(queue)
      for (;;) {
        const item = await cosmos.get('items', shelf, id)
        if (item === undefined) return
        if (await setDue(shelf, item, number(item, 'at') ?? 0)) return
      }
    },
  }
}

function shelfOf(queue: string): string {
  return `queue/${queue}`
}

function idOf(item: Item): string {
  return text(item, 'id') ?? ''
}

function bodyOf(item: Item): string {
  return text(item, 'body') ?? 'null'
}

function toEntry(item: Item): QueueEntry {
  return {
    id: idOf(item),
    at: Math.floor(number(item, 'at') ?? 0),
    body: JSON.parse(bodyOf(item)),
  }
}
