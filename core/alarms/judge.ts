import type { AlarmState } from '../model/alarm.ts'
import { SEVERITIES, type Severity } from '../model/notification.ts'

/** What one message says about one alarm. */
export interface Judgement {
  /** Result of `when`; `undefined` if the message does not say. */
  readonly raise: boolean | undefined
  /** Result of `clear`; `undefined` if the message does not say. */
  readonly clear: boolean | undefined
  /** How much it matters by what the message says, where the alarm has a ladder of severities. */
  readonly severity?: Severity | undefined
  /** Event time, epoch ms. */
  readonly at: number
  /** Our clock when the message came, epoch ms. */
  readonly receivedAt: number
}

/** What is configured of one alarm. */
export interface AlarmFacts {
  /** How long the condition must hold before the alarm is raised. Unit: ms. */
  readonly forMs: number
  /** How long the condition that clears must hold. Unit: ms. 0 unless given. */
  readonly clearForMs?: number
  /** How often the condition must be true before the alarm is raised. 1 unless given. */
  readonly times?: number
  /** Within so long; in a row unless given. Unit: ms. */
  readonly withinMs?: number | undefined
  readonly severity: Severity
}

export type Transition = 'raised' | 'cleared' | 'escalated' | 'eased'

/** The next state (`undefined`: none is kept) and what happened, if anything did. */
export interface Verdict {
  readonly state: AlarmState | undefined
  readonly transition?: Transition
}

/** Alarms are kept in the record of their device, and told to people. Unit: UTF-16 units. */
const MAX_TEXT = 1_000

/**
 * Moves one alarm on by one message. The same state comes back (`===`) if nothing changed.
 *
 * A message older than the newest one that said something about the condition changes nothing: late data never raises
 * or clears. `text` renders the sentence for people, and is called only when a condition becomes true.
 */
export function judge(
  state: AlarmState | undefined,
  judgement: Judgement,
  facts: AlarmFacts,
  text: () => string,
): Verdict {
  const { at } = judgement
  if (state !== undefined && at < state.judgedAt) return { state }
  switch (state?.status) {
    case 'active':
      return judgeActive(state, judgement, facts)
    case 'pending':
      return judgePending(state, judgement, facts)
    case 'quiet':
    case 'cleared':
    case undefined:
      if (judgement.raise === undefined) return { state }
      if (!judgement.raise)
        return { state: state === undefined ? quiet(facts, at) : judged(state, at) }
      return start(state, judgement, facts, text().slice(0, MAX_TEXT))
  }
}

function judgePending(state: AlarmState, judgement: Judgement, facts: AlarmFacts): Verdict {
  const { raise: holds, at, severity = state.severity } = judgement
  if (holds === undefined) return { state }
  if (state.hits !== undefined) return judgeHits(state, judgement, facts)
  if (!holds) return { state: quiet(facts, at) }
  const next = severity === state.severity ? state : { ...state, severity }
  return at - state.since >= facts.forMs
    ? raise({ ...next, judgedAt: at }, at)
    : { state: judged(next, at) }
}

/** An alarm that waits for its condition to be true once more. */
function judgeHits(
  state: AlarmState,
  { raise: holds, at, severity = state.severity }: Judgement,
  facts: AlarmFacts,
): Verdict {
  const { times = 1, withinMs } = facts
  if (!holds && withinMs === undefined) return { state: quiet(facts, at) }
  const recent = (state.hits ?? []).filter((hit) => withinMs === undefined || at - hit <= withinMs)
  const hits = holds ? [...recent, at] : recent
  const [since] = hits
  if (since === undefined) return { state: quiet(facts, at) }
  const next = { ...state, hits, since, severity, judgedAt: at }
  return hits.length >= times ? raise(next, at) : { state: next }
}

function judgeActive(
  before: AlarmState,
  { raise: still, clear, at, receivedAt, severity }: Judgement,
  { clearForMs = 0 }: AlarmFacts,
): Verdict {
  if (clear === true) {
    const since = before.clearingSince ?? at
    if (at - since >= clearForMs) return cleared({ ...before, judgedAt: at }, at)
    const dueAt = before.dueAt ?? receivedAt + clearForMs
    return { state: { ...before, clearingSince: since, dueAt, judgedAt: at } }
  }
  if (clear === undefined && still === undefined) return { state: before }
  const state = judged(clear === false ? keptUp(before) : before, at)
  if (still !== true || severity === undefined || severity === state.severity) return { state }
  const worse = SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(state.severity)
  return { state: { ...state, severity }, transition: worse ? 'escalated' : 'eased' }
}

