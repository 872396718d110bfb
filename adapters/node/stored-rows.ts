import type { MetricValue, TelemetryRow } from '../../core/index.ts'

/** A telemetry row as it is stored, among those of its hour or day, or in the tail of its record. */
export type StoredRow = readonly [
  at: number,
  messageId: string,
  metrics: Readonly<Record<string, MetricValue>>,
]

/** The key of a row among those of its device. */
export function rowKey(at: number, messageId: string): string {
  return `${at}/${messageId}`
}

/** Rows as they are stored; one that stands there twice is one. */
export function toStoredRows(rows: readonly TelemetryRow[]): readonly StoredRow[] {
  return distinctRows(rows.map(({ at, messageId, metrics }) => [at, messageId, metrics]))
}

/** Each row once, in the order in which they first stand there. */
export function distinctRows(rows: readonly StoredRow[]): readonly StoredRow[] {
  const found = new Map<string, StoredRow>()
  for (const row of rows) {
    const key = rowKey(row[0], row[1])
    if (!found.has(key)) found.set(key, row)
  }
  return [...found.values()]
}
