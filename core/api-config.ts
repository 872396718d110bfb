import * as z from 'zod'
import { DurationSchema as Duration } from './duration-schema.ts'

const Origin = z
  .string()
  .regex(
    /^(?:\*|https?:\/\/[a-z0-9.[\]:-]+)$/,
    'expected an origin such as https://ops.example.com, in lower case and without a path, or *',
  )

/** Who may ask the REST API from where, and how often. */
export const API_LIMITS = {
  cors: z
    .strictObject({
      origins: z.array(Origin).max(100).default([]).meta({
        description:
          'Pages of these origins may use it, with their cookies; `*`: all pages, with tokens only.',
      }),
    })
    .prefault({})
    .meta({ description: 'Which pages of other origins may use it.' }),
  rateLimit: z
    .strictObject({
      requests: z.int().min(1).max(1_000_000).default(6_000).meta({
        description: 'So many at once, and on average.',
      }),
      per: Duration.refine((ms) => ms >= 1_000 && ms <= 86_400_000, 'expected 1s to 24h')
        .prefault('1m')
        .meta({ description: 'Within which time.' }),
    })
    .prefault({})
    .meta({
      description:
        'How often one caller may ask, in each process. What devices send is not limited.',
    }),
}
