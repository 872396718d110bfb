import * as z from 'zod'
import { CHANNEL_BASE } from './channel-base.ts'
import { PhoneNumber } from './telephony.ts'

// Channels that the cloud itself, a mail server or a telephony API serves.

const Numbers = z
  .array(PhoneNumber)
  .min(1)
  .max(100)
  .meta({ description: 'Whose telephones, as E.164.' })

export const EmailSchema = z.strictObject({
  type: z.literal('email').meta({ description: 'Sends mail through smtp.' }),
  ...CHANNEL_BASE,
  to: z.array(z.email()).min(1).meta({ description: 'Who gets the mail.' }),
  from: z.email().optional().meta({ description: 'The sender; that of smtp unless given.' }),
})

export const SmsSchema = z.strictObject({
  type: z.literal('sms').meta({
    description: 'Sends text messages, by `telephony` or, without it, by the cloud.',
  }),
  ...CHANNEL_BASE,
  to: Numbers,
})

export const VoiceSchema = z.strictObject({
  type: z.literal('voice').meta({ description: 'Calls and speaks, by `telephony`.' }),
  ...CHANNEL_BASE,
  to: Numbers,
})

export const PushSchema = z.strictObject({
  type: z.literal('push').meta({ description: 'Sends to apps, where the cloud has them.' }),
  ...CHANNEL_BASE,
  to: z.array(z.string().min(1).max(2_048)).min(1).max(100).meta({
    description:
      "The cloud's own names of apps: on AWS ARNs of SNS endpoints or topics, on Azure tags of a hub.",
  }),
})

export const MqttChannelSchema = z.strictObject({
  type: z.literal('mqtt').meta({ description: 'Publishes on a topic.' }),
  ...CHANNEL_BASE,
  topic: z
    .string()
    .regex(/^[^+#\0]{1,1000}$/, 'expected a topic without + and #')
    .meta({ description: 'The topic; {{deviceId}} and {{severity}} are filled in.' }),
  qos: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .meta({ description: 'Quality of service.' }),
  retain: z.boolean().default(false).meta({ description: 'Whether the broker keeps it.' }),
})

export const QueueChannelSchema = z.strictObject({
  type: z.literal('queue').meta({ description: "Appends to a queue of the cloud's own." }),
  ...CHANNEL_BASE,
  queue: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/i, 'expected 1 to 63 letters, digits or -')
    .meta({ description: 'The queue, as in the action `queue`.' }),
})
