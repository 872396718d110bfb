import * as z from 'zod'

/** Options that several formats of text share. */
export const DecimalOption = z.enum(['.', ',']).default('.').meta({
  description: 'What stands before the fraction of a number.',
})

export const TypesOption = z
  .record(z.string(), z.enum(['auto', 'number', 'text', 'boolean']))
  .default({})
  .meta({
    description:
      'Types by name. `auto`, for all others: a number or true and false where it looks like one, else a text.',
  })

export const QuoteOption = z
  .string()
  .max(1)
  .default('"')
  .meta({ description: 'What texts stand in that hold separators; `""`: nothing does.' })
