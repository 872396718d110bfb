import type { Commit } from '../../core/index.ts'

/** The rows of one device and hour of event time that are stored, as their keys. */
export type HourKeys = ReadonlySet<string>

/**
 * Keys of stored rows, kept in memory for the hour in which a device was asked for last: a recording that is sent again
 * comes in the order of time, and asks for the same hour again and again.
 */
export interface StoredKeys {
  /** The keys of one hour; `read` fetches them where they are not at hand. */
  of(deviceId: string, hour: number, read: () => Promise<HourKeys>): Promise<HourKeys>
  /** A commit became durable. */
  add(commit: Pick<Commit, 'record' | 'rows'>): void
}

const HOUR_MS = 3_600_000

interface Entry {
  readonly hour: number
  readonly keys: Set<string>
}

/** The key of one row among those of its device. */
export function rowKey(at: number, messageId: string): string {
  return `${at}/${messageId}`
}

/** Builds the memory; together no more than `most` keys are kept. The devices asked for longest ago go first. */
export function createStoredKeys(most: number): StoredKeys {
  const entries = new Map<string, Entry>()
  /** Devices that are being read, with the keys that came meanwhile. */
  const reading = new Map<string, Entry>()
  let size = 0

  function keep(deviceId: string, entry: Entry): void {
    forget(deviceId)
    entries.set(deviceId, entry)
    size += entry.keys.size
    for (const oldest of entries.keys()) {
      if (size <= most) return
      forget(oldest)
    }
  }

  function forget(deviceId: string): void {
    size -= entries.get(deviceId)?.keys.size ?? 0
    entries.delete(deviceId)
  }

  return {
    async of(deviceId, hour, read) {
      const found = entries.get(deviceId)
      if (found?.hour === hour) {
        entries.delete(deviceId)
        entries.set(deviceId, found)
        return found.keys
      }
      const entry: Entry = { hour, keys: new Set() }
      reading.set(deviceId, entry)
      try {
        for (const key of await read()) entry.keys.add(key)
        // Of two that read at once the later one is kept: only it was told of what came meanwhile.
        if (reading.get(deviceId) === entry) keep(deviceId, entry)
      } finally {
        if (reading.get(deviceId) === entry) reading.delete(deviceId)
      }
      return entry.keys
    },

    add({ record: { deviceId }, rows }) {
      const kept = entries.get(deviceId)
      const underWay = reading.get(deviceId)
      if (kept === undefined && underWay === undefined) return
      const before = kept?.keys.size ?? 0
      for (const { at, messageId } of rows) {
        const hour = Math.floor(at / HOUR_MS)
        if (kept?.hour === hour) kept.keys.add(rowKey(at, messageId))
        if (underWay?.hour === hour) underWay.keys.add(rowKey(at, messageId))
      }
      size += (kept?.keys.size ?? 0) - before
    },
  }
}
