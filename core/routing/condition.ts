import type { Node } from './ast.ts'
import { checkCondition, type NodeTypes, type RouteSource } from './check.ts'
import { compileNode } from './compile.ts'
import type { RouteMessage } from './message.ts'
import { parseCondition } from './parser.ts'
import type { Value } from './value.ts'

/** What a condition says of a message; only `true` matches. */
export type RouteVerdict = true | false | undefined

/** A condition ready to run. */
export interface CompiledCondition {
  readonly text: string
  /** Total: whatever the message is, there is a verdict. */
  evaluate(message: RouteMessage): RouteVerdict
  /** True if it asks for the twin of the sender. */
  readonly needsTwin: boolean
  /** The condition as a tree, with what is known of each part; `undefined` if it is empty. */
  readonly root: Node | undefined
  readonly types: NodeTypes
}

/**
 * Compiles the condition of a route. An empty one is Undefined.
 *
 * @throws CoreError `rule.syntax`, `rule.type`, `rule.unknown_function`, `rule.unsupported`, `rule.limit`, with the
 * position in the text.
 */
export function compileCondition(text: string, source?: RouteSource): CompiledCondition {
  const root = parseCondition(text)
  if (root === undefined)
    return { text, evaluate: () => undefined, needsTwin: false, root, types: new Map() }
  const types = checkCondition(root, text, source)
  const run = compileNode(root, types)
  return {
    text,
    evaluate: (message) => toVerdict(run(message), types.get(root) === 'null'),
    needsTwin: [...types.keys()].some((node) => node.kind === 'document' && node.root === 'twin'),
    root,
    types,
  }
}

/** A condition that is null is false; one that is a text or a number says nothing. */
export function toVerdict(value: Value, isNull: boolean): RouteVerdict {
  if (isNull) return false
  return typeof value === 'boolean' ? value : undefined
}
