import { CoreError, type RegisteredDevice, type Registry } from '../../core/index.ts'
import { type Dynamo, type Item, number, text } from './dynamo.ts'
import type { Things } from './things.ts'

export interface RegistryOptions {
  readonly dynamo: Dynamo
  /** The table of small items. */
  readonly table: string
  readonly things: Pick<Things, 'sync' | 'remove'>
}

/** The registry, and the side that time moves. */
export interface AwsRegistry extends Registry {
  /**
   * Takes back certificates whose time is over, of at most `limit` devices; tells how many there were. The broker of AWS
   * knows of no such end.
   */
  end(now: number, limit: number): Promise<number>
}

/** Names that no table of a rule can have. */
const SHELF = '$registry'
const ENDS = '$ends'

/**
 * Who is registered, as items of DynamoDB, and beside each the thing and the certificates of AWS IoT: a thing's own
 * attributes have no version for each writer to expect, and take few characters.
 */
export function createRegistry({ dynamo, table, things }: RegistryOptions): AwsRegistry {
  async function get(deviceId: string): Promise<RegisteredDevice | undefined> {
    const item = await dynamo.get(table, keyOf(deviceId))
    return item === undefined ? undefined : readDevice(item)
  }

  /** Before the thing is changed: what would not be remembered would never end. */
  async function sync(device: RegisteredDevice): Promise<void> {
    const ends = new Set(
      device.credentials.flatMap(({ kind, endsAt }) =>
        kind === 'certificate' && endsAt !== undefined ? [endsAt] : [],
      ),
    )
    for (const at of ends)
      await dynamo.put(table, { ...endKey(at, device.deviceId), deviceId: { S: device.deviceId } })
    await things.sync(device)
  }

  return {
    get,

    async end(now, limit) {
      const items = await dynamo.query({
        table,
        limit,
        consistent: true,
        key: {
          text: 'tbl = :tbl AND #key < :next',
          names: { '#key': 'key' },
          values: { ':tbl': { S: ENDS }, ':next': { S: timeKey(now + 1) } },
        },
      })
      for (const item of items) {
        const device = await get(text(item, 'deviceId') ?? '')
        if (device !== undefined) await things.sync(device)
        await dynamo.remove(table, { tbl: { S: ENDS }, key: { S: text(item, 'key') ?? '' } })
      }
      return items.length
    },

    async create(device) {
      const written = await dynamo.put(table, toItem(device), {
        text: 'attribute_not_exists(tbl)',
      })
      if (!written.ok)
        throw new CoreError('device.exists', `${device.deviceId}: expected a new id, found one`)
      await sync(device)
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
      await sync(device)
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

function endKey(at: number, deviceId: string): Item {
  return { tbl: { S: ENDS }, key: { S: `${timeKey(at)}#${deviceId}` } }
}

/** Times sort as texts. */
function timeKey(at: number): string {
  return String(Math.max(0, at)).padStart(16, '0')
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
