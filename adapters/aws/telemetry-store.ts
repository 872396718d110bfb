import { type TelemetryStore, withSeries } from '../../core/index.ts'
import { distinctRows, rowKey, type StoredRow } from '../node/stored-rows.ts'
import { type Dynamo, type Item, number } from './dynamo.ts'
import { EMPTY_TAIL, type HotTails, type Tail } from './hot-tails.ts'
import { unpack } from './pack.ts'
import { hourKey, hourOf } from './telemetry-items.ts'

export interface TelemetryStoreOptions {
  readonly dynamo: Dynamo
  /** The table of records, whose items hold the newest rows. */
  readonly table: string
  readonly telemetryTable: string
  readonly tails: HotTails
}

/** So many items are read at a time where only some rows are wanted. */
const PAGE = 25

/** Reads telemetry: items of hours, and the tail that stands in the record. */
export function createTelemetryStore({
  dynamo,
  table,
  telemetryTable,
  tails,
}: TelemetryStoreOptions): TelemetryStore {
  async function tailOf(deviceId: string): Promise<Tail> {
    const item = await dynamo.get(table, { deviceId: { S: deviceId } })
    return item === undefined ? EMPTY_TAIL : tails.read(deviceId, item)
  }

  /** Items of a span of keys; a page is read when it is asked for. */
  async function* items(
    deviceId: string,
    from: string,
    to: string,
    descending: boolean,
  ): AsyncGenerator<Item> {
    let after: Item | undefined
    for (;;) {
      const page = await dynamo.query({
        table: telemetryTable,
        consistent: true,
        descending,
        limit: PAGE,
        key: {
          text: 'deviceId = :id AND sk BETWEEN :from AND :to',
          values: { ':id': { S: deviceId }, ':from': { S: from }, ':to': { S: to } },
        },
        ...(after === undefined ? {} : { after }),
      })
      yield* page
      const last = page.at(-1)
      const sk = last?.['sk']
      if (page.length < PAGE || sk === undefined) return
      after = { deviceId: { S: deviceId }, sk }
    }
  }

  async function rowsOfHour(deviceId: string, hour: number): Promise<StoredRow[]> {
    const found: StoredRow[] = []
    const key = hourKey(hour)
    for await (const item of items(deviceId, `${key}#`, `${key}$`, false))
      found.push(...readRows(item))
    return found
  }

  return withSeries({
    async known(deviceId, rows) {
      const known = new Set<string>()
      if (rows.length === 0) return known
      const tail = await tailOf(deviceId)
      const hours = new Set(rows.map(({ at }) => hourOf(at)))
      const stored = new Set(tail.rows.map(([at, id]) => rowKey(at, id)))
      // All rows are in the tail: no item has any.
      if (tail.count > tail.rows.length) {
        const found = await Promise.all([...hours].map((hour) => rowsOfHour(deviceId, hour)))
        for (const [at, id] of found.flat()) stored.add(rowKey(at, id))
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
      const found: StoredRow[] = tail.rows.filter(inSpan)
      let hour: string | undefined
      let ofItems = 0
      for await (const item of items(
        deviceId,
        `${hourKey(hourOf(from))}#`,
        `${hourKey(hourOf(to))}$`,
        descending,
      )) {
        const next = hourOfItem(item)
        // An hour that is whole cannot be pushed out by one that comes after it.
        if (next !== hour && ofItems >= limit) break
        hour = next
        const rows = readRows(item).filter(inSpan)
        ofItems += rows.length
        found.push(...rows)
      }
      return distinctRows(found)
        .toSorted(byTime)
        .slice(0, limit)
        .map(([at, messageId, metrics]) => ({ at, messageId, metrics }))
    },

    async count(deviceId) {
      if (deviceId !== '') return (await tailOf(deviceId)).count
      const items = await dynamo.scan(table, { text: 'rowCount' })
      return items.reduce((sum, item) => sum + (number(item, 'rowCount') ?? 0), 0)
    },
  })
}

function hourOfItem(item: Item): string {
  const sk = item['sk']
  return sk !== undefined && 'S' in sk ? sk.S.slice(0, 10) : ''
}

function readRows(item: Item): StoredRow[] {
  return JSON.parse(unpack(item, 'rows'))
}