/** What was about to clear does not. */
function keptUp(state: AlarmState): AlarmState {
  if (state.clearingSince === undefined) return state
  const { clearingSince: _since, dueAt: _due, ...rest } = state
  return rest
}

function cleared(state: AlarmState, at: number): Verdict {
  return { state: { ...keptUp(state), status: 'cleared', clearedAt: at }, transition: 'cleared' }
}

/** The condition has become true. */
function start(
  state: AlarmState | undefined,
  { at, receivedAt, severity = undefined }: Judgement,
  facts: AlarmFacts,
  text: string,
): Verdict {
  const { forMs, times = 1 } = facts
  const started: AlarmState = {
    status: 'pending',
    severity: severity ?? facts.severity,
    since: at,
    text,
    judgedAt: at,
    ...(times > 1 ? { hits: [at] } : { dueAt: receivedAt + forMs }),
    ...(state?.clearedAt === undefined ? {} : { clearedAt: state.clearedAt }),
  }
  return forMs === 0 && times <= 1 ? raise(started, at) : { state: started }
}

function quiet({ severity }: AlarmFacts, at: number): AlarmState {
  return { status: 'quiet', severity, since: at, text: '', judgedAt: at }
}

function judged(state: AlarmState, at: number): AlarmState {
  return at === state.judgedAt ? state : { ...state, judgedAt: at }
}

/**
 * Takes note that a device was heard of, for an alarm that is raised by silence. What was raised is cleared.
 *
 * `text` is the sentence for people, should it fall silent now. A message older than the newest one says nothing.
 */
export function hear(
  state: AlarmState | undefined,
  { at, receivedAt }: Pick<Judgement, 'at' | 'receivedAt'>,
  { severity, missingMs }: { readonly severity: Severity; readonly missingMs: number },
  text: string,
): Verdict {
  if (state !== undefined && at < state.judgedAt) return { state }
  const heard = {
    severity,
    since: at,
    dueAt: receivedAt + missingMs,
    text: text.slice(0, MAX_TEXT),
    judgedAt: at,
  }
  const { hits: _hits, clearingSince: _since, ...kept } = state ?? {}
  if (state?.status !== 'active') {
    const status = state?.status === 'cleared' ? 'cleared' : 'quiet'
    return { state: { ...kept, ...heard, status } }
  }
  return {
    state: { ...kept, ...heard, status: 'cleared', clearedAt: at },
    transition: 'cleared',
  }
}

/**
 * The state without a time that nothing waits for: its alarm was something else when that was set, or is none any more.
 * The same state comes back if there is none. `missingMs` is 0 for an alarm that is not raised by silence.
 */
export function withoutOldDue(
  state: AlarmState,
  { missingMs }: { readonly missingMs: number },
): AlarmState {
  const silence = missingMs > 0
  return state.dueAt === undefined || waits(state, silence) ? state : withoutDue(state)
}

/** The state that time alone does not move on. */
export function withoutDue(state: AlarmState): AlarmState {
  const { dueAt: _due, clearingSince: _since, ...rest } = state
  return rest
}

function waits({ status, clearingSince }: AlarmState, silence: boolean): boolean {
  switch (status) {
    case 'quiet':
    case 'cleared':
      return silence
    case 'pending':
      return !silence
    case 'active':
      return !silence && clearingSince !== undefined
  }
}

/** Moves on what time alone moves: a pending alarm is raised, one that is about to clear is cleared, silence is noticed. `now`: epoch ms. */
export function judgeTimer(state: AlarmState, now: number): Verdict {
  const { dueAt } = state
  if (dueAt === undefined || dueAt > now) return { state }
  if (state.status === 'active')
    return state.clearingSince === undefined ? { state } : cleared(state, dueAt)
  return raise(state, dueAt)
}

function raise(state: AlarmState, at: number): Verdict {
  const {
    dueAt: _done,
    clearedAt: _previous,
    hits: _hits,
    acknowledgedAt: _noted,
    acknowledgedBy: _by,
    ...rest
  } = state
  return { state: { ...rest, status: 'active', raisedAt: at }, transition: 'raised' }
}
