import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { After, AnyJson, whole } from './schemas.ts'

const MAX_BODY_BYTES = 4_096
const MAX_LISTED = 1_000
const MAX_CLAIMED = 100
const MAX_LEASE_S = 43_200

const GoneAddress = z
  .object({
    id: z.string(),
    channelId: z.string(),
    address: z.string().meta({ description: 'Masked.' }),
    reason: z.string(),
    at: z.string().meta({ description: 'ISO 8601.' }),
  })
  .meta({ id: 'GoneAddress' })

function between(most: number) {
  const words = `expected a whole number from 1 to ${most}`
  return z.int(words).min(1, words).max(most, words)
}

const Claim = z
  .strictObject({
    limit: between(MAX_CLAIMED).default(10),
    leaseSeconds: between(MAX_LEASE_S).default(60).meta({
      description: 'For how long they are hidden from others.',
    }),
    ack: z
      .enum(['receipt', 'processed'], 'expected receipt or processed')
      .default('processed')
      .meta({ description: 'When they are gone: at once, or when they are removed.' }),
  })
  .meta({ id: 'Claim' })

const QueueParams = z.strictObject({ queue: z.string() })

/** What becomes of notifications on their way: acknowledgements, addresses that are gone, and queues that are pulled. */
export function deliveryEndpoints({
  addresses,
  ports,
  program,
  acknowledgeDelivery,
}: Core): readonly Endpoint[] {
  /** Queues of channels; others, such as the feedback about commands, have ways of their own. */
  function queueOf(name: string): string {
    const channels = Object.values(program.config.channels)
    if (channels.some((channel) => channel.type === 'queue' && channel.queue === name)) return name
    throw new CoreError('input.not_found', 'expected the queue of a channel of type queue')
  }

  return [
    endpoint({
      method: 'get',
      path: '/notifications/addresses',
      operation: 'listGoneAddresses',
      tag: 'Notifications',
      summary: 'Addresses to which nothing is sent any more.',
      needs: 'people:read',
      query: z.strictObject({ limit: whole(1, MAX_LISTED).optional(), after: After }),
      answer: z.object({ addresses: z.array(GoneAddress), next: z.string().optional() }),
      async handle({ query: { limit = 100, after = '' } }) {
        const found = await addresses.list(after, limit)
        const next = found.length === limit ? found.at(-1)?.id : undefined
        return {
          addresses: found.map(({ at, ...one }) => ({ ...one, at: new Date(at).toISOString() })),
          ...(next === undefined ? {} : { next }),
        }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/notifications/addresses/{channelId}/{digest}',
      operation: 'enableAddress',
      tag: 'Notifications',
      summary: 'An address may be sent to again.',
      needs: 'people:write',
      params: z.strictObject({ channelId: z.string(), digest: z.string() }),
      async handle({ context, params: { channelId, digest } }) {
        if (!(await addresses.enable(`${channelId}/${digest}`)))
          throw new CoreError('input.not_found', 'expected the id of a disabled address')
        context.set('change', { target: `address/${channelId}/${digest}` })
        return undefined
      },
    }),
    endpoint({
      method: 'post',
      path: '/notifications/deliveries/{deliveryId}/ack',
      operation: 'acknowledgeDelivery',
      tag: 'Notifications',
      summary: 'The receiver of a webhook has it: its token comes with the delivery.',
      needs: 'open',
      params: z.strictObject({ deliveryId: z.string() }),
      idempotent: false,
      async handle({ context, params: { deliveryId } }) {
        const shown = context.req.header('authorization') ?? ''
        const token = /^Bearer +(\S+)$/i.exec(shown)?.[1] ?? ''
        await acknowledgeDelivery(deliveryId, token)
        return undefined
      },
    }),
    endpoint({
      method: 'post',
      path: '/notifications/queues/{queue}/claim',
      operation: 'claimNotifications',
      tag: 'Notifications',
      summary: 'Takes what waits in the queue of a channel.',
      needs: 'notifications:write',
      params: QueueParams,
      body: Claim,
      bodyOptional: true,
      maxBytes: MAX_BODY_BYTES,
      // What was taken is hidden: the same again takes the next ones.
      idempotent: false,
      answer: z.object({
        messages: z.array(
          z
            .object({
              id: z.string(),
              at: z.string().meta({ description: 'ISO 8601.' }),
              body: AnyJson,
            })
            .meta({ id: 'ClaimedMessage' }),
        ),
      }),
      async handle({ params, body: { limit, leaseSeconds, ack } }) {
        const queue = queueOf(params.queue)
        const claimed = await ports.queues.claim(queue, limit, leaseSeconds * 1_000)
        // Gone before the answer is on its way: who loses it loses them, and nobody gets one twice.
        if (ack === 'receipt')
          await Promise.all(claimed.map(({ id }) => ports.queues.remove(queue, id)))
        return {
          messages: claimed.map(({ id, at, body }) => ({
            id,
            at: new Date(at).toISOString(),
            body,
          })),
        }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/notifications/queues/{queue}/messages/{messageId}',
      operation: 'removeClaimed',
      tag: 'Notifications',
      summary: 'What was taken is done with.',
      needs: 'notifications:write',
      params: QueueParams.extend({ messageId: z.string() }),
      async handle({ params: { queue, messageId } }) {
        if (await ports.queues.remove(queueOf(queue), messageId)) return undefined
        throw new CoreError('input.not_found', 'expected a message that is claimed')
      },
    }),
  ]
}
