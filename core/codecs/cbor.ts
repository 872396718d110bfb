import * as z from 'zod'
import { createCborReader } from './cbor/read.ts'
import { type CborForm, createCborWriter } from './cbor/write.ts'
import { type Codec, type CodecKind, NO_WARNINGS } from './codec.ts'
import { BigIntegersOption, FieldOptions, PlainOption } from './options.ts'
import { type Fields, withFields } from './with-fields.ts'

/** What may stand beside `type`, with defaults applied. */
interface CborOptions extends CborForm, Fields {}

function openCbor(options: CborOptions): Codec {
  const write = createCborWriter(options)
  return withFields(
    {
      name: 'cbor',
      decode: createCborReader(options.plain),
      encode: (value) => ({ bytes: write(value), warnings: NO_WARNINGS }),
      split: undefined,
      exactText: undefined,
    },
    options,
  )
}

/** CBOR, the binary format of constrained devices. Source: RFC 8949. */
export const cbor: CodecKind = {
  name: 'cbor',
  summary: 'CBOR, one item for each message (RFC 8949).',
  options: z.strictObject({
    type: z.literal('cbor'),
    plain: PlainOption,
    integerKeys: z.boolean().default(false).meta({
      description: 'Encode: keys that are whole numbers are written as numbers, not as texts.',
    }),
    bigIntegers: BigIntegersOption,
    ...FieldOptions,
  }),
  open: openCbor,
}
