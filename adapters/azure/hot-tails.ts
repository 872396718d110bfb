import type { StoredRow } from '../node/stored-rows.ts'
import { createTailMemory, type TailMemory } from '../node/tail-memory.ts'
import { etag, type Item, number, text } from './cosmos.ts'
import { unpack } from './pack.ts'

/** The newest rows of a device, which stand in its record's item. */
export interface Tail {
  /** The record's version. */
  readonly version: number
  /** What Cosmos calls this state of the item; '' where there is none. */
  readonly etag: string
  /** Of the commit that wrote it. */
  readonly nonce: string
  /** The version of the first commit whose rows stand here. */
  readonly since: number
  readonly rows: readonly StoredRow[]
  /** About how long they are. Unit: characters. */
  readonly chars: number
  /** Ids of items with rows of the last commit that found no room here. */
  readonly beside: readonly string[]
  /** How many rows the device has in all, these among them. */
  readonly count: number
}

export const EMPTY_TAIL: Tail = {
  version: 0,
  etag: '',
  nonce: '',
  since: 0,
  rows: [],
  chars: 2,
  beside: [],
  count: 0,
}

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
      const known = memory.get(deviceId)
      // The state that is remembered is this one: there is nothing to unpack.
      if (known?.etag === etag(item)) return known
      const rows = unpack(item, 'rows')
      const tail: Tail = {
        version: number(item, 'v') ?? 0,
        etag: etag(item),
        nonce: text(item, 'nonce') ?? '',
        since: number(item, 'since') ?? 0,
        rows: rows === '' ? [] : JSON.parse(rows),
        chars: rows.length,
        beside: JSON.parse(text(item, 'beside') ?? '[]'),
        count: number(item, 'rowCount') ?? 0,
      }
      memory.keep(deviceId, tail)
      return tail
    },
  }
}
