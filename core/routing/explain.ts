import { children, type Node } from './ast.ts'
import { compileNode } from './compile.ts'
import { type CompiledCondition, toVerdict } from './condition.ts'
import type { RouteMessage } from './message.ts'
import type { Value } from './value.ts'

/** One part of a condition on one message: its text, its value, and the same for its parts. */
export interface ConditionPart {
  readonly text: string
  /** Absent where the value is Undefined. A number that JSON does not have is a text. */
  readonly value?: string | number | boolean | null
  /** Where the value is Undefined: why. */
  readonly undefined?: string
  readonly note?: string
  readonly parts?: readonly ConditionPart[]
}

/** How a condition came to its verdict. */
export interface ConditionExplanation {
  readonly verdict: 'true' | 'false' | 'undefined'
  /** Absent where the condition is empty. */
  readonly condition?: ConditionPart
}

/** Runs a condition and shows what each of its parts was, also those that decided nothing. */
export function explainCondition(
  { text, root, types }: CompiledCondition,
  message: RouteMessage,
): ConditionExplanation {
  if (root === undefined) return { verdict: 'undefined' }

  function explain(node: Node): ConditionPart {
    const value = compileNode(node, types)(message)
    const parts = children(node)
      .filter(({ kind }) => kind !== 'literal')
      .map(explain)
    const note = noteOn(node, value, message)
    return {
      text: text.slice(node.start, node.end),
      ...(value === undefined
        ? { undefined: reasonOf(node, parts, message) }
        : { value: typeof value === 'number' && !Number.isFinite(value) ? String(value) : value }),
      ...(note === undefined ? {} : { note }),
      ...(parts.length === 0 ? {} : { parts }),
    }
  }

  const verdict = toVerdict(compileNode(root, types)(message), types.get(root) === 'null')
  return {
    verdict: verdict === undefined ? 'undefined' : verdict ? 'true' : 'false',
    condition: explain(root),
  }
}

function reasonOf(
  node: Node,
  parts: readonly ConditionPart[],
  { body, twin }: RouteMessage,
): string {
  const passedOn = parts.find((part) => part.undefined !== undefined)
  if (passedOn !== undefined) return `because ${passedOn.text} is Undefined`
  switch (node.kind) {
    case 'property':
      return 'the message has no such property'
    case 'system':
      return node.name === 'body'
        ? 'the body as a whole has no value: write $body.key'
        : 'the message has no such system property'
    case 'document':
      if (node.root === 'twin' && twin === undefined) return 'the twin of the sender is not known'
      if (node.root === 'body' && body === undefined) return NO_BODY
      return 'it is an object, an array or a time'
    case 'twin_change':
      return NO_BODY
    case 'comparison':
      return 'a property without a value compares with nothing'
    case 'call':
      return `${node.shown} has no value for this`
    default:
      return 'there is no value for this'
  }
}

const NO_BODY =
  'the body is no JSON object, or contentType application/json and contentEncoding UTF-8 are not declared'

/** What surprises although there is a value. */
function noteOn(node: Node, value: Value, { body, twin }: RouteMessage): string | undefined {
  if (node.kind !== 'document' || value !== null) return undefined
  const document = node.root === 'body' ? body : twin
  return document === undefined ? undefined : 'null, or the path leads nowhere'
}
