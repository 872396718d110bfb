import { type TelemetryStore, withSeries } from '../../core/index.ts'
import { distinctRows, rowKey, type StoredRow } from '../node/stored-rows.ts'
import { type Cosmos, type Item, itemId, number } from './cosmos.ts'
import { EMPTY_TAIL, type HotTails, type Tail } from './hot-tails.ts'
import { unpack } from './pack.ts'
import { DAY_MS, dayOf } from './telemetry-items.ts'

export interface TelemetryStoreOptions {
  readonly cosmos: Cosmos
  readonly tails: HotTails
}

/** So many items are read at a time where only some rows are wanted. */
const PAGE = 8

/** Reads telemetry: items of days, and the tail that stands in the record. */
export function createTelemetryStore({ cosmos, tails }: TelemetryStoreOptions): TelemetryStore {
  async function tailOf(deviceId: string): Promise<Tail> {
    const id = itemId(deviceId)
    const item = await cosmos.get('devices', id, id)
    return item === undefined ? EMPTY_TAIL : tails.read(deviceId, item)
  }

  /** Items with rows in a span, by the time of their last row; a page is read when it is asked for. */
  async function* items(
    deviceId: string,
    { nonce }: Pick<Tail, 'nonce'>,
    span: { readonly from: number; readonly to: number; readonly descending: boolean },
  ): AsyncGenerator<Item> {
    const partition = itemId(deviceId)
    const pages = cosmos.pages({
      container: 'telemetry',
      partition,
      text: `SELECT * FROM c WHERE c.device = @device AND c.to >= @from AND c["from"] < @to AND (NOT IS_DEFINED(c.pending) OR c.pending = @nonce) ORDER BY c.to ${span.descending ? 'DESC' : 'ASC'}`,
      parameters: { device: partition, from: span.from, to: span.to, nonce },
      pageSize: PAGE,
    })
    for await (const page of pages) yield* page
  }

  /** All rows are in the tail: no item has any. */
  const isWhole = (tail: Tail): boolean => tail.count <= tail.rows.length

  return withSeries({
    async known(deviceId, rows) {
      const known = new Set<string>()
      if (rows.length === 0) return known
      const tail = await tailOf(deviceId)
      const stored = new Set(tail.rows.map(([at, id]) => rowKey(at, id)))
      if (!isWhole(tail)) {
        const days = new Map<number, { from: number; to: number }>()
        for (const { at } of rows) {
          const span = days.get(dayOf(at))
          if (span === undefined) days.set(dayOf(at), { from: at, to: at + 1 })
          else {
            span.from = Math.min(span.from, at)
            span.to = Math.max(span.to, at + 1)
          }
        }
        for (const span of days.values())
          for await (const item of items(deviceId, tail, { ...span, descending: false }))
            for (const [at, id] of readRows(item)) stored.add(rowKey(at, id))
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
      if (!isWhole(tail)) {
        for await (const item of items(deviceId, tail, { from, to, descending })) {
          const end = number(item, 'to') ?? 0
          // What is found and lies before all rows that may still come cannot be pushed out by them.
          const settled = descending
            ? found.filter(([at]) => at > end)
            : found.filter(([at]) => at < dayOf(end) * DAY_MS)
          if (settled.length >= limit) break
          found = distinctRows([...found, ...readRows(item).filter(inSpan)])
        }
      }
      return distinctRows(found)
        .toSorted(byTime)
        .slice(0, limit)
        .map(([at, messageId, metrics]) => ({ at, messageId, metrics }))
    },

    async count(deviceId) {
      if (deviceId !== '') return (await tailOf(deviceId)).count
      return cosmos.sum({ container: 'devices', text: 'SELECT VALUE SUM(c.rowCount) FROM c' })
    },
  })
}

function readRows(item: Item): StoredRow[] {
  return JSON.parse(unpack(item, 'rows'))
}
