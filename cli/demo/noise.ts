/** Step of the counter and the mixing rounds are those of mulberry32 (public domain), as a function instead of a generator. */
const STEP = 0x6d2b79f5

/**
 * A number that looks random: the same seed and count give the same number on every machine.
 *
 * Range: 0 <= noise < 1.
 */
export function noise(seed: number, count: number): number {
  const word = (seed + Math.imul(count, STEP)) | 0
  let mixed = Math.imul(word ^ (word >>> 15), word | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

/**
 * The seed of one member of a group, so that neighbours have nothing in common.
 *
 * Source: the finishing rounds of MurmurHash3 (public domain).
 */
export function seedOf(seed: number, index: number): number {
  let mixed = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x85ebca6b)
  return mixed ^ (mixed >>> 16)
}
