import * as z from 'zod'
import { isJsonObject, type Json } from '../model/json.ts'
import { cannotSay, textBytes } from './binary/text.ts'
import { type Codec, type CodecKind, NO_WARNINGS } from './codec.ts'
import { faultAt } from './fault.ts'
import { type DecimalMark, readNumber, writeCell } from './text/cell.ts'
import { textOf } from './text/lines.ts'
import { DecimalOption } from './text-options.ts'

/** What may stand beside `type`, with defaults applied. */
interface NumberOptions {
  readonly name: string
  readonly decimal: DecimalMark
  readonly words: Readonly<Record<string, number | boolean>>
}

/** Longer ones are no single word. Unit: UTF-16 units. */
const LONGEST = 64

function openNumber({ name, decimal, words }: NumberOptions): Codec {
  return {
    name: 'number',
    decode: (bytes) => ({
      value: { [name]: wordOf(textOf(bytes).trim(), decimal, words) },
      warnings: NO_WARNINGS,
    }),
    encode(value) {
      const bare = isJsonObject(value) ? value[name] : value
      const word = Object.keys(words).find((one) => words[one] === bare)
      const text = word ?? (bare === null ? undefined : writeCell(bare, decimal))
      if (text === undefined || text === '')
        throw cannotSay('number', `expected a number or a word, or one as ${name}, found neither`)
      return { bytes: textBytes(text), warnings: NO_WARNINGS }
    },
    split: undefined,
    exactText: undefined,
  }
}

function wordOf(text: string, decimal: DecimalMark, words: NumberOptions['words']): Json {
  if (Object.hasOwn(words, text)) return words[text] ?? text
  const number = readNumber(text, decimal)
  if (number !== undefined) return number
  if (text === '') throw faultAt('codec.truncated', 'expected a number or a word, found nothing', 0)
  if (text.length > LONGEST || /\s/.test(text))
    throw faultAt('codec.malformed', 'expected a number or a word, found a longer text', 0)
  return text
}

/** A number, or a word, that is the whole message. */
export const number: CodecKind = {
  name: 'number',
  summary: 'A number, or a word such as on, that is the whole message.',
  options: z.strictObject({
    type: z.literal('number'),
    name: z.string().min(1).default('value').meta({ description: 'The name of the value.' }),
    decimal: DecimalOption,
    words: z
      .record(z.string(), z.union([z.number(), z.boolean()]))
      .default({})
      .meta({ description: 'What words stand for: `{on: true, off: false}`. Others stay texts.' }),
  }),
  open: openNumber,
}
