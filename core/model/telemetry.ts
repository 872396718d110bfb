import type { Json } from './json.ts'
import type { NetworkSeat } from './network-seat.ts'
import type { UplinkFacts } from './uplink.ts'

/** One measured value. Nested values of a message are named by their path, joined with dots. */
export type MetricValue = number | boolean | string

/**
 * What makes a message the same message when it comes again: the sender's id; its event time and bytes; the
 * transport's word that it delivers this again; or nothing: two equal readings are then two messages.
 */
export type MessageIdentity = 'sender' | 'content' | 'delivery' | 'none'

/** What a codec made of one uplink. */
export interface Telemetry {
  readonly messageId: string
  readonly topic: string
  /** Event time, epoch ms. The time of receipt where the message carries none. */
  readonly at: number
  /** True if `at` came from the sender. */
  readonly timed: boolean
  readonly identity: MessageIdentity
  /** The decoded message, as rules see it. */
  readonly body: Json
  /** The text of `body`, where a number of it has more digits than a double keeps. */
  readonly exactText?: string
  readonly metrics: Readonly<Record<string, MetricValue>>
  readonly receivedAt: number
  readonly redelivered: boolean
  /** The raw payload, for rules that pass it on or hash it. */
  readonly bytes: Uint8Array
  readonly facts?: UplinkFacts
  /** The network that brought it, where there is a way back. */
  readonly seat?: NetworkSeat
  /** What the codec finds odd though it could read the bytes. */
  readonly warnings?: readonly string[]
  /** The message is for this rule alone. */
  readonly ruleId?: string
}

/** One stored row of telemetry. Its key is (device, `at`, `messageId`): writing it twice is writing it once. */
export interface TelemetryRow {
  readonly at: number
  readonly messageId: string
  readonly metrics: Readonly<Record<string, MetricValue>>
}
