import { CoreError } from '../errors.ts'
import { flagName } from '../model/flags.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { Meaning, Meant } from '../model/meaning.ts'
import type { MessageIdentity, MetricValue, Telemetry } from '../model/telemetry.ts'
import type { Uplink, UplinkNetwork } from '../model/uplink.ts'
import { type Codec, type Decoded, NO_WARNINGS } from './codec.ts'
import { readEventTime, type TimeUnit } from './event-time.ts'
import { messageFingerprint } from './message-id.ts'
import { type Pointer, readPointer } from './pointer.ts'
import { rewriteBody } from './rewrite-body.ts'

/** Ids are kept in the record of their device. Unit: UTF-16 units. */
const MAX_MESSAGE_ID = 256

/** Messages that one uplink may hold: each is a row and a run of the rules. */
const MAX_MESSAGES = 1_024

const NO_METRICS: Telemetry['metrics'] = {}

/** How the messages of one device type are read. */
export interface DecodePlan {
  readonly codec: Codec
  /** Where the event time stands; the first that exists counts. */
  readonly time: readonly Pointer[]
  readonly timeUnit: TimeUnit
  readonly metrics: Pointer
  readonly maxBytes: number
  readonly maxDepth: number
  readonly maxMetrics: number
  /** How far ahead of the time of receipt an event time may be. Unit: ms. */
  readonly maxFutureMs: number
  /** What the values mean, where the device type says it. */
  readonly meaning?: Meaning | undefined
}

/**
 * Decodes an uplink that is one message; of one that is a pack, its first.
 *
 * `uniqueId` names a message that has neither an id nor an event time of its own: two equal readings are two messages.
 * @throws CoreError `uplink.*` or `codec.*`: the uplink goes to the dead letters.
 */
export function decodeUplink(uplink: Uplink, plan: DecodePlan, uniqueId: string): Telemetry {
  if (plan.codec.split !== undefined) {
    const [first] = decodePack(uplink, plan, uniqueId)
    if (first !== undefined) return first
  }
  const { value, warnings } = decodePayload(uplink, plan)
  return toTelemetry(value, undefined, warnings, uplink, plan, uniqueId)
}

/**
 * Decodes an uplink to all messages that are in it: records of several times travel in packs. Their ids end in their numbers.
 *
 * @throws CoreError `uplink.*` or `codec.*`: the uplink goes to the dead letters, whole.
 */
export function decodePack(
  uplink: Uplink,
  plan: DecodePlan,
  uniqueId: string,
): readonly Telemetry[] {
  const { value, warnings } = decodePayload(uplink, plan)
  const split = uplink.decoded === undefined ? plan.codec.split : undefined
  const messages = split?.(value) ?? [{ body: value }]
  if (messages.length === 0 || messages.length > MAX_MESSAGES) {
    throw new CoreError(
      'codec.wrong_type',
      `expected 1 to ${MAX_MESSAGES} messages in one uplink, found ${messages.length}`,
    )
  }
  return messages.map(({ body, at }, index) => {
    const telemetry = toTelemetry(body, at, warnings, uplink, plan, uniqueId)
    return index === 0 ? telemetry : { ...telemetry, messageId: `${telemetry.messageId}.${index}` }
  })
}

function decodePayload(uplink: Uplink, { codec, maxBytes }: DecodePlan): Decoded {
  if (uplink.payload.length > maxBytes) {
    throw new CoreError(
      'uplink.too_large',
      `expected at most ${maxBytes} bytes, found ${uplink.payload.length}`,
    )
  }
  checkMessageId(uplink.messageId)
  if (uplink.decoded !== undefined) return { value: uplink.decoded, warnings: NO_WARNINGS }
  return codec.decode(uplink.payload, uplink)
}

