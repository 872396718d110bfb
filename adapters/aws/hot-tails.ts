import type { StoredRow } from '../node/stored-rows.ts'
import { createTailMemory, type TailMemory } from '../node/tail-memory.ts'
import { type Item, number } from './dynamo.ts'
import { unpack } from './pack.ts'

/** The newest rows of a device, which stand in its record's item. */
export interface Tail {
  /** The record's version. */
  readonly version: number
  /** The version of the first commit whose rows stand here. */
  readonly since: number
  readonly rows: readonly StoredRow[]
  /** About how long they are. Unit: characters. */
  readonly chars: number
  /** How many rows the device has in all, these among them. */
  readonly count: number
}

export const EMPTY_TAIL: Tail = { version: 0, since: 0, rows: [], chars: 0, count: 0 }

/** Remembers the tails of records that were read or written lately: a commit needs that of the version before. */
export interface HotTails extends TailMemory<Tail> {
  read(deviceId: string, item: Item): Tail
}

/** Builds the memory; devices that were touched longest ago go first. */
export function createHotTails(most: number): HotTails {
  const memory = createTailMemory<Tail>(most)
  return {
    ...memory,
    read(deviceId, item) {
      const text = unpack(item, 'rows')
      const tail: Tail = {
        version: number(item, 'v') ?? 0,
        since: number(item, 'since') ?? 0,
        rows: text === '' ? [] : JSON.parse(text),
        chars: text.length,
        count: number(item, 'rowCount') ?? 0,
      }
      memory.keep(deviceId, tail)
      return tail
    },
  }
}
