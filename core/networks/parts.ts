import { CoreError } from '../errors.ts'
import type { NetworkPart } from './network.ts'

/** Messages in one body at most. */
const MAX_PARTS = 1_024

/**
 * Reads the parts of a body one by one: what is wrong with one is a fault of its own.
 * @throws CoreError `network.malformed` for a body of none, or of too many.
 */
export function readEach<T>(
  items: readonly T[],
  read: (item: T) => NetworkPart | readonly NetworkPart[],
): readonly NetworkPart[] {
  if (items.length === 0 || items.length > MAX_PARTS)
    throw new CoreError(
      'network.malformed',
      `expected 1 to ${MAX_PARTS} messages in one body, found ${items.length}`,
    )
  return items.flatMap((item) => {
    try {
      return read(item)
    } catch (error) {
      // One alone is the whole.
      if (items.length === 1 || !(error instanceof CoreError)) throw error
      return { kind: 'fault', error }
    }
  })
}
