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
  type SqlValue,
  statementNumber,
} from './protocol.ts'
import { createSealer } from './sealer.ts'
import { DATA_VERSION, OLDEST_VERSION, SCHEMA, STATEMENTS } from './statements.ts'

// The disk has a thread of its own: while a transaction is on its way to the disk, the next group of writes gathers.

const { path, durability }: { path: string; durability: 'full' | 'normal' } = workerData
const port = parentPort
if (port === null) throw new Error('this file runs as a worker only')

/** Past either the hot telemetry is sealed. Larger makes sealing cheaper for each row, and longer each time. */
const HOT_ROWS = 8_192
const HOT_CHARS = 4_194_304

/** Of hours that are not over nothing is packed until the hot telemetry was not full for so long: storing goes first. */
const CALM_MS = 5_000

const TEXTS: readonly string[] = Object.values(STATEMENTS)
const TELEMETRY_PUT = statementNumber('telemetryPut')
const TELEMETRY_DROP_SEALED = statementNumber('telemetryDropSealed')
const DEVICE_PUT = statementNumber('devicePut')
const DEVICE_CATCH_UP = statementNumber('deviceCatchUp')
const TELEMETRY_SEALED_PUT = statementNumber('telemetrySealedPut')
const TELEMETRY_DROP_HOT = statementNumber('telemetryDropHot')
const SEAL: PackedOperations = []
pack(['telemetrySeal'], SEAL)
pack(['telemetryDropSealed'], SEAL)

/** By the number of the statement. */
const prepared = new Map<number, StatementSync>()
let database: DatabaseSync | undefined
/** What the hot telemetry holds, about: rows that were refused count as well. */
let hotRows = 0
let hotChars = 0
/** When it was last full. */
let fullAt = Number.NEGATIVE_INFINITY
/** Devices whose record is not written since, with the newest of the commits that wrote their rows alone. */
const ahead = new Map<SqlValue, number>()
/** The hot rows as they are sealed, by device and hour; `undefined` while some are on the disk only. */
let hot: Map<string, Sealed> | undefined

/** The rows of one device and hour of event time. */
interface Sealed {
  readonly deviceId: SqlValue
  readonly hour: SqlValue
  /** The first of them. */
  readonly seq: SqlValue
  count: number
  storedDay: SqlValue
  readonly rows: string[]
}

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
  opened.exec('PRAGMA page_size = 16384')
  opened.exec('PRAGMA locking_mode = EXCLUSIVE')
  const isOther = checkVersion(opened)
  opened.exec('PRAGMA journal_mode = WAL')
  opened.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
  opened.exec('PRAGMA wal_autocheckpoint = 1000')
  opened.exec('PRAGMA cache_size = -65536')
  // All or nothing: a file that has tables has its version too.
  opened.exec('BEGIN IMMEDIATE')
  opened.exec(SCHEMA)
  if (isOther) opened.exec(`PRAGMA user_version = ${DATA_VERSION}`)
  opened.exec('COMMIT')
}

/** Thrown before anything is changed in the file. */
class WrongVersion extends Error {}

/**
 * Gives true for a file without tables, and for one that becomes this version with the tables that it lacks; throws
 * `WrongVersion` for one that any other version wrote.
 */
function checkVersion(opened: DatabaseSync): boolean {
  const version = Number(opened.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version >= OLDEST_VERSION && version <= DATA_VERSION) return version < DATA_VERSION
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
  const [found] = read(['telemetryHot'])
  hotRows = Number(found?.['rows'])
  hotChars = Number(found?.['chars'])
  hot = hotRows === 0 ? new Map() : undefined
}

/** Moves the hot telemetry to its devices, after the answer to whoever wrote it. Where it fails it is tried again later. */
function sealIfFull(): void {
  if (ahead.size > 0 || (hotRows < HOT_ROWS && hotChars < HOT_CHARS)) return
  fullAt = performance.now()
  try {
    if (hot === undefined) transact(SEAL, 0, SEAL.length)
    else sealHot(hot)
    countHot()
  } catch {
    // Nothing is lost: the rows stay where they are, and are read there.
    hotRows = 0
    hotChars = 0
  }
}

/** All of it, from memory: no row need be read, and none be looked for to be deleted. */
function sealHot(groups: ReadonlyMap<string, Sealed>): void {
  inTransaction(() => {
    const put = statement(TELEMETRY_SEALED_PUT)
    for (const { deviceId, hour, seq, count, storedDay, rows } of groups.values())
      put.run(deviceId, hour, seq, count, storedDay, `[${rows.join(',')}]`)
    statement(TELEMETRY_DROP_HOT).run()
  })
}

function inTransaction(run: () => void): void {
  const target = open()
  target.exec('BEGIN IMMEDIATE')
  try {
    run()
    target.exec('COMMIT')
  } catch (error) {
    if (target.isTransaction) target.exec('ROLLBACK')
    throw error
  }
}

/** Runs the operations from one place to another in one transaction. */
function transact(operations: Readonly<PackedOperations>, from: number, to: number): void {
  inTransaction(() => {
    for (let at = from; at < to; ) {
      const count = Number(operations[at + 1])
      statement(Number(operations[at])).run(...operations.slice(at + 2, at + 2 + count))
      at += 2 + count
    }
  })
  for (let at = from; at < to; at += 2 + Number(operations[at + 1])) note(operations, at)
}

/** Keeps in mind what was stored, where sealing goes by it. */
function note(operations: Readonly<PackedOperations>, at: number): void {
  const number = operations[at]
  if (number === TELEMETRY_PUT) noteRows(operations, at + 2)
  else if (number === DEVICE_PUT || number === DEVICE_CATCH_UP) {
    const deviceId = operations[at + 2] ?? null
    if (Number(operations[at + 3]) >= (ahead.get(deviceId) ?? 0)) ahead.delete(deviceId)
  } else if (number === TELEMETRY_DROP_SEALED) hot = undefined
}

function noteRows(operations: Readonly<PackedOperations>, at: number): void {
  const deviceId = operations[at] ?? null
  const hour = operations[at + 1] ?? null
  const seq = operations[at + 2] ?? null
  const count = Number(operations[at + 3])
  const storedDay = operations[at + 4] ?? null
  const rows = String(operations[at + 5])
  hotRows++
  hotChars += rows.length
  if (operations[at + 6] !== null) ahead.set(deviceId, Number(seq))
  if (hot === undefined) return
  const key = `${hour}/${deviceId}`
  const found = hot.get(key)
  if (found === undefined) {
    hot.set(key, { deviceId, hour, seq, count, storedDay, rows: [rows] })
    return
  }
  found.count += count
  found.storedDay = storedDay
  found.rows.push(rows)
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

const seal = createSealer({
  inTransaction,
  read,
  run: ([name, ...params]) => void statement(statementNumber(name)).run(...params),
  isCalm: () => performance.now() - fullAt >= CALM_MS,
})

function serve(request: Request): Reply {
  try {
    switch (request.kind) {
      case 'write':
        return { id: request.id, refusals: write(request.operations, request.ends) }
      case 'read':
        return { id: request.id, rows: read(request.operation) }
      case 'seal':
        return { id: request.id, more: seal(request) }
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
