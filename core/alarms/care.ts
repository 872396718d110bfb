import { CoreError } from '../errors.ts'
import type { AlarmCare, AlarmChange, AlarmEvent, AlarmState } from '../model/alarm.ts'

/** Both are kept in the record of the device. */
const MAX_EVENTS = 50
const MAX_COMMENTS = 20

/** Unit: UTF-16 units. */
const MAX_COMMENT = 1_000

/** Longer shelves would be another way to remove an alarm. Unit: ms. */
const LONGEST_SHELF_MS = 30 * 86_400_000

/** Who does something, and when. */
export interface Caretaker {
  readonly by: string
  /** Epoch ms. */
  readonly at: number
}

/**
 * The alarm after somebody did something about it. The same state comes back if there was nothing to do.
 * @throws CoreError `input.not_found` if it is not active and has to be; `input.malformed` for a shelf that is no time ahead.
 */
export function careFor(state: AlarmState, change: AlarmChange, { by, at }: Caretaker): AlarmState {
  const { care = {} } = state
  switch (change.do) {
    case 'acknowledge':
      if (state.status !== 'active')
        throw new CoreError(
          'input.not_found',
          `expected an active alarm, found one that is ${state.status}`,
        )
      if (state.acknowledgedAt !== undefined) return state
      return withEvent(acknowledge(state, by, at), { at, is: 'acknowledged', by })
    case 'shelve': {
      const ahead = change.until - at
      if (!(ahead > 0 && ahead <= LONGEST_SHELF_MS))
        throw new CoreError('input.malformed', 'expected a time within the next 30 days')
      const shelf = {
        until: change.until,
        by,
        ...(change.reason === undefined ? {} : { reason: change.reason.slice(0, MAX_COMMENT) }),
        ...(care.shelf?.untold === undefined ? {} : { untold: care.shelf.untold }),
      }
      return withEvent(withCare(state, { ...care, shelf }), { at, is: 'shelved', by })
    }
    case 'unshelve':
      return care.shelf === undefined ? state : unshelve(state, { at, by })
    case 'assign': {
      if ((care.assignedTo ?? '') === change.to) return state
      const { assignedTo: _before, ...rest } = care
      const next = change.to === '' ? rest : { ...rest, assignedTo: change.to }
      return withEvent(withCare(state, next), { at, is: 'assigned', by })
    }
    case 'comment': {
      const comment = { at, by, text: change.text.slice(0, MAX_COMMENT) }
      const comments = [...(care.comments ?? []), comment].slice(-MAX_COMMENTS)
      return withCare(state, { ...care, comments })
    }
  }
}

/** Takes an alarm off its shelf; without `by` because its time is over. */
export function unshelve(
  state: AlarmState,
  { at, by }: { readonly at: number; readonly by?: string },
): AlarmState {
  const { shelf: _done, ...rest } = state.care ?? {}
  return withEvent(withCare(state, rest), {
    at,
    is: 'unshelved',
    ...(by === undefined ? {} : { by }),
  })
}

/** Takes note of an active alarm. The same state comes back if it is not active or already acknowledged. */
export function acknowledge(state: AlarmState, by: string, at: number): AlarmState {
  if (state.status !== 'active' || state.acknowledgedAt !== undefined) return state
  return { ...state, acknowledgedAt: at, acknowledgedBy: by }
}

/** An alarm whose history has one event more. */
export function withEvent(state: AlarmState, event: AlarmEvent): AlarmState {
  const { care = {} } = state
  return withCare(state, {
    ...care,
    history: [...(care.history ?? []), event].slice(-MAX_EVENTS),
  })
}

/** What people did outlasts what messages do. */
export function withCare(state: AlarmState, care: AlarmCare): AlarmState {
  return { ...state, care }
}
