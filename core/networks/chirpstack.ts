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
  readBase64,
  readObject,
  readTime,
  textOf,
} from './fields.ts'
import { type Heard, loraFacts, readPort } from './lorawan.ts'
import type {
  Network,
  NetworkCall,
  NetworkDownlink,
  NetworkKind,
  NetworkMessage,
  NetworkPart,
  NetworkUplink,
} from './network.ts'
import { API_OPTIONS, below, LORA_OPTIONS, numberOption, option, textOption } from './options.ts'

const NO_BYTES = new Uint8Array()

const utf8 = new TextEncoder()

/** Events, of version 4 and of version 3, by what the topic or `?event=` says. */
const EVENTS = ['up', 'join', 'ack', 'txack', 'status', 'location', 'log', 'error', 'integration']

/** In those that are no uplinks: what is measured. */
const MEASURED: Readonly<Record<string, readonly string[]>> = {
  status: ['margin', 'batteryLevel', 'externalPowerSource'],
  location: ['location'],
}

/** Members that say which device and when, and nothing of the event itself. */
const COMMON = new Set([
  ...['deduplicationId', 'time', 'deviceInfo', 'applicationID', 'applicationName', 'deviceName'],
  ...['deviceProfileID', 'deviceProfileName', 'devEUI', 'tags', 'rxInfo', 'txInfo', 'publishedAt'],
])

/**
 * ChirpStack 4 and 3, over HTTP and MQTT, in JSON.
 * Source: chirpstack.io, "Integrations / Events", "MQTT"; version 3: "Sending and receiving / Event types".
 */
export const chirpstack: NetworkKind = {
  name: 'chirpstack',
  summary: 'ChirpStack 4 and 3 by HTTP or MQTT, as JSON; also what is built on it, such as Helium.',
  options: z.strictObject({
    type: z.literal('chirpstack'),
    id: z.enum(['devEui', 'deviceName']).default('devEui').meta({
      description: 'What devices are called by here: their EUI, in small letters, or their name.',
    }),
    downlink: z
      .strictObject({ ...API_OPTIONS, ...LORA_OPTIONS })
      .prefault({})
      .meta({ description: 'The way back.' }),
  }),
  open(options) {
    return openChirpstack('chirpstack', options)
  },
}

/** ChirpStack under the name of a network that is built on it. */
export function openChirpstack(network: string, options: object): Network {
  return {
    filters: [
      'application/+/device/+/event/+',
      'application/+/device/+/rx',
      'application/+/device/+/join',
      'application/+/device/+/ack',
      'application/+/device/+/status',
      'application/+/device/+/location',
      'application/+/device/+/error',
    ],
    remembers: false,
    read: (message) => ({ parts: [readEvent(message, network, options)] }),
    downlink: (downlink) => toCall(downlink, options),
  }
}

function readEvent(message: NetworkMessage, network: string, options: object): NetworkPart {
  const body = readObject(message.body)
  const event = eventOf(message, body)
  const common = readCommon(body, message.topic, network, options)
  if (event === 'up') return readUplink(body, common, network)
  const id = textOf(at(body, 'deduplicationId')) ?? textOf(at(body, 'queueItemId'))
  // To the nanosecond, as it stands there: two lines of the log may have one millisecond.
  const at3 = textOf(at(body, 'time')) ?? common.sentAt ?? ''
  const messageId = safeMessageId(`${event}:${id ?? at3}`)
  const known = id === undefined && common.sentAt === undefined ? {} : { messageId }
  const measured = MEASURED[event]
  if (measured !== undefined)
    return { ...common, ...known, path: event, payload: NO_BYTES, decoded: pick(body, measured) }
  const own = Object.entries(body).filter(([name]) => !COMMON.has(name))
  const decoded = { event, ...Object.fromEntries(own) }
  return { ...common, ...known, path: event, payload: NO_BYTES, decoded, measures: false }
}

