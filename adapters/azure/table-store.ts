import type { Json, TableStore } from '../../core/index.ts'
import { type Cosmos, type Item, text } from './cosmos.ts'
import { digestOf } from './digest.ts'
import { pack, unpack } from './pack.ts'

/**
 * Small items, each table a partition of its own.
 *
 * Shape: id SHA-256 of the key; `key`, by which they are listed, and `item`.
 */
export function createTableStore(cosmos: Cosmos): TableStore {
  return {
    async get(table, key) {
      const item = await cosmos.get('items', shelfOf(table), digestOf(key))
      return item === undefined ? undefined : readItem(item)
    },

    async put(table, key, item) {
      const shelf = shelfOf(table)
      const packed = pack(JSON.stringify(item))
      await cosmos.put('items', shelf, { id: digestOf(key), shelf, key, item: packed })
    },

    async remove(table, key) {
      await cosmos.remove('items', shelfOf(table), digestOf(key))
    },

    async list(table, afterKey, limit) {
      if (limit <= 0) return []
      const shelf = shelfOf(table)
      const items = await cosmos.query({
        container: 'items',
        partition: shelf,
        text: `SELECT * FROM c WHERE c.shelf = @shelf AND c.key ${afterKey === '' ? '>=' : '>'} @after ORDER BY c.key`,
        parameters: { shelf, after: afterKey },
        limit,
      })
      return items.map((item) => ({ key: text(item, 'key') ?? '', item: readItem(item) }))
    },
  }
}

function shelfOf(table: string): string {
  return `table/${table}`
}

function readItem(item: Item): Json {
  return JSON.parse(unpack(item, 'item'))
}
