import type { Json } from '../model/json.ts'
import type { LookupRequest } from '../model/lookup.ts'

export type { LookupRequest } from '../model/lookup.ts'

/** The answer to a lookup; a found nothing is `{ value: undefined }`. */
export interface LookupAnswer {
  readonly value: Json | undefined
}

/** Answers fetched before the rule runs: rules are synchronous and never wait. */
export interface Lookups {
  /** The answer, or `undefined` if this question has not been asked yet. */
  find(request: LookupRequest): LookupAnswer | undefined
}

/** The MQTT 5 properties that `get_mqtt_property` reads. */
export interface MqttProperties {
  readonly contentType?: string
  readonly responseTopic?: string
  /** Text, or base64 where the bytes are not UTF-8. */
  readonly correlationData?: string
  readonly formatIndicator?: string
}

/** What a rule may look at besides the body. All optional facts are absent when unknown. */
export interface MessageFacts {
  readonly topic: string
  /** Unit: epoch ms, UTC. `timestamp()` returns it. */
  readonly nowMs: number
  readonly clientId?: string
  readonly principal?: string
  readonly accountId?: string
  readonly traceId?: string
  readonly sourceIp?: string
  readonly userProperties?: Readonly<Record<string, readonly string[]>>
  readonly mqttProperties?: MqttProperties
  /** Makes the ids of `newuuid()`; without it the function is Undefined. */
  readonly newId?: () => string
  /** Makes the numbers of `rand()`, 0 up to but not 1; without it the function is Undefined. */
  readonly random?: () => number
  readonly lookups?: Lookups
}

/** One message as rules see it. */
export interface RuleMessage {
  /** The decoded JSON; `undefined` when the payload is not JSON. */
  readonly body: Json | undefined
  /** The payload as it was sent; may be absent when only a body exists. */
  readonly bytes?: Uint8Array
  /**
   * The payload's JSON text. Numbers keep their digits and version 2015-10-08 keeps `5.0` apart from `5`
   * only where it is given: `JSON.parse` has lost both.
   */
  readonly rawText?: string
  readonly facts: MessageFacts
}

/** What became of one message in one rule. */
export type RuleResult =
  /** Bytes are a payload that is not JSON, passed through; `undefined` means that the whole output is Undefined. */
  | { readonly status: 'output'; readonly value: Json | Uint8Array | undefined }
  | { readonly status: 'no_match'; readonly reason: 'topic' | 'where' }
