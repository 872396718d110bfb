import { createHash } from 'node:crypto'
import { CoreError, type QueueReader, type QueueSender } from '../../core/index.ts'
import { documentId, expireAt, type Firestore } from './firestore.ts'
import type { PubSub } from './pubsub.ts'

export interface QueuesOptions {
  readonly pubsub: PubSub
  readonly firestore: Firestore
  readonly prefix: string
  /** Epoch ms. */
  readonly now: () => number
  /** Queues of ours, whose names begin with a `$`. */
  readonly own: QueueSender & QueueReader
}

/** For so long an entry of a known key is not added again. Unit: ms. */
const REMEMBERED_MS = 3_600_000

/**
 * Queues that rules fill: one topic of Pub/Sub for each, called by the prefix and its name. Other programs empty them
 * through subscriptions. Pub/Sub knows no keys: a document of Firestore says for an hour that an entry was sent.
 */
export function createQueueSender({
  pubsub,
  firestore,
  prefix,
  now,
  own,
}: QueuesOptions): QueueSender & QueueReader {
  function ownOrThrow(queue: string): QueueReader {
    if (queue.startsWith('$')) return own
    throw new CoreError(
      'input.not_found',
      `${queue}: expected a queue of this system; others are emptied through a subscription of Pub/Sub`,
    )
  }

  return {
    async send(queue, body, key) {
      if (queue.startsWith('$')) return own.send(queue, body, key)
      const digest = createHash('sha256').update(key).digest('hex')
      const path = `queues/${documentId(queue)}/sent/${digest}`
      const sent = (await firestore.get([path])).get(path)
      const until = sent?.fields['expireAt']
      if (until !== undefined && 'timestampValue' in until) {
        if (Date.parse(until.timestampValue) > now()) return
      }
      await pubsub.publish(`${prefix}${queue}`, [
        { data: JSON.stringify(body), attributes: { key: digest }, orderingKey: 'rules' },
      ])
      // After it: a crash in between gives the entry twice, and never none.
      await firestore.commit([{ path, fields: expireAt(now() + REMEMBERED_MS) }])
    },

    claim: async (queue, limit, leaseMs) => ownOrThrow(queue).claim(queue, limit, leaseMs),
    remove: async (queue, id) => ownOrThrow(queue).remove(queue, id),
    release: async (queue, id) => ownOrThrow(queue).release(queue, id),
  }
}
