import { CoreError } from '../errors.ts'
import type { ArithmeticSign, ComparisonSign } from './ast.ts'
import {
  add,
  compareNumeric,
  divide,
  divideInts,
  isInt,
  multiply,
  remainder,
  subtract,
} from './decimal.ts'
import type { RuleLimits } from './limits.ts'
import { isArray, isBytes, isNumeric, isObject, toNumeric, toText, type Value } from './value.ts'
import type { SqlVersion } from './version.ts'

/** What the operators of one statement depend on besides their operands. */
export interface Semantics {
  readonly version: SqlVersion
  /** True for version 2015-10-08, where `5.0` is not `5`. */
  readonly keepsScale: boolean
  readonly limits: RuleLimits
}

/** `+` joins as soon as one side is a String; else it adds. Result: Undefined where an operand does not fit. */
export function plus(left: Value, right: Value, semantics: Semantics): Value {
  if (typeof left === 'string' || typeof right === 'string') {
    const a = toText(left, semantics.limits.stringLength)
    const b = toText(right, semantics.limits.stringLength)
    return a === undefined || b === undefined ? undefined : joinText(a, b, semantics.limits)
  }
  if (!isNumeric(left) || !isNumeric(right)) return undefined
  return add(left, right, semantics.keepsScale)
}

/** @throws CoreError `rule.limit` if the text would be longer than the limit. */
export function joinText(left: string, right: string, limits: RuleLimits): string {
  if (left.length + right.length > limits.stringLength) {
    throw new CoreError('rule.limit', `expected at most ${limits.stringLength} characters of text`)
  }
  return left + right
}

/** What a pattern beyond the limit gives: matching costs its length times the text's. */
export function patternTooLong({ patternLength }: RuleLimits): CoreError {
  return new CoreError('rule.limit', `expected a pattern of at most ${patternLength} characters`)
}

/**
 * `-`, `*`, `/` and `%`; numeric strings count as Decimals.
 *
 * Result: Undefined where an operand does not fit, and for a division by zero. Int by Int gives an Int,
 * its fraction cut off.
 * Source: AWS IoT SQL, operators.
 */
export function arithmetic(
  sign: Exclude<ArithmeticSign, '+'>,
  left: Value,
  right: Value,
  semantics: Semantics,
): Value {
  const { keepsScale } = semantics
  const a = toNumeric(left, keepsScale)
  const b = toNumeric(right, keepsScale)
  if (a === undefined || b === undefined) return undefined
  switch (sign) {
    case '-':
      return subtract(a, b, keepsScale)
    case '*':
      return multiply(a, b, keepsScale)
    case '%':
      return remainder(a, b, keepsScale)
    case '/': {
      const ints = typeof left !== 'string' && typeof right !== 'string' && isInt(a) && isInt(b)
      return ints ? divideInts(a, b) : divide(a, b, keepsScale)
    }
  }
}

/**
 * `<`, `<=`, `>` and `>=`: both sides as Decimals. Strings have no order.
 *
 * Result: Undefined where an operand is no number and no numeric string.
 */
export function order(
  sign: '<' | '<=' | '>' | '>=',
  left: Value,
  right: Value,
): boolean | undefined {
  const a = toNumeric(left, false)
  const b = toNumeric(right, false)
  if (a === undefined || b === undefined) return undefined
  const difference = compareNumeric(a, b)
  switch (sign) {
    case '<':
      return difference < 0
    case '<=':
      return difference <= 0
    case '>':
      return difference > 0
    case '>=':
      return difference >= 0
  }
}

/** How many parts of arrays and objects one comparison may visit: shared parts can multiply. */
const EQUALITY_STEPS = 100_000

/** `=`: types that differ are unequal, Int and Decimal are one type. Result: Undefined if a side is. */
export function equal(left: Value, right: Value): boolean | undefined {
  if (left === undefined || right === undefined) return undefined
  if (left === right) return true
  if (typeof left !== 'object' && typeof right !== 'object') return false
  return same(left, right, { steps: 0 })
}

function same(left: Value, right: Value, budget: { steps: number }): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return isNumeric(left) && isNumeric(right) && compareNumeric(left, right) === 0
  }
  budget.steps += 1
  if (budget.steps > EQUALITY_STEPS) {
    throw new CoreError('rule.limit', `expected at most ${EQUALITY_STEPS} parts to compare`)
  }
  if (isNumeric(left) || isNumeric(right)) {
    return isNumeric(left) && isNumeric(right) && compareNumeric(left, right) === 0
  }
  if (isArray(left) || isArray(right)) {
    return (
      isArray(left) &&
      isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => same(item, right[index], budget))
    )
  }
  if (isBytes(left) || isBytes(right)) {
    return (
      isBytes(left) &&
      isBytes(right) &&
      left.length === right.length &&
      left.every((byte, index) => byte === right[index])
    )
  }
  if (!isObject(left) || !isObject(right)) return false
  const keys = Object.keys(left)
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key], budget))
  )
}

/** Any of the six comparisons. */
export function compare(sign: ComparisonSign, left: Value, right: Value): boolean | undefined {
  switch (sign) {
    case '=':
      return equal(left, right)
    case '<>': {
      const verdict = equal(left, right)
      return verdict === undefined ? undefined : !verdict
    }
    case '<':
    case '<=':
    case '>':
    case '>=':
      return order(sign, left, right)
  }
}
