import * as z from 'zod'
import { ActionSchema } from './actions/list.ts'
import { DurationSchema } from './duration-schema.ts'

/** What a rule or another thing of a config may be called. */
export const IdSchema = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, - or _')

/** One rule, as anyhub.yml has it, and as it is put through the API. */
export const RuleSchema = z
  .strictObject({
    description: z
      .string()
      .max(1_000)
      .optional()
      .meta({ description: 'What it is for, for people.' }),
    sql: z.string().min(1).meta({ description: 'AWS IoT SQL.' }),
    sqlVersion: z
      .enum(['2016-03-23', '2015-10-08', 'beta'])
      .default('2016-03-23')
      .meta({ description: 'The version of the language that the SQL is written in.' }),
    enabled: z
      .boolean()
      .default(true)
      .meta({ description: 'Whether it runs; one that does not is checked all the same.' }),
    group: z.enum(['device', 'fleet']).default('device').meta({
      description: 'Windows: whether each device has its own, or all devices share them.',
    }),
    lateness: DurationSchema.prefault(0).meta({
      description: 'Windows: how long, in event time, a window waits for late data.',
    }),
    actions: z
      .array(ActionSchema)
      .max(10)
      .default([])
      .meta({ description: 'What to do, each by itself.' }),
    errorAction: ActionSchema.optional().meta({
      description: 'Done when another action of the rule cannot be done.',
    }),
  })
  .meta({ description: 'What to do with messages that match.' })

/** A rule after defaults. Durations are in ms. */
export type RuleConfig = z.output<typeof RuleSchema>
