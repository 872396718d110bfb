import type { MqttClientInfo, MqttDisconnectCause, MqttHooks, MqttPublish } from './hooks.ts'
import type { MqttLimits } from './limits.ts'
import type { Session } from './session.ts'
import type { Stats } from './stats.ts'
import type { KnownTopic, Subscription } from './subscription-index.ts'

/** A message of a client, with what the broker keeps beside what the hook sees. */
export interface InboundMessage {
  readonly message: MqttPublish
  readonly topic: KnownTopic<Session>
  /** Encoded MQTT 5 properties that are passed on unaltered; `undefined` if there are none. */
  readonly forward: Uint8Array | undefined
}

/** The will of a connection that was accepted. */
export interface PendingWill {
  readonly delaySeconds: number
  readonly inbound: InboundMessage
}

/** What the broker knows of a connection that has a session. */
export interface Holder {
  /** Grows with every CONNECT: of two connections of one client the higher one wins. */
  readonly order: number
  /** Ends it from our side, with an MQTT 5 reason code. */
  end(cause: MqttDisconnectCause, reason: number): void
}

/** What a connection asks of the broker. */
export interface Broker {
  readonly hooks: MqttHooks
  readonly limits: MqttLimits
  readonly stats: Stats
  readonly clock: () => number
  /** Calls back once after `ms`; gives the function that prevents it. */
  readonly setTimer: (callback: () => void, ms: number) => () => void
  /** Runs `flush` at the end of this turn of the event loop. */
  schedule(flush: () => void): void
  nextOrder(): number
  topic(name: string): KnownTopic<Session>
  /** Binds a client id to a connection, ending an older one (MQTT-3.1.4-2 of 3.1.1, MQTT-3.1.4-3 of 5). */
  claim(holder: Holder, clientId: string, clean: boolean, expirySeconds: number): Claim
  /** The connection is gone: what happens to session and will follows from both. */
  leave(
    holder: Holder,
    session: Session,
    client: MqttClientInfo | undefined,
    cause: MqttDisconnectCause,
    will: PendingWill | undefined,
  ): void
  subscribe(session: Session, subscription: Subscription): void
  unsubscribe(session: Session, filter: string): boolean
  /** Sends what is retained for the topics of a subscription. */
  deliverRetained(session: Session, subscription: Subscription): void
  /** Hands an accepted message to its subscribers and to the retained store. Gives what `owed` gives. */
  route(inbound: InboundMessage, publisher: Session): Promise<void> | undefined
  /** Resolves once what was promised since the last call is durable; `undefined` if nothing was, or is at once. */
  owed(): Promise<void> | undefined
  /** Counts one inbound message whose hook is under way, or takes it off. */
  reserve(bytes: number): void
  free(bytes: number): void
  /** False while all connections together hold as much as is allowed; `whenRoom` calls back once that is over. */
  readonly hasRoom: boolean
  whenRoom(callback: () => void): void
}

export type Claim =
  | { readonly kind: 'granted'; readonly session: Session; readonly present: boolean }
  /** A newer connection of the same client came first. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'full' }
