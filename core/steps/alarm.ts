import type { ActionResult } from '../actions/action.ts'
import { careFor, unshelve, withCare, withEvent } from '../alarms/care.ts'
import {
  hear,
  judge,
  judgeTimer,
  type Transition,
  type Verdict,
  withoutDue,
  withoutOldDue,
} from '../alarms/judge.ts'
import { CoreError } from '../errors.ts'
import type { AlarmSample, AlarmShelf, AlarmState } from '../model/alarm.ts'
import type { AlarmInput, InputResult } from '../model/input.ts'
import { isJsonObject, type Json } from '../model/json.ts'
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
    const before = draft.alarm(alarm.alarmId)
    const verdict =
      alarm.missingMs > 0
        ? hear(before, source, alarm, alarm.text.render(message))
        : judgeConditions(before, alarm, message, source)
    settle(draft, alarm, verdict, before)
  } catch (error) {
    draft.fail(alarm.alarmId, source.messageId, error)
  }
}

function judgeConditions(
  before: AlarmState | undefined,
  alarm: ProgramAlarm,
  given: RuleMessage,
  { at, receivedAt }: ActionSource,
): Verdict {
  const sample = alarm.rate === undefined ? undefined : sampleOf(alarm.rate, given, at)
  const message = sample === undefined ? given : withRate(given, before?.sample, sample, alarm)
  const raise = asBoolean(alarm.when.evaluate(message))
  const clear = alarm.clear === undefined ? not(raise) : asBoolean(alarm.clear.evaluate(message))
  const severity =
    alarm.ladder.length === 0 || raise !== true
      ? undefined
      : (alarm.ladder.find(({ when }) => when.evaluate(message) === true)?.severity ??
        alarm.severity)
  const judgement = { raise, clear, severity, at, receivedAt }
  const verdict = judge(before, judgement, alarm, () => alarm.text.render(message))
  if (alarm.rate === undefined) return verdict
  const newest = newestOf(before?.sample, sample)
  if (newest === undefined || newest === verdict.state?.sample) return verdict
  const state = verdict.state ?? { ...QUIET, severity: alarm.severity, since: at, judgedAt: at }
  return { ...verdict, state: { ...state, sample: newest } }
}

function newestOf(
  before: AlarmSample | undefined,
  now: AlarmSample | undefined,
): AlarmSample | undefined {
  return now === undefined || (before !== undefined && before.at > now.at) ? before : now
}

const QUIET = { status: 'quiet', text: '' } as const

function sampleOf(
  { of }: NonNullable<ProgramAlarm['rate']>,
  message: RuleMessage,
  at: number,
): AlarmSample | undefined {
  const value = of.evaluate(message)
  return typeof value === 'number' && Number.isFinite(value) ? { at, value } : undefined
}

