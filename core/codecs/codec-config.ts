import * as z from 'zod'
import { CODEC_KINDS } from './list.ts'

/** `codec:` of a device type: a name, or a name and options. What comes out always has `type`, with defaults applied. */
export const CodecSchema = z
  .union([
    z.string(),
    z.looseObject({ type: z.string().meta({ description: 'The name of the codec.' }) }),
  ])
  .transform((given, context) => {
    const named = typeof given === 'string' ? { type: given } : given
    const kind = CODEC_KINDS.find(({ name }) => name === named.type)
    // Whoever compiles the config says so, beside all other faults that only show there.
    if (kind === undefined) return named
    const parsed = kind.options.safeParse(named)
    if (!parsed.success) {
      for (const issue of parsed.error.issues) context.addIssue({ ...issue })
      return z.NEVER
    }
    return { ...parsed.data, type: kind.name }
  })
