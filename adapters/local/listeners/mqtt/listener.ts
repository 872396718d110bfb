import type { Duplex } from 'node:stream'
import type { Broker, InboundMessage } from './broker.ts'
import { type Connection, createConnection } from './connection.ts'
import type { MqttClientInfo, MqttHooks, MqttServerReason, MqttTransport } from './hooks.ts'
import { DEFAULT_LIMITS, type MqttLimits } from './limits.ts'
import { REASON } from './reason-codes.ts'
import { createMemoryRetainedStore, type RetainedStore } from './retained-store.ts'
import { createRouter, type MqttOutgoing } from './router.ts'
import type { Handed, Session } from './session.ts'
import { createSessionRegistry } from './session-registry.ts'
import { createMemorySessionStore, type SessionStore } from './session-store.ts'
import { createStats, type Stats } from './stats.ts'
import { createSubscriptionIndex } from './subscription-index.ts'

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
   * sessions; a promise resolves once that is durable for sessions that are. A topic that is no topic name is dropped and
   * logged.
   */
  publish(message: MqttOutgoing): Promise<void> | undefined
  /** Whether any session, of a client that is there or may come back, has a subscription that matches. */
  hasSubscribers(topic: string): boolean
  /** Delivers to this client alone. Gives false if it has no subscription that matches, or the message was dropped. */
  publishTo(clientId: string, message: MqttOutgoing): boolean
  /**
   * Hands one message to the connection that this client has now, if a subscription of it matches the topic: never
   * into the store of an offline session, never again over a later connection. It waits for its turn within the
   * client's receive maximum; QoS 0 counts as acknowledged once it was handed over.
   */
  deliver(clientId: string, message: MqttOutgoing): Promise<Handed>
  /** Ends the connection of a client. Gives false if it has none. */
  disconnect(clientId: string, reason: MqttServerReason): boolean
  readonly connections: number
  stats(): MqttStats
  /** Reads no more, waits for the hooks under way, tells MQTT 5 clients, and ends. Wills are not published: the server may come back. */
  close(): Promise<void>
}

const SERVER_REASONS = {
  administrative: REASON.administrative,
  not_authorized: REASON.notAuthorized,
  quota_exceeded: REASON.quotaExceeded,
  busy: REASON.busy,
  unspecified: REASON.unspecified,
} as const

/** Creates the server. Sessions that the store kept are there at once. */
export function createMqttListener(options: MqttListenerOptions): MqttListener {
  const { hooks } = options
  const limits: MqttLimits = { ...DEFAULT_LIMITS, ...options.limits }
  const store = options.sessions ?? createMemorySessionStore()
  const retained = options.retained ?? createMemoryRetainedStore()
  const clock = options.clock ?? Date.now
  const setTimer = options.setTimer ?? startTimer
  const stats = createStats()
  const index = createSubscriptionIndex<Session>()
  const owed = (): Promise<void> | undefined => {
    const sessions = store.owed()
    const messages = retained.owed()
    const both =
      sessions === undefined || messages === undefined
        ? (sessions ?? messages)
        : Promise.all([sessions, messages]).then(() => undefined)
    // Who does not wait for it does not hear of it; the store says itself what it could not keep.
    both?.catch(() => undefined)
    return both
  }
  const router = createRouter({ hooks, limits, stats, clock, index, retained, owed })
  const registry = createSessionRegistry({
    hooks,
    limits,
    stats,
    clock,
    setTimer,
    store,
    index,
    publishWill,
    hookFailed,
  })
  const connections = new Set<Connection>()
  let flushes: (() => void)[] = []
  let waitingForRoom: (() => void)[] = []
  /** Inbound messages whose hook is under way. */
  let unacked = 0
  let order = 0
  let closing = false
  let onIdle = (): void => {}
  let onEmpty = (): void => {}
  let cancelSweep = (): void => {}

  function publishWill(inbound: InboundMessage, client: MqttClientInfo, publisher: Session): void {
    const bytes = inbound.message.payload.length
    reserve(bytes)
    void (async () => {
      try {
        const verdict = await hooks.publish(inbound.message, client)
        if (verdict.accept && verdict.route) await router.route(inbound, publisher)
      } catch (error) {
        hookFailed('publish of a will', error, client.clientId)
      } finally {
        free(bytes)
      }
    })()
  }

  function hookFailed(hook: string, error: unknown, clientId: string): void {
    const what = error instanceof Error ? error.message : 'not an Error'
    hooks.log?.({ event: 'hook.failed', clientId, reason: `${hook}: ${what}` })
  }

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

  function sweep(): void {
    for (const connection of connections) connection.checkProgress()
    cancelSweep = setTimer(sweep, limits.stalledAfterMs)
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
    claim: registry.claim,
    leave: registry.leave,
    subscribe: registry.subscribe,
    unsubscribe: registry.unsubscribe,
    deliverRetained: router.deliverRetained,
    route: router.route,
    owed,
    reserve,
    free,
    get hasRoom() {
      return hasRoom()
    },
    whenRoom(callback) {
      waitingForRoom.push(callback)
    },
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

    publish: router.publish,

    hasSubscribers(topic) {
      const { deliveries, groups } = index.matches(index.topic(topic))
      return deliveries.length > 0 || groups.length > 0
    },

    publishTo(clientId, message) {
      const session = registry.find(clientId)
      return session !== undefined && router.publishTo(session, message)
    },

    deliver(clientId, message) {
      const session = registry.find(clientId)
      return session === undefined ? Promise.resolve('offline') : router.hand(session, message)
    },

    disconnect(clientId, reason) {
      const holder = registry.holder(clientId)
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
      registry.startClosing()
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
      registry.close()
      // Each connection destroys its stream after `closeTimeoutMs` at the latest.
      if (connections.size > 0) {
        await new Promise<void>((resolve) => {
          onEmpty = resolve
        })
      }
    },
  }
}

/** A timer that does not keep the process alive. */
function startTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
