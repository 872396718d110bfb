import type { StoredRow } from '../node/stored-rows.ts'
import type { Item } from './dynamo.ts'
import { pack } from './pack.ts'

const HOUR_MS = 3_600_000

/** Makes hours sort as texts, those before 1970 too: a Date reaches 2.4e9 hours either way. */
const HOUR_OFFSET = 2_500_000_000

/** One item holds no more than this of rows, for an item is 400 KB at most. Unit: characters. */
const ITEM_CHARS = 120_000

/** Where the items of an hour begin in the order of keys. */
export function hourKey(hour: number): string {
  return String(Math.max(0, hour + HOUR_OFFSET)).padStart(10, '0')
}

export function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS)
}

/**
 * Items for rows of one device, one for each hour of event time.
 *
 * Shape: key (deviceId, `{hour}#{version of the first commit}-{of the last}#{part}`), so that writing the same rows again
 *        replaces what was there, and who comes late with the rows of fewer commits takes none away.
 */
export function telemetryItems(
  deviceId: string,
  { since, version }: { readonly since: number; readonly version: number },
  rows: readonly StoredRow[],
  ttl: number,
): readonly Item[] {
  const hours = new Map<number, StoredRow[]>()
  for (const row of rows) {
    const ofHour = hours.get(hourOf(row[0]))
    if (ofHour === undefined) hours.set(hourOf(row[0]), [row])
    else ofHour.push(row)
  }
  return [...hours].flatMap(([hour, ofHour]) =>
    parts(ofHour).map(
      (part, index): Item => ({
        deviceId: { S: deviceId },
        sk: { S: `${hourKey(hour)}#${padded(since)}-${padded(version)}#${index}` },
        rows: pack(part),
        ttl: { N: String(ttl) },
      }),
    ),
  )
}

function padded(version: number): string {
  return String(version).padStart(12, '0')
}

function parts(rows: readonly StoredRow[]): string[] {
  const found: string[] = []
  let texts: string[] = []
  let chars = 0
  for (const row of rows) {
    const text = JSON.stringify(row)
    if (texts.length > 0 && chars + text.length > ITEM_CHARS) {
      found.push(`[${texts.join(',')}]`)
      texts = []
      chars = 0
    }
    texts.push(text)
    chars += text.length
  }
  found.push(`[${texts.join(',')}]`)
  return found
}
