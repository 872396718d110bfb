import type { Addresses } from './addresses.ts'
import { CoreError } from './errors.ts'
import { addressHealth, endpointHealth, type TellSystem } from './health/system.ts'
import type { Delivery } from './model/notification.ts'
import { backoffMs, MAX_ATTEMPTS } from './notifications/backoff.ts'
import { maskWords } from './notifications/channels/mask.ts'
import {
  afterAnswer,
  afterFailure,
  askPassage,
  type Circuit,
  CLOSED,
  isOpen,
} from './notifications/circuit.ts'
import { renderWebhook } from './notifications/render.ts'
import { endsTable } from './notifications/tables.ts'
import { renderTopic, reworded } from './notifications/template.ts'
import type { Ports, Sending } from './ports.ts'
import type { Program } from './program.ts'

/** How long a claimed delivery is hidden from other workers. Unit: ms. Longer than any channel may take. */
const LEASE_MS = 120_000

/** A delivery waits for its endpoint no longer than this; then it is tried as if nothing were known. Unit: ms. */
const HELD_MS = 86_400_000

export interface NotifyReport {
  readonly sent: number
  /** Also what waits for an endpoint that is left alone, or for its acknowledgement. */
  readonly retried: number
  /** Also what expired. */
  readonly failed: number
}

/** Sends what is due in the queue, at most `limit` deliveries. */
export type Notify = (limit: number) => Promise<NotifyReport>

/** What `notify` stands on besides the ports; it outlives one call. */
export interface NotifyParts {
  readonly fanOut: (page: Delivery) => Promise<void>
  readonly addresses: Pick<Addresses, 'isGone' | 'disable'>
  /** How endpoints answered lately, by channel, as this process saw it. */
  readonly circuits: Map<string, Circuit>
  readonly tellSystem: TellSystem
  /** Whether the throttle of its channel lets a delivery pass. */
  readonly admit: (delivery: Delivery) => Promise<boolean>
}

/** What one try came to, where it did not throw. */
type Try = { readonly keptForMs?: number }

