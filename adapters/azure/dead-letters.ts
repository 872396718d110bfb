import type { DeadLetter, DeadLetters } from '../../core/index.ts'
import { bytes, type Cosmos, expireIn, type Item, itemId, text } from './cosmos.ts'
import type { ObjectStore } from './object-store.ts'

export interface DeadLettersOptions {
  readonly cosmos: Cosmos
  readonly objects: Pick<ObjectStore, 'put' | 'get' | 'remove'>
  readonly retentionMs: number
}

const SHELF = '$dead-letters'

/** A payload over this size becomes a blob: an item is 2 MB at most. Unit: bytes. */
const ITEM_BYTES = 1_000_000

/** Dead letters as items of Cosmos; their ids sort by time. */
export function createDeadLetters({
  cosmos,
  objects,
  retentionMs,
}: DeadLettersOptions): DeadLetters {
  async function toLetter(item: Item): Promise<DeadLetter> {
    const blob = text(item, 'blob')
    const payload = blob === undefined ? bytes(item, 'payload') : await objects.get(blob)
    return { ...JSON.parse(text(item, 'letter') ?? ''), payload: new Uint8Array(payload ?? []) }
  }

  return {
    async put({ payload, ...letter }) {
      const id = itemId(letter.id)
      const blob = `dead-letters/${id}`
      const large = payload.length > ITEM_BYTES
      // The payload first: who sees the letter sees all of it.
      if (large) await objects.put(blob, payload, 'application/octet-stream')
      await cosmos.put('items', SHELF, {
        id,
        shelf: SHELF,
        key: letter.id,
        letter: JSON.stringify(letter),
        ...(large ? { blob } : { payload: Buffer.from(payload).toString('base64') }),
        ...expireIn(retentionMs),
      })
    },

    async get(id) {
      const item = await cosmos.get('items', SHELF, itemId(id))
      return item === undefined ? undefined : toLetter(item)
    },

    async list(beforeId, limit) {
      if (limit <= 0) return []
      const items = await cosmos.query({
        container: 'items',
        partition: SHELF,
        text: `SELECT * FROM c WHERE c.shelf = @shelf${beforeId === '' ? '' : ' AND c.key < @before'} ORDER BY c.key DESC`,
        parameters: { shelf: SHELF, ...(beforeId === '' ? {} : { before: beforeId }) },
        limit,
      })
      return Promise.all(items.map(toLetter))
    },

    async remove(id) {
      const item = await cosmos.get('items', SHELF, itemId(id))
      if (item === undefined) return
      await cosmos.remove('items', SHELF, itemId(id))
      const blob = text(item, 'blob')
      if (blob !== undefined) await objects.remove(blob)
    },

    count: () =>
      cosmos.sum({
        container: 'items',
        partition: SHELF,
        text: 'SELECT VALUE COUNT(1) FROM c WHERE c.shelf = @shelf',
        parameters: { shelf: SHELF },
      }),
  }
}
