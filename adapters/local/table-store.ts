import type { TableStore } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'

/** Tables of small items, all in one table of SQLite. */
export function createTableStore(database: Database): TableStore {
  return {
    async get(table, key) {
      const [row] = await database.read('itemGet', table, key)
      return row === undefined ? undefined : JSON.parse(String(row['item']))
    },
    async put(table, key, item) {
      await database.write([['itemPut', table, key, JSON.stringify(item)]])
    },
    async remove(table, key) {
      await database.write([['itemRemove', table, key]])
    },
    async list(table, afterKey, limit) {
      const rows = await database.read('itemList', table, afterKey, limit)
      return rows.map((row) => ({ key: String(row['key']), item: JSON.parse(String(row['item'])) }))
    },
  }
}
