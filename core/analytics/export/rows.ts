import type { MetricValue, TelemetryRow } from '../../model/telemetry.ts'
import type { TelemetryStore } from '../../ports.ts'
import { pagesOf } from '../pages.ts'

export interface ExportQuery {
  readonly deviceIds: readonly string[]
  /** Epoch ms, inclusive. */
  readonly from: number
  /** Epoch ms, exclusive. */
  readonly to: number
  /** Names of metrics, in the order of their columns; rows that have none of them are left out. All where it is absent. */
  readonly metrics?: readonly string[] | undefined
}

/** Rows of one device, in the order of time. */
export interface ExportPage {
  readonly deviceId: string
  readonly rows: readonly TelemetryRow[]
}

/** What is exported, a page at a time, device after device. */
export async function* exportPages(
  telemetry: TelemetryStore,
  query: ExportQuery,
): AsyncGenerator<ExportPage, void> {
  for (const deviceId of new Set(query.deviceIds)) {
    for await (const page of pagesOf(telemetry, deviceId, query)) {
      const rows = query.metrics === undefined ? page : withMetrics(page, new Set(query.metrics))
      if (rows.length > 0) yield { deviceId, rows }
    }
  }
}

function withMetrics(
  rows: readonly TelemetryRow[],
  wanted: ReadonlySet<string>,
): readonly TelemetryRow[] {
  const found: TelemetryRow[] = []
  for (const { at, messageId, metrics } of rows) {
    const entries = Object.entries(metrics).filter(([metric]) => wanted.has(metric))
    if (entries.length > 0) found.push({ at, messageId, metrics: Object.fromEntries(entries) })
  }
  return found
}

/** A value of a row, or `undefined`: a metric may have any name, `constructor` too. */
export function metricOf({ metrics }: TelemetryRow, metric: string): MetricValue | undefined {
  return Object.hasOwn(metrics, metric) ? metrics[metric] : undefined
}
