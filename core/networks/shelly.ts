import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { safeDeviceId } from './device-id.ts'
import {
  asObject,
  at,
  facts,
  malformed,
  numberOf,
  objectsOf,
  readObject,
  readText,
  textOf,
} from './fields.ts'
import type {
  Network,
  NetworkDownlink,
  NetworkKind,
  NetworkMessage,
  NetworkPart,
} from './network.ts'

const utf8 = new TextEncoder()

const NO_BYTES = new Uint8Array()

/**
 * Shelly devices of the first generation (`shellies/{id}/…`) and of those since (`{id}/events/rpc`, `{id}/status/…`).
 * Source: shelly-api-docs.shelly.cloud, "Gen1 / MQTT support", "Gen2 / Notifications", "Components / Mqtt".
 */
export const shelly: NetworkKind = {
  name: 'shelly',
  summary: 'Shelly, first generation and later ones, over MQTT.',
  options: z.strictObject({ type: z.literal('shelly') }),
  open: (): Network => ({
    filters: ['shellies/#', '+/events/rpc', '+/status/+', '+/online'],
    remembers: false,
    read: (message) => ({
      parts: message.topic.startsWith('shellies/') ? readFirst(message) : readLater(message),
    }),
    downlink: toCall,
  }),
}

const TAKEN_AWAY: readonly NetworkPart[] = [
  { kind: 'ignored', what: 'a retained message that is taken away' },
]

/** First generation: a topic for each value. */
function readFirst({ topic, body, receivedAt }: NetworkMessage): readonly NetworkPart[] {
  const [, name = '', ...path] = topic.split('/')
  const what = path.join('.')
  const text = readText(body)
  if (path.length === 0) {
    if (name === 'command') return [{ kind: 'ignored', what: 'a command' }]
    if (name !== 'announce') throw malformed('expected shellies/{id}/{what}, found less')
    const about = readObject(body)
    const id = textOf(at(about, 'id'))
    if (id === undefined) throw malformed('id: expected one, found none')
    return [toUplink(id, 1, about, body, { path: 'announce', measures: false })]
  }
  // `relay/0/command`, `roller/0/command/pos`, `light/0/set`.
  if (path.includes('command') || path.at(-1) === 'set')
    return [{ kind: 'ignored', what: 'a command' }]
  if (text === '') return TAKEN_AWAY
  if (what === 'online') return [presence(name, text, receivedAt)]
  const value = parse(text)
  if (what === 'announce' || what === 'info')
    return [
      toUplink(name, 1, asObject(value, what), body, { path: what, measures: what === 'info' }),
    ]
  // `sensor/temperature` becomes {sensor: {temperature: …}}.
  const nested = path.reduceRight<Json>((inner, level) => ({ [level]: inner }), value ?? text)
  return [toUplink(name, 1, asObject(nested, 'a value'), body)]
}

/** Later generations: JSON-RPC notifications, or the state of one component. */
function readLater({ topic, body, receivedAt }: NetworkMessage): readonly NetworkPart[] {
  const [name = '', kind, what = ''] = topic.split('/')
  const text = readText(body)
  if (text === '') return TAKEN_AWAY
  if (kind === 'online') return [presence(name, text, receivedAt)]
  const content = readObject(body)
  if (kind === 'status') return [toUplink(name, 2, { [what]: content }, body)]
  const params = asObject(at(content, 'params'), 'params')
  const { ts, ...components } = params
  const sentAt = timeOf(ts)
  switch (textOf(at(content, 'method'))) {
    case 'NotifyStatus':
    case 'NotifyFullStatus':
      return [toUplink(name, 2, components, body, sentAt === undefined ? {} : { sentAt })]
    case 'NotifyEvent': {
      const events = objectsOf(at(params, 'events'))
      if (events.length === 0) throw malformed('params.events: expected one, found none')
      return events.map((event, index) => {
        const at1 = timeOf(at(event, 'ts')) ?? sentAt
        return toUplink(name, 2, event, NO_BYTES, {
          path: 'event',
          measures: false,
          ...(at1 === undefined ? {} : { sentAt: at1, messageId: `event:${at1}:${index}` }),
        })
      })
    }
    default:
      throw malformed('method: expected NotifyStatus, NotifyFullStatus or NotifyEvent')
  }
}

interface More {
  readonly path?: string
  readonly measures?: boolean
  readonly sentAt?: number
  readonly messageId?: string
}

function toUplink(
  name: string,
  generation: 1 | 2,
  decoded: JsonObject,
  payload: Uint8Array,
  more: More = {},
): NetworkPart {
  return {
    kind: 'uplink',
    deviceId: safeDeviceId(name),
    payload,
    decoded,
    facts: facts({ network: 'shelly', device: name, generation }),
    address: { device: name, generation },
    ...more,
  }
}

function presence(name: string, text: string, at: number): NetworkPart {
  return { kind: 'presence', deviceId: safeDeviceId(name), connected: text === 'true', at }
}

/** Epoch s with a fraction. Before its clock was set a device says 0 or the seconds since it started. */
function timeOf(value: Json | undefined): number | undefined {
  const seconds = numberOf(value)
  return seconds !== undefined && seconds > 1e9 ? Math.round(seconds * 1_000) : undefined
}

/** `relay/0` with "on" for the first generation and for components; `Switch.Set` with parameters is a call. */
function toCall({ address, name, payload, value, commandId }: NetworkDownlink) {
  const device = textOf(address['device'])
  if (device === undefined || /[+#]/.test(device))
    throw new CoreError('network.no_downlink', 'expected the id of a device')
  const text = typeof value === 'string' ? utf8.encode(value) : payload
  const call = (topic: string, bytes: Uint8Array) => ({
    kind: 'publish' as const,
    topic,
    payload: bytes,
  })
  if (address['generation'] === 1) return call(`shellies/${device}/${name}/command`, text)
  if (!name.includes('.')) return call(`${device}/command/${name}`, text)
  const params = isJsonObject(value) ? { params: value } : {}
  const request = { id: commandId, src: 'anyhub', method: name, ...params }
  return call(`${device}/rpc`, utf8.encode(JSON.stringify(request)))
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
