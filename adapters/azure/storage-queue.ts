import { CoreError } from '../../core/index.ts'
import { STORAGE_VERSION } from './blob.ts'
import { type AzureClient, faultOf, unexpected } from './client.ts'

/** The operation of Queue Storage that the adapters need: functions are called with what is in a queue. */
export interface StorageQueues {
  /**
   * Appends one message. Shape of it in the queue: base64, as the trigger of Functions expects it.
   * @throws CoreError `input.not_found` if there is no such queue.
   */
  send(queue: string, text: string): Promise<void>
}

/** What one message holds, before it is written as base64. Source: Queue Storage, scalability targets: 64 KiB. */
export const MAX_MESSAGE_BYTES = 49_152

/** Queue Storage over its REST interface. */
export function createStorageQueues(client: AzureClient): StorageQueues {
  return {
    async send(queue, text) {
      const message = Buffer.from(text, 'utf8').toString('base64')
      const response = await client.send({
        service: 'queue',
        method: 'POST',
        path: `/${encodeURIComponent(queue)}/messages`,
        headers: { 'x-ms-version': STORAGE_VERSION, 'content-type': 'application/xml' },
        body: `<QueueMessage><MessageText>${message}</MessageText></QueueMessage>`,
      })
      if (response.status === 201) return
      if (faultOf(response).code === 'QueueNotFound')
        throw new CoreError('input.not_found', `expected a queue, found none of the name ${queue}`)
      throw unexpected('queue', response)
    },
  }
}
