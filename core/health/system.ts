import type { DeadLetter } from '../model/dead-letter.ts'
import type { JsonObject } from '../model/json.ts'
import type { Notification, Severity } from '../model/notification.ts'

/** How the system itself is. */
export interface SystemHealth {
  /** The id of the event: `endpoint`, `address`, `dead-letters`. */
  readonly id: string
  /** Which of them: a channel, a source. */
  readonly place: string
  readonly severity: Severity
  /** Where it is something that begins and ends. */
  readonly change?: 'raised' | 'cleared'
  readonly subject: string
  readonly data: JsonObject
}

/** Tells whoever subscribes to health how the system is. `about`: the key of the delivery on which it was noticed. */
export type TellSystem = (found: SystemHealth, about?: string) => Promise<void>

/** The same of the same thing is told once in so long, whichever process notices it. Unit: ms. */
const HOUR_MS = 3_600_000

/** Begins the keys of news of the system; no device has such an id. */
const PREFIX = '$health/'

/** Whether a delivery brings news of the system: what goes wrong with it is none, so that nothing goes round. */
export function isSystemHealth(key: string): boolean {
  return key.startsWith(PREFIX)
}

/** What is told of the system, under a key that it has for an hour. `at`: epoch ms. */
export function healthNotification(
  { id, place, severity, change, subject, data }: SystemHealth,
  at: number,
): Notification {
  return {
    key: `${PREFIX}${id}/${place}/${change ?? 'told'}/${Math.floor(at / HOUR_MS)}`,
    channelIds: [],
    deviceId: '',
    severity: change === 'cleared' ? 'info' : severity,
    subject,
    text: '',
    at,
    data,
    event: { kind: 'health', id, severity, ...(change === undefined ? {} : { change }) },
  }
}

/** A channel that failed so often that it is left alone, or that answers again. */
export function endpointHealth(channelId: string, change: 'raised' | 'cleared'): SystemHealth {
  const says = change === 'raised' ? 'is left alone: it fails again and again' : 'answers again'
  return {
    id: 'endpoint',
    place: channelId,
    severity: 'warning',
    change,
    subject: `channel ${channelId} ${says}`,
    data: { channelId },
  }
}

/** An address of a channel to which nothing is sent any more, as it may be shown. */
export interface LostAddress {
  readonly channelId: string
  readonly address: string
  readonly reason: string
}

export function addressHealth({ channelId, address, reason }: LostAddress): SystemHealth {
  return {
    id: 'address',
    place: channelId,
    severity: 'warning',
    subject: `an address of channel ${channelId} is gone: ${address}`,
    data: { channelId, address, reason },
  }
}

/** Something was set aside. */
export function letterHealth({ id, source, topic, code, reason }: DeadLetter): SystemHealth {
  return {
    id: 'dead-letters',
    place: source,
    severity: 'warning',
    subject: `dead letters from ${source}: ${code}`,
    data: { id, source, topic, code, reason },
  }
}
