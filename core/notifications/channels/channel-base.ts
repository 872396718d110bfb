import * as z from 'zod'

/** What every channel may say besides. */
export const CHANNEL_BASE = {
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
