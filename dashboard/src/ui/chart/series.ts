/** Points of one metric in the order of time. `null` is a gap. */
export interface ChartSeries {
  readonly name: string
  /** Variable of `tokens.css`. */
  readonly colour: string
  /** Epoch s. */
  readonly times: number[]
  readonly values: (number | null)[]
  /** Lowest and highest of each point, where it stands for many. */
  readonly low?: (number | null)[]
  readonly high?: (number | null)[]
}

const COLOURS = 6

/** The colour of the n-th metric of a device. */
export function colourOf(index: number): string {
  return `--series-${(index % COLOURS) + 1}`
}

/** Nobody draws a line over a silence that is so many times longer than usual, and longer than this. Unit: s. */
const GAP_FACTOR = 8
const GAP_S = 30

/** Adds one point; after a long silence a gap stands before it. */
export function addPoint(series: ChartSeries, time: number, value: number, usualS: number): void {
  const { times, values } = series
  const last = times.at(-1)
  if (last !== undefined && time <= last) return
  if (last !== undefined && time - last > Math.max(GAP_S, usualS * GAP_FACTOR)) {
    times.push(last + 0.001)
    values.push(null)
  }
  times.push(time)
  values.push(value)
}

/** The time between two points that is in the middle of all. Unit: s. */
export function usualStep(times: readonly number[]): number {
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? time))
  return steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0
}
