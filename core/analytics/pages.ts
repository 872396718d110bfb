import type { TelemetryRow } from '../model/telemetry.ts'
import type { TelemetryStore } from '../ports.ts'

/** So many rows are read at a time. */
const PAGE = 2_000

/**
 * All rows of one device with `from` <= at < `to`, a page at a time: in the order of time and, where it is the same, of
 * their message ids, whichever store they come from.
 */
export async function* pagesOf(
  telemetry: Pick<TelemetryStore, 'range'>,
  deviceId: string,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<readonly TelemetryRow[], void> {
  let start = from
  let limit = PAGE
  for (;;) {
    const page = await telemetry.range(deviceId, { from: start, to, limit, descending: false })
    const isLast = page.length < limit
    const end = isLast ? page.length : endBeforeLastTime(page)
    if (end > 0) yield inOrder(page.slice(0, end))
    if (isLast) return
    // More rows of one time than fit on a page: a larger one.
    limit = end === 0 ? limit * 2 : PAGE
    start = page[end]?.at ?? start
  }
}

/** Rows of the last time of a page may go on after it: they are read again, whole. */
function endBeforeLastTime(page: readonly TelemetryRow[]): number {
  const last = page.at(-1)?.at
  let end = page.length
  while (end > 0 && page[end - 1]?.at === last) end--
  return end
}

/** Sorts rows of one time by their ids; the others are in order. */
export function inOrder(rows: TelemetryRow[]): readonly TelemetryRow[] {
  for (let index = 1; index < rows.length; index++) {
    if (rows[index]?.at === rows[index - 1]?.at) return rows.sort(byTimeAndId)
  }
  return rows
}

function byTimeAndId(a: TelemetryRow, b: TelemetryRow): number {
  if (a.at !== b.at) return a.at - b.at
  return a.messageId < b.messageId ? -1 : 1
}
