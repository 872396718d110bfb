import type { Observer } from '../../core/index.ts'

/** Counters and timings of one process, for the page and for `/metrics`. */
export interface LocalObserver extends Observer {
  /** Totals by name; a counter with facts is also counted without them. */
  totals(): Readonly<Record<string, number>>
  /** One counter, taken apart by one of its facts. */
  totalsBy(name: string, fact: string): Readonly<Record<string, number>>
  /** In the text format of Prometheus. */
  metrics(): string
}

/** Upper bounds of the buckets for timings. Unit: ms. */
const BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000] as const

/** One counter with one set of facts. In the text format these are labels, their values quoted. */
interface Labelled {
  readonly name: string
  readonly facts: Readonly<Record<string, string>>
  readonly labels: string
  value: number
}

interface Histogram {
  readonly buckets: number[]
  count: number
  sum: number
}

/** An observer that keeps numbers in memory and writes log lines through `write`. */
export function createObserver(write: (line: string) => void, now: () => number): LocalObserver {
  const totals: Record<string, number> = {}
  const labelled = new Map<string, Labelled>()
  const histograms = new Map<string, Histogram>()
  return {
    count(name, by, facts) {
      totals[name] = (totals[name] ?? 0) + by
      if (facts === undefined) return
      const labels = Object.entries(facts).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      const key = `${name}{${labels.join(',')}}`
      const entry = labelled.get(key)
      if (entry !== undefined) entry.value += by
      else if (labelled.size < 10_000)
        labelled.set(key, { name, facts, labels: labels.join(','), value: by })
    },
    time(name, ms) {
      let histogram = histograms.get(name)
      if (histogram === undefined) {
        histogram = { buckets: BUCKETS.map(() => 0), count: 0, sum: 0 }
        histograms.set(name, histogram)
      }
      histogram.count++
      histogram.sum += ms
      const index = BUCKETS.findIndex((bound) => ms <= bound)
      if (index >= 0) histogram.buckets[index] = (histogram.buckets[index] ?? 0) + 1
    },
    log(level, message, facts) {
      write(JSON.stringify({ at: new Date(now()).toISOString(), level, message, ...facts }))
    },
    totals: () => ({ ...totals }),
    totalsBy(name, fact) {
      const found: Record<string, number> = {}
      for (const entry of labelled.values()) {
        const value = entry.name === name ? entry.facts[fact] : undefined
        if (value !== undefined) found[value] = (found[value] ?? 0) + entry.value
      }
      return found
    },
    metrics() {
      const lines: string[] = []
      for (const [name, value] of Object.entries(totals)) {
        const metric = `anyhub_${name.replaceAll('.', '_')}_total`
        lines.push(`# TYPE ${metric} counter`)
        const parts = [...labelled.values()].filter((entry) => entry.name === name)
        if (parts.length === 0) lines.push(`${metric} ${value}`)
        for (const part of parts) lines.push(`${metric}{${part.labels}} ${part.value}`)
      }
      for (const [name, histogram] of histograms) {
        const metric = `anyhub_${name.replaceAll('.', '_')}_milliseconds`
        lines.push(`# TYPE ${metric} histogram`)
        let below = 0
        for (const [index, bound] of BUCKETS.entries()) {
          below += histogram.buckets[index] ?? 0
          lines.push(`${metric}_bucket{le="${bound}"} ${below}`)
        }
        lines.push(`${metric}_bucket{le="+Inf"} ${histogram.count}`)
        lines.push(`${metric}_sum ${histogram.sum}`, `${metric}_count ${histogram.count}`)
      }
      return `${lines.join('\n')}\n`
    },
  }
}
