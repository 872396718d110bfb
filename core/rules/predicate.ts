import type { ComparisonSign, Expression } from './ast.ts'
import { FLIPPED } from './compile-condition.ts'

/** A comparison of a path with a literal that must be true for a rule's WHERE to be true. */
export interface Predicate {
  readonly path: readonly string[]
  readonly sign: Exclude<ComparisonSign, '<>'>
  /** A number where the sign is an order. */
  readonly literal: string | number | boolean
  /** True if it is all of WHERE. */
  readonly isWhole: boolean
}

/**
 * Finds the comparison of a condition that tells most messages apart: an equality before a threshold.
 *
 * Result: `undefined` if no part that must be true compares a path with a literal.
 */
export function findPredicate(where: Expression): Predicate | undefined {
  const parts = conjuncts(where)
  const isWhole = parts.length === 1
  let best: Predicate | undefined
  for (const part of parts) {
    const found = predicateOf(part, isWhole)
    if (found !== undefined && (best === undefined || (found.sign === '=' && best.sign !== '='))) {
      best = found
    }
  }
  return best
}

function conjuncts(node: Expression): readonly Expression[] {
  return node.kind === 'logical' && node.word === 'AND' ? node.operands.flatMap(conjuncts) : [node]
}

function predicateOf(node: Expression, isWhole: boolean): Predicate | undefined {
  if (node.kind !== 'comparison') return undefined
  const { sign, left, right } = node
  if (right.kind === 'literal') return compose(left, sign, right.value, isWhole)
  if (left.kind === 'literal') return compose(right, FLIPPED[sign], left.value, isWhole)
  return undefined
}

function compose(
  side: Expression,
  sign: ComparisonSign,
  literal: unknown,
  isWhole: boolean,
): Predicate | undefined {
  if (side.kind !== 'path' || side.root !== undefined || sign === '<>') return undefined
  const path: string[] = []
  for (const step of side.steps) {
    if (typeof step !== 'string') return undefined
    path.push(step)
  }
  if (typeof literal === 'number') return { path, sign, literal, isWhole }
  const isEquality = sign === '=' && (typeof literal === 'string' || typeof literal === 'boolean')
  return isEquality ? { path, sign, literal, isWhole } : undefined
}
