import type { RuleMessage } from './message.ts'
import type { Value } from './value.ts'

/**
 * What closures see besides the row: the message, and for rules with variables, row names or subqueries
 * a place to keep them. A message alone is a frame, so that plain rules allocate nothing.
 */
export interface Frame extends RuleMessage {
  /** Values of SET variables and rows of named subqueries, by the slot that the compiler gave them. */
  readonly slots?: Value[]
  /** Rows that subqueries have visited. */
  readonly work?: { rows: number }
}

/** Evaluates one expression on one row. Rows are the body, or the element that a subquery stands on. */
export type Evaluate = (row: Value, frame: Frame) => Value

/** True only where the condition is true: not where it is false, Undefined or no Boolean. */
export type Test = (row: Value, frame: Frame) => boolean

/** A frame with room for variables and rows. */
export function frameOf(message: RuleMessage): Frame {
  return { ...message, slots: [], work: { rows: 0 } }
}
