import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Broker, Holder, PendingWill } from './broker.ts'
import type { Fault } from './cursor.ts'
import {
  type ConnectPacket,
  decodeAck,
  decodeConnect,
  decodeDisconnect,
  decodeSubscribe,
  decodeUnsubscribe,
  isFault,
  type SubscribePacket,
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
  MqttQos,
  MqttSubscribeVerdict,
  MqttTransport,
  MqttVersion,
} from './hooks.ts'
import { createInbound, type Inbound } from './inbound.ts'
import { frame3, frame5 } from './outbound-message.ts'
import { createOutput } from './output.ts'
import { PACKET, REASON } from './reason-codes.ts'
import type { Link, Parcel, Session } from './session.ts'
import type { Subscription } from './subscription-index.ts'
import { parseFilter, topicNameLevels } from './topic.ts'

/** One network connection, from its first byte to its end. */
export interface Connection extends Holder {
  /** Reads no further packets; what is under way goes on. */
  quiesce(): void
  /** Called at regular intervals: ends the connection if its socket took nothing since the last call. */
  checkProgress(): void
}

/** Why a connection is not read from. Each bit is set and cleared by one cause. */
const GATE = { connect: 1, subscribe: 2, inbound: 4, output: 8, closing: 16 } as const

const CONNECT_REFUSALS = {
  bad_credentials: REASON.badCredentials,
  not_authorized: REASON.notAuthorized,
  identifier_rejected: REASON.identifierRejected,
  unavailable: REASON.unavailable,
} as const

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
  let session: Session | undefined
  let client: MqttClientInfo | undefined
  let announced = false
  let inbound: Inbound | undefined
  let will: PendingWill | undefined
  let gates = 0
  let packets = 0
  let lastPacketAt = 0
  let progress = 0
  let lastProgress = 0
  let cancelTimer = (): void => {}
  /** What the client allows. */
  let clientMaxPacketBytes = Infinity
  let clientMaxAliases = 0
  let clientReceiveMaximum = 65_535
  const sentAliases = new Map<string, number>()

  const output = createOutput(stream, broker.schedule, {
    onWritten() {
      if (stream.writableLength > limits.maxOutboundBytes) gate(GATE.output)
    },
    onTaken() {
      progress += 1
      if (phase !== 'open') return
      if ((gates & GATE.output) !== 0 && output.buffered * 2 < limits.maxOutboundBytes) {
        ungate(GATE.output)
      }
      session?.pump()
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
    const type = first >> 4
    if (phase === 'waiting') {
      // MQTT-3.1.0-1.
      if (first === PACKET.connect << 4) onConnect(decodeConnect(bytes, start, end))
      else fault({ fault: REASON.protocolError, why: 'first packet is no CONNECT' })
      return
    }
    if (!session || !inbound) return
    if (type === PACKET.publish) {
      inbound.publish(first, bytes, start, end)
      return
    }
    // MQTT-2.2.2-2 of 3.1.1, MQTT-2.1.3-1 of 5: the other packets have fixed flags.
    const isFlagged =
      type === PACKET.pubrel || type === PACKET.subscribe || type === PACKET.unsubscribe
    if ((first & 15) !== (isFlagged ? 2 : 0)) {
      fault({ fault: REASON.malformed, why: `reserved flags of packet type ${type}` })
      return
    }
    onControl(session, inbound, type, bytes, start, end)
  }

  function onControl(
    to: Session,
    from: Inbound,
    type: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    switch (type) {
      case PACKET.puback:
      case PACKET.pubrec:
      case PACKET.pubrel:
      case PACKET.pubcomp: {
        const ack = decodeAck(bytes, start, end, version)
        if (isFault(ack)) fault(ack)
        else onAck(to, from, type, ack.packetId, ack.reason)
        return
      }
      case PACKET.subscribe: {
        const packet = decodeSubscribe(bytes, start, end, version)
        if (isFault(packet)) fault(packet)
        else if (client) onSubscribe(to, client, packet)
        return
      }
      case PACKET.unsubscribe: {
        const packet = decodeUnsubscribe(bytes, start, end, version)
        if (isFault(packet)) fault(packet)
        else onUnsubscribe(to, packet.packetId, packet.filters)
        return
      }
      case PACKET.pingreq:
        if (start === end) output.frame(PINGRESP)
        else fault({ fault: REASON.malformed, why: 'PINGREQ with a body' })
        return
      case PACKET.disconnect: {
        const packet = decodeDisconnect(bytes, start, end, version)
        if (isFault(packet)) fault(packet)
        else onDisconnect(to, packet.reason, packet.sessionExpirySeconds)
        return
      }
      default:
        // A second CONNECT (MQTT-3.1.0-2), AUTH without a method, or a packet that only servers send.
        fault({ fault: REASON.protocolError, why: `unexpected packet type ${type}` })
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
    const problem = checkConnect(packet)
    if (problem) {
      refuse(problem.fault, problem.why)
      return
    }
    phase = 'connecting'
    const assignedClientId = packet.clientId === '' ? `auto-${randomUUID()}` : undefined
    const request = toRequest(packet, assignedClientId ?? packet.clientId)
    let answer: MqttConnectDecision | Promise<MqttConnectDecision>
    try {
      answer = hooks.connect(request)
    } catch (error) {
      onConnectFailed(error)
      return
    }
    if (!('then' in answer)) {
      onDecided(packet, request, assignedClientId, answer)
      return
    }
    gate(GATE.connect)
    answer.then(
      (decision) => onDecided(packet, request, assignedClientId, decision),
      onConnectFailed,
    )
  }

  function checkConnect(packet: ConnectPacket): Fault | undefined {
    const idBytes = Buffer.byteLength(packet.clientId)
    // MQTT-3.1.3-8 of 3.1.1; MQTT 3.1 knows no empty id.
    const mustHaveId = version === 3 || (version === 4 && !packet.clean)
    if (idBytes > limits.maxClientIdBytes || (idBytes === 0 && mustHaveId)) {
      return { fault: REASON.identifierRejected, why: `client id of ${idBytes} bytes` }
    }
    if (packet.properties.authenticationMethod !== undefined) {
      return { fault: REASON.badAuthenticationMethod, why: 'no authentication method is known' }
    }
    const topic = packet.will?.topic
    if (topic === undefined) return undefined
    const isTooLong = Buffer.byteLength(topic) > limits.maxTopicBytes
    return isTooLong || topicNameLevels(topic) > limits.maxTopicLevels
      ? { fault: REASON.topicInvalid, why: 'will topic too long or too deep' }
      : undefined
  }

  function toRequest(packet: ConnectPacket, clientId: string): MqttConnectRequest {
    const { will: packetWill } = packet
    return {
      clientId,
      username: packet.username,
      password: packet.password,
      protocolVersion: packet.version,
      clean: packet.clean,
      keepAliveSeconds: packet.keepAliveSeconds,
      will: packetWill && {
        topic: packetWill.topic,
        payload: packetWill.payload,
        qos: packetWill.qos,
        retain: packetWill.retain,
        delaySeconds: packetWill.delaySeconds,
        properties: packetWill.properties,
      },
      transport,
      userProperties: packet.properties.userProperties,
    }
  }

  function onConnectFailed(error: unknown): void {
    log('hook.failed', `connect: ${describe(error)}`)
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
    const clientId = decision.clientId ?? request.clientId
    const { properties } = packet
    const wanted =
      version === 5
        ? (properties.sessionExpirySeconds ?? 0)
        : packet.clean
          ? 0
          : limits.maxSessionExpirySeconds
    const expirySeconds = Math.min(wanted, limits.maxSessionExpirySeconds)
    const claim = broker.claim(connection, clientId, packet.clean, expirySeconds)
    if (claim.kind === 'stale') {
      end('takeover', REASON.takenOver)
      return
    }
    if (claim.kind === 'full') {
      refuse(REASON.quotaExceeded, 'too many sessions')
      return
    }
    session = claim.session
    clientMaxPacketBytes = properties.maximumPacketBytes ?? Infinity
    clientMaxAliases = Math.min(properties.topicAliasMaximum ?? 0, limits.maxTopicAliases)
    clientReceiveMaximum = properties.receiveMaximum ?? 65_535
    client = {
      clientId,
      principal: decision.principal,
      protocolVersion: version,
      clean: packet.clean,
      keepAliveSeconds: packet.keepAliveSeconds,
      username: packet.username,
      transport,
      connectedAt: broker.clock(),
      data: decision.data,
    }
    const connack = encodeConnack(version, claim.present, REASON.success, {
      receiveMaximum: limits.maxUnackedMessages,
      maximumPacketBytes: limits.maxPacketBytes,
      topicAliasMaximum: limits.maxTopicAliases,
      sessionExpirySeconds: expirySeconds === wanted ? undefined : expirySeconds,
      assignedClientId,
    })
    const open = (): void => onOpen(claim.session, connack, packet)
    const checked = claim.present ? askAgain(claim.session, client) : undefined
    if (!checked) {
      open()
      return
    }
    gate(GATE.connect)
    void checked.then(open)
  }

  function toPendingWill(packet: ConnectPacket): PendingWill | undefined {
    if (!packet.will) return undefined
    const { topic, payload, qos, retain, properties, delaySeconds, forward } = packet.will
    const message = { topic, payload, qos, retain, dup: false, properties }
    return { delaySeconds, inbound: { message, topic: broker.topic(topic), forward } }
  }

  /** A resumed session keeps only those subscriptions that its client may still have. */
  function askAgain(of: Session, who: MqttClientInfo): Promise<unknown> | undefined {
    const waiting: Promise<unknown>[] = []
    for (const { filter, qos } of [...of.subscriptions.values()]) {
      const judge = (verdict: MqttSubscribeVerdict): void => {
        if (phase === 'connecting' && !verdict.accept) broker.unsubscribe(of, filter)
      }
      const answer = ask(filter, qos, who)
      if ('then' in answer) waiting.push(answer.then(judge))
      else judge(answer)
    }
    return waiting.length > 0 ? Promise.all(waiting) : undefined
  }

  /** Asks the subscribe hook; a hook that fails refuses. Never rejects. */
  function ask(
    filter: string,
    qos: MqttQos,
    who: MqttClientInfo,
  ): MqttSubscribeVerdict | Promise<MqttSubscribeVerdict> {
    const onError = (error: unknown): MqttSubscribeVerdict => {
      log('hook.failed', `subscribe: ${describe(error)}`)
      return { accept: false }
    }
    try {
      const answer = hooks.subscribe(filter, qos, who)
      return 'then' in answer ? answer.catch(onError) : answer
    } catch (error) {
      return onError(error)
    }
  }

  function onOpen(of: Session, connack: Buffer, packet: ConnectPacket): void {
    if (phase !== 'connecting' || !client) return
    phase = 'open'
    will = toPendingWill(packet)
    stats.connectsAccepted += 1
    inbound = createInbound(broker, inboundOwner(of, client))
    output.frame(connack)
    lastPacketAt = broker.clock()
    if (packet.keepAliveSeconds > 0) startKeepAlive(packet.keepAliveSeconds * 1_500)
    announced = true
    try {
      hooks.connected(client)
    } catch (error) {
      log('hook.failed', `connected: ${describe(error)}`)
    }
    if (isOpen()) of.attach(link)
    ungate(GATE.connect)
  }

  /** MQTT-3.1.2-24 of 3.1.1, MQTT-3.1.2-22 of 5. Time in which we do not read is not held against the client. */
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

  function inboundOwner(of: Session, who: MqttClientInfo): Parameters<typeof createInbound>[1] {
    return {
      version,
      client: who,
      session: of,
      get open() {
        return phase === 'open'
      },
      acknowledge(type, packetId, reason) {
        if (reason === REASON.success || version !== 5) output.ack(type << 4, packetId)
        else output.frame(encodeReasonedAck(type << 4, packetId, reason))
      },
      fault,
      dismiss(reason) {
        end('server', reason)
      },
      hookFailed(error) {
        log('hook.failed', `publish: ${describe(error)}`)
        end('error', REASON.unspecified)
      },
      onFull: () => gate(GATE.inbound),
      onRoom: () => ungate(GATE.inbound),
    }
  }

  function onAck(to: Session, from: Inbound, type: number, packetId: number, reason: number): void {
    switch (type) {
      case PACKET.puback:
        to.onPuback(packetId)
        return
      case PACKET.pubrec: {
        const answer = to.onPubrec(packetId, reason)
        if (answer === REASON.success) link.release(packetId)
        else if (answer !== undefined) acknowledge5((PACKET.pubrel << 4) | 2, packetId, answer)
        return
      }
      case PACKET.pubrel: {
        const known = from.release(packetId)
        const answer = known ? REASON.success : REASON.packetIdUnknown
        acknowledge5(PACKET.pubcomp << 4, packetId, answer)
        return
      }
      default:
        to.onPubcomp(packetId)
    }
  }

  function acknowledge5(first: number, packetId: number, reason: number): void {
    if (version === 5 && reason !== REASON.success) {
      output.frame(encodeReasonedAck(first, packetId, reason))
    } else output.ack(first, packetId)
  }

  function onSubscribe(of: Session, who: MqttClientInfo, packet: SubscribePacket): void {
    const subscriptions: (Subscription | number)[] = []
    const waiting: Promise<unknown>[] = []
    for (const [index, entry] of packet.entries.entries()) {
      const asked = toSubscription(entry, packet.identifier, of)
      if (isFault(asked)) {
        // MQTT-4.7.1-1 to -3: a wrong filter breaks the protocol; MQTT 5 has an answer for it.
        if (version !== 5 && asked.fault === REASON.filterInvalid) {
          fault(asked)
          return
        }
        subscriptions[index] = asked.fault
        continue
      }
      const judge = (verdict: MqttSubscribeVerdict): void => {
        subscriptions[index] = verdict.accept
          ? { ...asked, qos: verdict.qos ?? asked.qos }
          : REASON.notAuthorized
      }
      const answer = ask(entry.filter, entry.qos, who)
      if ('then' in answer) waiting.push(answer.then(judge))
      else judge(answer)
    }
    if (waiting.length === 0) {
      finishSubscribe(of, packet, subscriptions)
      return
    }
    gate(GATE.subscribe)
    void Promise.all(waiting).then(() => {
      finishSubscribe(of, packet, subscriptions)
      ungate(GATE.subscribe)
    })
  }

  function toSubscription(
    entry: SubscribePacket['entries'][number],
    identifier: number,
    of: Session,
  ): Subscription | Fault {
    const { filter, qos, noLocal, retainAsPublished } = entry
    const parsed = parseFilter(filter)
    const isTooLong = Buffer.byteLength(filter) > limits.maxTopicBytes
    if (!parsed || isTooLong || parsed.levels.length > limits.maxTopicLevels) {
      return { fault: REASON.filterInvalid, why: 'topic filter is not valid' }
    }
    const { subscriptions } = of
    if (subscriptions.size >= limits.maxSubscriptionsPerClient && !subscriptions.has(filter)) {
      return { fault: REASON.quotaExceeded, why: 'too many subscriptions' }
    }
    return { filter, parsed, qos, noLocal, retainAsPublished, identifier }
  }

  function finishSubscribe(
    of: Session,
    packet: SubscribePacket,
    results: readonly (Subscription | number)[],
  ): void {
    if (phase !== 'open') return
    const codes: number[] = []
    const fresh: Subscription[] = []
    for (const [index, result] of results.entries()) {
      if (typeof result === 'number') {
        codes.push(version === 5 ? result : 0x80)
        continue
      }
      const isNew = broker.subscribe(of, result)
      codes.push(result.qos)
      const handling = packet.entries[index]?.retainHandling ?? 0
      // MQTT-3.3.1-9 to -11 of 5; a shared subscription gets none.
      const wantsRetained = handling === 0 || (handling === 1 && isNew)
      if (wantsRetained && result.parsed.group === undefined) fresh.push(result)
    }
    output.frame(encodeFilterAck(PACKET.suback, version, packet.packetId, codes))
    for (const subscription of fresh) {
      for (const message of broker.retained(subscription.parsed.levels)) {
        broker.deliverRetained(of, subscription, message)
      }
    }
  }

  function onUnsubscribe(of: Session, packetId: number, filters: readonly string[]): void {
    const codes: number[] = []
    for (const filter of filters) {
      if (!parseFilter(filter)) {
        if (version !== 5) {
          fault({ fault: REASON.filterInvalid, why: 'topic filter is not valid' })
          return
        }
        codes.push(REASON.filterInvalid)
      } else if (broker.unsubscribe(of, filter)) codes.push(REASON.success)
      else codes.push(REASON.noSubscription)
    }
    if (version === 5) output.frame(encodeFilterAck(PACKET.unsuback, version, packetId, codes))
    else output.ack(PACKET.unsuback << 4, packetId)
  }

  function onDisconnect(of: Session, reason: number, expirySeconds: number | undefined): void {
    if (expirySeconds !== undefined) {
      // MQTT-3.14.2-2 forbids it to the server; section 3.14.2.2.2: a session without life gets none by DISCONNECT.
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

  const link: Link = {
    get window() {
      return Math.min(limits.maxInflight, clientReceiveMaximum)
    },
    get congested() {
      return output.buffered > limits.maxOutboundBytes
    },
    send,
    release(packetId) {
      output.ack((PACKET.pubrel << 4) | 2, packetId)
    },
    overflow() {
      end('server', REASON.quotaExceeded)
    },
  }

  function send(parcel: Parcel, packetId: number, dup: boolean): boolean {
    const { message } = parcel
    const first =
      (PACKET.publish << 4) | (dup ? 8 : 0) | (parcel.qos << 1) | (parcel.retain ? 1 : 0)
    if (version !== 5) {
      output.publish(frame3(message, parcel.qos > 0), first, packetId)
      stats.sent += 1
      return true
    }
    const known = sentAliases.get(message.topic)
    const isNewAlias = known === undefined && sentAliases.size < clientMaxAliases
    const alias = isNewAlias ? sentAliases.size + 1 : (known ?? 0)
    const frame = frame5(message, {
      withPacketId: parcel.qos > 0,
      now: broker.clock(),
      identifiers: parcel.identifiers,
      alias,
      aliasKnown: known !== undefined,
    })
    // MQTT-3.1.2-24 of 5.
    if (frame.length > clientMaxPacketBytes) return false
    if (isNewAlias) sentAliases.set(message.topic, alias)
    output.publish(frame, first, packetId)
    stats.sent += 1
    return true
  }

  // The end

  function isOpen(): boolean {
    return phase === 'open'
  }

  function log(event: 'connection.refused' | 'packet.malformed' | 'hook.failed', reason: string) {
    hooks.log?.({
      event,
      clientId: client?.clientId,
      remoteAddress: transport.remoteAddress,
      reason,
    })
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
    if (version === 5 && isOpen()) {
      output.frame(encodeDisconnect(found.fault, found.why, clientMaxPacketBytes))
    }
    finish('protocol')
  }

  function end(cause: MqttDisconnectCause, reason: number): void {
    if (phase === 'closed') return
    if (version === 5 && isOpen()) {
      output.frame(encodeDisconnect(reason, '', clientMaxPacketBytes))
    }
    finish(cause)
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
    if (session) {
      session.detach(link)
      broker.leave(connection, session, announced ? client : undefined, cause, will)
    }
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

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'not an Error'
}
