import type { MetricValue } from './telemetry.ts'

/**
 * What the values of one bucket are drawn together to. `avg`: of numbers, and of booleans as 0 and 1; `min`, `max` and
 * `sum`: of numbers; `count`, `first` and `last`: of values of any kind.
 */
export const AGGREGATES = ['avg', 'min', 'max', 'sum', 'count', 'first', 'last'] as const

export type Aggregate = (typeof AGGREGATES)[number]

/** What a chart asks for. */
export interface SeriesQuery {
  readonly deviceIds: readonly string[]
  /** Epoch ms, inclusive. */
  readonly from: number
  /** Epoch ms, exclusive. */
  readonly to: number
  /** Names of metrics; all that there are where it is absent. */
  readonly metrics?: readonly string[] | undefined
  /** Length of a bucket, a whole number above 0. Buckets are aligned to the epoch: each starts at a multiple of it. */
  readonly bucketMs: number
  readonly aggregates: readonly Aggregate[]
  /** How many points all series may have together. */
  readonly maxPoints: number
}

/** One metric of one device. */
export interface Series {
  readonly deviceId: string
  readonly metric: string
  /** In the order of time; buckets without a value are left out. */
  readonly points: readonly SeriesPoint[]
}

/**
 * One bucket, with those of the aggregates that its values have. Where they have none of those that were asked for (the
 * average of texts), it has `last`.
 */
export interface SeriesPoint {
  /** Where the bucket starts, epoch ms. It may lie before the span that was asked for; the values never do. */
  readonly at: number
  readonly avg?: number
  readonly min?: number
  readonly max?: number
  readonly sum?: number
  readonly count?: number
  readonly first?: MetricValue
  readonly last?: MetricValue
}
