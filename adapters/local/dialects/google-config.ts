import {
  type Core,
  CoreError,
  isAlive,
  isJsonObject,
  type Json,
  type JsonObject,
  mergeDiff,
  type ShadowDocument,
} from '../../../core/index.ts'
import { createLanes } from '../lanes.ts'
import type { TwinDesk } from '../twin-desk.ts'

/** What a device is to have, as bytes. */
export interface DeviceConfig {
  /** Grows by one with each change; 1 is the empty one that each device begins with. */
  readonly version: number
  readonly payload: Uint8Array
  /** Epoch ms. */
  readonly updatedAt: number
  /** Epoch ms at which the device acknowledged it; 0 if it has not. */
  readonly acknowledgedAt: number
}

/**
 * Configs of devices that speak the dialect of Google: the desired state of the classic shadow as JSON, or bytes that
 * somebody has set in its place.
 */
export interface ConfigDesk {
  current(deviceId: string): Promise<DeviceConfig>
  /** The last ten that were looked at, newest first. */
  versions(deviceId: string): Promise<readonly DeviceConfig[]>
  /**
   * Sets it: a JSON object without nulls becomes the desired state, anything else is kept as it is until the desired state
   * changes next.
   * @throws CoreError `input.malformed` over 64 KB; `shadow.bad_request` if the desired state cannot be that.
   */
  set(deviceId: string, payload: Uint8Array): Promise<DeviceConfig>
  /** The device has this version. */
  acknowledge(deviceId: string, version: number): Promise<void>
  /** Tells when there may be a new one; gives the function that ends it. */
  watch(deviceId: string, onChange: () => void): () => void
}

/** Source: Google Cloud IoT quotas, device configuration. */
export const MAX_CONFIG_BYTES = 65_536

/** Source: Google Cloud IoT, `devices.configVersions.list`. */
const MAX_VERSIONS = 10

const TABLE = '$google-config'

interface Entry {
  readonly version: number
  readonly base64: string
  readonly updatedAt: number
  readonly acknowledgedAt: number
}

/** What is kept of one device. */
interface Row {
  /** What is added to the version of the desired section. */
  readonly offset: number
  /** The version of the desired section in whose place bytes stand; -1 if none do. */
  readonly bytesAt: number
  /** Oldest first. */
  readonly entries: readonly Entry[]
}

const NEW: Row = { offset: 1, bytesAt: -1, entries: [] }

