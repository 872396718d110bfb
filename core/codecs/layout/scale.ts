import type { LayoutField } from './options.ts'

/** From counts to units and back: `counts × scale / divide + add`. */
export interface Scale {
  toUnits(counts: number): number
  /** Not rounded. */
  toCounts(units: number): number
}

/**
 * The scale of a field; `undefined` if its counts are its units.
 *
 * Decimals are kept as whole numbers until the one division at the end: 2853 at 0.01 is 28.53 and not 28.530000000000001.
 */
export function scaleOf({
  scale = 1,
  divide = 1,
  add = 0,
  decimals,
}: LayoutField): Scale | undefined {
  if (scale === 1 && divide === 1 && add === 0 && decimals === undefined) return undefined
  const factor = decimalOf(scale)
  const offset = decimalOf(add)
  const places = Math.max(factor.places, offset.places)
  const step = factor.digits * 10 ** (places - factor.places)
  const shift = offset.digits * 10 ** (places - offset.places) * divide
  const divisor = 10 ** places * divide
  const power = decimals === undefined ? 0 : 10 ** decimals
  return {
    toUnits(counts) {
      const units = (counts * step + shift) / divisor
      return power === 0 ? units : Math.round(units * power) / power
    },
    toCounts: (units) => (units * divisor - shift) / step,
  }
}

/** `value = digits / 10^places`, with whole digits. */
function decimalOf(value: number): { readonly digits: number; readonly places: number } {
  const [mantissa = '0', exponent = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const digits = Number(whole + fraction)
  const places = fraction.length - Number(exponent)
  return places >= 0 ? { digits, places } : { digits: digits * 10 ** -places, places: 0 }
}
