import {
  type Cursor,
  createCursor,
  type Fault,
  fail,
  readBinary,
  readByte,
  readString,
  readUint16,
} from './cursor.ts'
import type { MqttQos, MqttVersion, MqttWill } from './hooks.ts'
import { readProperties, toMessageProperties, type WireProperties } from './properties.ts'
import { REASON } from './reason-codes.ts'
import { topicNameLevels } from './topic.ts'

/** A decoder's outcome: the packet, or why it was not accepted. */
export type Decoded<T> = T | Fault

/** True if the packet was not accepted. */
export function isFault(decoded: object): decoded is Fault {
  return 'fault' in decoded
}

export interface ConnectPacket {
  readonly version: MqttVersion
  readonly clean: boolean
  readonly keepAliveSeconds: number
  readonly clientId: string
  readonly will: (MqttWill & { readonly forward: Uint8Array | undefined }) | undefined
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
  readonly properties: WireProperties
}

/** One filter of a SUBSCRIBE; MQTT 3 has only the QoS. */
export interface SubscribeEntry {
  readonly filter: string
  readonly qos: MqttQos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: retained messages now; 1: only if the subscription is new; 2: never. */
  readonly retainHandling: number
}

export interface SubscribePacket {
  readonly packetId: number
  /** 0: none. */
  readonly identifier: number
  readonly entries: readonly SubscribeEntry[]
}

