import type { Expression } from './ast.ts'
import { FUNCTIONS } from './functions/table.ts'

/** True if an expression can give more than it was given; paths, comparisons and numbers cannot. */
export function canGrow(node: Expression): boolean {
  switch (node.kind) {
    case 'object':
    case 'array':
    case 'subquery':
    case 'variable':
      return true
    case 'arithmetic':
      return node.sign === '+'
    case 'call':
      return FUNCTIONS.get(node.name.toLowerCase())?.grows === true
    default:
      return false
  }
}
