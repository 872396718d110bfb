import * as z from 'zod'
import { CoreError } from '../errors.ts'
import type { Json, JsonObject } from '../model/json.ts'
import { readEui, safeDeviceId } from './device-id.ts'
import {
  at,
  facts,
  malformed,
  numberOf,
  objectsOf,
  readHex,
  readObject,
  readTime,
  textOf,
  toHex,
} from './fields.ts'
import { loraFacts, readDataRateName, readPort } from './lorawan.ts'
import type { Network, NetworkCall, NetworkDownlink, NetworkKind, NetworkPart } from './network.ts'
import { API_OPTIONS, LORA_OPTIONS, numberOption, option, textOption } from './options.ts'

const NO_BYTES = new Uint8Array()

const utf8 = new TextEncoder()

/**
 * LORIOT, application output by HTTP push.
 * Source: docs.loriot.io, "Uplink Data Message", "Gateway Information", "Downlink API".
 */
export const loriot: NetworkKind = {
  name: 'loriot',
  summary: 'LORIOT, application output by HTTP.',
  options: z.strictObject({
    type: z.literal('loriot'),
    downlink: z
      .strictObject({
        ...API_OPTIONS,
        ...LORA_OPTIONS,
        url: API_OPTIONS.url.meta({
          description: 'Where downlinks are posted, such as https://eu1.loriot.io/1/rest.',
        }),
        application: z
          .string()
          .regex(/^[\da-fA-F]{1,16}$/, 'expected the id of an application, in hex')
          .optional()
          .meta({ description: 'The id of the application, in hex.' }),
      })
      .prefault({})
      .meta({ description: 'The way back.' }),
  }),
  open: (options): Network => ({
    filters: [],
    remembers: false,
    read: ({ body }) => ({ parts: [readMessage(readObject(body))] }),
    downlink: (downlink) => toCall(downlink, options),
  }),
}

function readMessage(body: JsonObject): NetworkPart {
  const cmd = textOf(at(body, 'cmd'))
  if (cmd === undefined) throw malformed('cmd: expected rx, gw or another, found none')
  const eui = readEui(textOf(at(body, 'EUI')))
  if (eui === undefined) throw malformed('EUI: expected one of 16 digits, found none')
  // `gw` is `rx` again, with all gateways: whichever comes first counts.
  const isUplink = cmd === 'rx' || cmd === 'gw'
  const sentAt = timeOf(at(body, 'ts'))
  const fCnt = numberOf(at(body, 'fcnt'))
  const number = numberOf(at(body, 'seqno'))
  const name = isUplink ? 'up' : cmd.slice(0, 40)
  const common = {
    kind: 'uplink' as const,
    deviceId: safeDeviceId(eui),
    facts: facts({ network: 'loriot', devEui: eui }),
    address: { devEui: eui },
    messageId:
      number === undefined ? `${name}:${eui}:${fCnt ?? ''}:${sentAt ?? ''}` : `${name}:${number}`,
    ...(sentAt === undefined ? {} : { sentAt }),
  }
  if (!isUplink) {
    const { cmd: _, EUI: __, ts: ___, ...event } = body
    if (cmd === 'geo') return { ...common, path: 'location', payload: NO_BYTES, decoded: event }
    const path = cmd === 'txd' ? 'downlink/sent' : /^[a-z_]{1,40}$/.test(cmd) ? cmd : 'event'
    return {
      ...common,
      path,
      payload: NO_BYTES,
      decoded: { event: path, ...event },
      measures: false,
    }
  }
  const data = at(body, 'data')
  if (data === undefined || data === '') {
    if (at(body, 'encdata') !== undefined)
      throw malformed(
        'data: expected it, found encdata: give the device its AppSKey at the network',
      )
    return { ...common, path: 'heard', payload: NO_BYTES, decoded: {}, measures: false }
  }
  const fPort = readPort(numberOf(at(body, 'port')))
  const gateways = objectsOf(at(body, 'gws')).map((one) => ({
    id: readEui(textOf(at(one, 'gweui'))) ?? textOf(at(one, 'gweui')),
    rssi: numberOf(at(one, 'rssi')),
    snr: numberOf(at(one, 'snr')),
  }))
  const rssi = numberOf(at(body, 'rssi'))
  const snr = numberOf(at(body, 'snr'))
  const alone = rssi === undefined && snr === undefined ? [] : [{ id: undefined, rssi, snr }]
  return {
    ...common,
    payload: readHex(data, 'data'),
    facts: loraFacts({
      network: 'loriot',
      devEui: eui,
      fPort,
      fCnt,
      ...readDataRateName(textOf(at(body, 'dr'))),
      frequency: numberOf(at(body, 'freq')),
      battery: numberOf(at(body, 'bat')),
      heard: gateways.length > 0 ? gateways : alone,
    }),
    ...(fPort === undefined ? {} : { fPort }),
  }
}

/** Epoch ms; `geo` has it as a text. */
function timeOf(value: Json | undefined): number | undefined {
  return numberOf(value) ?? readTime(value, 'ts')
}

function toCall(downlink: NetworkDownlink, options: object): NetworkCall {
  const url = textOption(options, 'downlink', 'url')
  const devEui = textOf(downlink.address['devEui'])
  if (url === undefined || devEui === undefined)
    throw new CoreError('network.no_downlink', 'expected downlink.url in the config, found none')
  const confirmed =
    downlink.properties['confirmed'] ?? String(option(options, 'downlink', 'confirmed'))
  const message = {
    cmd: 'tx',
    EUI: devEui.toUpperCase(),
    port: downlink.fPort ?? numberOption(options, 'downlink', 'fPort') ?? 1,
    confirmed: confirmed === 'true',
    data: toHex(downlink.payload),
    appid: textOption(options, 'downlink', 'application'),
  }
  return {
    kind: 'request',
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${textOption(options, 'downlink', 'apiKey') ?? ''}`,
    },
    body: utf8.encode(JSON.stringify(message)),
  }
}