/** @throws CoreError `network.malformed` if nothing says what it is. */
function eventOf({ topic, request }: NetworkMessage, body: JsonObject): string {
  const said = request === undefined ? topic.split('/').at(-1) : request.query['event']
  const event = said === 'rx' ? 'up' : said
  if (event !== undefined && EVENTS.includes(event)) return event
  if (event === undefined && at(body, 'rxInfo') !== undefined) return 'up'
  throw malformed(`expected the event ${EVENTS.join(', ')} in ?event= or the topic, found none`)
}

function readCommon(body: JsonObject, topic: string, network: string, options: object) {
  const info = at(body, 'deviceInfo')
  const isThree = info === undefined
  const levels = topic.split('/')
  const eui = readEui(textOf(at(info, 'devEui')) ?? textOf(at(body, 'devEUI')) ?? levels[3])
  const deviceName = textOf(at(info, 'deviceName')) ?? textOf(at(body, 'deviceName'))
  const isByName = textOption(options, 'id') === 'deviceName'
  const name = isByName ? deviceName : eui
  if (name === undefined) {
    const where = isThree ? 'devEUI' : 'deviceInfo.devEui'
    throw malformed(`${isByName ? 'deviceName' : where}: expected one, found none`)
  }
  const application = isThree
    ? textOf(at(body, 'applicationID'))
    : textOf(at(info, 'applicationId'))
  const sentAt =
    readTime(at(body, 'time'), 'time') ??
    readTime(at(body, 'publishedAt'), 'publishedAt') ??
    readTime(at(objectsOf(at(body, 'rxInfo'))[0], 'time'), 'rxInfo.time')
  const known = {
    network,
    devEui: eui,
    device: deviceName,
    application: application ?? levels[1],
  }
  return {
    kind: 'uplink' as const,
    deviceId: safeDeviceId(name),
    facts: facts(known),
    address: facts({ application: known.application, devEui: eui, version: isThree ? 3 : 4 }),
    ...(sentAt === undefined ? {} : { sentAt }),
  }
}

function readUplink(
  body: JsonObject,
  common: ReturnType<typeof readCommon>,
  network: string,
): NetworkPart {
  const raw = at(body, 'data')
  const decoded = readDecoded(body)
  const fPort = readPort(numberOf(at(body, 'fPort')))
  const tags = at(body, 'deviceInfo', 'tags') ?? at(body, 'tags')
  const id = messageIdOf(body)
  const hasNothing = (raw === undefined || raw === '' || raw === null) && decoded === undefined
  // MAC commands alone: the device was heard, and said nothing.
  if (hasNothing)
    return { ...common, ...id, path: 'heard', payload: NO_BYTES, decoded: {}, measures: false }
  const uplink: NetworkUplink = {
    ...common,
    ...id,
    payload: raw === undefined || raw === null ? NO_BYTES : readBase64(raw, 'data'),
    facts: uplinkFacts(body, common.facts, network, fPort),
    variables: textsOf(tags),
  }
  return {
    ...uplink,
    ...(fPort === undefined ? {} : { fPort }),
    ...(decoded === undefined ? {} : { decoded }),
  }
}

/** Version 3 writes the object as a text of its own. */
function readDecoded(body: JsonObject): Json | undefined {
  const object = at(body, 'object')
  if (isJsonObject(object)) return Object.keys(object).length === 0 ? undefined : object
  const text = textOf(at(body, 'objectJSON'))
  if (text === undefined) return undefined
  try {
    const value: Json = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    throw malformed('objectJSON: expected JSON, found a text that is none')
  }
}

