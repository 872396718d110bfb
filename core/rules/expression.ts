import type { Json } from '../model/json.ts'
import { checkExpression } from './check.ts'
import { compileExpressionNode } from './compile.ts'
import { createContext, limitsOf, type RuleOptions } from './compile-context.ts'
import { compileSet } from './compile-set.ts'
import { frameOf } from './frame.ts'
import { guarded } from './guard.ts'
import type { LookupRequest, RuleMessage } from './message.ts'
import { toOutput } from './output-size.ts'
import { parseExpression, parseStatement } from './parser.ts'
import { createRowReader } from './row.ts'
import type { CompiledRule } from './rule.ts'
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

export interface ExpressionOptions extends RuleOptions {
  /** A statement whose SET variables the expression may use. */
  readonly variablesOf?: CompiledRule
}

/**
 * Compiles one expression.
 *
 * @throws CoreError as {@link compileRule}.
 */
export function compileExpression(
  text: string,
  options: ExpressionOptions = {},
): CompiledExpression {
  const version = options.sqlVersion ?? '2016-03-23'
  const limits = limitsOf(options)
  const node = parseExpression(text, { version, limits })
  const sql = options.variablesOf?.sql ?? ''
  const set = sql === '' ? [] : parseStatement(sql, { version, limits }).set
  const variables = new Set(set.map(({ name }) => name))
  const findings = checkExpression(node, { source: text, version, limits, variables })
  // Only an expression that keeps something while it runs can look at a variable.
  const { needsSlots } = findings
  const asks = findings.asks || (needsSlots && options.variablesOf?.asks === true)
  const context = createContext(text, version, limits)
  const assign = compileSet(needsSlots ? set : [], { ...context, source: sql })
  const evaluate = compileExpressionNode(node, context)
  const rowOf = createRowReader(context.semantics)

  function run(message: RuleMessage): Json | undefined {
    const frame = needsSlots ? frameOf(message) : message
    const row = rowOf(message)
    assign(row, frame)
    return toOutput(evaluate(row, frame), limits.outputBytes)
  }

  return {
    text: text.trim(),
    evaluate: (message) => guarded(() => run(message)),
    asks,
    lookups: asks ? (message) => unanswered(message, run) : noLookups,
  }
}
