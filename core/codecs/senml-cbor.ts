import * as z from 'zod'
import type { CodecKind } from './codec.ts'
import { openSenml, type SenmlOptions } from './senml/open.ts'
import { SenmlOptions as Shared } from './senml-options.ts'

/** Sensor Measurement Lists in CBOR. Source: RFC 8428, section 6. */
export const senmlCbor: CodecKind = {
  name: 'senml-cbor',
  summary: 'SenML in CBOR; each time of a pack is a message (RFC 8428).',
  options: z.strictObject({ type: z.literal('senml-cbor'), ...Shared }),
  open: (options: SenmlOptions) =>
    openSenml(
      'senml-cbor',
      options,
      () => 'cbor',
      () => 'cbor',
    ),
}
