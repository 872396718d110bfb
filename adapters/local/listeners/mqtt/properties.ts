import {
  type Cursor,
  createCursor,
  fail,
  readBinary,
  readByte,
  readString,
  readUint16,
  readUint32,
  readVarint,
} from './cursor.ts'
import type { MqttMessageProperties } from './hooks.ts'
import { REASON } from './reason-codes.ts'
import { topicNameLevels } from './topic.ts'

/** Identifiers of the properties. Source: MQTT 5.0 table 2-4. */
const ID = {
  payloadFormatIndicator: 0x01,
  messageExpiry: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscriptionIdentifier: 0x0b,
  sessionExpiry: 0x11,
  assignedClientId: 0x12,
  authenticationMethod: 0x15,
  authenticationData: 0x16,
  requestProblemInformation: 0x17,
  willDelay: 0x18,
  requestResponseInformation: 0x19,
  reasonString: 0x1f,
  receiveMaximum: 0x21,
  topicAliasMaximum: 0x22,
  topicAlias: 0x23,
  userProperty: 0x26,
  maximumPacketBytes: 0x27,
} as const

/** Which properties a client may send in which packet. A subscription identifier in PUBLISH is the server's alone (MQTT-3.3.4-6). */
const ALLOWED = {
  connect: new Set<number>([
    ID.sessionExpiry,
    ID.receiveMaximum,
    ID.maximumPacketBytes,
    ID.topicAliasMaximum,
    ID.requestResponseInformation,
    ID.requestProblemInformation,
    ID.userProperty,
    ID.authenticationMethod,
    ID.authenticationData,
  ]),
  will: new Set<number>([
    ID.willDelay,
    ID.payloadFormatIndicator,
    ID.messageExpiry,
    ID.contentType,
    ID.responseTopic,
    ID.correlationData,
    ID.userProperty,
  ]),
  publish: new Set<number>([
    ID.payloadFormatIndicator,
    ID.messageExpiry,
    ID.topicAlias,
    ID.responseTopic,
    ID.correlationData,
    ID.userProperty,
    ID.contentType,
  ]),
  acknowledgement: new Set<number>([ID.reasonString, ID.userProperty]),
  subscribe: new Set<number>([ID.subscriptionIdentifier, ID.userProperty]),
  unsubscribe: new Set<number>([ID.userProperty]),
  disconnect: new Set<number>([ID.sessionExpiry, ID.reasonString, ID.userProperty]),
} as const

/** What one packet's property section said. */
export interface WireProperties {
  payloadFormatIndicator?: 0 | 1
  messageExpirySeconds?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Uint8Array
  subscriptionIdentifier?: number
  sessionExpirySeconds?: number
  willDelaySeconds?: number
  receiveMaximum?: number
  maximumPacketBytes?: number
  topicAliasMaximum?: number
  topicAlias?: number
  authenticationMethod?: string
  userProperties?: Record<string, string[]>
  /** The bytes that a server passes on unaltered and in order (MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-3.3.2-20). */
  forward?: Uint8Array
}

const NONE: WireProperties = Object.freeze({})

/** Reads a property section with its length; a fault lands in the cursor. */
export function readProperties(outer: Cursor, packet: keyof typeof ALLOWED): WireProperties {
  const length = readVarint(outer)
  if (length === 0) return NONE
  const start = outer.at
  if (start + length > outer.end) {
    fail(outer, REASON.malformed, 'properties longer than their packet')
    return NONE
  }
  outer.at = start + length
  const cursor = createCursor(outer.bytes, start, start + length)
  const allowed = ALLOWED[packet]
  const found: WireProperties = {}
  const seen = new Set<number>()
  const forward: Uint8Array[] = []
  while (cursor.at < cursor.end) {
    const from = cursor.at
    const id = readVarint(cursor)
    if (!allowed.has(id)) fail(cursor, REASON.malformed, `property ${id} in ${packet}`)
    else if (id !== ID.userProperty && seen.has(id)) {
      fail(cursor, REASON.protocolError, `property ${id} twice`)
    } else {
      seen.add(id)
      readProperty(cursor, id, found)
      if (isForwarded(id)) forward.push(cursor.bytes.subarray(from, cursor.at))
    }
  }
  if (cursor.fault !== 0) fail(outer, cursor.fault, cursor.why)
  // Copied: the section outlives the read buffer where the message is kept.
  else if (forward.length > 0) found.forward = Buffer.concat(forward)
  return found
}

function isForwarded(id: number): boolean {
  return (
    id === ID.userProperty ||
    id === ID.payloadFormatIndicator ||
    id === ID.contentType ||
    id === ID.responseTopic ||
    id === ID.correlationData
  )
}

