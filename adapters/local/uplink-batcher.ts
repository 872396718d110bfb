import { CoreError, type Ingest, type Outcome, type Uplink } from '../../core/index.ts'

/** Takes uplinks one by one and hands those of one turn of the event loop to the core together. */
export interface UplinkBatcher {
  add(uplink: Uplink): Promise<Outcome>
}

interface Waiting {
  readonly uplink: Uplink
  readonly resolve: (outcome: Outcome) => void
}

/** Builds a batcher over the core's ingest. The order of arrival is kept. */
export function createUplinkBatcher(ingest: Ingest): UplinkBatcher {
  let waiting: Waiting[] = []

  async function flush(): Promise<void> {
    const batch = waiting
    waiting = []
    try {
      await ingest(
        batch.map(({ uplink }) => uplink),
        (index, outcome) => batch[index]?.resolve(outcome),
      )
    } catch (error) {
      const outcome = retry(error instanceof Error ? error.message : String(error))
      for (const { resolve } of batch) resolve(outcome)
    }
  }

  return {
    add(uplink) {
      return new Promise((resolve) => {
        if (waiting.length === 0) setImmediate(() => void flush())
        waiting.push({ uplink, resolve })
      })
    },
  }
}

function retry(reason: string): Outcome {
  return { status: 'retry', error: new CoreError('store.unavailable', reason) }
}
