import { CoreError } from '../errors.ts'
import type { Aggregate, Series, SeriesPoint } from '../model/series.ts'
import type { MetricValue, TelemetryRow } from '../model/telemetry.ts'

/** Where the bucket of a time starts: the last multiple of `bucketMs` that is not after it. Before 1970 too. */
export function bucketStart(at: number, bucketMs: number): number {
  const rest = at % bucketMs
  return rest < 0 ? at - rest - bucketMs : at - rest
}

/** How many points may still be made, by all who share it. */
export interface PointBudget {
  readonly most: number
  spent: number
}

/** What is asked of the values of one device. */
export interface FoldPlan {
  readonly deviceId: string
  readonly bucketMs: number
  readonly aggregates: readonly Aggregate[]
  /** All metrics where it is `undefined`. */
  readonly metrics: ReadonlySet<string> | undefined
  readonly budget: PointBudget
}

/** Draws the values of one device together, as they come. It keeps the points, and of each metric one bucket. */
export interface SeriesFold {
  /** Takes one value; those of one metric come in the order of time. */
  add(metric: string, at: number, value: MetricValue): void
  /** Takes many values of one metric, from one index to another. Those that are `undefined` are none. */
  addColumn(
    metric: string,
    times: ArrayLike<number>,
    values: ArrayLike<MetricValue | undefined>,
    from: number,
    to: number,
  ): void
  /** The series, in the order of the metrics' names. Nothing may be added after it. */
  end(): readonly Series[]
}

/** One metric, with the bucket that is open. */
interface Fold {
  readonly metric: string
  readonly points: SeriesPoint[]
  start: number
  /** Negative infinity while none is open. */
  end: number
  /** Values of any kind. */
  count: number
  numbers: number
  sum: number
  min: number
  max: number
  booleans: number
  trues: number
  first: MetricValue
  last: MetricValue
}

/**
 * Begins with no values.
 * @throws CoreError `input.too_large` from any of its functions, when the budget is spent.
 */
export function createSeriesFold(plan: FoldPlan): SeriesFold {
  const { deviceId, bucketMs, metrics } = plan
  const folds = new Map<string, Fold>()

  function foldOf(metric: string): Fold | undefined {
    const found = folds.get(metric)
    if (found !== undefined) return found
    if (metrics !== undefined && !metrics.has(metric)) return undefined
    const fold = newFold(metric)
    folds.set(metric, fold)
    return fold
  }

  function take(fold: Fold, at: number, value: MetricValue): void {
    if (at >= fold.end || at < fold.start) {
      close(fold, plan)
      open(fold, bucketStart(at, bucketMs), bucketMs, value)
    }
    fold.count++
    fold.last = value
    if (typeof value === 'number') {
      fold.numbers++
      fold.sum += value
      if (value < fold.min) fold.min = value
      if (value > fold.max) fold.max = value
    } else if (typeof value === 'boolean') {
      fold.booleans++
      if (value) fold.trues++
    }
  }

  return {
    add(metric, at, value) {
      const fold = foldOf(metric)
      if (fold !== undefined) take(fold, at, value)
    },
    addColumn(metric, times, values, from, to) {
      const fold = from < to ? foldOf(metric) : undefined
      if (fold === undefined) return
      for (let index = from; index < to; index++) {
        const at = times[index]
        const value = values[index]
        if (at !== undefined && value !== undefined) take(fold, at, value)
      }
    },
    end() {
      const series: Series[] = []
      for (const fold of folds.values()) {
        close(fold, plan)
        const { metric, points } = fold
        if (points.length > 0) series.push({ deviceId, metric, points })
      }
      return series.sort((a, b) => (a.metric < b.metric ? -1 : 1))
    },
  }
}

/** Takes all values of rows that are in the order of time. */
export function addRows(fold: SeriesFold, rows: readonly TelemetryRow[]): void {
  for (const { at, metrics } of rows) {
    for (const metric in metrics) {
      const value = metrics[metric]
      if (value !== undefined) fold.add(metric, at, value)
    }
  }
}

function newFold(metric: string): Fold {
  return {
    metric,
    points: [],
    start: Infinity,
    end: -Infinity,
    count: 0,
    numbers: 0,
    sum: 0,
    min: Infinity,
    max: -Infinity,
    booleans: 0,
    trues: 0,
    first: 0,
    last: 0,
  }
}

function open(fold: Fold, start: number, bucketMs: number, first: MetricValue): void {
  fold.start = start
  fold.end = start + bucketMs
  fold.count = 0
  fold.numbers = 0
  fold.sum = 0
  fold.min = Infinity
  fold.max = -Infinity
  fold.booleans = 0
  fold.trues = 0
  fold.first = first
}

function close(fold: Fold, { aggregates, budget, deviceId }: FoldPlan): void {
  if (fold.count === 0) return
  if (++budget.spent > budget.most)
    throw new CoreError(
      'input.too_large',
      `expected at most ${budget.most} points, found more: ask for longer buckets, a shorter span or fewer devices`,
      { details: { deviceId, maxPoints: budget.most } },
    )
  fold.points.push(pointOf(fold, aggregates))
}

type Point = { -readonly [K in keyof SeriesPoint]: SeriesPoint[K] }

function pointOf(fold: Fold, aggregates: readonly Aggregate[]): SeriesPoint {
  const point: Point = { at: fold.start }
  let found = false
  for (const aggregate of aggregates) if (put(point, fold, aggregate)) found = true
  if (!found) point.last = fold.last
  return point
}

/** Gives false where the values have no such aggregate, or where it is past what a number can be. */
function put(point: Point, fold: Fold, aggregate: Aggregate): boolean {
  switch (aggregate) {
    case 'avg': {
      const avg = (fold.sum + fold.trues) / (fold.numbers + fold.booleans)
      if (!Number.isFinite(avg)) return false
      point.avg = avg
      return true
    }
    case 'min':
    case 'max':
    case 'sum':
      if (fold.numbers === 0 || !Number.isFinite(fold[aggregate])) return false
      point[aggregate] = fold[aggregate]
      return true
    case 'count':
    case 'first':
    case 'last':
      return putAny(point, fold, aggregate)
  }
}

function putAny(point: Point, fold: Fold, aggregate: 'count' | 'first' | 'last'): true {
  if (aggregate === 'count') point.count = fold.count
  else point[aggregate] = fold[aggregate]
  return true
}
