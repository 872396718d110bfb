import type { Delivery, Notification } from '../model/notification.ts'

/** One delivery for each channel of a notification, each with a key of its own. A channel named twice counts once. */
export function fanOut(notification: Notification): Delivery[] {
  return [...new Set(notification.channelIds)].map((channelId) => ({
    key: `${notification.key}>${channelId}`,
    channelId,
    notification,
    attempts: 0,
  }))
}
