import * as z from 'zod'

/** An example beside a device type: a message, and what has to come of it. */
export const ExampleSchema = z
  .strictObject({
    about: z.string().optional().meta({ description: 'A sentence for people.' }),
    device: z.string().min(1).max(128).optional().meta({
      description: 'The device that sends it; one that the pattern of the type fits unless given.',
    }),
    payload: z.json().optional().meta({ description: 'What is sent, as JSON.' }),
    text: z.string().optional().meta({ description: 'What is sent, as a text.' }),
    hex: z
      .string()
      .regex(/^(?:[0-9a-fA-F]{2}[\s:]?)*$/, 'expected pairs of hex digits')
      .optional()
      .meta({ description: 'What is sent, as bytes.' }),
    base64: z.base64().optional().meta({ description: 'What is sent, as bytes.' }),
    fPort: z.int().min(0).max(255).optional().meta({ description: "LoRaWAN's port." }),
    receivedAt: z.iso.datetime({ offset: true }).optional().meta({
      description: 'When it is received; now unless given.',
    }),
    metrics: z
      .record(z.string(), z.union([z.number(), z.boolean(), z.string()]))
      .optional()
      .meta({ description: 'All measured values that have to come out, flags among them.' }),
    decoded: z.json().optional().meta({ description: 'What the codec has to make of it.' }),
    error: z.string().optional().meta({
      description: 'The code of the error that has to come out, such as codec.truncated.',
    }),
  })
  .refine(
    ({ payload, text, hex, base64 }) =>
      [payload, text, hex, base64].filter((one) => one !== undefined).length === 1,
    'expected one of payload, text, hex and base64',
  )
  .refine(
    ({ metrics, decoded, error }) => [metrics, decoded, error].some((one) => one !== undefined),
    'expected metrics, decoded or error',
  )
  .meta({ description: 'A message and what has to come of it.' })

export type ExampleConfig = z.output<typeof ExampleSchema>
