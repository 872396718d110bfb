import type { Outcome, Uplink } from '../../core/index.ts'

type Take = (uplinks: readonly Uplink[]) => Promise<readonly Outcome[]>

/** What one run takes at most. */
const MAX_UPLINKS = 2_000

interface Waiting {
  readonly uplinks: readonly Uplink[]
  readonly resolve: (outcomes: readonly Outcome[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers what comes while a run is under way: Pub/Sub calls with one message each, and many calls at a time, of which
 * those of one device then share one read and one write.
 */
export function gather(take: Take): Take {
  let waiting: Waiting[] = []
  let running = false

  function next(): readonly Waiting[] {
    const taken: Waiting[] = []
    let count = 0
    for (const one of waiting) {
      if (taken.length > 0 && count + one.uplinks.length > MAX_UPLINKS) break
      taken.push(one)
      count += one.uplinks.length
    }
    waiting = waiting.slice(taken.length)
    return taken
  }

  async function run(): Promise<void> {
    // Calls whose bytes are there already come in before this.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const taken = next()
      try {
        const outcomes = await take(taken.flatMap(({ uplinks }) => uplinks))
        let from = 0
        for (const { uplinks, resolve } of taken) {
          resolve(outcomes.slice(from, from + uplinks.length))
          from += uplinks.length
        }
      } catch (error) {
        for (const { reject } of taken) reject(error)
      }
    }
    running = false
  }

  return (uplinks) =>
    new Promise((resolve, reject) => {
      waiting.push({ uplinks, resolve, reject })
      if (running) return
      running = true
      void run()
    })
}
