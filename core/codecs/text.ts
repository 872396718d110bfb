import * as z from 'zod'
import { isJsonObject } from '../model/json.ts'
import { cannotSay, textBytes } from './binary/text.ts'
import { type Codec, type CodecKind, NO_WARNINGS } from './codec.ts'
import { textOf } from './text/lines.ts'

function openText({ name, trim }: { readonly name: string; readonly trim: boolean }): Codec {
  return {
    name: 'text',
    decode(bytes) {
      const text = textOf(bytes)
      return { value: { [name]: trim ? text.trim() : text }, warnings: NO_WARNINGS }
    },
    encode(value) {
      const text = isJsonObject(value) ? value[name] : value
      if (typeof text !== 'string')
        throw cannotSay('text', `expected a text, or one as ${name}, found neither`)
      return { bytes: textBytes(text), warnings: NO_WARNINGS }
    },
    split: undefined,
    exactText: undefined,
  }
}

/** Text that is kept as it is. */
export const text: CodecKind = {
  name: 'text',
  summary: 'Text in UTF-8, kept as it is.',
  options: z.strictObject({
    type: z.literal('text'),
    name: z.string().min(1).default('text').meta({ description: 'The name of the text.' }),
    trim: z.boolean().default(false).meta({
      description: 'Decode: whether blanks and ends of lines around it are cut off.',
    }),
  }),
  open: openText,
}
