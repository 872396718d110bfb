import * as z from 'zod'
import { isDeviceId } from '../model/device-id.ts'
import { SEVERITIES } from '../model/notification.ts'
import { AudienceSchema, PrioritySchema, WordsSchema } from './audience-config.ts'

/** What somebody asks to be told, to whom. */
export const BroadcastSchema = z
  .strictObject({
    audience: AudienceSchema,
    subject: z.string().min(1).max(1_000),
    text: z.string().max(10_000).default(''),
    severity: z.enum(SEVERITIES).default('info'),
    priority: PrioritySchema.optional(),
    deviceId: z.string().refine(isDeviceId, 'expected the id of a device').optional(),
    data: z.json().default(null),
    words: WordsSchema.default({}),
    expiresAt: z.iso
      .datetime({ offset: true })
      .transform((text) => Date.parse(text))
      .optional(),
  })
  .superRefine(({ audience }, context) => {
    const { people, groups, channels, everybody, subscribers } = audience
    if (people.length + groups.length + channels.length > 0 || everybody || subscribers) return
    context.addIssue({
      code: 'custom',
      path: ['audience'],
      message: 'expected people, groups, channels, everybody or subscribers',
    })
  })

export type Broadcast = z.output<typeof BroadcastSchema>

/** One delivery of a notification that somebody asked for, as it stands on the list of those who are told. */
export const ToldSchema = z.object({
  key: z.string(),
  channelId: z.string(),
  recipientId: z.string().optional(),
})

/** How a delivery ended. */
export const DeliveryEndSchema = z.object({
  state: z.enum(['sent', 'failed', 'expired', 'suppressed']),
  at: z.number(),
  reason: z.string().optional(),
})

export const AccountSchema = z.object({
  found: z.number(),
  done: z.boolean(),
  suppressed: z.string().optional(),
})

/** A notification that somebody asked for, as it is kept. */
export const KeptBroadcastSchema = z.object({
  at: z.number(),
  fingerprint: z.string(),
  request: BroadcastSchema,
  acknowledged: z.object({ at: z.number(), by: z.string() }).optional(),
})
