import * as z from 'zod'
import { readDuration } from './model/duration.ts'

/** A century: times that lie this far ahead still fit into every store. Unit: ms. */
const LONGEST_MS = 36_500 * 86_400_000

/** A duration as people write it, read to ms. */
export const DurationSchema = z
  .union([z.string(), z.literal(0)], 'expected a duration such as 90s, 2m, 1h or 30d, or 0')
  .transform((text, context) => {
    const ms = readDuration(String(text))
    if (ms !== undefined && ms <= LONGEST_MS) return ms
    const limit = ms === undefined ? 'such as 90s, 2m, 1h or 30d' : 'of at most 36500d'
    context.addIssue({
      code: 'custom',
      message: `expected a duration ${limit}, found ${JSON.stringify(text)}`,
    })
    return z.NEVER
  })
  .meta({ description: 'A duration: 500ms, 90s, 2m, 1h, 30d, or 0.' })
