import { type TelemetryStore, withSeries } from '../../core/index.ts'
import { distinctRows, rowKey, type StoredRow } from '../node/stored-rows.ts'
import { DEVICES, recordPath } from './device-store.ts'
import { type Condition, type Document, type Firestore, number } from './firestore.ts'
import { EMPTY_TAIL, type HotTails, type Tail } from './hot-tails.ts'
import { unpack } from './pack.ts'
import { DAY_MS, dayOf, ROWS } from './telemetry-documents.ts'

export interface TelemetryStoreOptions {
  readonly firestore: Firestore
  readonly tails: HotTails
}

/** So many documents are read at a time where only some rows are wanted. */
const PAGE = 8

/** Reads telemetry: documents of days, and the tail that stands in the record. */
export function createTelemetryStore({ firestore, tails }: TelemetryStoreOptions): TelemetryStore {
  async function tailOf(deviceId: string): Promise<Tail> {
    const path = recordPath(deviceId)
    const document = (await firestore.get([path])).get(path)
    return document === undefined ? EMPTY_TAIL : tails.read(deviceId, document)
  }

  /** Documents whose last row is in a span, by its time; a page is read when it is asked for. */
  async function* documents(
    deviceId: string,
    from: number,
    to: number,
    descending: boolean,
  ): AsyncGenerator<Document> {
    const until: Condition = { field: 'to', op: 'LESS_THAN', value: { doubleValue: to } }
    let lower: Condition = {
      field: 'to',
      op: 'GREATER_THAN_OR_EQUAL',
      value: { doubleValue: from },
    }
    let upper = until
    const seen = new Set<string>()
    for (;;) {
      // Documents of the same time as the last one come again.
      const limit = PAGE + seen.size
      const page = await firestore.query({
        parent: recordPath(deviceId),
        collection: ROWS,
        where: [lower, upper],
        orderBy: 'to',
        descending,
        limit,
      })
      const fresh = page.filter(({ path }) => !seen.has(path))
      yield* fresh
      const last = page.at(-1)
      if (last === undefined || page.length < limit) return
      const end = number(last, 'to') ?? 0
      seen.clear()
      for (const { path, fields } of page) if (number({ fields }, 'to') === end) seen.add(path)
      if (descending) upper = { ...until, op: 'LESS_THAN_OR_EQUAL', value: { doubleValue: end } }
      else lower = { ...lower, value: { doubleValue: end } }
    }
  }

  return withSeries({
    async known(deviceId, rows) {
      const known = new Set<string>()
      if (rows.length === 0) return known
      const tail = await tailOf(deviceId)
      const stored = new Set(tail.rows.map(([at, id]) => rowKey(at, id)))
      // All rows are in the tail: no document has any.
      if (tail.count > tail.rows.length) {
        const earliest = new Map<number, number>()
        for (const { at } of rows)
          earliest.set(dayOf(at), Math.min(at, earliest.get(dayOf(at)) ?? at))
        for (const [day, from] of earliest)
          for await (const document of documents(deviceId, from, (day + 1) * DAY_MS, false))
            for (const [at, id] of readRows(document)) stored.add(rowKey(at, id))
      }
      for (const { at, messageId } of rows)
        if (stored.has(rowKey(at, messageId))) known.add(messageId)
      return known
    },

    async range(deviceId, { from, to, limit, descending }) {
      if (limit <= 0 || from >= to) return []
      const tail = await tailOf(deviceId)
      const inSpan = ([at]: StoredRow): boolean => at >= from && at < to
      const byTime = (a: StoredRow, b: StoredRow): number =>
        descending ? b[0] - a[0] : a[0] - b[0]
      let found: readonly StoredRow[] = tail.rows.filter(inSpan)
      if (tail.count > tail.rows.length) {
        // A document is of one day: one that begins within the span ends before the day after it.
        for await (const document of documents(deviceId, from, to + DAY_MS, descending)) {
          const end = number(document, 'to') ?? 0
          // What is found and lies before all rows that may still come cannot be pushed out by them.
          const settled = descending
            ? found.filter(([at]) => at > end)
            : found.filter(([at]) => at < dayOf(end) * DAY_MS)
          if (settled.length >= limit) break
          if ((number(document, 'from') ?? 0) >= to) continue
          found = distinctRows([...found, ...readRows(document).filter(inSpan)])
        }
      }
      return distinctRows(found)
        .toSorted(byTime)
        .slice(0, limit)
        .map(([at, messageId, metrics]) => ({ at, messageId, metrics }))
    },

    async count(deviceId) {
      if (deviceId !== '') return (await tailOf(deviceId)).count
      return firestore.sum(DEVICES, 'rowCount')
    },
  })
}

function readRows(document: Document): StoredRow[] {
  return JSON.parse(unpack(document, 'rows'))
}
