import type { Broker, InboundMessage } from './broker.ts'
import { createCursor, type Fault, isCleanText } from './cursor.ts'
import { toQos } from './decode.ts'
import { createFifo } from './fifo.ts'
import type {
  MqttClientInfo,
  MqttPublish,
  MqttPublishVerdict,
  MqttQos,
  MqttVersion,
} from './hooks.ts'
import { readProperties, toMessageProperties } from './properties.ts'
import { PACKET, REASON } from './reason-codes.ts'
import type { Session } from './session.ts'
import type { KnownTopic } from './subscription-index.ts'
import { topicNameLevels } from './topic.ts'

/** What the inbound side needs of its connection. */
export interface InboundOwner {
  readonly version: MqttVersion
  readonly client: MqttClientInfo
  readonly session: Session
  /** True once the connection is closed: what is under way is finished, but no longer answered. */
  readonly isClosed: boolean
  /** Sends PUBACK or PUBREC. */
  acknowledge(type: number, packetId: number, reason: number): void
  fault(fault: Fault): void
  /** The hook refused the message and with it the client. */
  dismiss(reason: number): void
  hookFailed(hook: string, error: unknown): void
  /** The message is not stored: the client must send it again, so it gets no answer and no connection. */
  abandon(): void
  /** Stops reading until `onRoom`. */
  onFull(): void
  onRoom(): void
}

/** The way of PUBLISH packets from the wire to the hook and back. */
export interface Inbound {
  publish(first: number, bytes: Buffer, start: number, end: number): void
  /** Handles PUBREL; gives false if the packet id is not known. */
  release(packetId: number): boolean
}

/** One message in the order of arrival. */
interface Entry {
  readonly qos: MqttQos
  readonly packetId: number
  readonly bytes: number
  /** `undefined` for a repeated QoS 2 message, which is only answered. */
  readonly inbound: InboundMessage | undefined
  /** Set when the hook resolved. */
  verdict: MqttPublishVerdict | undefined
  failure: { readonly error: unknown } | undefined
}

/** One message that is with its subscribers and waits until that is durable; its answer, once it is. */
interface Owing {
  readonly entry: Entry
  readonly reason: number
  done: boolean
  failure: { readonly error: unknown } | undefined
}

const REFUSALS = {
  not_authorized: REASON.notAuthorized,
  quota_exceeded: REASON.quotaExceeded,
  payload_invalid: REASON.payloadInvalid,
  unspecified: REASON.unspecified,
} as const

/** Topics that a connection used last and that are recognised by their bytes. */
const RECENT_TOPICS = 4
/** Longer ones are not remembered, so that the memory of a connection has a bound. */
const MAX_RECENT_BYTES = 256

const REPEATED: MqttPublishVerdict = { accept: true, route: false }

/**
 * Creates the inbound side of one connection. Messages go to the hook in the order of arrival; whatever
 * order the hooks resolve in, messages are routed and answered in that order too (MQTT-4.6.0-2, MQTT-4.6.0-3).
 */
