import type { Observer } from '../../core/index.ts'

export interface ObserverOptions {
  /** Takes lines for Cloud Logging, one JSON object each. */
  readonly write: (line: string) => void
  /** Epoch ms. */
  readonly now: () => number
  readonly project: string
  readonly functionName: string
  /** The trace under which this call runs: 32 hex digits. */
  readonly traceId: () => string | undefined
}

/** An observer that gathers what a call counted, and writes it in one line at its end. */
export interface GcpObserver extends Observer {
  /** Writes what was counted since the last time. */
  flush(): void
}

/** Values of one timing in one line. */
const MAX_VALUES = 100

/** Names in one line: an entry of Cloud Logging is 256 KB at most. */
const MAX_NAMES = 100

const SEVERITIES = { info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const

/**
 * Counters and timings as log lines, of which log-based metrics of serverless.gcp.yml make numbers: `jsonPayload.counts`
 * and `jsonPayload.timings`. A line names the trace of its call, so that Cloud Trace shows it there.
 *
 * Source: Cloud Logging, "Structured logging", special fields.
 */
export function createObserver({
  write,
  now,
  project,
  functionName,
  traceId,
}: ObserverOptions): GcpObserver {
  let counts = new Map<string, number>()
  let timings = new Map<string, number[]>()

  function line(members: object): void {
    const trace = traceId()
    write(
      JSON.stringify({
        time: new Date(now()).toISOString(),
        ...members,
        function: functionName,
        ...(trace === undefined
          ? {}
          : { 'logging.googleapis.com/trace': `projects/${project}/traces/${trace}` }),
      }),
    )
  }

  return {
    count(name, by) {
      if (name === '' || !Number.isFinite(by)) return
      counts.set(name, (counts.get(name) ?? 0) + by)
    },
    time(name, ms) {
      if (name === '' || !Number.isFinite(ms) || ms < 0) return
      const values = timings.get(name)
      if (values === undefined) timings.set(name, [ms])
      else if (values.length < MAX_VALUES) values.push(ms)
    },
    log(level, message, facts) {
      line({ ...facts, severity: SEVERITIES[level], message })
    },
    flush() {
      const [counted, timed] = [[...counts], [...timings]]
      counts = new Map()
      timings = new Map()
      for (let from = 0; from < Math.max(counted.length, timed.length); from += MAX_NAMES)
        line({
          severity: 'INFO',
          message: 'metrics',
          counts: Object.fromEntries(counted.slice(from, from + MAX_NAMES)),
          timings: Object.fromEntries(timed.slice(from, from + MAX_NAMES)),
        })
    },
  }
}
