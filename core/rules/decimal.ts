/** Symbols, so that no path of a rule can ever reach into a number. */
const coefficient: unique symbol = Symbol('coefficient')
const scale: unique symbol = Symbol('scale')

/**
 * A number that a double cannot carry: `coefficient × 10^-scale`, at most 34 digits.
 *
 * As in Java's BigDecimal, a scale of 0 is an Int and any other scale is a Decimal.
 */
export interface Decimal {
  readonly [coefficient]: bigint
  readonly [scale]: number
}

/**
 * Any number of the language. A double stands for the decimal that it prints as, so `0.1` is one tenth;
 * whatever does not survive that is a {@link Decimal}.
 */
export type Numeric = number | Decimal

/** How many digits an Int or a Decimal keeps. Source: AWS IoT SQL, data types. */
export const PRECISION = 34
/** Largest and smallest exponent of a Decimal: 9.999…E999 and 1E-999. Source: as above. */
const MAX_EXPONENT = 999
/** Decimals of up to this many digits survive the way through a double and back. */
const DOUBLE_DIGITS = 15
const DOUBLE_LIMIT = 1e15
/** Exponents within which they do. */
const DOUBLE_EXPONENT = 290
const POWERS: readonly number[] = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)

const NUMERIC_TEXT = /^(-?)(\d+)(?:\.(\d+))?(?:[eE](-?\d+))?$/

export function isDecimal(value: unknown): value is Decimal {
  return typeof value === 'object' && value !== null && coefficient in value
}

function make(digits: bigint, places: number): Decimal {
  return { [coefficient]: digits, [scale]: places }
}

function countDigits(digits: bigint): number {
  return (digits < 0n ? -digits : digits).toString().length
}

function tenTo(exponent: number): bigint {
  return 10n ** BigInt(exponent)
}

/** The decimal that a finite double prints as. */
export function toDecimal(value: Numeric): Decimal {
  if (typeof value !== 'number') return value
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(`${value}`)
  if (match === null) return make(0n, 0)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = BigInt(`${sign}${whole}${fraction}`)
  const places = fraction.length - Number(exponent)
  return places < 0 ? make(digits * tenTo(-places), 0) : make(digits, places)
}

/** The nearest double. Result: may be infinite for magnitudes beyond a double's. */
export function toDouble(value: Numeric): number {
  return typeof value === 'number' ? value : Number(`${value[coefficient]}e${-value[scale]}`)
}

/**
 * Reads a numeric string.
 *
 * Shape:  `^-?\d+(\.\d+)?((?i)E-?\d+)?$`; neither `+5`, `.5`, `5.` nor `1E+5` is a number.
 * Result: `undefined` for any other text and for magnitudes beyond 9.999…E999 or below 1E-999.
 * Source: AWS IoT SQL, data types, conversions to Decimal.
 */
