import type { MetricValue } from '../../model/telemetry.ts'
import type { TelemetryStore } from '../../ports.ts'
import { columnsOf, FIXED_COLUMNS, findColumns } from './columns.ts'
import { type ExportQuery, exportPages, metricOf } from './rows.ts'

/**
 * What a spreadsheet would take for the start of a formula; a text that starts so gets an apostrophe before it.
 * Source: OWASP, CSV Injection.
 */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/

/** Source: RFC 4180, section 2, rules 5 to 7. */
const NEEDS_QUOTES = /[",\r\n]/

/**
 * A table with a column for each metric, as spreadsheets want it.
 *
 * Shape: a header `deviceId,at,messageId` and the metrics, one line for each row; RFC 4180, lines end in CR LF; UTF-8
 *        without a mark. `at` is ISO 8601 in UTC. A metric that a row does not have is an empty cell, an empty text is `""`.
 */
export async function* exportCsv(
  telemetry: TelemetryStore,
  query: ExportQuery,
): AsyncGenerator<Uint8Array, void> {
  const encoder = new TextEncoder()
  const columns =
    query.metrics === undefined
      ? await findColumns(telemetry, query)
      : columnsOf(query.metrics, () => 'text')
  const titles = [...FIXED_COLUMNS, ...columns.map(({ title }) => title)]
  yield encoder.encode(`${titles.map(textCell).join(',')}\r\n`)
  for await (const { deviceId, rows } of exportPages(telemetry, query)) {
    const device = textCell(deviceId)
    let text = ''
    for (const row of rows) {
      text += `${device},${new Date(row.at).toISOString()},${textCell(row.messageId)}`
      for (const { metric } of columns) text += `,${cell(metricOf(row, metric))}`
      text += '\r\n'
    }
    yield encoder.encode(text)
  }
}

function cell(value: MetricValue | undefined): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? textCell(value) : String(value)
}

function textCell(text: string): string {
  if (text === '') return '""'
  const safe = FORMULA.test(text) ? `'${text}` : text
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
