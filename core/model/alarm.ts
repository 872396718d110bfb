import type { Severity } from './notification.ts'

/**
 * The state of one alarm rule on one device. A device that never met the condition has none.
 *
 * pending → the condition is true, but not yet for long enough; active → raised; cleared → was active.
 */
export interface AlarmState {
  readonly status: 'pending' | 'active' | 'cleared'
  readonly severity: Severity
  /** Event time in epoch ms at which the condition became true. */
  readonly since: number
  /** Epoch ms at which a timer raises a pending alarm even if no message comes. */
  readonly dueAt?: number
  /** Event time in epoch ms. */
  readonly raisedAt?: number
  readonly clearedAt?: number
  readonly acknowledgedAt?: number
  readonly acknowledgedBy?: string
  /** The sentence for people, rendered when it was raised. */
  readonly text: string
  /** Event time of the newest message that was judged: older ones change nothing. */
  readonly judgedAt: number
}
