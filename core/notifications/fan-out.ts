import {
  type Address,
  FAN_OUT_CHANNEL,
  type FanOutPage,
  NOBODY,
  placeOf,
} from '../model/audience.ts'
import type { Delivery, Notification } from '../model/notification.ts'
import { digestOf } from './address-digest.ts'
import type { AudienceProgram } from './audience.ts'

/** One delivery for each channel of a notification, each with a key of its own. A channel named twice counts once. */
export function fanOut(notification: Notification): Delivery[] {
  return [...new Set(notification.channelIds)].map((channelId) => ({
    key: `${notification.key}>${channelId}`,
    channelId,
    notification,
    attempts: 0,
  }))
}

/** What happened, as it goes into the queue: the channels that it names at once, everybody else page by page. */
export function toQueue(
  notification: Notification,
  { maintenance, hears }: Pick<AudienceProgram, 'maintenance' | 'hears'>,
): readonly Delivery[] {
  const { event, channelIds } = notification
  const isHeard = event !== undefined && hears(event.kind)
  const page: FanOutPage = {
    from: 'named',
    after: '',
    found: 0,
    ...(isHeard ? { audience: { ...NOBODY, subscribers: true } } : {}),
  }
  // Whether a window holds is found out where somebody can wait for it.
  if (maintenance.length > 0) return [toPageDelivery(notification, page)]
  if (!isHeard) return fanOut(notification)
  const rest = toPageDelivery({ ...notification, channelIds: NO_CHANNELS }, page)
  return channelIds.length === 0 ? [rest] : [...fanOut(notification), rest]
}

const NO_CHANNELS: readonly string[] = []

/** A page as it stands in the queue. */
export function toPageDelivery(notification: Notification, page: FanOutPage): Delivery {
  return {
    key: `${notification.key}>${FAN_OUT_CHANNEL}/${placeOf(page)}/${page.after}`,
    channelId: FAN_OUT_CHANNEL,
    notification,
    attempts: 0,
    fanOut: page,
  }
}

/** The record of what one recipient is told through one subscription. No device can have such an id. */
export function inboxRecordId(subscriptionId: string, recipientId: string): string {
  return `$inbox/${encodeURIComponent(subscriptionId)}/${encodeURIComponent(recipientId)}`
}

/** The record of how much one place of a channel was told: an own address, or a recipient. */
export function placeRecordId(channelId: string, recipientId: string, to?: string): string {
  const place = to === undefined ? encodeURIComponent(recipientId) : `=${digestOf(to)}`
  return `$place/${encodeURIComponent(channelId)}/${place}`
}

/** The key of a notification that somebody asked for. */
export function onDemandKey(notificationId: string): string {
  return `notification/${notificationId}`
}

/** What one recipient gets: a delivery for each of his addresses. */
export function deliveriesTo(
  notification: Notification,
  recipientId: string,
  addresses: readonly Address[],
): Delivery[] {
  const { event, key } = notification
  const accountId =
    event?.kind === 'on-demand' && key === onDemandKey(event.id) ? event.id : undefined
  const seen = new Map<string, number>()
  return addresses.map((address): Delivery => {
    const before = seen.get(address.channelId) ?? 0
    seen.set(address.channelId, before + 1)
    const delivery = deliveryTo(notification, recipientId, address, before)
    return accountId === undefined ? delivery : { ...delivery, accountId }
  })
}

/** The same person and channel are the same delivery, on whichever ways they were found. */
function deliveryTo(
  notification: Notification,
  recipientId: string,
  { channelId, to }: Address,
  before: number,
): Delivery {
  const asItIs = recipientId === channelId
  const place = asItIs
    ? channelId
    : `${recipientId}>${channelId}${before === 0 ? '' : `~${before + 1}`}`
  return {
    key: `${notification.key}>${place}`,
    channelId,
    notification,
    attempts: 0,
    ...(asItIs ? {} : { recipientId }),
    ...(to === undefined ? {} : { to }),
  }
}
