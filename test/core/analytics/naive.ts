import type { MetricValue, Series, SeriesQuery, TelemetryRow } from '../../../core/index.ts'

/** What series are, said as plainly as can be: every bucket is made of all of its rows. For comparison in tests. */
export function naiveSeries(
  rowsOf: (deviceId: string) => readonly TelemetryRow[],
  { deviceIds, from, to, bucketMs, aggregates, metrics }: SeriesQuery,
): Series[] {
  const found: Series[] = []
  for (const deviceId of new Set(deviceIds)) {
    const rows = rowsOf(deviceId)
      .filter(({ at }) => at >= from && at < to)
      .toSorted((a, b) => a.at - b.at || (a.messageId < b.messageId ? -1 : 1))
    const names = new Set(rows.flatMap((row) => Object.keys(row.metrics)))
    for (const metric of [...names].sort()) {
      if (metrics !== undefined && !metrics.includes(metric)) continue
      const buckets = new Map<number, MetricValue[]>()
      for (const row of rows) {
        if (!Object.hasOwn(row.metrics, metric)) continue
        const value = row.metrics[metric]!
        const start = Math.floor(row.at / bucketMs) * bucketMs
        buckets.set(start, [...(buckets.get(start) ?? []), value])
      }
      const points = [...buckets].map(([at, values]) => {
        const numbers = values.filter((value) => typeof value === 'number')
        const flags = values.filter((value) => typeof value === 'boolean')
        const sum = numbers.reduce((total, value) => total + value, 0)
        const trues = flags.filter((flag) => flag).length
        const all: Record<string, MetricValue> = {
          count: values.length,
          first: values[0]!,
          last: values.at(-1)!,
        }
        if (numbers.length > 0) {
          all['min'] = Math.min(...numbers)
          all['max'] = Math.max(...numbers)
          all['sum'] = sum
        }
        if (numbers.length + flags.length > 0)
          all['avg'] = (sum + trues) / (numbers.length + flags.length)
        const asked = aggregates.flatMap((name): [string, MetricValue][] => {
          const value = all[name]
          return value === undefined ? [] : [[name, value]]
        })
        if (asked.length === 0) asked.push(['last', values.at(-1)!])
        return { at, ...Object.fromEntries(asked) }
      })
      if (points.length > 0) found.push({ deviceId, metric, points })
    }
  }
  return found
}
