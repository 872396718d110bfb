import * as z from 'zod/mini'
import { CoreError, type Outcome, type Uplink } from '../../core/index.ts'
import { lazily } from './lazily.ts'

// In: Event Hubs -> core

/** One message of a trigger. */
export interface Arrival {
  /** As IoT Hub names it, or `Telemetry` where nobody says. Source: IoT Hub, `iothub-message-source`. */
  readonly source: string
  /** The module that it is of, where it is of none of the device itself. */
  readonly moduleId: string | undefined
  /** What happened, where the hub itself tells of something: `updateTwin`, `deviceConnected`, … */
  readonly operation: string | undefined
  readonly uplink: Uplink
}

/** What the host says beside the messages. */
export interface TriggerContext {
  readonly triggerMetadata?: Readonly<Record<string, unknown>> | undefined
  readonly retryContext?:
    | { readonly retryCount: number; readonly maxRetryCount: number }
    | undefined
}

const Properties = lazily(() => z.record(z.string(), z.unknown()))
const Metadata = lazily(() => z.optional(z.array(z.nullish(Properties()))))

/**
 * Event Hubs may deliver a batch again, and does not say so: when another host takes a partition over, and after a retry.
 * Only what is older than this is looked up, for that costs a read; the record knows the ids of the time before. Unit: ms.
 */
const FRESH_MS = 10_000

/**
 * Reads what the host hands over: a batch of Event Hubs (cardinality `many`, or one message of cardinality `one`). What cannot be told apart still becomes an uplink: setting it aside, with its bytes, is the core's business.
 *
 * Source: @azure/functions 4, trigger metadata: parallel arrays, each key of every level with a lower-case first letter.
 */
export function toArrivals(
  messages: unknown,
  context: TriggerContext,
  now: number,
): readonly Arrival[] {
  const metadata = context.triggerMetadata ?? {}
  const again = context.retryContext !== undefined && context.retryContext.retryCount > 0
  const partition = partitionOf(metadata)
  if (isOne(messages, metadata)) {
    const system = asRecord(metadata['systemProperties'])
    const facts = { system, application: asRecord(metadata['properties']) }
    return [
      toArrival(messages, {
        ...facts,
        sequence: sequenceOf(metadata['sequenceNumber'], partition),
        enqueuedAt: metadata['enqueuedTimeUtc'],
        again,
        now,
      }),
    ]
  }
  const bodies: readonly unknown[] = Array.isArray(messages) ? messages : [messages]
  const system = Metadata().safeParse(metadata['systemPropertiesArray'] ?? undefined)
  const application = Metadata().safeParse(metadata['propertiesArray'] ?? undefined)
  const fault =
    faultOf('systemPropertiesArray', system, bodies.length) ??
    faultOf('propertiesArray', application, bodies.length)
  const sequences = asList(metadata['sequenceNumberArray'], bodies.length)
  const times = asList(metadata['enqueuedTimeUtcArray'], bodies.length)
  return bodies.map((body, index) =>
    toArrival(body, {
      // Which of them is of which device cannot be told then.
      system: fault === undefined ? (system.data?.[index] ?? {}) : {},
      application: fault === undefined ? (application.data?.[index] ?? {}) : {},
      sequence: sequenceOf(sequences?.[index], partition),
      enqueuedAt: times?.[index],
      again,
      now,
      fault,
    }),
  )
}

interface Delivered {
  readonly system: Readonly<Record<string, unknown>>
  readonly application: Readonly<Record<string, unknown>>
  /** Names the place in the log; `undefined` if it is not known. */
  readonly sequence: string | undefined
  readonly enqueuedAt: unknown
  /** The host says that it brings it once more. */
  readonly again: boolean
  readonly now: number
  readonly fault?: string | undefined
}

/** System properties by the names of AMQP, and what they are called in the core. */
const NAMES: Readonly<Record<string, string>> = {
  'message-id': 'messageId',
  'correlation-id': 'correlationId',
  'user-id': 'userId',
  'content-type': 'contentType',
  'content-encoding': 'contentEncoding',
  'creation-time': 'iothub-creation-time-utc',
}

/** What Event Hubs knows of its log, and says of every message. */
const OF_THE_LOG =
  /^(?:x-opt-.*|sequenceNumber|offset|offsetString|partitionKey|enqueuedTime(?:Utc)?)$/

const AUTH = lazily(() => z.object({ scope: z.optional(z.string()), type: z.optional(z.string()) }))

function toArrival(
  body: unknown,
  { system, application, sequence, enqueuedAt, again, now, fault }: Delivered,
): Arrival {
  const deviceId = textOf(system['iothub-connection-device-id'])
  const receivedAt =
    timeOf(system['iothub-enqueuedtime']) ??
    timeOf(enqueuedAt) ??
    timeOf(system['enqueuedTimeUtc'] ?? system['x-opt-enqueued-time']) ??
    now
  const told = systemPropertiesOf(system, application)
  const names = Object.keys(application).filter((name) => name !== CREATED)
  const createdAt = told[CREATED]
  const messageId = told['messageId']
  return {
    source: textOf(system['iothub-message-source']) ?? 'Telemetry',
    moduleId: textOf(system['iothub-connection-module-id']),
    operation: textOf(application['opType']),
    uplink: {
      deviceId,
      topic: deviceId === undefined ? '' : `devices/${deviceId}/telemetry`,
      payload: bytesOf(body),
      contentType: told['contentType'] ?? '',
      receivedAt,
      source: 'eventhubs',
      redelivered: again || now - receivedAt > FRESH_MS,
      ...(fault === undefined ? {} : { fault }),
      ...(sequence === undefined ? {} : { deliveryId: sequence, publishId: sequence }),
      ...(messageId === undefined ? {} : { messageId }),
      // What is no time goes on as none, and is found where messages are decoded.
      ...(createdAt === undefined ? {} : { sentAt: timeOf(createdAt) ?? Number.NaN }),
      facts: {
        ...(deviceId === undefined ? {} : { clientId: deviceId, principal: principalOf(system) }),
        systemProperties: told,
        ...(names.length === 0
          ? {}
          : {
              userProperties: Object.fromEntries(
                names.map((name) => [name, [textOf(application[name]) ?? '']]),
              ),
            }),
      },
    },
  }
}

