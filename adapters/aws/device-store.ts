import {
  type Commit,
  CoreError,
  type DeviceRecord,
  type DeviceStore,
  MAX_RECORD_CHARS,
} from '../../core/index.ts'
import { toStoredRows } from '../node/stored-rows.ts'
import type { AwsCommandStore } from './command-store.ts'
import { type Dynamo, type Item, number, text } from './dynamo.ts'
import { EMPTY_TAIL, type HotTails, type Tail } from './hot-tails.ts'
import { pack, unpack } from './pack.ts'
import { telemetryItems } from './telemetry-items.ts'

export interface DeviceStoreOptions {
  readonly dynamo: Dynamo
  /** The table of records. Shape: docs/adr/0025. */
  readonly table: string
  readonly telemetryTable: string
  readonly tails: HotTails
  /** Keeps the rows for the archive, before the commit. */
  readonly archive: (commit: Commit) => Promise<void>
  readonly contents: Pick<AwsCommandStore, 'keep' | 'drop'>
  /** Epoch ms. */
  readonly now: () => number
  /** How long telemetry is kept. Unit: ms. */
  readonly retentionMs: number
  readonly newId: () => string
}

/** Devices that are due stand in so many partitions of the index. */
const DUE_SHARDS = 4

/** Rows that wait beside the record for their item: about what a write unit holds. Unit: characters. */
const TAIL_CHARS = 1_024

/** Rows over this size are written with the record in one transaction, for they find no room beside it. Unit: characters. */
const BESIDE_CHARS = 8_192

/** Source: Amazon DynamoDB API reference, TransactWriteItems. */
const MAX_TRANSACTION = 100

/**
 * Records in DynamoDB: one read and one write for each device and batch.
 *
 * The rows of a commit are written with the record, as its tail: that is atomic and costs no second write. The next
 * commit moves them to an item of their own before it replaces them; its key says which commits they are of, so that
 * whoever does it twice does the same.
 */
