import { CoreError, type Delivery, type Sending } from '../../core/index.ts'

/** Of so many unfinished deliveries it is remembered who has them. */
const MAX_UNFINISHED = 1_000

/** Where nobody keeps addresses that are gone. */
export const UNHEARD: Sending = {
  isGone: async () => false,
  gone: () => undefined,
  keep: () => undefined,
}

/** Sends one delivery to some addresses, with `sendOne` for each. */
export type ToEach = (
  delivery: Delivery,
  to: readonly string[],
  sendOne: (to: string) => Promise<void>,
  sending?: Sending,
) => Promise<void>

/**
 * Sends to each recipient for itself. Who has it is not sent it again when the rest is tried once more, as long as this
 * process lives; and nothing is sent to an address that is gone.
 *
 * @returns a function that throws CoreError `channel.unavailable` as long as one may still get it, otherwise what was
 * thrown for the first who does not; `channel.gone` if nobody is left.
 */
export function createRecipients(): ToEach {
  const taken = new Map<string, Set<string>>()
  return async ({ key }, to, sendOne, sending = UNHEARD) => {
    const had = taken.get(key) ?? new Set<string>()
    const faults: unknown[] = []
    let gone = 0
    for (const one of to) {
      if (had.has(one)) continue
      if (await sending.isGone(one)) {
        gone++
        continue
      }
      try {
        await sendOne(one)
        had.add(one)
      } catch (error) {
        faults.push(error)
      }
    }
    if (faults.length === 0) {
      taken.delete(key)
      if (gone > 0 && gone === to.length) throw nobodyLeft(gone)
      return
    }
    taken.set(key, had)
    const [oldest] = taken.keys()
    if (taken.size > MAX_UNFINISHED && oldest !== undefined) taken.delete(oldest)
    // As long as one may still get it, it is tried again.
    throw faults.find((fault) => fault instanceof CoreError && fault.retryable) ?? faults[0]
  }
}

/** All addresses of a channel are disabled. */
export function nobodyLeft(count: number): CoreError {
  return new CoreError(
    'channel.gone',
    `not sent: ${count === 1 ? 'its address is' : `all ${count} addresses are`} disabled, for an earlier delivery found them gone`,
  )
}
