import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Broker, Holder, PendingWill } from './broker.ts'
import {
  CONNECT_REFUSALS,
  checkConnect,
  toClientInfo,
  toConnectRequest,
  toPendingWill,
  wantedExpirySeconds,
} from './connect.ts'
import type { Fault } from './cursor.ts'
import {
  type ConnectPacket,
  decodeAck,
  decodeConnect,
  decodeDisconnect,
  decodeSubscribe,
  decodeUnsubscribe,
  isFault,
} from './decode.ts'
import {
  encodeConnack,
  encodeDisconnect,
  encodeFilterAck,
  encodeReasonedAck,
  PINGRESP,
} from './encode.ts'
import { createFrameReader } from './frame-reader.ts'
import type {
  MqttClientInfo,
  MqttConnectDecision,
  MqttConnectRequest,
  MqttDisconnectCause,
  MqttLogEvent,
  MqttTransport,
  MqttVersion,
} from './hooks.ts'
import { createInbound, type Inbound, type InboundOwner } from './inbound.ts'
import { createLink } from './link.ts'
import { createOutput } from './output.ts'
import { PACKET, REASON } from './reason-codes.ts'
import type { Link, Session } from './session.ts'
import { createSubscribing, type Subscribing, type SubscribingOwner } from './subscribing.ts'

/** One network connection, from its first byte to its end. */
export interface Connection extends Holder {
  /** Reads no further packets; what is under way goes on. */
  quiesce(): void
  /** Called at regular intervals: ends the connection if its socket took nothing since the last call. */
  checkProgress(): void
}

/** What a connection has once its client was accepted. */
interface Served {
  readonly client: MqttClientInfo
  readonly session: Session
  readonly inbound: Inbound
  readonly subscribing: Subscribing
  readonly link: Link
}

/** Why a connection is not read from. Each bit is set and cleared by one cause. */
const GATE = { connect: 1, subscribe: 2, inbound: 4, output: 8, closing: 16 } as const

/** The low half of the first byte: fixed but for PUBLISH (MQTT-2.2.2-2 of 3.1.1, MQTT-2.1.3-1 of 5). */
const FLAGGED = new Set<number>([PACKET.pubrel, PACKET.subscribe, PACKET.unsubscribe])

