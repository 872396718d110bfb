import type { Endian } from './options.ts'

/**
 * Where the bytes of a number lie: the most significant first.
 * `undefined` if this order has none for this length: words are of two bytes.
 */
export function orderOf(endian: Endian, size: number): readonly number[] | undefined {
  const places = Array.from({ length: size }, (_, index) => index)
  if (size === 1) return places
  switch (endian) {
    case 'big':
    case 'ABCD':
      return places
    case 'little':
    case 'DCBA':
      return places.toReversed()
    case 'word-swapped':
    case 'CDAB':
      return size % 2 === 0 ? places.map((at) => size - 2 - (at & ~1) + (at & 1)) : undefined
    case 'byte-swapped':
    case 'BADC':
      return size % 2 === 0 ? places.map((at) => at ^ 1) : undefined
  }
}

/** Reads an unsigned number; of more than 2^53 - 1 its digits. */
export function readUnsigned(
  bytes: ArrayLike<number>,
  at: number,
  order: readonly number[],
): number | bigint {
  let value = 0
  const { length } = order
  if (length <= 6) {
    for (let index = 0; index < length; index++)
      value = value * 256 + (bytes[at + (order[index] ?? 0)] ?? 0)
    return value
  }
  let wide = 0n
  for (let index = 0; index < length; index++)
    wide = (wide << 8n) | BigInt(bytes[at + (order[index] ?? 0)] ?? 0)
  return wide <= MAX_SAFE ? Number(wide) : wide
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

/** Writes a number, negative ones in two's complement. */
export function writeNumber(
  bytes: number[],
  at: number,
  order: readonly number[],
  value: bigint | number,
): void {
  let left = BigInt.asUintN(8 * order.length, BigInt(value))
  for (let index = order.length - 1; index >= 0; index--) {
    bytes[at + (order[index] ?? 0)] = Number(left & 0xffn)
    left >>= 8n
  }
}

/** Takes the next bits of a message: from the highest of each byte, or from the lowest. */
export function readBits(
  bytes: Uint8Array,
  from: number,
  count: number,
  lowFirst: boolean,
): number {
  let value = 0
  let weight = 1
  let at = from
  let left = count
  while (left > 0) {
    const used = at & 7
    const size = Math.min(8 - used, left)
    const byte = bytes[at >> 3] ?? 0
    const mask = (1 << size) - 1
    if (lowFirst) {
      value += ((byte >> used) & mask) * weight
      weight *= 2 ** size
    } else value = value * 2 ** size + ((byte >> (8 - used - size)) & mask)
    at += size
    left -= size
  }
  return value
}

/** The way back of `readBits`; the bits were zero before. */
export function writeBits(
  bytes: number[],
  from: number,
  count: number,
  lowFirst: boolean,
  value: number,
): void {
  for (let index = 0; index < count; index++) {
    const at = from + index
    const power = lowFirst ? index : count - 1 - index
    const bit = Math.floor(value / 2 ** power) % 2
    const place = lowFirst ? at & 7 : 7 - (at & 7)
    while (bytes.length <= at >> 3) bytes.push(0)
    bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (bit << place)
  }
}
