import type { TelemetryStore } from '../ports.ts'
import { exportCsv } from './export/csv.ts'
import { exportJsonl } from './export/jsonl.ts'
import { exportParquet } from './export/parquet.ts'
import type { ExportQuery } from './export/rows.ts'

export type { ExportQuery }

export const EXPORT_FORMATS = ['csv', 'jsonl', 'parquet'] as const

export type ExportFormat = (typeof EXPORT_FORMATS)[number]

/**
 * The rows of several devices as a file, in parts: device after device, each in the order of time. Nothing is read before
 * the first part is asked for, and no more than a few thousand rows (of Parquet: a row group) are in memory at a time. For
 * CSV without `metrics`, and for Parquet, the rows are read twice: once to find the columns.
 * @throws CoreError `input.too_large` with the first part, if a table would have more than 2,000 metrics.
 * @throws CoreError `store.unavailable` with any part, if the backend did not answer.
 */
export function exportTelemetry(
  telemetry: TelemetryStore,
  query: ExportQuery & { readonly format: ExportFormat },
): AsyncIterable<Uint8Array> {
  switch (query.format) {
    case 'csv':
      return exportCsv(telemetry, query)
    case 'jsonl':
      return exportJsonl(telemetry, query)
    case 'parquet':
      return exportParquet(telemetry, query)
  }
}
