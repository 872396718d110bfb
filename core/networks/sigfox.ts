import * as z from 'zod'
import type { Json, JsonObject } from '../model/json.ts'
import { safeDeviceId, safeMessageId } from './device-id.ts'
import {
  at,
  facts,
  idOf,
  malformed,
  member,
  numberOf,
  plainMembers,
  readHex,
  readObject,
  textOf,
} from './fields.ts'
import type { Network, NetworkKind, NetworkPart, NetworkUplink } from './network.ts'

const NO_BYTES = new Uint8Array()

/** Names for the same thing: who writes a callback chooses them. The first is that of the variable in the console. */
const NAMES = {
  device: ['device', 'deviceId', 'deviceid', 'device_id', 'id'],
  data: ['data', 'payload', 'receivedPayload', 'recievedPayload', 'dataframe'],
  time: ['time', 'timestamp', 'lastSeen'],
  count: ['seqNumber', 'seqNum', 'seqNo', 'seq', 'sequenceNumber'],
} as const

/** What is known of the message, and not measured by the device. */
const RADIO = [
  ...[
    'rssi',
    'snr',
    'avgSnr',
    'station',
    'stationId',
    'duplicate',
    'duplicates',
    'ack',
    'longPolling',
  ],
  ...['deviceTypeId', 'deviceType', 'linkQuality', 'lqi', 'operator', 'operatorName', 'country'],
  ...['countryCode', 'messageType', 'baseStationLat', 'baseStationLng'],
]

/** From here on a number is one of milliseconds: as seconds it would be beyond the year 5000. */
const MILLISECONDS_FROM = 1e11

/**
 * Callbacks of the Sigfox backend, of any template in JSON.
 * Source: support.sigfox.com, "Callbacks creation", "Custom callbacks / Variables".
 */
export const sigfox: NetworkKind = {
  name: 'sigfox',
  summary: 'Callbacks of the Sigfox backend, as JSON of any template.',
  options: z.strictObject({ type: z.literal('sigfox') }),
  open: (): Network => ({
    filters: [],
    remembers: false,
    read: ({ body }) => ({ parts: [readCallback(withoutNulls(readObject(body)))] }),
    downlink: undefined,
  }),
}

function readCallback(body: JsonObject): NetworkPart {
  const device = idOf(first(body, NAMES.device))
  if (device === undefined) throw malformed('device: expected an id, found none')
  const data = first(body, NAMES.data)
  const time = numberOf(first(body, NAMES.time))
  const count = numberOf(first(body, NAMES.count))
  const sentAt = time === undefined ? undefined : toMs(time)
  const named = new Set<string>([...Object.values(NAMES).flat(), ...RADIO])
  if (first(body, NAMES.device) !== member(body, 'id')) named.delete('id')
  const hasBytes = data !== undefined
  // Beside bytes, where the network believes the device to be is nothing that it measured.
  const others = Object.entries(body).filter(
    ([name]) => !named.has(name) && !(hasBytes && name === 'computedLocation'),
  )
  const decoded = others.length === 0 ? undefined : readOthers(others)
  const place = at(body, 'location') ?? at(body, 'computedLocation')
  if (data === undefined && decoded === undefined)
    throw malformed('data: expected bytes in hex, or values beside device and time, found none')
  const uplink: NetworkUplink = {
    kind: 'uplink',
    deviceId: safeDeviceId(device),
    payload: data === undefined ? NO_BYTES : readHex(data, 'data'),
    facts: factsOf(
      body,
      device,
      count,
      hasBytes ? plainMembers(at(body, 'computedLocation')) : undefined,
    ),
  }
  // Several callbacks tell of one message, with its counter and time: where it was sent, that it was acknowledged.
  const kind = data === undefined ? `:${others.map(([name]) => name).toSorted()}` : ''
  return {
    ...uplink,
    ...(decoded === undefined ? {} : { decoded }),
    ...(data === undefined && place !== undefined ? { path: 'location' } : {}),
    ...(sentAt === undefined ? {} : { sentAt }),
    ...(count === undefined && sentAt === undefined
      ? {}
      : { messageId: safeMessageId(`${device}:${count ?? ''}:${sentAt ?? ''}${kind}`) }),
  }
}

function factsOf(
  body: JsonObject,
  device: string,
  count: number | undefined,
  location: Json | undefined,
): JsonObject {
  return facts({
    network: 'sigfox',
    device,
    count,
    location,
    rssi: numberOf(at(body, 'rssi')),
    snr: numberOf(at(body, 'snr')) ?? numberOf(at(body, 'avgSnr')),
    station: textOf(at(body, 'station')) ?? textOf(at(body, 'stationId')),
    linkQuality: textOf(at(body, 'linkQuality')) ?? textOf(at(body, 'lqi')),
    operator: textOf(at(body, 'operator')) ?? textOf(at(body, 'operatorName')),
    country: idOf(at(body, 'country') ?? at(body, 'countryCode')),
    messageType: textOf(at(body, 'messageType')),
  })
}

/** The backend puts everything between quotes that the template puts there: numbers and truths are read. */
function readOthers(others: readonly (readonly [string, Json])[]): JsonObject {
  return Object.fromEntries(
    others.map(([name, value]): [string, Json] => [
      name,
      value === 'true' ? true : value === 'false' ? false : (numberIn(value) ?? value),
    ]),
  )
}

/** Leading zeros make an id of digits. */
function numberIn(value: Json): number | undefined {
  return typeof value === 'string' && /^-?0\d/.test(value) ? undefined : numberOf(value)
}

/** A variable without a value is written `null`, between quotes or not. */
function withoutNulls(body: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(body).filter(
      ([name, value]) => value !== null && value !== 'null' && name !== '__proto__',
    ),
  )
}

function first(body: JsonObject, names: readonly string[]): Json | undefined {
  const name = names.find((one) => member(body, one) !== undefined)
  return name === undefined ? undefined : body[name]
}

function toMs(time: number): number {
  return time < MILLISECONDS_FROM ? time * 1_000 : time
}
