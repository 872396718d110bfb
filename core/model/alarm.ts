import type { Severity } from './notification.ts'

/**
 * The state of one alarm rule on one device. A device of which the rule has not yet judged a message has none.
 *
 * quiet → the condition is not true; pending → it is, but not yet for long enough; active → raised; cleared → was active.
 */
export interface AlarmState {
  readonly status: 'quiet' | 'pending' | 'active' | 'cleared'
  readonly severity: Severity
  /** Event time in epoch ms at which the condition became true; of a quiet one, at which it was first judged. */
  readonly since: number
  /** Epoch ms at which a timer raises a pending alarm even if no message comes. */
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
}
