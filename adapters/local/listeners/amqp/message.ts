import rhea from 'rhea'
import { AMQP_LIMITS } from './limits.ts'
import { walkMessage } from './performatives.ts'

/** A message as it came, in words of ours. What is of another type than it should be is as if it were not there. */
export interface AmqpMessage {
  readonly messageId: string | undefined
  readonly correlationId: string | undefined
  /** As it came, to be sent back. */
  readonly rawCorrelationId: unknown
  readonly rawMessageId: unknown
  readonly to: string | undefined
  readonly replyTo: string | undefined
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly userId: string | undefined
  /** Epoch ms. */
  readonly expiresAt: number | undefined
  readonly createdAt: number | undefined
  /** Unit: ms. */
  readonly ttlMs: number | undefined
  readonly priority: number | undefined
  readonly applicationProperties: Readonly<Record<string, unknown>>
  readonly annotations: Readonly<Record<string, unknown>>
  /** The bytes of its data sections; of a text value its UTF-8. */
  readonly body: Buffer
  /** The value of an amqp-value body. */
  readonly value: unknown
}

/** A message to be sent. */
export interface AmqpOutgoing {
  readonly messageId?: unknown
  readonly correlationId?: unknown
  readonly to?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  /** Epoch ms. */
  readonly expiresAt?: number
  readonly applicationProperties?: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, unknown>>
  readonly deliveryAnnotations?: Readonly<Record<string, unknown>>
  readonly deliveryCount?: number
  /** Bytes of a data section. */
  readonly body?: Uint8Array
  /** An amqp-value in place of bytes. */
  readonly value?: unknown
}

/** The message format of many messages in one. Source: Event Hubs, batches. */
export const BATCH_FORMAT = 0x80013700

/** Reads what the library made of a message. Total. */
export function readMessage(message: unknown): AmqpMessage {
  const fields = isObject(message) ? message : {}
  const { body } = fields
  return {
    messageId: idText(fields['message_id']),
    correlationId: idText(fields['correlation_id']),
    rawCorrelationId: fields['correlation_id'],
    rawMessageId: fields['message_id'],
    to: textOf(fields['to']),
    replyTo: textOf(fields['reply_to']),
    contentType: textOf(fields['content_type']),
    contentEncoding: textOf(fields['content_encoding']),
    userId: Buffer.isBuffer(fields['user_id']) ? fields['user_id'].toString('utf8') : undefined,
    expiresAt: timeOf(fields['absolute_expiry_time']),
    createdAt: timeOf(fields['creation_time']),
    ttlMs: numberOf(fields['ttl']),
    priority: numberOf(fields['priority']),
    applicationProperties: mapOf(fields['application_properties']),
    annotations: mapOf(fields['message_annotations']),
    body: bytesOf(body),
    value: body,
  }
}

/**
 * Takes the messages of a batch apart.
 * @throws AmqpViolation if one of them is no message.
 */
export function readBatch(bytes: Buffer): readonly AmqpMessage[] {
  const { body, annotations } = readMessage(rhea.message.decode(bytes))
  const outer: unknown = rhea.message.decode(bytes)['body']
  const content = isObject(outer) ? outer['content'] : undefined
  const parts = Array.isArray(content) ? content : [body]
  return parts.filter(Buffer.isBuffer).map((part) => {
    walkMessage(part, { values: AMQP_LIMITS.values, depth: AMQP_LIMITS.depth })
    const inner = readMessage(rhea.message.decode(part))
    return { ...inner, annotations: { ...annotations, ...inner.annotations } }
  })
}

/** The message as the library wants it. */
export function toRhea(outgoing: AmqpOutgoing): rhea.Message {
  const { body, value, messageId, correlationId, to, contentType, contentEncoding } = outgoing
  const message: rhea.Message = {
    body: body === undefined ? value : rhea.message.data_section(Buffer.from(body)),
  }
  if (messageId !== undefined) message.message_id = idValue(messageId)
  if (correlationId !== undefined) message.correlation_id = idValue(correlationId)
  if (to !== undefined) message.to = to
  if (contentType !== undefined) message.content_type = contentType
  if (contentEncoding !== undefined) message.content_encoding = contentEncoding
  if (outgoing.expiresAt !== undefined) message.absolute_expiry_time = new Date(outgoing.expiresAt)
  if (outgoing.deliveryCount !== undefined) message.delivery_count = outgoing.deliveryCount
  if (outgoing.applicationProperties !== undefined)
    message.application_properties = { ...outgoing.applicationProperties }
  if (outgoing.annotations !== undefined) message.message_annotations = { ...outgoing.annotations }
  if (outgoing.deliveryAnnotations !== undefined)
    message.delivery_annotations = { ...outgoing.deliveryAnnotations }
  return message
}

/** The message in bytes, which are sent as they are. */
export function encodeMessage(outgoing: AmqpOutgoing): Buffer {
  return rhea.message.encode(toRhea(outgoing))
}

/** Bytes of a header that says nothing, which stands before every message that `encodeMessage` has made. */
const EMPTY_HEADER_BYTES = 4
/** Bytes of properties that say nothing, and a body that is none. */
const EMPTY_REST_BYTES = 8

/**
 * A message that `encodeMessage` has made, with delivery annotations: their section comes second.
 * Source: AMQP 1.0, part 3, 3.2.
 */
export function withDeliveryAnnotations(
  message: Buffer,
  annotations: Readonly<Record<string, unknown>>,
): Buffer {
  const carrier = rhea.message.encode({ delivery_annotations: annotations, body: undefined })
  return Buffer.concat([
    carrier.subarray(0, carrier.length - EMPTY_REST_BYTES),
    message.subarray(EMPTY_HEADER_BYTES),
  ])
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** A text, or what stands for one: a number, a symbol. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return undefined
}

export function numberOf(value: unknown): number | undefined {
  const plain: unknown = isObject(value) ? value.valueOf() : value
  return typeof plain === 'number' && Number.isFinite(plain) ? plain : undefined
}

/** What ids may be: texts, numbers and UUIDs; anything else goes back as text. */
function idValue(value: unknown): string | number | Buffer {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  if (Buffer.isBuffer(value)) return value.length === 16 ? value : value.toString('hex')
  return typeof value === 'string' ? value : String(value)
}

/** Source: AMQP 1.0, part 3, 3.2.11 to 3.2.14: message ids are ulong, uuid, binary or string. */
function idText(value: unknown): string | undefined {
  if (Buffer.isBuffer(value))
    return value.length === 16 ? rhea.uuid_to_string(value) : value.toString('hex')
  return textOf(value)
}

function timeOf(value: unknown): number | undefined {
  if (!(value instanceof Date)) return undefined
  const time = value.getTime()
  return Number.isFinite(time) ? time : undefined
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) && !Array.isArray(value) ? value : {}
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body
  if (typeof body === 'string') return Buffer.from(body)
  if (!isObject(body)) return Buffer.alloc(0)
  const { content } = body
  if (Buffer.isBuffer(content)) return content
  return Array.isArray(content) ? Buffer.concat(content.filter(Buffer.isBuffer)) : Buffer.alloc(0)
}
