import type { MqttVersion } from './hooks.ts'
import {
  type ConnackProperties,
  encodeConnackProperties,
  encodeReasonString,
  varint,
} from './properties.ts'
import { PACKET, REASON } from './reason-codes.ts'

export const PINGRESP: Buffer = Buffer.from([PACKET.pingresp << 4, 0])

/** MQTT 3 return codes for what MQTT 5 says with a reason code. Source: MQTT 3.1.1 table 3.1. */
const RETURN_CODES = new Map<number, number>([
  [REASON.success, 0],
  [REASON.unsupportedVersion, 1],
  [REASON.identifierRejected, 2],
  [REASON.badCredentials, 4],
  [REASON.notAuthorized, 5],
])

/** A CONNACK. In MQTT 3 every refusal without a code of its own is 3, server unavailable. */
export function encodeConnack(
  version: MqttVersion,
  sessionPresent: boolean,
  reason: number,
  properties: ConnackProperties | undefined,
): Buffer {
  const flags = sessionPresent ? 1 : 0
  if (version !== 5) {
    return packet(PACKET.connack << 4, [Uint8Array.of(flags, RETURN_CODES.get(reason) ?? 3)])
  }
  const section = properties ? encodeConnackProperties(properties) : new Uint8Array(0)
  return packet(PACKET.connack << 4, [
    Uint8Array.of(flags, reason, ...varint(section.length)),
    section,
  ])
}

/** SUBACK or, for MQTT 5, UNSUBACK with a code for each filter. */
export function encodeFilterAck(
  type: typeof PACKET.suback | typeof PACKET.unsuback,
  version: MqttVersion,
  packetId: number,
  codes: readonly number[],
): Buffer {
  const head = [packetId >> 8, packetId & 255]
  if (version === 5) head.push(0)
  return packet(type << 4, [Uint8Array.from(head), Uint8Array.from(codes)])
}

/** PUBACK, PUBREC or PUBCOMP of MQTT 5 that carries a reason (MQTT 5.0 section 3.4.2.1). */
export function encodeReasonedAck(first: number, packetId: number, reason: number): Buffer {
  return Buffer.from([first, 3, packetId >> 8, packetId & 255, reason])
}

/** A DISCONNECT of MQTT 5: the words are left out where they would pass the client's maximum packet size (MQTT-3.14.2-3). */
export function encodeDisconnect(reason: number, why: string, maxPacketBytes: number): Buffer {
  const section = why === '' ? new Uint8Array(0) : encodeReasonString(why)
  const full = packet(PACKET.disconnect << 4, [
    Uint8Array.of(reason, ...varint(section.length)),
    section,
  ])
  return full.length <= maxPacketBytes ? full : Buffer.from([PACKET.disconnect << 4, 1, reason])
}

/** The parts of a PUBLISH. Flags and packet id are written over when the packet is sent. */
export interface PublishParts {
  readonly topic: Uint8Array
  readonly payload: Uint8Array
  readonly withPacketId: boolean
  /** The whole property section without its length; `undefined` for MQTT 3. */
  readonly properties: Uint8Array | undefined
}

export function encodePublish(parts: PublishParts): Buffer {
  const { topic, payload, withPacketId, properties } = parts
  const propertiesLength = properties ? varint(properties.length) : []
  const length =
    2 +
    topic.length +
    (withPacketId ? 2 : 0) +
    propertiesLength.length +
    (properties?.length ?? 0) +
    payload.length
  const lengthBytes = varintLength(length)
  const out = Buffer.allocUnsafe(1 + lengthBytes + length)
  out[0] = PACKET.publish << 4
  let at = 1
  let rest = length
  for (let index = 0; index < lengthBytes; index += 1) {
    out[at] = index + 1 < lengthBytes ? (rest & 127) | 128 : rest
    rest >>>= 7
    at += 1
  }
  out[at] = topic.length >> 8
  out[at + 1] = topic.length & 255
  at += 2
  out.set(topic, at)
  at += topic.length
  if (withPacketId) {
    out[at] = 0
    out[at + 1] = 0
    at += 2
  }
  if (properties) {
    for (const byte of propertiesLength) {
      out[at] = byte
      at += 1
    }
    out.set(properties, at)
    at += properties.length
  }
  out.set(payload, at)
  return out
}

/** Where the packet id stands in a PUBLISH that begins at `start`. */
export function packetIdOffset(bytes: Buffer, start: number): number {
  let at = start + 1
  while ((bytes[at] ?? 0) > 127) at += 1
  at += 1
  return at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
}

function varintLength(value: number): number {
  if (value < 128) return 1
  if (value < 16_384) return 2
  return value < 2_097_152 ? 3 : 4
}

function packet(first: number, parts: readonly Uint8Array[]): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  return Buffer.concat([Uint8Array.of(first, ...varint(length)), ...parts])
}
