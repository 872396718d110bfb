import type { Json } from './json.ts'
import type { Notification } from './notification.ts'

/** A message for whoever subscribes to a topic: devices, other services. */
export interface PublishEffect {
  readonly kind: 'publish'
  readonly topic: string
  readonly payload: string
  readonly encoding: 'utf8' | 'base64'
  readonly qos: 0 | 1
  readonly retain: boolean
}

/** A push about one shadow. The dialect of the device decides the topic. */
export interface ShadowEffect {
  readonly kind: 'shadow'
  readonly deviceId: string
  /** The shadow's name; '' is the classic one. */
  readonly name: string
  readonly event: 'delta' | 'documents'
  readonly body: Json
}

/** A notification for the channels it names. */
export interface NotifyEffect {
  readonly kind: 'notify'
  readonly notification: Notification
}

/** A change that a rule wants in the desired state of some device. */
export interface DesireEffect {
  readonly kind: 'desire'
  readonly deviceId: string
  readonly name: string
  readonly desired: Json
}

/** What a step wants done in the world once its record is committed. */
export type Effect = PublishEffect | ShadowEffect | NotifyEffect | DesireEffect

/** One effect that is committed but not yet known to be performed. */
export interface OutboxEntry {
  /** The idempotency key: the same key is the same effect, however often it is performed. */
  readonly key: string
  readonly effect: Effect
  /** Epoch ms of the step that asked for it. */
  readonly at: number
  /** How often performing it has failed so far. */
  readonly attempts: number
}