/** A message with how fast its value changes, since the one before it, as `_rate`. */
function withRate(
  message: RuleMessage,
  before: AlarmSample | undefined,
  { at, value }: AlarmSample,
  { rate }: ProgramAlarm,
): RuleMessage {
  const { body } = message
  if (rate === undefined || before === undefined || before.at >= at || !isJsonObject(body))
    return message
  const { rawText: _exact, ...rest } = message
  return {
    ...rest,
    body: { ...body, _rate: ((value - before.value) * rate.perMs) / (at - before.at) },
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
  const { transition } = verdict
  let { state } = verdict
  if (state !== undefined && before?.care !== undefined && state.care !== before.care)
    state = withCare(state, before.care)
  if (state === undefined || transition === undefined) {
    if (state !== before) draft.setAlarm(alarm.alarmId, state)
    return
  }
  const at = timeOf(transition, state)
  state = withEvent(state, { at, is: transition, severity: state.severity }, alarmsOf(draft))
  const tells = hasListeners(draft, alarm) && (transition !== 'cleared' || alarm.notifyCleared)
  const { shelf } = state.care ?? {}
  if (shelf !== undefined) {
    state = withCare(state, { ...state.care, shelf: onShelf(shelf, transition, alarm) })
  }
  draft.setAlarm(alarm.alarmId, state)
  if (transition === 'raised' || transition === 'cleared') draft.transitions[transition]++
  if (tells && shelf === undefined) tell(draft, alarm, state, transition, at)
}

/** What is to be made up for when the shelf ends. */
function onShelf(
  shelf: AlarmShelf,
  transition: Transition,
  { channelIds, notifyCleared }: Pick<ProgramAlarm, 'channelIds' | 'notifyCleared'>,
): AlarmShelf {
  if (transition !== 'cleared') {
    const begunHere = transition === 'raised' || shelf.begunHere
    return { ...shelf, untold: channelIds, begunHere }
  }
  const wasTold = shelf.begunHere !== true && notifyCleared
  const uncleared = wasTold ? channelIds : shelf.uncleared
  return { ...shelf, untold: undefined, begunHere: undefined, uncleared }
}

/** How many alarms share the record of the device. */
function alarmsOf({ alarms }: Draft): number {
  return Object.keys(alarms).length
}

/** Whether anybody may be told of an alarm: channels that it names, or whoever subscribes. */
function hasListeners(draft: Draft, { channelIds }: Pick<ProgramAlarm, 'channelIds'>): boolean {
  return channelIds.length > 0 || draft.context.program.audience.hears('alarm')
}

function timeOf(transition: Transition, state: AlarmState): number {
  switch (transition) {
    case 'raised':
      return state.raisedAt ?? state.since
    case 'cleared':
      return state.clearedAt ?? state.since
    case 'escalated':
    case 'eased':
      return state.judgedAt
  }
}

function tell(
  draft: Draft,
  { alarmId, channelIds }: Pick<ProgramAlarm, 'alarmId' | 'channelIds'>,
  state: AlarmState,
  transition: Transition,
  at: number,
): void {
  // With the count of messages: within one second of event time an alarm may be raised, cleared and raised again.
  const key = `alarm/${alarmId}/${state.raisedAt ?? state.since}/${transition}/${draft.accepted}`
  draft.emit(key, {
    kind: 'notify',
    notification: {
      key: `${draft.deviceId}/${key}`,
      channelIds,
      deviceId: draft.deviceId,
      severity: transition === 'cleared' ? 'info' : state.severity,
      subject: `${alarmId} ${transition} on ${draft.deviceId}`,
      text: `${SAYS[transition]}${state.text}`,
      at,
      data: {
        alarmId,
        status: state.status,
        since: state.since,
        raisedAt: state.raisedAt ?? null,
        ...(transition === 'escalated' || transition === 'eased'
          ? { severity: state.severity }
          : {}),
      },
      ...(draft.context.program.audience.hears('alarm')
        ? {
            event: {
              kind: 'alarm',
              id: alarmId,
              severity: state.severity,
              change: transition,
              raisedAt: state.raisedAt ?? state.since,
            },
          }
        : {}),
    },
  })
}

const SAYS: Readonly<Record<Transition, string>> = {
  raised: '',
  cleared: 'Cleared: ',
  escalated: 'Worse: ',
  eased: 'Better: ',
}

function asBoolean(value: Json | undefined): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function not(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value
}

/** Somebody does something about an alarm. */
export function applyAlarmChange(
  draft: Draft,
  { alarmId, change, by, at }: AlarmInput,
): InputResult {
  const before = draft.alarm(alarmId)
  if (before === undefined) {
    return {
      status: 'refused',
      code: 'input.not_found',
      message: 'expected an alarm that was judged, found none',
    }
  }
  try {
    const state = careFor(before, change, { by, at, among: alarmsOf(draft) })
    // Told first: where that has no room the shelf stays, and it can be asked again.
    if (change.do === 'unshelve') tellUntold(draft, alarmId, before, state, at)
    if (state !== before) draft.setAlarm(alarmId, state)
    return { status: 'accepted' }
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return { status: 'refused', code: error.code, message: error.message }
  }
}

/**
 * When the shelf ends, people are told of the state that the alarm is in, as far as it is not what they were told last:
 * that it is active, or, of one that they were told is active, that it has cleared.
 * Source: ANSI/ISA-18.2: what is shelved is not annunciated; unshelved, an alarm goes to the state of its process.
 */
function tellUntold(
  draft: Draft,
  alarmId: string,
  before: AlarmState,
  state: AlarmState,
  at: number,
): void {
  const { untold, uncleared } = before.care?.shelf ?? {}
  const isActive = state.status === 'active'
  const channelIds = isActive ? untold : uncleared
  if (channelIds === undefined || !hasListeners(draft, { channelIds })) return
  if (isActive) tell(draft, { alarmId, channelIds }, state, 'raised', at)
  else tell(draft, { alarmId, channelIds }, state, 'cleared', state.clearedAt ?? at)
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

/** Moves on alarms whose time is up, ends shelves, and forgets alarms that wait and are no longer configured. */
export function applyTimer(draft: Draft, now: number): void {
  for (const [alarmId, found] of Object.entries(draft.alarms)) {
    const state = endShelf(draft, alarmId, found, now)
    const alarm = draft.context.program.alarmsById.get(alarmId)
    if (alarm === undefined) {
      if (state.dueAt === undefined) continue
      draft.setAlarm(alarmId, state.status === 'active' ? withoutDue(state) : undefined)
      continue
    }
    const awaited = withoutOldDue(state, alarm)
    settleTimer(draft, alarm, judgeTimer(awaited, now), state)
  }
}

function endShelf(draft: Draft, alarmId: string, before: AlarmState, now: number): AlarmState {
  const shelf = before.care?.shelf
  if (shelf === undefined || shelf.until > now) return before
  const state = unshelve(before, { at: shelf.until, among: alarmsOf(draft) })
  draft.setAlarm(alarmId, state)
  try {
    tellUntold(draft, alarmId, before, state, now)
  } catch (error) {
    draft.fail(alarmId, '', error)
  }
  return state
}
