import * as z from 'zod/mini'
import { CoreError, type Outcome, type Uplink } from '../../core/index.ts'
import { parseJson } from '../node/web-sender.ts'

// In: Pub/Sub -> core

/** Only the fields we read. Source: CloudEvent google.cloud.pubsub.topic.v1.messagePublished, and the body of a push. */
const Published = z.object({
  message: z.object({
    messageId: z.string(),
    publishTime: z.string(),
    data: z._default(z.base64(), ''),
    attributes: z._default(z.record(z.string(), z.string()), {}),
  }),
  // Only where the subscription has a dead-letter topic.
  deliveryAttempt: z._default(z.number(), 1),
})
const PubSubEvent = z.object({ data: Published })

/** A message as Pub/Sub delivers it. */
export interface Arrival {
  readonly messageId: string
  /** Epoch ms. */
  readonly publishedAt: number
  readonly data: Buffer
  readonly attributes: Readonly<Record<string, string>>
  /** How often it was delivered, as far as Pub/Sub knows; this time counts. */
  readonly attempt: number
}

/**
 * Reads a CloudEvent, or the body of a push.
 * @throws CoreError `trigger.malformed` if it is neither: the wrong trigger is wired.
 */
export function toArrival(event: unknown): Arrival {
  const cloudEvent = PubSubEvent.safeParse(event)
  const push = cloudEvent.success ? cloudEvent : Published.safeParse(event)
  if (!push.success)
    throw new CoreError(
      'trigger.malformed',
      `expected a message of Pub/Sub, found ${describe(event)}`,
    )
  const { message, deliveryAttempt } = 'data' in push.data ? push.data.data : push.data
  const { messageId, publishTime, data, attributes } = message
  return {
    messageId,
    publishedAt: Date.parse(publishTime),
    data: Buffer.from(data, 'base64'),
    attributes,
    attempt: deliveryAttempt,
  }
}

/**
 * Pub/Sub may deliver any message again, and does not always say so; soon after it was published it rarely does, and the
 * record knows the ids of that time. Only what is older is looked up, for that costs a read. Unit: ms.
 * Source: Pub/Sub, subscription properties: an acknowledgement deadline is ten seconds at least.
 */
const FRESH_MS = 10_000

/** Several messages of ingest-http in one of Pub/Sub, which is paid by the size: attribute `batch`. */
const Batch = z.array(
  z.object({
    payload: z.base64(),
    contentType: z.string(),
    receivedAt: z.number(),
    sentAt: z.optional(z.number()),
    messageId: z.optional(z.string()),
  }),
)

/**
 * A message that lacks our attributes still becomes an uplink: rejecting it, with its bytes, is the core's business.
 *
 * Shape: attributes `topic` (`devices/{id}/…`, or `/devices/{id}/{events,state}[/…]` of Cloud IoT Core), `deviceId` where
 *        the topic names none, `subFolder` behind the topic of Cloud IoT Core's messages, `contentType`, `sentAt` (epoch
 *        ms), `messageId`, `publishId`, `clientId`, `sourceIp`; all others are user properties.
 */
export function toUplinks(arrival: Arrival, now: number): readonly Uplink[] {
  const { messageId, publishedAt, data, attributes, attempt } = arrival
  const read = (name: string): string | undefined =>
    Object.hasOwn(attributes, name) && attributes[name] !== '' ? attributes[name] : undefined
  const { deviceId, topic } = placeOf(read)
  const clientId = read('clientId') ?? deviceId
  const sourceIp = read('sourceIp')
  const sentAt = read('sentAt')
  const named = read('messageId')
  // What was published once has one id, however often it is delivered.
  const publishId = read('publishId') ?? messageId
  const common = {
    deviceId,
    topic,
    source: 'pubsub',
    redelivered: attempt > 1 || now - publishedAt > FRESH_MS,
    facts: {
      ...(clientId === undefined ? {} : { clientId, principal: clientId }),
      ...(sourceIp === undefined ? {} : { sourceIp }),
      userProperties: Object.fromEntries(
        Object.entries(attributes)
          .filter(([name]) => !OURS.has(name))
          .map(([name, value]) => [name, [value]]),
      ),
    },
  }
  const batch = read('batch') === undefined ? undefined : Batch.safeParse(parseJson(data))
  if (batch?.success === true)
    return batch.data.map(({ payload, contentType, receivedAt, ...rest }, index) => ({
      ...common,
      payload: Buffer.from(payload, 'base64'),
      contentType,
      receivedAt,
      deliveryId: `${messageId}/${index}`,
      publishId: `${publishId}/${index}`,
      ...(rest.sentAt === undefined ? {} : { sentAt: rest.sentAt }),
      ...(rest.messageId === undefined ? {} : { messageId: rest.messageId }),
    }))
  return [
    {
      ...common,
      payload: data,
      contentType: read('contentType') ?? '',
      receivedAt: publishedAt,
      deliveryId: messageId,
      publishId,
      ...(sentAt === undefined ? {} : { sentAt: Number(sentAt) }),
      ...(named === undefined ? {} : { messageId: named }),
    },
  ]
}

/** Attributes that are no properties of the user's. */
const OURS: ReadonlySet<string> = new Set([
  'topic',
  'contentType',
  'sentAt',
  'messageId',
  'publishId',
  'clientId',
  'sourceIp',
  'batch',
])

/** Where a message stands: rules see topics of this system, whatever the dialect was. */
function placeOf(read: (name: string) => string | undefined): {
  readonly deviceId: string | undefined
  readonly topic: string
} {
  const topic = read('topic')
  const deviceId = read('deviceId')
  const google = /^\/devices\/([^/]+)\/(events|state)(\/.*)?$/.exec(topic ?? '')
  if (google?.[1] !== undefined) {
    const rest = google[2] === 'state' ? 'state' : `telemetry${google[3] ?? ''}`
    return { deviceId: google[1], topic: `devices/${google[1]}/${rest}` }
  }
  if (topic !== undefined)
    return { deviceId: /^devices\/([^/]+)\//.exec(topic)?.[1] ?? deviceId, topic }
  if (deviceId === undefined) return { deviceId, topic: '' }
  const subFolder = read('subFolder')
  return {
    deviceId,
    topic: `devices/${deviceId}/telemetry${subFolder === undefined ? '' : `/${subFolder}`}`,
  }
}

/** What `notify` is woken with. Source: adapters/gcp/create-gcp.ts, `wake`. */
const Wake = z.object({ keys: z.array(z.string()) })

/** The keys of deliveries that wait. A message that is none of ours names none: the tick finds what waits. */
export function toKeys({ data }: Arrival): readonly string[] {
  const wake = Wake.safeParse(parseJson(data))
  return wake.success ? wake.data.keys : []
}

function describe(event: unknown): string {
  if (typeof event !== 'object' || event === null) return `a value of type ${typeof event}`
  return `an object with ${Object.keys(event).slice(0, 8).join(', ') || 'no member'}`
}

// Out: core -> Pub/Sub

/** Pub/Sub sends one message per call: returning acknowledges it, throwing asks for redelivery. */
export function toReply(outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) if (outcome.status === 'retry') throw outcome.error
}
