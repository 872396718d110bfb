import { CoreError, type RegisteredDevice, type Registry } from '../../core/index.ts'
import { type Dynamo, type Item, number, text } from './dynamo.ts'
import type { Things } from './things.ts'

export interface RegistryOptions {
  readonly dynamo: Dynamo
  /** The table of small items. */
  readonly table: string
  readonly things: Pick<Things, 'sync' | 'remove'>
}

/** A name that no table of a rule can have. */
const SHELF = '$registry'

/**
 * Who is registered, as items of DynamoDB, and beside each the thing and the certificates of AWS IoT: a thing's own
 * attributes have no version for each writer to expect, and take few characters.
 */
export function createRegistry({ dynamo, table, things }: RegistryOptions): Registry {
  async function get(deviceId: string): Promise<RegisteredDevice | undefined> {
    const item = await dynamo.get(table, keyOf(deviceId))
    return item === undefined ? undefined : readDevice(item)
  }

  return {
    get,

    async create(device) {
      const written = await dynamo.put(table, toItem(device), {
        text: 'attribute_not_exists(tbl)',
      })
      if (!written.ok)
        throw new CoreError('device.exists', `${device.deviceId}: expected a new id, found one`)
      await things.sync(device)
    },

    async list(afterId, limit) {
      if (limit <= 0) return []
      const items = await dynamo.query({
        table,
        limit,
        consistent: true,
        key: {
          text: 'tbl = :tbl AND #key > :after',
          names: { '#key': 'key' },
          values: { ':tbl': { S: SHELF }, ':after': { S: `d${afterId}` } },
        },
      })
      return items.map(readDevice)
    },

    async update(device) {
      const expected = device.version - 1
      const written = await dynamo.put(table, toItem(device), {
        text: 'v = :expected',
        values: { ':expected': { N: String(expected) } },
      })
      if (!written.ok) {
        const found = written.stored === undefined ? 'none' : number(written.stored, 'v')
        throw new CoreError(
          'store.conflict',
          `${device.deviceId}: expected version ${expected}, found ${found}`,
        )
      }
      await things.sync(device)
    },

    async remove(deviceId) {
      const device = await get(deviceId)
      if (device === undefined) return false
      // First what lets it in: who asks again finds the rest.
      await things.remove(device)
      return dynamo.remove(table, keyOf(deviceId))
    },
  }
}

function keyOf(deviceId: string): Item {
  return { tbl: { S: SHELF }, key: { S: `d${deviceId}` } }
}

function toItem(device: RegisteredDevice): Item {
  return {
    ...keyOf(device.deviceId),
    v: { N: String(device.version) },
    device: { S: JSON.stringify(device) },
  }
}

function readDevice(item: Item): RegisteredDevice {
  return JSON.parse(text(item, 'device') ?? '')
}
