import * as z from 'zod/mini'
import { parseJson } from '../node/web-sender.ts'
import { type GcpClient, unexpected } from './client.ts'

/** A message that was pulled. */
export interface Pulled {
  readonly ackId: string
  readonly data: Buffer
  readonly attributes: Readonly<Record<string, string>>
}

/** A subscription that is pulled. */
export interface Puller {
  /** What waits, after a while nothing. In order where the subscription keeps it. */
  pull(): Promise<readonly Pulled[]>
  acknowledge(ackIds: readonly string[]): Promise<void>
}

/** Messages of one pull, and how long Pub/Sub may think about it when nothing waits. */
const MAX_MESSAGES = 100
const PULL_MS = 120_000

const PullReply = z.object({
  receivedMessages: z._default(
    z.array(
      z.object({
        ackId: z.string(),
        message: z.object({
          data: z._default(z.string(), ''),
          attributes: z._default(z.record(z.string(), z.string()), {}),
        }),
      }),
    ),
    [],
  ),
})

/** Source: Pub/Sub REST reference, projects.subscriptions, `pull` and `acknowledge`. */
export function createPuller(client: GcpClient, project: string, subscription: string): Puller {
  async function call(verb: string, body: object, timeoutMs?: number): Promise<Buffer> {
    const response = await client.send({
      service: 'pubsub',
      method: 'POST',
      path: `/v1/projects/${project}/subscriptions/${encodeURIComponent(subscription)}:${verb}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
    if (response.status !== 200) throw unexpected('pubsub', response)
    return response.body
  }

  return {
    async pull() {
      const body = await call('pull', { maxMessages: MAX_MESSAGES }, PULL_MS)
      return PullReply.parse(parseJson(body)).receivedMessages.map(({ ackId, message }) => ({
        ackId,
        data: Buffer.from(message.data, 'base64'),
        attributes: message.attributes,
      }))
    },

    async acknowledge(ackIds) {
      if (ackIds.length > 0) await call('acknowledge', { ackIds })
    },
  }
}
