import type { MetricValue, TelemetryRow } from '../../../core/index.ts'
import {
  type ChunkReader,
  createChunkReader,
  createChunkWriter,
  readByte,
  readCount,
  readText,
} from './bytes.ts'
import { readColumn, type Values, writeColumn } from './column.ts'
import { readIds, writeIds } from './ids.ts'
import { readTimes, writeTimes } from './times.ts'

/** A row as it is stored, within those of its hour. */
export type StoredRow = readonly [
  at: number,
  messageId: string,
  metrics: Readonly<Record<string, MetricValue>>,
]

/** Rows of one device and hour, by columns. The message ids are apart: what draws a chart has no need of them. */
export interface Chunk {
  readonly columns: Uint8Array
  readonly ids: Uint8Array
}

/** One chunk, opened: a column is read when it is asked for. */
export interface OpenChunk {
  /** In their order. */
  readonly times: Float64Array
  /** The names of the metrics that some row has. */
  readonly metrics: readonly string[]
  /** The values of a metric, one for each time. */
  values(metric: string): Values
}

const FORMAT = 1

/**
 * Packs rows, in the order of time and, where it is the same, of their ids.
 *
 * Shape: `columns` is the format (1), how many rows, their times, how many metrics, and for each its name as JSON, how many bytes
 *        its column has, and the column; `ids` is the message ids.
 */
export function packChunk(rows: readonly StoredRow[]): Chunk {
  const sorted = rows.toSorted(byTimeAndId)
  const writer = createChunkWriter()
  writer.byte(FORMAT)
  writer.count(sorted.length)
  writeTimes(
    writer,
    sorted.map(([at]) => at),
  )
  const metrics = new Set<string>()
  for (const [, , values] of sorted) for (const metric of Object.keys(values)) metrics.add(metric)
  writer.count(metrics.size)
  for (const metric of metrics) {
    const column = createChunkWriter()
    writeColumn(
      column,
      sorted.map(([, , values]) => (Object.hasOwn(values, metric) ? values[metric] : undefined)),
    )
    const bytes = column.done()
    writer.text(JSON.stringify(metric))
    writer.count(bytes.length)
    writer.raw(bytes)
  }
  return { columns: writer.done(), ids: writeIds(sorted.map(([, messageId]) => messageId)) }
}

function byTimeAndId(a: StoredRow, b: StoredRow): number {
  if (a[0] !== b[0]) return a[0] - b[0]
  if (a[1] === b[1]) return 0
  return a[1] < b[1] ? -1 : 1
}

/** @throws RangeError if it is no chunk of this format, or was cut. */
export function openChunk(columns: Uint8Array): OpenChunk {
  const reader = createChunkReader(columns)
  const format = readByte(reader)
  if (format !== FORMAT)
    throw new RangeError(`expected a chunk of format ${FORMAT}, found ${format}`)
  const count = readCount(reader)
  const times = readTimes(reader, count)
  const places = new Map<string, number>()
  for (let left = readCount(reader); left > 0; left--) {
    const metric: string = JSON.parse(readText(reader))
    const length = readCount(reader)
    places.set(metric, reader.at)
    reader.at += length
  }
  return {
    times,
    metrics: [...places.keys()],
    values(metric) {
      const at = places.get(metric)
      if (at === undefined) return new Array(count).fill(undefined)
      const ofColumn: ChunkReader = { bytes: reader.bytes, at }
      return readColumn(ofColumn, count)
    },
  }
}

/** The rows of a chunk, in the order of time. */
export function unpackRows({ columns, ids }: Chunk): TelemetryRow[] {
  const chunk = openChunk(columns)
  const { times } = chunk
  const messageIds = readIds(ids, times.length)
  const all: [metric: string, values: Values][] = chunk.metrics.map((metric) => [
    metric,
    chunk.values(metric),
  ])
  const rows: TelemetryRow[] = new Array(times.length)
  for (let index = 0; index < times.length; index++) {
    const metrics: Record<string, MetricValue> = {}
    for (const [metric, values] of all) {
      const value = values[index]
      if (value !== undefined) put(metrics, metric, value)
    }
    rows[index] = { at: times[index] ?? 0, messageId: messageIds[index] ?? '', metrics }
  }
  return rows
}

/** A metric may be called `__proto__`, as in the JSON that it came in. */
function put(metrics: Record<string, MetricValue>, metric: string, value: MetricValue): void {
  if (metric !== '__proto__') metrics[metric] = value
  else
    Object.defineProperty(metrics, metric, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    })
}

/** Times and message ids of a chunk. */
export function unpackKeys({ columns, ids }: Chunk): readonly (readonly [number, string])[] {
  const { times } = openChunk(columns)
  const messageIds = readIds(ids, times.length)
  return Array.from(times, (at, index) => [at, messageIds[index] ?? ''] as const)
}
