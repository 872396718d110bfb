import { createHash } from 'node:crypto'
import type { QueueEntry, QueueReader, QueueSender } from '../../core/index.ts'
import { type Document, documentId, type Firestore, number, text } from './firestore.ts'

/**
 * Queues that this system reads itself, such as the feedback about commands, as documents of Firestore: Pub/Sub hides a
 * message for ten minutes at most, and does not say whether what is removed was there.
 *
 * Shape: `queues/k{queue}/entries/{SHA-256 of the key}`: `at`, `due`, `body`.
 */
export function createOwnQueues(
  firestore: Firestore,
  now: () => number,
): QueueSender & QueueReader {
  let last = 0

  /** Grows within the process, also within one ms. */
  function nextDue(): number {
    last = Math.max(now(), last + 1 / 1_024)
    return last
  }

  async function find(queue: string, id: string): Promise<Document | undefined> {
    const path = `${queuePath(queue)}/entries/${encodeURIComponent(id)}`
    return (await firestore.get([path])).get(path)
  }

  return {
    async send(queue, body, key) {
      const at = nextDue()
      await firestore.commit([
        {
          path: `${queuePath(queue)}/entries/${createHash('sha256').update(key).digest('hex')}`,
          fields: {
            at: { doubleValue: at },
            due: { doubleValue: at },
            body: { stringValue: JSON.stringify(body) },
          },
          if: { exists: false },
        },
      ])
    },

    async claim(queue, limit, leaseMs) {
      const claimed: QueueEntry[] = []
      const at = now()
      while (claimed.length < limit) {
        const documents = await firestore.query({
          parent: queuePath(queue),
          collection: 'entries',
          // The last one that was sent may be a part of a ms ahead.
          where: [{ field: 'due', op: 'LESS_THAN', value: { doubleValue: Math.floor(at) + 1 } }],
          orderBy: 'due',
          limit: limit - claimed.length,
        })
        if (documents.length === 0) break
        const held = await firestore.commitEach(
          documents.map(({ path, updateTime }) => ({
            path,
            fields: { due: { doubleValue: at + Math.max(leaseMs, 1) } },
            mask: ['due'],
            if: { updateTime },
          })),
        )
        for (const [index, document] of documents.entries())
          if (held[index] === true) claimed.push(toEntry(document))
      }
      return claimed
    },

    async remove(queue, id) {
      const path = `${queuePath(queue)}/entries/${encodeURIComponent(id)}`
      return (await firestore.commit([{ path, remove: true, if: { exists: true } }])).held
    },

    async release(queue, id) {
      const document = await find(queue, id)
      if (document === undefined) return
      await firestore.commit([
        {
          path: document.path,
          fields: { due: { doubleValue: number(document, 'at') ?? 0 } },
          mask: ['due'],
          if: { exists: true },
        },
      ])
    },
  }
}

function queuePath(queue: string): string {
  return `queues/${documentId(queue)}`
}

function toEntry(document: Document): QueueEntry {
  return {
    id: document.path.slice(document.path.lastIndexOf('/') + 1),
    at: Math.floor(number(document, 'at') ?? 0),
    body: JSON.parse(text(document, 'body') ?? ''),
  }
}
