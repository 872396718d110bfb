import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { isJsonObject, type Json } from '../model/json.ts'
import { safeDeviceId } from './device-id.ts'
import { at, facts, malformed, numberOf, readText, readTime, textOf } from './fields.ts'
import type {
  Network,
  NetworkDownlink,
  NetworkKind,
  NetworkMessage,
  NetworkPart,
} from './network.ts'
import { textOption } from './options.ts'

/** What ends the topic of a request to Zigbee2MQTT. */
const REQUEST = /\/(?:set|get)(?:\/[^/]+)?$/

/**
 * Zigbee2MQTT: each device has a topic, `{base}/{friendly name}`; names may have levels.
 * Source: zigbee2mqtt.io, "MQTT topics and messages".
 */
export const zigbee2mqtt: NetworkKind = {
  name: 'zigbee2mqtt',
  summary: 'Zigbee2MQTT: states, availability, and commands through /set.',
  options: z.strictObject({
    type: z.literal('zigbee2mqtt'),
    base: z
      .string()
      .regex(/^[^+#$/]+(\/[^+#/]+)*$/, 'expected a topic without wildcards')
      .default('zigbee2mqtt')
      .meta({ description: 'The base topic, as `mqtt.base_topic` says it.' }),
  }),
  open(options): Network {
    const base = textOption(options, 'base') ?? 'zigbee2mqtt'
    return {
      filters: [`${base}/#`],
      remembers: false,
      read: (message) => ({ parts: [readMessage(message, base)] }),
      downlink: (downlink) => toCall(downlink, base),
    }
  },
}

function readMessage({ topic, body, receivedAt }: NetworkMessage, base: string): NetworkPart {
  if (!topic.startsWith(`${base}/`)) throw malformed('expected a topic of Zigbee2MQTT, found none')
  const rest = topic.slice(base.length + 1)
  if (rest.startsWith('bridge/')) return readBridge(rest, body, receivedAt)
  if (REQUEST.test(`/${rest}`)) return { kind: 'ignored', what: 'a request to a device' }
  const text = readText(body)
  if (text === '') return { kind: 'ignored', what: 'a retained message that is taken away' }
  const value = parse(text)
  if (rest.endsWith('/availability')) {
    const name = rest.slice(0, -'/availability'.length)
    const state = textOf(at(value, 'state')) ?? text
    return {
      kind: 'presence',
      deviceId: safeDeviceId(name),
      connected: state === 'online',
      at: receivedAt,
    }
  }
  if (isJsonObject(value)) return toUplink(rest, value, body)
  // With `output: attribute` each value has a topic of its own.
  const end = rest.lastIndexOf('/')
  if (end < 0) throw malformed('expected an object of values, found something else')
  return toUplink(rest.slice(0, end), { [rest.slice(end + 1)]: value ?? text }, body)
}

function toUplink(
  name: string,
  decoded: { readonly [key: string]: Json },
  payload: Uint8Array,
): NetworkPart {
  const seen = at(decoded, 'last_seen')
  const sentAt = typeof seen === 'number' ? seen : safeTime(seen)
  const { last_seen: _, ...values } = decoded
  return {
    kind: 'uplink',
    deviceId: safeDeviceId(name),
    payload,
    decoded: values,
    facts: facts({
      network: 'zigbee2mqtt',
      device: name,
      linkQuality: numberOf(at(decoded, 'linkquality')),
    }),
    address: { device: name },
    ...(sentAt === undefined ? {} : { sentAt }),
  }
}

/** `last_seen` may be local time without its zone: that is no time to go by. */
function safeTime(value: Json | undefined): number | undefined {
  try {
    return readTime(value, 'last_seen')
  } catch {
    return undefined
  }
}

/** The bridge tells of itself, and of devices that join and leave. */
function readBridge(rest: string, body: Uint8Array, receivedAt: number): NetworkPart {
  if (rest !== 'bridge/event') return { kind: 'ignored', what: 'a word of the bridge' }
  const event = parse(readText(body))
  const type = textOf(at(event, 'type'))
  const data = at(event, 'data')
  const name = textOf(at(data, 'friendly_name'))
  if (type === undefined || name === undefined || !isJsonObject(data))
    throw malformed('expected type and data.friendly_name, found none')
  const deviceId = safeDeviceId(name)
  if (type === 'device_leave')
    return { kind: 'presence', deviceId, connected: false, at: receivedAt }
  return {
    kind: 'uplink',
    deviceId,
    path: type === 'device_joined' || type === 'device_announce' ? 'join' : 'interview',
    payload: new Uint8Array(),
    decoded: { event: type, ...data },
    measures: false,
    facts: { network: 'zigbee2mqtt', device: name },
    address: { device: name },
  }
}

function toCall({ address, name, payload }: NetworkDownlink, base: string) {
  const device = textOf(address['device'])
  if (device === undefined || /[+#]/.test(device))
    throw new CoreError('network.no_downlink', 'expected the friendly name of a device')
  const verb = name === 'get' ? 'get' : 'set'
  return { kind: 'publish' as const, topic: `${base}/${device}/${verb}`, payload }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
