import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import {
  type OpenFault,
  type Operation,
  type PackedOperations,
  pack,
  type Reply,
  type Request,
  type SqlRow,
  statementNumber,
} from './protocol.ts'
import { DATA_VERSION, SCHEMA, STATEMENTS } from './statements.ts'

// The disk has a thread of its own: while a transaction is on its way to the disk, the next group of writes gathers.

const { path, durability }: { path: string; durability: 'full' | 'normal' } = workerData
const port = parentPort
if (port === null) throw new Error('this file runs as a worker only')

/** Past either the hot telemetry is sealed. Larger makes sealing cheaper for each row, and longer each time. */
const HOT_ROWS = 8_192
const HOT_CHARS = 4_194_304

const TEXTS: readonly string[] = Object.values(STATEMENTS)
const TELEMETRY_PUT = statementNumber('telemetryPut')
const SEAL: PackedOperations = []
pack(['telemetrySeal'], SEAL)
pack(['telemetryDropSealed'], SEAL)

/** By the number of the statement. */
const prepared = new Map<number, StatementSync>()
let database: DatabaseSync | undefined
/** What the hot telemetry holds, about: rows that were refused count as well. */
let hotRows = 0
let hotChars = 0

/** Opened at the first request, so that a failure to open is an answer like any other. */
function open(): DatabaseSync {
  if (database !== undefined) return database
  const opened = new DatabaseSync(path, { timeout: 0 })
  // Exclusive: a second process on the same folder is told so at once, and nobody else changes what we cache.
  try {
    prepareFile(opened)
  } catch (error) {
    opened.close()
    throw error
  }
  database = opened
  countHot()
  return opened
}

function prepareFile(opened: DatabaseSync): void {
  opened.exec('PRAGMA locking_mode = EXCLUSIVE')
  const isNew = checkVersion(opened)
  opened.exec('PRAGMA journal_mode = WAL')
  opened.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
  opened.exec('PRAGMA wal_autocheckpoint = 4000')
  opened.exec('PRAGMA cache_size = -65536')
  // All or nothing: a file that has tables has its version too.
  opened.exec('BEGIN IMMEDIATE')
  opened.exec(SCHEMA)
  if (isNew) opened.exec(`PRAGMA user_version = ${DATA_VERSION}`)
  opened.exec('COMMIT')
}

/** Thrown before anything is changed in the file. */
class WrongVersion extends Error {}

/** Gives true for a file without tables; throws `WrongVersion` for one that another version wrote. */
function checkVersion(opened: DatabaseSync): boolean {
  const version = Number(opened.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version === DATA_VERSION) return false
  const isEmpty = opened.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (isEmpty && version === 0) return true
  throw new WrongVersion(`the data is of version ${version}, this program reads ${DATA_VERSION}`)
}

function statement(number: number): StatementSync {
  let found = prepared.get(number)
  if (found === undefined) {
    found = open().prepare(TEXTS[number] ?? '')
    prepared.set(number, found)
  }
  return found
}

function countHot(): void {
  const [hot] = read(['telemetryHot'])
  hotRows = Number(hot?.['rows'])
  hotChars = Number(hot?.['chars'])
}

/** Moves the hot telemetry to its devices, after the answer to whoever wrote it. Where it fails it is tried again later. */
function sealIfFull(): void {
  if (hotRows < HOT_ROWS && hotChars < HOT_CHARS) return
  hotRows = 0
  hotChars = 0
  try {
    transact(SEAL, 0, SEAL.length)
  } catch {
    // Nothing is lost: the rows stay where they are, and are read there.
  }
}

/** Runs the operations from one place to another in one transaction. */
function transact(operations: Readonly<PackedOperations>, from: number, to: number): void {
  const target = open()
  target.exec('BEGIN IMMEDIATE')
  try {
    for (let at = from; at < to; ) {
      const number = Number(operations[at])
      const params = operations.slice(at + 2, at + 2 + Number(operations[at + 1]))
      at += 2 + params.length
      statement(number).run(...params)
      if (number !== TELEMETRY_PUT) continue
      hotRows++
      hotChars += String(params[5]).length
    }
    target.exec('COMMIT')
  } catch (error) {
    if (target.isTransaction) target.exec('ROLLBACK')
    throw error
  }
}

/** One that is refused does not take the others along. */
function write(operations: Readonly<PackedOperations>, ends: readonly number[]): (string | null)[] {
  try {
    transact(operations, 0, operations.length)
    return []
  } catch (error) {
    if (ends.length === 1) throw error
  }
  return ends.map((end, group) => {
    try {
      transact(operations, ends[group - 1] ?? 0, end)
      return null
    } catch (error) {
      return reasonOf(error)
    }
  })
}

function read([name, ...params]: Operation): SqlRow[] {
  return statement(statementNumber(name))
    .all(...params)
    .map((row) => ({ ...row }) as unknown as SqlRow)
}

function serve(request: Request): Reply {
  try {
    switch (request.kind) {
      case 'write':
        return { id: request.id, refusals: write(request.operations, request.ends) }
      case 'read':
        return { id: request.id, rows: read(request.operation) }
      case 'close':
        prepared.clear()
        database?.close()
        database = undefined
        return { id: request.id, rows: [] }
    }
  } catch (error) {
    const message = reasonOf(error)
    return { id: request.id, error: message, fault: faultOf(error, message) }
  }
}

function faultOf(error: unknown, message: string): OpenFault | undefined {
  if (error instanceof WrongVersion) return 'version'
  return /locked|busy/i.test(message) ? 'locked' : undefined
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

port.on('message', (request: Request) => {
  port.postMessage(serve(request))
  if (request.kind === 'write') sealIfFull()
})
