import type { Claim, Holder, InboundMessage, PendingWill } from './broker.ts'
import type { MqttClientInfo, MqttDisconnectCause, MqttHooks } from './hooks.ts'
import type { MqttLimits } from './limits.ts'
import { createOutboundMessage } from './outbound-message.ts'
import { REASON } from './reason-codes.ts'
import { createParcel, createSession, type RecordChange, type Session } from './session.ts'
import type { SessionChange, SessionStore, StoredSession } from './session-store.ts'
import type { Stats } from './stats.ts'
import type { Subscription, SubscriptionIndex } from './subscription-index.ts'
import { parseFilter } from './topic.ts'

/** What the registry is made of. */
export interface RegistryParts {
  readonly hooks: MqttHooks
  readonly limits: MqttLimits
  readonly stats: Stats
  readonly clock: () => number
  readonly setTimer: (callback: () => void, ms: number) => () => void
  readonly store: SessionStore
  readonly index: SubscriptionIndex<Session>
  /** Hands a will to the publish hook and, if that accepts, to its subscribers. */
  publishWill(will: InboundMessage, client: MqttClientInfo, publisher: Session): void
  hookFailed(hook: string, error: unknown, clientId: string): void
}

/** Knows every session, who holds it, and when it and its will are due. */
export interface SessionRegistry {
  claim(holder: Holder, clientId: string, clean: boolean, expirySeconds: number): Claim
  leave(
    holder: Holder,
    session: Session,
    client: MqttClientInfo | undefined,
    cause: MqttDisconnectCause,
    will: PendingWill | undefined,
  ): void
  subscribe(session: Session, subscription: Subscription): void
  unsubscribe(session: Session, filter: string): boolean
  find(clientId: string): Session | undefined
  holder(clientId: string): Holder | undefined
  /** Accepts no new sessions and publishes no wills from here on. */
  startClosing(): void
  /** Stops all timers; what is in the store stays there. */
  close(): void
}

/** One session with what is due for it. */
interface Kept {
  readonly session: Session
  cancelExpiry: () => void
  /** A will that waits for its delay. */
  will: { readonly publish: () => void; readonly cancel: () => void } | undefined
}

/** Node's timers overflow past 2^31 ms. */
const MAX_TIMER_MS = 2_000_000_000

