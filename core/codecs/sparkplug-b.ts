import * as z from 'zod'
import { type Codec, type CodecKind, NO_WARNINGS } from './codec.ts'
import { WireReader } from './protobuf/wire-reader.ts'
import { WireWriter } from './protobuf/wire-writer.ts'
import { readPayload } from './sparkplug/read-payload.ts'
import { writePayload } from './sparkplug/write-payload.ts'

/** So many sentences are enough to know what is wrong. */
const MAX_WARNINGS = 16

function openSparkplug(): Codec {
  const writer = new WireWriter()
  return {
    name: 'sparkplug-b',
    decode(bytes) {
      let warnings: string[] | undefined
      const value = readPayload(new WireReader(bytes), (sentence) => {
        warnings ??= []
        if (warnings.length < MAX_WARNINGS && !warnings.includes(sentence)) warnings.push(sentence)
      })
      return { value, warnings: warnings ?? NO_WARNINGS }
    },
    encode: (value) => ({ bytes: writePayload(value, writer), warnings: NO_WARNINGS }),
    split: undefined,
    exactText: undefined,
  }
}

/** Sparkplug B, as edge nodes of industry speak it over MQTT. */
export const sparkplugB: CodecKind = {
  name: 'sparkplug-b',
  summary: 'Payloads of Sparkplug B (spBv1.0), with all data types of Sparkplug 3.0.',
  options: z.strictObject({ type: z.literal('sparkplug-b') }),
  open: openSparkplug,
}