export function parseNumeric(text: string, keepsScale: boolean): Numeric | undefined {
  const match = NUMERIC_TEXT.exec(text)
  if (match === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  if (
    !keepsScale &&
    whole.length + fraction.length <= DOUBLE_DIGITS &&
    Math.abs(Number(exponent)) <= DOUBLE_EXPONENT
  ) {
    return Number(text) + 0
  }
  if (exponent.length > 6) return /^0*$/.test(whole + fraction) ? 0 : undefined
  const places = fraction.length - Number(exponent)
  return normalise(make(BigInt(`${sign}${whole}${fraction}`), places), keepsScale)
}

/** Reads a number literal of SQL or JSON, which the caller has checked to be one. */
export function readNumber(text: string, keepsScale: boolean): Numeric | undefined {
  const plain = text.startsWith('.') ? `0${text}` : text
  return parseNumeric(plain.replace('+', ''), keepsScale)
}

/**
 * Brings a result into its one form: at most 34 digits (half to even, as Java's DECIMAL128), a double where
 * that is exact. Unless `keepsScale` (SQL version 2015-10-08) whole numbers become Ints.
 *
 * Result: `undefined` beyond the range of a Decimal.
 */
function normalise(value: Decimal, keepsScale: boolean): Numeric | undefined {
  let digits = value[coefficient]
  let places = value[scale]
  if (digits === 0n) return keepsScale && places !== 0 ? make(0n, 1) : 0
  const excess = countDigits(digits) - PRECISION
  if (excess > 0) {
    digits = divideHalfEven(digits, tenTo(excess))
    places -= excess
  }
  const wasInt = value[scale] === 0 && excess <= 0
  while (digits % 10n === 0n) {
    digits /= 10n
    places -= 1
  }
  const size = countDigits(digits)
  const exponent = size - 1 - places
  if (exponent > MAX_EXPONENT || exponent < -MAX_EXPONENT) return undefined
  if (places > 0) {
    return asDouble(digits, places, size, exponent) ?? make(digits, places)
  }
  if (keepsScale && !wasInt) return places < 0 ? make(digits, places) : make(digits * 10n, 1)
  if (size - places > PRECISION) return make(digits, places)
  const whole = digits * tenTo(-places)
  const double = Number(whole)
  return Number.isSafeInteger(double) ? double : make(whole, 0)
}

/** The double that prints as these digits; `undefined` if there is none. */
function asDouble(
  digits: bigint,
  places: number,
  size: number,
  exponent: number,
): number | undefined {
  if (size > DOUBLE_DIGITS + 2 || exponent < -DOUBLE_EXPONENT) return undefined
  const double = Number(`${digits}e${-places}`)
  if (size <= DOUBLE_DIGITS) return double
  const printed = toDecimal(double)
  return printed[coefficient] === digits && printed[scale] === places ? double : undefined
}

function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  const remainder = dividend % divisor
  const twice = (remainder < 0n ? -remainder : remainder) * 2n
  const size = divisor < 0n ? -divisor : divisor
  if (twice < size || (twice === size && quotient % 2n === 0n)) return quotient
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n
}

/** True for Ints: whole doubles and decimals of scale 0. */
export function isInt(value: Numeric): boolean {
  return typeof value === 'number' ? Number.isInteger(value) : value[scale] === 0
}

/** How many decimal places a double has, 0 to 6; -1 if more or if it is too large for exact work. */
function placesOf(value: number): number {
  for (let places = 0; places <= 6; places += 1) {
    const power = POWERS[places] ?? 1
    const scaled = Math.round(value * power)
    if (scaled / power === value) return Math.abs(scaled) < DOUBLE_LIMIT ? places : -1
  }
  return -1
}

/** The exact sum (or with `direction` -1 the difference) of two short decimals in doubles; NaN where that is not sure. */
function quickSum(left: number, right: number, direction: 1 | -1): number {
  const places = Math.max(placesOf(left), placesOf(right))
  if (placesOf(left) === -1 || placesOf(right) === -1) return Number.NaN
  const power = POWERS[places] ?? 1
  const sum = Math.round(left * power) + direction * Math.round(right * power)
  return Math.abs(sum) < DOUBLE_LIMIT ? sum / power : Number.NaN
}

function quickProduct(left: number, right: number): number {
  const leftPlaces = placesOf(left)
  const rightPlaces = placesOf(right)
  if (leftPlaces === -1 || rightPlaces === -1) return Number.NaN
  const product =
    Math.round(left * (POWERS[leftPlaces] ?? 1)) * Math.round(right * (POWERS[rightPlaces] ?? 1))
  return Math.abs(product) < DOUBLE_LIMIT
    ? product / (POWERS[leftPlaces + rightPlaces] ?? 1)
    : Number.NaN
}

function align(left: Decimal, right: Decimal): { a: bigint; b: bigint; places: number } {
  const places = Math.max(left[scale], right[scale])
  return {
    a: left[coefficient] * tenTo(places - left[scale]),
    b: right[coefficient] * tenTo(places - right[scale]),
    places,
  }
}

/** True if a quick double may stand for the result: it is sure, and no whole number loses its scale. */
function settles(quick: number, left: Numeric, right: Numeric, keepsScale: boolean): boolean {
  if (Number.isNaN(quick)) return false
  return !keepsScale || !Number.isInteger(quick) || (isInt(left) && isInt(right))
}

