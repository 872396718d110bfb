import type { Expression, Select } from './ast.ts'
import type { Value } from './value.ts'

/** The expressions that an expression is made of, in the order of the text. */
export function children(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'literal':
    case 'star':
    case 'variable':
      return []
    case 'path':
      return node.root === undefined ? [] : [node.root]
    case 'call':
      return node.args
    case 'cast':
    case 'negation':
    case 'not':
    case 'is_null':
      return [node.operand]
    case 'arithmetic':
    case 'comparison':
      return [node.left, node.right]
    case 'logical':
      return node.operands
    case 'case':
      return [
        node.subject,
        ...node.branches.flatMap((branch) => [branch.when, branch.result]),
        ...optional(node.otherwise),
      ]
    case 'object':
      return node.entries.map((entry) => entry.value)
    case 'array':
      return node.items
    case 'subquery':
      return [...selected(node.select), node.from, ...optional(node.where)]
    case 'exists':
      return [node.query]
    case 'in':
      return isList(node.among) ? [node.operand, ...node.among] : [node.operand, node.among]
    case 'like':
      return [node.operand, node.pattern]
    case 'between':
      return [node.operand, node.low, node.high]
  }
}

/** The expressions of a SELECT list. */
export function selected(select: Select): readonly Expression[] {
  return select.items.map((item) => item.expression)
}

/** Tells the two forms of IN apart. */
export function isList(among: readonly Expression[] | Expression): among is readonly Expression[] {
  return Array.isArray(among)
}

/** True if the test holds for the expression or for any part of it. */
export function some(node: Expression, test: (node: Expression) => boolean): boolean {
  return test(node) || children(node).some((child) => some(child, test))
}

/** The arguments of a call that are literals, by position. */
export function literalsOf(args: readonly Expression[]): ReadonlyMap<number, Value> {
  const literals = new Map<number, Value>()
  for (const [index, arg] of args.entries()) {
    if (arg.kind === 'literal') literals.set(index, arg.value)
  }
  return literals
}

function optional(node: Expression | undefined): readonly Expression[] {
  return node === undefined ? [] : [node]
}
