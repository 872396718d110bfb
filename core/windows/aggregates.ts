import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import type { AggregateName, AggregateState } from '../model/window.ts'
import { addToBuckets, mergeBuckets, percentileOf } from './sketch.ts'

/** Values that `collect` keeps, and up to which percentiles are exact. */
export const MAX_LIST = 100

/** One aggregate call of a rule: its name and, for `percentile`, the share (0 to 1). */
export interface Aggregate {
  readonly name: AggregateName
  readonly share?: number
}

/** Before the first value. */
export const EMPTY_AGGREGATE: AggregateState = { n: 0 }

/**
 * Takes one value in. Undefined and null are passed over, as SQL does; so is, where numbers are asked for, what is none.
 * `at`: event time, epoch ms.
 */
export function addValue(
  { name }: Aggregate,
  state: AggregateState,
  value: Json | undefined,
  at: number,
): AggregateState {
  if (value === undefined || value === null) return state
  switch (name) {
    case 'count':
      return { n: state.n + 1 }
    case 'first':
      return keep(state, value, at, state.at === undefined || at < state.at)
    case 'last':
      return keep(state, value, at, state.at === undefined || at >= state.at)
    case 'collect':
      return collect(state, value)
    default:
      return typeof value === 'number' && Number.isFinite(value)
        ? addNumber(name, state, value, at)
        : state
  }
}

function addNumber(
  name: AggregateName,
  state: AggregateState,
  value: number,
  at: number,
): AggregateState {
  const n = state.n + 1
  switch (name) {
    case 'min':
      return keep(state, value, at, typeof state.kept !== 'number' || value < state.kept)
    case 'max':
      return keep(state, value, at, typeof state.kept !== 'number' || value > state.kept)
    case 'stddev': {
      const before = state.mean ?? 0
      const mean = before + (value - before) / n
      return { n, mean, m2: (state.m2 ?? 0) + (value - before) * (value - mean) }
    }
    case 'percentile':
      return addToSketch(state, value)
    default:
      return { n, sum: (state.sum ?? 0) + value }
  }
}

/** Puts two states of one aggregate together: sessions that turn out to be one. */
export function mergeStates(
  { name }: Aggregate,
  a: AggregateState,
  b: AggregateState,
): AggregateState {
  if (a.n === 0) return b
  if (b.n === 0) return a
  const n = a.n + b.n
  switch (name) {
    case 'count':
      return { n }
    case 'sum':
    case 'avg':
      return { n, sum: (a.sum ?? 0) + (b.sum ?? 0) }
    case 'min':
      return { ...(Number(a.kept) <= Number(b.kept) ? a : b), n }
    case 'max':
      return { ...(Number(a.kept) >= Number(b.kept) ? a : b), n }
    case 'first':
      return { ...((a.at ?? 0) <= (b.at ?? 0) ? a : b), n }
    case 'last':
      return { ...((a.at ?? 0) > (b.at ?? 0) ? a : b), n }
    case 'stddev': {
      const difference = (b.mean ?? 0) - (a.mean ?? 0)
      const mean = (a.mean ?? 0) + (difference * b.n) / n
      return { n, mean, m2: (a.m2 ?? 0) + (b.m2 ?? 0) + (difference * difference * a.n * b.n) / n }
    }
    case 'percentile':
      return mergeSketches(a, b)
    case 'collect':
      return { n, list: [...(a.list ?? []), ...(b.list ?? [])].slice(0, MAX_LIST) }
  }
}

/** The result: Undefined where no value came in, but for `count`, `sum` (0) and `collect` (empty). */
export function resultOf({ name, share }: Aggregate, state: AggregateState): Json | undefined {
  switch (name) {
    case 'count':
      return state.n
    case 'sum':
      return state.sum ?? 0
    case 'avg':
      return state.n === 0 ? undefined : (state.sum ?? 0) / state.n
    case 'min':
    case 'max':
    case 'first':
    case 'last':
      return state.kept
    case 'stddev':
      // Of a sample, as STDEV of the stream processors that users know: one value has none.
      return state.n < 2 ? undefined : Math.sqrt(Math.max(0, state.m2 ?? 0) / (state.n - 1))
    case 'percentile':
      return percentile(state, share ?? 0.5)
    case 'collect':
      return state.list ?? []
  }
}

/** @throws CoreError `rule.type` if a share is none. */
export function checkShare(share: number): number {
  if (share >= 0 && share <= 1) return share
  throw new CoreError('rule.type', `percentile: expected a share from 0 to 1, found ${share}`)
}

function keep(state: AggregateState, value: Json, at: number, better: boolean): AggregateState {
  return better ? { n: state.n + 1, kept: value, at } : { ...state, n: state.n + 1 }
}

function collect(state: AggregateState, value: Json): AggregateState {
  const list = state.list ?? []
  return { n: state.n + 1, list: list.length < MAX_LIST ? [...list, value] : list }
}

/** A list while there are few values, counts by bucket from then on. */
function addToSketch(state: AggregateState, value: number): AggregateState {
  const n = state.n + 1
  if (state.buckets !== undefined) return { n, buckets: addToBuckets(state.buckets, value) }
  const list = [...(state.list ?? []), value]
  return list.length <= MAX_LIST ? { n, list } : { n, buckets: bucketsOf(list) }
}

function mergeSketches(a: AggregateState, b: AggregateState): AggregateState {
  const n = a.n + b.n
  const list = [...(a.list ?? []), ...(b.list ?? [])]
  if (a.buckets === undefined && b.buckets === undefined && list.length <= MAX_LIST)
    return { n, list }
  const buckets = mergeBuckets(a.buckets ?? {}, b.buckets ?? {})
  return { n, buckets: mergeBuckets(buckets, bucketsOf(list)) }
}

function bucketsOf(list: readonly Json[]): Readonly<Record<string, number>> {
  let buckets: Readonly<Record<string, number>> = {}
  for (const value of list) if (typeof value === 'number') buckets = addToBuckets(buckets, value)
  return buckets
}

/** Exact, interpolated between neighbours, while the values are listed. Source: type 7 of Hyndman and Fan (1996). */
function percentile(state: AggregateState, share: number): number | undefined {
  if (state.n === 0) return undefined
  if (state.buckets !== undefined) return percentileOf(state.buckets, share)
  const sorted = (state.list ?? [])
    .filter((value) => typeof value === 'number')
    .toSorted((a, b) => a - b)
  const rank = share * (sorted.length - 1)
  const low = sorted[Math.floor(rank)]
  const high = sorted[Math.ceil(rank)]
  if (low === undefined || high === undefined) return undefined
  return low + (high - low) * (rank - Math.floor(rank))
}