/** Result: `undefined` beyond the range of a Decimal; the same holds for the other operations. */
export function add(left: Numeric, right: Numeric, keepsScale: boolean): Numeric | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    if (Number.isSafeInteger(left) && Number.isSafeInteger(right) && Number.isSafeInteger(sum))
      return sum
    const quick = quickSum(left, right, 1)
    if (settles(quick, left, right, keepsScale)) return quick + 0
  }
  const { a, b, places } = align(toDecimal(left), toDecimal(right))
  return normalise(make(a + b, places), keepsScale)
}

export function subtract(left: Numeric, right: Numeric, keepsScale: boolean): Numeric | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right
    if (
      Number.isSafeInteger(left) &&
      Number.isSafeInteger(right) &&
      Number.isSafeInteger(difference)
    ) {
      return difference
    }
    const quick = quickSum(left, right, -1)
    if (settles(quick, left, right, keepsScale)) return quick + 0
  }
  const { a, b, places } = align(toDecimal(left), toDecimal(right))
  return normalise(make(a - b, places), keepsScale)
}

export function multiply(left: Numeric, right: Numeric, keepsScale: boolean): Numeric | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right
    if (
      Number.isSafeInteger(left) &&
      Number.isSafeInteger(right) &&
      Number.isSafeInteger(product)
    ) {
      return product + 0
    }
    const quick = quickProduct(left, right)
    if (settles(quick, left, right, keepsScale)) return quick + 0
  }
  const a = toDecimal(left)
  const b = toDecimal(right)
  return normalise(make(a[coefficient] * b[coefficient], a[scale] + b[scale]), keepsScale)
}

/** Divides as Decimals, to 34 digits. Result: `undefined` for a division by zero. */
export function divide(left: Numeric, right: Numeric, keepsScale: boolean): Numeric | undefined {
  if (typeof left === 'number' && typeof right === 'number' && right !== 0) {
    const quotient = left / right
    if (quickProduct(quotient, right) === left && settles(quotient, left, right, keepsScale)) {
      return quotient + 0
    }
  }
  const a = toDecimal(left)
  const b = toDecimal(right)
  if (b[coefficient] === 0n) return undefined
  const extra =
    PRECISION + 2 + Math.max(0, countDigits(b[coefficient]) - countDigits(a[coefficient]))
  const numerator = a[coefficient] * tenTo(extra)
  let quotient = numerator / b[coefficient]
  // A last digit that is not zero keeps "half to even" from taking an inexact half for an exact one.
  if (numerator % b[coefficient] !== 0n) {
    const negative = numerator < 0n !== b[coefficient] < 0n
    quotient = quotient * 10n + (negative ? -1n : 1n)
    return normalise(make(quotient, a[scale] - b[scale] + extra + 1), keepsScale)
  }
  return normalise(make(quotient, a[scale] - b[scale] + extra), keepsScale)
}

/** Divides Ints: the fraction is cut off. Result: `undefined` for a division by zero. */
export function divideInts(left: Numeric, right: Numeric): Numeric | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    if (right === 0) return undefined
    if (Number.isSafeInteger(left) && Number.isSafeInteger(right)) {
      return (left - (left % right)) / right + 0
    }
  }
  const a = toDecimal(left)
  const b = toDecimal(right)
  return b[coefficient] === 0n
    ? undefined
    : normalise(make(a[coefficient] / b[coefficient], 0), false)
}

/** The remainder has the sign of the dividend, as in Java. Result: `undefined` for a division by zero. */
export function remainder(left: Numeric, right: Numeric, keepsScale: boolean): Numeric | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    if (right === 0) return undefined
    if (Number.isSafeInteger(left) && Number.isSafeInteger(right)) return (left % right) + 0
  }
  const { a, b, places } = align(toDecimal(left), toDecimal(right))
  return b === 0n ? undefined : normalise(make(a % b, places), keepsScale)
}

/** Result: negative, 0 or positive as `left` is less than, equal to or greater than `right`. */
export function compareNumeric(left: Numeric, right: Numeric): number {
  if (typeof left === 'number' && typeof right === 'number') {
    return left < right ? -1 : left > right ? 1 : 0
  }
  const { a, b } = align(toDecimal(left), toDecimal(right))
  return a < b ? -1 : a > b ? 1 : 0
}