function uplinkFacts(
  body: JsonObject,
  common: JsonObject,
  network: string,
  fPort: number | undefined,
): JsonObject {
  const tx = at(body, 'txInfo')
  const lora = at(tx, 'modulation', 'lora')
  const three = at(tx, 'loRaModulationInfo')
  const kiloHertz = numberOf(at(three, 'bandwidth'))
  return loraFacts({
    ...common,
    network,
    fPort,
    fCnt: numberOf(at(body, 'fCnt')) ?? 0,
    confirmed: at(body, 'confirmed') === true || at(body, 'confirmedUplink') === true || undefined,
    dataRate: numberOf(at(body, 'dr')) ?? numberOf(at(tx, 'dr')),
    spreadingFactor: numberOf(at(lora ?? three, 'spreadingFactor')),
    bandwidth: numberOf(at(lora, 'bandwidth')) ?? (kiloHertz && kiloHertz * 1_000),
    frequency: numberOf(at(tx, 'frequency')),
    heard: objectsOf(at(body, 'rxInfo')).map(toHeard),
  })
}

function toHeard(one: JsonObject): Heard {
  const id = textOf(at(one, 'gatewayId')) ?? textOf(at(one, 'gatewayID'))
  return {
    id: readEui(id) ?? id,
    rssi: numberOf(at(one, 'rssi')),
    snr: numberOf(at(one, 'snr')) ?? numberOf(at(one, 'loRaSNR')),
  }
}

/** Version 3 has no id of its own: its counter, and when it was heard. */
function messageIdOf(body: JsonObject): { readonly messageId?: string } {
  const id = textOf(at(body, 'deduplicationId'))
  if (id !== undefined) return { messageId: safeMessageId(`up:${id}`) }
  const heard = objectsOf(at(body, 'rxInfo'))[0]
  const time = textOf(at(heard, 'uplinkID')) ?? textOf(at(heard, 'time'))
  const published = time ?? textOf(at(body, 'publishedAt'))
  if (published === undefined) return {}
  const address = textOf(at(body, 'devAddr')) ?? ''
  return {
    messageId: safeMessageId(`up:${address}:${numberOf(at(body, 'fCnt')) ?? 0}:${published}`),
  }
}

function textsOf(value: Json | undefined): Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return {}
  const texts: Record<string, string> = {}
  for (const [name, text] of Object.entries(value))
    if (typeof text === 'string' && name !== '__proto__') texts[name] = text
  return texts
}

function pick(body: JsonObject, names: readonly string[]): JsonObject {
  const [only] = names
  if (names.length === 1 && only !== undefined) return asObject(at(body, only), only)
  return facts(Object.fromEntries(names.map((name) => [name, at(body, name)])))
}

function toCall(downlink: NetworkDownlink, options: object): NetworkCall {
  const { address, payload, value, properties } = downlink
  const application = textOf(address['application'])
  const devEui = textOf(address['devEui'])
  if (devEui === undefined)
    throw new CoreError('network.no_downlink', 'expected the EUI of an uplink, found none')
  const isThree = address['version'] === 3
  const confirmed = properties['confirmed'] ?? String(option(options, 'downlink', 'confirmed'))
  const url = textOption(options, 'downlink', 'url')
  const named =
    isThree && url !== undefined ? { jsonObject: JSON.stringify(value) } : { object: value }
  const item: Record<string, Json | undefined> = {
    confirmed: confirmed === 'true',
    fPort: downlink.fPort ?? numberOption(options, 'downlink', 'fPort') ?? 1,
    ...(value === undefined ? { data: toBase64(payload) } : named),
  }
  if (url === undefined) {
    if (application === undefined || !isPathName(application))
      throw new CoreError('network.no_downlink', 'expected the application of an uplink')
    const message = isThree ? { ...item, reference: downlink.commandId } : { devEui, ...item }
    return {
      kind: 'publish',
      topic: `application/${application}/device/${devEui}/command/down`,
      payload: utf8.encode(JSON.stringify(message)),
    }
  }
  const body = isThree ? { deviceQueueItem: { ...item, devEUI: devEui } } : { queueItem: item }
  return {
    kind: 'request',
    method: 'POST',
    url: below(url, `/api/devices/${devEui}/queue`),
    headers: {
      'content-type': 'application/json',
      'grpc-metadata-authorization': `Bearer ${textOption(options, 'downlink', 'apiKey') ?? ''}`,
    },
    body: utf8.encode(JSON.stringify(body)),
  }
}
