import type { ComparisonSign, Literal } from './ast.ts'
import type { Evaluate, Test } from './frame.ts'
import { compare, equal, order } from './operators.ts'
import { toBoolean, type Value } from './value.ts'

/** The sign that says the same with the sides exchanged. */
export const FLIPPED = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
  '=': '=',
  '<>': '<>',
} as const satisfies Record<ComparisonSign, ComparisonSign>

/** A comparison as a value: true, false or Undefined. */
export function compileComparison(sign: ComparisonSign, left: Evaluate, right: Evaluate): Evaluate {
  return (row, frame) => compare(sign, left(row, frame), right(row, frame))
}

/** A comparison in a condition, where false and Undefined are one. */
export function compileComparisonTest(sign: ComparisonSign, left: Evaluate, right: Evaluate): Test {
  return (row, frame) => compare(sign, left(row, frame), right(row, frame)) === true
}

/** A comparison with a literal: numbers, the usual case, are compared in place. */
export function compileLiteralTest(
  sign: ComparisonSign,
  left: Evaluate,
  literal: Literal['value'],
): Test {
  if (isCompound(literal)) return compileComparisonTest(sign, left, () => literal)
  switch (sign) {
    case '=':
      return (row, frame) => {
        const value = left(row, frame)
        return value === literal || (isCompound(value) && equal(value, literal) === true)
      }
    case '<>':
      return (row, frame) => {
        const value = left(row, frame)
        if (value === undefined || value === literal) return false
        return !isCompound(value) || equal(value, literal) === false
      }
    case '<':
    case '<=':
    case '>':
    case '>=':
      return typeof literal === 'number'
        ? compileThreshold(sign, left, literal)
        : (row, frame) => order(sign, left(row, frame), literal) === true
  }
}

/** True for values that can equal a literal without being it: long decimals. */
function isCompound(value: Value): boolean {
  return typeof value === 'object' && value !== null
}

function compileThreshold(sign: '<' | '<=' | '>' | '>=', left: Evaluate, limit: number): Test {
  switch (sign) {
    case '<':
      return (row, frame) => {
        const value = left(row, frame)
        return typeof value === 'number' ? value < limit : order('<', value, limit) === true
      }
    case '<=':
      return (row, frame) => {
        const value = left(row, frame)
        return typeof value === 'number' ? value <= limit : order('<=', value, limit) === true
      }
    case '>':
      return (row, frame) => {
        const value = left(row, frame)
        return typeof value === 'number' ? value > limit : order('>', value, limit) === true
      }
    case '>=':
      return (row, frame) => {
        const value = left(row, frame)
        return typeof value === 'number' ? value >= limit : order('>=', value, limit) === true
      }
  }
}

/**
 * AND as a value. Source: AWS IoT SQL, operators: an operand that is neither a Boolean nor "true" or
 * "false" makes the result Undefined, whatever the others are.
 */
export function compileAnd(operands: readonly Evaluate[]): Evaluate {
  return (row, frame) => {
    let verdict = true
    for (const operand of operands) {
      const value = toBoolean(operand(row, frame))
      if (value === undefined) return undefined
      verdict &&= value
    }
    return verdict
  }
}

/** OR as a value; Undefined as with AND. */
export function compileOr(operands: readonly Evaluate[]): Evaluate {
  return (row, frame) => {
    let verdict = false
    for (const operand of operands) {
      const value = toBoolean(operand(row, frame))
      if (value === undefined) return undefined
      verdict ||= value
    }
    return verdict
  }
}

/** AND in a condition: the first operand that is not true decides, even if a later one is Undefined. */
export function compileAndTest(operands: readonly Test[]): Test {
  const [first, second] = operands
  if (first !== undefined && second !== undefined && operands.length === 2) {
    return (row, frame) => first(row, frame) && second(row, frame)
  }
  return (row, frame) => {
    for (const operand of operands) if (!operand(row, frame)) return false
    return true
  }
}

/** True if the value is true, or the string "true". */
export function compileTruth(evaluate: Evaluate): Test {
  return (row, frame) => {
    const value = evaluate(row, frame)
    return value === true || (typeof value === 'string' && toBoolean(value) === true)
  }
}

/** LIKE: `%` stands for any text, `_` for one character. Linear in text times pattern, never more. */
export function matchesLike(text: string, pattern: string): boolean {
  let at = 0
  let wanted = 0
  let star = -1
  let retry = 0
  while (at < text.length) {
    if (pattern[wanted] === '%') {
      star = wanted
      retry = at
      wanted += 1
    } else if (
      wanted < pattern.length &&
      (pattern[wanted] === '_' || pattern[wanted] === text[at])
    ) {
      at += 1
      wanted += 1
    } else if (star !== -1) {
      retry += 1
      at = retry
      wanted = star + 1
    } else {
      return false
    }
  }
  while (pattern[wanted] === '%') wanted += 1
  return wanted === pattern.length
}
