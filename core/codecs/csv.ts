import * as z from 'zod'
import type { Json } from '../model/json.ts'
import { textBytes } from './binary/text.ts'
import { type Codec, type CodecKind, type CodecMessage, NO_WARNINGS } from './codec.ts'
import { type CsvOptions, readRows, writeRows } from './csv/rows.ts'
import { checkMarks, textOf } from './text/lines.ts'
import { DecimalOption, QuoteOption, TypesOption } from './text-options.ts'

function openCsv(options: CsvOptions): Codec {
  checkMarks('csv', [options.separator, options.quote, options.decimal])
  return {
    name: 'csv',
    decode(bytes) {
      const rows = readRows(textOf(bytes), options)
      const [only] = rows
      return { value: rows.length === 1 && only !== undefined ? only : rows, warnings: NO_WARNINGS }
    },
    encode: (value) => ({ bytes: textBytes(writeRows(value, options)), warnings: NO_WARNINGS }),
    split: messagesOf,
    exactText: undefined,
  }
}

/** Each line is a message. */
function messagesOf(value: Json): readonly CodecMessage[] {
  return Array.isArray(value) ? value.map((body: Json) => ({ body })) : [{ body: value }]
}

/** Values between separators, one or many lines. Source: RFC 4180. */
export const csv: CodecKind = {
  name: 'csv',
  summary: 'Values between separators; each line is a message (RFC 4180).',
  options: z.strictObject({
    type: z.literal('csv'),
    separator: z
      .string()
      .min(1)
      .max(8)
      .default(',')
      .meta({ description: 'What stands between two values.' }),
    quote: QuoteOption,
    decimal: DecimalOption,
    header: z.boolean().default(false).meta({
      description: 'Whether the first line names the columns.',
    }),
    columns: z.array(z.string()).min(1).optional().meta({
      description:
        'The names of the columns in their order; a column named `""` is left out. Without them and without a header: c1, c2, ….',
    }),
    types: TypesOption,
    skipLines: z.int().min(0).default(0).meta({
      description: 'How many lines before the first, or before the header, are passed over.',
    }),
  }),
  open: openCsv,
}
