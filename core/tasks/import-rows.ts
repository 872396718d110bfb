import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { isDeviceId } from '../model/device-id.ts'
import { type CsvLine, csvLines, separatorOf } from './csv.ts'

/** Rows of one import. */
export const MAX_IMPORT_ROWS = 10_000

const MAX_TAGS = 50

const CREDENTIALS = ['none', 'certificate', 'token', 'key'] as const

/** A row of the file that can be done, or why it cannot. */
export const ImportRowSchema = z.object({
  line: z.int(),
  deviceId: z.string(),
  fault: z.string().optional(),
  type: z.string().optional(),
  enabled: z.boolean().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  credential: z.enum(CREDENTIALS).optional(),
})

export type ImportRow = z.output<typeof ImportRowSchema>

type Column = 'deviceId' | 'type' | 'enabled' | 'credential' | { readonly tag: string }

/**
 * Reads a file of devices. What is wrong with a row is a fault of that row.
 * @throws CoreError `input.malformed`, with the place, for a header that names no devices; `input.too_large` over 10,000
 * rows.
 */
export function readImport(text: string): readonly ImportRow[] {
  const lines = csvLines(text, separatorOf(text))
  const header = lines.next().value
  if (header === undefined) throw malformed(1, 'expected a header and rows, found nothing')
  if ('fault' in header) throw malformed(header.line, header.fault)
  const columns = header.cells.map((name, at) => readColumn(name.trim(), header.line, at))
  checkColumns(
    header.cells.map((name) => name.trim()),
    header.line,
  )
  const rows: ImportRow[] = []
  const seen = new Map<string, number>()
  for (const line of lines) {
    if (rows.length === MAX_IMPORT_ROWS)
      throw new CoreError(
        'input.too_large',
        `expected at most ${MAX_IMPORT_ROWS} rows, found more: send them in several files`,
      )
    rows.push(once(readRow(line, columns), seen))
  }
  if (rows.length === 0) throw malformed(header.line, 'expected rows behind the header, found none')
  return rows
}

function readColumn(name: string, line: number, at: number): Column {
  if (name === 'deviceId' || name === 'type' || name === 'enabled' || name === 'credential')
    return name
  if (name.startsWith('tags.') && name.length > 5 && name.length <= 133)
    return { tag: name.slice(5) }
  throw malformed(
    line,
    `column ${at + 1}: expected deviceId, type, enabled, credential or tags.<name>, found ${JSON.stringify(name.slice(0, 60))}`,
  )
}

function checkColumns(names: readonly string[], line: number): void {
  if (!names.includes('deviceId')) throw malformed(line, 'expected a column deviceId')
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined)
    throw malformed(line, `expected each column once, found ${JSON.stringify(twice)} twice`)
  const tags = names.filter((name) => name.startsWith('tags.')).length
  if (tags > MAX_TAGS) throw malformed(line, `expected at most ${MAX_TAGS} tags, found ${tags}`)
}

function readRow(found: CsvLine, columns: readonly Column[]): ImportRow {
  const { line } = found
  if ('fault' in found) return { line, deviceId: '', fault: found.fault }
  const { cells } = found
  const deviceId = (cells[columns.indexOf('deviceId')] ?? '').trim()
  if (!isDeviceId(deviceId))
    return { line, deviceId: '', fault: 'deviceId: expected 1 to 128 letters, digits and : . _ -' }
  if (cells.length !== columns.length)
    return {
      line,
      deviceId,
      fault: `expected ${columns.length} cells as in the header, found ${cells.length}`,
    }
  const row: ImportRow = { line, deviceId }
  const tags: Record<string, string> = {}
  for (const [at, column] of columns.entries()) {
    const cell = (cells[at] ?? '').trim()
    // An empty cell says nothing.
    if (cell === '' || column === 'deviceId') continue
    const fault = typeof column === 'string' ? set(row, column, cell) : tag(tags, column.tag, cell)
    if (fault !== undefined) return { line, deviceId, fault }
  }
  if (Object.keys(tags).length > 0) row.tags = tags
  return row
}

function set(
  row: ImportRow,
  column: 'type' | 'enabled' | 'credential',
  cell: string,
): string | undefined {
  switch (column) {
    case 'type':
      if (cell.length > 128) return 'type: expected at most 128 characters'
      row.type = cell
      return undefined
    case 'enabled': {
      const word = cell.toLowerCase()
      if (word !== 'true' && word !== 'false')
        return `enabled: expected true or false, found ${shown(cell)}`
      row.enabled = word === 'true'
      return undefined
    }
    case 'credential': {
      const kind = CREDENTIALS.find((one) => one === cell.toLowerCase())
      if (kind === undefined)
        return `credential: expected ${CREDENTIALS.join(', ')}, found ${shown(cell)}`
      row.credential = kind
      return undefined
    }
  }
}

function tag(tags: Record<string, string>, name: string, cell: string): string | undefined {
  if (cell.length > 256) return `tags.${name}: expected at most 256 characters`
  Object.defineProperty(tags, name, {
    value: cell,
    enumerable: true,
    configurable: true,
    writable: true,
  })
  return undefined
}

/** The first row of a device counts. */
function once(row: ImportRow, seen: Map<string, number>): ImportRow {
  const { line, deviceId, fault } = row
  if (fault !== undefined) return row
  const before = seen.get(deviceId)
  if (before !== undefined)
    return {
      line,
      deviceId,
      fault: `expected each device once, found it on line ${before} as well`,
    }
  seen.set(deviceId, line)
  return row
}

function shown(cell: string): string {
  return JSON.stringify(cell.slice(0, 40))
}

function malformed(line: number, message: string): CoreError {
  return new CoreError('input.malformed', `line ${line}: ${message}`, {
    position: { line, column: 1 },
  })
}
