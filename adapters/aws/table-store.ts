import type { Json, TableStore } from '../../core/index.ts'
import { type Dynamo, type Item, text } from './dynamo.ts'
import { pack, unpack } from './pack.ts'

/** Small items in one table of DynamoDB; the names of tables are the first part of its key. */
export function createTableStore(dynamo: Dynamo, table: string): TableStore {
  return {
    async get(name, key) {
      const item = await dynamo.get(table, keyOf(name, key))
      return item === undefined ? undefined : readItem(item)
    },

    async put(name, key, item) {
      await dynamo.put(table, { ...keyOf(name, key), item: pack(JSON.stringify(item)) })
    },

    async remove(name, key) {
      await dynamo.remove(table, keyOf(name, key))
    },

    async list(name, afterKey, limit) {
      if (limit <= 0) return []
      const items = await dynamo.query({
        table,
        limit,
        consistent: true,
        key: {
          text: 'tbl = :tbl AND #key > :after',
          names: { '#key': 'key' },
          values: { ':tbl': { S: name }, ':after': { S: prefixed(afterKey) } },
        },
      })
      return items.map((item) => ({
        key: (text(item, 'key') ?? '').slice(1),
        item: readItem(item),
      }))
    },
  }
}

/** Keys begin with a letter of ours: DynamoDB takes no empty key. */
function prefixed(key: string): string {
  return `k${key}`
}

function keyOf(name: string, key: string): Item {
  return { tbl: { S: name }, key: { S: prefixed(key) } }
}

function readItem(item: Item): Json {
  return JSON.parse(unpack(item, 'item'))
}
