import type { MetricValue } from './telemetry.ts'

/**
 * Where a message says which of its values are bad: `_flags.temp: range`. Values and flags stand in the same row; neither
 * becomes a last value or reported state.
 */
export const FLAGS_KEY = '_flags'

const FLAG_PREFIX = `${FLAGS_KEY}.`
const UNDERSCORE = 0x5f

/** The name under which the flag of a metric is stored. */
export function flagName(metric: string): string {
  return FLAG_PREFIX + metric
}

/** The values of a row that nothing is wrong with: the row's own object where that is all of them. */
export function goodValues(
  metrics: Readonly<Record<string, MetricValue>>,
): Readonly<Record<string, MetricValue>> {
  for (const metric in metrics) if (isFlag(metric)) return withoutFlagged(metrics)
  return metrics
}

function isFlag(metric: string): boolean {
  return metric.charCodeAt(0) === UNDERSCORE && metric.startsWith(FLAG_PREFIX)
}

function withoutFlagged(
  metrics: Readonly<Record<string, MetricValue>>,
): Readonly<Record<string, MetricValue>> {
  const good: Record<string, MetricValue> = {}
  for (const metric in metrics) {
    const value = metrics[metric]
    if (value === undefined || isFlag(metric) || Object.hasOwn(metrics, flagName(metric))) continue
    good[metric] = value
  }
  return good
}
