import * as z from 'zod'
import { SEVERITIES } from '../../model/notification.ts'
import { ThrottleSchema } from '../audience-config.ts'

/** What every channel may say besides. */
export const CHANNEL_BASE = {
  throttle: ThrottleSchema.extend({
    override: z
      .enum([...SEVERITIES, 'never'])
      .default('critical')
      .meta({
        description: 'From this severity on it does not count; never: it always does.',
      }),
  })
    .optional()
    .meta({
      description:
        'How much one recipient is told on this channel at most, whatever the subscription.',
    }),
  words: z
    .strictObject({
      subject: z.string().min(1).optional().meta({
        description: 'In place of the subject; {{path}} is filled in.',
      }),
      text: z.string().min(1).optional().meta({
        description:
          'In place of the text; {{path}} is filled in, {{data.temp | number 1}}, {{at | time}}.',
      }),
      locale: z.string().default('en').meta({ description: 'How numbers and times are written.' }),
      timeZone: z.string().default('UTC').meta({ description: 'In which time zone times are.' }),
    })
    .optional()
    .meta({ description: 'The words of notifications on this channel.' }),
}
