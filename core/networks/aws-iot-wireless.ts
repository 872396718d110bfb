import * as z from 'zod'
import type { JsonObject } from '../model/json.ts'
import { readEui, safeDeviceId, safeMessageId } from './device-id.ts'
import {
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
import { loraFacts, readPort } from './lorawan.ts'
import type { Network, NetworkKind, NetworkPart } from './network.ts'
import { option, textOption } from './options.ts'

/**
 * AWS IoT Core for LoRaWAN, and Sidewalk, as the rule of a destination passes them on.
 * Source: AWS IoT Wireless developer guide, "View format of uplink messages sent from LoRaWAN devices".
 */
export const awsIotWireless: NetworkKind = {
  name: 'aws-iot-wireless',
  summary: 'AWS IoT Core for LoRaWAN and Sidewalk, from a topic or by HTTP.',
  options: z.strictObject({
    type: z.literal('aws-iot-wireless'),
    id: z.enum(['DevEui', 'WirelessDeviceId']).default('DevEui').meta({
      description:
        'What devices are called by here: their EUI, in small letters, or their id at AWS.',
    }),
    topics: z
      .array(z.string().min(1).max(256))
      .max(16)
      .default(['lorawan/+/uplink'])
      .meta({ description: 'MQTT filters of the topics that the rule republishes to.' }),
  }),
  open(options): Network {
    const topics = option(options, 'topics')
    const isById = textOption(options, 'id') === 'WirelessDeviceId'
    return {
      filters: Array.isArray(topics) ? topics.filter((one) => typeof one === 'string') : [],
      remembers: false,
      read: ({ body }) => ({ parts: [readUplink(readObject(body), isById)] }),
      downlink: undefined,
    }
  },
}

function readUplink(body: JsonObject, isById: boolean): NetworkPart {
  const id = textOf(at(body, 'WirelessDeviceId'))
  const lora = at(body, 'WirelessMetadata', 'LoRaWAN')
  const sidewalk = at(body, 'WirelessMetadata', 'Sidewalk')
  const given = textOf(at(lora, 'DevEui'))
  const eui = readEui(given)
  const name = isById || given === undefined ? id : (eui ?? given)
  if (name === undefined) throw malformed('WirelessDeviceId: expected an id, found none')
  const sentAt = readTime(at(lora, 'Timestamp') ?? at(sidewalk, 'Timestamp'), 'Timestamp')
  const fPort = readPort(numberOf(at(lora, 'FPort')) ?? numberOf(at(lora, 'Fport')))
  const count = numberOf(at(lora, 'FCnt')) ?? numberOf(at(sidewalk, 'Seq'))
  const kiloHertz = numberOf(at(lora, 'Bandwidth'))
  const payload = at(body, 'PayloadData')
  const common = {
    kind: 'uplink' as const,
    deviceId: safeDeviceId(name),
    facts: loraFacts({
      network: 'aws-iot-wireless',
      devEui: eui ?? given,
      device: id,
      fPort,
      fCnt: count,
      dataRate: numberOf(at(lora, 'DataRate')),
      spreadingFactor: numberOf(at(lora, 'SpreadingFactor')),
      bandwidth: kiloHertz === undefined ? undefined : kiloHertz * 1_000,
      frequency: numberOf(at(lora, 'Frequency')),
      sidewalk: sidewalk === undefined ? undefined : true,
      heard: objectsOf(at(lora, 'Gateways')).map((one) => ({
        id: textOf(at(one, 'GatewayEui')),
        rssi: numberOf(at(one, 'Rssi')),
        snr: numberOf(at(one, 'Snr')),
      })),
    }),
    address: facts({ id }),
    ...(sentAt === undefined ? {} : { sentAt }),
    ...messageIdOf(body, `${id ?? name}:${count ?? ''}`, sentAt),
  }
  if (payload === undefined || payload === '')
    return { ...common, path: 'heard', payload: new Uint8Array(), decoded: {}, measures: false }
  return {
    ...common,
    payload: readBase64(payload, 'PayloadData'),
    ...(fPort === undefined ? {} : { fPort }),
  }
}

/** Counters begin anew when a device starts; without a time beside it, one says nothing, and the id that AWS gave does. */
function messageIdOf(
  body: JsonObject,
  name: string,
  sentAt: number | undefined,
): { readonly messageId?: string } {
  const id = sentAt === undefined ? textOf(at(body, 'MessageId')) : `${name}:${sentAt}`
  return id === undefined ? {} : { messageId: safeMessageId(id) }
}
