import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { parseUnit } from './unit.ts'

// What the measured values of a device type mean, as anyhub.yml says it.

const Metric = z
  .strictObject({
    type: z
      .enum(['number', 'integer', 'boolean', 'text'])
      .default('number')
      .meta({ description: 'What kind of value it is.' }),
    unit: z.string().optional().meta({
      description:
        'The unit in which it is stored: a UCUM code such as Cel, m/s or kW.h, or one of SenML.',
    }),
    sent: z.string().optional().meta({
      description: 'The unit in which devices send it, where that is another: it is converted.',
    }),
    min: z.number().optional().meta({ description: 'The least value that can be, in `unit`.' }),
    max: z.number().optional().meta({ description: 'The greatest value that can be, in `unit`.' }),
    precision: z.number().positive().optional().meta({
      description: 'What values are rounded to a multiple of, such as 0.1.',
    }),
    values: z
      .array(z.union([z.string(), z.number(), z.boolean()]))
      .min(1)
      .max(1_000)
      .optional()
      .meta({ description: 'All values that there are.' }),
    required: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether each message has to have it.' }),
    about: z.string().optional().meta({ description: 'A sentence for people.' }),
  })
  .meta({ description: 'What one measured value means.' })

/** `schema:` of a device type: metrics by their names, those of nested values joined with dots. */
export const MetricsSchema = z.record(z.string().min(1).max(256), Metric)

const Unit = z.string().superRefine((code, context) => {
  try {
    parseUnit(code)
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
  }
})

/** `derived:` of a device type. */
export const DerivedSchema = z.record(
  z.string().regex(/^[^.]{1,256}$/, 'expected a name without dots'),
  z
    .strictObject({
      value: z.string().min(1).meta({
        description:
          'An expression of the rule language on the message, after its values were converted.',
      }),
      unit: Unit.optional().meta({ description: 'The unit of the result, for people.' }),
      precision: z.number().positive().optional().meta({
        description: 'What the result is rounded to a multiple of.',
      }),
    })
    .meta({ description: 'A value that follows from others.' }),
)

/** `calibration:` of a device type: by device id, then by metric. */
export const CalibrationSchema = z.record(
  z.string().min(1).max(128),
  z.record(
    z.string().min(1).max(256),
    z
      .strictObject({
        scale: z.number().default(1).meta({ description: 'What the value is multiplied by.' }),
        offset: z.number().default(0).meta({
          description: 'What is added then, in the unit in which it is sent.',
        }),
      })
      .meta({ description: 'How a device measures wrong.' }),
  ),
)

/** What becomes of values that no schema names. */
export const UNKNOWN_METRICS = ['keep', 'flag', 'refuse'] as const
/** What becomes of values that the schema rules out. */
export const BAD_VALUES = ['flag', 'refuse'] as const

export type MetricsConfig = z.output<typeof MetricsSchema>
export type MetricConfig = MetricsConfig[string]
export type DerivedConfig = z.output<typeof DerivedSchema>
export type CalibrationConfig = z.output<typeof CalibrationSchema>
