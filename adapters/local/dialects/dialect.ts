import type { Json, ShadowEffect } from '../../../core/index.ts'
import type { TopicMeaning } from './native.ts'

/** What a topic means in some dialect when a client publishes on it. */
export type Meaning =
  | TopicMeaning
  /** Telemetry of whoever publishes: the topic names no device. */
  | {
      readonly kind: 'own'
      /** The topic as rules see it. */
      readonly topic: string
      /** The one rule that it is for, if it is for one; then nobody else gets it. */
      readonly ruleId: string | undefined
    }

/** A client came or went. */
export interface PresenceEvent {
  readonly clientId: string
  readonly principal: string
  readonly remoteAddress: string | undefined
  /** Names the connection. */
  readonly sessionId: string
  /** Grows with every event of this client. */
  readonly version: number
  /** Epoch ms. */
  readonly at: number
  /** `undefined`: it connected. */
  readonly ended: EndReason | undefined
}

/** Why a connection ended. */
export type EndReason = 'client' | 'keepalive' | 'takeover' | 'protocol' | 'error' | 'server'

/** One message in the words of a dialect. */
export interface DialectMessage {
  readonly topic: string
  readonly body: Json
}

/** Topics that start with the same levels; level `at` (from 0 on) is the id of their device. */
export interface Namespace {
  readonly prefix: readonly string[]
  readonly at: number
}

/** How one vendor's devices name things. Only a mapping of topics and bodies: it holds no state. */
export interface Dialect {
  readonly name: string
  /** Topics that belong to the device which one of their levels names. */
  readonly namespaces: readonly Namespace[]
  /** What a topic means; `undefined` if it is none of this dialect. */
  readTopic(topic: string): Meaning | undefined
  /** Where the answer to a shadow request goes. '' is the classic shadow. */
  answerTopic(deviceId: string, name: string, operation: string, accepted: boolean): string
  /** Where a push about a shadow goes. */
  pushTopic(push: Pick<ShadowEffect, 'deviceId' | 'name' | 'event'>): string
  /** What is told of a client that came or went; `undefined` if nothing is. */
  presence(event: PresenceEvent): DialectMessage | undefined
  /** Whether the last word of a client that is gone may be a shadow request. */
  readonly takesShadowWills: boolean
  /** Whether a topic of this dialect may be published on with QoS 2. */
  takesQos2(topic: string): boolean
}
