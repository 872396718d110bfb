import * as z from 'zod'
import { isJsonObject, type Json } from '../model/json.ts'
import { cannotSay, textBytes } from './binary/text.ts'
import { type Codec, type CodecKind, type CodecMessage, NO_WARNINGS } from './codec.ts'
import { readJson } from './json.ts'
import { readMessage, writeMessage } from './owntracks/message.ts'

const owntracksCodec: Codec = {
  name: 'owntracks',
  decode(bytes) {
    const given = readJson(bytes)
    const warnings: string[] = []
    const value = Array.isArray(given)
      ? given.map((one: Json) => readMessage(one, warnings))
      : readMessage(given, warnings)
    return { value, warnings }
  },
  encode(value) {
    const messages: readonly Json[] = Array.isArray(value) ? value : [value]
    if (!messages.every((one) => isJsonObject(one) && typeof one['_type'] === 'string'))
      throw cannotSay('OwnTracks', 'expected an object with _type, found something else')
    const written = Array.isArray(value) ? value.map(writeMessage) : writeMessage(value)
    return { bytes: textBytes(JSON.stringify(written)), warnings: NO_WARNINGS }
  },
  split: (value) => (Array.isArray(value) ? value.map(messageOf) : [messageOf(value)]),
  exactText: undefined,
}

function messageOf(body: Json): CodecMessage {
  const time = isJsonObject(body) ? body['time'] : undefined
  return typeof time === 'number' ? { body, at: time * 1_000 } : { body }
}

/** What the OwnTracks apps publish and read. Source: owntracks.org/booklet/tech/json. */
export const owntracks: CodecKind = {
  name: 'owntracks',
  summary: 'OwnTracks: locations, transitions, waypoints, cards, status and commands of its apps.',
  options: z.strictObject({ type: z.literal('owntracks') }),
  open: () => owntracksCodec,
}
