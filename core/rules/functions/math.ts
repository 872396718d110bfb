import {
  ceil,
  floor,
  fromBigInt,
  keepScale,
  type Numeric,
  negate,
  round,
  signOf,
  toBigInt,
  toDouble,
  truncate,
} from '../decimal.ts'
import { arithmetic } from '../operators.ts'
import type { Value } from '../value.ts'
import { doubleOf, numberOf } from './arguments.ts'
import { AWS_FUNCTIONS, type FunctionBody, type FunctionDefinition } from './definition.ts'

/** A function on doubles. Result: Undefined where it has no finite value. */
function real(apply: (value: number) => number): FunctionBody {
  return (args, _frame, semantics) => {
    const value = doubleOf(args, 0, semantics)
    return value === undefined ? undefined : finite(apply(value), semantics.keepsScale)
  }
}

function realOfTwo(apply: (left: number, right: number) => number): FunctionBody {
  return (args, _frame, semantics) => {
    const left = doubleOf(args, 0, semantics)
    const right = doubleOf(args, 1, semantics)
    if (left === undefined || right === undefined) return undefined
    return finite(apply(left, right), semantics.keepsScale)
  }
}

function finite(value: number, keepsScale: boolean): Value {
  if (!Number.isFinite(value)) return undefined
  return keepsScale ? keepScale(value) : value + 0
}

function exact(apply: (value: Numeric) => Numeric): FunctionBody {
  return (args, _frame, semantics) => {
    const value = numberOf(args, 0, semantics)
    return value === undefined ? undefined : apply(value)
  }
}

/** Beyond this the bits of an Int are not worth their memory; an Int has 34 digits at most. */
const MAX_BIT_MAGNITUDE = 1e35

function bitsOf(value: Numeric | undefined): bigint | undefined {
  return value === undefined || Math.abs(toDouble(value)) > MAX_BIT_MAGNITUDE
    ? undefined
    : toBigInt(value)
}

function bits(apply: (left: bigint, right: bigint) => bigint): FunctionBody {
  return (args, _frame, semantics) => {
    const left = bitsOf(numberOf(args, 0, semantics))
    const right = bitsOf(numberOf(args, 1, semantics))
    return left === undefined || right === undefined ? undefined : fromBigInt(apply(left, right))
  }
}

const remainderOf: FunctionBody = (args, _frame, semantics) =>
  arithmetic('%', args[0], args[1], semantics)

function define(
  name: string,
  signature: string,
  doc: string,
  example: string,
  run: FunctionBody,
  arity: readonly [number, number] = [1, 1],
): FunctionDefinition {
  return { name, signature, doc, example, source: AWS_FUNCTIONS, since: '2015-10-08', arity, run }
}