/** Serves one stream. `onClosed` is called once, when the stream is done with. */
export function createConnection(
  broker: Broker,
  stream: Duplex,
  transport: MqttTransport,
  onClosed: () => void,
): Connection {
  const { hooks, limits, stats } = broker
  let phase: 'waiting' | 'connecting' | 'open' | 'closed' = 'waiting'
  let version: MqttVersion = 4
  let order = 0
  let served: Served | undefined
  /** True from the `connected` hook on: then `disconnected` is due. */
  let announced = false
  let will: PendingWill | undefined
  let clientMaxPacketBytes = Infinity
  let gates = 0
  let packets = 0
  let lastPacketAt = 0
  let progress = 0
  let lastProgress = 0
  let cancelTimer = (): void => {}

  const output = createOutput(stream, broker.schedule, {
    onWritten() {
      // Deliveries stop at the limit, so past twice of it are answers to a client that sends and never reads.
      if (stream.writableLength > 2 * limits.maxOutboundBytes) gate(GATE.output)
    },
    onTaken() {
      progress += 1
      if (phase !== 'open') return
      if ((gates & GATE.output) !== 0 && output.buffered < limits.maxOutboundBytes) {
        ungate(GATE.output)
      }
      served?.session.pump()
    },
  })

  const reader = createFrameReader({ frame: onFrame, refused: onRefused }, () =>
    phase === 'waiting' ? limits.maxConnectBytes : limits.maxPacketBytes,
  )

  // Reading

  function gate(bit: number): void {
    gates |= bit
    reader.pause()
    stream.pause()
  }

  function ungate(bit: number): void {
    if ((gates & bit) === 0) return
    gates &= ~bit
    if (gates !== 0 || phase === 'closed') return
    stream.resume()
    read()
  }

  function read(chunk?: Buffer): void {
    const before = packets
    if (chunk) reader.feed(chunk)
    else reader.resume()
    if (packets !== before) lastPacketAt = broker.clock()
  }

  function onFrame(first: number, bytes: Buffer, start: number, end: number): void {
    packets += 1
    if (phase === 'waiting') {
      // MQTT-3.1.0-1.
      if (first === PACKET.connect << 4) onConnect(decodeConnect(bytes, start, end))
      else fault({ fault: REASON.protocolError, why: 'first packet is no CONNECT' })
      return
    }
    if (!served) return
    const type = first >> 4
    if (type === PACKET.publish) served.inbound.publish(first, bytes, start, end)
    else if ((first & 15) !== (FLAGGED.has(type) ? 2 : 0)) {
      fault({ fault: REASON.malformed, why: `reserved flags of packet type ${type}` })
    } else onControl(served, type, bytes, start, end)
  }

  function onControl(to: Served, type: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case PACKET.puback:
      case PACKET.pubrec:
      case PACKET.pubrel:
      case PACKET.pubcomp: {
        const ack = decodeAck(bytes, start, end, version)
        if (isFault(ack)) fault(ack)
        else onAck(to, type, ack.packetId, ack.reason)
        return
      }
      case PACKET.subscribe: {
        const packet = decodeSubscribe(bytes, start, end, version)
        if (isFault(packet)) fault(packet)
        else {
          to.subscribing.subscribe(packet, (codes) => {
            sendAnswer(encodeFilterAck(PACKET.suback, version, packet.packetId, codes))
          })
        }
        return
      }
      case PACKET.unsubscribe: {
        const packet = decodeUnsubscribe(bytes, start, end, version)
        if (isFault(packet)) fault(packet)
        else {
          to.subscribing.unsubscribe(packet.filters, (codes) => {
            // MQTT 3 has no codes in UNSUBACK.
            const told = version === 5 ? codes : []
            sendAnswer(encodeFilterAck(PACKET.unsuback, version, packet.packetId, told))
          })
        }
        return
      }
      case PACKET.pingreq:
        if (start === end) output.frame(PINGRESP)
        else fault({ fault: REASON.malformed, why: 'PINGREQ with a body' })
        return
      case PACKET.disconnect: {
        const packet = decodeDisconnect(bytes, start, end, version)
        if (isFault(packet)) fault(packet)
        else onDisconnect(to.session, packet.reason, packet.sessionExpirySeconds)
        return
      }
      default:
        // A second CONNECT (MQTT-3.1.0-2), AUTH without a method, or a packet that only servers send.
        fault({
          fault: type === 0 ? REASON.malformed : REASON.protocolError,
          why: `unexpected packet type ${type}`,
        })
    }
  }

  function onRefused(why: 'too_large' | 'malformed'): void {
    fault(
      why === 'too_large'
        ? { fault: REASON.packetTooLarge, why: 'packet larger than the maximum' }
        : { fault: REASON.malformed, why: 'remaining length of more than 4 bytes' },
    )
  }

  // CONNECT

  function onConnect(packet: ReturnType<typeof decodeConnect>): void {
    cancelTimer()
    order = broker.nextOrder()
    if (isFault(packet)) {
      // MQTT-3.1.2-2: an unknown level is answered, in the words of 3.1.1, which every client knows.
      if (packet.fault === REASON.unsupportedVersion) refuse(packet.fault, packet.why)
      else fault(packet)
      return
    }
    version = packet.version
    const problem = checkConnect(packet, limits)
    if (problem) {
      refuse(problem.fault, problem.why)
      return
    }
    phase = 'connecting'
    const assignedId = packet.clientId === '' ? `auto-${randomUUID()}` : undefined
    const request = toConnectRequest(packet, assignedId ?? packet.clientId, transport)
    let answer: MqttConnectDecision | Promise<MqttConnectDecision>
    try {
      answer = hooks.connect(request)
    } catch (error) {
      onConnectFailed(error)
      return
    }
    if (!('then' in answer)) {
      onDecided(packet, request, assignedId, answer)
      return
    }
    gate(GATE.connect)
    answer.then((decision) => onDecided(packet, request, assignedId, decision), onConnectFailed)
  }

  function onConnectFailed(error: unknown): void {
    hookFailed('connect', error)
    refuse(REASON.unavailable, 'connect hook failed')
  }

  function onDecided(
    packet: ConnectPacket,
    request: MqttConnectRequest,
    assignedClientId: string | undefined,
    decision: MqttConnectDecision,
  ): void {
    if (phase !== 'connecting') return
    if (!decision.accept) {
      refuse(CONNECT_REFUSALS[decision.reason], decision.reason)
      return
    }
    const client = toClientInfo(request, decision, broker.clock())
    const wanted = wantedExpirySeconds(packet, limits)
    const expirySeconds = Math.min(wanted, limits.maxSessionExpirySeconds)
    clientMaxPacketBytes = packet.properties.maximumPacketBytes ?? Infinity
    const toConnack = (sessionPresent: boolean): Buffer =>
      encodeConnack(version, sessionPresent, REASON.success, {
        receiveMaximum: limits.receiveMaximum,
        maximumPacketBytes: limits.maxPacketBytes,
        topicAliasMaximum: limits.maxTopicAliases,
        sessionExpirySeconds: expirySeconds === wanted ? undefined : expirySeconds,
        assignedClientId,
      })
    if (toConnack(false).length > clientMaxPacketBytes) {
      refuse(REASON.packetTooLarge, 'client takes no CONNACK')
      return
    }
    const claim = broker.claim(connection, client.clientId, packet.clean, expirySeconds)
    if (claim.kind === 'stale') {
      end('takeover', REASON.takenOver)
      return
    }
    if (claim.kind === 'full') {
      refuse(REASON.quotaExceeded, 'too many sessions')
      return
    }
    const now = serve(packet, client, claim.session)
    served = now
    const checked = claim.present ? now.subscribing.askAgain() : undefined
    if (!checked) {
      onOpen(now, toConnack(claim.present), packet)
      return
    }
    gate(GATE.connect)
    void checked.then(() => onOpen(now, toConnack(claim.present), packet))
  }

  function serve(packet: ConnectPacket, client: MqttClientInfo, session: Session): Served {
    const owner: InboundOwner & SubscribingOwner = {
      version,
      client,
      session,
      get isClosed() {
        return phase === 'closed'
      },
      fault,
      hookFailed,
      acknowledge,
      dismiss: (reason) => end('server', reason),
      abandon: () => end('error', REASON.unspecified),
      onFull: () => gate(GATE.inbound),
      onRoom: () => ungate(GATE.inbound),
      onAsking: () => gate(GATE.subscribe),
      onJudged: () => ungate(GATE.subscribe),
    }
    const allowance = {
      version,
      receiveMaximum: packet.properties.receiveMaximum ?? 65_535,
      maxPacketBytes: clientMaxPacketBytes,
      topicAliasMaximum: packet.properties.topicAliasMaximum ?? 0,
    }
    return {
      client,
      session,
      inbound: createInbound(broker, owner),
      subscribing: createSubscribing(broker, owner),
      link: createLink(broker, output, allowance, () => end('server', REASON.quotaExceeded)),
    }
  }

  function onOpen(to: Served, connack: Buffer, packet: ConnectPacket): void {
    if (phase !== 'connecting') return
    phase = 'open'
    will = toPendingWill(packet, broker)
    stats.connectsAccepted += 1
    output.frame(connack)
    lastPacketAt = broker.clock()
    if (packet.keepAliveSeconds > 0) startKeepAlive(packet.keepAliveSeconds * 1_500)
    to.session.attach(to.link)
    announced = true
    try {
      hooks.connected(to.client)
    } catch (error) {
      hookFailed('connected', error)
    }
    to.subscribing.announce()
    ungate(GATE.connect)
  }

  /** MQTT-3.1.2-24. Time in which we do not read is not held against the client. */
  function startKeepAlive(limitMs: number): void {
    const check = (): void => {
      const isHeld = (gates & ~GATE.output) !== 0
      const idleMs = isHeld ? 0 : broker.clock() - lastPacketAt
      if (idleMs >= limitMs) end('keepalive', REASON.keepAliveTimeout)
      else cancelTimer = broker.setTimer(check, limitMs - idleMs)
    }
    cancelTimer = broker.setTimer(check, limitMs)
  }

  // After CONNECT

  function onAck(to: Served, type: number, packetId: number, reason: number): void {
    switch (type) {
      case PACKET.puback:
        to.session.onPuback(packetId, reason)
        return
      case PACKET.pubrec: {
        const answer = to.session.onPubrec(packetId, reason)
        if (answer !== undefined) acknowledge(PACKET.pubrel, packetId, answer)
        return
      }
      case PACKET.pubrel: {
        const known = to.inbound.release(packetId)
        acknowledge(PACKET.pubcomp, packetId, known ? REASON.success : REASON.packetIdUnknown)
        return
      }
      default:
        to.session.onPubcomp(packetId)
    }
  }

  /** Sends PUBACK, PUBREC, PUBREL or PUBCOMP; MQTT 3 has no reasons. */
  function acknowledge(type: number, packetId: number, reason: number): void {
    const first = (type << 4) | (type === PACKET.pubrel ? 2 : 0)
    if (version !== 5 || reason === REASON.success) output.ack(first, packetId)
    else output.frame(encodeReasonedAck(first, packetId, reason))
  }

  /** Sends an answer; one that the client cannot take ends the connection (MQTT-3.1.2-27). */
  function sendAnswer(frame: Buffer): void {
    if (frame.length <= clientMaxPacketBytes) output.frame(frame)
    else end('protocol', REASON.packetTooLarge)
  }

  function onDisconnect(of: Session, reason: number, expirySeconds: number | undefined): void {
    if (expirySeconds !== undefined) {
      // MQTT 5.0 section 3.14.2.2.2.
      if (of.expirySeconds === 0 && expirySeconds > 0) {
        fault({ fault: REASON.protocolError, why: 'session expiry after none in CONNECT' })
        return
      }
      of.expirySeconds = Math.min(expirySeconds, limits.maxSessionExpirySeconds)
    }
    // MQTT-3.14.4-3: without a will, unless MQTT 5 asks for it.
    if (reason === REASON.success) will = undefined
    finish('client')
  }

  // The end

  function log(event: MqttLogEvent['event'], reason: string): void {
    const { remoteAddress } = transport
    hooks.log?.({ event, clientId: served?.client.clientId, remoteAddress, reason })
  }

  function hookFailed(hook: string, error: unknown): void {
    log('hook.failed', `${hook}: ${error instanceof Error ? error.message : 'not an Error'}`)
  }

  function refuse(reason: number, why: string): void {
    if (phase === 'closed') return
    stats.connectsRefused += 1
    log('connection.refused', why)
    output.frame(encodeConnack(version, false, reason, undefined))
    finish('protocol')
  }

  function fault(found: Fault): void {
    if (phase === 'closed') return
    stats.packetsMalformed += 1
    log('packet.malformed', found.why)
    sayGoodbye(found.fault, found.why)
    finish('protocol')
  }

  function end(cause: MqttDisconnectCause, reason: number): void {
    if (phase === 'closed') return
    sayGoodbye(reason, '')
    finish(cause)
  }

  /** MQTT-3.14.0-1: only after CONNACK. MQTT 3 servers close without a word. */
  function sayGoodbye(reason: number, why: string): void {
    if (version !== 5 || phase !== 'open') return
    output.frame(encodeDisconnect(reason, why, clientMaxPacketBytes))
  }

  function finish(cause: MqttDisconnectCause): void {
    if (phase === 'closed') return
    phase = 'closed'
    cancelTimer()
    reader.stop()
    output.flush()
    stream.end()
    // What the peer still sends is read and thrown away, so that it sees our last packets rather than a reset.
    stream.resume()
    cancelTimer = broker.setTimer(() => stream.destroy(), limits.closeTimeoutMs)
    if (!served) return
    const { session, client, link } = served
    session.detach(link)
    broker.leave(connection, session, announced ? client : undefined, cause, will)
  }

  const connection: Connection = {
    get order() {
      return order
    },
    end,
    quiesce() {
      gate(GATE.closing)
    },
    checkProgress() {
      if (stream.writableLength > 0 && progress === lastProgress) stream.destroy()
      lastProgress = progress
    },
  }

  if (stream instanceof Socket) stream.setNoDelay(true)
  cancelTimer = broker.setTimer(() => {
    log('connection.refused', 'no CONNECT in time')
    finish('protocol')
  }, limits.connectTimeoutMs)
  stream.on('data', (chunk: unknown) => {
    if (phase === 'closed') return
    if (Buffer.isBuffer(chunk)) read(chunk)
    else if (chunk instanceof Uint8Array) {
      read(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    }
  })
  stream.on('error', () => finish('error'))
  stream.on('end', () => finish('error'))
  stream.on('close', () => {
    finish('error')
    cancelTimer()
    onClosed()
  })
  return connection
}
