import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js'
import { ParquetWriter } from 'hyparquet-writer/src/parquet-writer.js'
import type { MetricValue, TelemetryRow } from '../../model/telemetry.ts'
import type { TelemetryStore } from '../../ports.ts'
import { type Column, findColumns } from './columns.ts'
import { type ExportPage, type ExportQuery, exportPages, metricOf } from './rows.ts'

/** A row group is written when it has so many rows, or so many cells: readers like few, memory likes small ones. */
const GROUP_ROWS = 50_000
const GROUP_CELLS = 1_000_000

/** Or so many characters of text. */
const GROUP_CHARS = 16_000_000

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema']
type SchemaElement = Schema[number]
type ColumnData = Parameters<ParquetWriter['write']>[0]['columnData'][number]

/** The rows that the next row group will have, by columns. */
interface Group {
  readonly deviceIds: string[]
  readonly times: bigint[]
  readonly messageIds: string[]
  readonly values: (MetricValue | null)[][]
  chars: number
}

/**
 * A Parquet file, in row groups.
 *
 * Shape: `deviceId` and `messageId` are texts, `at` is a timestamp in ms, UTC. A metric is a column of doubles or of
 *        booleans where all of its values are, else of texts; a row that does not have it has null. Snappy.
 */
export async function* exportParquet(
  telemetry: TelemetryStore,
  query: ExportQuery,
): AsyncGenerator<Uint8Array, void> {
  const columns = await findColumns(telemetry, query)
  const bytes = new ByteWriter()
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns),
    createdBy: 'anyhub',
  })
  const most = Math.min(GROUP_ROWS, Math.ceil(GROUP_CELLS / (columns.length + 3)))
  let group = newGroup(columns)

  function write(): Uint8Array {
    void writer.write({
      columnData: columnDataOf(group, columns),
      rowGroupSize: group.times.length,
    })
    group = newGroup(columns)
    return taken(bytes)
  }

  for await (const { deviceId, rows } of exportPages(telemetry, query)) {
    for (const row of rows) {
      add(group, columns, { deviceId, row })
      if (group.times.length >= most || group.chars >= GROUP_CHARS) yield write()
    }
  }
  if (group.times.length > 0) yield write()
  void writer.finish()
  yield taken(bytes)
}

/** What was written since the last time; the writer goes on from there. */
function taken(bytes: ByteWriter): Uint8Array {
  const found = new Uint8Array(bytes.getBuffer())
  bytes.index = 0
  return found
}

function schemaOf(columns: readonly Column[]): Schema {
  const fixed: SchemaElement[] = [
    { name: 'root', num_children: columns.length + 3 },
    { name: 'deviceId', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
    {
      name: 'at',
      type: 'INT64',
      converted_type: 'TIMESTAMP_MILLIS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      repetition_type: 'REQUIRED',
    },
    { name: 'messageId', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  ]
  return [...fixed, ...columns.map(elementOf)]
}

function elementOf({ title: name, kind }: Column): SchemaElement {
  const repetition_type = 'OPTIONAL'
  switch (kind) {
    case 'number':
      return { name, type: 'DOUBLE', repetition_type }
    case 'boolean':
      return { name, type: 'BOOLEAN', repetition_type }
    case 'text':
      return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type }
  }
}

function newGroup(columns: readonly Column[]): Group {
  return { deviceIds: [], times: [], messageIds: [], values: columns.map(() => []), chars: 0 }
}

function add(
  group: Group,
  columns: readonly Column[],
  { deviceId, row }: Pick<ExportPage, 'deviceId'> & { readonly row: TelemetryRow },
): void {
  group.deviceIds.push(deviceId)
  group.times.push(BigInt(row.at))
  group.messageIds.push(row.messageId)
  group.chars += row.messageId.length
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index]
    if (column === undefined) continue
    const value = valueFor(metricOf(row, column.metric), column)
    group.values[index]?.push(value)
    if (typeof value === 'string') group.chars += value.length
  }
}

/** A value that came after the kinds were found out may be of another one: only a text holds anything. */
function valueFor(value: MetricValue | undefined, { kind }: Column): MetricValue | null {
  if (value === undefined) return null
  if (kind === 'text') return String(value)
  return typeof value === kind ? value : null
}

function columnDataOf(group: Group, columns: readonly Column[]): ColumnData[] {
  // Pages are found through the row groups alone: an index of them would stay in memory to the end.
  const offsetIndex = false
  return [
    { name: 'deviceId', data: group.deviceIds, offsetIndex },
    { name: 'at', data: group.times, offsetIndex },
    { name: 'messageId', data: group.messageIds, offsetIndex },
    ...columns.map(({ title }, index) => ({
      name: title,
      data: group.values[index] ?? [],
      offsetIndex,
    })),
  ]
}