/** Numbers. Arguments are numbers or numeric strings; for anything else the result is Undefined. */
export const MATH_FUNCTIONS: readonly FunctionDefinition[] = [
  define(
    'abs',
    'abs(Decimal)',
    'The magnitude of a number.',
    'abs(-5) = 5',
    exact((value) => (signOf(value) < 0 ? negate(value) : value)),
  ),
  define(
    'acos',
    'acos(Decimal)',
    'The inverse cosine, in radians.',
    'acos(0) = 1.5707963267948966',
    real(Math.acos),
  ),
  define('asin', 'asin(Decimal)', 'The inverse sine, in radians.', 'asin(0) = 0', real(Math.asin)),
  define(
    'atan',
    'atan(Decimal)',
    'The inverse tangent, in radians.',
    'atan(0) = 0',
    real(Math.atan),
  ),
  define(
    'atan2',
    'atan2(Decimal, Decimal)',
    'The angle to a point, in radians.',
    'atan2(1, 0) = 1.5707963267948966',
    realOfTwo(Math.atan2),
    [2, 2],
  ),
  define(
    'bitand',
    'bitand(Int, Int)',
    'Bits set in both numbers, which are rounded down.',
    'bitand(13, 5) = 5',
    bits((left, right) => left & right),
    [2, 2],
  ),
  define(
    'bitor',
    'bitor(Int, Int)',
    'Bits set in either number, which are rounded down.',
    'bitor(8, 5) = 13',
    bits((left, right) => left | right),
    [2, 2],
  ),
  define(
    'bitxor',
    'bitxor(Int, Int)',
    'Bits set in one number only; both are rounded down.',
    'bitxor(13, 5) = 8',
    bits((left, right) => left ^ right),
    [2, 2],
  ),
  define(
    'bitnot',
    'bitnot(Int)',
    "The two's complement of a number, which is rounded down.",
    'bitnot(13) = -14',
    (args, _frame, semantics) => {
      const value = bitsOf(numberOf(args, 0, semantics))
      return value === undefined ? undefined : fromBigInt(~value)
    },
  ),
  define(
    'ceil',
    'ceil(Decimal)',
    'The nearest Int that is not below the number.',
    'ceil(1.2) = 2',
    exact(ceil),
  ),
  define('cos', 'cos(Decimal)', 'The cosine of an angle in radians.', 'cos(0) = 1', real(Math.cos)),
  define(
    'cosh',
    'cosh(Decimal)',
    'The hyperbolic cosine.',
    'cosh(2.3) = 5.037220649268761',
    real(Math.cosh),
  ),
  define(
    'exp',
    'exp(Decimal)',
    'e raised to the number.',
    'exp(1) = 2.718281828459045',
    real(Math.exp),
  ),
  define(
    'floor',
    'floor(Decimal)',
    'The nearest Int that is not above the number.',
    'floor(-1.2) = -2',
    exact(floor),
  ),
  define('ln', 'ln(Decimal)', 'The natural logarithm.', 'ln(1) = 0', real(Math.log)),
  define('log', 'log(Decimal)', 'The logarithm to base 10.', 'log(100) = 2', real(Math.log10)),
  define(
    'mod',
    'mod(Decimal, Decimal)',
    'The remainder of a division, with the sign of the dividend.',
    'mod(8, 3) = 2',
    remainderOf,
    [2, 2],
  ),
  define(
    'power',
    'power(Decimal, Decimal)',
    'The first number raised to the second.',
    'power(2, 5) = 32',
    realOfTwo((base, exponent) => base ** exponent),
    [2, 2],
  ),
  {
    ...define(
      'rand',
      'rand()',
      'A random number from 0 up to but not 1.',
      'rand() = 0.8231909191640703',
      (_args, frame) => frame.facts.random?.(),
      [0, 0],
    ),
    hasChance: true,
  },
  define(
    'remainder',
    'remainder(Decimal, Decimal)',
    'The same as mod.',
    'remainder(8, 3) = 2',
    remainderOf,
    [2, 2],
  ),
  define(
    'round',
    'round(Decimal)',
    'The nearest Int; halves are rounded away from zero.',
    'round(-1.5) = -2',
    exact(round),
  ),
  define('sign', 'sign(Decimal)', '-1, 0 or 1.', 'sign(-7) = -1', exact(signOf)),
  define('sin', 'sin(Decimal)', 'The sine of an angle in radians.', 'sin(0) = 0', real(Math.sin)),
  define(
    'sinh',
    'sinh(Decimal)',
    'The hyperbolic sine.',
    'sinh(2.3) = 4.936961805545957',
    real(Math.sinh),
  ),
  define('sqrt', 'sqrt(Decimal)', 'The square root.', 'sqrt(9) = 3', real(Math.sqrt)),
  define(
    'tan',
    'tan(Decimal)',
    'The tangent of an angle in radians.',
    'tan(3) = -0.1425465430742778',
    real(Math.tan),
  ),
  define(
    'tanh',
    'tanh(Decimal)',
    'The hyperbolic tangent.',
    'tanh(2.3) = 0.9800963962661914',
    real(Math.tanh),
  ),
  define(
    'trunc',
    'trunc(Decimal, Int)',
    'Cuts a number off after so many decimal places, 0 to 34.',
    'trunc(2.3123, 2) = 2.31',
    (args, _frame, semantics) => {
      const value = numberOf(args, 0, semantics)
      const places = typeof args[1] === 'string' ? undefined : doubleOf(args, 1, semantics)
      if (value === undefined || places === undefined) return undefined
      return truncate(value, Math.min(34, Math.max(0, Math.floor(places))))
    },
    [2, 2],
  ),
]
