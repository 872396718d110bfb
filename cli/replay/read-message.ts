import { telemetryTopic } from '../../adapters/local/index.ts'
import {
  type CompiledTemplate,
  CoreError,
  compileTemplate,
  type Json,
  type Pointer,
  parsePointer,
  readEventTime,
  readPointer,
  type TimeUnit,
} from '../../core/index.ts'

/** One message of a recording, ready to be sent. */
export interface RecordedMessage {
  /** Where it stands in the file, 1-based. */
  readonly line: number
  readonly deviceId: string
  /** Event time, epoch ms. */
  readonly at: number
  readonly topic: string
  readonly payload: Uint8Array
}

/** A line that is no message, and why. */
export interface FaultyLine {
  readonly line: number
  readonly reason: string
}

/** Where in a line the parts of its message stand. */
export interface MessagePlan {
  readonly device: DeviceSource
  readonly time: Pointer
  readonly timeUnit: TimeUnit
  /** `undefined`: every device's own telemetry topic. */
  readonly topic: CompiledTemplate | undefined
  /** `undefined`: the whole line. */
  readonly payload: Pointer | undefined
}

/** One device for all messages, or the field that names it. */
export type DeviceSource = { readonly id: string } | { readonly field: Pointer }

/** What a person says of a recording; the names are those of the flags. */
export interface MessageFlags {
  readonly device: string
  readonly time: string
  readonly timeUnit: TimeUnit
  readonly topic: string | undefined
  readonly payload: string | undefined
}

/**
 * Makes a plan of the flags.
 * @throws CoreError `rule.*` for a faulty expression in the topic.
 */
export function planMessages(flags: MessageFlags): MessagePlan {
  const { device, time, timeUnit, topic, payload } = flags
  return {
    device: device.startsWith('=') ? { id: device.slice(1) } : { field: readField(device) },
    time: readField(time),
    timeUnit,
    topic: topic === undefined ? undefined : compileTemplate(topic),
    payload: payload === undefined ? undefined : readField(payload),
  }
}

/** A field's name, or a JSON pointer. */
export function readField(text: string): Pointer {
  return text === '' || text.startsWith('/') ? parsePointer(text) : [text]
}

/**
 * Makes a message of one line. `bytes` is the line as it stands in the file: what is sent unless a part of it is asked for.
 *
 * Total: a line that lacks something comes back as a fault.
 */
export function readMessage(
  line: number,
  body: Json,
  bytes: Uint8Array,
  plan: MessagePlan,
): RecordedMessage | FaultyLine {
  try {
    const deviceId = readDeviceId(body, plan.device)
    const at = readTime(body, plan)
    const own = telemetryTopic(deviceId)
    const topic =
      plan.topic === undefined
        ? own
        : plan.topic.render({ body, facts: { topic: own, nowMs: at } }).replaceAll('{id}', deviceId)
    checkTopic(topic)
    return { line, deviceId, at, topic, payload: readPayload(body, bytes, plan.payload) }
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return { line, reason: error.message }
  }
}

function readDeviceId(body: Json, source: DeviceSource): string {
  if ('id' in source) return source.id
  const value = readPointer(body, source.field)
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'number') return String(value)
  throw missing('a device id', source.field, value)
}

function readTime(body: Json, { time, timeUnit }: MessagePlan): number {
  const value = readPointer(body, time)
  if (value === undefined || value === null || value === '') throw missing('a time', time, value)
  return readEventTime(typeof value === 'string' ? withZone(value) : value, timeUnit)
}

/** Recordings often leave the zone out; a text without one is read as UTC. */
function withZone(text: string): string {
  return /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)
    ? `${text.replace(' ', 'T')}Z`
    : text
}

/** A text is sent as it is: it is what the device sent, kept as text. Anything else is sent as JSON. */
function readPayload(body: Json, bytes: Uint8Array, pointer: Pointer | undefined): Uint8Array {
  if (pointer === undefined) return bytes
  const value = readPointer(body, pointer)
  if (value === undefined) throw missing('a payload', pointer, value)
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Nobody may publish on such a topic. Source: MQTT-3.3.2-2, MQTT-4.7.3-1, MQTT-4.7.3-2. */
function checkTopic(topic: string): void {
  if (topic !== '' && !/[+#\0]/.test(topic)) return
  throw new CoreError(
    'input.malformed',
    `expected a topic without wildcards, found ${JSON.stringify(topic)}`,
  )
}

function missing(what: string, field: Pointer, value: Json | undefined): CoreError {
  const place = field.length === 1 ? String(field[0]) : `/${field.join('/')}`
  const found = value === undefined ? 'nothing' : JSON.stringify(value)
  return new CoreError('input.malformed', `expected ${what} at ${place}, found ${found}`)
}
