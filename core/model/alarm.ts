import type { Severity } from './notification.ts'

/**
 * The state of one alarm rule on one device. A device of which the rule has not yet judged a message has none.
 *
 * quiet → the condition is not true; pending → it is, but not yet for long enough, or not often enough; active → raised;
 * cleared → was active.
 */
export interface AlarmState {
  readonly status: 'quiet' | 'pending' | 'active' | 'cleared'
  readonly severity: Severity
  /** Event time in epoch ms at which the condition became true; of a quiet one, at which it was first judged. */
  readonly since: number
  /** Epoch ms at which time alone moves it on: it is raised, or cleared, even if no message comes. */
  readonly dueAt?: number
  /** Event time in epoch ms. */
  readonly raisedAt?: number
  readonly clearedAt?: number
  readonly acknowledgedAt?: number
  readonly acknowledgedBy?: string
  /** The sentence for people, rendered when the condition became true; '' of a quiet one. */
  readonly text: string
  /** Event time of the newest message that said something about the condition: older ones change nothing. */
  readonly judgedAt: number
  /** Event times at which the condition was true, where it has to be several times. */
  readonly hits?: readonly number[]
  /** Event time since which the condition that clears holds, where it has to for some time. */
  readonly clearingSince?: number
  /** The newest value of which a rate is made. */
  readonly sample?: AlarmSample
  /** What people did about it; it outlasts that the alarm is raised and cleared. */
  readonly care?: AlarmCare
}

export interface AlarmSample {
  /** Event time, epoch ms. */
  readonly at: number
  readonly value: number
}

/** What people do about an alarm. */
export interface AlarmCare {
  readonly assignedTo?: string
  readonly shelf?: AlarmShelf
  /** Oldest first; the last ones. */
  readonly comments?: readonly AlarmComment[]
  /** Oldest first; the last ones. */
  readonly history?: readonly AlarmEvent[]
}

/** Nobody is told of a shelved alarm until the shelf ends. */
export interface AlarmShelf {
  /** Epoch ms. */
  readonly until: number
  readonly by: string
  readonly reason?: string
  /** Channels that were not told that it is active; they are when the shelf ends and it still is. */
  readonly untold?: readonly string[] | undefined
  /** True while it is in a round that began on the shelf: nobody was told of its beginning. */
  readonly begunHere?: boolean | undefined
  /** Channels that were told that it is active, and not that it has cleared; they are when the shelf ends and it still is. */
  readonly uncleared?: readonly string[] | undefined
}

export interface AlarmComment {
  /** Epoch ms. */
  readonly at: number
  readonly by: string
  readonly text: string
}

/** Something that happened to an alarm. */
export interface AlarmEvent {
  /** Epoch ms: event time of what messages did, our clock of what people did. */
  readonly at: number
  readonly is:
    | 'raised'
    | 'cleared'
    | 'escalated'
    | 'eased'
    | 'acknowledged'
    | 'shelved'
    | 'unshelved'
    | 'assigned'
  readonly severity?: Severity
  readonly by?: string
}

/** What somebody does about an alarm. */
export type AlarmChange =
  | { readonly do: 'acknowledge' }
  | { readonly do: 'shelve'; readonly until: number; readonly reason?: string }
  | { readonly do: 'unshelve' }
  /** '' takes it from whoever has it. */
  | { readonly do: 'assign'; readonly to: string }
  | { readonly do: 'comment'; readonly text: string }

/** The state in the words of alarm systems. Source: ISA-18.2, alarm states. */
export type AlarmStanding = 'normal' | 'pending' | 'active' | 'acknowledged' | 'cleared' | 'shelved'

export function standingOf({ status, acknowledgedAt, care }: AlarmState): AlarmStanding {
  if (care?.shelf !== undefined) return 'shelved'
  if (status === 'quiet') return 'normal'
  return status === 'active' && acknowledgedAt !== undefined ? 'acknowledged' : status
}
