import type { Node } from './ast.ts'
import type { NodeTypes } from './check.ts'
import { compileNode, type Evaluate } from './compile.ts'

/** Something that must equal a text or a number for a condition to be true. */
export interface Equality {
  /** Names what is read: equalities of one key read the same. */
  readonly key: string
  readonly read: Evaluate
  readonly value: string | number
}

/** An equality without which the condition is not true; `undefined` if none is found. */
export function requiredEquality(node: Node, types: NodeTypes): Equality | undefined {
  if (node.kind === 'and')
    return requiredEquality(node.left, types) ?? requiredEquality(node.right, types)
  if (node.kind !== 'comparison' || node.sign !== '=') return undefined
  return equality(node.left, node.right, types) ?? equality(node.right, node.left, types)
}

function equality(read: Node, literal: Node, types: NodeTypes): Equality | undefined {
  if (literal.kind !== 'literal') return undefined
  const { value } = literal
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const key = keyOf(read)
  return key === undefined ? undefined : { key, read: compileNode(read, types), value }
}

function keyOf(node: Node): string | undefined {
  switch (node.kind) {
    case 'property':
      return `property ${node.name}`
    case 'system':
      return `${node.isEscaped ? 'escaped' : 'system'} ${node.name}`
    case 'document':
      return JSON.stringify([node.root, node.path, node.property ?? null])
    default:
      return undefined
  }
}
