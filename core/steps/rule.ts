import type { Telemetry } from '../model/telemetry.ts'
import type { ProgramRule } from '../program.ts'
import type { RuleMessage } from '../rules/index.ts'
import { runActions } from './actions.ts'
import type { Draft } from './draft.ts'
import { enterWindow } from './window.ts'

/** Runs one rule on one message, and its actions if it matches. A failure is noted and touches nothing else. */
export function runRule(
  draft: Draft,
  rule: ProgramRule,
  message: RuleMessage,
  telemetry: Telemetry,
): void {
  try {
    const result = rule.rule.evaluate(message)
    if (result.status === 'no_match') return
    if (rule.window !== undefined) {
      enterWindow(draft, rule, rule.window, message, telemetry)
      return
    }
    draft.countMatch(rule.ruleId)
    runActions(draft, rule, message, telemetry, result.value)
  } catch (error) {
    draft.fail(rule.ruleId, telemetry.messageId, error)
  }
}
