import {
  type ChannelConfig,
  type Clock,
  CoreError,
  createAckToken,
  type Delivery,
  deliveryId,
  renderWebhook,
  type Sending,
} from '../../core/index.ts'
import type { Resolve } from './guarded-lookup.ts'
import { createGuardedSender } from './guarded-sender.ts'
import { nobodyLeft, UNHEARD } from './recipients.ts'
import { signWebhook } from './signature.ts'

type WebhookConfig = Extract<ChannelConfig, { type: 'webhook' }>

/** Posts deliveries to webhooks, over connections that are kept open. */
export interface WebhookSender {
  /**
   * Resolves when the other side answered with a status of 2xx. After 202 it keeps the delivery, where the channel says that
   * it is gone only once it is processed.
   * @throws CoreError `channel.*`, as `GuardedSender.send` does; `channel.gone` for 410 and ever after.
   */
  send(config: WebhookConfig, delivery: Delivery, sending?: Sending): Promise<void>
  /** Ends every connection; what is under way fails as `channel.unavailable`. */
  close(): void
}

export interface WebhookSenderOptions {
  readonly clock: Clock
  /** How names become addresses; the system's way unless given. */
  readonly resolve?: Resolve
}

/** Builds a sender of webhooks. */
export function createWebhookSender({ clock, resolve }: WebhookSenderOptions): WebhookSender {
  const sender = createGuardedSender(resolve)
  return {
    async send(config, delivery, sending = UNHEARD) {
      if (await sending.isGone(config.url)) throw nobodyLeft(1)
      const now = clock.now()
      const url = new URL(config.url)
      const status = await sender
        .send({
          method: 'POST',
          url,
          timeoutMs: config.timeout,
          allowPrivate: config.allowPrivate,
          now,
          ...render(config, delivery, now),
        })
        .catch((error: unknown) => {
          throw isGone(error) ? goneError(url, config.url, sending) : error
        })
      if (status === ACCEPTED && config.ack === 'processed') sending.keep(config.ackWithin)
    },
    close: sender.close,
  }
}

/** Source: RFC 9110, 15.3.3: taken for processing, which is not done. */
const ACCEPTED = 202

/** Source: RFC 9110, 15.5.11: no longer there, and likely for good. */
function isGone(error: unknown): boolean {
  return error instanceof CoreError && error.details['status'] === 410
}

function goneError(url: URL, address: string, sending: Sending): CoreError {
  sending.gone(address, url.host, 'status 410')
  return new CoreError('channel.gone', `${url.host}: the address is gone (status 410)`, {
    details: { status: 410 },
  })
}

function render(
  config: WebhookConfig,
  delivery: Delivery,
  now: number,
): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(renderWebhook(delivery))
  const id = deliveryId(delivery)
  const timestamp = Math.floor(now / 1_000)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'anyhub',
    'idempotency-key': id,
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
  }
  if (config.secret !== undefined)
    headers['webhook-signature'] = signWebhook(config.secret, id, timestamp, body)
  if (config.secret !== undefined && config.ack === 'processed')
    headers['webhook-ack-token'] = createAckToken(config.secret, { ...delivery, id })
  return { headers, body }
}