export function createDeviceStore(options: DeviceStoreOptions): DeviceStore {
  const { dynamo, table, telemetryTable, tails } = options
  let asked = new Map<string, Promise<Item | undefined>>()

  /** Loads of one turn share a request. */
  function get(deviceId: string): Promise<Item | undefined> {
    const found = asked.get(deviceId)
    if (found !== undefined) return found
    if (asked.size === 0) {
      const batch = asked
      gathering = Promise.resolve().then(() => {
        asked = new Map()
        return fetchAll([...batch.keys()])
      })
    }
    const item = gathering.then((items) => items.get(deviceId))
    asked.set(deviceId, item)
    return item
  }
  let gathering: Promise<ReadonlyMap<string, Item>> = Promise.resolve(new Map())

  async function fetchAll(ids: readonly string[]): Promise<ReadonlyMap<string, Item>> {
    const [only] = ids
    if (ids.length === 1 && only !== undefined) {
      const item = await dynamo.get(table, keyOf(only))
      return item === undefined ? new Map() : new Map([[only, item]])
    }
    const items = await dynamo.batchGet(table, ids.map(keyOf))
    return new Map(items.map((item) => [text(item, 'deviceId') ?? '', item]))
  }

  async function tailBefore(deviceId: string, expectedVersion: number): Promise<Tail> {
    if (expectedVersion === 0) return EMPTY_TAIL
    const kept = tails.get(deviceId)
    if (kept?.version === expectedVersion) return kept
    const item = await get(deviceId)
    const found = item === undefined ? 0 : (number(item, 'v') ?? 0)
    if (item === undefined || found !== expectedVersion)
      throw conflict(deviceId, expectedVersion, found)
    return tails.read(deviceId, item)
  }

  async function write(
    deviceId: string,
    item: Item,
    expectedVersion: number,
    nonce: string,
  ): Promise<void> {
    const written = await dynamo.put(table, item, unchanged(expectedVersion))
    if (written.ok) return
    // The answer to a write that went well may have been lost, and the write sent again.
    if (written.stored !== undefined && text(written.stored, 'nonce') === nonce) return
    const found = written.stored === undefined ? 0 : (number(written.stored, 'v') ?? 0)
    throw conflict(deviceId, expectedVersion, found)
  }

  return {
    async load(deviceId) {
      const item = await get(deviceId)
      if (item === undefined) return undefined
      tails.read(deviceId, item)
      return readRecord(item)
    },

    async commit(commit) {
      const { record, expectedVersion } = commit
      const { deviceId } = record
      const json = JSON.stringify(record)
      if (json.length > MAX_RECORD_CHARS) {
        throw new CoreError(
          'device.record_too_large',
          `${deviceId}: expected a record of at most ${MAX_RECORD_CHARS} characters, found ${json.length}`,
        )
      }
      const before = await tailBefore(deviceId, expectedVersion)
      const rows = toStoredRows(commit.rows)
      const ttl = Math.ceil((options.now() + options.retentionMs) / 1_000)
      const chars = JSON.stringify(rows).length
      const moves = before.rows.length > 0 && before.chars + chars > TAIL_CHARS
      const ofHours =
        chars > BESIDE_CHARS
          ? telemetryItems(deviceId, { since: record.version, version: record.version }, rows, ttl)
          : []
      // What one transaction cannot take waits beside the record after all, and moves item by item.
      const direct = ofHours.length > 0 && ofHours.length < MAX_TRANSACTION
      if (moves) {
        for (const item of telemetryItems(deviceId, before, before.rows, ttl))
          await dynamo.put(telemetryTable, item)
      }
      await options.archive(commit)
      await options.contents.keep(deviceId, commit.commands)
      const kept = moves ? EMPTY_TAIL : before
      const since = kept.rows.length === 0 ? record.version : kept.since
      const tail: Tail = {
        version: record.version,
        since: direct ? kept.since : since,
        rows: direct ? kept.rows : [...kept.rows, ...rows],
        chars: direct ? kept.chars : kept.chars + chars,
        count: before.count + rows.length,
      }
      const nonce = options.newId()
      const item = recordItem(record, json, tail, nonce)
      if (direct) {
        const puts = ofHours.map((one) => ({ table: telemetryTable, item: one }))
        const ok = await dynamo.transact([
          { table, item, condition: unchanged(expectedVersion) },
          ...puts,
        ])
        if (!ok) throw conflict(deviceId, expectedVersion, undefined)
      } else await write(deviceId, item, expectedVersion, nonce)
      tails.keep(deviceId, tail)
      // It is stored: what is left of contents goes by its time to live.
      await options.contents.drop(deviceId, commit.commands).catch(() => undefined)
    },

    async due(now, limit) {
      if (limit <= 0) return []
      const shards = await Promise.all(
        Array.from({ length: DUE_SHARDS }, (_, shard) =>
          dynamo.query({
            table,
            index: 'due',
            limit,
            key: {
              text: 'dueShard = :shard AND due <= :now',
              values: { ':shard': { S: String(shard) }, ':now': { N: String(now) } },
            },
          }),
        ),
      )
      return shards
        .flat()
        .toSorted((a, b) => (number(a, 'due') ?? 0) - (number(b, 'due') ?? 0))
        .slice(0, limit)
        .flatMap((item) => text(item, 'deviceId') ?? [])
    },

    async list(afterId, limit) {
      if (limit <= 0) return []
      const keys = await dynamo.query({
        table,
        index: 'byId',
        limit,
        key:
          afterId === ''
            ? { text: 'shelf = :shelf', values: { ':shelf': SHELF } }
            : {
                text: 'shelf = :shelf AND deviceId > :after',
                values: { ':shelf': SHELF, ':after': { S: afterId } },
              },
      })
      const ids = keys.flatMap((item) => text(item, 'deviceId') ?? [])
      const items = await dynamo.batchGet(table, ids.map(keyOf))
      const byId = new Map(items.map((item) => [text(item, 'deviceId'), item]))
      return ids.flatMap((id) => {
        const item = byId.get(id)
        return item === undefined ? [] : [readRecord(item)]
      })
    },
  }
}

const SHELF = { S: 'device' } as const

function keyOf(deviceId: string): Item {
  return { deviceId: { S: deviceId } }
}

function unchanged(expectedVersion: number) {
  return expectedVersion === 0
    ? { text: 'attribute_not_exists(deviceId)' }
    : { text: 'v = :expected', values: { ':expected': { N: String(expectedVersion) } } }
}

function recordItem(record: DeviceRecord, json: string, tail: Tail, nonce: string): Item {
  const { deviceId, version, dueAt } = record
  return {
    ...keyOf(deviceId),
    shelf: SHELF,
    v: { N: String(version) },
    nonce: { S: nonce },
    record: pack(json),
    since: { N: String(tail.since) },
    rows: pack(JSON.stringify(tail.rows)),
    rowCount: { N: String(tail.count) },
    ...(dueAt === 0
      ? {}
      : { due: { N: String(dueAt) }, dueShard: { S: String(shardOf(deviceId)) } }),
  }
}

function readRecord(item: Item): DeviceRecord {
  return JSON.parse(unpack(item, 'record'))
}

function shardOf(deviceId: string): number {
  let sum = 0
  for (let index = 0; index < deviceId.length; index++)
    sum = (sum * 31 + deviceId.charCodeAt(index)) >>> 0
  return sum % DUE_SHARDS
}

function conflict(deviceId: string, expected: number, found: number | undefined): CoreError {
  return new CoreError(
    'store.conflict',
    `${deviceId}: expected version ${expected}, found ${found ?? 'another'}`,
  )
}
