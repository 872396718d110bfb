import type { StoredRow } from '../node/stored-rows.ts'
import { createTailMemory, type TailMemory } from '../node/tail-memory.ts'
import { type Document, number } from './firestore.ts'
import { unpack } from './pack.ts'

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
export interface HotTails extends TailMemory<Tail> {
  read(deviceId: string, document: Document): Tail
}

/** Builds the memory; devices that were touched longest ago go first. */
export function createHotTails(most: number): HotTails {
  const memory = createTailMemory<Tail>(most)
  return {
    ...memory,
    read(deviceId, document) {
      const known = memory.get(deviceId)
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
      memory.keep(deviceId, tail)
      return tail
    },
  }
}
