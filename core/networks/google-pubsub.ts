import * as z from 'zod'
import type { JsonObject } from '../model/json.ts'
import { safeDeviceId, safeMessageId } from './device-id.ts'
import {
  asObject,
  at,
  facts,
  malformed,
  readBase64,
  readObject,
  readTime,
  textOf,
} from './fields.ts'
import type { Network, NetworkKind, NetworkPart } from './network.ts'
import { textOption } from './options.ts'

/**
 * Messages that a Pub/Sub subscription pushes, with the attributes of Cloud IoT Core and of what came after it.
 * Source: cloud.google.com, "Pub/Sub push subscriptions / receive push messages"; Cloud IoT Core, "Device messaging".
 */
export const googlePubsub: NetworkKind = {
  name: 'google-pubsub',
  summary: 'A Pub/Sub subscription that pushes, with the device in an attribute.',
  options: z.strictObject({
    type: z.literal('google-pubsub'),
    attribute: z
      .string()
      .min(1)
      .max(256)
      .default('deviceId')
      .meta({ description: 'The attribute that names the device.' }),
  }),
  open: (options): Network => ({
    filters: [],
    remembers: false,
    read: ({ body }) => ({
      parts: [readPush(readObject(body), textOption(options, 'attribute') ?? 'deviceId')],
    }),
    downlink: undefined,
  }),
}

function readPush(body: JsonObject, attribute: string): NetworkPart {
  const message = asObject(at(body, 'message'), 'message')
  const attributes = at(message, 'attributes')
  const device = textOf(at(attributes, attribute))
  if (device === undefined)
    throw malformed(`message.attributes.${attribute}: expected the id of a device, found none`)
  const takenAt = readTime(at(message, 'publishTime') ?? at(message, 'publish_time'), 'publishTime')
  const messageId = textOf(at(message, 'messageId')) ?? textOf(at(message, 'message_id'))
  const folder = textOf(at(attributes, 'subFolder'))
  return {
    kind: 'uplink',
    deviceId: safeDeviceId(device),
    payload: readBase64(at(message, 'data') ?? '', 'message.data'),
    facts: facts({
      network: 'google-pubsub',
      device,
      folder,
      registry: textOf(at(attributes, 'deviceRegistryId')),
      project: textOf(at(attributes, 'projectId')),
      subscription: textOf(at(body, 'subscription')),
    }),
    ...(folder !== undefined && /^[\w./-]{1,128}$/.test(folder) ? { path: folder } : {}),
    ...(takenAt === undefined ? {} : { takenAt }),
    ...(messageId === undefined ? {} : { messageId: safeMessageId(messageId) }),
  }
}
