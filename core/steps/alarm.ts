import type { ActionResult } from '../actions/action.ts'
import { acknowledge, judge, judgeTimer, type Verdict } from '../alarms/judge.ts'
import type { AlarmState } from '../model/alarm.ts'
import type { InputResult } from '../model/input.ts'
import type { Json } from '../model/json.ts'
import type { ProgramAlarm } from '../program.ts'
import type { RuleMessage } from '../rules/index.ts'
import type { ActionSource } from './context.ts'
import type { Draft } from './draft.ts'

/** Judges one alarm by one message. */
export function judgeAlarm(
  draft: Draft,
  alarm: ProgramAlarm,
  message: RuleMessage,
  source: ActionSource,
): void {
  try {
    const raise = asBoolean(alarm.when.evaluate(message))
    const clear = alarm.clear === undefined ? not(raise) : asBoolean(alarm.clear.evaluate(message))
    const before = draft.alarm(alarm.alarmId)
    const judgement = { raise, clear, at: source.at, receivedAt: source.receivedAt }
    settle(
      draft,
      alarm,
      judge(before, judgement, alarm, () => alarm.text.render(message)),
      before,
    )
  } catch (error) {
    draft.fail(alarm.alarmId, source.messageId, error)
  }
}

/** Raises or clears an alarm because a rule says so. */
export function switchAlarm(
  draft: Draft,
  wish: Extract<ActionResult, { do: 'alarm' }>,
  at: number,
  receivedAt: number,
): void {
  const { alarmId, raise, severity, text, channelIds } = wish
  const before = draft.alarm(alarmId)
  const verdict = judge(
    before,
    { raise, clear: !raise, at, receivedAt },
    { forMs: 0, severity },
    () => text,
  )
  settle(draft, { alarmId, channelIds, notifyCleared: true }, verdict, before)
}

/** Takes over the verdict on one alarm and tells whoever is to be told. */
function settle(
  draft: Draft,
  alarm: Pick<ProgramAlarm, 'alarmId' | 'channelIds' | 'notifyCleared'>,
  verdict: Verdict,
  before: AlarmState | undefined,
): void {
  if (verdict.state !== before) draft.setAlarm(alarm.alarmId, verdict.state)
  const { state, transition } = verdict
  if (state === undefined || transition === undefined) return
  draft.transitions[transition]++
  if (alarm.channelIds.length === 0 || (transition === 'cleared' && !alarm.notifyCleared)) return
  const at = (transition === 'raised' ? state.raisedAt : state.clearedAt) ?? state.since
  // With the count of messages: within one second of event time an alarm may be raised, cleared and raised again.
  const key = `alarm/${alarm.alarmId}/${state.raisedAt ?? state.since}/${transition}/${draft.accepted}`
  draft.emit(key, {
    kind: 'notify',
    notification: {
      key: `${draft.deviceId}/${key}`,
      channelIds: alarm.channelIds,
      deviceId: draft.deviceId,
      severity: transition === 'cleared' ? 'info' : state.severity,
      subject: `${alarm.alarmId} ${transition} on ${draft.deviceId}`,
      text: transition === 'cleared' ? `Cleared: ${state.text}` : state.text,
      at,
      data: {
        alarmId: alarm.alarmId,
        status: state.status,
        since: state.since,
        raisedAt: state.raisedAt ?? null,
      },
    },
  })
}

function asBoolean(value: Json | undefined): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function not(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value
}

/** Somebody takes note of an active alarm. */
export function applyAcknowledge(
  draft: Draft,
  alarmId: string,
  by: string,
  at: number,
): InputResult {
  const state = draft.alarm(alarmId)
  if (state?.status !== 'active') {
    return {
      status: 'refused',
      code: 'input.not_found',
      message: `expected an active alarm, found ${state?.status ?? 'none'}`,
    }
  }
  draft.setAlarm(alarmId, acknowledge(state, by, at))
  return { status: 'accepted' }
}

/** A transition that cannot be told, because too much waits to be told, is one all the same. */
function settleTimer(
  draft: Draft,
  alarm: ProgramAlarm,
  verdict: Verdict,
  before: AlarmState,
): void {
  try {
    settle(draft, alarm, verdict, before)
  } catch (error) {
    draft.fail(alarm.alarmId, '', error)
  }
}

/** Raises pending alarms whose time is up, and forgets pending ones that are no longer configured. */
export function applyTimer(draft: Draft, now: number): void {
  for (const [alarmId, state] of Object.entries(draft.alarms)) {
    const alarm = draft.context.program.alarmsById.get(alarmId)
    if (state.status !== 'pending') continue
    if (alarm === undefined) draft.setAlarm(alarmId, undefined)
    else settleTimer(draft, alarm, judgeTimer(state, now), state)
  }
}
