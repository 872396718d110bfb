/** The value of a float of 16 bits. Source: RFC 8949, appendix D. */
export function readHalf(bits: number): number {
  const exponent = (bits >> 10) & 0x1f
  const mantissa = bits & 0x3ff
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (mantissa + 1_024) * 2 ** (exponent - 25)
}

/** The 16 bits of a float of 32 bits that has room in them; `undefined` for one that has not. Not for NaN. */
export function halfBits(single: number): number | undefined {
  const sign = (single >>> 16) & 0x8000
  const exponent = ((single >>> 23) & 0xff) - 127
  const mantissa = single & 0x7f_ffff
  if (exponent >= -14 && exponent <= 15)
    return (mantissa & 0x1fff) === 0 ? sign | ((exponent + 15) << 10) | (mantissa >> 13) : undefined
  if (exponent === 128) return sign | 0x7c00
  if (exponent === -127) return mantissa === 0 ? sign : undefined
  if (exponent > 15 || exponent < -24) return undefined
  const shift = -1 - exponent
  const whole = mantissa | 0x80_0000
  return (whole & ((1 << shift) - 1)) === 0 ? sign | (whole >> shift) : undefined
}
