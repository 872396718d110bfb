/**
 * What a step did that took messages in and did nothing else: with its rows it gives the next record.
 *
 * A store may keep the rows with this in place of the record, and write the record later.
 */
export interface MeasuredChange {
  /** Epoch ms of the last sign of life. */
  readonly seenAt: number
  /** Newest event time, epoch ms. */
  readonly newestAt: number
  /** When the values became reported state, epoch s; 0 where they do not. */
  readonly reportedAt: number
}
