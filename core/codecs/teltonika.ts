import * as z from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { type Codec, type CodecKind, type CodecMessage, NO_WARNINGS } from './codec.ts'
import { readPacket } from './teltonika/decode.ts'
import { writePacket } from './teltonika/encode.ts'
import type { IoName, IoNames } from './teltonika/io-names.ts'

/** What may stand beside `type`. */
interface TeltonikaOptions {
  readonly io: Readonly<Record<string, string | IoName>>
}

function openTeltonika({ io }: TeltonikaOptions): Codec {
  const names: IoNames = new Map(
    Object.entries(io).map(([id, given]) => [
      Number(id),
      typeof given === 'string' ? { name: given, signed: false, scale: 1 } : given,
    ]),
  )
  return {
    name: 'teltonika',
    decode: (bytes) => readPacket(bytes, names),
    encode: (value) => ({ bytes: writePacket(value, names), warnings: NO_WARNINGS }),
    split: splitPacket,
    exactText: undefined,
  }
}

/** Each record, or each answer, is a message of its own; the IMEI of a datagram goes with each. */
function splitPacket(value: Json): readonly CodecMessage[] {
  if (!isJsonObject(value)) return [{ body: value }]
  const { imei, records, messages } = value
  const items = Array.isArray(records) ? records : Array.isArray(messages) ? messages : undefined
  return items === undefined ? [{ body: value }] : items.map((item) => messageOf(item, imei))
}

function messageOf(item: Json, imei: Json | undefined): CodecMessage {
  if (!isJsonObject(item)) return { body: item }
  const { timestamp } = item
  const body: JsonObject = imei === undefined ? item : { imei, ...item }
  return typeof timestamp === 'number' ? { body, at: timestamp } : { body }
}

const IoNameSchema = z.strictObject({
  name: z.string().min(1).meta({ description: 'What the element is called in `io`.' }),
  signed: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether its counts may be below zero (two’s complement).' }),
  scale: z.number().default(1).meta({ description: 'Units of one count, such as 0.001.' }),
})

/** Trackers of Teltonika. */
export const teltonika: CodecKind = {
  name: 'teltonika',
  summary:
    'Teltonika codec 8, 8 Extended and 16, as TCP, UDP or bare data; commands and answers in codec 12 to 15.',
  options: z.strictObject({
    type: z.literal('teltonika'),
    io: z
      .record(z.string().regex(/^\d{1,5}$/), z.union([z.string().min(1), IoNameSchema]))
      .default({})
      .meta({
        description:
          'Names for IO elements by their number, such as `239: ignition`, or an object of name, signed and scale.',
      }),
  }),
  open: openTeltonika,
}
