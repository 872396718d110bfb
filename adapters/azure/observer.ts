import type { Observer } from '../../core/index.ts'
import type { Metrics, Timing } from './metrics-exporter.ts'

export type LogLevel = Parameters<Observer['log']>[0]

export interface ObserverOptions {
  /**
   * Takes log lines, one JSON object each. With the logger of an invocation, Functions hands them to Application Insights
   * as part of its trace.
   */
  readonly write: (level: LogLevel, line: string) => void
  /** Sends what was measured since the last time. */
  readonly send: (metrics: Metrics) => Promise<void>
  /** Epoch ms. */
  readonly now: () => number
  /** The trace under which this invocation runs: 32 hex digits of its `traceparent`. */
  readonly traceId: () => string | undefined
}

/** An observer that gathers what invocations counted, and sends it now and then. */
export interface AzureObserver extends Observer {
  /** The end of an invocation: sends what was counted, if the last time is long enough ago. Never waits. */
  flush(): void
  /** Sends what is left: the host is about to end. */
  close(): Promise<void>
}

/** Every so often metrics are sent: a request for each invocation would be more than all else that it does. Unit: ms. */
const EVERY_MS = 15_000

/** Counters and timings as metrics, logs as lines. Source: docs/adr/0029. */
export function createObserver({ write, send, now, traceId }: ObserverOptions): AzureObserver {
  let counts = new Map<string, number>()
  let timings = new Map<string, Timing>()
  let since = now()
  let timer: ReturnType<typeof setTimeout> | undefined
  let failed = false

  function line(level: LogLevel, members: object): void {
    const trace = traceId()
    write(level, JSON.stringify({ ...members, ...(trace === undefined ? {} : { traceId: trace }) }))
  }

  async function sendAll(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (counts.size === 0 && timings.size === 0) return
    const metrics: Metrics = { counts, timings, from: since, to: now() }
    counts = new Map()
    timings = new Map()
    since = metrics.to
    try {
      await send(metrics)
      failed = false
    } catch (error) {
      // Metrics are not worth a failure, and one line says as much as one for each try.
      if (!failed) line('warn', { message: 'metrics not sent', reason: String(error) })
      failed = true
    }
  }

  return {
    count(name, by) {
      if (name === '' || !Number.isFinite(by)) return
      counts.set(name, (counts.get(name) ?? 0) + by)
    },
    time(name, ms) {
      if (name === '' || !Number.isFinite(ms) || ms < 0) return
      const { count, sum, min, max } = timings.get(name) ?? NONE
      timings.set(name, {
        count: count + 1,
        sum: sum + ms,
        min: Math.min(min, ms),
        max: Math.max(max, ms),
      })
    },
    log(level, message, facts) {
      line(level, { ...facts, at: new Date(now()).toISOString(), level, message })
    },
    flush() {
      if (counts.size === 0 && timings.size === 0) return
      const left = since + EVERY_MS - now()
      if (left <= 0) void sendAll()
      else if (timer === undefined) {
        timer = setTimeout(() => void sendAll(), left)
        // What is left goes when the host ends: see `close`.
        timer.unref()
      }
    },
    close: sendAll,
  }
}

const NONE: Timing = {
  count: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
}
