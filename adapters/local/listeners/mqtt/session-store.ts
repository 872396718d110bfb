import type { MqttQos } from './hooks.ts'

/** A subscription as it is stored. */
export interface StoredSubscription {
  readonly filter: string
  readonly qos: MqttQos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: none. */
  readonly identifier: number
}

/** One QoS 1 or 2 message on its way to one client. */
export interface StoredDelivery {
  /** Grows within the session: the order of delivery. */
  readonly sequence: number
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 1 | 2
  readonly retain: boolean
  /** Encoded MQTT 5 properties that are passed on; empty if there are none. */
  readonly properties: Uint8Array
  /** Epoch ms; `Infinity` if the message does not expire. */
  readonly expiresAt: number
  readonly identifiers: readonly number[]
}

/** What survives of a session. */
export interface StoredSession {
  readonly clientId: string
  readonly expirySeconds: number
  /** Epoch ms at which the session ends; `undefined` if its client was connected last. */
  readonly endsAt: number | undefined
  readonly subscriptions: readonly StoredSubscription[]
  /** In order. `packetId` 0: never sent. `released`: PUBREC came, PUBREL is due. */
  readonly deliveries: readonly {
    readonly delivery: StoredDelivery
    readonly packetId: number
    readonly released: boolean
  }[]
  /** Packet ids of inbound QoS 2 messages that were taken and not yet released. */
  readonly received: readonly number[]
}

/** One change of one session's stored state. */
export type SessionChange =
  | { readonly kind: 'opened'; readonly expirySeconds: number }
  | { readonly kind: 'closed'; readonly expirySeconds: number; readonly endsAt: number }
  | { readonly kind: 'ended' }
  | { readonly kind: 'subscribed'; readonly subscription: StoredSubscription }
  | { readonly kind: 'unsubscribed'; readonly filter: string }
  | { readonly kind: 'queued'; readonly delivery: StoredDelivery }
  | { readonly kind: 'sent'; readonly sequence: number; readonly packetId: number }
  | { readonly kind: 'released'; readonly sequence: number }
  | { readonly kind: 'done'; readonly sequence: number }
  | { readonly kind: 'received'; readonly packetId: number }
  | { readonly kind: 'forgotten'; readonly packetId: number }

/**
 * Keeps the sessions that outlive their connection. The listener works on its own copy and tells every
 * change; it bounds what a session holds, so the store need not. Each call is synchronous: what `record`
 * returned from is kept.
 */
export interface SessionStore {
  /** All sessions, once, when the listener starts. */
  load(): readonly StoredSession[]
  record(clientId: string, change: SessionChange): void
  /**
   * Resolves once all that was promised to a client since the last call is durable: subscriptions, messages that wait,
   * ids of messages that were taken. `undefined` if nothing was; rejects if the store refused it.
   */
  owed(): Promise<void> | undefined
}

interface MemorySession {
  expirySeconds: number
  endsAt: number | undefined
  readonly subscriptions: Map<string, StoredSubscription>
  readonly deliveries: Map<
    number,
    { delivery: StoredDelivery; packetId: number; released: boolean }
  >
  readonly received: Set<number>
}

/** Keeps sessions in memory: they survive a listener, not the process. Payloads are shared with the listener. */
export function createMemorySessionStore(): SessionStore {
  const sessions = new Map<string, MemorySession>()

  return {
    load() {
      return [...sessions].map(([clientId, session]) => ({
        clientId,
        expirySeconds: session.expirySeconds,
        endsAt: session.endsAt,
        subscriptions: [...session.subscriptions.values()],
        deliveries: [...session.deliveries.values()],
        received: [...session.received],
      }))
    },

    // What is kept in memory is kept as well as it will ever be.
    owed: () => undefined,

    record(clientId, change) {
      const session = sessions.get(clientId) ?? createMemorySession()
      sessions.set(clientId, session)
      switch (change.kind) {
        case 'opened':
          session.expirySeconds = change.expirySeconds
          session.endsAt = undefined
          return
        case 'closed':
          session.expirySeconds = change.expirySeconds
          session.endsAt = change.endsAt
          return
        case 'ended':
          sessions.delete(clientId)
          return
        case 'subscribed':
          session.subscriptions.set(change.subscription.filter, change.subscription)
          return
        case 'unsubscribed':
          session.subscriptions.delete(change.filter)
          return
        case 'queued': {
          const { delivery } = change
          session.deliveries.set(delivery.sequence, { delivery, packetId: 0, released: false })
          return
        }
        case 'sent': {
          const stored = session.deliveries.get(change.sequence)
          if (stored) stored.packetId = change.packetId
          return
        }
        case 'released': {
          const stored = session.deliveries.get(change.sequence)
          if (stored) stored.released = true
          return
        }
        case 'done':
          session.deliveries.delete(change.sequence)
          return
        case 'received':
          session.received.add(change.packetId)
          return
        case 'forgotten':
          session.received.delete(change.packetId)
      }
    },
  }
}

function createMemorySession(): MemorySession {
  return {
    expirySeconds: 0,
    endsAt: undefined,
    subscriptions: new Map(),
    deliveries: new Map(),
    received: new Set(),
  }
}
