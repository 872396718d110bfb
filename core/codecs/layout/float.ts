/** Reads an IEEE 754 number of 2, 4 or 8 bytes, the most significant first in `order`; `view` has room for 8 bytes. */
export function readFloat(
  bytes: Uint8Array,
  at: number,
  order: readonly number[],
  view: DataView,
): number {
  if (order.length === 2)
    return halfToNumber(
      ((bytes[at + (order[0] ?? 0)] ?? 0) << 8) | (bytes[at + (order[1] ?? 0)] ?? 0),
    )
  for (let index = 0; index < order.length; index++)
    view.setUint8(index, bytes[at + (order[index] ?? 0)] ?? 0)
  return order.length === 4 ? view.getFloat32(0) : view.getFloat64(0)
}

/** The way back of `readFloat`. */
export function writeFloat(
  bytes: number[],
  at: number,
  order: readonly number[],
  value: number,
  view: DataView,
): void {
  if (order.length === 2) view.setUint16(0, numberToHalf(value))
  else if (order.length === 4) view.setFloat32(0, value)
  else view.setFloat64(0, value)
  for (let index = 0; index < order.length; index++)
    bytes[at + (order[index] ?? 0)] = view.getUint8(index)
}

function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1_023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1_024) * 2 ** (exponent - 15)
}

/** The nearest number of 16 bits; halves go to the even one. */
function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size >= 65_520) return sign | 0x7c00
  let exponent = Math.max(-14, Math.floor(Math.log2(size)))
  if (2 ** exponent > size && exponent > -14) exponent--
  // Below 2^-14 there is no leading one, and the same steps go on.
  const steps = toEven(size * 2 ** (10 - exponent))
  if (size < 2 ** -14) return sign | steps
  return sign | ((exponent + 15) * 1_024 + steps - 1_024)
}

function toEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1
  return rest < 0.5 ? floor : floor + 1
}
