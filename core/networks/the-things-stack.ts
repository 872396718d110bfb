import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { toBase64 } from '../model/base64.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { isPathName, readEui, safeDeviceId, safeMessageId } from './device-id.ts'
import {
  asObject,
  at,
  facts,
  malformed,
  numberOf,
  objectsOf,
  plainMembers,
  readBase64,
  readObject,
  readTime,
  textOf,
} from './fields.ts'
import { type LoraFacts, loraFacts, readPort } from './lorawan.ts'
import type {
  Network,
  NetworkCall,
  NetworkDownlink,
  NetworkKind,
  NetworkPart,
  NetworkUplink,
} from './network.ts'
import { API_OPTIONS, below, LORA_OPTIONS, numberOption, option, textOption } from './options.ts'

const NO_BYTES = new Uint8Array()

const utf8 = new TextEncoder()

/** Messages that tell of a device and measure nothing, by the member that holds them, and what rules find them under. */
const EVENTS: Readonly<Record<string, string>> = {
  join_accept: 'join',
  downlink_ack: 'downlink/ack',
  downlink_nack: 'downlink/nack',
  downlink_sent: 'downlink/sent',
  downlink_failed: 'downlink/failed',
  downlink_queue_invalidated: 'downlink/invalidated',
  service_data: 'service',
}

/**
 * The Things Stack v3, over webhooks and MQTT: both say the same.
 * Source: thethingsindustries.com, "Data Formats", "MQTT Server", "Scheduling Downlinks".
 */
export const theThingsStack: NetworkKind = {
  name: 'the-things-stack',
  summary: 'The Things Stack v3 (The Things Network), by webhook or MQTT.',
  options: z.strictObject({
    type: z.literal('the-things-stack'),
    id: z.enum(['device_id', 'dev_eui']).default('device_id').meta({
      description: 'What devices are called by here: their id in the application, or their EUI.',
    }),
    downlink: z
      .strictObject({
        ...API_OPTIONS,
        ...LORA_OPTIONS,
        tenant: z
          .string()
          .regex(/^[a-z0-9-]*$/)
          .default('ttn')
          .meta({ description: 'The tenant in MQTT topics; "" where there are none.' }),
        fromWebhook: z.boolean().default(false).meta({
          description:
            'Whether the URLs and the key that webhooks bring in X-Downlink-… are used; they are kept with the device.',
        }),
        mode: z.enum(['push', 'replace']).default('push').meta({
          description: 'Whether a downlink goes behind those that wait, or takes their place.',
        }),
      })
      .prefault({})
      .meta({ description: 'The way back.' }),
  }),
  open(options): Network {
    const byEui = textOption(options, 'id') === 'dev_eui'
    const fromWebhook = option(options, 'downlink', 'fromWebhook') === true
    return {
      filters: [
        'v3/+/devices/+/up',
        'v3/+/devices/+/join',
        'v3/+/devices/+/down/+',
        'v3/+/devices/+/location/solved',
        'v3/+/devices/+/service/data',
      ],
      remembers: false,
      read({ topic, body, request }) {
        if (/\/down\/(push|replace|queued)$/.test(topic))
          return { parts: [{ kind: 'ignored', what: 'a downlink on its way' }] }
        const parts = readUp(readObject(body), topic, byEui)
        const way = fromWebhook ? wayOf(request?.headers ?? {}) : undefined
        return { parts: way === undefined ? parts : parts.map((part) => withWay(part, way)) }
      },
      downlink: (downlink) => toCall(downlink, options),
    }
  },
}

/** Source: thethingsindustries.com, "Webhooks / Scheduling downlinks": headers of a webhook that has a downlink API key. */
function wayOf(headers: Readonly<Record<string, string>>): JsonObject | undefined {
  const push = headers['x-downlink-push']
  const key = headers['x-downlink-apikey']
  if (push === undefined || key === undefined) return undefined
  return facts({ push, replace: headers['x-downlink-replace'], key })
}

function withWay(part: NetworkPart, way: JsonObject): NetworkPart {
  return part.kind === 'uplink' ? { ...part, address: { ...part.address, ...way } } : part
}

