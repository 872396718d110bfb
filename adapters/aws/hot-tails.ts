import { type Item, number } from './dynamo.ts'
import { unpack } from './pack.ts'
import type { StoredRow } from './stored-rows.ts'

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
export interface HotTails {
  /** The tail of the newest version that this process has seen; a commit finds out if it is old. */
  get(deviceId: string): Tail | undefined
  read(deviceId: string, item: Item): Tail
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
    read(deviceId, item) {
      const text = unpack(item, 'rows')
      const tail: Tail = {
        version: number(item, 'v') ?? 0,
        since: number(item, 'since') ?? 0,
        rows: text === '' ? [] : JSON.parse(text),
        chars: text.length,
        count: number(item, 'rowCount') ?? 0,
      }
      keep(deviceId, tail)
      return tail
    },
  }
}
