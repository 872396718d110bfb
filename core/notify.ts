import { CoreError } from './errors.ts'
import type { Delivery } from './model/notification.ts'
import { backoffMs, MAX_ATTEMPTS } from './notifications/backoff.ts'
import { renderWebhook } from './notifications/render.ts'
import { endsTable } from './notifications/tables.ts'
import { renderTopic, reworded } from './notifications/template.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** How long a claimed delivery is hidden from other workers. Unit: ms. Longer than any channel may take. */
const LEASE_MS = 120_000

export interface NotifyReport {
  readonly sent: number
  readonly retried: number
  readonly failed: number
}

/** Sends what is due in the queue, at most `limit` deliveries. */
export type Notify = (limit: number) => Promise<NotifyReport>

/** Builds the use case that empties the notification queue: claim, send in parallel, settle each by itself. */
export function createNotify(
  ports: Ports,
  { config, words }: Pick<Program, 'config' | 'words'>,
  fanOut: (page: Delivery) => Promise<void>,
): Notify {
  /** One delivery that cannot be settled now leaves the others alone: its lease ends, and it comes again. */
  async function deliver(delivery: Delivery): Promise<keyof NotifyReport> {
    try {
      return await sendAndSettle(delivery)
    } catch (error) {
      ports.observer.log('error', 'delivery not settled', {
        channelId: delivery.channelId,
        reason: error instanceof Error ? error.message : String(error),
      })
      return 'retried'
    }
  }

  async function sendAndSettle(delivery: Delivery): Promise<keyof NotifyReport> {
    try {
      await send(delivery)
    } catch (error) {
      return putOff(delivery, error)
    }
    await ports.notifications.settle(delivery.key)
    await keepEnd(delivery, 'sent')
    ports.observer.count('notification.sent', 1, { channelId: delivery.channelId })
    return 'sent'
  }

  /** Tells whoever asked for it how it ended. What cannot be told now leaves the delivery as it is: it has ended. */
  async function keepEnd(
    { key, accountId }: Delivery,
    state: 'sent' | 'failed',
    error?: unknown,
  ): Promise<void> {
    if (accountId === undefined) return
    const reason = error instanceof Error ? { reason: error.message } : {}
    try {
      await ports.tables.put(endsTable(accountId), key, { state, at: ports.clock.now(), ...reason })
    } catch {
      ports.observer.log('warn', 'end of a delivery not kept', { key, state })
    }
  }

  /** Topics and queues are the core's own ways; all else is the business of the cloud. */
  function send(given: Delivery): Promise<void> {
    if (given.fanOut !== undefined) return fanOut(given)
    const { channelId, key } = given
    const channel = Object.hasOwn(config.channels, channelId)
      ? config.channels[channelId]
      : undefined
    const own = words.get(channelId)
    const delivery = own === undefined ? given : reworded(given, own.subject, own.text)
    switch (channel?.type) {
      case 'mqtt': {
        const { qos, retain } = channel
        const topic = renderTopic(channel.topic, delivery.notification)
        const payload = JSON.stringify(renderWebhook(delivery))
        const message = { kind: 'publish', topic, payload, encoding: 'utf8', qos, retain } as const
        return ports.downlink.publish(message, key)
      }
      case 'queue':
        return ports.queues.send(channel.queue, renderWebhook(delivery), key)
      default:
        return ports.channels.send(delivery)
    }
  }

  async function putOff(delivery: Delivery, error: unknown): Promise<keyof NotifyReport> {
    const attempts = delivery.attempts + 1
    const retryable = !(error instanceof CoreError) || error.retryable
    if (retryable && attempts < MAX_ATTEMPTS) {
      const askedFor = error instanceof CoreError ? Number(error.details['retryAfterMs'] ?? 0) : 0
      await ports.notifications.retry(
        delivery.key,
        ports.clock.now() + backoffMs(attempts, ports.ids.random(), askedFor),
      )
      ports.observer.count('notification.retried', 1, { channelId: delivery.channelId })
      return 'retried'
    }
    await setAside(delivery, attempts, error)
    await ports.notifications.settle(delivery.key)
    await keepEnd(delivery, 'failed', error)
    ports.observer.count('notification.failed', 1, { channelId: delivery.channelId })
    return 'failed'
  }

  async function setAside(delivery: Delivery, attempts: number, error: unknown): Promise<void> {
    const now = ports.clock.now()
    const payload = new TextEncoder().encode(JSON.stringify(delivery))
    await ports.deadLetters.put({
      id: ports.ids.next(now),
      at: now,
      deviceId: delivery.notification.deviceId,
      topic: `notifications/${delivery.channelId}`,
      source: 'notify',
      contentType: 'application/json',
      payload,
      payloadBytes: payload.length,
      receivedAt: delivery.notification.at,
      messageId: delivery.key,
      code: error instanceof CoreError ? error.code : 'channel.unavailable',
      reason: `${attempts === 1 ? 'refused' : `given up after ${attempts} tries`}: ${error instanceof Error ? error.message : String(error)}`,
    })
  }

  return async (limit) => {
    const deliveries = await ports.notifications.claim(ports.clock.now(), limit, LEASE_MS)
    const ends = await Promise.all(deliveries.map(deliver))
    const count = (end: keyof NotifyReport): number => ends.filter((one) => one === end).length
    return { sent: count('sent'), retried: count('retried'), failed: count('failed') }
  }
}
