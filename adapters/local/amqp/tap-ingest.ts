import type { Ingest, Observer, Outcome } from '../../../core/index.ts'
import type { EventLog } from './event-log.ts'

/** Writes what the core has accepted into the log, before the sender hears of it. */
export function tapIngest(ingest: Ingest, log: EventLog, observer: Observer): Ingest {
  return async (uplinks, onOutcome) => {
    if (!log.isKeeping) return ingest(uplinks, onOutcome)
    const appends: Promise<void>[] = []
    const settle = async (index: number, outcome: Outcome): Promise<void> => {
      const uplink = uplinks[index]
      // Basic ingest is for its rule alone.
      if (outcome.status === 'accepted' && uplink !== undefined && uplink.ruleId === undefined) {
        try {
          await log.append(uplink)
        } catch (error) {
          observer.log('error', 'event not kept for consumers', {
            deviceId: outcome.deviceId,
            reason: error instanceof Error ? error.message : String(error),
          })
        }
      }
      onOutcome?.(index, outcome)
    }
    const outcomes = await ingest(uplinks, (index, outcome) => {
      appends.push(settle(index, outcome))
    })
    await Promise.all(appends)
    return outcomes
  }
}
