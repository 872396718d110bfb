import * as z from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { safeDeviceId, safeMessageId } from './device-id.ts'
import {
  asObject,
  at,
  facts,
  idOf,
  malformed,
  numberOf,
  readBase64,
  readJson,
  readTime,
  textOf,
} from './fields.ts'
import type { Network, NetworkKind, NetworkPart, NetworkReading } from './network.ts'
import { readEach } from './parts.ts'

const utf8 = new TextEncoder()

/**
 * Events of an Azure IoT Hub: from Event Grid, by webhook, in its own schema and as CloudEvents; and messages as routing
 * writes them to storage or a custom endpoint (`SystemProperties`, `Body`).
 * Source: learn.microsoft.com, "Azure IoT Hub as an Event Grid source", "Event Grid / webhook event delivery",
 * "IoT Hub message routing, storage endpoint".
 */
export const azureEvents: NetworkKind = {
  name: 'azure-events',
  summary: 'An Azure IoT Hub, through Event Grid or as its messages are routed to storage.',
  options: z.strictObject({ type: z.literal('azure-events') }),
  open: (): Network => ({
    filters: [],
    remembers: false,
    read: ({ body }) => readEvents(readJson(body)),
    downlink: undefined,
  }),
}

function readEvents(body: Json): NetworkReading {
  const events: readonly Json[] = Array.isArray(body) ? body : [body]
  for (const event of events) {
    const code = textOf(at(event, 'data', 'validationCode'))
    const type = textOf(at(event, 'eventType'))
    if (code !== undefined && type === 'Microsoft.EventGrid.SubscriptionValidationEvent')
      return {
        parts: [{ kind: 'ignored', what: 'a handshake' }],
        reply: { validationResponse: code },
      }
  }
  return { parts: readEach(events, readEvent) }
}

function readEvent(given: Json): NetworkPart {
  const event = asObject(given, 'an event')
  if (at(event, 'SystemProperties') !== undefined || at(event, 'Body') !== undefined)
    return readRouted(event)
  const type = textOf(at(event, 'eventType')) ?? textOf(at(event, 'type')) ?? ''
  const data = at(event, 'data')
  const deviceId = textOf(at(data, 'deviceId')) ?? /^devices\/(.+)$/.exec(subjectOf(event))?.[1]
  const when = readTime(at(event, 'eventTime') ?? at(event, 'time'), 'eventTime')
  switch (type) {
    case 'Microsoft.Devices.DeviceTelemetry': {
      const system = at(data, 'systemProperties')
      return readMessage(asObject(data, 'data'), {
        deviceId: textOf(at(system, 'iothub-connection-device-id')) ?? deviceId,
        system,
        properties: at(data, 'properties'),
        takenAt: timeOf(at(system, 'iothub-enqueuedtime')) ?? when,
        eventId: textOf(at(event, 'id')),
        body: at(data, 'body'),
      })
    }
    case 'Microsoft.Devices.DeviceConnected':
    case 'Microsoft.Devices.DeviceDisconnected':
      if (deviceId === undefined || when === undefined)
        throw malformed('expected data.deviceId and a time, found none')
      return {
        kind: 'presence',
        deviceId: safeDeviceId(deviceId),
        connected: type.endsWith('DeviceConnected'),
        at: when,
      }
    case 'Microsoft.Devices.DeviceCreated':
    case 'Microsoft.Devices.DeviceDeleted':
      return { kind: 'ignored', what: 'a change of the registry' }
    default:
      throw malformed('eventType: expected one of Microsoft.Devices, found another or none')
  }
}

/** A message in a blob or on a custom endpoint. */
function readRouted(event: JsonObject): NetworkPart {
  const system = at(event, 'SystemProperties')
  return readMessage(event, {
    deviceId:
      textOf(at(system, 'connectionDeviceId')) ?? textOf(at(system, 'iothub-connection-device-id')),
    system,
    properties: at(event, 'Properties'),
    takenAt: timeOf(at(system, 'enqueuedTime') ?? at(event, 'EnqueuedTimeUtc')),
    eventId: undefined,
    body: at(event, 'Body'),
  })
}

interface Message {
  readonly deviceId: string | undefined
  readonly system: Json | undefined
  readonly properties: Json | undefined
  readonly takenAt: number | undefined
  readonly eventId: string | undefined
  readonly body: Json | undefined
}

function readMessage(
  event: JsonObject,
  { deviceId, system, properties, takenAt, eventId, body }: Message,
): NetworkPart {
  if (deviceId === undefined)
    throw malformed('iothub-connection-device-id: expected the id of a device, found none')
  if (body === undefined) throw malformed('body: expected a message, found none')
  const contentType = textOf(at(system, 'content-type')) ?? textOf(at(system, 'contentType'))
  const messageId = textOf(at(system, 'message-id')) ?? textOf(at(system, 'messageId')) ?? eventId
  const sentAt = timeOf(at(system, 'iothub-creation-time-utc') ?? at(event, 'creationTimeUtc'))
  const isText = typeof body === 'string'
  return {
    kind: 'uplink',
    deviceId: safeDeviceId(deviceId),
    // What is not declared to be JSON in UTF-8 comes as base64.
    payload: isText ? readBase64(body, 'body') : utf8.encode(JSON.stringify(body)),
    facts: facts({
      network: 'azure-events',
      device: deviceId,
      properties: isJsonObject(properties) ? properties : undefined,
    }),
    ...(isText ? {} : { decoded: body }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(takenAt === undefined ? {} : { takenAt }),
    ...(sentAt === undefined ? {} : { sentAt }),
    ...(messageId === undefined ? {} : { messageId: safeMessageId(messageId) }),
  }
}

function subjectOf(event: JsonObject): string {
  return idOf(at(event, 'subject')) ?? ''
}

/** A time, where one is there; hubs write it as ISO text or as epoch ms. */
function timeOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? numberOf(value) : readTime(value, 'a time of the hub')
}
