/** The days of a week in the order of `Date.getUTCDay`. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
export type Weekday = (typeof WEEKDAYS)[number]

/** A span of the day that comes back every week. One that ends before it begins ends on the next day. */
export interface WeeklySpan {
  /** The days on which it begins; every day unless given. */
  readonly days?: readonly Weekday[] | undefined
  /** Minutes since midnight, 0 to 1,439. */
  readonly from: number
  /** Minutes since midnight, exclusive; the same as `from`: a whole day. */
  readonly to: number
}
