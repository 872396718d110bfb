import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  add,
  compareNumeric,
  divide,
  multiply,
  type Numeric,
  numericText,
  parseNumeric,
  remainder,
  subtract,
  toDouble,
} from '../../../core/rules/decimal.ts'

/** A decimal as digits and places: the arithmetic that the code under test must agree with. */
interface Exact {
  readonly digits: bigint
  readonly places: number
}

const exact = fc.record({
  digits: fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }),
  places: fc.integer({ min: 0, max: 8 }),
})

function textOf({ digits, places }: Exact): string {
  const size = (digits < 0n ? -digits : digits).toString().padStart(places + 1, '0')
  const sign = digits < 0n ? '-' : ''
  return places === 0 ? `${sign}${size}` : `${sign}${size.slice(0, -places)}.${size.slice(-places)}`
}

function numberOf(value: Exact): Numeric {
  return parseNumeric(textOf(value), false) ?? Number.NaN
}

/** The text of an exact decimal without zeros at the end. */
function plain({ digits, places }: Exact): string {
  let [short, left] = [digits, places]
  while (left > 0 && short % 10n === 0n) [short, left] = [short / 10n, left - 1]
  return textOf({ digits: short, places: left })
}

function text(value: Numeric | undefined): string {
  return value === undefined ? 'Undefined' : numericText(value)
}

/** Expands what is written in scientific notation. */
function expanded(written: string): string {
  const match = /^(-?)(\d)(?:\.(\d+))?E-(\d+)$/.exec(written)
  if (match === null) return written
  const [, sign, first = '', rest = '', exponent = '0'] = match
  return `${sign}0.${'0'.repeat(Number(exponent) - 1)}${first}${rest}`
}

function aligned(left: Exact, right: Exact): { a: bigint; b: bigint; places: number } {
  const places = Math.max(left.places, right.places)
  return {
    a: left.digits * 10n ** BigInt(places - left.places),
    b: right.digits * 10n ** BigInt(places - right.places),
    places,
  }
}

describe('arithmetic is exact to 34 digits', () => {
  it('adds and subtracts', () => {
    fc.assert(
      fc.property(exact, exact, (left, right) => {
        const { a, b, places } = aligned(left, right)
        expect(expanded(text(add(numberOf(left), numberOf(right), false)))).toBe(
          plain({ digits: a + b, places }),
        )
        expect(expanded(text(subtract(numberOf(left), numberOf(right), false)))).toBe(
          plain({ digits: a - b, places }),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  it('multiplies', () => {
    fc.assert(
      fc.property(exact, exact, (left, right) => {
        const product = { digits: left.digits * right.digits, places: left.places + right.places }
        fc.pre((product.digits < 0n ? -product.digits : product.digits) < 10n ** 34n)
        expect(expanded(text(multiply(numberOf(left), numberOf(right), false)))).toBe(
          plain(product),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  it('divides so that the product is the dividend again, within the last digit', () => {
    fc.assert(
      fc.property(exact, exact, (left, right) => {
        fc.pre(right.digits !== 0n)
        const quotient = divide(numberOf(left), numberOf(right), false)
        const wanted = Number(textOf(left)) / Number(textOf(right))
        const error = Math.abs(toDouble(quotient ?? Number.NaN) - wanted)
        expect(error).toBeLessThanOrEqual(1e-14 * Math.abs(wanted))
      }),
      { numRuns: 1_000 },
    )
  })

  it('leaves remainders of the sign of the dividend', () => {
    fc.assert(
      fc.property(exact, exact, (left, right) => {
        fc.pre(right.digits !== 0n)
        const { a, b, places } = aligned(left, right)
        expect(expanded(text(remainder(numberOf(left), numberOf(right), false)))).toBe(
          plain({ digits: a % b, places }),
        )
      }),
      { numRuns: 1_000 },
    )
  })

  it('compares', () => {
    fc.assert(
      fc.property(exact, exact, (left, right) => {
        const { a, b } = aligned(left, right)
        expect(compareNumeric(numberOf(left), numberOf(right))).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
      { numRuns: 1_000 },
    )
  })

  it('agrees with doubles on doubles', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 })
    fc.assert(
      fc.property(double, double, (left, right) => {
        expect(toDouble(add(left, right, false) ?? 0)).toBeCloseTo(left + right, 3)
        expect(Math.sign(compareNumeric(left, right))).toBe(Math.sign(left - right) + 0)
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    [divide(2, 3, false), '0.6666666666666666666666666666666667'],
    [divide(1, 8, false), '0.125'],
    [divide(-2, 3, false), '-0.6666666666666666666666666666666667'],
    [
      parseNumeric('0.12345678901234567890123456789012345', false),
      '0.1234567890123456789012345678901234',
    ],
    [
      parseNumeric('0.12345678901234567890123456789012355', false),
      '0.1234567890123456789012345678901236',
    ],
    [parseNumeric('1E999', false), '1E+999'],
    [parseNumeric('9E-999', false), '9E-999'],
    [parseNumeric('1E1000', false), 'Undefined'],
    [parseNumeric('1E-1000', false), 'Undefined'],
    [parseNumeric('5.0', true), '5.0'],
    [parseNumeric('5.0', false), '5'],
    [parseNumeric('1e3', true), '1E+3'],
    [parseNumeric('1e3', false), '1000'],
    [multiply(parseNumeric('2.5', true) ?? 0, 2, true), '5.0'],
    [1e21, '1000000000000000000000'],
    [1e300, '1E+300'],
    [1.25e-7, '1.25E-7'],
    [-0, '0'],
  ])('writes %s as %s', (value, written) => {
    expect(text(value)).toBe(written)
  })
})
