/** A counter with one set of facts. */
export interface Labelled {
  readonly name: string
  readonly facts: Readonly<Record<string, string>>
  value: number
}

/** How often something took up to each bound. */
export interface Histogram {
  /** Upper bounds. Unit: ms. */
  readonly bounds: readonly number[]
  /** Counts up to each bound and above the one before. */
  readonly buckets: number[]
  count: number
  /** Unit: ms. */
  sum: number
}

export interface Metrics {
  readonly totals: ReadonlyMap<string, number>
  /** The parts of the totals whose facts are known. */
  readonly labelled: readonly Labelled[]
  readonly histograms: ReadonlyMap<string, Histogram>
  readonly gauges: Readonly<Record<string, number>>
}

/**
 * Writes numbers for Prometheus.
 *
 * Shape: text format 0.0.4; facts become labels, dots in names underscores.
 * Source: prometheus.io, "Exposition formats".
 */
export function formatMetrics({ totals, labelled, histograms, gauges }: Metrics): string {
  const lines: string[] = []
  for (const [name, total] of totals) {
    const metric = `${toMetricName(name)}_total`
    lines.push(`# TYPE ${metric} counter`)
    let rest = total
    for (const entry of labelled) {
      if (entry.name !== name) continue
      rest -= entry.value
      lines.push(`${metric}${toLabels(entry.facts)} ${entry.value}`)
    }
    if (rest !== 0 || total === 0) lines.push(`${metric} ${rest}`)
  }
  for (const [name, { bounds, buckets, count, sum }] of histograms) {
    const metric = `${toMetricName(name)}_milliseconds`
    lines.push(`# TYPE ${metric} histogram`)
    let below = 0
    for (const [index, bound] of bounds.entries()) {
      below += buckets[index] ?? 0
      lines.push(`${metric}_bucket{le="${bound}"} ${below}`)
    }
    lines.push(`${metric}_bucket{le="+Inf"} ${count}`)
    lines.push(`${metric}_sum ${sum}`, `${metric}_count ${count}`)
  }
  for (const [name, value] of Object.entries(gauges)) {
    const metric = toMetricName(name)
    lines.push(`# TYPE ${metric} gauge`, `${metric} ${value}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

function toMetricName(name: string): string {
  return `anyhub_${name.replace(/[^a-zA-Z0-9_]/g, '_')}`
}

/** A name may not start with two underscores, nor a digit; a value may hold anything. */
function toLabels(facts: Readonly<Record<string, string>>): string {
  const labels = Object.entries(facts).map(([key, value]) => {
    const name = key.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)|^__/, '_')
    return `${name}="${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`
  })
  return labels.length === 0 ? '' : `{${labels.join(',')}}`
}
