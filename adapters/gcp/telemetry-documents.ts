import type { StoredRow } from '../node/stored-rows.ts'
import { expireAt, type Write } from './firestore.ts'
import { pack } from './pack.ts'

export const DAY_MS = 86_400_000

/** One document holds no more than this of rows, for it is 1 MiB at most. Unit: characters. */
const DOCUMENT_CHARS = 200_000

export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS)
}

/** The collection of the documents that hold rows of a device. */
export const ROWS = 'rows'

/**
 * Writes of documents for rows of one device, one for each UTC day of event time.
 *
 * Shape: id `{version of the commit}-{number}`; `from` and `to` are the times of the first and the last row, `rows` all of
 *        them, packed; `expireAt` ends them. Queries go by `to`, which Firestore indexes by itself.
 */
export function telemetryWrites(
  recordPath: string,
  version: number,
  rows: readonly StoredRow[],
  expiresAt: number,
): readonly Write[] {
  const days = new Map<number, StoredRow[]>()
  for (const row of rows) {
    const ofDay = days.get(dayOf(row[0]))
    if (ofDay === undefined) days.set(dayOf(row[0]), [row])
    else ofDay.push(row)
  }
  return [...days.values()].flatMap(parts).map((part, index): Write => {
    const times = part.map(([at]) => at)
    return {
      path: `${recordPath}/${ROWS}/${version}-${index}`,
      fields: {
        from: { doubleValue: times.reduce((a, b) => Math.min(a, b)) },
        to: { doubleValue: times.reduce((a, b) => Math.max(a, b)) },
        rows: pack(JSON.stringify(part)),
        ...expireAt(expiresAt),
      },
    }
  })
}

function parts(rows: readonly StoredRow[]): StoredRow[][] {
  const found: StoredRow[][] = []
  let part: StoredRow[] = []
  let chars = 0
  for (const row of rows) {
    const size = JSON.stringify(row).length
    if (part.length > 0 && chars + size > DOCUMENT_CHARS) {
      found.push(part)
      part = []
      chars = 0
    }
    part.push(row)
    chars += size
  }
  found.push(part)
  return found
}