export function negate(value: Numeric): Numeric {
  return typeof value === 'number' ? 0 - value : make(-value[coefficient], value[scale])
}

export function signOf(value: Numeric): number {
  return compareNumeric(value, 0)
}

/** The largest Int that is not above the value. */
export function floor(value: Numeric): Numeric {
  if (typeof value === 'number') return Math.floor(value) + 0
  return toInt(value, (whole, rest) => (rest < 0n ? whole - 1n : whole))
}

/** The smallest Int that is not below the value. */
export function ceil(value: Numeric): Numeric {
  if (typeof value === 'number') return Math.ceil(value) + 0
  return toInt(value, (whole, rest) => (rest > 0n ? whole + 1n : whole))
}

/** The nearest Int, halves away from zero: `round(-1.5)` is -2. */
export function round(value: Numeric): Numeric {
  if (typeof value === 'number') return Math.sign(value) * Math.round(Math.abs(value)) + 0
  return toInt(value, (whole, rest, unit) => {
    if (rest >= 0n) return rest * 2n >= unit ? whole + 1n : whole
    return -rest * 2n >= unit ? whole - 1n : whole
  })
}

function toInt(
  value: Decimal,
  step: (whole: bigint, rest: bigint, unit: bigint) => bigint,
): Numeric {
  if (value[scale] <= 0) {
    const whole = make(value[coefficient] * tenTo(-value[scale]), 0)
    return normalise(whole, false) ?? whole
  }
  const unit = tenTo(value[scale])
  const whole = make(step(value[coefficient] / unit, value[coefficient] % unit, unit), 0)
  return normalise(whole, false) ?? whole
}

/** Cuts off all but `places` decimal places (0 to 34) and the zeros at the end. */
export function truncate(value: Numeric, places: number): Numeric {
  const exact = toDecimal(value)
  if (exact[scale] <= places) return normalise(exact, false) ?? value
  const cut = exact[coefficient] / tenTo(exact[scale] - places)
  return normalise(make(cut, places), false) ?? value
}

/** The whole part as a BigInt. */
export function toBigInt(value: Numeric): bigint {
  const exact = toDecimal(floor(value))
  return exact[coefficient] * tenTo(-exact[scale])
}

/** The Int that a BigInt stands for. Result: `undefined` beyond the range of a Decimal. */
export function fromBigInt(value: bigint): Numeric | undefined {
  return normalise(make(value, 0), false)
}

/** A double as the Decimal that version 2015-10-08 takes it for: `32` becomes `32.0`. */
export function keepScale(value: number): Numeric {
  return Number.isInteger(value) ? make(toDecimal(value)[coefficient] * 10n, 1) : value
}

/**
 * Writes a number as Java's BigDecimal does: Ints in full, Decimals in scientific notation below 1E-6.
 *
 * Source: AWS IoT SQL, data types, conversions to String.
 */
export function numericText(value: Numeric): string {
  if (typeof value === 'number') {
    const magnitude = Math.abs(value)
    if (magnitude < 1e21 && (magnitude >= 1e-6 || magnitude === 0)) return `${value + 0}`
  }
  const exact = toDecimal(value)
  const digits = (exact[coefficient] < 0n ? -exact[coefficient] : exact[coefficient]).toString()
  const sign = exact[coefficient] < 0n ? '-' : ''
  const places = exact[scale]
  const exponent = digits.length - 1 - places
  if (places === 0 && digits.length <= PRECISION) return `${sign}${digits}`
  if (places >= 0 && places < digits.length + 6 && digits.length <= PRECISION) {
    const padded = digits.padStart(places + 1, '0')
    return `${sign}${padded.slice(0, -places)}.${padded.slice(-places)}`
  }
  const rest = digits.slice(1).replace(places === 0 ? /0+$/ : /$^/, '')
  return `${sign}${digits[0]}${rest === '' ? '' : `.${rest}`}E${exponent < 0 ? '' : '+'}${exponent}`
}