/** One message of an uplink; `at` is the event time that the codec found. */
function toTelemetry(
  body: Json,
  at: number | undefined,
  warnings: readonly string[],
  uplink: Uplink,
  plan: DecodePlan,
  uniqueId: string,
): Telemetry {
  checkBody(body, plan.maxDepth)
  const beside = at ?? uplink.sentAt
  const told = beside === undefined ? undefined : readEventTime(beside, 'ms')
  const own = told === undefined ? findEventTime(body, plan) : ownEventTime(body, plan)
  const sentAt = told ?? own
  if (sentAt !== undefined && sentAt > uplink.receivedAt + plan.maxFutureMs) {
    throw new CoreError(
      'uplink.future_time',
      `expected an event time at most ${plan.maxFutureMs / 1_000} s ahead, found ${toIso(sentAt)}, received ${toIso(uplink.receivedAt)}`,
    )
  }
  const identity = identify(uplink, sentAt)
  const measures = uplink.measures !== false
  const metrics = measures ? readMetrics(body, plan) : NO_METRICS
  const telemetry: { -readonly [K in keyof Telemetry]: Telemetry[K] } = {
    messageId: messageIdOf(uplink, identity, uniqueId, told === own ? undefined : told),
    identity,
    topic: uplink.topic,
    at: sentAt ?? uplink.receivedAt,
    timed: sentAt !== undefined,
    body,
    metrics,
    receivedAt: uplink.receivedAt,
    redelivered: uplink.redelivered ?? false,
    bytes: uplink.payload,
  }
  const meant =
    plan.meaning === undefined || !measures
      ? undefined
      : readMeaning(plan.meaning, uplink, body, metrics, plan.metrics)
  if (meant === undefined) {
    // Of what a network has decoded, or adds to, the bytes are another text.
    const exactText =
      uplink.network === undefined ? plan.codec.exactText?.(uplink.payload) : undefined
    if (exactText !== undefined) telemetry.exactText = exactText
  } else {
    telemetry.body = rewriteBody(body, plan.metrics, meant, 'keep')
    telemetry.metrics = meantMetrics(metrics, meant)
  }
  if (uplink.network !== undefined) addNetwork(telemetry, uplink.network)
  if (warnings.length > 0) telemetry.warnings = warnings
  if (uplink.facts !== undefined) telemetry.facts = uplink.facts
  if (uplink.ruleId !== undefined) telemetry.ruleId = uplink.ruleId
  return telemetry
}

/** What the network knows goes beside the values, where rules see it; it is not measured. */
function addNetwork(
  telemetry: { -readonly [K in keyof Telemetry]: Telemetry[K] },
  { name, facts, address }: UplinkNetwork,
): void {
  if (isJsonObject(telemetry.body)) telemetry.body = { ...telemetry.body, _network: facts }
  if (address !== undefined) telemetry.seat = { network: name, address }
}

function readMeaning(
  meaning: Meaning,
  { deviceId = '', topic, receivedAt, payload: bytes }: Uplink,
  body: Json,
  metrics: Telemetry['metrics'],
  pointer: Pointer,
): Meant | undefined {
  return meaning.read({
    deviceId,
    topic,
    receivedAt,
    bytes,
    metrics,
    bodyOf: (meant) => rewriteBody(body, pointer, meant, 'omit'),
  })
}

/** The values of a row: as they are stored, and which of them are bad. */
function meantMetrics(
  metrics: Telemetry['metrics'],
  { changed, flags }: Meant,
): Telemetry['metrics'] {
  const meant: Record<string, MetricValue> = { ...metrics, ...changed }
  for (const name in flags) meant[flagName(name)] = flags[name] ?? ''
  return meant
}

function identify(uplink: Uplink, sentAt: number | undefined): MessageIdentity {
  if (uplink.messageId !== undefined) return 'sender'
  if (sentAt !== undefined) return 'content'
  if (uplink.publishId !== undefined) return 'sender'
  return uplink.deliveryId === undefined ? 'none' : 'delivery'
}

/** `told` is a time that is not among the bytes. */
function messageIdOf(
  uplink: Uplink,
  identity: MessageIdentity,
  uniqueId: string,
  told: number | undefined,
): string {
  switch (identity) {
    case 'sender':
      return (
        uplink.messageId ??
        messageFingerprint(`${uplink.publishId}\n${uplink.topic}`, uplink.payload)
      )
    case 'content': {
      const fingerprint = messageFingerprint(uplink.topic, uplink.payload)
      // It tells equal readings apart. One that is among them too does not: live and replayed, a message is the same.
      return told === undefined ? fingerprint : `${fingerprint}-${told}`
    }
    case 'delivery':
      return messageFingerprint(`${uplink.deliveryId}\n${uplink.topic}`, uplink.payload)
    case 'none':
      return uniqueId
  }
}

