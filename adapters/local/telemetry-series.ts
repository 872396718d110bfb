import {
  addRows,
  createSeriesFold,
  type PointBudget,
  type Series,
  type SeriesFold,
  type SeriesQuery,
  type TelemetryRow,
} from '../../core/index.ts'
import { type OpenChunk, openChunk } from './chunk/chunk.ts'
import {
  type Hours,
  hourOf,
  type Part,
  rowsOf,
  type StoredHour,
  spansOf,
} from './telemetry-hours.ts'

/** So many devices are looked up at a time. */
const DEVICES = 128

/** What of the rows is wanted. */
interface Wanted {
  readonly from: number
  readonly to: number
  /** All metrics where it is `undefined`. */
  readonly metrics: ReadonlySet<string> | undefined
}

/** Rows that stand together, in the order of time: by columns, or one by one. */
type Source = { readonly first: number; readonly last: number } & (
  | { readonly chunk: OpenChunk }
  | { readonly rows: readonly TelemetryRow[] }
)

/** Series of what is packed by columns, and of the rest: of a chunk nothing is read but the columns that are asked for. */
export async function seriesOfHours(
  hours: Hours,
  { deviceIds, from, to, metrics, bucketMs, aggregates, maxPoints }: SeriesQuery,
): Promise<readonly Series[]> {
  const devices = [...new Set(deviceIds)]
  const wanted: Wanted = { from, to, metrics: metrics === undefined ? undefined : new Set(metrics) }
  const budget: PointBudget = { most: maxPoints, spent: 0 }
  const folds = new Map<string, SeriesFold>()
  const found: Series[] = []
  for (let first = 0; first < devices.length; first += DEVICES) {
    const some = devices.slice(first, first + DEVICES)
    for (const span of spansOf(await hours.list(some, hourOf(from), hourOf(to)), Infinity)) {
      const parts = await hours.read(devicesOf(span), span)
      for (const { deviceId, hour } of span) {
        const fold =
          folds.get(deviceId) ??
          createSeriesFold({ deviceId, bucketMs, aggregates, metrics: wanted.metrics, budget })
        folds.set(deviceId, fold)
        addHour(fold, parts.of(deviceId, hour), wanted)
      }
    }
    for (const deviceId of some) found.push(...(folds.get(deviceId)?.end() ?? []))
    folds.clear()
  }
  return found
}

function devicesOf(span: readonly StoredHour[]): readonly string[] {
  return [...new Set(span.map(({ deviceId }) => deviceId))]
}

/** What came late may lie between what is packed: only then are all made rows, and sorted. */
function addHour(fold: SeriesFold, parts: readonly Part[], wanted: Wanted): void {
  const sources = sourcesOf(parts)
  if (followEachOther(sources)) for (const source of sources) addSource(fold, source, wanted)
  else addRows(fold, within(rowsOf(parts), wanted))
}

function sourcesOf(parts: readonly Part[]): readonly Source[] {
  const sources: Source[] = []
  const loose: Part[] = []
  for (const part of parts) {
    if ('rows' in part) loose.push(part)
    else {
      const chunk = openChunk(part.chunk.columns)
      const { times } = chunk
      sources.push({ chunk, first: times[0] ?? 0, last: times.at(-1) ?? 0 })
    }
  }
  const rows = rowsOf(loose)
  const first = rows[0]?.at
  const last = rows.at(-1)?.at
  if (first !== undefined && last !== undefined) sources.push({ rows, first, last })
  return sources.sort((a, b) => a.first - b.first)
}

function followEachOther(sources: readonly Source[]): boolean {
  return sources.every(({ first }, index) => {
    const before = sources[index - 1]
    return before === undefined || before.last < first
  })
}

function addSource(fold: SeriesFold, source: Source, wanted: Wanted): void {
  if ('rows' in source) {
    addRows(fold, within(source.rows, wanted))
    return
  }
  const { chunk, first, last } = source
  const { times } = chunk
  const begin = first >= wanted.from ? 0 : placeOf(times, wanted.from)
  const end = last < wanted.to ? times.length : placeOf(times, wanted.to)
  if (begin >= end) return
  for (const metric of chunk.metrics) {
    if (wanted.metrics === undefined || wanted.metrics.has(metric))
      fold.addColumn(metric, times, chunk.values(metric), begin, end)
  }
}

function within(rows: readonly TelemetryRow[], { from, to }: Wanted): readonly TelemetryRow[] {
  return rows.filter(({ at }) => at >= from && at < to)
}

/** The index of the first time that is not before `at`. */
function placeOf(times: Float64Array, at: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] ?? Infinity) < at) low = middle + 1
    else high = middle
  }
  return low
}
