import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'
import { parseJson } from '../node/web-sender.ts'
import { faultOf, type GcpClient, unexpected } from './client.ts'

/** One message for a topic. */
export interface PubSubMessage {
  readonly data: string | Uint8Array
  readonly attributes?: Readonly<Record<string, string>>
  /** Messages of one key come in their order where a subscription asks for it. */
  readonly orderingKey?: string
}

/** The operations of Pub/Sub that the adapters need. */
export interface PubSub {
  /**
   * Publishes all of the messages, and gives their ids.
   * @throws CoreError `input.not_found` if there is no such topic.
   */
  publish(topic: string, messages: readonly PubSubMessage[]): Promise<readonly string[]>
}

/** What one request takes. Source: Pub/Sub quotas: 1,000 messages, 10 MB. */
const MAX_MESSAGES = 1_000
const MAX_BYTES = 6_000_000

const PublishReply = z.object({ messageIds: z._default(z.array(z.string()), []) })

/** Pub/Sub over its REST interface. */
export function createPubSub(client: GcpClient, project: string): PubSub {
  async function publishSome(topic: string, messages: readonly PubSubMessage[]) {
    const response = await client.send({
      service: 'pubsub',
      method: 'POST',
      path: `/v1/projects/${project}/topics/${encodeURIComponent(topic)}:publish`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        messages: messages.map(({ data, attributes, orderingKey }) => ({
          data: Buffer.from(data).toString('base64'),
          ...(attributes === undefined ? {} : { attributes }),
          ...(orderingKey === undefined ? {} : { orderingKey }),
        })),
      }),
    })
    if (response.status === 200) return PublishReply.parse(parseJson(response.body)).messageIds
    if (faultOf(response).code === 'NOT_FOUND')
      throw new CoreError('input.not_found', `expected a topic, found none of the name ${topic}`)
    throw unexpected('pubsub', response)
  }

  return {
    async publish(topic, messages) {
      const ids: string[] = []
      for (const batch of batches(messages)) ids.push(...(await publishSome(topic, batch)))
      return ids
    },
  }
}

function batches(messages: readonly PubSubMessage[]): PubSubMessage[][] {
  const found: PubSubMessage[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const message of messages) {
    const bytes = Buffer.byteLength(message.data)
    const last = found.at(-1)
    if (last === undefined || last.length === MAX_MESSAGES || size + bytes > MAX_BYTES) {
      found.push([message])
      size = bytes
    } else {
      last.push(message)
      size += bytes
    }
  }
  return found
}
