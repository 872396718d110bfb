import type { QueueReader, QueueSender } from '../../core/index.ts'
import type { Sqs } from './sqs.ts'

/** SQS hides a message for 12 h at most. */
const MAX_LEASE_SECONDS = 43_200

/**
 * Queues that rules fill: one FIFO queue of SQS for each.
 *
 * Shape: the queue `work` is called `{prefix}work.fifo`. An entry of a known key is not added for five minutes, which is
 *        what SQS remembers. Ours begin with a `$`, which becomes `own-`.
 */
export function createQueueSender(sqs: Sqs, prefix: string): QueueSender & QueueReader {
  const urls = new Map<string, Promise<string>>()

  function urlOf(queue: string): Promise<string> {
    let url = urls.get(queue)
    if (url === undefined) {
      url = sqs.urlOf(`${prefix}${queue.replace(/^\$/, 'own-')}.fifo`)
      urls.set(queue, url)
      url.catch(() => urls.delete(queue))
    }
    return url
  }

  return {
    async send(queue, body, key) {
      const { createHash } = process.getBuiltinModule('node:crypto')
      const deduplicationId = createHash('sha256').update(key).digest('hex')
      await sqs.send(await urlOf(queue), [
        { body: JSON.stringify(body), group: 'rules', deduplicationId },
      ])
    },

    async claim(queue, limit, leaseMs) {
      const seconds = Math.min(Math.ceil(leaseMs / 1_000), MAX_LEASE_SECONDS)
      const found = await sqs.receive(await urlOf(queue), limit, seconds)
      return found.map(({ handle, sentAt, body }) => ({
        id: handle,
        at: sentAt,
        body: JSON.parse(body),
      }))
    },

    remove: async (queue, id) => sqs.remove(await urlOf(queue), id),
    release: async (queue, id) => sqs.release(await urlOf(queue), id),
  }
}
