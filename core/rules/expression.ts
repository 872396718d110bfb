import type { Json } from '../model/json.ts'
import { checkExpression } from './check.ts'
import { compileExpressionNode } from './compile.ts'
import { createContext, limitsOf, type RuleOptions } from './compile-context.ts'
import { frameOf } from './frame.ts'
import { guarded } from './guard.ts'
import type { LookupRequest, RuleMessage } from './message.ts'
import { toOutput } from './output-size.ts'
import { parseExpression } from './parser.ts'
import { createRowReader } from './row.ts'
import { noLookups, unanswered } from './unanswered.ts'

/** One expression alone, as in the condition of an alarm. */
export interface CompiledExpression {
  readonly text: string
  /** @throws CoreError `rule.limit`, `rule.failed` as a rule's `evaluate`. */
  evaluate(message: RuleMessage): Json | undefined
  /** True if it asks stores outside the message. */
  readonly asks: boolean
  /** As a rule's `lookups`. */
  lookups(message: RuleMessage): readonly LookupRequest[]
}

/**
 * Compiles one expression.
 *
 * @throws CoreError as {@link compileRule}.
 */
export function compileExpression(text: string, options: RuleOptions = {}): CompiledExpression {
  const version = options.sqlVersion ?? '2016-03-23'
  const limits = limitsOf(options)
  const node = parseExpression(text, { version, limits })
  const { asks, needsSlots } = checkExpression(node, { source: text, version, limits })
  const context = createContext(text, version, limits)
  const evaluate = compileExpressionNode(node, context)
  const rowOf = createRowReader(context.semantics)

  function run(message: RuleMessage): Json | undefined {
    const frame = needsSlots ? frameOf(message) : message
    return toOutput(evaluate(rowOf(message), frame), limits.outputBytes)
  }

  return {
    text,
    evaluate: (message) => guarded(() => run(message)),
    asks,
    lookups: asks ? (message) => unanswered(message, run) : noLookups,
  }
}
