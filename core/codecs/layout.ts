import { CoreError } from '../errors.ts'
import type { CodecKind } from './codec.ts'
import { openLayout } from './layout/layout.ts'
import { LayoutOptionsSchema } from './layout-options.ts'

/** Bytes of any device, described in the config. */
export const layout: CodecKind = {
  name: 'layout',
  summary: 'Raw bytes, with a layout of bytes and bits that anyhub.yml describes.',
  // What a schema cannot say (a field that asks for one behind it) shows where it stands all the same.
  options: LayoutOptionsSchema.superRefine((given, context) => {
    try {
      openLayout(given)
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      const path = String(error.details['path'] ?? '').split('.')
      context.addIssue({
        code: 'custom',
        message: error.message,
        path: path.map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
      })
    }
  }),
  open: openLayout,
}
