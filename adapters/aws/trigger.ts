import * as z from 'zod/mini'
import { CoreError, type Outcome, type Uplink } from '../../core/index.ts'
import { lazily } from './lazily.ts'

// In: SQS, Kinesis or the rule itself -> core

/** Source: AWS IoT developer guide, clientid(): `n/a` if the message was not sent over MQTT. */
const ClientId = lazily(() =>
  z.pipe(
    z.string(),
    z.transform((id) => (id === 'n/a' ? undefined : id)),
  ),
)

/** What our topic rules select. Source: serverless.aws.yml, `Sql`. */
const Envelope = lazily(() =>
  z.object({
    payload: z.base64(),
    topic: z.string(),
    receivedAt: z.number(),
    clientId: z.optional(ClientId()),
    principal: z.optional(z.string()),
    sourceIp: z.optional(z.string()),
    traceId: z.optional(z.string()),
    time: z.optional(z.union([z.string(), z.number()])),
    messageId: z.optional(z.string()),
  }),
)

/** Only the fields we read. Source: AWS Lambda developer guide, with-sqs. */
const SqsEvent = lazily(() =>
  z.object({
    Records: z.array(
      z.object({
        eventSource: z.literal('aws:sqs'),
        messageId: z.string(),
        body: z.string(),
        attributes: z.object({
          ApproximateReceiveCount: z._default(z.coerce.number(), 1),
          SentTimestamp: z.optional(z.coerce.number()),
        }),
      }),
    ),
  }),
)

/** Only the fields we read. Source: AWS Lambda developer guide, with-kinesis. */
const KinesisEvent = lazily(() =>
  z.object({
    Records: z.array(
      z.object({
        eventSource: z.literal('aws:kinesis'),
        kinesis: z.object({
          sequenceNumber: z.string(),
          data: z.base64(),
          approximateArrivalTimestamp: z.number(),
        }),
      }),
    ),
  }),
)

/** One message of a trigger, and the name by which its source is told that it failed. */
export interface Arrival {
  /** The SQS message id or the Kinesis sequence number; '' where the call itself is the message. */
  readonly itemId: string
  readonly uplink: Uplink
}

/**
 * Reads the event of whichever trigger is wired. A record whose body is none of ours still becomes an uplink: rejecting
 * it, with its bytes, is the core's business.
 * @throws CoreError `trigger.malformed` if this is none of our events: the wrong trigger is wired.
 */
export function toArrivals(event: unknown, now: number): readonly Arrival[] {
  const sqs = SqsEvent().safeParse(event)
  if (sqs.success)
    return sqs.data.Records.map(({ messageId, body, attributes }) => ({
      itemId: messageId,
      uplink: toUplink(Buffer.from(body), {
        source: 'sqs',
        deliveryId: messageId,
        redelivered: attributes.ApproximateReceiveCount > 1,
        receivedAt: attributes.SentTimestamp ?? now,
      }),
    }))
  const kinesis = KinesisEvent().safeParse(event)
  if (kinesis.success)
    return kinesis.data.Records.map(({ kinesis: record }) => ({
      itemId: record.sequenceNumber,
      uplink: toUplink(Buffer.from(record.data, 'base64'), {
        source: 'kinesis',
        deliveryId: record.sequenceNumber,
        // A batch may come again, and does not say so.
        redelivered: true,
        receivedAt: record.approximateArrivalTimestamp * 1_000,
      }),
    }))
  if (Envelope().safeParse(event).success)
    return [
      {
        itemId: '',
        uplink: toUplink(Buffer.from(JSON.stringify(event)), {
          source: 'iot',
          deliveryId: '',
          redelivered: false,
          receivedAt: now,
        }),
      },
    ]
  throw new CoreError(
    'trigger.malformed',
    `expected an event of SQS, of Kinesis or of a topic rule, found ${describe(event)}`,
  )
}

/** What `notify` is woken with. Source: adapters/aws/index.ts, `wake`. */
const Wake = lazily(() => z.object({ keys: z.array(z.string()) }))

/**
 * The keys of deliveries that wait. A message that is none of ours names none: the tick finds what waits.
 * @throws CoreError `trigger.malformed` if this is no event of SQS.
 */
export function toKeys(event: unknown): readonly string[] {
  const parsed = SqsEvent().safeParse(event)
  if (!parsed.success)
    throw new CoreError('trigger.malformed', `expected an event of SQS, found ${describe(event)}`)
  return parsed.data.Records.flatMap(({ body }) => {
    const wake = Wake().safeParse(parse(Buffer.from(body)))
    return wake.success ? wake.data.keys : []
  })
}

/** Source: EventBridge Scheduler user guide, targets of Lambda: what is sent where the schedule has no input of its own. */
const ScheduledEvent = z.object({ 'detail-type': z.literal('Scheduled Event') })

/** @throws CoreError `trigger.malformed` if this is no event of EventBridge Scheduler. */
export function checkScheduled(event: unknown): void {
  if (ScheduledEvent.safeParse(event).success) return
  throw new CoreError(
    'trigger.malformed',
    `expected an event of EventBridge Scheduler, found ${describe(event)}`,
  )
}

interface Delivered {
  readonly source: string
  readonly deliveryId: string
  readonly redelivered: boolean
  readonly receivedAt: number
}

function toUplink(body: Buffer, { deliveryId, ...delivered }: Delivered): Uplink {
  const envelope = Envelope().safeParse(parse(body))
  if (!envelope.success)
    return { ...delivered, deviceId: undefined, topic: '', payload: body, contentType: '' }
  const { payload, topic, receivedAt, clientId, time, messageId, ...rest } = envelope.data
  const { principal, sourceIp, traceId } = rest
  const sentAt = time === undefined ? undefined : Number(time)
  return {
    ...delivered,
    deviceId: deviceOf(topic) ?? clientId,
    topic,
    payload: Buffer.from(payload, 'base64'),
    contentType: '',
    receivedAt,
    facts: {
      ...(clientId === undefined ? {} : { clientId }),
      ...(principal === undefined ? {} : { principal }),
      ...(sourceIp === undefined ? {} : { sourceIp }),
      ...(traceId === undefined ? {} : { traceId }),
    },
    ...(deliveryId === '' ? {} : { deliveryId }),
    ...(sentAt === undefined ? {} : { sentAt }),
    // Two rules may bring one message: its trace is the same. What a device sends again has another.
    ...(traceId === undefined ? {} : { publishId: traceId }),
    ...(messageId === undefined ? {} : { messageId }),
  }
}

/** The device that a topic names; plain topics are of whoever publishes. Shape: `devices/{id}/…`. */
function deviceOf(topic: string): string | undefined {
  return /^devices\/([^/]+)\//.exec(topic)?.[1]
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function describe(event: unknown): string {
  if (typeof event !== 'object' || event === null) return `a value of type ${typeof event}`
  return `an object with ${Object.keys(event).slice(0, 8).join(', ') || 'no member'}`
}

// Out: core -> SQS, Kinesis

/** Tells the source which messages it has to send again, and no others. Source: ReportBatchItemFailures. */
export function toReply(
  arrivals: readonly Arrival[],
  outcomes: readonly Outcome[],
): { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] } {
  const failed: string[] = []
  arrivals.forEach(({ itemId }, index) => {
    const outcome = outcomes[index]
    if (outcome?.status !== 'retry') return
    // The call is the message: only an exception makes it come again.
    if (itemId === '') throw outcome.error
    failed.push(itemId)
  })
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
}