export function createConfigDesk(core: Core, twins: Pick<TwinDesk, 'watch'>): ConfigDesk {
  const { clock, devices, tables } = core.ports
  const inLane = createLanes()
  const watchers = new Map<string, Set<() => void>>()

  async function load(deviceId: string): Promise<Row> {
    return readRow(await tables.get(TABLE, deviceId)) ?? NEW
  }

  async function desiredOf(deviceId: string) {
    const document = (await devices.load(deviceId))?.shadows['']
    return { desired: isAlive(document) ? (document.desired ?? {}) : {}, ...countsOf(document) }
  }

  /** The config of now; one that was not known yet becomes an entry. */
  async function refresh(deviceId: string): Promise<{ readonly row: Row; readonly entry: Entry }> {
    const row = await load(deviceId)
    const { desired, version: desiredVersion, updatedAt } = await desiredOf(deviceId)
    const last = row.entries.at(-1)
    const isBytes = row.bytesAt === desiredVersion
    if (last !== undefined && (isBytes || last.version === desiredVersion + row.offset))
      return { row, entry: last }
    // A shadow that was forgotten counts anew, but a device must never see a version go back.
    const least = (last?.version ?? 0) + 1
    const offset = Math.max(row.offset, least - desiredVersion)
    const text = desiredVersion === 0 ? '' : JSON.stringify(desired)
    const entry: Entry = {
      version: desiredVersion + offset,
      base64: Buffer.from(text).toString('base64'),
      updatedAt,
      acknowledgedAt: 0,
    }
    return { row: await keep(deviceId, { ...row, offset, bytesAt: -1 }, entry), entry }
  }

  async function keep(deviceId: string, row: Row, entry: Entry): Promise<Row> {
    const next = { ...row, entries: [...row.entries, entry].slice(-MAX_VERSIONS) }
    await tables.put(TABLE, deviceId, toJson(next))
    return next
  }

  async function setDesired(deviceId: string, wanted: JsonObject): Promise<void> {
    const { desired } = await desiredOf(deviceId)
    const body = JSON.stringify({ state: { desired: mergeDiff(desired, wanted) } })
    const [result] = await core.gate.run(deviceId, [
      { kind: 'shadow', operation: 'update', name: '', body, at: clock.now() },
    ])
    if (result?.status === 'answered' && result.accepted) return
    const why = result?.status === 'answered' ? JSON.stringify(result.body) : 'not stored'
    throw new CoreError('shadow.bad_request', `expected a config that can be desired: ${why}`)
  }

  async function setBytes(deviceId: string, payload: Uint8Array): Promise<DeviceConfig> {
    const { row, entry: last } = await refresh(deviceId)
    const { version: bytesAt } = await desiredOf(deviceId)
    const entry: Entry = {
      version: last.version + 1,
      base64: Buffer.from(payload).toString('base64'),
      updatedAt: clock.now(),
      acknowledgedAt: 0,
    }
    await keep(deviceId, { ...row, offset: row.offset + 1, bytesAt }, entry)
    for (const tell of watchers.get(deviceId) ?? []) tell()
    return toConfig(entry)
  }

  return {
    current: (deviceId) => inLane(deviceId, async () => toConfig((await refresh(deviceId)).entry)),

    versions: (deviceId) =>
      inLane(deviceId, async () =>
        (await refresh(deviceId)).row.entries.toReversed().map(toConfig),
      ),

    set(deviceId, payload) {
      if (payload.length > MAX_CONFIG_BYTES)
        throw new CoreError(
          'input.malformed',
          `expected a config of at most ${MAX_CONFIG_BYTES} bytes, found ${payload.length}`,
        )
      const wanted = readDesired(payload)
      return inLane(deviceId, async () => {
        if (wanted === undefined) return setBytes(deviceId, payload)
        await setDesired(deviceId, wanted)
        return toConfig((await refresh(deviceId)).entry)
      })
    },

    acknowledge: (deviceId, version) =>
      inLane(deviceId, async () => {
        const row = await load(deviceId)
        const at = row.entries.findIndex((one) => one.version === version)
        const entry = row.entries[at]
        if (entry === undefined || entry.acknowledgedAt > 0) return
        const entries = row.entries.with(at, { ...entry, acknowledgedAt: clock.now() })
        await tables.put(TABLE, deviceId, toJson({ ...row, entries }))
      }),

    watch(deviceId, onChange) {
      const own = watchers.get(deviceId) ?? new Set()
      watchers.set(deviceId, own.add(onChange))
      const stop = twins.watch(deviceId, onChange)
      return () => {
        stop()
        own.delete(onChange)
        if (own.size === 0 && watchers.get(deviceId) === own) watchers.delete(deviceId)
      }
    },
  }
}

/** The wish that bytes stand for: `undefined` if they are no JSON object, or have nulls, which are no values there. */
function readDesired(payload: Uint8Array): JsonObject | undefined {
  let value: Json
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return undefined
  }
  return isJsonObject(value) && !hasNull(value) ? value : undefined
}

function hasNull(value: Json | undefined): boolean {
  if (value === null) return true
  if (typeof value !== 'object') return false
  return Object.values(value).some(hasNull)
}

/** When and how often the desired section was written. */
function countsOf(document: ShadowDocument | undefined) {
  return {
    version: document?.desiredVersion ?? 0,
    updatedAt: (document?.updatedAt ?? 0) * 1_000,
  }
}

function toConfig({ version, base64, updatedAt, acknowledgedAt }: Entry): DeviceConfig {
  return { version, payload: Buffer.from(base64, 'base64'), updatedAt, acknowledgedAt }
}

function toJson({ offset, bytesAt, entries }: Row): Json {
  return { offset, bytesAt, entries: entries.map((entry) => ({ ...entry })) }
}

function readRow(item: Json | undefined): Row | undefined {
  if (!isJsonObject(item)) return undefined
  const { offset, bytesAt, entries } = item
  if (typeof offset !== 'number' || typeof bytesAt !== 'number' || !Array.isArray(entries))
    return undefined
  return { offset, bytesAt, entries: entries.flatMap(readEntry) }
}

function readEntry(item: Json): readonly Entry[] {
  if (!isJsonObject(item)) return []
  const { version, base64, updatedAt, acknowledgedAt } = item
  if (
    typeof version !== 'number' ||
    typeof base64 !== 'string' ||
    typeof updatedAt !== 'number' ||
    typeof acknowledgedAt !== 'number'
  )
    return []
  return [{ version, base64, updatedAt, acknowledgedAt }]
}
