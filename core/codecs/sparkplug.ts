import * as z from 'zod'
import type { CodecKind } from './codec.ts'
import { sparkplugB } from './sparkplug-b.ts'

/** The other name of `sparkplug-b`. */
export const sparkplug: CodecKind = {
  ...sparkplugB,
  name: 'sparkplug',
  summary: 'Another name of sparkplug-b.',
  options: z.strictObject({ type: z.literal('sparkplug') }),
}
