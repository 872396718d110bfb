import { CoreError, type QueueReader, type QueueSender } from '../../core/index.ts'
import { type Cosmos, expireIn, number } from './cosmos.ts'
import { digestOf } from './digest.ts'
import type { ObjectStore } from './object-store.ts'
import { MAX_MESSAGE_BYTES, type StorageQueues } from './storage-queue.ts'

export interface QueuesOptions {
  readonly queues: StorageQueues
  readonly cosmos: Cosmos
  readonly objects: Pick<ObjectStore, 'put'>
  readonly prefix: string
  /** Epoch ms. */
  readonly now: () => number
  /** Queues of ours, whose names begin with a `$`. */
  readonly own: QueueSender & QueueReader
}

/** For so long an entry of a known key is not added again. Unit: ms. */
const REMEMBERED_MS = 3_600_000

/**
 * Queues that rules fill: one Storage queue for each, called by the prefix and its name. Other programs empty them. A
 * Storage queue knows no keys: an item of Cosmos says for an hour that an entry was sent.
 *
 * Shape of a message: the entry as JSON, in base64; where that is over 48 KiB, `{"$blob": name}` of the blob that has it.
 */
export function createQueueSender({
  queues,
  cosmos,
  objects,
  prefix,
  now,
  own,
}: QueuesOptions): QueueSender & QueueReader {
  function ownOrThrow(queue: string): QueueReader {
    if (queue.startsWith('$')) return own
    throw new CoreError(
      'input.not_found',
      `${queue}: expected a queue of this system; others are emptied as queues of Azure Storage`,
    )
  }

  return {
    async send(queue, body, key) {
      if (queue.startsWith('$')) return own.send(queue, body, key)
      const id = digestOf(key)
      const shelf = `sent/${queue}`
      const sent = await cosmos.get('items', shelf, id)
      if (sent !== undefined && (number(sent, 'at') ?? 0) > now() - REMEMBERED_MS) return
      const json = JSON.stringify(body)
      if (Buffer.byteLength(json) <= MAX_MESSAGE_BYTES) await queues.send(nameOf(queue), json)
      else {
        const blob = `queues/${queue}/${id}.json`
        await objects.put(blob, Buffer.from(json), 'application/json')
        await queues.send(nameOf(queue), JSON.stringify({ $blob: blob }))
      }
      // After it: a crash in between gives the entry twice, and never none.
      await cosmos.put('items', shelf, { id, shelf, at: now(), ...expireIn(REMEMBERED_MS) })
    },

    claim: async (queue, limit, leaseMs) => ownOrThrow(queue).claim(queue, limit, leaseMs),
    remove: async (queue, id) => ownOrThrow(queue).remove(queue, id),
    release: async (queue, id) => ownOrThrow(queue).release(queue, id),
  }

  /** Source: Queue Storage, "Naming queues and metadata": small letters, digits and single hyphens. */
  function nameOf(queue: string): string {
    return `${prefix}${queue}`
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
  }
}
