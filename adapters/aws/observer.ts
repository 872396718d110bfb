import type { Observer } from '../../core/index.ts'

export interface ObserverOptions {
  /** Takes lines for CloudWatch Logs, one JSON object each. */
  readonly write: (line: string) => void
  /** Epoch ms. */
  readonly now: () => number
  /** The namespace of the metrics. */
  readonly namespace: string
  /** The function, as a dimension. */
  readonly functionName: string
  /** The trace under which this invocation runs. */
  readonly traceId: () => string | undefined
}

/** An observer that gathers what an invocation counted, and writes it in one line at its end. */
export interface AwsObserver extends Observer {
  /** Writes what was counted since the last time. */
  flush(): void
}

/** Values of one metric in one line. Source: CloudWatch embedded metric format, 100 values of a metric. */
const MAX_VALUES = 100

/** Metrics of one line. Source: as above. */
const MAX_METRICS = 100

/** Counters and timings as embedded metrics: log lines that CloudWatch reads, without a call. */
export function createObserver({
  write,
  now,
  namespace,
  functionName,
  traceId,
}: ObserverOptions): AwsObserver {
  let counts = new Map<string, number>()
  let timings = new Map<string, number[]>()

  function line(members: object): void {
    const trace = traceId()
    write(JSON.stringify({ ...members, ...(trace === undefined ? {} : { traceId: trace }) }))
  }

  function writeMetrics(values: ReadonlyMap<string, number | readonly number[]>): void {
    const names = [...values.keys()]
    for (let from = 0; from < names.length; from += MAX_METRICS) {
      const some = names.slice(from, from + MAX_METRICS)
      line({
        _aws: {
          Timestamp: now(),
          CloudWatchMetrics: [
            {
              Namespace: namespace,
              Dimensions: [['function']],
              Metrics: some.map((name) => ({
                Name: name,
                Unit: typeof values.get(name) === 'number' ? 'Count' : 'Milliseconds',
              })),
            },
          ],
        },
        function: functionName,
        ...Object.fromEntries(some.map((name) => [name, values.get(name)])),
      })
    }
  }

  return {
    count(name, by) {
      counts.set(name, (counts.get(name) ?? 0) + by)
    },
    time(name, ms) {
      if (!Number.isFinite(ms) || ms < 0) return
      const values = timings.get(name)
      if (values === undefined) timings.set(name, [ms])
      else if (values.length < MAX_VALUES) values.push(ms)
    },
    log(level, message, facts) {
      line({ at: new Date(now()).toISOString(), level, message, ...facts })
    },
    flush() {
      const gathered = new Map<string, number | readonly number[]>()
      for (const [name, value] of [...counts, ...timings])
        if (name !== '' && !(typeof value === 'number' && !Number.isFinite(value)))
          gathered.set(name, value)
      counts = new Map()
      timings = new Map()
      if (gathered.size > 0) writeMetrics(gathered)
    },
  }
}
