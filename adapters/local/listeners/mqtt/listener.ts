import type { Duplex } from 'node:stream'
import type { Broker, Claim, Holder, InboundMessage, PendingWill } from './broker.ts'
import { type Connection, createConnection } from './connection.ts'
import type {
  MqttClientInfo,
  MqttDisconnectCause,
  MqttHooks,
  MqttMessageProperties,
  MqttServerReason,
  MqttTransport,
} from './hooks.ts'
import { DEFAULT_LIMITS, type MqttLimits } from './limits.ts'
import { createOutboundMessage, type OutboundMessage, releaseFrames } from './outbound-message.ts'
import { encodeMessageProperties } from './properties.ts'
import { REASON } from './reason-codes.ts'
import { createMemoryRetainedStore, type RetainedStore } from './retained-store.ts'
import { createParcel, createSession, type RecordChange, type Session } from './session.ts'
import {
  createMemorySessionStore,
  type SessionChange,
  type SessionStore,
  type StoredSession,
} from './session-store.ts'
import { createStats, type Stats } from './stats.ts'
import {
  createSubscriptionIndex,
  type KnownTopic,
  merge,
  type ShareGroup,
  type Subscription,
} from './subscription-index.ts'
import { filterMatches, parseFilter, topicNameLevels } from './topic.ts'

/** A message from the server's side. */
export interface MqttOutgoing {
  readonly topic: string
  readonly payload: Uint8Array | string
  readonly qos?: 0 | 1 | undefined
  readonly retain?: boolean | undefined
  readonly properties?: MqttMessageProperties | undefined
}

export interface MqttListenerOptions {
  readonly hooks: MqttHooks
  readonly limits?: Partial<MqttLimits> | undefined
  readonly sessions?: SessionStore | undefined
  readonly retained?: RetainedStore | undefined
  /** Epoch ms. */
  readonly clock?: (() => number) | undefined
  /** Calls back once after `ms`; gives the function that prevents it. */
  readonly setTimer?: ((callback: () => void, ms: number) => () => void) | undefined
}

export interface MqttStats extends Readonly<Stats> {
  readonly subscriptions: number
  readonly retainedMessages: number
}

/** An MQTT server without a socket of its own: streams are attached to it. */
export interface MqttListener {
  /** Serves one byte stream: a TCP or TLS socket, or the stream of a WebSocket. */
  attach(stream: Duplex, transport: MqttTransport): void
  /**
   * Delivers to all subscribers that match. On return QoS 0 is handed over and QoS 1 is queued in the
   * sessions. A topic that is no topic name is dropped and logged.
   */
  publish(message: MqttOutgoing): void | Promise<void>
  /** Delivers to this client alone. Gives false if it has no subscription that matches, or the message was dropped. */
  publishTo(clientId: string, message: MqttOutgoing): boolean
  /** Ends the connection of a client. Gives false if it has none. */
  disconnect(clientId: string, reason: MqttServerReason): boolean
  readonly connections: number
  stats(): MqttStats
  /** Reads no more, waits for the hooks under way, tells MQTT 5 clients, and ends. Wills are not published: the server may come back. */
  close(): Promise<void>
}

/** The broker's own state of a session. */
interface Kept {
  readonly session: Session
  cancelExpiry: () => void
  /** A will that waits for its delay. */
  will: { readonly publish: () => void; readonly cancel: () => void } | undefined
}

const SERVER_REASONS = {
  administrative: REASON.administrative,
  not_authorized: REASON.notAuthorized,
  quota_exceeded: REASON.quotaExceeded,
  busy: REASON.busy,
  unspecified: REASON.unspecified,
} as const

const NO_PROPERTIES = new Uint8Array(0)
/** Node's timers overflow past 2^31 ms. */
const MAX_TIMER_MS = 2_000_000_000

