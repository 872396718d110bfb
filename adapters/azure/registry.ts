import { CoreError, type RegisteredDevice, type Registry } from '../../core/index.ts'
import { type Cosmos, etag, type Item, itemId, number, text } from './cosmos.ts'
import type { Identities } from './identities.ts'
import { pack, unpack } from './pack.ts'

export interface RegistryOptions {
  readonly cosmos: Cosmos
  readonly identities: Identities
  /** Epoch ms. */
  readonly now: () => number
}

/** The registry, and the sides that time and the hub move. */
export interface AzureRegistry extends Registry {
  /** Takes in a device that was made elsewhere: in the portal, by the provisioning service. `undefined` if the hub has none. */
  adopt(deviceId: string): Promise<RegisteredDevice | undefined>
  /** Forgets a device that the hub has no more. Gives false if it has it again. */
  forget(deviceId: string): Promise<boolean>
  /**
   * Brings to the hub what could not be told at once, and takes back what has an end there, of at most `limit` devices;
   * tells how many there were.
   */
  end(now: number, limit: number): Promise<number>
}

/** Names that no table of a rule can have. */
const SHELF = '$registry'
const ENDS = '$ends'

/** A change that could not be told to the hub is told again after so long. Unit: ms. */
const AGAIN_MS = 60_000

/**
 * Who is registered, as items of Cosmos, and beside each the identity and the twin of IoT Hub, by which it gets in. The hub
 * decides who is new; it lists devices in no order and some time late, and lets its registry be asked 100 times a minute.
 */
export function createRegistry({ cosmos, identities, now }: RegistryOptions): AzureRegistry {
  const find = (deviceId: string) => cosmos.get('items', SHELF, itemId(deviceId))

  async function adopt(deviceId: string): Promise<RegisteredDevice | undefined> {
    const item = await find(deviceId)
    if (item !== undefined) return readDevice(item)
    const device = await identities.read(deviceId)
    if (device === undefined) return undefined
    const { held } = await cosmos.create('items', SHELF, toItem(device))
    return held ? device : adopt(deviceId)
  }

  /** Noted before the hub is told: what would not be remembered would never be told, and never end. */
  async function tell(device: RegisteredDevice, tags: boolean): Promise<void> {
    const again = noteOf(now() + AGAIN_MS, device, tags ? 'tags' : 'identity')
    await cosmos.put('items', ENDS, again)
    await noteEnds(device)
    await tellHub(device, tags)
    await cosmos.remove('items', ENDS, again.id)
  }

  async function tellHub(device: RegisteredDevice, tags: boolean): Promise<void> {
    await identities.sync(device)
    if (tags) await identities.writeTags(device)
  }

  async function noteEnds(device: RegisteredDevice): Promise<void> {
    for (const at of endsOf(device)) await cosmos.put('items', ENDS, noteOf(at, device, 'end'))
  }

  return {
    adopt,
    // A device that was made elsewhere is known once somebody asks for it.
    get: adopt,

    async create(device) {
      const exists = () =>
        new CoreError('device.exists', `${device.deviceId}: expected a new id, found one`)
      if ((await find(device.deviceId)) !== undefined) throw exists()
      // The hub decides: of many who create it one does.
      if (!(await identities.create(device))) throw exists()
      await cosmos.put('items', SHELF, toItem(device))
      if (Object.keys(device.tags).length > 0) await identities.writeTags(device)
      await noteEnds(device)
    },

    async list(afterId, limit) {
      if (limit <= 0) return []
      const items = await cosmos.query({
        container: 'items',
        partition: SHELF,
        text: 'SELECT * FROM c WHERE c.shelf = @shelf AND c.key > @after ORDER BY c.key',
        parameters: { shelf: SHELF, after: `d${afterId}` },
        limit,
      })
      return items.map(readDevice)
    },

    async update(device) {
      const expected = device.version - 1
      const stored = await find(device.deviceId)
      const found = stored === undefined ? undefined : number(stored, 'v')
      const written =
        stored !== undefined && found === expected
          ? await cosmos.replace('items', SHELF, toItem(device), etag(stored))
          : undefined
      if (stored === undefined || written?.held !== true)
        throw new CoreError(
          'store.conflict',
          `${device.deviceId}: expected version ${expected}, found ${found ?? 'none'}`,
        )
      const before = readDevice(stored)
      await tell(device, JSON.stringify(before.tags) !== JSON.stringify(device.tags))
    },

    async remove(deviceId) {
      // First what lets it in: who asks again finds the rest.
      const removed = await identities.remove(deviceId)
      return (await cosmos.remove('items', SHELF, itemId(deviceId))) || removed
    },

    async forget(deviceId) {
      if ((await identities.read(deviceId)) !== undefined) return false
      await cosmos.remove('items', SHELF, itemId(deviceId))
      return true
    },

    async end(at, limit) {
      const items = await cosmos.query({
        container: 'items',
        partition: ENDS,
        text: 'SELECT * FROM c WHERE c.shelf = @shelf AND c.key < @next ORDER BY c.key',
        parameters: { shelf: ENDS, next: timeKey(at + 1) },
        limit,
      })
      for (const item of items) {
        const stored = await find(text(item, 'deviceId') ?? '')
        if (stored !== undefined)
          await tellHub(readDevice(stored), text(item, 'what') === 'tags').catch(unlessHopeless)
        await cosmos.remove('items', ENDS, text(item, 'id') ?? '')
      }
      return items.length
    },
  }
}

/** What the hub never takes must not keep others waiting; whoever asked for it was told. */
function unlessHopeless(error: unknown): void {
  if (!(error instanceof CoreError) || error.retryable) throw error
}

/** When something that the hub knows of is good no more: the hub knows of no such end. */
function endsOf({ credentials }: RegisteredDevice): ReadonlySet<number> {
  return new Set(
    credentials.flatMap(({ kind, endsAt }) =>
      endsAt !== undefined && (kind === 'key' || kind === 'certificate') ? [endsAt] : [],
    ),
  )
}

/** What is to be told at a time: that something has ended, or a change that may not have reached the hub. */
function noteOf(at: number, { deviceId }: RegisteredDevice, what: 'end' | 'identity' | 'tags') {
  const id = itemId(`${timeKey(at)}:${what}:${deviceId}`)
  return { id, shelf: ENDS, key: timeKey(at), deviceId, what }
}

/** Times sort as texts. */
function timeKey(at: number): string {
  return String(Math.max(0, at)).padStart(16, '0')
}

function toItem(device: RegisteredDevice): Item {
  return {
    id: itemId(device.deviceId),
    shelf: SHELF,
    key: `d${device.deviceId}`,
    v: device.version,
    device: pack(JSON.stringify(device)),
  }
}

function readDevice(item: Item): RegisteredDevice {
  return JSON.parse(unpack(item, 'device'))
}
