import { createHash } from 'node:crypto'
import type { QueueSender } from '../../core/index.ts'
import type { Sqs } from './sqs.ts'

/**
 * Queues that rules fill: one FIFO queue of SQS for each.
 *
 * Shape: the queue `work` is called `{prefix}work.fifo`. An entry of a known key is not added for five minutes, which is
 *        what SQS remembers.
 */
export function createQueueSender(sqs: Sqs, prefix: string): QueueSender {
  const urls = new Map<string, Promise<string>>()

  function urlOf(queue: string): Promise<string> {
    let url = urls.get(queue)
    if (url === undefined) {
      url = sqs.urlOf(`${prefix}${queue}.fifo`)
      urls.set(queue, url)
      url.catch(() => urls.delete(queue))
    }
    return url
  }

  return {
    async send(queue, body, key) {
      const deduplicationId = createHash('sha256').update(key).digest('hex')
      await sqs.send(await urlOf(queue), [
        { body: JSON.stringify(body), group: 'rules', deduplicationId },
      ])
    },
  }
}
