import type { AlarmState } from '../model/alarm.ts'
import type { Severity } from '../model/notification.ts'

/** What one message, or the passing of time, says about one alarm. */
export interface Judgement {
  /** Result of `when`; `undefined` if the message does not say. */
  readonly raise: boolean | undefined
  /** Result of `clear`; `undefined` if the message does not say. */
  readonly clear: boolean | undefined
  /** Event time, epoch ms. */
  readonly at: number
  /** Our clock when the message came, epoch ms. */
  readonly receivedAt: number
}

/** What is configured of one alarm. */
export interface AlarmFacts {
  /** How long the condition must hold before the alarm is raised. Unit: ms. */
  readonly forMs: number
  readonly severity: Severity
}

export type Transition = 'raised' | 'cleared'

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
      return judgeActive(state, judgement)
    case 'pending':
      if (judgement.raise === undefined) return { state }
      if (!judgement.raise) return { state: quiet(facts, at) }
      return at - state.since >= facts.forMs
        ? raise({ ...state, judgedAt: at }, at)
        : { state: judged(state, at) }
    case 'quiet':
    case 'cleared':
    case undefined:
      if (judgement.raise === undefined) return { state }
      if (!judgement.raise)
        return { state: state === undefined ? quiet(facts, at) : judged(state, at) }
      return start(state, judgement, facts, text().slice(0, MAX_TEXT))
  }
}

function judgeActive(state: AlarmState, { raise: still, clear, at }: Judgement): Verdict {
  if (clear === true)
    return {
      state: { ...state, status: 'cleared', clearedAt: at, judgedAt: at },
      transition: 'cleared',
    }
  return { state: clear === undefined && still === undefined ? state : judged(state, at) }
}

/** The condition has become true. */
function start(
  state: AlarmState | undefined,
  { at, receivedAt }: Judgement,
  { forMs, severity }: AlarmFacts,
  text: string,
): Verdict {
  const started: AlarmState = {
    status: 'pending',
    severity,
    since: at,
    dueAt: receivedAt + forMs,
    text,
    judgedAt: at,
    ...(state?.clearedAt === undefined ? {} : { clearedAt: state.clearedAt }),
  }
  return forMs === 0 ? raise(started, at) : { state: started }
}

function quiet({ severity }: AlarmFacts, at: number): AlarmState {
  return { status: 'quiet', severity, since: at, text: '', judgedAt: at }
}

function judged(state: AlarmState, at: number): AlarmState {
  return at === state.judgedAt ? state : { ...state, judgedAt: at }
}

/** Raises a pending alarm whose time is up although no message came. `now`: epoch ms. */
export function judgeTimer(state: AlarmState, now: number): Verdict {
  if (state.status !== 'pending' || state.dueAt === undefined || state.dueAt > now) return { state }
  return raise(state, state.dueAt)
}

/** Takes note of an active alarm. The same state comes back if it is not active or already acknowledged. */
export function acknowledge(state: AlarmState, by: string, at: number): AlarmState {
  if (state.status !== 'active' || state.acknowledgedAt !== undefined) return state
  return { ...state, acknowledgedAt: at, acknowledgedBy: by }
}

function raise(state: AlarmState, at: number): Verdict {
  const { dueAt: _done, clearedAt: _previous, ...rest } = state
  return { state: { ...rest, status: 'active', raisedAt: at }, transition: 'raised' }
}
