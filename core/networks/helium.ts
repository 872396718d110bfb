import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { toBase64 } from '../model/base64.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { openChirpstack } from './chirpstack.ts'
import { readEui, safeDeviceId, safeMessageId } from './device-id.ts'
import {
  at,
  facts,
  malformed,
  numberOf,
  objectsOf,
  readBase64,
  readObject,
  textOf,
} from './fields.ts'
import { loraFacts, readDataRateName, readPort } from './lorawan.ts'
import type { Network, NetworkCall, NetworkDownlink, NetworkKind, NetworkPart } from './network.ts'
import { API_OPTIONS, LORA_OPTIONS, numberOption, option, textOption } from './options.ts'

const utf8 = new TextEncoder()

/**
 * Helium: the JSON of its former console, and servers of today, which are ChirpStack.
 * Source: docs.helium.com, "Console / Integrations / JSON Schema", "MQTT", "HTTP".
 */
export const helium: NetworkKind = {
  name: 'helium',
  summary: 'Helium: the legacy console, and servers built on ChirpStack.',
  options: z.strictObject({
    type: z.literal('helium'),
    id: z.enum(['devEui', 'deviceName']).default('devEui').meta({
      description: 'What devices are called by here: their EUI, in small letters, or their name.',
    }),
    downlink: z
      .strictObject({ ...API_OPTIONS, ...LORA_OPTIONS })
      .prefault({})
      .meta({ description: 'The way back; the legacy console names an URL of its own.' }),
  }),
  open(options): Network {
    const today = openChirpstack('helium', options)
    return {
      filters: [...today.filters, 'helium/+/rx'],
      remembers: false,
      read(message, memory) {
        const body = readObject(message.body)
        const isLegacy = at(body, 'deviceInfo') === undefined && at(body, 'dev_eui') !== undefined
        return isLegacy ? { parts: [readLegacy(body, options)] } : today.read(message, memory)
      },
      downlink: (downlink) =>
        downlink.address['legacy'] === true
          ? toLegacyCall(downlink, options)
          : (today.downlink ?? refuse)(downlink),
    }
  },
}

function readLegacy(body: JsonObject, options: object): NetworkPart {
  const eui = readEui(textOf(at(body, 'dev_eui')))
  const device = textOf(at(body, 'name'))
  const name = textOption(options, 'id') === 'deviceName' ? device : eui
  if (name === undefined) throw malformed('dev_eui: expected an EUI of 16 digits, found none')
  const type = textOf(at(body, 'type')) ?? 'uplink'
  const id = textOf(at(body, 'uuid'))
  const sentAt = numberOf(at(body, 'reported_at'))
  const fPort = readPort(numberOf(at(body, 'port')))
  const fCnt = numberOf(at(body, 'fcnt'))
  const heard = objectsOf(at(body, 'hotspots'))
  const megaHertz = numberOf(at(heard[0], 'frequency'))
  const payload = at(body, 'payload')
  const decoded = readDecoded(at(body, 'decoded'))
  const known = loraFacts({
    network: 'helium',
    devEui: eui,
    device,
    fPort,
    fCnt,
    ...readDataRateName(textOf(at(heard[0], 'spreading'))),
    frequency: megaHertz === undefined ? undefined : Math.round(megaHertz * 1e4) * 100,
    heard: heard.map((one) => ({
      id: textOf(at(one, 'name')) ?? textOf(at(one, 'id')),
      rssi: numberOf(at(one, 'rssi')),
      snr: numberOf(at(one, 'snr')),
    })),
  })
  const common = {
    kind: 'uplink' as const,
    deviceId: safeDeviceId(name),
    facts: known,
    messageId: safeMessageId(id ?? `${eui ?? name}:${fCnt ?? ''}:${sentAt ?? ''}`),
    address: facts({
      legacy: true,
      id: textOf(at(body, 'id')),
      downlinkUrl: textOf(at(body, 'downlink_url')),
    }),
    ...(sentAt === undefined ? {} : { sentAt }),
  }
  if (type !== 'uplink' && type !== 'join')
    return { kind: 'ignored', what: `a message of type ${type.slice(0, 40)}` }
  const hasNothing = (payload === undefined || payload === '') && decoded === undefined
  if (type === 'join' || hasNothing)
    return {
      ...common,
      path: type === 'join' ? 'join' : 'heard',
      payload: new Uint8Array(),
      decoded: { event: type },
      measures: false,
    }
  return {
    ...common,
    payload: payload === undefined ? new Uint8Array() : readBase64(payload, 'payload'),
    ...(decoded === undefined ? {} : { decoded }),
    ...(fPort === undefined ? {} : { fPort }),
  }
}

/** What a function of the console made of the payload. That for Cayenne makes a list of readings. */
function readDecoded(decoded: Json | undefined): JsonObject | undefined {
  const value = at(decoded, 'payload')
  const status = at(decoded, 'status') ?? 'success'
  if (status !== 'success') return undefined
  if (!Array.isArray(value)) return isJsonObject(value) ? value : undefined
  const readings = objectsOf(value).flatMap((one): [string, Json][] => {
    const name = textOf(at(one, 'name'))
    const reading = at(one, 'value')
    return name === undefined || reading === undefined
      ? []
      : [[`${name}_${String(at(one, 'channel') ?? 0)}`, reading]]
  })
  return readings.length === 0 ? undefined : Object.fromEntries(readings)
}

function toLegacyCall(
  { address, payload, properties, fPort }: NetworkDownlink,
  options: object,
): NetworkCall {
  const confirmed = properties['confirmed'] ?? String(option(options, 'downlink', 'confirmed'))
  const body = utf8.encode(
    JSON.stringify({
      payload_raw: toBase64(payload),
      port: fPort ?? numberOption(options, 'downlink', 'fPort') ?? 1,
      confirmed: confirmed === 'true',
    }),
  )
  const url = textOf(address['downlinkUrl'])
  const headers = { 'content-type': 'application/json' }
  if (url !== undefined) return { kind: 'request', method: 'POST', url, headers, body, told: true }
  const id = textOf(address['id'])
  if (id === undefined || /[+#/]/.test(id))
    throw new CoreError('network.no_downlink', 'expected downlink_url or id in an uplink')
  return { kind: 'publish', topic: `helium/${id}/tx`, payload: body }
}

function refuse(): never {
  throw new CoreError('network.no_downlink', 'expected a network with downlinks')
}
