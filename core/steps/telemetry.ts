import type { InputResult, TelemetryInput } from '../model/input.ts'
import type { Telemetry } from '../model/telemetry.ts'
import type { MessageFacts, RuleMessage } from '../rules/index.ts'
import { judgeAlarm } from './alarm.ts'
import type { StepContext } from './context.ts'
import type { Draft } from './draft.ts'
import { routeTelemetry } from './route.ts'
import { runOnlyRule, runRules } from './rule.ts'

/** One uplink: duplicate? → row and last values → rules → alarms. */
export function applyTelemetry(draft: Draft, { telemetry }: TelemetryInput): InputResult {
  if (draft.isDuplicate(telemetry)) return { status: 'duplicate' }
  draft.accept(telemetry)
  const message = toRuleMessage(telemetry, draft.context)
  if (telemetry.ruleId === undefined) {
    runRules(draft, message, telemetry)
    routeTelemetry(draft, message, telemetry)
  } else runOnlyRule(draft, telemetry.ruleId, message, telemetry)
  for (const alarm of draft.context.program.alarms.match(telemetry.topic)) {
    judgeAlarm(draft, alarm, message, telemetry)
  }
  return { status: 'accepted' }
}

/** One uplink as rules see it. */
export function toRuleMessage(
  telemetry: Telemetry,
  { newId, random, lookups }: Pick<StepContext, 'newId' | 'random' | 'lookups'>,
): RuleMessage {
  const { body, bytes, exactText, topic, receivedAt: nowMs } = telemetry
  const facts: MessageFacts =
    lookups === undefined
      ? { topic, nowMs, newId, random, ...telemetry.facts }
      : { topic, nowMs, newId, random, lookups, ...telemetry.facts }
  return exactText === undefined
    ? { body, bytes, facts }
    : { body, bytes, facts, rawText: exactText }
}
