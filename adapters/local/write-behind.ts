import type { Database } from './sqlite/database.ts'
import type { Operation } from './sqlite/protocol.ts'

/** Changes gather for so long: what comes and goes in between is never written. Unit: ms. */
const GATHER_MS = 20
/** As long when somebody waits for it. Unit: ms. */
const AWAITED_MS = 2
/** A disk that refused is tried again after so long. Unit: ms. */
const RETRY_MS = 1_000

/** Writes what changed a moment later, together. */
export interface WriteBehind<K> {
  /** Something changed; what it is now is asked for when it is written. */
  touch(key: K): void
  /** Writes what is gathered, and resolves once all of it is durable or refused. */
  flush(): Promise<void>
  /** Writes soon what is gathered, and resolves once it is durable; rejects if it was refused. */
  settled(): Promise<void>
}

export interface WriteBehindOptions<K> {
  readonly database: Database
  /** What brings the disk to the state of now; none if it is there already. */
  readonly operationsOf: (key: K) => readonly Operation[]
  /** What was asked for of these keys is not on the disk; they are asked for again. */
  readonly onRefused: (keys: ReadonlySet<K>, error: unknown) => void
}

/** What the disk said. */
interface Refused {
  readonly error: unknown
}

export function createWriteBehind<K>({
  database,
  operationsOf,
  onRefused,
}: WriteBehindOptions<K>): WriteBehind<K> {
  let dirty = new Set<K>()
  let timer: NodeJS.Timeout | undefined
  let underWay: Promise<Refused | undefined> = Promise.resolve(undefined)
  let awaited: Promise<void> | undefined

  async function write(): Promise<Refused | undefined> {
    const keys = dirty
    dirty = new Set()
    const operations: Operation[] = []
    for (const key of keys) for (const operation of operationsOf(key)) operations.push(operation)
    if (operations.length === 0) return undefined
    try {
      await database.write(operations)
      return undefined
    } catch (error) {
      onRefused(keys, error)
      for (const key of keys) dirty.add(key)
      schedule(RETRY_MS)
      return { error }
    }
  }

  function start(): Promise<Refused | undefined> {
    clearTimeout(timer)
    timer = undefined
    underWay = underWay.then(write)
    return underWay
  }

  function schedule(ms: number): void {
    timer ??= setTimeout(() => void start(), ms)
  }

  return {
    touch(key) {
      dirty.add(key)
      schedule(GATHER_MS)
    },
    settled() {
      awaited ??= new Promise((resolve) => setTimeout(resolve, AWAITED_MS)).then(async () => {
        awaited = undefined
        const refused = await start()
        if (refused !== undefined) throw refused.error
      })
      return awaited
    },
    async flush() {
      await start()
      // What the disk refused now is refused for good: the process ends.
      clearTimeout(timer)
      timer = undefined
    },
  }
}

/** Bytes in a buffer of their own: a view goes to the thread of the disk with all that it is a view of. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}
