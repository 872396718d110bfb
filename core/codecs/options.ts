import * as z from 'zod'

/** A JSON pointer that names something below the whole document. Source: RFC 6901. */
const PointerOption = z
  .string()
  .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'expected a JSON pointer such as /data/0/t')

/** What formats of any shape take to give telemetry its own: see with-fields.ts. */
export const FieldOptions = {
  fields: z.record(z.string().min(1), PointerOption).optional().meta({
    description:
      'Decode: measured values by name, each with the JSON pointer to where it stands: `{temperature: /data/0/t}`. All else is left out; what is not there has no value.',
  }),
  each: z
    .union([z.literal(''), PointerOption])
    .optional()
    .meta({
      description:
        'Decode: JSON pointer to an array of which each item is a message (`""`: the whole document); `fields` then look into the item.',
    }),
  shared: z.record(z.string().min(1), PointerOption).optional().meta({
    description:
      'Decode, beside `each`: values of the whole document that each message gets, by name, with their JSON pointers.',
  }),
}

/** Whether values that JSON has no word for lose their type. */
export const PlainOption = z.boolean().default(false).meta({
  description:
    'Decode: bytes become base64, times their text or number, NaN and infinities null, tags their content, instead of typed objects such as `{"$bytes": "AQI="}`. Encode: no object is a typed one.',
})

/** Whether a text may be a number that JSON has no room for. */
export const BigIntegersOption = z.boolean().default(true).meta({
  description:
    'Encode: a text that is a whole number beyond 2^53 is written as a number, as decode gives such numbers.',
})
