/** How long messages took lately. Unit: ms. */
export interface LatencyView {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** Of how many messages. */
  readonly messages: number
}

/** Remembers how long messages took, for one minute. */
export interface Latency {
  /** A message took so long, and was done at a time that counts as `now` does. Unit: ms. */
  add(ms: number, at: number): void
  /** Over the last minute; `undefined` if there was no message. */
  read(): LatencyView | undefined
}

/** The minute is forgotten slice by slice. */
const SLICES = 12
const SLICE_MS = 5_000

/** Buckets grow by an eighth of an octave each, some 9 %: from 10 µs to 3 minutes. */
const BUCKETS = 194
const PER_OCTAVE = 8
const LEAST_MS = 0.01

/** Builds the memory; it takes some 10 KB. `now` counts in ms. */
export function createLatency(now: () => number): Latency {
  const slices = Array.from({ length: SLICES }, () => new Uint32Array(BUCKETS))
  /** Which stretch of time each slice is of. */
  const stretches = new Array<number>(SLICES).fill(-1)

  return {
    add(ms, now) {
      const stretch = Math.floor(now / SLICE_MS)
      const at = stretch % SLICES
      const slice = slices[at]
      if (slice === undefined) return
      if (stretches[at] !== stretch) {
        slice.fill(0)
        stretches[at] = stretch
      }
      const bucket = bucketOf(ms)
      slice[bucket] = (slice[bucket] ?? 0) + 1
    },
    read() {
      const oldest = Math.floor(now() / SLICE_MS) - SLICES + 1
      const sums = new Float64Array(BUCKETS)
      let messages = 0
      for (const [at, slice] of slices.entries()) {
        if ((stretches[at] ?? -1) < oldest) continue
        for (const [bucket, count] of slice.entries()) {
          sums[bucket] = (sums[bucket] ?? 0) + count
          messages += count
        }
      }
      if (messages === 0) return undefined
      const share = (part: number): number => {
        let left = Math.ceil(messages * part)
        let bucket = 0
        while (bucket < BUCKETS - 1 && left > (sums[bucket] ?? 0)) left -= sums[bucket++] ?? 0
        return Number((LEAST_MS * 2 ** (bucket / PER_OCTAVE)).toPrecision(3))
      }
      return { p50: share(0.5), p95: share(0.95), p99: share(0.99), messages }
    },
  }
}

/** The bucket whose upper end is the first one not below. */
function bucketOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0
  return Math.min(BUCKETS - 1, Math.ceil(Math.log2(ms / LEAST_MS) * PER_OCTAVE))
}