/** Creates the registry with the sessions that the store kept. */
export function createSessionRegistry(parts: RegistryParts): SessionRegistry {
  const { hooks, limits, stats, clock, setTimer, store, index } = parts
  const sessions = new Map<string, Kept>()
  /** The connection that holds each client id. */
  const holders = new Map<string, Holder>()
  let closing = false

  /** A store that fails must not take the process along: the session goes on in memory. */
  function record(clientId: string, change: SessionChange): void {
    try {
      store.record(clientId, change)
    } catch (error) {
      parts.hookFailed('session store', error, clientId)
    }
  }

  function createKept(clientId: string, expirySeconds: number): Kept {
    const change: RecordChange | undefined =
      expirySeconds > 0 ? (what) => record(clientId, what) : undefined
    const session = createSession(clientId, { limits, stats, clock }, change)
    const kept: Kept = { session, cancelExpiry: () => {}, will: undefined }
    sessions.set(clientId, kept)
    stats.sessions += 1
    return kept
  }

  function endSession(kept: Kept): void {
    const { session } = kept
    sessions.delete(session.clientId)
    stats.sessions -= 1
    kept.cancelExpiry()
    for (const subscription of session.subscriptions.values()) index.remove(session, subscription)
    session.end()
    // A delayed will is due when its session ends (MQTT 5.0 section 3.1.3.2.2).
    kept.will?.publish()
  }

  function startExpiry(kept: Kept, endsAt: number): void {
    const check = (): void => {
      const leftMs = endsAt - clock()
      if (leftMs <= 0) endSession(kept)
      else kept.cancelExpiry = setTimer(check, Math.min(leftMs, MAX_TIMER_MS))
    }
    kept.cancelExpiry = setTimer(check, Math.min(Math.max(0, endsAt - clock()), MAX_TIMER_MS))
  }

  function restore(stored: StoredSession): void {
    const endsAt = stored.endsAt ?? clock() + stored.expirySeconds * 1_000
    if (stored.expirySeconds === 0 || endsAt <= clock()) {
      record(stored.clientId, { kind: 'ended' })
      return
    }
    const kept = createKept(stored.clientId, stored.expirySeconds)
    const { session } = kept
    session.expirySeconds = stored.expirySeconds
    for (const subscription of stored.subscriptions) {
      const parsed = parseFilter(subscription.filter)
      if (parsed) addSubscription(session, { ...subscription, parsed })
    }
    for (const { delivery, packetId, released } of stored.deliveries) {
      const message = createOutboundMessage({
        topic: delivery.topic,
        topicBytes: Buffer.from(delivery.topic),
        payload: delivery.payload,
        qos: delivery.qos,
        retain: delivery.retain,
        properties: delivery.properties,
        expiresAt: delivery.expiresAt,
      })
      message.held = true
      const { sequence, qos, retain, identifiers } = delivery
      const parcel = createParcel(sequence, message, qos, retain, identifiers)
      parcel.packetId = packetId
      parcel.released = released
      session.restore(parcel)
    }
    for (const packetId of stored.received) session.received.set(packetId, 'taken')
    startExpiry(kept, endsAt)
  }

  function addSubscription(session: Session, subscription: Subscription): void {
    session.subscriptions.set(subscription.filter, subscription)
    index.add(session, subscription)
  }

  function claim(holder: Holder, clientId: string, clean: boolean, expirySeconds: number): Claim {
    const before = holders.get(clientId)
    if (before && before.order > holder.order) return { kind: 'stale' }
    if (before) {
      stats.takeovers += 1
      before.end('takeover', REASON.takenOver)
    }
    let kept = sessions.get(clientId)
    if (kept && clean) {
      endSession(kept)
      kept = undefined
    }
    const present = kept !== undefined
    if (!kept) {
      if (closing || sessions.size >= limits.maxSessions) return { kind: 'full' }
      kept = createKept(clientId, expirySeconds)
    }
    kept.cancelExpiry()
    // MQTT-3.1.2-26 of 5: no will if the session goes on before the delay is over.
    kept.will?.cancel()
    kept.will = undefined
    kept.session.expirySeconds = expirySeconds
    kept.session.record?.({ kind: 'opened', expirySeconds })
    holders.set(clientId, holder)
    return { kind: 'granted', session: kept.session, present }
  }

  function leave(
    holder: Holder,
    session: Session,
    client: MqttClientInfo | undefined,
    cause: MqttDisconnectCause,
    will: PendingWill | undefined,
  ): void {
    const { clientId, expirySeconds } = session
    if (holders.get(clientId) === holder) holders.delete(clientId)
    if (client) {
      try {
        hooks.disconnected(client, cause)
      } catch (error) {
        parts.hookFailed('disconnected', error, clientId)
      }
    }
    const kept = sessions.get(clientId)
    if (kept?.session !== session) return
    if (will && client && !closing) startWill(kept, will, client)
    if (expirySeconds === 0) {
      endSession(kept)
      return
    }
    const endsAt = clock() + expirySeconds * 1_000
    session.record?.({ kind: 'closed', expirySeconds, endsAt })
    startExpiry(kept, endsAt)
  }

  function startWill(kept: Kept, will: PendingWill, client: MqttClientInfo): void {
    const publish = (): void => {
      kept.will?.cancel()
      kept.will = undefined
      parts.publishWill(will.inbound, client, kept.session)
    }
    if (will.delaySeconds === 0) {
      publish()
      return
    }
    const cancel = setTimer(publish, Math.min(will.delaySeconds * 1_000, MAX_TIMER_MS))
    kept.will = { publish, cancel }
  }

  for (const stored of store.load()) restore(stored)

  return {
    claim,
    leave,
    subscribe(session, subscription) {
      const { filter, qos, noLocal, retainAsPublished, identifier } = subscription
      session.record?.({
        kind: 'subscribed',
        subscription: { filter, qos, noLocal, retainAsPublished, identifier },
      })
      addSubscription(session, subscription)
    },
    unsubscribe(session, filter) {
      const subscription = session.subscriptions.get(filter)
      if (!subscription) return false
      session.subscriptions.delete(filter)
      index.remove(session, subscription)
      session.record?.({ kind: 'unsubscribed', filter })
      return true
    },
    find: (clientId) => sessions.get(clientId)?.session,
    holder: (clientId) => holders.get(clientId),
    startClosing() {
      closing = true
    },
    close() {
      for (const kept of sessions.values()) {
        kept.cancelExpiry()
        kept.will?.cancel()
      }
    },
  }
}
