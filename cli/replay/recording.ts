import { createReadStream, statSync } from 'node:fs'
import { isJsonObject, type Json } from '../../core/index.ts'
import { readLines } from '../lines.ts'
import type { Terminal } from '../terminal.ts'
import { wrongUse } from '../terminal.ts'
import { readCsv } from './csv.ts'
import {
  type FaultyLine,
  type MessagePlan,
  type RecordedMessage,
  readMessage,
} from './read-message.ts'

/** The largest message that any config allows. Unit: bytes. */
const MAX_LINE_BYTES = 16_777_216
const CHUNK_BYTES = 262_144
const BOM = Buffer.from([0xef, 0xbb, 0xbf])

export const FORMATS = ['jsonl', 'csv'] as const
export type Format = (typeof FORMATS)[number]

/** A recording, open. It is read as it is used: what is not asked for is not in memory. */
export interface Recording {
  readonly messages: AsyncIterable<RecordedMessage | FaultyLine>
  /** Unit: bytes; 0 where nobody knows. */
  readonly size: number
  bytesRead(): number
}

/** One line of a recording before anybody asks what it means. */
export interface RawLine {
  readonly line: number
  readonly body: Json
  readonly bytes: Uint8Array
}

/**
 * Opens a recording; `-` is stdin.
 * @throws CoreError `usage.wrong` if there is no such file.
 */
export function openRecording(
  path: string,
  format: Format | undefined,
  plan: MessagePlan,
  terminal: Terminal,
): Recording {
  const source = openSource(path, terminal)
  const lines = readRawLines(source.chunks, format ?? formatOf(path))
  return { messages: readAll(lines, plan), size: source.size, bytesRead: source.bytesRead }
}

/**
 * The lines of a recording, each decoded; those that cannot be are faults. Blank lines are no lines.
 * @throws CoreError `usage.wrong` if there is no such file.
 */
export function openLines(
  path: string,
  format: Format | undefined,
  terminal: Terminal,
): AsyncGenerator<RawLine | FaultyLine> {
  return readRawLines(openSource(path, terminal).chunks, format ?? formatOf(path))
}

async function* readAll(
  lines: AsyncIterable<RawLine | FaultyLine>,
  plan: MessagePlan,
): AsyncGenerator<RecordedMessage | FaultyLine> {
  for await (const line of lines) {
    yield 'reason' in line ? line : readMessage(line.line, line.body, line.bytes, plan)
  }
}

async function* readRawLines(
  chunks: AsyncIterable<Uint8Array | string>,
  format: Format,
): AsyncGenerator<RawLine | FaultyLine> {
  if (format === 'csv') {
    for await (const one of readCsv(chunks)) {
      yield 'reason' in one
        ? one
        : { line: one.line, body: one.row, bytes: Buffer.from(JSON.stringify(one.row)) }
    }
    return
  }
  for await (const { number, bytes } of readLines(chunks, MAX_LINE_BYTES)) {
    if (bytes === undefined) {
      yield {
        line: number,
        reason: `expected a line of at most ${MAX_LINE_BYTES} bytes, found more`,
      }
      continue
    }
    const content = number === 1 && bytes.subarray(0, 3).equals(BOM) ? bytes.subarray(3) : bytes
    const text = content.toString('utf8')
    if (text.trim() !== '') yield parseLine(number, text, content)
  }
}

function parseLine(line: number, text: string, bytes: Uint8Array): RawLine | FaultyLine {
  try {
    const body: Json = JSON.parse(text)
    return isJsonObject(body) || Array.isArray(body)
      ? { line, body, bytes }
      : { line, reason: 'expected a JSON object, found a single value' }
  } catch {
    return { line, reason: 'expected a line of JSON, found something else' }
  }
}

interface Source {
  readonly chunks: AsyncIterable<Uint8Array | string>
  readonly size: number
  bytesRead(): number
}

function openSource(path: string, terminal: Terminal): Source {
  if (path === '-') return { chunks: terminal.stdin, size: 0, bytesRead: () => 0 }
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || stats.isDirectory())
    throw wrongUse(`expected a file at ${path}, found ${stats === undefined ? 'none' : 'a folder'}`)
  let bytes = 0
  async function* read(): AsyncGenerator<Buffer> {
    const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: CHUNK_BYTES })
    for await (const chunk of stream) {
      bytes += chunk.length
      yield chunk
    }
  }
  return { chunks: read(), size: stats.size, bytesRead: () => bytes }
}

function formatOf(path: string): Format {
  return /\.csv$/i.test(path) ? 'csv' : 'jsonl'
}
