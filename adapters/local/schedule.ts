import {
  type Config,
  type Core,
  createAccessSweep,
  FEEDBACK_QUEUE,
  type JsonObject,
} from '../../core/index.ts'
import type { LiveFeed } from './live-feed.ts'
import type { Database } from './sqlite/database.ts'
import { hourOf } from './telemetry-hours.ts'
import { dropOperations, storedDay } from './telemetry-store.ts'

const TICK_MS = 1_000
const STATS_MS = 1_000
const CLEANUP_MS = 600_000

/** Telemetry is packed so often, in so many rounds of so long: the disk is busy with it for about a tenth of its time. */
const SEAL_MS = 1_000
const SEAL_ROUNDS = 10
const SEAL_ROUND_MS = 10

/** An hour is over for good when it has been for so long: devices send the last of it a little later. */
const LATE_MS = 600_000

/** Of hours that are not over it is packed less often. */
const SEAL_OPEN_EVERY = 10
const DAY_MS = 86_400_000

/** Feedback about commands that nobody reads is kept so long. */
const FEEDBACK_KEPT_MS = 2 * DAY_MS

/** How many deliveries are claimed at once, and how many devices are looked after in one round of a tick. */
const NOTIFY_BATCH = 64
const TICK_BATCH = 500

/** More rounds than this are left to the next tick: devices that stay due must not keep it busy for ever. */
const TICK_ROUNDS = 20

/** When the schedule stops, what is under way has so long to end by itself. */
const GRACE_MS = 3_000

export interface ScheduleOptions {
  readonly core: Core
  readonly database: Database
  readonly feed: LiveFeed
  readonly stats: () => Promise<JsonObject>
  readonly retention: Config['retention']
}

export interface Schedule {
  /** There is something in the queue that may be claimed. */
  wakeNotify(): void
  /**
   * Ends the timers, sends what is due once more, and waits for what runs; `hurry` is called if that takes longer than
   * the grace, and has to make sends fail.
   */
  stop(hurry: () => void): Promise<void>
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
  let gathering: NodeJS.Immediate | undefined

  /** A fault is logged, and whoever comes next tries again. */
  function start(name: string, work: () => Promise<void>): Promise<void> {
    const run: Promise<void> = work()
      .catch((error) =>
        observer.log('error', `${name} failed`, {
          reason: error instanceof Error ? error.message : String(error),
        }),
      )
      .then(() => void running.delete(run))
    running.add(run)
    return run
  }

  /** Runs one job of a kind at a time; one that was asked for meanwhile runs after it. */
  function job(name: string, work: () => Promise<void>): () => void {
    let busy = false
    let again = false
    const begin = (): void => {
      if (stopped) return
      if (busy) {
        again = true
        return
      }
      busy = true
      void start(name, work).then(() => {
        busy = false
        if (!again) return
        again = false
        begin()
      })
    }
    return begin
  }

  const tick = job('tick', async () => {
    for (let round = 0; round < TICK_ROUNDS && !stopped; round++) {
      if ((await core.tick(TICK_BATCH)) < TICK_BATCH) return
    }
  })
  const tell = job('stats', async () => {
    if (feed.listeners > 0) feed.broadcast('stats', await stats())
  })
  const sweepAccess = createAccessSweep(core.ports, retention)
  const cleanUp = job('clean-up', async () => {
    const now = clock.now()
    await database.write([
      ...dropOperations(storedDay(now - retention.telemetry)),
      ['deadLetterDropBefore', (now - retention.deadLetters).toString(36).padStart(9, '0')],
      ['notificationForget', now - DAY_MS],
      ['queueDropBefore', FEEDBACK_QUEUE, now - FEEDBACK_KEPT_MS],
    ])
    await sweepAccess()
  })

  let seals = 0
  const seal = job('seal', async () => {
    const hour = hourOf(clock.now() - LATE_MS)
    const forMs = SEAL_ROUND_MS
    const takesOpen = seals++ % SEAL_OPEN_EVERY === 0
    for (let round = 0; round < SEAL_ROUNDS && !stopped; round++) {
      if (await database.seal({ which: 'over', hour, forMs })) continue
      if (!takesOpen || !(await database.seal({ which: 'open', hour, forMs }))) return
    }
  })

  /**
   * Sends what is due. Runs overlap, for one ends only when its slowest delivery has; how many there can be is bounded by
   * what the queue gives out of one channel at a time.
   */
  function notify(): void {
    gathering = undefined
    void start('notify', async () => {
      const { sent, retried, failed } = await core.notify(NOTIFY_BATCH)
      if (sent + retried + failed > 0) wakeNotify()
    })
  }

  /** What wakes it within one turn of the event loop is one waking: a burst of alarms makes few claims of many. */
  function wakeNotify(): void {
    if (!stopped) gathering ??= setImmediate(notify)
  }

  const timers = [
    setInterval(() => {
      tick()
      wakeNotify()
    }, TICK_MS),
    setInterval(tell, STATS_MS),
    setInterval(cleanUp, CLEANUP_MS),
    setInterval(seal, SEAL_MS),
  ]
  tick()
  wakeNotify()

  return {
    wakeNotify,
    async stop(hurry) {
      stopped = true
      for (const timer of timers) clearInterval(timer)
      clearImmediate(gathering)
      notify()
      const grace = setTimeout(hurry, GRACE_MS)
      await Promise.all(running)
      clearTimeout(grace)
    },
  }
}
