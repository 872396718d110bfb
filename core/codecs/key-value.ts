import * as z from 'zod'
import type { Json } from '../model/json.ts'
import { textBytes } from './binary/text.ts'
import { type Codec, type CodecKind, type CodecMessage, NO_WARNINGS } from './codec.ts'
import { type KeyValueOptions, readPairs, writePairs } from './key-value/pairs.ts'
import { checkMarks, textOf } from './text/lines.ts'
import { DecimalOption, QuoteOption, TypesOption } from './text-options.ts'

function openKeyValue(options: KeyValueOptions): Codec {
  checkMarks('key-value', [options.separator, options.equals, options.quote, options.decimal])
  return {
    name: 'key-value',
    decode(bytes) {
      const objects = readPairs(textOf(bytes), options)
      const [only] = objects
      const value = objects.length === 1 && only !== undefined ? only : objects
      return { value, warnings: NO_WARNINGS }
    },
    encode: (value) => ({ bytes: textBytes(writePairs(value, options)), warnings: NO_WARNINGS }),
    split: messagesOf,
    exactText: undefined,
  }
}

/** Each line is a message. */
function messagesOf(value: Json): readonly CodecMessage[] {
  return Array.isArray(value) ? value.map((body: Json) => ({ body })) : [{ body: value }]
}

/** Pairs of key and value in a text: `t=21.5;h=40`. */
export const keyValue: CodecKind = {
  name: 'key-value',
  summary: 'Pairs of key and value in a text, such as t=21.5;h=40; each line is a message.',
  options: z.strictObject({
    type: z.literal('key-value'),
    separator: z
      .string()
      .min(1)
      .max(8)
      .default(';')
      .meta({ description: 'What stands between two pairs.' }),
    equals: z
      .string()
      .min(1)
      .max(8)
      .default('=')
      .meta({ description: 'What stands between key and value.' }),
    quote: QuoteOption,
    decimal: DecimalOption,
    types: TypesOption,
  }),
  open: openKeyValue,
}
