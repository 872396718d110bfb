import { type Document, number } from './firestore.ts'
import { unpack } from './pack.ts'
import type { StoredRow } from './stored-rows.ts'

/** The newest rows of a device, which stand in its record's document. */
export interface Tail {
  /** The record's version. */
  readonly version: number
  /** What Firestore calls this state of the document; '' where there is none. */
  readonly updateTime: string
  readonly rows: readonly StoredRow[]
  /** How long they are as JSON. Unit: characters. */
  readonly chars: number
  /** How many rows the device has in all, these among them. */
  readonly count: number
}

export const EMPTY_TAIL: Tail = { version: 0, updateTime: '', rows: [], chars: 2, count: 0 }

/** Remembers the tails of records that were read or written lately: a commit needs that of the version before. */
export interface HotTails {
  /** The tail of the newest version that this process has seen; a commit finds out if it is old. */
  get(deviceId: string): Tail | undefined
  read(deviceId: string, document: Document): Tail
  keep(deviceId: string, tail: Tail): void
}

/** Builds the memory; devices that were touched longest ago go first. */
export function createHotTails(most: number): HotTails {
  const kept = new Map<string, Tail>()
  function keep(deviceId: string, tail: Tail): void {
    kept.delete(deviceId)
    kept.set(deviceId, tail)
    if (kept.size <= most) return
    for (const oldest of kept.keys()) {
      kept.delete(oldest)
      return
    }
  }
  return {
    get: (deviceId) => kept.get(deviceId),
    keep,
    read(deviceId, document) {
      const known = kept.get(deviceId)
      // The state that is remembered is this one: there is nothing to unpack.
      if (known?.updateTime === document.updateTime) return known
      const text = unpack(document, 'rows')
      const tail: Tail = {
        version: number(document, 'v') ?? 0,
        updateTime: document.updateTime,
        rows: text === '' ? [] : JSON.parse(text),
        chars: text.length,
        count: number(document, 'rowCount') ?? 0,
      }
      keep(deviceId, tail)
      return tail
    },
  }
}