function readUp(up: JsonObject, topic: string, byEui: boolean): readonly NetworkPart[] {
  const common = readCommon(up, topic, byEui)
  const uplink = at(up, 'uplink_message')
  if (uplink !== undefined) return [readUplink(up, asObject(uplink, 'uplink_message'), common)]
  const location = at(up, 'location_solved', 'location')
  if (location !== undefined)
    return [
      {
        ...common,
        path: 'location',
        payload: NO_BYTES,
        decoded: asObject(location, 'location'),
        ...messageIdOf(up, 'location'),
      },
    ]
  for (const [name, path] of Object.entries(EVENTS)) {
    const event = at(up, name)
    if (event === undefined) continue
    const decoded = { event: path, ...asObject(event, name) }
    const id = messageIdOf(up, path)
    return [{ ...common, ...id, path, payload: NO_BYTES, decoded, measures: false }]
  }
  const names = Object.keys(up).filter((name) => /^[a-z_]{1,40}$/.test(name))
  if (names.includes('downlink_queued') || names.includes('uplink_normalized'))
    return [{ kind: 'ignored', what: 'a word on a downlink, or an uplink told a second time' }]
  throw malformed(`expected uplink_message, join_accept or the like, found ${names.join(', ')}`)
}

/** What all messages say. */
function readCommon(up: JsonObject, topic: string, byEui: boolean) {
  const ids = at(up, 'end_device_ids')
  const [, scope, , fromTopic] = topic.split('/')
  const device = textOf(at(ids, 'device_id')) ?? (topic === '' ? undefined : fromTopic)
  const eui = readEui(textOf(at(ids, 'dev_eui')))
  const name = byEui ? eui : device
  if (name === undefined)
    throw malformed(`end_device_ids.${byEui ? 'dev_eui' : 'device_id'}: expected one, found none`)
  const application =
    textOf(at(ids, 'application_ids', 'application_id')) ?? scope?.replace(/@.*$/, '')
  const tenant = scope === undefined || !scope.includes('@') ? undefined : scope.split('@')[1]
  const sentAt = readTime(
    at(up, 'uplink_message', 'received_at') ?? at(up, 'received_at'),
    'received_at',
  )
  return {
    kind: 'uplink' as const,
    deviceId: safeDeviceId(name),
    facts: facts({ network: 'the-things-stack', device, devEui: eui, application }),
    address: facts({ application, device, tenant }),
    ...(sentAt === undefined ? {} : { sentAt }),
  }
}

function readUplink(
  up: JsonObject,
  uplink: JsonObject,
  common: ReturnType<typeof readCommon>,
): NetworkPart {
  const raw = at(uplink, 'frm_payload') ?? undefined
  const decoded = at(uplink, 'decoded_payload') ?? undefined
  const fPort = readPort(numberOf(at(uplink, 'f_port')))
  const simulated = at(up, 'simulated') === true ? true : undefined
  const known = {
    ...uplinkFacts(uplink, common.facts, fPort),
    ...facts({ simulated }),
    ...warningsIn(uplink),
  }
  const id = messageIdOf(up, 'up')
  // MAC commands alone: the device was heard, and said nothing.
  if (raw === undefined && decoded === undefined)
    return { ...common, ...id, path: 'heard', payload: NO_BYTES, decoded: {}, measures: false }
  const read: NetworkUplink = {
    ...common,
    ...id,
    payload: raw === undefined ? NO_BYTES : readBase64(raw, 'frm_payload'),
    facts: known,
  }
  return {
    ...read,
    ...(fPort === undefined ? {} : { fPort }),
    ...(decoded === undefined ? {} : { decoded }),
  }
}

/** What a formatter found strange. */
function warningsIn(uplink: JsonObject): JsonObject {
  const warnings = at(uplink, 'decoded_payload_warnings')
  const texts = Array.isArray(warnings) ? warnings.filter((one) => typeof one === 'string') : []
  return texts.length > 0 ? { warnings: texts.slice(0, 8).map((one) => one.slice(0, 256)) } : {}
}

