import type { ProgramRule } from '../program.ts'
import type { RuleMessage, RuleOutput } from '../rules/index.ts'
import { runActions } from './actions.ts'
import type { ActionSource } from './context.ts'
import type { Draft } from './draft.ts'
import { enterWindow } from './window.ts'

/** Runs the rules that one message reaches. One that fails is noted and touches nothing else. */
export function runRules(draft: Draft, message: RuleMessage, source: ActionSource): void {
  for (const output of draft.context.program.rules.run(message)) {
    for (const rule of output.entries) applyOutput(draft, rule, output, message, source)
  }
}

/** Runs the one rule that a message is for, whatever its FROM says. */
export function runOnlyRule(
  draft: Draft,
  ruleId: string,
  message: RuleMessage,
  source: ActionSource,
): void {
  const rule = draft.context.program.rulesById.get(ruleId)
  if (rule === undefined) return
  try {
    const result = rule.rule.evaluate(message)
    if (result.status === 'no_match') return
    applyOutput(
      draft,
      rule,
      { status: 'output', value: result.value, entries: [rule] },
      message,
      source,
    )
  } catch (error) {
    draft.fail(ruleId, source.messageId, error)
  }
}

function applyOutput(
  draft: Draft,
  rule: ProgramRule,
  output: RuleOutput<ProgramRule>,
  message: RuleMessage,
  source: ActionSource,
): void {
  try {
    if (output.status === 'failed') throw output.error
    if (rule.window !== undefined) {
      enterWindow(draft, rule, rule.window, message, source)
      return
    }
    draft.countMatch(rule.ruleId)
    runActions(draft, rule, message, source, output.value)
  } catch (error) {
    draft.fail(rule.ruleId, source.messageId, error)
  }
}
