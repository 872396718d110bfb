import { CoreError } from '../errors.ts'
import type { AlarmCare, AlarmChange, AlarmEvent, AlarmShelf, AlarmState } from '../model/alarm.ts'

/** What one alarm keeps at most, and what all alarms of a device do together: it is in the record of the device. */
const MAX_EVENTS = 50
const MAX_COMMENTS = 20
const ALL_EVENTS = 500
const ALL_COMMENTS = 100

/** However many alarms there are, so many events of each are kept. */
const LEAST_EVENTS = 5

/** Unit: UTF-16 units. */
const MAX_COMMENT = 1_000

/** Longer shelves would be another way to remove an alarm. Unit: ms. */
const LONGEST_SHELF_MS = 30 * 86_400_000

/** Who does something, and when. */
export interface Caretaker {
  readonly by: string
  /** Epoch ms. */
  readonly at: number
  /** How many alarms the device has: they share the room. 1 unless given. */
  readonly among?: number
}

/**
 * The alarm after somebody did something about it. The same state comes back if there was nothing to do.
 * @throws CoreError `input.not_found` if it is not active and has to be; `input.malformed` for a shelf that is no time ahead.
 */
export function careFor(state: AlarmState, change: AlarmChange, caretaker: Caretaker): AlarmState {
  const { by, at, among = 1 } = caretaker
  const { care = {} } = state
  switch (change.do) {
    case 'acknowledge':
      if (state.status !== 'active')
        throw new CoreError(
          'input.not_found',
          `expected an active alarm, found one that is ${state.status}`,
        )
      if (state.acknowledgedAt !== undefined) return state
      return withEvent(acknowledge(state, by, at), { at, is: 'acknowledged', by }, among)
    case 'shelve': {
      const ahead = change.until - at
      if (!(ahead > 0 && ahead <= LONGEST_SHELF_MS))
        throw new CoreError('input.malformed', 'expected a time within the next 30 days')
      const shelf = {
        until: change.until,
        by,
        ...(change.reason === undefined ? {} : { reason: change.reason.slice(0, MAX_COMMENT) }),
        ...owedOf(care.shelf),
      }
      return withEvent(withCare(state, { ...care, shelf }), { at, is: 'shelved', by }, among)
    }
    case 'unshelve':
      return care.shelf === undefined ? state : unshelve(state, { at, by, among })
    case 'assign': {
      if ((care.assignedTo ?? '') === change.to) return state
      const { assignedTo: _before, ...rest } = care
      const next = change.to === '' ? rest : { ...rest, assignedTo: change.to }
      return withEvent(withCare(state, next), { at, is: 'assigned', by }, among)
    }
    case 'comment': {
      const comment = { at, by, text: change.text.slice(0, MAX_COMMENT) }
      const comments = [...(care.comments ?? []), comment].slice(
        -roomFor(MAX_COMMENTS, ALL_COMMENTS, 1, among),
      )
      return withCare(state, { ...care, comments })
    }
  }
}

/** Who shelves it again takes over what is to be made up for. */
function owedOf({ untold, begunHere, uncleared }: Partial<AlarmShelf> = {}): Partial<AlarmShelf> {
  return {
    ...(untold === undefined ? {} : { untold }),
    ...(begunHere === undefined ? {} : { begunHere }),
    ...(uncleared === undefined ? {} : { uncleared }),
  }
}

/** Takes an alarm off its shelf; without `by` because its time is over. */
export function unshelve(
  state: AlarmState,
  { at, by, among = 1 }: Omit<Caretaker, 'by'> & { readonly by?: string },
): AlarmState {
  const { shelf: _done, ...rest } = state.care ?? {}
  const event: AlarmEvent = { at, is: 'unshelved', ...(by === undefined ? {} : { by }) }
  return withEvent(withCare(state, rest), event, among)
}

/** Takes note of an active alarm. The same state comes back if it is not active or already acknowledged. */
export function acknowledge(state: AlarmState, by: string, at: number): AlarmState {
  if (state.status !== 'active' || state.acknowledgedAt !== undefined) return state
  return { ...state, acknowledgedAt: at, acknowledgedBy: by }
}

/** An alarm whose history has one event more. `among`: how many alarms the device has. */
export function withEvent(state: AlarmState, event: AlarmEvent, among: number): AlarmState {
  const { care = {} } = state
  const most = roomFor(MAX_EVENTS, ALL_EVENTS, LEAST_EVENTS, among)
  return withCare(state, { ...care, history: [...(care.history ?? []), event].slice(-most) })
}

/** How much of a kind one alarm may keep, of what all may. */
function roomFor(most: number, all: number, least: number, among: number): number {
  return Math.min(most, Math.max(least, Math.floor(all / among)))
}

/** What people did outlasts what messages do. */
export function withCare(state: AlarmState, care: AlarmCare): AlarmState {
  return { ...state, care }
}