function checkMessageId(id: string | undefined): void {
  if (id === undefined || (id !== '' && id.length <= MAX_MESSAGE_ID)) return
  throw new CoreError(
    'uplink.bad_message_id',
    `expected a message id of 1 to ${MAX_MESSAGE_ID} characters, found one of ${id.length}`,
  )
}

function findEventTime(body: Json, plan: DecodePlan): number | undefined {
  for (const pointer of plan.time) {
    const value = readPointer(body, pointer)
    if (value !== undefined) return readEventTime(value, plan.timeUnit)
  }
  return undefined
}

/** The time in the body, where it is not the one that counts: then it may be anything. */
function ownEventTime(body: Json, plan: DecodePlan): number | undefined {
  try {
    return findEventTime(body, plan)
  } catch (error) {
    if (error instanceof CoreError) return undefined
    throw error
  }
}

function readMetrics(body: Json, plan: DecodePlan): Readonly<Record<string, MetricValue>> {
  const root = plan.metrics.length === 0 ? body : readPointer(body, plan.metrics)
  const metrics: Record<string, MetricValue> = {}
  if (isJsonObject(root)) {
    const skip = plan.metrics.length === 0 ? plan.time : []
    const count = flatten(root, '', metrics, 0, skip)
    if (count > plan.maxMetrics) {
      throw new CoreError(
        'codec.wrong_type',
        `expected at most ${plan.maxMetrics} measured values, found ${count}`,
      )
    }
    return metrics
  }
  if (typeof root === 'number' || typeof root === 'boolean') return { value: root }
  const where = plan.metrics.length === 0 ? '' : ` at /${plan.metrics.join('/')}`
  throw new CoreError(
    'codec.wrong_type',
    `expected an object of measured values${where}, found ${nameOf(root)}`,
  )
}

/** Nested objects become dotted names; arrays and nulls are no measured values and stay in the body only. */
function flatten(
  object: JsonObject,
  prefix: string,
  into: Record<string, MetricValue>,
  counted: number,
  skip: readonly Pointer[],
): number {
  let count = counted
  for (const key in object) {
    const value = object[key]
    if (key === '__proto__' || value === undefined) continue
    if (prefix === '' && isTime(key, skip)) continue
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') {
      into[prefix === '' ? key : prefix + key] = value
      count++
    } else if (isJsonObject(value)) {
      count = flatten(value, `${prefix}${key}.`, into, count, skip)
    }
  }
  return count
}

function isTime(key: string, pointers: readonly Pointer[]): boolean {
  for (const pointer of pointers) if (pointer.length === 1 && pointer[0] === key) return true
  return false
}

/** No store keeps a number that JSON cannot say: a device sent `1e400`. */
function checkBody(body: Json, maxDepth: number): void {
  const fault = faultOf(body, maxDepth)
  if (fault === 'infinite')
    throw new CoreError('codec.wrong_type', 'expected finite numbers, found one that is too large')
  if (fault === 'deep')
    throw new CoreError(
      'uplink.too_deep',
      `expected at most ${maxDepth} levels of nesting, found more`,
    )
}

/** What is wrong with a value that may nest `levels` containers. Never recurses deeper than that. */
function faultOf(value: Json, levels: number): 'deep' | 'infinite' | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'infinite'
  if (typeof value !== 'object' || value === null) return undefined
  if (levels === 0) return 'deep'
  if (!isJsonObject(value)) {
    for (const item of value) {
      const fault = faultOf(item, levels - 1)
      if (fault !== undefined) return fault
    }
    return undefined
  }
  for (const key in value) {
    const inner = value[key]
    if (typeof inner === 'number') {
      if (!Number.isFinite(inner)) return 'infinite'
    } else if (typeof inner === 'object' && inner !== null) {
      const fault = faultOf(inner, levels - 1)
      if (fault !== undefined) return fault
    }
  }
  return undefined
}

function nameOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
