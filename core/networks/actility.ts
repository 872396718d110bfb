import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { readEui, safeDeviceId, safeMessageId } from './device-id.ts'
import {
  asObject,
  at,
  facts,
  idOf,
  malformed,
  numberOf,
  objectsOf,
  readHex,
  readObject,
  readTime,
  textOf,
  toHex,
} from './fields.ts'
import { loraFacts, readPort } from './lorawan.ts'
import type { Network, NetworkCall, NetworkDownlink, NetworkKind, NetworkPart } from './network.ts'
import { API_OPTIONS, LORA_OPTIONS, numberOption, option, textOption } from './options.ts'

/** Documents that tell of a device and measure nothing, and what rules find them under. */
const EVENTS: Readonly<Record<string, string>> = {
  DevEUI_downlink_Sent: 'downlink/sent',
  DevEUI_downlink_Rejected: 'downlink/rejected',
  DevEUI_multicast_summary: 'multicast',
  DevEUI_notification: 'notification',
}

/**
 * Actility ThingPark, documents in JSON posted by its application server or by ThingPark X.
 * Source: docs.thingpark.com, "Tunnel interface", "Uplink Message".
 */
export const actility: NetworkKind = {
  name: 'actility',
  summary: 'Actility ThingPark, by HTTP, as JSON.',
  options: z.strictObject({
    type: z.literal('actility'),
    downlink: z
      .strictObject({
        ...API_OPTIONS,
        ...LORA_OPTIONS,
        url: API_OPTIONS.url.meta({
          description:
            'Where downlinks are posted, such as https://api.thingpark.com/thingpark/lrc/rest/downlink.',
        }),
      })
      .prefault({})
      .meta({ description: 'The way back.' }),
  }),
  open: (options): Network => ({
    filters: [],
    remembers: false,
    read: ({ body, request }) => ({
      parts: [readDocument(readObject(body), request?.query['LrnDevEui'])],
    }),
    downlink: (downlink) => toCall(downlink, options),
  }),
}

function readDocument(body: JsonObject, named: string | undefined): NetworkPart {
  const uplink = at(body, 'DevEUI_uplink')
  if (uplink !== undefined) return readUplink(asObject(uplink, 'DevEUI_uplink'), named)
  const location = at(body, 'DevEUI_location')
  if (location !== undefined) {
    const { DevEUI: _, Time: __, ...place } = asObject(location, 'DevEUI_location')
    const common = readCommon(asObject(location, 'DevEUI_location'), named)
    return { ...common, path: 'location', payload: NO_BYTES, decoded: withNumbers(place) }
  }
  for (const [name, path] of Object.entries(EVENTS)) {
    const event = at(body, name)
    if (event === undefined) continue
    const decoded = { event: path, ...asObject(event, name) }
    const common = readCommon(asObject(event, name), named)
    return { ...common, path, payload: NO_BYTES, decoded, measures: false }
  }
  throw malformed('expected DevEUI_uplink or another document of ThingPark, found none')
}

const NO_BYTES = new Uint8Array()

function readCommon(document: JsonObject, named: string | undefined) {
  const eui = readEui(textOf(at(document, 'DevEUI')) ?? named)
  if (eui === undefined) throw malformed('DevEUI: expected an EUI of 16 digits, found none')
  const sentAt = readTime(at(document, 'Time'), 'Time')
  const count = idOf(at(document, 'FCntUp')) ?? idOf(at(document, 'FCntDn')) ?? ''
  const time = textOf(at(document, 'Time'))
  return {
    kind: 'uplink' as const,
    deviceId: safeDeviceId(eui),
    facts: facts({ network: 'actility', devEui: eui }),
    address: { devEui: eui },
    ...(sentAt === undefined ? {} : { sentAt }),
    ...(time === undefined ? {} : { messageId: safeMessageId(`${eui}:${count}:${time}`) }),
  }
}

function readUplink(document: JsonObject, named: string | undefined): NetworkPart {
  const common = readCommon(document, named)
  const fPort = readPort(numberOf(at(document, 'FPort')))
  const megaHertz = numberOf(at(document, 'Frequency'))
  const known = loraFacts({
    network: 'actility',
    ...common.facts,
    device: textOf(at(document, 'CustomerData', 'name')),
    customer: idOf(at(document, 'CustomerID')),
    fPort,
    fCnt: numberOf(at(document, 'FCntUp')),
    spreadingFactor: numberOf(at(document, 'SpFact')),
    frequency: megaHertz === undefined ? undefined : Math.round(megaHertz * 1e6),
    late: numberOf(at(document, 'Late')) === 1 ? true : undefined,
    location: placeIn(document),
    heard: heardIn(document).map((one) => ({
      id: textOf(at(one, 'Lrrid')),
      rssi: numberOf(at(one, 'LrrRSSI')),
      snr: numberOf(at(one, 'LrrSNR')),
    })),
  })
  const raw = at(document, 'payload_hex')
  const decoded = at(document, 'payload')
  if ((raw === undefined || raw === '') && !isJsonObject(decoded))
    return { ...common, path: 'heard', payload: NO_BYTES, decoded: {}, measures: false }
  return {
    ...common,
    facts: known,
    payload: raw === undefined ? NO_BYTES : readHex(raw, 'payload_hex'),
    ...(isJsonObject(decoded) ? { decoded } : {}),
    ...(fPort === undefined ? {} : { fPort }),
  }
}

/** All gateways, or the best one, which the document names itself. */
function heardIn(document: JsonObject): readonly JsonObject[] {
  const gateways = at(document, 'Lrrs', 'Lrr')
  const listed = isJsonObject(gateways) ? [gateways] : objectsOf(gateways)
  return listed.length === 0 && at(document, 'LrrRSSI') !== undefined ? [document] : listed
}

/** Where the network believes the device to be, which some operators say in uplinks. */
function placeIn(document: JsonObject): JsonObject | undefined {
  const latitude = numberOf(at(document, 'DevLAT'))
  const longitude = numberOf(at(document, 'DevLON'))
  if (latitude === undefined || longitude === undefined) return undefined
  const radius = numberOf(at(document, 'DevLocRadius'))
  return facts({ latitude, longitude, altitude: numberOf(at(document, 'DevAlt')), radius })
}

/** Senders differ in whether they put numbers between quotes; ids of digits stay texts. */
function withNumbers(place: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(place).map(([name, value]) => [
      name,
      /^Dev(?!Addr|EUI)/.test(name) ? (numberOf(value) ?? value) : value,
    ]),
  )
}

/** Source: ThingPark LRC REST: everything stands in the query, the payload in hex. */
function toCall(downlink: NetworkDownlink, options: object): NetworkCall {
  const url = textOption(options, 'downlink', 'url')
  const devEui = textOf(downlink.address['devEui'])
  if (url === undefined || devEui === undefined)
    throw new CoreError('network.no_downlink', 'expected downlink.url in the config, found none')
  const confirmed =
    downlink.properties['confirmed'] ?? String(option(options, 'downlink', 'confirmed'))
  const query = {
    DevEUI: devEui.toUpperCase(),
    FPort: String(downlink.fPort ?? numberOption(options, 'downlink', 'fPort') ?? 1),
    Payload: toHex(downlink.payload),
    Confirmed: confirmed === 'true' ? '1' : '0',
  }
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${value}`)
  const key = textOption(options, 'downlink', 'apiKey')
  return {
    kind: 'request',
    method: 'POST',
    url: `${url}${url.includes('?') ? '&' : '?'}${pairs.join('&')}`,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    body: NO_BYTES,
  }
}
