import * as z from 'zod'
import { ApnsSchema } from './apns.ts'
import { FcmSchema } from './fcm.ts'
import {
  EmailSchema,
  MqttChannelSchema,
  PushSchema,
  QueueChannelSchema,
  SmsSchema,
  VoiceSchema,
} from './native.ts'
import { SlackSchema } from './slack.ts'
import { TeamsSchema } from './teams.ts'
import { TelegramSchema } from './telegram.ts'
import { WebPushSchema } from './web-push.ts'
import { WebhookChannelSchema } from './webhook.ts'

/** Where notifications go: one entry for each kind of channel. */
export const ChannelSchema = z
  .discriminatedUnion('type', [
    WebhookChannelSchema,
    EmailSchema,
    SmsSchema,
    VoiceSchema,
    PushSchema,
    FcmSchema,
    ApnsSchema,
    WebPushSchema,
    SlackSchema,
    TeamsSchema,
    TelegramSchema,
    MqttChannelSchema,
    QueueChannelSchema,
  ])
  .meta({ description: 'Where notifications go.' })

export type ChannelConfig = z.output<typeof ChannelSchema>
