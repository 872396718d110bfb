import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { cannotSay, setKey } from '../binary/text.ts'
import { type CellType, type DecimalMark, readCell, writeCell } from '../text/cell.ts'
import { breaks, type Cell, faultInText, readLines } from '../text/lines.ts'

/** What may stand beside `type`, with defaults applied. */
export interface CsvOptions {
  readonly separator: string
  readonly quote: string
  readonly decimal: DecimalMark
  readonly header: boolean
  readonly columns?: readonly string[] | undefined
  readonly types: Readonly<Record<string, CellType>>
  readonly skipLines: number
}

/**
 * The rows of a text by the names of their columns.
 * @throws CoreError `codec.*` with the byte.
 */
export function readRows(text: string, options: CsvOptions): readonly JsonObject[] {
  const lines = readLines(text, options.separator, options.quote).slice(options.skipLines)
  const [header] = lines
  const named = options.header ? header?.map((cell) => cell.text) : undefined
  const rows = options.header ? lines.slice(1) : lines
  if (rows.length === 0)
    throw faultInText('codec.truncated', 'expected a line of values, found none', text, text.length)
  const columns = options.columns ?? named
  if (columns !== undefined) checkNames(columns, text, header?.[0]?.at ?? 0)
  return rows.map((cells) => readRow(cells, columns, text, options))
}

function checkNames(columns: readonly string[], text: string, at: number): void {
  const named = columns.filter((name) => name !== '')
  if (new Set(named).size < named.length)
    throw faultInText('codec.duplicate_key', 'expected each column once, found one twice', text, at)
}

function readRow(
  cells: readonly Cell[],
  columns: readonly string[] | undefined,
  text: string,
  { types, decimal }: CsvOptions,
): JsonObject {
  if (columns !== undefined && cells.length !== columns.length)
    throw faultInText(
      'codec.malformed',
      `expected ${columns.length} columns, found ${cells.length}`,
      text,
      cells[0]?.at ?? 0,
    )
  const row: { [name: string]: Json } = {}
  cells.forEach((cell, index) => {
    const name = columns === undefined ? `c${index + 1}` : (columns[index] ?? '')
    if (name === '') return
    const type = (Object.hasOwn(types, name) ? types[name] : undefined) ?? 'auto'
    const value = cell.quoted && type === 'auto' ? cell.text : readCell(cell.text, type, decimal)
    if (value === undefined)
      throw faultInText(
        'codec.wrong_type',
        `column ${index + 1}: expected a ${type}, found something else`,
        text,
        cell.at,
      )
    setKey(row, name, value)
  })
  return row
}

/**
 * The text of rows, with the columns of the options, else with those of the first row.
 * @throws CoreError `codec.wrong_type`.
 */
export function writeRows(value: Json, options: CsvOptions): string {
  const rows: readonly Json[] = Array.isArray(value) ? value : [value]
  const objects = rows.filter(isJsonObject)
  const [first] = objects
  if (first === undefined || objects.length < rows.length)
    throw cannotSay(
      'CSV',
      'expected an object, or objects, of values by column, found something else',
    )
  const columns = options.columns ?? Object.keys(first)
  const lines = objects.map((row) =>
    columns.map((name) => {
      const cell = writeCell(Object.hasOwn(row, name) ? row[name] : null, options.decimal)
      if (cell === undefined)
        throw cannotSay(
          'CSV',
          'expected numbers, texts and booleans in a row, found something else',
        )
      return inQuotes(cell, options, typeof row[name] === 'string')
    }),
  )
  const all = options.header
    ? [columns.map((name) => inQuotes(name, options, false)), ...lines]
    : lines
  return all.map((line) => line.join(options.separator)).join('\n')
}

/** In quotes, where it would be read as something else without. */
function inQuotes(
  text: string,
  { separator, quote, decimal }: CsvOptions,
  isText: boolean,
): string {
  const looksElse = isText && readCell(text, 'auto', decimal) !== text
  const isPlain = !breaks(text, separator) && text.trim() === text && !looksElse
  if (quote === '') {
    if (breaks(text, separator))
      throw cannotSay(
        'CSV',
        'expected texts without separators, found one and no quotes to put it in',
      )
    return text
  }
  return isPlain && !text.includes(quote)
    ? text
    : quote + text.replaceAll(quote, quote + quote) + quote
}
