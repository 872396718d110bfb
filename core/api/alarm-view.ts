import { type AlarmState, standingOf } from '../model/alarm.ts'
import type { JsonObject } from '../model/json.ts'

/** One alarm of a device, as people see it. Times are epoch ms. */
export function alarmView(state: AlarmState): JsonObject {
  const { care, sample: _sample, hits, ...judged } = state
  const { shelf, comments = [], history = [], assignedTo } = care ?? {}
  return {
    ...judged,
    standing: standingOf(state),
    ...(hits === undefined ? {} : { hits: hits.length }),
    ...(assignedTo === undefined ? {} : { assignedTo }),
    ...(shelf === undefined
      ? {}
      : {
          shelvedUntil: shelf.until,
          shelvedBy: shelf.by,
          ...(shelf.reason === undefined ? {} : { shelvedFor: shelf.reason }),
        }),
    ...(comments.length === 0 ? {} : { comments: comments.map((one) => ({ ...one })) }),
    ...(history.length === 0 ? {} : { history: history.map((one) => ({ ...one })) }),
  }
}
