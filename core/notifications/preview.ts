import * as z from 'zod'
import { isDeviceId } from '../model/device-id.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { type Delivery, type Notification, SEVERITIES } from '../model/notification.ts'
import { LanguageSchema, TimeZoneSchema, WordsSchema } from './audience-config.ts'
import { renderApns } from './channels/apns.ts'
import { renderFcm } from './channels/fcm.ts'
import type { ChannelConfig } from './channels/list.ts'
import { slack } from './channels/slack.ts'
import { teams } from './channels/teams.ts'
import { telegram } from './channels/telegram.ts'
import { renderSsml } from './channels/telephony.ts'
import { renderWebPush } from './channels/web-push.ts'
import { checkWords, createReworder } from './language.ts'
import { renderMail, renderText, renderWebhook } from './render.ts'
import { type NotificationTemplate, renderTopic, reworded, SAMPLE } from './template.ts'

/** What is to be previewed: whatever is not said is that of a made-up alarm. */
export const PreviewSchema = z.strictObject({
  channel: z.string().optional(),
  deviceId: z.string().refine(isDeviceId, 'expected the id of a device').optional(),
  severity: z.enum(SEVERITIES).optional(),
  subject: z.string().min(1).max(1_000).optional(),
  text: z.string().max(10_000).optional(),
  data: z.json().optional(),
  words: WordsSchema.default({}),
  language: LanguageSchema.optional(),
  timeZone: TimeZoneSchema.optional(),
})

export type PreviewRequest = z.output<typeof PreviewSchema>

/** What one channel would send: its words, nothing of where it goes and by which secret. */
export interface Preview {
  readonly channel: string
  readonly type: ChannelConfig['type']
  readonly content: Json
}

/** What a preview has to know of the config. */
export interface PreviewPlan {
  readonly channels: Readonly<Record<string, ChannelConfig>>
  /** The words of channels that have their own. */
  readonly words: ReadonlyMap<
    string,
    {
      readonly subject: NotificationTemplate | undefined
      readonly text: NotificationTemplate | undefined
    }
  >
}

/**
 * What each channel, or the one that is named, would send.
 *
 * @throws CoreError `config.invalid` for words with a placeholder that is none.
 */
export function preview({ channels, words }: PreviewPlan, request: PreviewRequest): Preview[] {
  const { subject, text, language, timeZone } = request
  const all = { ...request.words, '': { subject, text } }
  checkWords(all)
  const sample: Notification = {
    ...SAMPLE,
    ...(request.deviceId === undefined ? {} : { deviceId: request.deviceId }),
    ...(request.severity === undefined ? {} : { severity: request.severity }),
    ...(request.data === undefined ? {} : { data: request.data }),
  }
  const recipient = { id: '@sample', addresses: [], language, timeZone }
  const notification = createReworder()(sample, all, recipient)
  return Object.entries(channels)
    .filter(([channelId]) => request.channel === undefined || request.channel === channelId)
    .map(([channelId, channel]) => {
      const key = `${notification.key}>${channelId}`
      const given: Delivery = { key, channelId, notification, attempts: 0 }
      const own = words.get(channelId)
      const delivery = own === undefined ? given : reworded(given, own.subject, own.text)
      return { channel: channelId, type: channel.type, content: contentOf(channel, delivery) }
    })
}

function contentOf(channel: ChannelConfig, delivery: Delivery): Json {
  switch (channel.type) {
    case 'email': {
      const { subject, text } = renderMail(delivery)
      return { subject, text }
    }
    case 'sms':
    case 'push':
      return { text: renderText(delivery) }
    case 'voice':
      return { ssml: renderSsml(delivery) }
    case 'mqtt':
      return {
        topic: renderTopic(channel.topic, delivery.notification),
        payload: renderWebhook(delivery),
      }
    case 'webhook':
    case 'queue':
      return renderWebhook(delivery)
    case 'slack':
      return bodyOf(slack.render(channel, delivery))
    case 'teams':
      return bodyOf(teams.render(channel, delivery))
    case 'telegram':
      return without(bodyOf(telegram.render(channel, delivery)), 'chat_id')
    case 'fcm': {
      const document = bodyOf(renderFcm(channel, 'project', delivery))
      const message = isJsonObject(document) ? document['message'] : undefined
      return without(without(message ?? null, 'token'), 'topic')
    }
    case 'apns':
      return bodyOf(renderApns(channel, delivery))
    case 'web-push':
      return parsed(renderWebPush(delivery))
  }
}

function bodyOf(requests: readonly { readonly body: string }[]): Json {
  const [first] = requests
  return first === undefined ? null : parsed(first.body)
}

function parsed(text: string): Json {
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch {
    return text
  }
}

function without(value: Json, name: string): Json {
  if (!isJsonObject(value)) return value
  const { [name]: _address, ...rest }: JsonObject = value
  return rest
}
