import type { EventKind, FanOutPage } from './audience.ts'
import type { Json } from './json.ts'

/** How much something matters, least first. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** How urgent something is: 9 overtakes 0. */
export type Priority = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

/** What a severity is worth where nobody says more. */
export const PRIORITY_OF: Readonly<Record<Severity, Priority>> = {
  info: 2,
  warning: 5,
  critical: 8,
}

/** One thing to tell people or systems, before it is fanned out to channels. */
export interface Notification {
  /** The idempotency key: alarm, device and transition, or rule and message. */
  readonly key: string
  readonly channelIds: readonly string[]
  readonly deviceId: string
  readonly severity: Severity
  readonly subject: string
  readonly text: string
  /** Epoch ms of the event. */
  readonly at: number
  /** What a program needs to act on it. */
  readonly data: Json
  /** Sent as it is, in place of all the rest, to channels that take documents (webhooks). */
  readonly body?: Json
  /** `PRIORITY_OF` its severity unless given. */
  readonly priority?: Priority
  /** Epoch ms from which on nobody has to hear of it any more; never unless given. */
  readonly expiresAt?: number
  /** What brought it about; only where subscriptions may ask for it. */
  readonly event?: NotificationEvent
}

/** What brought a notification about. */
export interface NotificationEvent {
  readonly kind: EventKind
  /** The alarm, the rule, or the notification that somebody asked for. */
  readonly id: string
  /** How much the alarm itself matters, also when it is told that it has cleared. */
  readonly severity?: Severity
  /** What became of the alarm. */
  readonly change?: string
  /** When the alarm was raised, epoch ms. */
  readonly raisedAt?: number
}

/** One notification for one channel, as it stands in the queue. */
export interface Delivery {
  /** The notification's key and the channel: unique in the queue. */
  readonly key: string
  readonly channelId: string
  readonly notification: Notification
  /** The id by which receivers know it, where that is not its key: it was set aside and is sent again. */
  readonly id?: string
  /** How often sending it was tried before. */
  readonly attempts: number
  /** An address in place of those of the channel. */
  readonly to?: string
  /** Who is told, where that is more than the channel. */
  readonly recipientId?: string
  /** The notification on demand whose account says how it ended. */
  readonly accountId?: string
  /** Set where it is no delivery yet, but a page of recipients to be found. */
  readonly fanOut?: FanOutPage
}

export function priorityOf({ priority, severity }: Notification): Priority {
  return priority ?? PRIORITY_OF[severity]
}
