import * as z from 'zod'

/** What may stand beside the `type` of each SenML codec. */
export const SenmlOptions = {
  resolve: z.boolean().default(true).meta({
    description:
      'Decode: records with their whole names, units and times, without base fields (RFC 8428, section 4.6); `false` gives the pack as it was sent.',
  }),
  names: z.enum(['full', 'short']).default('full').meta({
    description:
      'Decode: how records, and so metrics, are named: with the base name before them, or without it where the record has a name of its own.',
  }),
}
