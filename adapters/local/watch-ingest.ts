import type { Ingest } from '../../core/index.ts'
import type { Latency } from './latency.ts'
import type { LiveFeed } from './live-feed.ts'
import type { RecentMessages } from './recent-messages.ts'

export interface WatchOptions {
  readonly feed: Pick<LiveFeed, 'watches' | 'judged'>
  readonly recent: RecentMessages
  readonly latency: Latency
  /** Unit: ms, with fractions. */
  readonly now: () => number
}

/** Looks at what is taken in, and what becomes of it: how long that took, the last messages, and who watches them. */
export function watchIngest(ingest: Ingest, { feed, recent, latency, now }: WatchOptions): Ingest {
  return (uplinks, onOutcome) => {
    const began = now()
    return ingest(uplinks, (index, outcome) => {
      const at = now()
      latency.add(at - began, at)
      const uplink = uplinks[index]
      const deviceId = uplink?.deviceId
      if (uplink !== undefined && deviceId !== undefined) {
        if (outcome.status === 'accepted' && uplink.ruleId === undefined)
          recent.keep(deviceId, uplink)
        if (feed.watches(deviceId)) feed.judged(deviceId, uplink, outcome)
      }
      onOutcome?.(index, outcome)
    })
  }
}
