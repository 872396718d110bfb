import * as z from 'zod'
import { readDuration } from '../../model/duration.ts'
import { CHANNEL_BASE } from './channel-base.ts'

/** A duration between two others. Unit: ms. */
function durationFrom(least: number, most: number, expected: string) {
  return z.union([z.string(), z.literal(0)]).transform((text, context) => {
    const ms = readDuration(String(text))
    if (ms !== undefined && ms >= least && ms <= most) return ms
    context.addIssue({ code: 'custom', message: `expected ${expected}` })
    return z.NEVER
  })
}

const Timeout = durationFrom(100, 60_000, '100ms to 60s').meta({
  description: 'How long an answer may take: 100ms to 60s.',
})

const AckWithin = durationFrom(1_000, 86_400_000, '1s to 24h').meta({
  description: 'With `ack: processed`: sent again unless it is acknowledged within 1s to 24h.',
})

/** Posts to a URL. */
const WebhookChannelObject = z.strictObject({
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
  ack: z.enum(['receipt', 'processed']).default('receipt').meta({
    description:
      'When it is gone: `receipt`: any 2xx; `processed`: after a 202 only once it is acknowledged.',
  }),
  ackWithin: AckWithin.prefault('5m'),
})

export const WebhookChannelSchema = WebhookChannelObject.refine(
  ({ ack, secret }) => ack === 'receipt' || secret !== undefined,
  { message: 'expected a secret: it signs the tokens that acknowledge', path: ['secret'] },
)
