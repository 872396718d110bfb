import { Worker } from 'node:worker_threads'
import { CoreError } from '../../../core/index.ts'
import {
  type Operation,
  type PackedOperations,
  pack,
  type Reply,
  type Request,
  type SealOrder,
  type SqlRow,
} from './protocol.ts'

/** One SQLite file, behind a thread of its own. */
export interface Database {
  /**
   * Runs writes in order and all or nothing; they share one transaction with whatever else waits. Resolves when it is durable.
   * @throws CoreError `store.unavailable` if they were refused: none of these is stored; what others wrote is.
   */
  write(operations: readonly Operation[]): Promise<void>
  /** Runs one statement that returns rows; it sees every write that was asked for before it. */
  read(...operation: Operation): Promise<readonly SqlRow[]>
  /** Packs telemetry by columns, some of it at a time. Gives whether there is more to pack. */
  seal(order: SealOrder): Promise<boolean>
  /** Sets who is asked, whenever writes go out and none is under way, what has to be written before them. */
  beforeWrites(upkeep: () => Upkeep | undefined): void
  /** Waits for the writes under way and closes the file. Later calls fail. */
  close(): Promise<void>
}

/** Writes in a transaction of their own. What was written before is known to be stored or refused; nothing else is. */
export interface Upkeep {
  readonly operations: readonly Operation[]
  readonly onSettled: (stored: boolean) => void
}

export interface DatabaseOptions {
  readonly path: string
  /** `full`: survives a loss of power; `normal`: survives a crash of the process, loses the last moments with the power. */
  readonly durability: 'full' | 'normal'
}

interface Waiter {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: CoreError) => void
}

/** What one caller wrote. */
interface Write {
  readonly operations: readonly Operation[]
  readonly resolve: () => void
  readonly reject: (error: CoreError) => void
}

/** The worker is a file beside this one, as source in the repository and compiled in the package. */
const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)

/**
 * Opens the file, and creates it if needed.
 * @throws CoreError `store.locked` if another process has it open; `store.wrong_version` if
 * another version wrote it, and nothing is changed in it then; `store.unavailable` if it cannot be opened.
 */
export async function openDatabase({ path, durability }: DatabaseOptions): Promise<Database> {
  const worker = new Worker(workerUrl, { workerData: { path, durability } })
  const waiting = new Map<number, Waiter>()
  let nextId = 1
  let gathered: Write[] = []
  let underWay = 0
  let scheduled = false
  let ended: CoreError | undefined
  let closing: Promise<void> | undefined
  let upkeep = (): Upkeep | undefined => undefined

  worker.on('message', (reply: Reply) => {
    const waiter = waiting.get(reply.id)
    waiting.delete(reply.id)
    if (waiter === undefined) return
    if (!('error' in reply)) waiter.resolve(reply)
    else if (reply.fault === 'locked')
      waiter.reject(
        new CoreError('store.locked', `the data folder is in use by another process (${path})`),
      )
    else if (reply.fault === 'version')
      waiter.reject(
        new CoreError(
          'store.wrong_version',
          `${reply.error} (${path}); nothing was changed: start the anyhub that wrote it, or another data folder`,
        ),
      )
    else waiter.reject(refused(reply.error))
  })
  const fail = (reason: string): void => {
    ended ??= new CoreError('store.unavailable', reason)
    for (const waiter of waiting.values()) waiter.reject(ended)
    waiting.clear()
  }
  worker.on('error', (error) => fail(`SQLite worker: ${error.message}`))
  worker.on('exit', () => fail('the database is closed'))

  function ask(request: (id: number) => Request): Promise<Reply> {
    if (ended !== undefined) return Promise.reject(ended)
    return new Promise((resolve, reject) => {
      const id = nextId++
      waiting.set(id, { resolve, reject })
      worker.postMessage(request(id))
    })
  }

  async function flush(): Promise<void> {
    const first = underWay === 0 ? upkeep() : undefined
    if (first !== undefined) void keepUp(first)
    const writes = gathered
    gathered = []
    underWay++
    try {
      const operations: PackedOperations = []
      const ends: number[] = []
      for (const write of writes) {
        for (const operation of write.operations) pack(operation, operations)
        ends.push(operations.length)
      }
      const reply = await ask((id) => ({ id, kind: 'write', operations, ends }))
      const refusals = 'refusals' in reply ? reply.refusals : []
      let index = 0
      for (const { resolve, reject } of writes) {
        const refusal = refusals[index++] ?? null
        if (refusal === null) resolve()
        else reject(refused(refusal))
      }
    } catch (error) {
      const failure = error instanceof CoreError ? error : refused(String(error))
      for (const { reject } of writes) reject(failure)
    }
    await done()
  }

  async function keepUp({ operations: all, onSettled }: Upkeep): Promise<void> {
    underWay++
    const operations: PackedOperations = []
    for (const operation of all) pack(operation, operations)
    const ends = [operations.length]
    const stored = await ask((id) => ({ id, kind: 'write', operations, ends })).then(
      () => true,
      () => false,
    )
    onSettled(stored)
    await done()
  }

  /** A turn later, so that who waited for a write knows what became of it before the next are sent. */
  async function done(): Promise<void> {
    await undefined
    underWay--
    if (underWay === 0 && gathered.length > 0) void flush()
  }

  /** The first writer of a turn of the event loop waits for the others of that turn. */
  function schedule(): void {
    if (underWay > 0 || scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      if (gathered.length > 0) void flush()
    })
  }

  /** What was asked for before is still done. */
  async function end(): Promise<void> {
    while (underWay > 0 || gathered.length > 0)
      await new Promise((resolve) => setImmediate(resolve))
    if (ended !== undefined) return
    await ask((id) => ({ id, kind: 'close' }))
    ended = closed()
    await worker.terminate()
  }

  const database: Database = {
    write(operations) {
      if (ended !== undefined || closing !== undefined) return Promise.reject(ended ?? closed())
      return new Promise((resolve, reject) => {
        gathered.push({ operations, resolve, reject })
        schedule()
      })
    },
    async read(...operation) {
      if (closing !== undefined) throw ended ?? closed()
      if (gathered.length > 0) void flush()
      const reply = await ask((id) => ({ id, kind: 'read', operation }))
      return 'rows' in reply ? reply.rows : []
    },
    async seal(order) {
      if (closing !== undefined) throw ended ?? closed()
      const reply = await ask((id) => ({ id, kind: 'seal', ...order }))
      return 'more' in reply && reply.more
    },
    beforeWrites(asked) {
      upkeep = asked
    },
    close() {
      closing ??= end()
      return closing
    },
  }
  try {
    await database.read('deadLetterCount')
  } catch (error) {
    await worker.terminate()
    throw error
  }
  return database
}

function refused(reason: string): CoreError {
  return new CoreError('store.unavailable', `SQLite: ${reason}`)
}

function closed(): CoreError {
  return new CoreError('store.unavailable', 'the database is closed')
}
