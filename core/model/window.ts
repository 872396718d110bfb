import type { Json } from './json.ts'

/** The aggregates that a rule with windows may call. */
export const AGGREGATE_NAMES = [
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'stddev',
  'first',
  'last',
  'percentile',
  'collect',
] as const
export type AggregateName = (typeof AGGREGATE_NAMES)[number]

/**
 * One aggregate under way.
 *
 * Small and of bounded size whatever the number of values, so that it fits into the record. Times are event times, epoch ms.
 */
export interface AggregateState {
  /** How many values went in. */
  readonly n: number
  /** Sum, and for the deviation mean and sum of squared differences (Welford). */
  readonly sum?: number
  readonly mean?: number
  readonly m2?: number
  /** The value that is kept (smallest, largest, first, last), and its time. */
  readonly kept?: Json
  readonly at?: number
  /** Values as they came, up to a limit. */
  readonly list?: readonly Json[]
  /** Counts by logarithmic bucket, once there are too many values for a list. */
  readonly buckets?: Readonly<Record<string, number>>
}

/** One open window of one group. */
export interface Pane {
  /** The group's values, in the order of GROUP BY. */
  readonly group: readonly Json[]
  /** Event time, epoch ms: `start` belongs to it, `end` does not. */
  readonly start: number
  readonly end: number
  /** Newest event time in it. */
  readonly lastAt: number
  /** Our clock at which it closes even if no message comes. Epoch ms. */
  readonly dueAt: number
  readonly aggregates: readonly AggregateState[]
  /** Sliding windows: what is inside, oldest first. */
  readonly samples?: readonly Sample[]
}

/** One message inside a sliding window: its time, and a value for each aggregate (`null` where it has none). */
export type Sample = readonly [at: number, values: readonly Json[]]

/** One message as a window sees it. */
export interface WindowMessage {
  /** Event time, epoch ms. */
  readonly at: number
  /** Our clock, epoch ms. */
  readonly receivedAt: number
  /** The topic that it came on. */
  readonly topic: string
  readonly group: readonly Json[]
  /** A value for each aggregate; `null` where the message has none. */
  readonly values: readonly Json[]
}

/** The windows of one rule on one device, or of one fleet-wide group. */
export interface WindowState {
  /** Newest event time seen. */
  readonly newestAt: number
  /** Windows that end here or before are closed: what comes for them is late. */
  readonly closedThrough: number
  /** Topic of the last message, for what comes out when our clock closes a window. */
  readonly topic: string
  readonly panes: readonly Pane[]
  /** Messages that came for a closed window. */
  readonly late: number
  /** Messages that found no room: too many windows were open at once. */
  readonly dropped: number
  /** Names the plan by which they are cut. */
  readonly of?: string
}
