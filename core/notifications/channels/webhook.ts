import * as z from 'zod'
import { readDuration } from '../../model/duration.ts'
import { CHANNEL_BASE } from './channel-base.ts'

const Timeout = z
  .union([z.string(), z.literal(0)])
  .transform((text, context) => {
    const ms = readDuration(String(text))
    if (ms !== undefined && ms >= 100 && ms <= 60_000) return ms
    context.addIssue({ code: 'custom', message: 'expected 100ms to 60s' })
    return z.NEVER
  })
  .meta({ description: 'How long an answer may take: 100ms to 60s.' })

/** Posts to a URL. */
export const WebhookChannelSchema = z.strictObject({
  type: z.literal('webhook').meta({ description: 'Posts to a URL.' }),
  ...CHANNEL_BASE,
  url: z.url({ protocol: /^https?$/ }).meta({ description: 'Where notifications are posted.' }),
  secret: z
    .string()
    .min(16, 'expected at least 16 characters: it signs what is sent')
    .regex(
      /^(?!whsec_)|^whsec_[A-Za-z0-9+/]{22,}={0,2}$/,
      'expected base64 of at least 16 bytes after whsec_',
    )
    .optional()
    .meta({ description: 'Signs what is sent: whsec_ and base64, or any other text.' }),
  allowPrivate: z
    .boolean()
    .default(false)
    .meta({ description: 'Allow loopback and private addresses.' }),
  timeout: Timeout.prefault('10s'),
})
