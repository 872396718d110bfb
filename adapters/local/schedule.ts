import type { Config, Core } from '../../core/index.ts'
import type { LiveFeed } from './live-feed.ts'
import type { Database } from './sqlite/database.ts'
import { storedDay } from './telemetry-store.ts'

const TICK_MS = 1_000
const STATS_MS = 1_000
const CLEANUP_MS = 600_000
const DAY_MS = 86_400_000

/** How many deliveries go out at once, and how many devices are looked after in one tick. */
const NOTIFY_BATCH = 32
const TICK_BATCH = 500

export interface ScheduleOptions {
  readonly core: Core
  readonly database: Database
  readonly feed: LiveFeed
  readonly stats: () => Promise<Readonly<Record<string, number>>>
  readonly retention: Config['retention']
}

export interface Schedule {
  /** Something came into the queue. */
  wakeNotify(): void
  /** Ends the timers and waits for what runs. */
  stop(): Promise<void>
}

/** What the clouds' schedulers and queues do: tick, notify, clean up; and the counters of the page. */
export function startSchedule({
  core,
  database,
  feed,
  stats,
  retention,
}: ScheduleOptions): Schedule {
  const { clock, observer } = core.ports
  const running = new Set<Promise<void>>()
  let stopped = false

  /** Runs one job at a time of each kind; a fault is logged and the next turn tries again. */
  function job(name: string, work: () => Promise<void>): () => void {
    let busy = false
    let again = false
    const start = (): void => {
      if (stopped) return
      if (busy) {
        again = true
        return
      }
      busy = true
      const run: Promise<void> = work()
        .catch((error) =>
          observer.log('error', `${name} failed`, {
            reason: error instanceof Error ? error.message : String(error),
          }),
        )
        .then(() => {
          busy = false
          running.delete(run)
          if (!again) return
          again = false
          start()
        })
      running.add(run)
    }
    return start
  }

  const tick = job('tick', async () => {
    while (!stopped && (await core.tick(TICK_BATCH)) === TICK_BATCH);
  })
  const notify = job('notify', async () => {
    for (;;) {
      const { sent, retried, failed } = await core.notify(NOTIFY_BATCH)
      if (stopped || sent + retried + failed < NOTIFY_BATCH) return
    }
  })
  const tell = job('stats', async () => feed.broadcast('stats', { ...(await stats()) }))
  const cleanUp = job('clean-up', async () => {
    const now = clock.now()
    await database.write([
      ['telemetryDropBefore', storedDay(now - retention.telemetry)],
      ['deadLetterDropBefore', (now - retention.deadLetters).toString(36).padStart(9, '0')],
      ['notificationForget', now - DAY_MS],
    ])
  })

  const timers = [
    setInterval(() => {
      tick()
      notify()
    }, TICK_MS),
    setInterval(tell, STATS_MS),
    setInterval(cleanUp, CLEANUP_MS),
  ]
  tick()
  notify()

  return {
    wakeNotify: notify,
    async stop() {
      for (const timer of timers) clearInterval(timer)
      stopped = true
      await Promise.all(running)
    },
  }
}
