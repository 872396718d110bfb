import { CoreError, type Ingest, type Outcome, type Uplink } from '../../core/index.ts'

/** Takes uplinks one by one and hands those of one turn of the event loop to the core together. */
export interface UplinkBatcher {
  add(uplink: Uplink): Promise<Outcome>
  /** As `add`, with what is made of the outcome; rejects where that throws. */
  addAs<T>(uplink: Uplink, toResult: (outcome: Outcome) => T): Promise<T>
}

interface Waiting {
  readonly uplink: Uplink
  readonly settle: (outcome: Outcome) => void
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
        (index, outcome) => batch[index]?.settle(outcome),
      )
    } catch (error) {
      const outcome = retry(error instanceof Error ? error.message : String(error))
      for (const { settle } of batch) settle(outcome)
    }
  }

  function addAs<T>(uplink: Uplink, toResult: (outcome: Outcome) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(() => void flush())
      waiting.push({
        uplink,
        settle(outcome) {
          try {
            resolve(toResult(outcome))
          } catch (error) {
            reject(error)
          }
        },
      })
    })
  }

  return { add: (uplink) => addAs(uplink, asItIs), addAs }
}

function asItIs(outcome: Outcome): Outcome {
  return outcome
}

function retry(reason: string): Outcome {
  return { status: 'retry', error: new CoreError('store.unavailable', reason) }
}
