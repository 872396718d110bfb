import * as z from 'zod'
import { isJsonObject, type Json } from '../model/json.ts'
import { safeDeviceId, safeMessageId } from './device-id.ts'
import {
  facts,
  idOf,
  malformed,
  numberOf,
  readBase64,
  readHex,
  readJson,
  readTime,
  textOf,
} from './fields.ts'
import { readPort } from './lorawan.ts'
import type { Network, NetworkKind, NetworkMessage, NetworkPart } from './network.ts'
import { textOption } from './options.ts'
import { readEach } from './parts.ts'

const utf8 = new TextEncoder()

const Pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'expected a JSON pointer such as /data/id, or ""')

/** From here on a number is one of milliseconds. */
const MILLISECONDS_FROM = 1e11

/** Any service that posts JSON: the config says where in it the device, the time and the payload stand. */
export const webhook: NetworkKind = {
  name: 'webhook',
  summary: 'Any service that posts JSON, with pointers to device, time and payload.',
  options: z.strictObject({
    type: z.literal('webhook'),
    items: Pointer.optional().meta({
      description: 'Where several messages stand in one body, as an array; "" is the body itself.',
    }),
    deviceId: Pointer.default('/deviceId').meta({
      description: 'Where the id of the device stands.',
    }),
    time: Pointer.optional().meta({ description: 'Where the event time stands.' }),
    timeUnit: z
      .enum(['auto', 's', 'ms', 'iso'])
      .default('auto')
      .meta({ description: 'auto: ISO 8601; numbers below 1e11 are seconds, others ms.' }),
    payload: Pointer.default('').meta({
      description: 'Where the payload stands; "" is all of it.',
    }),
    encoding: z.enum(['json', 'hex', 'base64', 'text']).default('json').meta({
      description: 'How the payload is written: as JSON, or as bytes that the codec decodes.',
    }),
    fPort: Pointer.optional().meta({ description: 'Where the port stands, for codecs.' }),
    messageId: Pointer.optional().meta({
      description: 'Where an id stands that is the same when it is sent again.',
    }),
  }),
  open: (options): Network => ({
    filters: [],
    remembers: false,
    read: (message) => ({ parts: readBody(message, options) }),
    downlink: undefined,
  }),
}

function readBody({ body }: NetworkMessage, options: object): readonly NetworkPart[] {
  const value = readJson(body)
  const items = textOption(options, 'items')
  const found = items === undefined ? [value] : find(value, items)
  if (!Array.isArray(found)) throw malformed(`${items}: expected an array, found none`)
  return readEach(found, (item: Json) => readItem(item, options))
}

function readItem(item: Json, options: object): NetworkPart {
  const at = (name: string): Json | undefined => {
    const pointer = textOption(options, name)
    return pointer === undefined ? undefined : find(item, pointer)
  }
  const device = idOf(at('deviceId'))
  if (device === undefined)
    throw malformed(`${textOption(options, 'deviceId')}: expected the id of a device, found none`)
  const payload = at('payload')
  if (payload === undefined)
    throw malformed(`${textOption(options, 'payload')}: expected a payload, found none`)
  const sentAt = timeOf(at('time'), textOption(options, 'timeUnit'))
  const messageId = idOf(at('messageId'))
  const fPort = readPort(numberOf(at('fPort')))
  return {
    kind: 'uplink',
    deviceId: safeDeviceId(device),
    facts: facts({ network: 'webhook', device, fPort }),
    ...readPayload(payload, textOption(options, 'encoding')),
    ...(fPort === undefined ? {} : { fPort }),
    ...(sentAt === undefined ? {} : { sentAt }),
    ...(messageId === undefined ? {} : { messageId: safeMessageId(messageId) }),
  }
}

function readPayload(payload: Json, encoding: string | undefined) {
  switch (encoding) {
    case 'hex':
      return { payload: readHex(payload, 'the payload') }
    case 'base64':
      return { payload: readBase64(payload, 'the payload') }
    case 'text':
      return { payload: utf8.encode(textOf(payload) ?? '') }
    default:
      return { payload: new Uint8Array(), decoded: payload }
  }
}

function timeOf(value: Json | undefined, unit: string | undefined): number | undefined {
  if (value === undefined || value === null) return undefined
  const number = unit === 'iso' ? undefined : numberOf(value)
  if (number === undefined) {
    if (unit === 's' || unit === 'ms') throw malformed('the time: expected a number, found none')
    return readTime(value, 'the time')
  }
  const isSeconds = unit === 's' || (unit !== 'ms' && number < MILLISECONDS_FROM)
  return isSeconds ? number * 1_000 : number
}

/** Source: RFC 6901. */
function find(value: Json, pointer: string): Json | undefined {
  let found: Json | undefined = value
  if (pointer === '') return found
  for (const part of pointer.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(found)) found = /^\d{1,6}$/.test(name) ? found[Number(name)] : undefined
    else found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined
  }
  return found
}
