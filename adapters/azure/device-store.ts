import {
  type Commit,
  CoreError,
  type DeviceRecord,
  type DeviceStore,
  MAX_RECORD_CHARS,
} from '../../core/index.ts'
import { toStoredRows } from '../node/stored-rows.ts'
import type { AzureCommandStore } from './command-store.ts'
import { type Cosmos, type Item, itemId, number, text } from './cosmos.ts'
import { EMPTY_TAIL, type HotTails, type Tail } from './hot-tails.ts'
import { pack, unpack } from './pack.ts'
import { telemetryItems } from './telemetry-items.ts'

export interface DeviceStoreOptions {
  readonly cosmos: Cosmos
  readonly tails: HotTails
  /** Keeps the rows for the archive, before the commit. */
  readonly archive: (commit: Commit) => Promise<void>
  readonly contents: Pick<AzureCommandStore, 'keep' | 'drop'>
  /** How long telemetry is kept. Unit: ms. */
  readonly retentionMs: number
  readonly newId: () => string
}

/**
 * Rows that wait beside the record for their item: about a hundred. Cosmos is paid by the KB: with a longer tail each
 * commit costs more than the items that it saves. Unit: characters.
 */
const TAIL_CHARS = 8_192

/** Rows that are longer than this, packed, get items of their own at once: an item is 2 MB at most. Unit: characters. */
const BESIDE_CHARS = 400_000

/**
 * Records in Cosmos: one read and one write for each device and batch.
 *
 * The rows of a commit are written with the record, as its tail: that is atomic and costs no second write. The commit that
 * finds no room left moves them to items of their own before it replaces them; their ids say which commits they are of,
 * so that whoever does it twice does the same.
 *
 * Shape: `v`, `nonce`, `record` and `rows` (packed), `since`, `rowCount`, `deviceId`, and `due` unless it is 0.
 */
export function createDeviceStore(options: DeviceStoreOptions): DeviceStore {
  const { cosmos, tails, retentionMs } = options
  const asked = new Map<string, Promise<Item | undefined>>()

  /** Loads of one turn share a request. */
  function get(deviceId: string): Promise<Item | undefined> {
    const found = asked.get(deviceId)
    if (found !== undefined) return found
    const id = itemId(deviceId)
    const item = cosmos.get('devices', id, id)
    asked.set(deviceId, item)
    queueMicrotask(() => asked.delete(deviceId))
    return item
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

  /** Gives rows of the commit before a place of their own: the next record does not name them any more. */
  async function settle(deviceId: string, before: Tail, moves: boolean): Promise<void> {
    const partition = itemId(deviceId)
    if (moves) {
      const { since, version, rows } = before
      const name = `${since}-${version}`
      for (const item of telemetryItems({ deviceId, name, rows, retentionMs }))
        await cosmos.put('telemetry', partition, item)
    }
    for (const id of before.beside) {
      const item = await cosmos.get('telemetry', partition, id)
      if (item !== undefined && text(item, 'pending') === before.nonce) {
        const { pending: _, ...settled } = item
        await cosmos.put('telemetry', partition, settled)
      }
    }
  }

  async function write(item: Item, record: DeviceRecord, before: Tail): Promise<string> {
    const { deviceId } = record
    const id = itemId(deviceId)
    const written =
      before.version === 0
        ? await cosmos.create('devices', id, item)
        : await cosmos.replace('devices', id, item, before.etag)
    if (written.held) return written.etag
    // The answer to a write that went well may have been lost, and the write sent again.
    const stored = await cosmos.get('devices', id, id)
    if (stored !== undefined) {
      const tail = tails.read(deviceId, stored)
      if (tail.nonce === text(item, 'nonce')) return tail.etag
    }
    const found = stored === undefined ? 0 : (number(stored, 'v') ?? 0)
    throw conflict(deviceId, before.version, found)
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
      const { deviceId, version } = record
      const json = JSON.stringify(record)
      if (json.length > MAX_RECORD_CHARS) {
        throw new CoreError(
          'device.record_too_large',
          `${deviceId}: expected a record of at most ${MAX_RECORD_CHARS} characters, found ${json.length}`,
        )
      }
      const before = await tailBefore(deviceId, expectedVersion)
      const rows = toStoredRows(commit.rows)
      const rowsJson = JSON.stringify(rows)
      const nonce = options.newId()
      const large = rowsJson.length > BESIDE_CHARS && pack(rowsJson).length > BESIDE_CHARS
      const moves = before.rows.length > 0 && !large && before.chars + rowsJson.length > TAIL_CHARS
      await settle(deviceId, before, moves)
      const beside = large
        ? telemetryItems({
            deviceId,
            name: `${version}-${nonce}`,
            rows,
            retentionMs,
            pending: nonce,
          })
        : []
      for (const item of beside) await cosmos.put('telemetry', itemId(deviceId), item)
      await options.archive(commit)
      await options.contents.keep(deviceId, commit.commands)
      const kept = moves ? EMPTY_TAIL : before
      const added = large ? [] : rows
      const tail: Omit<Tail, 'etag'> = {
        version,
        nonce,
        since: kept.rows.length === 0 ? version : kept.since,
        rows: [...kept.rows, ...added],
        chars: kept.chars + (large ? 0 : rowsJson.length),
        beside: beside.flatMap((item) => text(item, 'id') ?? []),
        count: before.count + rows.length,
      }
      const etag = await write(recordItem(record, json, tail), record, before)
      tails.keep(deviceId, { ...tail, etag })
      // It is stored: what is left of contents goes by its time to live.
      await options.contents.drop(deviceId, commit.commands).catch(() => undefined)
    },

    async due(now, limit) {
      if (limit <= 0) return []
      const items = await cosmos.queryAll({
        container: 'devices',
        text: 'SELECT c.deviceId, c.due FROM c WHERE c.due <= @now ORDER BY c.due',
        parameters: { now },
        limit,
      })
      return items
        .toSorted((a, b) => (number(a, 'due') ?? 0) - (number(b, 'due') ?? 0))
        .slice(0, limit)
        .flatMap((item) => text(item, 'deviceId') ?? [])
    },

    async list(afterId, limit) {
      if (limit <= 0) return []
      const items = await cosmos.queryAll({
        container: 'devices',
        text: 'SELECT c.deviceId, c.record FROM c WHERE c.deviceId > @after ORDER BY c.deviceId',
        parameters: { after: afterId },
        limit,
      })
      return items
        .map(readRecord)
        .toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
        .slice(0, limit)
    },
  }
}

function recordItem(record: DeviceRecord, json: string, tail: Omit<Tail, 'etag'>): Item {
  const { deviceId, version, dueAt } = record
  return {
    id: itemId(deviceId),
    deviceId,
    v: version,
    nonce: tail.nonce,
    record: pack(json),
    rows: pack(JSON.stringify(tail.rows)),
    since: tail.since,
    rowCount: tail.count,
    ...(tail.beside.length === 0 ? {} : { beside: JSON.stringify(tail.beside) }),
    ...(dueAt === 0 ? {} : { due: dueAt }),
  }
}

function readRecord(item: Item): DeviceRecord {
  return JSON.parse(unpack(item, 'record'))
}

function conflict(deviceId: string, expected: number, found: number): CoreError {
  return new CoreError(
    'store.conflict',
    `${deviceId}: expected version ${expected}, found ${found}`,
  )
}
