import * as z from 'zod'
import type { CodecKind } from './codec.ts'
import { openSenml, type SenmlOptions } from './senml/open.ts'
import { SenmlOptions as Shared } from './senml-options.ts'

/** Sensor Measurement Lists in JSON. Source: RFC 8428, section 5. */
export const senmlJson: CodecKind = {
  name: 'senml-json',
  summary: 'SenML in JSON; each time of a pack is a message (RFC 8428).',
  options: z.strictObject({ type: z.literal('senml-json'), ...Shared }),
  open: (options: SenmlOptions) =>
    openSenml(
      'senml-json',
      options,
      () => 'json',
      () => 'json',
    ),
}
