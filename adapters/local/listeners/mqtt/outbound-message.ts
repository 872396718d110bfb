import { encodePublish } from './encode.ts'
import type { MqttQos } from './hooks.ts'
import { encodeDeliveryProperties } from './properties.ts'

/** A message on its way to any number of subscribers. */
export interface OutboundMessage {
  readonly topic: string
  readonly topicBytes: Uint8Array
  payload: Uint8Array
  readonly qos: MqttQos
  readonly retain: boolean
  /** Encoded MQTT 5 properties that are passed on; empty if there are none. */
  readonly properties: Uint8Array
  /** Epoch ms; `Infinity` if the message does not expire. */
  readonly expiresAt: number
  /** True once `payload` is a copy of its own that may be kept. */
  held: boolean
  /** Encoded packets, shared between subscribers while the message is being routed. */
  readonly frames: {
    plain: Buffer | undefined
    withId: Buffer | undefined
    plain5: Buffer | undefined
    withId5: Buffer | undefined
  }
}

export function createOutboundMessage(
  fields: Omit<OutboundMessage, 'frames' | 'held'>,
): OutboundMessage {
  return {
    topic: fields.topic,
    topicBytes: fields.topicBytes,
    payload: fields.payload,
    qos: fields.qos,
    retain: fields.retain,
    properties: fields.properties,
    expiresAt: fields.expiresAt,
    held: false,
    frames: { plain: undefined, withId: undefined, plain5: undefined, withId5: undefined },
  }
}

/** Gives the payload bytes of its own, so that keeping the message does not keep a whole read buffer. */
export function hold(message: OutboundMessage): void {
  if (message.held) return
  message.payload = new Uint8Array(message.payload)
  message.held = true
}

/** Forgets the shared packets: a message that waits for an acknowledgement need not keep its bytes twice. */
export function releaseFrames(message: OutboundMessage): void {
  const { frames } = message
  frames.plain = undefined
  frames.withId = undefined
  frames.plain5 = undefined
  frames.withId5 = undefined
}

/** The MQTT 3 packet of a message; its flags and packet id are written over by the output. */
export function frame3(message: OutboundMessage, withPacketId: boolean): Buffer {
  const { frames } = message
  const found = withPacketId ? frames.withId : frames.plain
  if (found) return found
  const frame = encodePublish({
    topic: message.topicBytes,
    payload: message.payload,
    withPacketId,
    properties: undefined,
  })
  if (withPacketId) frames.withId = frame
  else frames.plain = frame
  return frame
}

/** What is particular to one MQTT 5 delivery. */
export interface Delivery5 {
  readonly withPacketId: boolean
  readonly now: number
  readonly identifiers: readonly number[]
  /** 0: none. */
  readonly alias: number
  /** True if the client knows the alias already, so that the topic is left out. */
  readonly aliasKnown: boolean
}

/** The MQTT 5 packet of a message: shared if nothing in it is particular to the delivery. */
export function frame5(message: OutboundMessage, delivery: Delivery5): Buffer {
  const { withPacketId, alias, identifiers } = delivery
  const shared = alias === 0 && identifiers.length === 0 && message.expiresAt === Infinity
  const { frames } = message
  const found = withPacketId ? frames.withId5 : frames.plain5
  if (shared && found) return found
  const own = shared
    ? new Uint8Array(0)
    : encodeDeliveryProperties({
        expirySeconds:
          message.expiresAt === Infinity
            ? undefined
            : Math.max(0, Math.ceil((message.expiresAt - delivery.now) / 1_000)),
        alias,
        identifiers,
      })
  const frame = encodePublish({
    topic: delivery.aliasKnown ? new Uint8Array(0) : message.topicBytes,
    payload: message.payload,
    withPacketId,
    properties: own.length === 0 ? message.properties : Buffer.concat([own, message.properties]),
  })
  if (shared && withPacketId) frames.withId5 = frame
  else if (shared) frames.plain5 = frame
  return frame
}
