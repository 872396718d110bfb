import type { DeviceRecord, LastValue } from '../model/device-record.ts'
import { goodValues } from '../model/flags.ts'
import type { MeasuredChange } from '../model/measured-change.ts'
import type { MetricValue, TelemetryRow } from '../model/telemetry.ts'
import { reportValues } from '../shadow/index.ts'

/** Ids remembered per device: enough for what a transport sends again at once. Older ones are asked of the store. */
const RECENT_IDS = 48

/** The last values of a device while messages come in; what they report is gathered for its shadow. */
export class Measurements {
  readonly #before: DeviceRecord['last']
  readonly #report: boolean
  #last: Record<string, LastValue> | undefined
  /** True if a metric came that was not known before. */
  #grown = false
  /** What is new for the shadow: the values of one message as they are, or a draft of our own. */
  #measured: TelemetryRow['metrics'] | undefined
  #reported: Record<string, MetricValue> | undefined

  constructor(last: DeviceRecord['last'], report: boolean) {
    this.#before = last
    this.#report = report
  }

  get last(): DeviceRecord['last'] {
    return this.#last ?? this.#before
  }

  /** Keeps those values that are not flagged and not older than the ones at hand. */
  take(at: number, row: TelemetryRow['metrics']): void {
    const metrics = goodValues(row)
    this.#last ??= { ...this.#before }
    const last = this.#last
    let taken = 0
    let late = 0
    for (const metric in metrics) {
      const value = metrics[metric]
      if (value === undefined) continue
      // What an object inherits (`constructor`) carries no time, so it counts as no value.
      const before = last[metric]
      if (before !== undefined && before.at > at) late++
      else {
        if (before === undefined) this.#grown = true
        last[metric] = { value, at }
        taken++
      }
    }
    if (taken > 0 && this.#report) this.#gather(metrics, late === 0 ? undefined : at)
  }

  /** Keeps so many metrics and gives the names of those that were not measured for the longest time. */
  forgetOldest(most: number): readonly string[] {
    if (!this.#grown || this.#last === undefined) return NONE
    const byAge = Object.entries(this.#last).sort(([, a], [, b]) => b.at - a.at)
    if (byAge.length <= most) return NONE
    this.#last = Object.fromEntries(byAge.slice(0, most))
    return byAge.slice(most).map(([metric]) => metric)
  }

  /** The values to report since this was asked last; `undefined` if there are none. */
  takeReported(): Readonly<Record<string, MetricValue>> | undefined {
    const reported = this.#measured ?? this.#reported
    this.#measured = undefined
    this.#reported = undefined
    return reported
  }

  /** Most steps have one message, all of it new: its values are taken as they are, without a copy. */
  #gather(metrics: TelemetryRow['metrics'], lateAt: number | undefined): void {
    if (this.#measured === undefined && this.#reported === undefined && lateAt === undefined) {
      this.#measured = metrics
      return
    }
    this.#reported ??= { ...this.#measured }
    this.#measured = undefined
    for (const metric in metrics) {
      const value = metrics[metric]
      if (value === undefined || (lateAt !== undefined && this.#last?.[metric]?.at !== lateAt))
        continue
      this.#reported[metric] = value
    }
  }
}

const NONE: readonly string[] = []

/** The ids remembered after some were added, oldest first. */
export function nextRecentIds(
  before: readonly string[],
  added: readonly string[],
): readonly string[] {
  if (added.length === 0) return before
  if (added.length >= RECENT_IDS) return added.slice(-RECENT_IDS)
  // Neither `slice` nor a spread: an array that grows is copied once more.
  const kept = Math.min(before.length, RECENT_IDS - added.length)
  const ids = new Array<string>(kept + added.length)
  let at = 0
  for (let index = before.length - kept; index < before.length; index++)
    ids[at++] = before[index] ?? ''
  for (const id of added) ids[at++] = id
  return ids
}

/** The record after a commit that was nothing but measured: the same as the step made of it. */
export function replayMeasured(
  record: DeviceRecord,
  rows: readonly TelemetryRow[],
  { seenAt, newestAt, reportedAt }: MeasuredChange,
): DeviceRecord {
  const measurements = new Measurements(record.last, reportedAt > 0)
  for (const { at, metrics } of rows) measurements.take(at, metrics)
  const reported = measurements.takeReported()
  return {
    ...record,
    version: record.version + 1,
    presence: { ...record.presence, seenAt },
    accepted: record.accepted + rows.length,
    newestAt,
    last: measurements.last,
    recentIds: nextRecentIds(
      record.recentIds,
      rows.map(({ messageId }) => messageId),
    ),
    shadows:
      reported === undefined
        ? record.shadows
        : { ...record.shadows, '': reportValues(record.shadows[''], reported, reportedAt) },
  }
}
