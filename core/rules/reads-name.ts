import type { Expression } from './ast.ts'
import { limitsOf } from './compile-context.ts'
import { parseExpression } from './parser.ts'
import { children } from './walk.ts'

/**
 * Whether an expression reads a member of the message that has this name.
 *
 * @throws CoreError `rule.syntax` if it is no expression.
 */
export function readsName(text: string, name: string): boolean {
  if (!text.includes(name)) return false
  return reads(parseExpression(text, { version: '2016-03-23', limits: limitsOf({}) }), name)
}

function reads(node: Expression, name: string): boolean {
  if (node.kind === 'path' && node.root === undefined && node.steps[0] === name) return true
  return children(node).some((child) => reads(child, name))
}
