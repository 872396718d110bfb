import type { InputResult, TelemetryInput } from '../model/input.ts'
import type { Telemetry } from '../model/telemetry.ts'
import type { MessageFacts, RuleMessage } from '../rules/index.ts'
import { judgeAlarm } from './alarm.ts'
import type { StepContext } from './context.ts'
import type { Draft } from './draft.ts'
import { runRule } from './rule.ts'

/** One uplink: duplicate? → row and last values → rules → alarms. */
export function applyTelemetry(draft: Draft, { telemetry }: TelemetryInput): InputResult {
  if (draft.isDuplicate(telemetry)) return { status: 'duplicate' }
  draft.accept(telemetry)
  const message = toRuleMessage(telemetry, draft.context)
  for (const rule of draft.context.program.rules.match(telemetry.topic))
    runRule(draft, rule, message, telemetry)
  for (const alarm of draft.context.program.alarms.match(telemetry.topic))
    judgeAlarm(draft, alarm, message, telemetry)
  return { status: 'accepted' }
}

function toRuleMessage(telemetry: Telemetry, context: StepContext): RuleMessage {
  const facts: MessageFacts = {
    topic: telemetry.topic,
    nowMs: telemetry.receivedAt,
    newId: context.newId,
    random: context.random,
    ...telemetry.facts,
  }
  return { body: telemetry.body, bytes: telemetry.bytes, facts }
}
