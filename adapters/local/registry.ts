import { CoreError, type RegisteredDevice, type Registry } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'

/** The registry with a way to look at it without waiting: each message of a device asks. */
export interface LocalRegistry extends Registry {
  /** The device as it is known now. */
  peek(deviceId: string): RegisteredDevice | undefined
}

/** Told of every change that is durable: what was there before, and what is there now. */
export type OnRegistryChange = (
  deviceId: string,
  before: RegisteredDevice | undefined,
  after: RegisteredDevice | undefined,
) => void

/** Opens the registry: a table, and all of it in memory, for this process is the only one that has the file open. */
export async function openRegistry(
  database: Database,
  onChange: OnRegistryChange,
): Promise<LocalRegistry> {
  const devices = new Map<string, RegisteredDevice>()
  for (const row of await database.read('registeredAll')) {
    const device: RegisteredDevice = JSON.parse(String(row['device']))
    devices.set(device.deviceId, device)
  }
  /** Ids in order; made anew after one came or went. */
  let ids: string[] | undefined

  /** Seen at once, so that of racing writers one wins; taken back if the disk refuses. */
  async function put(device: RegisteredDevice): Promise<void> {
    const { deviceId } = device
    const before = devices.get(deviceId)
    devices.set(deviceId, device)
    if (before === undefined) ids = undefined
    try {
      await database.write([['registeredPut', deviceId, JSON.stringify(device)]])
    } catch (error) {
      if (devices.get(deviceId) === device) restore(deviceId, before)
      throw error
    }
    onChange(deviceId, before, device)
  }

  function restore(deviceId: string, before: RegisteredDevice | undefined): void {
    if (before === undefined) devices.delete(deviceId)
    else devices.set(deviceId, before)
    ids = undefined
  }

  let asked: Promise<unknown> | undefined

  /** So that a disk that is gone is not taken for a device that is not there; those who ask at once ask together. */
  function alive(): Promise<unknown> {
    asked ??= database.read('settingGet', '').finally(() => {
      asked = undefined
    })
    return asked
  }

  return {
    peek: (deviceId) => devices.get(deviceId),

    async create(device) {
      if (devices.has(device.deviceId))
        throw new CoreError('device.exists', `${device.deviceId} is registered already`)
      await put(device)
    },

    async get(deviceId) {
      await alive()
      return devices.get(deviceId)
    },

    async list(afterId, limit) {
      await database.read('settingGet', '')
      ids ??= [...devices.keys()].sort()
      const start = afterId === '' ? 0 : firstAfter(ids, afterId)
      return ids.slice(start, start + limit).flatMap((id) => devices.get(id) ?? [])
    },

    async update(device) {
      const { deviceId, version } = device
      if (devices.get(deviceId)?.version !== version - 1) {
        throw new CoreError(
          'store.conflict',
          `${deviceId}: expected version ${version - 1}, found ${devices.get(deviceId)?.version ?? 'none'}`,
        )
      }
      await put(device)
    },

    async remove(deviceId) {
      const before = devices.get(deviceId)
      devices.delete(deviceId)
      ids = undefined
      try {
        await database.write([['registeredRemove', deviceId]])
      } catch (error) {
        if (!devices.has(deviceId)) restore(deviceId, before)
        throw error
      }
      if (before !== undefined) onChange(deviceId, before, undefined)
      return before !== undefined
    },
  }
}

/** Where the first id after the given one stands. Source: binary search. */
function firstAfter(ids: readonly string[], afterId: string): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ids[middle] ?? '') > afterId) high = middle
    else low = middle + 1
  }
  return low
}
