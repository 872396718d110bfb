import { CoreError, type Json } from '../../core/index.ts'

/** Deeper than any codec or config lets a value nest, and less than JSON can be written of. */
const MAX_DEPTH = 512

/**
 * Sees that a value can be written as JSON, which has no infinity and would say null.
 * @throws CoreError `codec.wrong_type` or `codec.too_deep`, as a message of a device is refused.
 */
export function checkTold(value: Json, levels = MAX_DEPTH): void {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new CoreError('codec.wrong_type', 'expected finite numbers, found one that is too large')
  if (typeof value !== 'object' || value === null) return
  if (levels === 0)
    throw new CoreError(
      'codec.too_deep',
      `expected at most ${MAX_DEPTH} levels of nesting, found more`,
    )
  for (const item of Object.values(value)) checkTold(item, levels - 1)
}
