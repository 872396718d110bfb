import * as z from 'zod'
import { CHECKSUMS } from './layout/checksum.ts'
import type { LayoutCondition, LayoutField } from './layout/options.ts'

const FIELD_TYPES = [
  'uint',
  'int',
  'float',
  ...[8, 16, 24, 32, 40, 48, 56, 64].flatMap((bits) => [`uint${bits}`, `int${bits}`]),
  'float16',
  'float32',
  'float64',
  'enum',
  'bool',
  'bcd',
  'bitmap',
  'timestamp',
  'ascii',
  'utf8',
  'hex',
  'base64',
  'skip',
  'group',
  'repeat',
  'choose',
]

const EndianSchema = z.enum([
  'big',
  'little',
  'word-swapped',
  'byte-swapped',
  'ABCD',
  'DCBA',
  'CDAB',
  'BADC',
])

const ByteSchema = z.int().min(0).max(255)

const NameSchema = z
  .string()
  .min(1)
  .max(128)
  .refine((name) => name !== '__proto__', { error: 'expected another name' })

const LengthSchema = z.union([
  z.int().min(-65_535).max(65_535),
  z.literal('rest'),
  z.strictObject({ field: z.string() }),
])

const ScalarSchema = z.union([z.number(), z.string(), z.boolean()])

const ConditionSchema: z.ZodType<LayoutCondition> = z.lazy(() =>
  z.strictObject({
    field: z.string().optional().meta({ description: 'The name of a field before this one.' }),
    equals: ScalarSchema.optional(),
    not: ScalarSchema.optional(),
    in: z.array(ScalarSchema).min(1).optional(),
    min: z.number().optional().meta({ description: 'The least value that counts.' }),
    max: z.number().optional().meta({ description: 'The greatest value that counts.' }),
    bit: z
      .int()
      .min(0)
      .max(47)
      .optional()
      .meta({ description: 'This bit of it is set (0: the lowest).' }),
    left: z.int().min(1).optional().meta({ description: 'At least so many bytes are left.' }),
    all: z.array(ConditionSchema).min(1).optional(),
    any: z.array(ConditionSchema).min(1).optional(),
  }),
)

const FieldsSchema: z.ZodType<readonly LayoutField[]> = z.lazy(() => z.array(FieldSchema).max(512))

const FieldSchema: z.ZodType<LayoutField> = z.lazy(() =>
  z.strictObject({
    type: z.enum(FIELD_TYPES).meta({ description: 'How its bytes are read.' }),
    name: NameSchema.optional().meta({ description: 'What it is called in telemetry.' }),
    at: z.int().min(-65_535).max(65_535).optional().meta({
      description:
        'Its first byte, from the start of the message or repetition; below zero from the end of the message. Without it, a field begins where the one before it ended.',
    }),
    length: LengthSchema.optional().meta({
      description: 'Bytes: a number, `rest`, or `{field: name}`.',
    }),
    until: ByteSchema.optional().meta({ description: 'The byte that ends a text.' }),
    bits: z.int().min(1).max(48).optional().meta({
      description: 'The next bits, or with `bit` so many bits of it.',
    }),
    bit: z.int().min(0).max(47).optional().meta({
      description:
        'The lowest of the bits that count, within the bytes of the field (0: the lowest).',
    }),
    endian: EndianSchema.optional().meta({ description: 'The order of its bytes.' }),
    scale: z
      .number()
      .refine((scale) => scale !== 0, { error: 'expected another number than 0' })
      .optional()
      .meta({
        description: 'Units of one count.',
      }),
    divide: z.number().positive().optional().meta({ description: 'Counts are divided by it.' }),
    add: z.number().optional().meta({ description: 'Added to the scaled value.' }),
    decimals: z
      .int()
      .min(0)
      .max(12)
      .optional()
      .meta({ description: 'Rounds to so many decimals.' }),
    unit: z.string().min(1).max(64).optional().meta({
      description: 'UCUM code, for people; in telemetry with `units: true`.',
    }),
    enum: z
      .record(z.string().regex(/^-?\d+$/), z.string())
      .optional()
      .meta({
        description: 'Names of counts.',
      }),
    flags: z
      .record(z.string().regex(/^(?:[0-9]|[1-4][0-9])$/), NameSchema)
      .optional()
      .meta({
        description: 'Names of the bits of a `bitmap` (0: the lowest).',
      }),
    invalid: z
      .union([z.number(), z.array(z.number()).min(1)])
      .optional()
      .meta({
        description: 'Counts with which the device says that it has no value: null and a warning.',
      }),
    since: z.string().optional().meta({ description: 'Where a `timestamp` counts from.' }),
    resolution: z.enum(['s', 'ms', 'min']).optional().meta({
      description: 'What a `timestamp` counts.',
    }),
    as: z.enum(['iso', 's', 'ms']).optional().meta({
      description: 'How a `timestamp` stands in telemetry.',
    }),
    when: ConditionSchema.optional().meta({ description: 'What has to hold for it to be there.' }),
    hidden: z.boolean().optional().meta({ description: 'Read, but not in telemetry.' }),
    value: ScalarSchema.optional().meta({ description: 'What it has to be.' }),
    default: z.union([ScalarSchema, z.null()]).optional().meta({
      description: 'What `encode` writes where there is none.',
    }),
    fields: FieldsSchema.optional().meta({ description: 'The fields of a `group` or `repeat`.' }),
    count: LengthSchema.optional().meta({ description: 'How often a `repeat` does.' }),
    into: z.enum(['list', 'keys', 'here']).optional().meta({
      description:
        'What becomes of a `repeat`: a list, an object of "1", "2", …, or fields of the object around it.',
    }),
    by: z.string().optional().meta({ description: 'The field that a `choose` looks at.' }),
    cases: z.record(z.string(), FieldsSchema).optional().meta({
      description: 'Fields for each of its values.',
    }),
    otherwise: FieldsSchema.optional().meta({ description: 'Fields for every other value.' }),
  }),
)

