import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'
import type { LoadResult } from '../load/spec.ts'
import { costsOf, ratesOf } from './contest.ts'

type Results = ReadonlyMap<string, readonly LoadResult[]>

/** Capacity: messages per second, and against the peer. */
export function capacityTable(results: Results, peer: string): string {
  const theirs = ratesOf(results.get(peer) ?? [])
  const rows = [...results].map(([name, rounds]) => [
    name,
    withSpread(figureOf(ratesOf(rounds)), whole),
    name === peer ? '1' : withSpread(ratioOf(ratesOf(rounds), theirs), short),
    short(figureOf(costsOf(rounds)).median),
  ])
  return table(['', 'msg/s', `× ${peer}`, 'CPU µs/msg'], rows)
}

/** Ratio of the medians of two rivals' capacities, taken round by round. */
export function capacityRatio(results: Results, ours: string, peer: string): number {
  return ratioOf(ratesOf(results.get(ours) ?? []), ratesOf(results.get(peer) ?? [])).median
}

/** Latency at a fixed rate. Unit: ms. */
export function latencyTable(results: Results): string {
  const rows = [...results].map(([name, rounds]) => [
    name,
    withSpread(figureOf(rounds.map(({ p50 }) => p50)), short),
    withSpread(figureOf(rounds.map(({ p99 }) => p99)), short),
    rounds.some(({ overrun }) => overrun) ? 'no' : 'yes',
    short(figureOf(costsOf(rounds)).median),
  ])
  return table(['', 'p50 ms', 'p99 ms', 'kept up', 'CPU µs/msg'], rows)
}
