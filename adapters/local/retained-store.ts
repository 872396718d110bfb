import { createMemoryRetainedStore, type RetainedStore, toQos } from './listeners/mqtt/index.ts'
import type { Database } from './sqlite/database.ts'
import { createWriteBehind, ownBytes } from './write-behind.ts'

/** Retained messages that survive the process. */
export interface DurableRetainedStore extends RetainedStore {
  /** Writes what is not yet on the disk. */
  flush(): Promise<void>
}

/** Opens the retained messages of a data folder: all of them in memory, changes on the disk a moment later. */
export async function openRetainedStore(
  database: Database,
  onError: (error: unknown) => void,
): Promise<DurableRetainedStore> {
  const memory = createMemoryRetainedStore()
  for (const row of await database.read('retainedAll')) {
    const { payload, properties } = row
    memory.set(String(row['topic']), {
      topic: String(row['topic']),
      payload: payload instanceof Uint8Array ? payload : new Uint8Array(),
      qos: toQos(Number(row['qos'])),
      properties: properties instanceof Uint8Array ? properties : new Uint8Array(),
      expiresAt: row['expires_at'] === null ? Infinity : Number(row['expires_at']),
    })
  }
  const behind = createWriteBehind<string>({
    database,
    onRefused: (_topics, error) => onError(error),
    operationsOf(topic) {
      const kept = memory.get(topic)
      if (kept === undefined) return [['retainedRemove', topic]]
      const expiresAt = kept.expiresAt === Infinity ? null : kept.expiresAt
      return [
        [
          'retainedPut',
          topic,
          kept.qos,
          expiresAt,
          ownBytes(kept.payload),
          ownBytes(kept.properties),
        ],
      ]
    },
  })
  let owes = false
  return {
    get: memory.get,
    match: memory.match,
    owed() {
      if (!owes) return undefined
      owes = false
      return behind.settled()
    },
    get size() {
      return memory.size
    },
    set(topic, message) {
      const isKept = memory.set(topic, message)
      // Also where there was no room: then what was there before is gone.
      behind.touch(topic)
      owes = true
      return isKept
    },
    flush: behind.flush,
  }
}