/** Builds the use case that empties the notification queue: claim, send in parallel, settle each by itself. */
export function createNotify(
  ports: Ports,
  { config, words }: Pick<Program, 'config' | 'words'>,
  { fanOut, addresses, circuits, tellSystem, admit }: NotifyParts,
): Notify {
  /** One delivery that cannot be settled now leaves the others alone: its lease ends, and it comes again. */
  async function deliver(delivery: Delivery): Promise<keyof NotifyReport> {
    try {
      return await sendAndSettle(delivery)
    } catch (error) {
      ports.observer.log('error', 'delivery not settled', {
        channelId: delivery.channelId,
        reason: wordsOf(error),
      })
      return 'retried'
    }
  }

  async function sendAndSettle(delivery: Delivery): Promise<keyof NotifyReport> {
    const now = ports.clock.now()
    const { key, channelId, notification } = delivery
    // Recipients of what is too late are still found: each is told of on the account.
    const isPage = delivery.fanOut !== undefined
    if (!isPage && now >= (notification.expiresAt ?? Number.POSITIVE_INFINITY))
      return expire(delivery)
    const until = heldUntil(delivery, now)
    if (until !== undefined) {
      await ports.notifications.hold(key, inTime(delivery, until))
      ports.observer.count('notification.held', 1, { channelId })
      return 'retried'
    }
    if (!isPage && !(await admit(delivery))) return throttled(delivery)
    let tried: Try
    try {
      tried = await send(delivery)
    } catch (error) {
      return putOff(delivery, error)
    }
    if (tried.keptForMs !== undefined) return awaitAck(delivery, tried.keptForMs)
    await ports.notifications.settle(delivery.key)
    await keepEnd(delivery, 'sent')
    ports.observer.count('notification.sent', 1, { channelId: delivery.channelId })
    return 'sent'
  }

  /** Tells whoever asked for it how it ended. What cannot be told now leaves the delivery as it is: it has ended. */
  async function keepEnd(
    { id, key, accountId }: Delivery,
    state: 'sent' | 'failed' | 'expired' | 'suppressed',
    error?: unknown,
  ): Promise<void> {
    if (accountId === undefined) return
    const reason = error instanceof Error ? { reason: wordsOf(error) } : {}
    try {
      // One that is sent again after it was set aside ends in the place of the old one.
      await ports.tables.put(endsTable(accountId), id ?? key, {
        state,
        at: ports.clock.now(),
        ...reason,
      })
    } catch {
      ports.observer.log('warn', 'end of a delivery not kept', { key, state })
    }
  }

  /** Nobody has to hear of it any more. It is no dead letter: nothing went wrong with it that somebody could mend. */
  async function expire(delivery: Delivery): Promise<keyof NotifyReport> {
    const { key, channelId } = delivery
    await ports.notifications.settle(key)
    await keepEnd(delivery, 'expired')
    ports.observer.count('notification.expired', 1, { channelId })
    ports.observer.log('info', 'a delivery expired before it was sent', { key, channelId })
    return 'failed'
  }

  /** It was too much for its place: an end of its own, as a throttle of a subscription is. */
  async function throttled(delivery: Delivery): Promise<keyof NotifyReport> {
    const { key, channelId } = delivery
    await ports.notifications.settle(key)
    await keepEnd(delivery, 'suppressed', new Error('throttled'))
    ports.observer.count('notification.suppressed', 1, { reason: 'throttled' })
    ports.observer.log('info', 'a delivery was too much for its channel', { key, channelId })
    return 'failed'
  }

  /** A delivery is looked at again no later than it expires. */
  function inTime({ notification }: Delivery, dueAt: number): number {
    return Math.min(dueAt, notification.expiresAt ?? Number.POSITIVE_INFINITY)
  }

  /** Until when a delivery waits for its endpoint, which is left alone; `undefined`: it goes now. */
  function heldUntil({ channelId, notification }: Delivery, now: number): number | undefined {
    const circuit = circuits.get(channelId)
    if (circuit === undefined || now - notification.at > HELD_MS) return undefined
    const passage = askPassage(circuit, now)
    if (!passage.passes) return passage.until
    circuits.set(channelId, passage.circuit)
    return undefined
  }

  async function noteAnswer({ key, channelId }: Delivery): Promise<void> {
    const before = circuits.get(channelId)
    if (before === undefined) return
    circuits.set(channelId, afterAnswer())
    if (!isOpen(before)) return
    ports.observer.log('info', 'an endpoint answers again', { channelId })
    await tellSystem(endpointHealth(channelId, 'cleared'), key)
  }

  async function noteFailure({ key, channelId }: Delivery, askedForMs: number): Promise<void> {
    const before = circuits.get(channelId) ?? CLOSED
    const now = ports.clock.now()
    const after = afterFailure(before, now, { random: ports.ids.random(), askedForMs })
    circuits.set(channelId, after)
    if (isOpen(before) || !isOpen(after)) return
    const restMs = after.restsUntil - now
    ports.observer.count('notification.endpoint_rests', 1, { channelId })
    ports.observer.log('warn', 'an endpoint is left alone', { channelId, restMs })
    await tellSystem(endpointHealth(channelId, 'raised'), key)
  }

  /** Sends through the cloud, and remembers what the endpoint is like and which addresses are gone. */
  async function sendOut(delivery: Delivery): Promise<Try> {
    const { channelId } = delivery
    const found: Parameters<Sending['gone']>[] = []
    let keptForMs: number | undefined
    const sending: Sending = {
      // What cannot be asked now is sent: the other side says it again.
      isGone: (address) => addresses.isGone(channelId, address).catch(() => false),
      gone: (...one) => void found.push(one),
      keep(withinMs) {
        keptForMs = withinMs
      },
    }
    try {
      await ports.channels.send(delivery, sending)
      await noteAnswer(delivery)
    } catch (error) {
      if (error instanceof CoreError && !error.retryable) await noteAnswer(delivery)
      else await noteFailure(delivery, askedForMs(error))
      throw error
    } finally {
      for (const [address, masked, reason] of found)
        await disable(
          address,
          { channelId, address: masked, reason: maskWords(reason) },
          delivery.key,
        )
    }
    return keptForMs === undefined ? {} : { keptForMs }
  }

  /** What cannot be kept now is found again at the next delivery. */
  async function disable(
    address: string,
    found: Parameters<Addresses['disable']>[1],
    key: string,
  ): Promise<void> {
    try {
      await addresses.disable(address, found)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      ports.observer.log('error', 'an address that is gone was not kept', { ...found, reason })
      return
    }
    ports.observer.count('notification.address_disabled', 1, { channelId: found.channelId })
    ports.observer.log('warn', 'an address is disabled: nothing is sent to it', { ...found })
    await tellSystem(addressHealth(found), key)
  }

  /** The other side has it and is not done with it: it comes again unless that is said in time. */
  async function awaitAck(delivery: Delivery, withinMs: number): Promise<keyof NotifyReport> {
    const silence = new CoreError(
      'channel.unavailable',
      `taken with 202, and not acknowledged within ${withinMs} ms`,
      { details: { retryAfterMs: withinMs } },
    )
    await keepEnd(delivery, 'sent')
    return putOff(delivery, silence)
  }

  /** Topics and queues are the core's own ways; all else is the business of the cloud. */
  async function send(given: Delivery): Promise<Try> {
    if (given.fanOut !== undefined) {
      await fanOut(given)
      return {}
    }
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
        await ports.downlink.publish(message, key)
        return {}
      }
      case 'queue':
        await ports.queues.send(channel.queue, renderWebhook(delivery), key)
        return {}
      default:
        return sendOut(delivery)
    }
  }

  async function putOff(delivery: Delivery, error: unknown): Promise<keyof NotifyReport> {
    const attempts = delivery.attempts + 1
    const retryable = !(error instanceof CoreError) || error.retryable
    if (retryable && attempts < MAX_ATTEMPTS) {
      const wait = backoffMs(attempts, ports.ids.random(), askedForMs(error))
      await ports.notifications.retry(delivery.key, inTime(delivery, ports.clock.now() + wait))
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
      reason: `${attempts === 1 ? 'refused' : `given up after ${attempts} tries`}: ${wordsOf(error)}`,
    })
  }

  return async (limit) => {
    const deliveries = await ports.notifications.claim(ports.clock.now(), limit, LEASE_MS)
    const ends = await Promise.all(deliveries.map(deliver))
    const count = (end: keyof NotifyReport): number => ends.filter((one) => one === end).length
    return { sent: count('sent'), retried: count('retried'), failed: count('failed') }
  }
}

/** What went wrong, for people: without the addresses that the other side repeats. */
function wordsOf(error: unknown): string {
  return maskWords(error instanceof Error ? error.message : String(error))
}

/** When the other side wants to be asked again. Unit: ms; 0 where it said nothing. */
function askedForMs(error: unknown): number {
  return error instanceof CoreError ? Number(error.details['retryAfterMs'] ?? 0) : 0
}
