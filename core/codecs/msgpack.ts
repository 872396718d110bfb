import * as z from 'zod'
import { type Codec, type CodecKind, NO_WARNINGS } from './codec.ts'
import { createMsgpackReader } from './msgpack/read.ts'
import { createMsgpackWriter, type MsgpackForm } from './msgpack/write.ts'
import { BigIntegersOption, FieldOptions, PlainOption } from './options.ts'
import { type Fields, withFields } from './with-fields.ts'

/** What may stand beside `type`, with defaults applied. */
interface MsgpackOptions extends MsgpackForm, Fields {}

function openMsgpack(options: MsgpackOptions): Codec {
  const write = createMsgpackWriter(options)
  return withFields(
    {
      name: 'msgpack',
      decode: createMsgpackReader(options.plain),
      encode: (value) => ({ bytes: write(value), warnings: NO_WARNINGS }),
      split: undefined,
      exactText: undefined,
    },
    options,
  )
}

/** MessagePack. Source: github.com/msgpack/msgpack/blob/master/spec.md. */
export const msgpack: CodecKind = {
  name: 'msgpack',
  summary: 'MessagePack, one value for each message.',
  options: z.strictObject({
    type: z.literal('msgpack'),
    plain: PlainOption,
    bigIntegers: BigIntegersOption,
    ...FieldOptions,
  }),
  open: openMsgpack,
}
