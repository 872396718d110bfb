import type { Json } from './json.ts'
import type { Delivery, Notification } from './notification.ts'
import type { WindowMessage } from './window.ts'

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
  /** `accepted` answers a request and tells everybody else what was asked for. */
  readonly event: 'delta' | 'documents' | 'accepted'
  readonly body: Json
}

/** Whether anybody listens to what is told of a shadow of a device. */
export type HearsShadow = (deviceId: string, name: string, event: ShadowEffect['event']) => boolean

/** A notification for the channels it names. */
export interface NotifyEffect {
  readonly kind: 'notify'
  readonly notification: Notification
}

/** Deliveries to people, as they go into the queue. */
export interface DeliverEffect {
  readonly kind: 'deliver'
  readonly deliveries: readonly Delivery[]
}

/** A change that a rule wants in the desired state of some device. */
export interface DesireEffect {
  readonly kind: 'desire'
  readonly deviceId: string
  readonly name: string
  readonly desired: Json
  /** Who wants it, in words for people. */
  readonly by?: string
  /** For how long it is wanted; without it for ever. */
  readonly forMs?: number
  /** It goes as soon as the device reports it. */
  readonly once?: boolean
}

/** A command that a rule wants to be queued for some device. */
export interface CommandEffect {
  readonly kind: 'command'
  readonly deviceId: string
  readonly name: string
  readonly payload: Json
}

/** An entry of a queue that other programs read. */
export interface QueueEffect {
  readonly kind: 'queue'
  readonly queue: string
  readonly body: Json
}

/** An item of a table, put under its key. */
export interface TableEffect {
  readonly kind: 'table'
  readonly table: string
  readonly key: string
  readonly item: Json
}

/** A message for the windows of a fleet-wide group, which have a record of their own. */
export interface WindowEffect {
  readonly kind: 'window'
  /** The group's record. */
  readonly deviceId: string
  readonly ruleId: string
  readonly message: WindowMessage
}

/** Commands wait for a device, and nobody could be told so yet. */
export interface WakeEffect {
  readonly kind: 'wake'
  readonly deviceId: string
}

/** What a step wants done in the world once its record is committed. */
export type Effect = PerformedEffect | ForwardedEffect

/** Something for another record: it goes through that record's gate. */
export type ForwardedEffect = DesireEffect | WindowEffect | CommandEffect

/** Effects that a port performs. */
export type PerformedEffect =
  | PublishEffect
  | ShadowEffect
  | NotifyEffect
  | DeliverEffect
  | WakeEffect
  | QueueEffect
  | TableEffect

/** One effect that is committed but not yet known to be performed. */
export interface OutboxEntry {
  /** The idempotency key: the same key is the same effect, however often it is performed. */
  readonly key: string
  readonly effect: Effect
  /** Epoch ms of the step that asked for it. */
  readonly at: number
  /** How often performing it has failed so far. */
  readonly attempts: number
  /** Where it came from; only for rules that want to know when it cannot be done. */
  readonly origin?: EffectOrigin
}

/** The message and the rule behind an effect, for the rule's error action. */
export interface EffectOrigin {
  readonly ruleId: string
  readonly topic: string
  readonly clientId?: string
  readonly messageId: string
  /** Epoch ms. */
  readonly at: number
  readonly base64OriginalPayload: string
}
