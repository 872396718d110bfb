import { toQos } from './decode.ts'
import { createFifo } from './fifo.ts'
import type { MqttQos } from './hooks.ts'
import type { MqttLimits } from './limits.ts'
import { hold, type OutboundMessage } from './outbound-message.ts'
import { REASON } from './reason-codes.ts'
import type { SessionChange } from './session-store.ts'
import type { Stats } from './stats.ts'
import type { Grant, Subscription } from './subscription-index.ts'

/**
 * What became of a message that was meant for one connection. `lost`: the connection ended, or its queue was full,
 * before the client acknowledged. `refused`: the client said no, or takes no packet of this size.
 */
export type Handed = 'acknowledged' | 'offline' | 'not_subscribed' | 'lost' | 'refused'

/** One message on its way to one client. */
export interface Parcel {
  readonly sequence: number
  readonly message: OutboundMessage
  readonly qos: MqttQos
  readonly retain: boolean
  readonly identifiers: readonly number[]
  /** What it counts against the bounds of the session. */
  readonly bytes: number
  /** 0: not sent yet. */
  packetId: number
  /** True once PUBREC came: what is due is PUBREL (MQTT-4.3.3-4). */
  released: boolean
  /** Told once what became of it; such a parcel lives no longer than its connection and is kept in no store. */
  readonly done: ((handed: Handed) => void) | undefined
}

/** What a session needs of the connection that serves it. */
export interface Link {
  /** Messages that may be in flight at once. */
  readonly window: number
  /** True if the socket does not keep up. */
  readonly congested: boolean
  /** Gives false if the message is larger than the client takes; then nothing was sent. */
  send(parcel: Parcel, packetId: number, dup: boolean): boolean
  /** Sends PUBREL. */
  release(packetId: number): void
  /** The queue is full and the declared policy is to end the client. */
  overflow(): void
}

/** What the sessions share. */
export interface SessionContext {
  readonly limits: MqttLimits
  readonly stats: Stats
  readonly clock: () => number
}

/** How an inbound QoS 2 packet id stands: its hook is under way, or it waits for PUBREL. */
export type Received = Promise<unknown> | 'taken'

export type RecordChange = (change: SessionChange) => void

/** The state of one client that may outlive its connection. */
export interface Session {
  readonly clientId: string
  /** 0: ends with its connection. */
  expirySeconds: number
  readonly subscriptions: Map<string, Subscription>
  readonly received: Map<number, Received>
  readonly link: Link | undefined
  /** Tells the store; `undefined` if the session is kept in none. */
  readonly record: RecordChange | undefined
  /** Sends a message or, for QoS 1 and 2, puts it into the queue. Gives false if it was dropped. */
  deliver(message: OutboundMessage, grant: Grant, retain: boolean): boolean
  /** Hands a message to the connection of now, or to nobody. QoS 0 counts as acknowledged once it was handed over. */
  hand(message: OutboundMessage, grant: Grant): Promise<Handed>
  /** Puts back what a store kept. */
  restore(parcel: Parcel): void
  /** Serves the session over a new connection: what was sent before goes first (MQTT-4.4.0-1). */
  attach(link: Link): void
  detach(link: Link): void
  /** Sends what waits, as far as window and socket allow. */
  pump(): void
  onPuback(packetId: number, reason: number): void
  /** Gives the reason for PUBREL, or `undefined` if the client refused the message. */
  onPubrec(packetId: number, reason: number): number | undefined
  onPubcomp(packetId: number): void
  /** Gives back everything that the session holds. */
  end(): void
}

const PARCEL_OVERHEAD = 64

