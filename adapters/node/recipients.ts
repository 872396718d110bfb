import { CoreError, type Delivery } from '../../core/index.ts'

/** Of so many unfinished deliveries it is remembered who has them. */
const MAX_UNFINISHED = 1_000

/**
 * Sends to each recipient for itself. Who has it is not sent it again when the rest is tried once more, as long as this
 * process lives.
 *
 * @returns a function that throws CoreError `channel.unavailable` as long as one may still get it, otherwise what was
 * thrown for the first who does not.
 */
export function createRecipients(): (
  delivery: Delivery,
  to: readonly string[],
  sendOne: (to: string) => Promise<void>,
) => Promise<void> {
  const taken = new Map<string, Set<string>>()
  return async ({ key }, to, sendOne) => {
    const had = taken.get(key) ?? new Set<string>()
    const faults: unknown[] = []
    for (const one of to) {
      if (had.has(one)) continue
      try {
        await sendOne(one)
        had.add(one)
      } catch (error) {
        faults.push(error)
      }
    }
    if (faults.length === 0) {
      taken.delete(key)
      return
    }
    taken.set(key, had)
    const [oldest] = taken.keys()
    if (taken.size > MAX_UNFINISHED && oldest !== undefined) taken.delete(oldest)
    // As long as one may still get it, it is tried again.
    throw faults.find((fault) => fault instanceof CoreError && fault.retryable) ?? faults[0]
  }
}
