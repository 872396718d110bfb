import * as z from 'zod'
import type { Codec, CodecKind, PayloadFacts } from './codec.ts'
import { openSenml, type SenmlForm, type SenmlOptions } from './senml/open.ts'
import { SenmlOptions as Shared } from './senml-options.ts'

function open(options: SenmlOptions): Codec {
  return openSenml('senml', options, formOf, (facts) => statedForm(facts) ?? 'json')
}

/** What the content type says, else the first byte: in CBOR, one of JSON cannot begin a pack. */
function formOf(bytes: Uint8Array, facts: PayloadFacts): SenmlForm {
  const stated = statedForm(facts)
  if (stated !== undefined) return stated
  const first = bytes.find(
    (byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d,
  )
  return first === undefined || first === 0x5b || first === 0x7b ? 'json' : 'cbor'
}

function statedForm({ contentType = '' }: PayloadFacts): SenmlForm | undefined {
  if (/[+/]cbor\b/i.test(contentType)) return 'cbor'
  return /[+/]json\b/i.test(contentType) ? 'json' : undefined
}

/** Sensor Measurement Lists, in JSON or in CBOR. Source: RFC 8428. */
export const senml: CodecKind = {
  name: 'senml',
  summary:
    'SenML in JSON or CBOR, whichever a message is in; each time of a pack is a message (RFC 8428).',
  options: z.strictObject({ type: z.literal('senml'), ...Shared }),
  open,
}
