import { Readable } from 'node:stream'
import { parse } from 'csv-parse'
import { CoreError, type Json, type JsonObject } from '../../core/index.ts'
import type { FaultyLine } from './read-message.ts'

/** One row of a CSV file as an object by the names of the header. */
export interface CsvRow {
  readonly line: number
  readonly row: JsonObject
}

/** A row longer than this is a quote that was never closed. Unit: bytes. */
const MAX_ROW_BYTES = 16_777_216

/** What csv-parse yields with `info`. */
interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/**
 * Reads CSV with a header row: RFC 4180, line breaks of any system, a byte order mark is skipped.
 *
 * Cells that look like a number, `true` or `false` are taken for it; empty cells are left out.
 * @throws CoreError `input.malformed` if the header cannot be used, or a row does not end.
 */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<CsvRow | FaultyLine> {
  const skipped: FaultyLine[] = []
  let lastLine = 0
  const rows: AsyncIterable<Parsed> = Readable.from(chunks).pipe(
    parse({
      bom: true,
      info: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      max_record_size: MAX_ROW_BYTES,
      on_skip: (error) => {
        skipped.push({ line: lastLine + 1, reason: describe(error?.code) })
        return undefined
      },
    }),
  )
  let header: readonly string[] | undefined
  for await (const { record, info } of rows) {
    const line = info.lines - lineBreaksIn(record)
    if (header === undefined) header = checkHeader(record)
    else if (record.length !== header.length) {
      const reason = `expected ${header.length} cells as in the header, found ${record.length}`
      yield { line, reason }
    } else yield { line, row: toObject(header, record) }
    lastLine = info.lines
  }
  yield* skipped
}

/** Where csv-parse gives up on a row, it has lost its place in the file. */
function describe(code: string | undefined): string {
  const from = 'expected a closing quote, found none: this and the following lines are lost'
  return code === 'CSV_QUOTE_NOT_CLOSED' || code === 'CSV_MAX_RECORD_SIZE'
    ? from
    : `expected CSV, found a fault that the parser calls ${String(code)}`
}

function checkHeader(record: readonly string[]): readonly string[] {
  const names = record.filter((name) => name !== '')
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return record
  throw new CoreError(
    'input.malformed',
    `expected a header with different names, found ${JSON.stringify(twice)} twice`,
  )
}

function toObject(header: readonly string[], record: readonly string[]): JsonObject {
  const entries: [string, Json][] = []
  for (const [index, name] of header.entries()) {
    const cell = record[index]
    if (name !== '' && cell !== undefined && cell !== '') entries.push([name, readCell(cell)])
  }
  return Object.fromEntries(entries)
}

/** A number that would not be written the same way again, such as 007 or one with 20 digits, stays a text. */
function readCell(cell: string): Json {
  if (cell === 'true') return true
  if (cell === 'false') return false
  if (!/^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell) || /^-?0\d/.test(cell)) return cell
  const number = Number(cell)
  const isWhole = /^-?\d+$/.test(cell)
  return Number.isFinite(number) && (!isWhole || Number.isSafeInteger(number)) ? number : cell
}

function lineBreaksIn(record: readonly string[]): number {
  let count = 0
  for (const cell of record) if (cell.includes('\n')) count += cell.split('\n').length - 1
  return count
}
