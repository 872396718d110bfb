import type { DeviceRecord } from './model/device-record.ts'
import type { DeviceInput, InputResult } from './model/input.ts'
import { applyFailure } from './steps/actions.ts'
import { applyAcknowledge, applyTimer } from './steps/alarm.ts'
import type { StepContext, StepResult } from './steps/context.ts'
import { Draft } from './steps/draft.ts'
import { applyPresence, settlePresence } from './steps/presence.ts'
import { applyDesire, applyShadow } from './steps/shadow.ts'
import { applyTelemetry } from './steps/telemetry.ts'
import { applyTwin } from './steps/twin.ts'
import { applyWindow, closeWindows } from './steps/window.ts'

/**
 * Moves one device on by some inputs, in their order.
 *
 * Pure: the same record, inputs and context give the same result; nothing that goes in is changed.
 * Total: a rule that fails on a message is reported in `events` and leaves everything else alone.
 */
export function step(
  record: DeviceRecord,
  inputs: readonly DeviceInput[],
  context: StepContext,
): StepResult {
  const draft = new Draft(record, context)
  const results = inputs.map((input) => {
    const result = apply(draft, input)
    settlePresence(draft)
    return result
  })
  return draft.close(results)
}

function apply(draft: Draft, input: DeviceInput): InputResult {
  switch (input.kind) {
    case 'telemetry':
      return applyTelemetry(draft, input)
    case 'presence':
      return applyPresence(draft, input)
    case 'shadow':
      return applyShadow(draft, input)
    case 'twin':
      return applyTwin(draft, input)
    case 'desire':
      return applyDesire(draft, input)
    case 'acknowledge':
      return applyAcknowledge(draft, input.alarmId, input.by, input.at)
    case 'effect':
      draft.emit(input.key, input.effect)
      return { status: 'accepted' }
    case 'window':
      return applyWindow(draft, input)
    case 'failure':
      return applyFailure(draft, input)
    case 'timer':
      applyTimer(draft, input.at)
      closeWindows(draft, input.at)
      return { status: 'accepted' }
  }
}
