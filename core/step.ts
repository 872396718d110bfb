import type { DeviceRecord } from './model/device-record.ts'
import type { DeviceInput, InputResult } from './model/input.ts'
import { applyFailure } from './steps/actions.ts'
import { applyAdmission } from './steps/admit.ts'
import { applyAlarmChange, applyTimer } from './steps/alarm.ts'
import {
  applyEnqueue,
  applyLock,
  applyPurge,
  applySettle,
  passCommandTime,
} from './steps/command.ts'
import type { StepContext, StepResult } from './steps/context.ts'
import { Draft } from './steps/draft.ts'
import { applyInbox, passInboxTime } from './steps/inbox.ts'
import { applyPresence, settlePresence } from './steps/presence.ts'
import { settleNotices } from './steps/settle-notices.ts'
import { applyDesire, applyMirror, applyShadow, dropReached, expireWishes } from './steps/shadow.ts'
import { applyTelemetry } from './steps/telemetry.ts'
import { applyTwin } from './steps/twin.ts'
import { tellLifecycle, tellTwinChange, watchTwin } from './steps/twin-change.ts'
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
    const twin = watchTwin(draft)
    const result = apply(draft, input)
    settleNotices(draft)
    tellTwinChange(draft, twin)
    settlePresence(draft)
    settleNotices(draft)
    return result
  })
  dropReached(draft, context.now)
  settleNotices(draft)
  return draft.close(results)
}

function apply(draft: Draft, input: DeviceInput): InputResult {
  switch (input.kind) {
    case 'telemetry':
      return applyTelemetry(draft, input)
    case 'presence':
      return applyPresence(draft, input)
    case 'lifecycle':
      return tellLifecycle(draft, input)
    case 'shadow':
      return applyShadow(draft, input)
    case 'mirror':
      return applyMirror(draft, input)
    case 'twin':
      return applyTwin(draft, input)
    case 'desire':
      return applyDesire(draft, input)
    case 'alarm':
      return applyAlarmChange(draft, input)
    case 'effect':
      draft.emit(input.key, input.effect)
      return { status: 'accepted' }
    case 'window':
      return applyWindow(draft, input)
    case 'inbox':
      return applyInbox(draft, input)
    case 'admit':
      return applyAdmission(draft, input)
    case 'failure':
      return applyFailure(draft, input)
    case 'enqueue':
      return applyEnqueue(draft, input)
    case 'lock':
      return applyLock(draft, input)
    case 'settle':
      return applySettle(draft, input)
    case 'purge':
      return applyPurge(draft, input)
    case 'timer':
      applyTimer(draft, input.at)
      closeWindows(draft, input.at)
      passCommandTime(draft, input.at)
      expireWishes(draft, input.at)
      passInboxTime(draft, input.at)
      return { status: 'accepted' }
  }
}
