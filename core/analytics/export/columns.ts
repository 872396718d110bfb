import { CoreError } from '../../errors.ts'
import type { MetricValue } from '../../model/telemetry.ts'
import type { TelemetryStore } from '../../ports.ts'
import { type ExportQuery, exportPages } from './rows.ts'

/** What stands before the metrics in every table. */
export const FIXED_COLUMNS = ['deviceId', 'at', 'messageId'] as const

/** More columns than this are no table that anything opens. */
const MAX_COLUMNS = 2_000

/** The kind of all values of a metric; `text` where they are of several. */
export type ColumnKind = 'number' | 'boolean' | 'text'

/** One metric as a column of a table. */
export interface Column {
  readonly metric: string
  /** The metric's name; of those that are named as a fixed column, with `metrics.` before it. */
  readonly title: string
  readonly kind: ColumnKind
}

/**
 * Reads all rows once to find out which metrics there are, and of which kind. In the order that was asked for, else of
 * their names; one that was asked for and has no values is a column of texts.
 * @throws CoreError `input.too_large` if they are more than 2,000.
 */
export async function findColumns(
  telemetry: TelemetryStore,
  query: ExportQuery,
): Promise<readonly Column[]> {
  const kinds = new Map<string, ColumnKind>()
  for await (const { rows } of exportPages(telemetry, query)) {
    for (const { metrics } of rows) {
      for (const metric in metrics) {
        const value = metrics[metric]
        if (value === undefined) continue
        const kind = kindOf(value)
        const before = kinds.get(metric)
        if (before !== kind) kinds.set(metric, before === undefined ? kind : 'text')
      }
    }
    checkCount(kinds.size)
  }
  const metrics = query.metrics ?? [...kinds.keys()].sort()
  return columnsOf(metrics, (metric) => kinds.get(metric) ?? 'text')
}

/**
 * Columns of metrics whose names are known, each once.
 * @throws CoreError `input.too_large` if they are more than 2,000.
 */
export function columnsOf(
  metrics: readonly string[],
  kindOfMetric: (metric: string) => ColumnKind,
): readonly Column[] {
  const distinct = new Set(metrics)
  checkCount(distinct.size)
  const titles = new Set<string>(FIXED_COLUMNS)
  return [...distinct].map((metric) => {
    let title = metric
    // `metrics.at` may be the name of a metric as well.
    while (titles.has(title) || (title !== metric && distinct.has(title)))
      title = `metrics.${title}`
    titles.add(title)
    return { metric, title, kind: kindOfMetric(metric) }
  })
}

function kindOf(value: MetricValue): ColumnKind {
  if (typeof value === 'number') return 'number'
  return typeof value === 'boolean' ? 'boolean' : 'text'
}

function checkCount(count: number): void {
  if (count <= MAX_COLUMNS) return
  throw new CoreError(
    'input.too_large',
    `expected at most ${MAX_COLUMNS} metrics in one table, found more: name those that are wanted`,
    { details: { maxColumns: MAX_COLUMNS } },
  )
}