export function createMqttListener(options: MqttListenerOptions): MqttListener {
  const { hooks } = options
  const limits: MqttLimits = { ...DEFAULT_LIMITS, ...options.limits }
  const store = options.sessions ?? createMemorySessionStore()
  const retained = options.retained ?? createMemoryRetainedStore()
  const clock = options.clock ?? Date.now
  const setTimer = options.setTimer ?? startTimer
  const stats = createStats()
  const index = createSubscriptionIndex<Session>()
  const sessions = new Map<string, Kept>()
  /** The connection that holds each client id. */
  const holders = new Map<string, Holder>()
  const connections = new Set<Connection>()
  let flushes: (() => void)[] = []
  let waitingForRoom: (() => void)[] = []
  let unacked = 0
  let order = 0
  let closing = false
  let onIdle = (): void => {}
  let onEmpty = (): void => {}

  // Sessions

  /** A store that fails must not take the process along: the session goes on in memory. */
  function record(clientId: string, change: SessionChange): void {
    try {
      store.record(clientId, change)
    } catch (error) {
      logFailure('session store', error, clientId)
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
        logFailure('disconnected', error, clientId)
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
      publishWill(will.inbound, client, kept.session)
    }
    if (will.delaySeconds === 0) {
      publish()
      return
    }
    const cancel = setTimer(publish, Math.min(will.delaySeconds * 1_000, MAX_TIMER_MS))
    kept.will = { publish, cancel }
  }

  function publishWill(inbound: InboundMessage, client: MqttClientInfo, publisher: Session): void {
    const bytes = inbound.message.payload.length
    reserve(bytes)
    void (async () => {
      try {
        const verdict = await hooks.publish(inbound.message, client)
        if (verdict.accept && verdict.route) route(inbound, publisher)
      } catch (error) {
        logFailure('publish of a will', error, client.clientId)
      } finally {
        free(bytes)
      }
    })()
  }

  function logFailure(hook: string, error: unknown, clientId: string): void {
    const what = error instanceof Error ? error.message : 'not an Error'
    hooks.log?.({ event: 'hook.failed', clientId, reason: `${hook}: ${what}` })
  }

  // Messages

  function route(inbound: InboundMessage, publisher: Session): void {
    const { message, topic, forward } = inbound
    const matches = index.matches(topic)
    const { deliveries, groups } = matches
    if (!message.retain && deliveries.length === 0 && groups.length === 0) return
    const expirySeconds = message.properties?.messageExpirySeconds
    const outbound = createOutboundMessage({
      topic: topic.topic,
      topicBytes: topic.bytes,
      payload: message.payload,
      qos: message.qos,
      retain: message.retain,
      properties: forward ?? NO_PROPERTIES,
      expiresAt: expirySeconds === undefined ? Infinity : clock() + expirySeconds * 1_000,
    })
    spread(outbound, topic, publisher)
  }

  function spread(
    message: OutboundMessage,
    topic: KnownTopic<Session>,
    publisher: Session | undefined,
  ): void {
    if (message.retain) retain(message)
    const { deliveries, groups } = index.matches(topic)
    for (const { subscriber, grant, echo } of deliveries) {
      const granted = subscriber === publisher ? echo : grant
      if (granted) {
        subscriber.deliver(message, granted, granted.retainAsPublished && message.retain)
      }
    }
    for (const group of groups) {
      const chosen = nextMember(group)
      const grant = chosen && merge([chosen[1]])
      if (grant) chosen[0].deliver(message, grant, grant.retainAsPublished && message.retain)
    }
    releaseFrames(message)
  }

  function retain(message: OutboundMessage): void {
    // MQTT-3.3.1-6: an empty payload takes the retained message away.
    const isRemoval = message.payload.length === 0
    const kept = retained.set(
      message.topic,
      isRemoval
        ? undefined
        : {
            topic: message.topic,
            payload: Uint8Array.from(message.payload),
            qos: message.qos,
            properties: message.properties,
            expiresAt: message.expiresAt,
          },
    )
    if (kept) return
    stats.retainedRefused += 1
    hooks.log?.({ event: 'retained.refused', reason: 'no room for retained messages' })
  }

  function deliverRetained(session: Session, subscription: Subscription): void {
    const grant = merge([subscription])
    if (!grant) return
    for (const found of retained.match(subscription.parsed.levels)) {
      if (found.expiresAt <= clock()) {
        retained.set(found.topic, undefined)
        continue
      }
      const message = createOutboundMessage({
        topic: found.topic,
        topicBytes: Buffer.from(found.topic),
        payload: found.payload,
        qos: found.qos,
        retain: true,
        properties: found.properties,
        expiresAt: found.expiresAt,
      })
      message.held = true
      // MQTT-3.3.1-8 of 3.1.1: what a new subscription brings has RETAIN set.
      session.deliver(message, grant, true)
      releaseFrames(message)
    }
  }

  function toOutbound(message: MqttOutgoing): OutboundMessage | undefined {
    const levels = topicNameLevels(message.topic)
    const topicBytes = Buffer.from(message.topic)
    const isTooLong = topicBytes.length > limits.maxTopicBytes || levels > limits.maxTopicLevels
    if (levels === 0 || isTooLong || message.topic.includes('\u0000')) {
      hooks.log?.({ event: 'message.dropped', reason: 'topic of a server message is not valid' })
      return undefined
    }
    const { properties } = message
    const expirySeconds = properties?.messageExpirySeconds
    return createOutboundMessage({
      topic: message.topic,
      topicBytes,
      payload: typeof message.payload === 'string' ? Buffer.from(message.payload) : message.payload,
      qos: message.qos ?? 0,
      retain: message.retain ?? false,
      properties: properties ? encodeMessageProperties(properties) : NO_PROPERTIES,
      expiresAt: expirySeconds === undefined ? Infinity : clock() + expirySeconds * 1_000,
    })
  }

  // Flow

  function schedule(flush: () => void): void {
    if (flushes.push(flush) === 1) setImmediate(flushAll)
  }

  function flushAll(): void {
    const due = flushes
    flushes = []
    for (const flush of due) flush()
  }

  function reserve(bytes: number): void {
    unacked += 1
    stats.unackedBytes += bytes
  }

  function free(bytes: number): void {
    unacked -= 1
    stats.unackedBytes -= bytes
    if (waitingForRoom.length > 0 && hasRoom()) {
      const waiting = waitingForRoom
      waitingForRoom = []
      for (const callback of waiting) callback()
    }
    if (unacked === 0) onIdle()
  }

  function hasRoom(): boolean {
    return stats.unackedBytes < limits.maxUnackedBytesTotal
  }

  const broker: Broker = {
    hooks,
    limits,
    stats,
    clock,
    setTimer,
    schedule,
    nextOrder: () => {
      order += 1
      return order
    },
    topic: index.topic,
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
    deliverRetained,
    route,
    reserve,
    free,
    get hasRoom() {
      return hasRoom()
    },
    whenRoom(callback) {
      waitingForRoom.push(callback)
    },
  }

  for (const stored of store.load()) restore(stored)

  let cancelSweep = (): void => {}
  function sweep(): void {
    for (const connection of connections) connection.checkProgress()
    cancelSweep = setTimer(sweep, limits.stalledAfterMs)
  }
  cancelSweep = setTimer(sweep, limits.stalledAfterMs)

  return {
    attach(stream, transport) {
      if (closing || connections.size >= limits.maxConnections) {
        hooks.log?.({
          event: 'connection.refused',
          remoteAddress: transport.remoteAddress,
          reason: closing ? 'closing' : 'too many connections',
        })
        stream.on('error', () => {})
        stream.destroy()
        return
      }
      const connection = createConnection(broker, stream, transport, () => {
        connections.delete(connection)
        stats.connections = connections.size
        if (connections.size === 0) onEmpty()
      })
      connections.add(connection)
      stats.connections = connections.size
    },

    publish(message) {
      const outbound = toOutbound(message)
      if (outbound) spread(outbound, index.topic(message.topic), undefined)
    },

    publishTo(clientId, message) {
      const session = sessions.get(clientId)?.session
      const outbound = session && toOutbound(message)
      if (!session || !outbound) return false
      const levels = message.topic.split('/')
      const grant = merge(
        [...session.subscriptions.values()].filter(
          ({ parsed }) => parsed.group === undefined && filterMatches(parsed.levels, levels),
        ),
      )
      if (!grant) return false
      return session.deliver(outbound, grant, false)
    },

    disconnect(clientId, reason) {
      const holder = holders.get(clientId)
      if (!holder) return false
      holder.end('server', SERVER_REASONS[reason])
      return true
    },

    get connections() {
      return connections.size
    },

    stats: () => ({ ...stats, subscriptions: index.size, retainedMessages: retained.size }),

    async close() {
      closing = true
      cancelSweep()
      for (const connection of connections) connection.quiesce()
      if (unacked > 0) {
        await new Promise<void>((resolve) => {
          const cancel = setTimer(resolve, limits.closeTimeoutMs)
          onIdle = () => {
            cancel()
            resolve()
          }
        })
      }
      for (const connection of [...connections]) connection.end('server', REASON.shuttingDown)
      for (const kept of sessions.values()) {
        kept.cancelExpiry()
        kept.will?.cancel()
      }
      // Each connection destroys its stream after `closeTimeoutMs` at the latest.
      if (connections.size > 0) {
        await new Promise<void>((resolve) => {
          onEmpty = resolve
        })
      }
    },
  }
}

/** The member whose turn it is: the next one that is connected, else the next at all. */
function nextMember(group: ShareGroup<Session>): [Session, Subscription] | undefined {
  const members = [...group.members]
  for (let step = 1; step <= members.length; step += 1) {
    const at = (group.turn + step) % members.length
    const member = members[at]
    if (member?.[0].link && !member[0].link.congested) {
      group.turn = at
      return member
    }
  }
  group.turn = members.length === 0 ? 0 : (group.turn + 1) % members.length
  return members[group.turn]
}

/** A timer that does not keep the process alive. */
function startTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
