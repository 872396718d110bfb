/** How long the benches may take. */
export interface BenchOptions {
  /** Every rival runs in each round, in the other order in every second one. */
  readonly rounds: number
  /** Length of one measured span. Unit: ms. */
  readonly measureMs: number
  readonly warmUpMs: number
  /** Tiny: a few connections and devices, to see that everything runs. Its figures mean nothing. */
  readonly smoke: boolean
  /** Only shapes whose name holds this text; '' is all of them. */
  readonly shape: string
}

export const FULL: BenchOptions = {
  rounds: 3,
  measureMs: 4_000,
  warmUpMs: 1_500,
  smoke: false,
  shape: '',
}
export const SMOKE: BenchOptions = {
  rounds: 1,
  measureMs: 300,
  warmUpMs: 100,
  smoke: true,
  shape: '',
}

/** What a bench gives back: a table for people, and whether a wanted ratio was reached. */
export interface Report {
  readonly title: string
  readonly text: string
  readonly ratios: readonly Wanted[]
}

/** A ratio that the project wants of itself. It is printed, never a gate. */
export interface Wanted {
  readonly name: string
  readonly found: number
  readonly wanted: string
  readonly reached: boolean
}
