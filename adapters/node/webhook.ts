import {
  type ChannelConfig,
  type Clock,
  type Delivery,
  deliveryId,
  renderWebhook,
} from '../../core/index.ts'
import type { Resolve } from './guarded-lookup.ts'
import { createGuardedSender } from './guarded-sender.ts'
import { signWebhook } from './signature.ts'

type WebhookConfig = Extract<ChannelConfig, { type: 'webhook' }>

/** Posts deliveries to webhooks, over connections that are kept open. */
export interface WebhookSender {
  /**
   * Resolves when the other side answered with a status of 2xx.
   * @throws CoreError `channel.*`, as `GuardedSender.send` does.
   */
  send(config: WebhookConfig, delivery: Delivery): Promise<void>
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
    async send(config, delivery) {
      const now = clock.now()
      await sender.send({
        method: 'POST',
        url: new URL(config.url),
        timeoutMs: config.timeout,
        allowPrivate: config.allowPrivate,
        now,
        ...render(config, delivery, now),
      })
    },
    close: sender.close,
  }
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
  return { headers, body }
}