function uplinkFacts(
  uplink: JsonObject,
  common: JsonObject,
  fPort: number | undefined,
): JsonObject {
  const settings = at(uplink, 'settings')
  const lora: LoraFacts = {
    ...common,
    network: 'the-things-stack',
    fPort,
    // What is 0 or false is left out.
    fCnt: numberOf(at(uplink, 'f_cnt')) ?? 0,
    confirmed: at(uplink, 'confirmed') === true ? true : undefined,
    dataRate: numberOf(at(settings, 'data_rate_index')),
    spreadingFactor: numberOf(at(settings, 'data_rate', 'lora', 'spreading_factor')),
    bandwidth: numberOf(at(settings, 'data_rate', 'lora', 'bandwidth')),
    frequency: numberOf(at(settings, 'frequency')),
    airtime: textOf(at(uplink, 'consumed_airtime')),
    location: placeIn(at(uplink, 'locations')),
    heard: objectsOf(at(uplink, 'rx_metadata')).map((one) => ({
      id: textOf(at(one, 'gateway_ids', 'gateway_id')),
      rssi: numberOf(at(one, 'rssi')) ?? numberOf(at(one, 'channel_rssi')),
      snr: numberOf(at(one, 'snr')),
    })),
  }
  return loraFacts(lora)
}

/** Where the device is: as somebody entered it, as its payload says it, or as it was computed. */
function placeIn(locations: Json | undefined): JsonObject | undefined {
  const place =
    at(locations, 'frm-payload') ?? at(locations, 'user') ?? Object.values(asMembers(locations))[0]
  return plainMembers(place)
}

function asMembers(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

/**
 * The correlation id that the stack made for this very message, else its session, counter and time. A webhook that is
 * tried again has the same, and so has the same message over MQTT.
 */
function messageIdOf(up: JsonObject, kind: string): { readonly messageId?: string } {
  const correlation = at(up, 'correlation_ids')
  const ids = Array.isArray(correlation) ? correlation.filter((id) => typeof id === 'string') : []
  for (const prefix of ['as:up:', 'ns:uplink:', 'gs:uplink:']) {
    const id = ids.find((one) => one.startsWith(prefix) && one.length < 200)
    if (id !== undefined) return { messageId: `${kind}:${id}` }
  }
  const message = at(up, 'uplink_message') ?? at(up, 'join_accept')
  const session = textOf(at(message, 'session_key_id'))
  const time = textOf(at(up, 'received_at'))
  if (session === undefined && time === undefined) return {}
  const count = numberOf(at(message, 'f_cnt')) ?? 0
  return { messageId: safeMessageId(`${kind}:${session ?? ''}:${count}:${time ?? ''}`) }
}

function toCall(downlink: NetworkDownlink, options: object): NetworkCall {
  const { address, payload, value, properties } = downlink
  const application = textOf(address['application'])
  const device = textOf(address['device'])
  if (application === undefined || device === undefined)
    throw new CoreError('network.no_downlink', 'expected application and device of an uplink')
  if (!isPathName(application) || !isPathName(device))
    throw new CoreError(
      'network.no_downlink',
      'expected ids of the network, found other characters',
    )
  const confirmed = properties['confirmed'] ?? String(option(options, 'downlink', 'confirmed'))
  const message: Record<string, Json> = {
    f_port: downlink.fPort ?? numberOption(options, 'downlink', 'fPort') ?? 1,
    ...(value === undefined ? { frm_payload: toBase64(payload) } : { decoded_payload: value }),
    ...(confirmed === 'true' ? { confirmed: true } : {}),
    priority: 'NORMAL',
    correlation_ids: [`anyhub:${downlink.commandId}`],
  }
  const body = utf8.encode(JSON.stringify({ downlinks: [message] }))
  const mode = textOption(options, 'downlink', 'mode') ?? 'push'
  const url = textOption(options, 'downlink', 'url')
  const told = textOf(address[mode])
  if (url === undefined && told !== undefined)
    return {
      kind: 'request',
      method: 'POST',
      url: told,
      headers: headersOf(textOf(address['key'])),
      body,
    }
  if (url === undefined) {
    const tenant = textOf(address['tenant']) ?? textOption(options, 'downlink', 'tenant') ?? ''
    const scope = tenant === '' ? application : `${application}@${tenant}`
    return { kind: 'publish', topic: `v3/${scope}/devices/${device}/down/${mode}`, payload: body }
  }
  const app = encodeURIComponent(application)
  const path = `/api/v3/as/applications/${app}/devices/${encodeURIComponent(device)}/down/${mode}`
  const headers = headersOf(textOption(options, 'downlink', 'apiKey'))
  return { kind: 'request', method: 'POST', url: below(url, path), headers, body }
}

function headersOf(key: string | undefined): Readonly<Record<string, string>> {
  return { 'content-type': 'application/json', authorization: `Bearer ${key ?? ''}` }
}
