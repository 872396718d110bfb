/** A figure over several rounds: the one in the middle, and the two at the ends. */
export interface Figure {
  readonly median: number
  readonly min: number
  readonly max: number
}

/**
 * Sums up the rounds.
 * @throws Error if there is none.
 */
export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  const min = sorted[0]
  const max = sorted.at(-1)
  if (min === undefined || max === undefined) throw new Error('expected a round, found none')
  return { median: quantile(sorted, 0.5), min, max }
}

/** The value below which `share` (0 to 1) of the sorted values lie; NaN if there are none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

/** Divides round by round: rivals of one round ran one after the other, so what disturbed one disturbed both. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Figure {
  if (ours.length !== theirs.length)
    throw new Error(`expected equal rounds, found ${ours.length} and ${theirs.length}`)
  return figureOf(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)))
}
