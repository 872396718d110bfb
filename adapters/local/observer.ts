import type { Observer } from '../../core/index.ts'
import { formatMetrics, type Histogram, type Labelled } from './prometheus.ts'

/** Counters and timings of one process, for the page and for `/metrics`. */
export interface LocalObserver extends Observer {
  /** Totals by name; a counter with facts is also counted without them. */
  totals(): Readonly<Record<string, number>>
  /** One counter, taken apart by one of its facts. */
  totalsBy(name: string, fact: string): Readonly<Record<string, number>>
  /** In the text format of Prometheus, with what is measured only when somebody asks. */
  metrics(gauges: Readonly<Record<string, number>>): string
}

/** Upper bounds of the buckets for timings. Unit: ms. */
const BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000] as const

/** So many sets of facts are told apart, over all counters; what exceeds them counts in the totals alone. */
const MAX_LABELLED = 10_000

/** An observer that keeps numbers in memory and writes log lines through `write`. */
export function createObserver(write: (line: string) => void, now: () => number): LocalObserver {
  const totals = new Map<string, number>()
  const labelled = new Map<string, Labelled>()
  const histograms = new Map<string, Histogram>()
  return {
    count(name, by, facts) {
      totals.set(name, (totals.get(name) ?? 0) + by)
      if (facts === undefined) return
      const key = JSON.stringify([name, facts])
      const entry = labelled.get(key)
      if (entry !== undefined) entry.value += by
      else if (labelled.size < MAX_LABELLED) labelled.set(key, { name, facts, value: by })
    },
    time(name, ms) {
      let histogram = histograms.get(name)
      if (histogram === undefined) {
        histogram = { bounds: BUCKETS, buckets: BUCKETS.map(() => 0), count: 0, sum: 0 }
        histograms.set(name, histogram)
      }
      histogram.count++
      histogram.sum += ms
      let index = 0
      while (index < BUCKETS.length && ms > (BUCKETS[index] ?? 0)) index++
      if (index < BUCKETS.length) histogram.buckets[index] = (histogram.buckets[index] ?? 0) + 1
    },
    log(level, message, facts) {
      write(JSON.stringify({ at: new Date(now()).toISOString(), level, message, ...facts }))
    },
    totals: () => Object.fromEntries(totals),
    totalsBy(name, fact) {
      const found: Record<string, number> = {}
      for (const entry of labelled.values()) {
        const value =
          entry.name === name && Object.hasOwn(entry.facts, fact) ? entry.facts[fact] : undefined
        if (value !== undefined) found[value] = (found[value] ?? 0) + entry.value
      }
      return found
    },
    metrics: (gauges) =>
      formatMetrics({ totals, labelled: [...labelled.values()], histograms, gauges }),
  }
}