const CREATED = 'iothub-creation-time-utc'

function systemPropertiesOf(
  system: Readonly<Record<string, unknown>>,
  application: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const told = new Map<string, string>()
  for (const [name, value] of Object.entries(system)) {
    const text = OF_THE_LOG.test(name) ? undefined : textOf(value)
    if (text !== undefined && text !== '')
      told.set(Object.hasOwn(NAMES, name) ? (NAMES[name] ?? name) : name, text)
  }
  const createdAt = textOf(application[CREATED])
  if (createdAt !== undefined) told.set(CREATED, createdAt)
  return Object.fromEntries(told)
}

/** By what the sender proved who it is: `sas`, `x509CertificateAuthority`, …; never more than that. */
function principalOf(system: Readonly<Record<string, unknown>>): string {
  const method = textOf(system['iothub-connection-auth-method'])
  const parsed = AUTH().safeParse(method === undefined ? undefined : parse(method))
  const kind = parsed.success ? parsed.data.type : undefined
  const deviceId = textOf(system['iothub-connection-device-id']) ?? ''
  return kind === undefined ? deviceId : `${kind}:${deviceId}`
}

/** Where the host has left the bytes alone they are as they were sent; what it has parsed is written again. */
function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return Buffer.from(body)
  return Buffer.from(JSON.stringify(body) ?? '')
}

/** The bodies of one message that is an array, and of many messages, look alike: the metadata tells. */
function isOne(messages: unknown, metadata: Readonly<Record<string, unknown>>): boolean {
  if (metadata['systemPropertiesArray'] !== undefined || metadata['propertiesArray'] !== undefined)
    return false
  return metadata['systemProperties'] !== undefined || !Array.isArray(messages)
}

function faultOf(
  name: string,
  parsed: { readonly success: boolean; readonly data?: readonly unknown[] | undefined },
  count: number,
): string | undefined {
  if (!parsed.success) return `${name}: expected a list of objects`
  const found = parsed.data?.length ?? count
  return found === count ? undefined : `${name}: expected ${count}, as messages, found ${found}`
}

/** The list, if it has one for each message. */
function asList(value: unknown, count: number): readonly unknown[] | undefined {
  return Array.isArray(value) && value.length === count ? value : undefined
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  const parsed = Properties().safeParse(value)
  return parsed.success ? parsed.data : {}
}

function partitionOf(metadata: Readonly<Record<string, unknown>>): string {
  const told = asRecord(metadata['partitionContext'] ?? metadata['triggerPartitionContext'])
  return textOf(told['partitionId']) ?? ''
}

/** Shape: `{partition}/{sequence number}`: it stays the same however often a message is delivered. */
function sequenceOf(value: unknown, partition: string): string | undefined {
  const sequence = textOf(value)
  return sequence === undefined || partition === '' ? undefined : `${partition}/${sequence}`
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return undefined
}

/** Epoch ms of ISO 8601, which is UTC where it names no zone, or of epoch ms; else `undefined`. */
function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'string') return undefined
  const local = /^\d{4}-\d{2}-\d{2}T[\d:.]+$/.test(value)
  const at = Date.parse(local ? `${value}Z` : value)
  return Number.isNaN(at) ? undefined : at
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// In: Storage queues, timers -> core

/** What `notify` is woken with. Source: adapters/azure/create-azure.ts, `wake`. */
const Wake = lazily(() => z.object({ keys: z.array(z.string()) }))

/** The keys of deliveries that wait. A message that is none of ours names none: the tick finds what waits. */
export function toKeys(message: unknown): readonly string[] {
  const body =
    message instanceof Uint8Array
      ? parse(Buffer.from(message).toString('utf8'))
      : typeof message === 'string'
        ? parse(message)
        : message
  const wake = Wake().safeParse(body)
  return wake.success ? wake.data.keys : []
}

/** Source: Azure Functions, timer trigger: the timer's own facts are its argument. */
const Timer = lazily(() => z.object({ isPastDue: z.boolean() }))

/** @throws CoreError `trigger.malformed` if this is no timer. */
export function checkTimer(timer: unknown): void {
  if (Timer().safeParse(timer).success) return
  throw new CoreError('trigger.malformed', `expected a timer, found ${describe(timer)}`)
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a value of type ${typeof value}`
  return `an object with ${Object.keys(value).slice(0, 8).join(', ') || 'no member'}`
}

// Out: core -> the host

/**
 * Whether the host tries this batch again if the call fails. The checkpoint moves on once it does not.
 * Source: Azure Functions, retry policies: `maxRetryCount` -1 is for ever, and the first attempt has no retry context.
 */
export function isLastAttempt({ retryContext }: TriggerContext): boolean {
  if (retryContext === undefined) return false
  const { retryCount, maxRetryCount } = retryContext
  return maxRetryCount >= 0 && retryCount >= maxRetryCount
}

/** The host knows no failure of one message: throwing brings the whole batch again, and what is stored is a duplicate. */
export function toReply(outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) if (outcome.status === 'retry') throw outcome.error
}