export function createInbound(broker: Broker, owner: InboundOwner): Inbound {
  const { hooks, limits, stats } = broker
  const queue = createFifo<Entry>()
  /** In the order of arrival, all before those in `queue`. */
  const owing = createFifo<Owing>()
  const recent: KnownTopic<Session>[] = []
  const aliases = new Map<number, KnownTopic<Session>>()
  // Where Receive Maximum is as low, one message more must be seen to be refused.
  const maxPending = limits.maxUnackedMessages + (owner.version === 5 ? 1 : 0)
  let nextRecent = 0
  let pendingBytes = 0
  /** QoS 1 messages that wait for their PUBACK. */
  let unacked = 0
  let full = false
  let waitsForRoom = false

  function findTopic(bytes: Buffer, start: number, length: number): KnownTopic<Session> | Fault {
    for (const known of recent) {
      if (known.bytes.length === length && equalBytes(known.bytes, bytes, start)) return known
    }
    if (length > limits.maxTopicBytes) {
      return { fault: REASON.topicInvalid, why: `topic of ${length} bytes` }
    }
    const name = bytes.toString('utf8', start, start + length)
    if (!isCleanText(name, bytes.subarray(start, start + length))) {
      return { fault: REASON.malformed, why: 'topic is not well-formed UTF-8 or has U+0000' }
    }
    const levels = topicNameLevels(name)
    if (levels === 0 || levels > limits.maxTopicLevels) {
      return { fault: REASON.topicInvalid, why: 'topic is empty, has a wildcard or is too deep' }
    }
    const known = broker.topic(name)
    if (length <= MAX_RECENT_BYTES) {
      recent[nextRecent] = known
      nextRecent = (nextRecent + 1) % RECENT_TOPICS
    }
    return known
  }

  /** The topic of an MQTT 5 PUBLISH that carries an alias (MQTT-3.3.2-7 to MQTT-3.3.2-12). */
  function resolveAlias(
    alias: number,
    named: KnownTopic<Session> | undefined,
  ): KnownTopic<Session> | Fault {
    if (alias === 0 || alias > limits.maxTopicAliases) {
      return { fault: REASON.aliasInvalid, why: `topic alias ${alias}` }
    }
    if (named) aliases.set(alias, named)
    return (
      named ?? aliases.get(alias) ?? { fault: REASON.protocolError, why: `unknown alias ${alias}` }
    )
  }

  /** Section 4.9: QoS 1 counts until PUBACK, QoS 2 until PUBCOMP; what is sent again counts once. */
  function isOverReceiveMaximum(packetId: number): boolean {
    const { received } = owner.session
    return unacked + received.size >= limits.receiveMaximum && !received.has(packetId)
  }

  function decode(
    first: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): InboundMessage | Fault {
    const qosBits = (first >> 1) & 3
    // MQTT-3.3.1-4.
    if (qosBits === 3) return { fault: REASON.malformed, why: 'QoS 3' }
    const qos = toQos(qosBits)
    // MQTT-3.3.1-2.
    if (qos === 0 && (first & 8) !== 0) return { fault: REASON.malformed, why: 'DUP with QoS 0' }
    const topicLength = ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0)
    const topicEnd = start + 2 + topicLength
    let at = qos === 0 ? topicEnd : topicEnd + 2
    if (start + 2 > end || at > end) return { fault: REASON.malformed, why: 'PUBLISH too short' }
    let topic: KnownTopic<Session> | undefined
    if (topicLength > 0 || owner.version !== 5) {
      const found = findTopic(bytes, start + 2, topicLength)
      if ('fault' in found) return found
      topic = found
    }
    let packetId: number | undefined
    if (qos !== 0) {
      packetId = ((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0)
      // MQTT-2.3.1-1 of 3.1.1, MQTT-2.2.1-3 of 5.
      if (packetId === 0) return { fault: REASON.protocolError, why: 'packet identifier 0' }
    }
    let properties: MqttPublish['properties']
    let forward: Uint8Array | undefined
    if (owner.version === 5) {
      const cursor = createCursor(bytes, at, end)
      const wire = readProperties(cursor, 'publish')
      if (cursor.fault !== 0) return { fault: cursor.fault, why: cursor.why }
      at = cursor.at
      properties = toMessageProperties(wire)
      forward = wire.forward
      if (wire.topicAlias !== undefined) {
        const resolved = resolveAlias(wire.topicAlias, topic)
        if ('fault' in resolved) return resolved
        topic = resolved
      }
      if (packetId !== undefined && isOverReceiveMaximum(packetId)) {
        return { fault: REASON.receiveMaximumExceeded, why: 'receive maximum' }
      }
    }
    if (!topic) return { fault: REASON.protocolError, why: 'neither topic nor alias' }
    const message = {
      topic: topic.topic,
      payload: bytes.subarray(at, end),
      qos,
      retain: (first & 1) !== 0,
      dup: (first & 8) !== 0,
      packetId,
      properties,
    }
    return { message, topic, forward }
  }

  function take(inbound: InboundMessage, bytes: number): void {
    const { qos, packetId = 0 } = inbound.message
    if (qos === 2 && owner.session.received.has(packetId)) {
      takeRepeated(packetId)
      return
    }
    stats.received += 1
    const entry: Entry = {
      qos,
      packetId,
      bytes,
      inbound,
      verdict: undefined,
      failure: undefined,
    }
    let answer: MqttPublishVerdict | Promise<MqttPublishVerdict>
    try {
      answer = hooks.publish(inbound.message, owner.client)
    } catch (error) {
      entry.failure = { error }
      enqueue(entry)
      drain()
      return
    }
    if (!('then' in answer)) {
      entry.verdict = answer
      if (queue.length === 0 && owing.length === 0) finish(entry, answer)
      else {
        enqueue(entry)
        drain()
      }
      return
    }
    enqueue(entry)
    const settled = settle(entry, answer)
    if (qos === 2) owner.session.received.set(packetId, settled)
  }

  /** A QoS 2 message that was seen before is answered, once its first copy is through, and not taken again (MQTT-4.3.3-10). */
  function takeRepeated(packetId: number): void {
    const entry: Entry = {
      qos: 2,
      packetId,
      bytes: 0,
      inbound: undefined,
      verdict: undefined,
      failure: undefined,
    }
    enqueue(entry)
    void settleRepeated(entry, packetId)
  }

  async function settleRepeated(entry: Entry, packetId: number): Promise<void> {
    const { received } = owner.session
    await received.get(packetId)
    if (received.get(packetId) === 'taken') entry.verdict = REPEATED
    else entry.failure = { error: new Error('the first copy of the message was not taken') }
    drain()
  }

  function settle(entry: Entry, answer: Promise<MqttPublishVerdict>): Promise<void> {
    return answer.then(
      (verdict) => {
        entry.verdict = verdict
        drain()
      },
      (error) => {
        entry.failure = { error }
        drain()
      },
    )
  }

  function enqueue(entry: Entry): void {
    queue.push(entry)
    pendingBytes += entry.bytes
    if (entry.qos === 1) unacked += 1
    broker.reserve(entry.bytes)
    const over = queue.length + owing.length >= maxPending || pendingBytes >= limits.maxUnackedBytes
    if (!full && (over || !broker.hasRoom)) {
      full = true
      owner.onFull()
    }
  }

  function drain(): void {
    for (let entry = queue.peek(); entry; entry = queue.peek()) {
      if (!entry.verdict && !entry.failure) break
      queue.shift()
      pendingBytes -= entry.bytes
      if (entry.qos === 1) unacked -= 1
      broker.free(entry.bytes)
      if (entry.verdict) finish(entry, entry.verdict)
      else if (entry.failure) abandon(entry, entry.failure.error)
    }
    if (full) resumeIfRoom()
  }

  function resumeIfRoom(): void {
    if (queue.length + owing.length > maxPending / 2 || pendingBytes > limits.maxUnackedBytes / 2)
      return
    if (broker.hasRoom) {
      full = false
      owner.onRoom()
    } else if (!waitsForRoom) {
      waitsForRoom = true
      broker.whenRoom(() => {
        waitsForRoom = false
        if (full) resumeIfRoom()
      })
    }
  }

  function abandon(entry: Entry, error: unknown): void {
    stats.failed += 1
    if (entry.qos === 2 && entry.inbound) owner.session.received.delete(entry.packetId)
    owner.hookFailed('publish', error)
    owner.abandon()
  }

  function finish(entry: Entry, verdict: MqttPublishVerdict): void {
    if (verdict.accept) {
      if (entry.qos === 2 && entry.inbound) {
        owner.session.received.set(entry.packetId, 'taken')
        owner.session.record?.({ kind: 'received', packetId: entry.packetId })
      }
      // Stored is stored: it goes to the subscribers even if its sender has left meanwhile.
      const owed =
        verdict.route && entry.inbound
          ? broker.route(entry.inbound, owner.session)
          : entry.qos === 2 && owner.session.record !== undefined
            ? broker.owed()
            : undefined
      respond(entry, REASON.success, owed)
      return
    }
    stats.refused += 1
    if (entry.qos === 2) owner.session.received.delete(entry.packetId)
    if (verdict.disconnect) owner.dismiss(REFUSALS[verdict.reason])
    else respond(entry, REFUSALS[verdict.reason], undefined)
  }

  /** The answer waits for the disk, those behind it for their turn (MQTT-4.6.0-2); the messages themselves do not. */
  function respond(entry: Entry, reason: number, owed: Promise<void> | undefined): void {
    if (entry.qos === 0 || (owed === undefined && owing.length === 0)) {
      answer(entry, reason)
      return
    }
    const one: Owing = { entry, reason, done: owed === undefined, failure: undefined }
    owing.push(one)
    if (entry.qos === 1) unacked += 1
    broker.reserve(0)
    if (owed === undefined) return
    void owed
      .catch((error) => {
        one.failure = { error }
      })
      .then(() => {
        one.done = true
        payOff()
      })
  }

  function payOff(): void {
    for (let one = owing.peek(); one?.done; one = owing.peek()) {
      owing.shift()
      if (one.entry.qos === 1) unacked -= 1
      broker.free(0)
      if (one.failure) abandon(one.entry, one.failure.error)
      else answer(one.entry, one.reason)
    }
    if (full) resumeIfRoom()
  }

  function answer(entry: Entry, reason: number): void {
    if (entry.qos === 0 || owner.isClosed) return
    owner.acknowledge(entry.qos === 1 ? PACKET.puback : PACKET.pubrec, entry.packetId, reason)
  }

  return {
    publish(first, bytes, start, end) {
      const inbound = decode(first, bytes, start, end)
      if ('fault' in inbound) owner.fault(inbound)
      else take(inbound, end - start)
    },
    release(packetId) {
      const known = owner.session.received.delete(packetId)
      if (known) owner.session.record?.({ kind: 'forgotten', packetId })
      return known
    },
  }
}

/** Compares from the end: topics of one fleet differ there first. */
function equalBytes(known: Buffer, bytes: Buffer, start: number): boolean {
  for (let index = known.length - 1; index >= 0; index -= 1) {
    if (known[index] !== bytes[start + index]) return false
  }
  return true
}
