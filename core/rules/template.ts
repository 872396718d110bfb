import { sourceError } from '../model/source-error.ts'
import { checkExpression } from './check.ts'
import { compileExpressionNode } from './compile.ts'
import { createContext, limitsOf, type RuleOptions } from './compile-context.ts'
import { compileSet } from './compile-set.ts'
import { type Evaluate, frameOf } from './frame.ts'
import { guarded } from './guard.ts'
import type { LookupRequest, RuleMessage } from './message.ts'
import { joinText } from './operators.ts'
import { parseStatement, parseTemplateExpression } from './parser.ts'
import { createRowReader } from './row.ts'
import type { CompiledRule } from './rule.ts'
import { noLookups, unanswered } from './unanswered.ts'
import { toText } from './value.ts'

/** A text with `${expression}` in it, ready to render. */
export interface CompiledTemplate {
  readonly text: string
  /**
   * Fills the expressions in. They see the message, not the output of SELECT; Undefined and Null give nothing.
   *
   * @throws CoreError `rule.limit`, `rule.failed` as a rule's `evaluate`.
   */
  render(message: RuleMessage): string
  /** True if it asks stores outside the message. */
  readonly asks: boolean
  /** As a rule's `lookups`. */
  lookups(message: RuleMessage): readonly LookupRequest[]
}

export interface TemplateOptions extends RuleOptions {
  /** The rule whose SET variables the template may use. */
  readonly rule?: CompiledRule
}

/**
 * Compiles a substitution template.
 *
 * Source: AWS IoT, substitution templates.
 * @throws CoreError `rule.syntax` and the other compile errors of a rule, with the position in the template.
 */
export function compileTemplate(text: string, options: TemplateOptions = {}): CompiledTemplate {
  const version = options.sqlVersion ?? options.rule?.sqlVersion ?? '2016-03-23'
  const limits =
    options.limits === undefined && options.rule !== undefined
      ? options.rule.limits
      : limitsOf(options)
  const sql = options.rule?.sql ?? ''
  const set = sql === '' ? [] : parseStatement(sql, { version, limits }).set
  const variables = new Set(set.map((assignment) => assignment.name))
  const context = createContext(text, version, limits)
  const assign = compileSet(set, { ...context, source: sql })
  let asks = options.rule?.asks ?? false
  const parts: (string | Evaluate)[] = []
  let from = 0
  for (;;) {
    const open = text.indexOf('${', from)
    if (open === -1) break
    if (open > from) parts.push(text.slice(from, open))
    if (text.indexOf('}', open) === -1) {
      throw sourceError(
        'rule.syntax',
        text,
        open,
        'expected "}" after "${", found the end of the template',
      )
    }
    const { expression, end } = parseTemplateExpression(text, open + 2, { version, limits })
    const findings = checkExpression(expression, { source: text, version, limits, variables })
    asks ||= findings.asks
    parts.push(compileExpressionNode(expression, context))
    from = end
  }
  if (from < text.length) parts.push(text.slice(from))

  const [first = ''] = parts
  if (parts.length < 2 && typeof first === 'string') {
    return { text, render: () => first, asks: false, lookups: noLookups }
  }
  const rowOf = createRowReader(context.semantics)

  function run(message: RuleMessage): string {
    const row = rowOf(message)
    const frame = frameOf(message)
    assign(row, frame)
    let rendered = ''
    for (const part of parts) {
      const piece = typeof part === 'string' ? part : toText(part(row, frame), limits.stringLength)
      if (piece !== undefined) rendered = joinText(rendered, piece, limits)
    }
    return rendered
  }

  return {
    text,
    render: (message) => guarded(() => run(message)),
    asks,
    lookups: asks ? (message) => unanswered(message, run) : noLookups,
  }
}
