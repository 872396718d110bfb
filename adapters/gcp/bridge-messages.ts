import type { PubSubMessage } from './pubsub.ts'
import type { Pulled } from './pull.ts'

/** What devices publish on; what goes to them stands on other topics. */
export const DEVICE_TOPICS: readonly string[] = [
  'devices/+/telemetry/#',
  'devices/+/state',
  'devices/+/presence/+',
  ...['get', 'update', 'delete'].flatMap((operation) => [
    `devices/+/shadow/${operation}`,
    `devices/+/shadow/name/+/${operation}`,
  ]),
  ...['complete', 'reject', 'abandon'].map((how) => `devices/+/executions/+/${how}`),
  // Devices of Cloud IoT Core.
  '/devices/+/events/#',
  '/devices/+/state',
]

/** The user property that marks what the bridge brought: a command may be called `complete`. */
export const OWN = 'anyhub-bridge'

/** A message of a broker, as far as the bridge reads it. */
export interface BrokerMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly contentType?: string | undefined
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>> | undefined
}

/** What a device may not say of itself: the broker knows, or ingest-http. */
const RESERVED: ReadonlySet<string> = new Set([
  'topic',
  'deviceId',
  'subFolder',
  'contentType',
  'clientId',
  'sourceIp',
  'batch',
  'publishId',
])

/** Source: Pub/Sub quotas: 100 attributes, keys of 256 bytes, values of 1,024; names must not begin with `goog`. */
const MAX_ATTRIBUTES = 100
const MAX_NAME = 256
const MAX_VALUE = 1_024

/** The message as ingest reads it; `undefined` where no attribute takes its topic. */
export function toPublished(message: BrokerMessage): PubSubMessage | undefined {
  const { topic, payload, contentType, userProperties = {} } = message
  if (Buffer.byteLength(topic) > MAX_VALUE) return undefined
  const deviceId = /^\/?devices\/([^/]+)\//.exec(topic)?.[1]
  const own: [string, string][] = [['topic', topic]]
  if (deviceId !== undefined) own.push(['deviceId', deviceId])
  if (contentType !== undefined && fits('contentType', contentType))
    own.push(['contentType', contentType])
  const theirs = Object.entries(userProperties)
    .map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : (value.at(-1) ?? ''),
    ])
    .filter(([name, value]) => !RESERVED.has(name) && fits(name, value))
  const attributes = Object.fromEntries([...own, ...theirs].slice(0, MAX_ATTRIBUTES))
  return {
    data: payload,
    attributes,
    ...(deviceId === undefined ? {} : { orderingKey: deviceId }),
  }
}

function fits(name: string, value: string): boolean {
  const ours = name !== '' && !/^goog/i.test(name) && Buffer.byteLength(name) <= MAX_NAME
  if (name === 'sentAt' && !/^\d{1,16}$/.test(value)) return false
  return ours && Buffer.byteLength(value) <= MAX_VALUE
}

/** A message of the commands topic as the broker is to have it. */
export interface Brought {
  readonly topic: string
  readonly payload: Buffer
  readonly retain: boolean
  readonly userProperties: Readonly<Record<string, string>>
}

/** `undefined` where the topic is none that one may publish on: a broker would end the connection. */
export function toBrought({ data, attributes }: Pulled): Brought | undefined {
  const topic = attributes['topic'] ?? ''
  if (topic === '' || /[+#\0]/.test(topic) || topic.startsWith('$')) return undefined
  return {
    topic,
    payload: data,
    retain: attributes['retain'] === 'true',
    userProperties: { ...readProperties(attributes['properties']), [OWN]: attributes['key'] ?? '' },
  }
}

function readProperties(text: string | undefined): Record<string, string> {
  try {
    const found: unknown = JSON.parse(text ?? '{}')
    const entries = typeof found === 'object' && found !== null ? Object.entries(found) : []
    return Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}