export function createSession(
  clientId: string,
  context: SessionContext,
  record: RecordChange | undefined,
): Session {
  const { limits, stats } = context
  const queue = createFifo<Parcel>()
  /** In the order of sending. */
  const inflight = new Map<number, Parcel>()
  /** Those of them that a resumed connection has yet to send again. */
  let again = createFifo<Parcel>()
  /** Those that live no longer than the connection, wherever they are. */
  const handed = new Set<Parcel>()
  let bytes = 0
  let lastPacketId = 0
  let lastSequence = 0
  let link: Link | undefined
  let ended = false

  function nextPacketId(): number {
    do {
      lastPacketId = lastPacketId === 65_535 ? 1 : lastPacketId + 1
    } while (inflight.has(lastPacketId))
    return lastPacketId
  }

  function keep(parcel: Parcel): void {
    bytes += parcel.bytes
    stats.queuedMessages += 1
    stats.queuedBytes += parcel.bytes
  }

  function drop(parcel: Parcel, outcome: Handed = 'lost'): void {
    bytes -= parcel.bytes
    stats.queuedMessages -= 1
    stats.queuedBytes -= parcel.bytes
    if (parcel.done === undefined) record?.({ kind: 'done', sequence: parcel.sequence })
    else {
      handed.delete(parcel)
      parcel.done(outcome)
    }
  }

  /** At least one message may be in flight, however slow the socket. */
  function hasRoom(to: Link): boolean {
    const sent = inflight.size - again.length
    return sent <= 0 || (sent < to.window && !to.congested)
  }

  function sendFirst(to: Link, parcel: Parcel): void {
    const packetId = nextPacketId()
    if (!to.send(parcel, packetId, false)) {
      // MQTT-3.1.2-25: as if it had been sent and acknowledged.
      stats.droppedTooLarge += 1
      drop(parcel, 'refused')
      return
    }
    parcel.packetId = packetId
    inflight.set(packetId, parcel)
    if (parcel.done === undefined) record?.({ kind: 'sent', sequence: parcel.sequence, packetId })
  }

  function settle(parcel: Parcel, outcome: Handed = 'lost'): void {
    inflight.delete(parcel.packetId)
    drop(parcel, outcome)
  }

  function sendAgain(to: Link, parcel: Parcel): void {
    if (inflight.get(parcel.packetId) !== parcel) return
    if (parcel.released) to.release(parcel.packetId)
    else if (!to.send(parcel, parcel.packetId, true)) settle(parcel)
  }

  function sendNext(to: Link, parcel: Parcel): void {
    if (parcel.message.expiresAt <= context.clock()) {
      stats.droppedExpired += 1
      drop(parcel)
    } else sendFirst(to, parcel)
  }

  function pump(): void {
    while (link && hasRoom(link)) {
      const resent = again.shift()
      if (resent) {
        sendAgain(link, resent)
        continue
      }
      const next = queue.shift()
      if (!next) return
      if (!isGone(next)) sendNext(link, next)
    }
  }

  /** True of a parcel in the queue whose connection ended before it was sent. */
  function isGone(parcel: Parcel): boolean {
    return parcel.done !== undefined && !handed.has(parcel)
  }

  function isFull(more: number): boolean {
    return (
      queue.length >= limits.maxQueuedMessages ||
      bytes + more > limits.maxQueuedBytes ||
      stats.queuedBytes + more > limits.maxQueuedBytesTotal
    )
  }

  function enqueue(parcel: Parcel): boolean {
    if (link && limits.queueOverflow === 'disconnect' && isFull(parcel.bytes)) link.overflow()
    // A session without a life of its own ends with its connection.
    if (ended) return false
    while (isFull(parcel.bytes)) {
      const oldest = queue.shift()
      if (oldest && isGone(oldest)) continue
      stats.droppedQueue += 1
      if (!oldest) return false
      drop(oldest)
    }
    if (parcel.done === undefined) record?.({ kind: 'queued', delivery: toStored(parcel) })
    keep(parcel)
    queue.push(parcel)
    return true
  }

  function deliverUnacknowledged(message: OutboundMessage, grant: Grant, retain: boolean): boolean {
    if (!link) return false
    if (link.congested) {
      stats.droppedQos0 += 1
      return false
    }
    const parcel = createParcel(0, message, 0, retain, grant.identifiers)
    const sent = link.send(parcel, 0, false)
    if (!sent) stats.droppedTooLarge += 1
    return sent
  }

  /** Sends a QoS 1 or 2 parcel if it is its turn and there is room, else lets it wait. */
  function forward(parcel: Parcel): boolean {
    const isNext = queue.length === 0 && again.length === 0
    const fits = bytes === 0 || bytes + parcel.bytes <= limits.maxQueuedBytes
    if (!link || !isNext || !fits || !hasRoom(link)) return enqueue(parcel)
    if (parcel.done === undefined) record?.({ kind: 'queued', delivery: toStored(parcel) })
    keep(parcel)
    sendFirst(link, parcel)
    return true
  }

  /** Nothing of it goes over to the next connection. */
  function forgetHanded(): void {
    for (const parcel of [...handed]) {
      if (parcel.packetId !== 0) inflight.delete(parcel.packetId)
      drop(parcel)
    }
  }

  return {
    clientId,
    expirySeconds: 0,
    subscriptions: new Map(),
    received: new Map(),
    record,
    get link() {
      return link
    },

    deliver(message, grant, retain) {
      const qos = toQos(Math.min(message.qos, grant.qos))
      if (ended) return false
      if (qos === 0) return deliverUnacknowledged(message, grant, retain)
      hold(message)
      lastSequence += 1
      return forward(createParcel(lastSequence, message, qos, retain, grant.identifiers))
    },

    hand(message, grant) {
      if (ended || link === undefined) return Promise.resolve('offline')
      if (Math.min(message.qos, grant.qos) === 0) {
        if (link.congested) return Promise.resolve('lost')
        const sent = deliverUnacknowledged(message, grant, false)
        return Promise.resolve(sent ? 'acknowledged' : 'refused')
      }
      hold(message)
      return new Promise((done) => {
        const parcel = createParcel(0, message, 1, false, grant.identifiers, done)
        handed.add(parcel)
        if (forward(parcel)) return
        handed.delete(parcel)
        done('lost')
      })
    },

    restore(parcel) {
      keep(parcel)
      if (parcel.sequence > lastSequence) lastSequence = parcel.sequence
      if (parcel.packetId === 0) {
        queue.push(parcel)
        return
      }
      inflight.set(parcel.packetId, parcel)
      lastPacketId = parcel.packetId
    },

    attach(to) {
      link = to
      again = createFifo()
      for (const parcel of inflight.values()) again.push(parcel)
      pump()
    },

    detach(from) {
      if (link !== from) return
      link = undefined
      if (handed.size > 0) forgetHanded()
    },

    pump,

    onPuback(packetId, reason) {
      const parcel = inflight.get(packetId)
      if (parcel?.qos !== 1) return
      settle(parcel, reason < 0x80 ? 'acknowledged' : 'refused')
      pump()
    },

    onPubrec(packetId, reason) {
      const parcel = inflight.get(packetId)
      if (parcel?.qos !== 2) return REASON.packetIdUnknown
      if (reason >= 0x80) {
        settle(parcel)
        pump()
        return undefined
      }
      if (!parcel.released) {
        parcel.released = true
        record?.({ kind: 'released', sequence: parcel.sequence })
      }
      return REASON.success
    },

    onPubcomp(packetId) {
      const parcel = inflight.get(packetId)
      if (parcel?.qos !== 2 || !parcel.released) return
      settle(parcel)
      pump()
    },

    end() {
      ended = true
      for (const parcel of inflight.values()) drop(parcel)
      inflight.clear()
      for (let parcel = queue.shift(); parcel; parcel = queue.shift()) {
        if (!isGone(parcel)) drop(parcel)
      }
      record?.({ kind: 'ended' })
    },
  }
}

export function createParcel(
  sequence: number,
  message: OutboundMessage,
  qos: MqttQos,
  retain: boolean,
  identifiers: readonly number[],
  done?: (handed: Handed) => void,
): Parcel {
  const bytes =
    message.topicBytes.length + message.payload.length + message.properties.length + PARCEL_OVERHEAD
  return { sequence, message, qos, retain, identifiers, bytes, packetId: 0, released: false, done }
}

function toStored(parcel: Parcel): Extract<SessionChange, { kind: 'queued' }>['delivery'] {
  const { message } = parcel
  return {
    sequence: parcel.sequence,
    topic: message.topic,
    payload: message.payload,
    qos: parcel.qos === 2 ? 2 : 1,
    retain: parcel.retain,
    properties: message.properties,
    expiresAt: message.expiresAt,
    identifiers: parcel.identifiers,
  }
}
