// Percentiles of many values in little room: counts by logarithmic bucket.
// Source: DDSketch (Masson, Rim, Lee, VLDB 2019), with a relative error of 2 %.

const ERROR = 0.02
const GAMMA = (1 + ERROR) / (1 - ERROR)
const LOG_GAMMA = Math.log(GAMMA)

/** Values nearer to zero than this count as zero. */
const SMALLEST = 1e-9

/** More buckets than this are not kept: those nearest to zero are counted as zero, where the error is small in itself. */
const MAX_BUCKETS = 400

export type Buckets = Readonly<Record<string, number>>

/** Counts one value. */
export function addToBuckets(buckets: Buckets, value: number, times = 1): Buckets {
  const key = keyOf(value)
  const next = { ...buckets, [key]: (buckets[key] ?? 0) + times }
  return Object.keys(next).length > MAX_BUCKETS ? collapse(next) : next
}

/** Adds the counts of another sketch. */
export function mergeBuckets(a: Buckets, b: Buckets): Buckets {
  let merged = a
  for (const [key, times] of Object.entries(b)) merged = addToBuckets(merged, middleOf(key), times)
  return merged
}

/** The value below which the share `p` (0 to 1) of all values lies. Within 2 % of the true one. */
export function percentileOf(buckets: Buckets, p: number): number | undefined {
  const sorted = Object.entries(buckets)
    .map(([key, times]) => ({ value: middleOf(key), times }))
    .toSorted((a, b) => a.value - b.value)
  const total = sorted.reduce((sum, { times }) => sum + times, 0)
  const rank = p * (total - 1)
  let passed = 0
  for (const { value, times } of sorted) {
    passed += times
    if (passed > rank) return value
  }
  return sorted.at(-1)?.value
}

/** `p12` is bucket 12 of the positive values, `n-3` bucket -3 of the negative, `z` is zero. */
function keyOf(value: number): string {
  const size = Math.abs(value)
  if (size < SMALLEST) return 'z'
  return `${value < 0 ? 'n' : 'p'}${Math.ceil(Math.log(size) / LOG_GAMMA)}`
}

function middleOf(key: string): number {
  if (key === 'z') return 0
  const size = (2 * GAMMA ** Number(key.slice(1))) / (GAMMA + 1)
  return key.startsWith('n') ? -size : size
}

function collapse(buckets: Buckets): Buckets {
  const nearest = Object.keys(buckets)
    .filter((key) => key !== 'z')
    .toSorted((a, b) => Math.abs(middleOf(a)) - Math.abs(middleOf(b)))[0]
  if (nearest === undefined) return buckets
  const { [nearest]: times = 0, ...rest } = buckets
  return { ...rest, z: (rest['z'] ?? 0) + times }
}
