import type { Telemetry } from '../model/telemetry.ts'
import type { ProgramRule } from '../program.ts'
import type { RuleMessage, RuleOutput } from '../rules/index.ts'
import { runActions } from './actions.ts'
import type { Draft } from './draft.ts'
import { enterWindow } from './window.ts'

/** Runs the rules that one message reaches. One that fails is noted and touches nothing else. */
export function runRules(draft: Draft, message: RuleMessage, telemetry: Telemetry): void {
  for (const output of draft.context.program.rules.run(message)) {
    for (const rule of output.entries) applyOutput(draft, rule, output, message, telemetry)
  }
}

/** Runs the one rule that a message is for, whatever its FROM says. */
export function runOnlyRule(
  draft: Draft,
  ruleId: string,
  message: RuleMessage,
  telemetry: Telemetry,
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
      telemetry,
    )
  } catch (error) {
    draft.fail(ruleId, telemetry.messageId, error)
  }
}

function applyOutput(
  draft: Draft,
  rule: ProgramRule,
  output: RuleOutput<ProgramRule>,
  message: RuleMessage,
  telemetry: Telemetry,
): void {
  try {
    if (output.status === 'failed') throw output.error
    if (rule.window !== undefined) {
      enterWindow(draft, rule, rule.window, message, telemetry)
      return
    }
    draft.countMatch(rule.ruleId)
    runActions(draft, rule, message, telemetry, output.value)
  } catch (error) {
    draft.fail(rule.ruleId, telemetry.messageId, error)
  }
}
