import { CoreError } from '../errors.ts'
import type { Series, SeriesQuery } from '../model/series.ts'
import type { TelemetryStore } from '../ports.ts'
import { addRows, createSeriesFold, type PointBudget } from './buckets.ts'
import { pagesOf } from './pages.ts'

export { AGGREGATES, type Aggregate, type SeriesPoint } from '../model/series.ts'
export type { Series, SeriesQuery }

/** So many devices are read at a time where the store has to be asked for each. */
const AT_A_TIME = 8

/**
 * The series of several devices, in the order of the devices and then of the metrics' names; a metric without a value in
 * the span has none. A device that stands there twice counts once.
 * @throws CoreError `input.too_large` if they have more than `maxPoints` points.
 * @throws CoreError `input.malformed` if `bucketMs` is no whole number above 0, or a time is none.
 * @throws CoreError `store.unavailable` if the backend did not answer.
 */
export async function readSeries(
  telemetry: TelemetryStore,
  query: SeriesQuery,
): Promise<readonly Series[]> {
  const { bucketMs, from, to } = query
  if (!Number.isSafeInteger(bucketMs) || bucketMs < 1)
    throw new CoreError(
      'input.malformed',
      `bucketMs: expected a whole number above 0, found ${bucketMs}`,
    )
  if (!Number.isFinite(from) || !Number.isFinite(to))
    throw new CoreError('input.malformed', `expected from and to in epoch ms, found ${from}, ${to}`)
  return telemetry.series(query)
}

/** A store whose series are made of its rows, a page at a time: for stores that cannot do it nearer to them. */
export function withSeries(store: Omit<TelemetryStore, 'series'>): TelemetryStore {
  return { ...store, series: (query) => seriesOverRange(store, query) }
}

async function seriesOverRange(
  telemetry: Pick<TelemetryStore, 'range'>,
  query: SeriesQuery,
): Promise<readonly Series[]> {
  const { from, to, bucketMs, aggregates } = query
  const deviceIds = [...new Set(query.deviceIds)]
  const metrics = query.metrics === undefined ? undefined : new Set(query.metrics)
  const budget: PointBudget = { most: query.maxPoints, spent: 0 }
  const found: (readonly Series[])[] = []
  let next = 0

  async function readOn(): Promise<void> {
    for (;;) {
      const index = next++
      const deviceId = deviceIds[index]
      if (deviceId === undefined) return
      const fold = createSeriesFold({ deviceId, bucketMs, aggregates, metrics, budget })
      try {
        for await (const page of pagesOf(telemetry, deviceId, { from, to })) addRows(fold, page)
        found[index] = fold.end()
      } catch (error) {
        // The others stop with the device that they are at.
        next = deviceIds.length
        throw error
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, deviceIds.length) }, readOn))
  return found.flat()
}
