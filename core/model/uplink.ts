import type { CoreError } from '../errors.ts'
import type { Json, JsonObject } from './json.ts'

/** What the transport knows about the sender, for rules and logs. Absent where it is unknown. */
export interface UplinkFacts {
  readonly clientId?: string
  readonly principal?: string
  readonly sourceIp?: string
  readonly traceId?: string
  readonly userProperties?: Readonly<Record<string, readonly string[]>>
  /**
   * What the sender said of the message in words that its dialect knows, by the names of Azure: `messageId`, `correlationId`,
   * `userId`, `contentType`, `contentEncoding`, `iothub-creation-time-utc`, …
   */
  readonly systemProperties?: Readonly<Record<string, string>>
}

/** What is known of an uplink that a network brought. */
export interface UplinkNetwork {
  /** The network's name in the config. */
  readonly name: string
  /** What it knows of the message: rules find it in the body, under `_network`. */
  readonly facts: JsonObject
  /** How it is told which device is meant: kept for the way back. */
  readonly address?: JsonObject
  /** The message of the network that this uplink stood in, as it came: what is set aside if this one has to be. */
  readonly origin: {
    readonly topic: string
    readonly payload: Uint8Array
    readonly contentType: string
  }
}

/** One message from a device, as a trigger or a listener received it: bytes, not yet decoded. */
export interface Uplink {
  /** `undefined` if the topic or the event names no device. */
  readonly deviceId: string | undefined
  readonly topic: string
  readonly payload: Uint8Array
  readonly contentType: string
  /** LoRaWAN's port of the application, 1 to 255. */
  readonly fPort?: number
  /** What the network knows of the device under names of its own, for scripts. */
  readonly variables?: Readonly<Record<string, string>>
  /** What a network has already made of the payload: no codec is asked. */
  readonly decoded?: Json
  /** False: nothing in it is measured, it is for rules. */
  readonly measures?: boolean
  readonly network?: UplinkNetwork
  /** Epoch ms, UTC. */
  readonly receivedAt: number
  /** Where it came in, in a word for people: `mqtt`, `http`, `sqs`, `replay`. */
  readonly source: string
  /** An id that stays the same when the transport or the sender sends again. */
  readonly messageId?: string
  /** Names one delivery on one connection (the MQTT packet id). It counts only together with `redelivered`. */
  readonly deliveryId?: string
  /** Names one publish: copies of it have the same. It counts where the message has neither an id nor a time of its own. */
  readonly publishId?: string
  /** Event time in epoch ms, where the transport carries it beside the payload. */
  readonly sentAt?: number
  /** The transport says that it may have sent this before (the MQTT DUP flag, a second delivery). */
  readonly redelivered?: boolean
  /** The message is for this rule alone. */
  readonly ruleId?: string
  /** What the transport found wrong with it, for people: it is set aside. */
  readonly fault?: string
  readonly facts?: UplinkFacts
}

/** Takes uplinks in; the outcomes stand in the order of the uplinks. */
export type Ingest = (
  uplinks: readonly Uplink[],
  /** Told each outcome as soon as it is known, with the position of its uplink: one device never waits for another. */
  onOutcome?: (index: number, outcome: Outcome) => void,
) => Promise<Outcome[]>

/** What became of one uplink. The order of outcomes is the order of the uplinks. */
export type Outcome =
  | { readonly status: 'accepted'; readonly deviceId: string; readonly messageId: string }
  | { readonly status: 'duplicate'; readonly deviceId: string; readonly messageId: string }
  /** Set aside with its bytes and the reason. The sender must not send it again. */
  | { readonly status: 'dead_lettered'; readonly deadLetterId: string; readonly error: CoreError }
  /** Not stored: the transport is asked to deliver it again. */
  | { readonly status: 'retry'; readonly error: CoreError }
