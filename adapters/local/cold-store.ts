import type { ColdStore } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'

/** The archive: a table of JSON lines, by UTC day. */
export function createColdStore(database: Database): ColdStore {
  return {
    async read(day, afterPosition, limit) {
      const rows = await database.read('coldRead', day, afterPosition, limit)
      return rows.map((row) => ({
        position: Number(row['position']),
        row: JSON.parse(String(row['row'])),
      }))
    },
  }
}
