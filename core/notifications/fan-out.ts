import { FAN_OUT_CHANNEL, type FanOutPage, NOBODY, placeOf } from '../model/audience.ts'
import type { Delivery, Notification } from '../model/notification.ts'
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
