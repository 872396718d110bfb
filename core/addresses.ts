import { isJsonObject, type Json } from './model/json.ts'
import { digestOf } from './notifications/address-digest.ts'
import { ADDRESSES_TABLE } from './notifications/tables.ts'
import type { Ports } from './ports.ts'

/** How long a process believes what it read of a channel. Unit: ms. */
const BELIEVED_MS = 60_000

/** So many addresses of a channel are read at once; of more, each is asked for by itself. */
const READ_AT_ONCE = 500

/** An address to which nothing is sent any more. */
export interface GoneAddress {
  /** Names it: the channel and a digest of the address. */
  readonly id: string
  readonly channelId: string
  /** The address, masked. */
  readonly address: string
  readonly reason: string
  /** Epoch ms. */
  readonly at: number
}

/** Addresses that are gone: hard bounces, apps that were removed, bots that were blocked, webhooks that answer 410. */
export interface Addresses {
  isGone(channelId: string, address: string): Promise<boolean>
  /** Nothing is sent to it any more, by any process within a minute. */
  disable(address: string, found: Omit<GoneAddress, 'id' | 'at'>): Promise<void>
  /** In the order of their ids, after the given one; '' starts. */
  list(afterId: string, limit: number): Promise<readonly GoneAddress[]>
  /** It may be sent to again. Gives false if it is not disabled. */
  enable(id: string): Promise<boolean>
}

/** What was read of a channel. */
interface Known {
  readonly at: number
  /** Digests, where all of them were read. */
  readonly gone: Set<string> | undefined
}

/** Keeps addresses as digests in a table of ours: whoever reads it learns none. */
export function createAddresses({ tables, clock }: Pick<Ports, 'tables' | 'clock'>): Addresses {
  const channels = new Map<string, Promise<Known>>()

  async function read(channelId: string, at: number): Promise<Known> {
    const prefix = idOf(channelId, '')
    const rows = await tables.list(ADDRESSES_TABLE, prefix, READ_AT_ONCE)
    const own = rows.filter(({ key }) => key.startsWith(prefix))
    if (own.length === READ_AT_ONCE) return { at, gone: undefined }
    return { at, gone: new Set(own.map(({ key }) => key)) }
  }

  async function knownOf(channelId: string): Promise<Known> {
    const now = clock.now()
    const before = channels.get(channelId)
    if (before !== undefined) {
      const known = await before
      if (now - known.at < BELIEVED_MS) return known
    }
    const reading = read(channelId, now)
    channels.set(channelId, reading)
    reading.catch(() => channels.delete(channelId))
    return reading
  }

  return {
    async isGone(channelId, address) {
      const { gone } = await knownOf(channelId)
      if (gone?.size === 0) return false
      const id = idOf(channelId, digestOf(address))
      return gone === undefined
        ? (await tables.get(ADDRESSES_TABLE, id)) !== undefined
        : gone.has(id)
    },

    async disable(address, { channelId, address: masked, reason }) {
      const id = idOf(channelId, digestOf(address))
      const item = { channelId, address: masked, reason, at: clock.now() }
      await tables.put(ADDRESSES_TABLE, id, item)
      channels.delete(channelId)
    },

    async list(afterId, limit) {
      const rows = await tables.list(ADDRESSES_TABLE, afterId, limit)
      return rows.map(({ key, item }) => toGone(key, item))
    },

    async enable(id) {
      if ((await tables.get(ADDRESSES_TABLE, id)) === undefined) return false
      await tables.remove(ADDRESSES_TABLE, id)
      channels.delete(id.slice(0, id.indexOf('/')))
      return true
    },
  }
}

function idOf(channelId: string, digest: string): string {
  return `${channelId}/${digest}`
}

function toGone(id: string, item: Json): GoneAddress {
  const { channelId, address, reason, at } = isJsonObject(item) ? item : {}
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return {
    id,
    channelId: text(channelId),
    address: text(address),
    reason: text(reason),
    at: typeof at === 'number' ? at : 0,
  }
}