const FORM = {
  fields: FieldsSchema.optional().meta({ description: 'What lies in a message, in its order.' }),
  length: z
    .union([
      z.int().min(0),
      z.strictObject({
        min: z.int().min(0).optional().meta({ description: 'At least so many bytes.' }),
        max: z.int().min(0).optional().meta({ description: 'At most so many bytes.' }),
      }),
    ])
    .optional()
    .meta({ description: 'Bytes of a message.' }),
  trailing: z.enum(['refuse', 'ignore']).optional().meta({
    description: 'What becomes of bytes behind the last field.',
  }),
  checksum: z
    .strictObject({
      type: z.enum(Object.keys(CHECKSUMS)).meta({ description: 'Which one.' }),
      at: z.int().optional().meta({
        description: 'Its first byte; below zero from the end. Without it, the last bytes.',
      }),
      from: z.int().optional().meta({ description: 'The first byte that it is about.' }),
      to: z.int().optional().meta({ description: 'Where that ends. Without it, at the checksum.' }),
      endian: z.enum(['big', 'little']).optional().meta({ description: 'The order of its bytes.' }),
    })
    .optional()
    .meta({ description: 'A checksum, which has to be right.' }),
  endian: EndianSchema.optional().meta({ description: 'The order of bytes of all fields.' }),
  bitOrder: z.enum(['msb', 'lsb']).optional().meta({
    description: 'Whether `bits` take the highest bits of a byte first, or the lowest.',
  }),
}

/** What may stand beside `type: layout`. */
export const LayoutOptionsSchema = z.strictObject({
  type: z.literal('layout'),
  ...FORM,
  ports: z
    .record(z.string().regex(/^\d{1,3}$/), z.strictObject(FORM))
    .optional()
    .meta({
      description: 'Layouts by fPort. Without one, `fields` count.',
    }),
  downlink: z
    .strictObject({
      ...FORM,
      fPort: z.int().min(0).max(255).optional().meta({ description: 'The port it is sent on.' }),
    })
    .optional()
    .meta({ description: 'What `encode` writes, where it is not what `decode` reads.' }),
  messages: z.string().optional().meta({
    description: 'The `repeat` of which each item is a message of its own.',
  }),
  units: z.boolean().optional().meta({
    description: 'Whether telemetry has `{value, unit}` for fields with a unit.',
  }),
})