function readProperty(cursor: Cursor, id: number, found: WireProperties): void {
  switch (id) {
    case ID.payloadFormatIndicator:
      found.payloadFormatIndicator = readFlag(cursor, id)
      return
    case ID.messageExpiry:
      found.messageExpirySeconds = readUint32(cursor)
      return
    case ID.contentType:
      found.contentType = readString(cursor)
      return
    case ID.responseTopic:
      found.responseTopic = readString(cursor)
      // MQTT-3.3.2-14: no wildcards.
      if (topicNameLevels(found.responseTopic) === 0) {
        fail(cursor, REASON.topicInvalid, 'response topic is no topic name')
      }
      return
    case ID.correlationData:
      found.correlationData = readBinary(cursor)
      return
    case ID.subscriptionIdentifier:
      found.subscriptionIdentifier = readVarint(cursor)
      if (found.subscriptionIdentifier === 0) {
        fail(cursor, REASON.protocolError, 'subscription identifier 0')
      }
      return
    case ID.sessionExpiry:
      found.sessionExpirySeconds = readUint32(cursor)
      return
    case ID.willDelay:
      found.willDelaySeconds = readUint32(cursor)
      return
    case ID.receiveMaximum:
      found.receiveMaximum = readUint16(cursor)
      if (found.receiveMaximum === 0) fail(cursor, REASON.protocolError, 'receive maximum 0')
      return
    case ID.maximumPacketBytes:
      found.maximumPacketBytes = readUint32(cursor)
      if (found.maximumPacketBytes === 0) {
        fail(cursor, REASON.protocolError, 'maximum packet size 0')
      }
      return
    case ID.topicAliasMaximum:
      found.topicAliasMaximum = readUint16(cursor)
      return
    case ID.topicAlias:
      found.topicAlias = readUint16(cursor)
      return
    case ID.authenticationMethod:
      found.authenticationMethod = readString(cursor)
      return
    case ID.userProperty:
      readUserProperty(cursor, found)
      return
    case ID.authenticationData:
      readBinary(cursor)
      return
    case ID.reasonString:
      readString(cursor)
      return
    default:
      // What is left are the two Request flags: this listener sends neither kind of information.
      readFlag(cursor, id)
  }
}

function readFlag(cursor: Cursor, id: number): 0 | 1 {
  const value = readByte(cursor)
  if (value === 0 || value === 1) return value
  fail(cursor, REASON.protocolError, `property ${id} is ${value}, not 0 or 1`)
  return 0
}

function readUserProperty(cursor: Cursor, found: WireProperties): void {
  const name = readString(cursor)
  const value = readString(cursor)
  // Without prototype, so that a property may be called `__proto__`.
  const all: Record<string, string[]> = found.userProperties ?? Object.create(null)
  found.userProperties = all
  const values = all[name]
  if (values) values.push(value)
  else all[name] = [value]
}

/** The part of a property section that an application reads, or `undefined` if there is none. */
export function toMessageProperties(wire: WireProperties): MqttMessageProperties | undefined {
  if (wire.forward === undefined && wire.messageExpirySeconds === undefined) return undefined
  return {
    contentType: wire.contentType,
    responseTopic: wire.responseTopic,
    correlationData: wire.correlationData,
    messageExpirySeconds: wire.messageExpirySeconds,
    payloadFormatIndicator: wire.payloadFormatIndicator,
    userProperties: wire.userProperties,
  }
}

/** The forwarded bytes of a message that starts here, not at a client. */
export function encodeMessageProperties(properties: MqttMessageProperties): Uint8Array {
  const parts: Uint8Array[] = []
  if (properties.payloadFormatIndicator !== undefined) {
    parts.push(Uint8Array.of(ID.payloadFormatIndicator, properties.payloadFormatIndicator))
  }
  if (properties.contentType !== undefined) {
    parts.push(Uint8Array.of(ID.contentType), lengthPrefixed(properties.contentType))
  }
  if (properties.responseTopic !== undefined) {
    parts.push(Uint8Array.of(ID.responseTopic), lengthPrefixed(properties.responseTopic))
  }
  if (properties.correlationData !== undefined) {
    parts.push(Uint8Array.of(ID.correlationData), lengthPrefixed(properties.correlationData))
  }
  for (const [name, values] of Object.entries(properties.userProperties ?? {})) {
    for (const value of values) {
      parts.push(Uint8Array.of(ID.userProperty), lengthPrefixed(name), lengthPrefixed(value))
    }
  }
  return Buffer.concat(parts)
}

/** What CONNACK tells an MQTT 5 client. */
export interface ConnackProperties {
  readonly receiveMaximum: number
  readonly maximumPacketBytes: number
  readonly topicAliasMaximum: number
  readonly sessionExpirySeconds: number | undefined
  readonly assignedClientId: string | undefined
}

export function encodeConnackProperties(properties: ConnackProperties): Uint8Array {
  const parts = [
    Uint8Array.of(ID.receiveMaximum),
    uint16(properties.receiveMaximum),
    Uint8Array.of(ID.maximumPacketBytes),
    uint32(properties.maximumPacketBytes),
    Uint8Array.of(ID.topicAliasMaximum),
    uint16(properties.topicAliasMaximum),
  ]
  if (properties.sessionExpirySeconds !== undefined) {
    parts.push(Uint8Array.of(ID.sessionExpiry), uint32(properties.sessionExpirySeconds))
  }
  if (properties.assignedClientId !== undefined) {
    parts.push(Uint8Array.of(ID.assignedClientId), lengthPrefixed(properties.assignedClientId))
  }
  return Buffer.concat(parts)
}

/** The properties that belong to one delivery rather than to the message. */
export interface DeliveryProperties {
  /** Seconds left of the message's life, if it has an end (MQTT-3.3.2-6). */
  readonly expirySeconds: number | undefined
  readonly alias: number
  readonly identifiers: readonly number[]
}

export function encodeDeliveryProperties(delivery: DeliveryProperties): Uint8Array {
  const parts: Uint8Array[] = []
  if (delivery.expirySeconds !== undefined) {
    parts.push(Uint8Array.of(ID.messageExpiry), uint32(delivery.expirySeconds))
  }
  if (delivery.alias !== 0) parts.push(Uint8Array.of(ID.topicAlias), uint16(delivery.alias))
  for (const identifier of delivery.identifiers) {
    parts.push(Uint8Array.of(ID.subscriptionIdentifier, ...varint(identifier)))
  }
  return Buffer.concat(parts)
}

export function encodeReasonString(text: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(ID.reasonString), lengthPrefixed(text)])
}

/** The bytes of a variable byte integer. Range: 0 to 268,435,455. */
export function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 128 : low)
  } while (rest > 0)
  return bytes
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255)
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
}

function lengthPrefixed(value: string | Uint8Array): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([uint16(bytes.length), bytes])
}
