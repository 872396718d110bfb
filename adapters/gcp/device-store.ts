import {
  type Commit,
  CoreError,
  type DeviceRecord,
  type DeviceStore,
  MAX_RECORD_CHARS,
} from '../../core/index.ts'
import { toStoredRows } from '../node/stored-rows.ts'
import { contentWrites } from './command-store.ts'
import {
  type Document,
  documentId,
  type Fields,
  type Firestore,
  idOfDocument,
  number,
  text,
  type Write,
} from './firestore.ts'
import { EMPTY_TAIL, type HotTails, type Tail } from './hot-tails.ts'
import { pack, unpack } from './pack.ts'
import { telemetryWrites } from './telemetry-documents.ts'

export interface DeviceStoreOptions {
  readonly firestore: Firestore
  readonly tails: HotTails
  /** Keeps the rows for the archive, before the commit. */
  readonly archive: (commit: Commit) => Promise<void>
  /** Epoch ms. */
  readonly now: () => number
  /** How long telemetry is kept. Unit: ms. */
  readonly retentionMs: number
  readonly newId: () => string
}

export const DEVICES = 'devices'

/** Devices that are due stand in so many indexes: one alone takes 500 growing values a second. */
const DUE_SHARDS = 4

/**
 * Rows that wait beside the record for their document: some six hundred. Firestore is paid by the document, whatever its
 * size, so that the write of a full one is hardly seen beside those of the record. Unit: characters.
 */
const TAIL_CHARS = 49_152

/**
 * Records in Firestore: one read and one write for each device and batch.
 *
 * The rows of a commit are written with the record, as its tail. A tail that is full becomes a document of its own, by
 * the same commit as the record that is without it: all of a commit is stored, or nothing.
 *
 * Shape: `devices/k{id}`: `v`, `nonce`, `record` and `rows` (packed; no index needs them), `rowCount`, and
 *        `due0` … `due3`, one of them at most.
 */
export function createDeviceStore(options: DeviceStoreOptions): DeviceStore {
  const { firestore, tails } = options
  let asked = new Map<string, Promise<Document | undefined>>()
  let gathering: Promise<ReadonlyMap<string, Document>> = Promise.resolve(new Map())

  /** Loads of one turn share a request. */
  function get(deviceId: string): Promise<Document | undefined> {
    const found = asked.get(deviceId)
    if (found !== undefined) return found
    if (asked.size === 0) {
      const batch = asked
      gathering = Promise.resolve().then(() => {
        asked = new Map()
        return firestore.get([...batch.keys()].map(recordPath))
      })
    }
    const document = gathering.then((documents) => documents.get(recordPath(deviceId)))
    asked.set(deviceId, document)
    return document
  }

  async function tailBefore(deviceId: string, expectedVersion: number): Promise<Tail> {
    if (expectedVersion === 0) return EMPTY_TAIL
    const kept = tails.get(deviceId)
    if (kept?.version === expectedVersion) return kept
    const document = await get(deviceId)
    const found = document === undefined ? 0 : (number(document, 'v') ?? 0)
    if (document === undefined || found !== expectedVersion)
      throw conflict(deviceId, expectedVersion, found)
    return tails.read(deviceId, document)
  }

  return {
    async load(deviceId) {
      const document = await get(deviceId)
      if (document === undefined) return undefined
      tails.read(deviceId, document)
      return readRecord(document)
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
      const path = recordPath(deviceId)
      const before = await tailBefore(deviceId, expectedVersion)
      const rows = toStoredRows(commit.rows)
      const all = [...before.rows, ...rows]
      const tailJson = JSON.stringify(all)
      const moves = tailJson.length > TAIL_CHARS
      const expiresAt = options.now() + options.retentionMs
      const nonce = options.newId()
      const tail: Omit<Tail, 'updateTime'> = {
        version,
        rows: moves ? [] : all,
        chars: moves ? EMPTY_TAIL.chars : tailJson.length,
        count: before.count + rows.length,
      }
      await options.archive(commit)
      const writes: Write[] = [
        {
          path,
          fields: recordFields(record, json, tail, moves ? '[]' : tailJson, nonce),
          if: expectedVersion === 0 ? { exists: false } : { updateTime: before.updateTime },
        },
        ...(moves ? telemetryWrites(path, version, all, expiresAt) : []),
        ...contentWrites(path, commit.commands, options.now()),
      ]
      const written = await firestore.commit(writes)
      if (written.held) {
        tails.keep(deviceId, { ...tail, updateTime: written.updateTimes[0] ?? '' })
        return
      }
      // The answer to a commit that went well may have been lost, and the commit sent again.
      const stored = (await firestore.get([path])).get(path)
      if (stored !== undefined) tails.read(deviceId, stored)
      if (stored !== undefined && text(stored, 'nonce') === nonce) return
      const found = stored === undefined ? 0 : (number(stored, 'v') ?? 0)
      throw conflict(deviceId, expectedVersion, found)
    },

    async due(now, limit) {
      if (limit <= 0) return []
      const shards = await Promise.all(
        Array.from({ length: DUE_SHARDS }, async (_, shard) => {
          const field = `due${shard}`
          const documents = await firestore.query({
            parent: '',
            collection: DEVICES,
            where: [{ field, op: 'LESS_THAN_OR_EQUAL', value: { doubleValue: now } }],
            orderBy: field,
            limit,
          })
          return documents.map((document) => ({ document, due: number(document, field) ?? 0 }))
        }),
      )
      return shards
        .flat()
        .toSorted((a, b) => a.due - b.due)
        .slice(0, limit)
        .map(({ document }) => deviceOf(document))
    },

    async list(afterId, limit) {
      if (limit <= 0) return []
      const documents = await firestore.query({
        parent: '',
        collection: DEVICES,
        orderBy: '__name__',
        ...(afterId === '' ? {} : { after: documentId(afterId) }),
        limit,
      })
      return documents.map(readRecord)
    },
  }
}

export function recordPath(deviceId: string): string {
  return `${DEVICES}/${documentId(deviceId)}`
}

/** Records that are no devices have a slash in their ids. */
function deviceOf({ path }: Document): string {
  return idOfDocument(path.slice(DEVICES.length + 1))
}

function recordFields(
  record: DeviceRecord,
  json: string,
  tail: Pick<Tail, 'count'>,
  tailJson: string,
  nonce: string,
): Fields {
  const { deviceId, version, dueAt } = record
  return {
    v: { doubleValue: version },
    nonce: { stringValue: nonce },
    record: pack(json),
    rows: pack(tailJson),
    rowCount: { doubleValue: tail.count },
    ...(dueAt === 0 ? {} : { [`due${shardOf(deviceId)}`]: { doubleValue: dueAt } }),
  }
}

function readRecord(document: Document): DeviceRecord {
  return JSON.parse(unpack(document, 'record'))
}

function shardOf(deviceId: string): number {
  let sum = 0
  for (let index = 0; index < deviceId.length; index++)
    sum = (sum * 31 + deviceId.charCodeAt(index)) >>> 0
  return sum % DUE_SHARDS
}

function conflict(deviceId: string, expected: number, found: number): CoreError {
  return new CoreError(
    'store.conflict',
    `${deviceId}: expected version ${expected}, found ${found}`,
  )
}