export interface UnsubscribePacket {
  readonly packetId: number
  readonly filters: readonly string[]
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export interface AckPacket {
  readonly packetId: number
  readonly reason: number
}

export interface DisconnectPacket {
  readonly reason: number
  readonly sessionExpirySeconds: number | undefined
}

/** What a client may say in PUBACK, PUBREC, PUBREL and PUBCOMP. Source: MQTT 5.0 tables 3-4 to 3-7. */
const ACK_REASONS = new Set<number>([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x92, 0x97, 0x99])

/** What a client may say in DISCONNECT. Source: MQTT 5.0 table 3-10. */
const DISCONNECT_REASONS = new Set<number>([
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
])

/** Decodes a CONNECT of any version; `unsupportedVersion` is a fault of its own, as it has its own answer. */
export function decodeConnect(bytes: Buffer, start: number, end: number): Decoded<ConnectPacket> {
  const cursor = createCursor(bytes, start, end)
  const name = readString(cursor)
  const level = readByte(cursor)
  if (cursor.fault !== 0) return { fault: cursor.fault, why: cursor.why }
  if (name !== 'MQTT' && name !== 'MQIsdp') {
    return { fault: REASON.malformed, why: 'protocol name is neither MQTT nor MQIsdp' }
  }
  const version = toVersion(name, level)
  if (version === undefined) {
    return { fault: REASON.unsupportedVersion, why: `${name} level ${level}` }
  }
  const flags = readByte(cursor)
  const keepAliveSeconds = readUint16(cursor)
  checkConnectFlags(cursor, flags, version)
  const properties = version === 5 ? readProperties(cursor, 'connect') : {}
  const clientId = readString(cursor)
  const will = (flags & 0x04) === 0 ? undefined : readWill(cursor, flags, version)
  const username = (flags & 0x80) === 0 ? undefined : readString(cursor)
  const password = (flags & 0x40) === 0 ? undefined : new Uint8Array(readBinary(cursor))
  const clean = (flags & 0x02) !== 0
  return done(cursor, {
    version,
    clean,
    keepAliveSeconds,
    clientId,
    will,
    username,
    password,
    properties,
  })
}

function toVersion(name: string, level: number): MqttVersion | undefined {
  if (name === 'MQIsdp') return level === 3 ? 3 : undefined
  return level === 4 || level === 5 ? level : undefined
}

function checkConnectFlags(cursor: Cursor, flags: number, version: MqttVersion): void {
  const will = (flags & 0x04) !== 0
  // MQTT-3.1.2-3; MQTT 3.1 leaves the bit unused.
  if ((flags & 0x01) !== 0 && version !== 3) {
    fail(cursor, REASON.malformed, 'reserved connect flag is set')
  }
  // MQTT-3.1.2-11, MQTT-3.1.2-12, MQTT-3.1.2-13.
  if (!will && (flags & 0x38) !== 0) fail(cursor, REASON.malformed, 'will bits without a will')
  if ((flags & 0x18) === 0x18) fail(cursor, REASON.malformed, 'will QoS 3')
  // MQTT-3.1.2-22 of 3.1.1; MQTT 5 allows a password alone.
  if ((flags & 0xc0) === 0x40 && version !== 5) {
    fail(cursor, REASON.malformed, 'password without user name')
  }
}

function readWill(
  cursor: Cursor,
  flags: number,
  version: MqttVersion,
): NonNullable<ConnectPacket['will']> {
  const properties = version === 5 ? readProperties(cursor, 'will') : {}
  const topic = readString(cursor)
  if (topicNameLevels(topic) === 0) fail(cursor, REASON.topicInvalid, 'will topic is no topic name')
  return {
    topic,
    payload: new Uint8Array(readBinary(cursor)),
    qos: toQos((flags >> 3) & 3),
    retain: (flags & 0x20) !== 0,
    delaySeconds: properties.willDelaySeconds ?? 0,
    properties: toMessageProperties(properties),
    forward: properties.forward,
  }
}

/** Decodes a SUBSCRIBE. Filters are checked by the caller, which can answer for each. */
export function decodeSubscribe(
  bytes: Buffer,
  start: number,
  end: number,
  version: MqttVersion,
): Decoded<SubscribePacket> {
  const cursor = createCursor(bytes, start, end)
  const packetId = readPacketId(cursor)
  const properties = version === 5 ? readProperties(cursor, 'subscribe') : {}
  const entries: SubscribeEntry[] = []
  while (cursor.at < cursor.end) {
    const filter = readString(cursor)
    const options = readByte(cursor)
    // MQTT-3.8.3-4 of 3.1.1, MQTT-3.8.3-5 of 5.
    if ((options & (version === 5 ? 0xc0 : 0xfc)) !== 0 || (options & 3) === 3) {
      fail(cursor, REASON.malformed, 'reserved subscription option')
    }
    const entry = {
      filter,
      qos: toQos(options & 3),
      noLocal: (options & 0x04) !== 0,
      retainAsPublished: (options & 0x08) !== 0,
      retainHandling: (options >> 4) & 3,
    }
    if (entry.retainHandling === 3) fail(cursor, REASON.protocolError, 'retain handling 3')
    // MQTT-3.8.3-4 of 5.
    if (entry.noLocal && filter.startsWith('$share/')) {
      fail(cursor, REASON.protocolError, 'no local on a shared subscription')
    }
    entries.push(entry)
  }
  // MQTT-3.8.3-3 of 3.1.1, MQTT-3.8.3-2 of 5.
  if (entries.length === 0) fail(cursor, REASON.protocolError, 'SUBSCRIBE without a filter')
  return done(cursor, { packetId, identifier: properties.subscriptionIdentifier ?? 0, entries })
}

export function decodeUnsubscribe(
  bytes: Buffer,
  start: number,
  end: number,
  version: MqttVersion,
): Decoded<UnsubscribePacket> {
  const cursor = createCursor(bytes, start, end)
  const packetId = readPacketId(cursor)
  if (version === 5) readProperties(cursor, 'unsubscribe')
  const filters: string[] = []
  while (cursor.at < cursor.end) filters.push(readString(cursor))
  // MQTT-3.10.3-2.
  if (filters.length === 0) fail(cursor, REASON.protocolError, 'UNSUBSCRIBE without a filter')
  return done(cursor, { packetId, filters })
}

export function decodeAck(
  bytes: Buffer,
  start: number,
  end: number,
  version: MqttVersion,
): Decoded<AckPacket> {
  const cursor = createCursor(bytes, start, end)
  const packetId = readPacketId(cursor)
  const reason = version === 5 && cursor.at < cursor.end ? readByte(cursor) : 0
  if (!ACK_REASONS.has(reason)) fail(cursor, REASON.protocolError, `acknowledged with ${reason}`)
  if (version === 5 && cursor.at < cursor.end) readProperties(cursor, 'acknowledgement')
  return done(cursor, { packetId, reason })
}

export function decodeDisconnect(
  bytes: Buffer,
  start: number,
  end: number,
  version: MqttVersion,
): Decoded<DisconnectPacket> {
  const cursor = createCursor(bytes, start, end)
  const reason = version === 5 && cursor.at < cursor.end ? readByte(cursor) : 0
  if (!DISCONNECT_REASONS.has(reason)) fail(cursor, REASON.protocolError, `reason ${reason}`)
  const properties =
    version === 5 && cursor.at < cursor.end ? readProperties(cursor, 'disconnect') : {}
  return done(cursor, { reason, sessionExpirySeconds: properties.sessionExpirySeconds })
}

/** MQTT-2.3.1-1 of 3.1.1, MQTT-2.2.1-3 of 5: never 0. */
function readPacketId(cursor: Cursor): number {
  const packetId = readUint16(cursor)
  if (packetId === 0) fail(cursor, REASON.protocolError, 'packet identifier 0')
  return packetId
}

/** The QoS of two bits that are already known not to be both set. */
export function toQos(bits: number): MqttQos {
  if (bits === 0) return 0
  return bits === 1 ? 1 : 2
}

function done<T>(cursor: Cursor, packet: T): Decoded<T> {
  if (cursor.at < cursor.end) fail(cursor, REASON.malformed, 'bytes after the end of the packet')
  return cursor.fault === 0 ? packet : { fault: cursor.fault, why: cursor.why }
}
