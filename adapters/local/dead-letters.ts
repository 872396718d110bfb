import type { DeadLetter, DeadLetters } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'
import type { SqlRow } from './sqlite/protocol.ts'

/** Dead letters as a table; their ids sort by time. */
export function createDeadLetters(database: Database): DeadLetters {
  return {
    async put(letter) {
      const { payload, ...rest } = letter
      await database.write([['deadLetterPut', letter.id, JSON.stringify(rest), payload]])
    },

    async get(id) {
      const [row] = await database.read('deadLetterGet', id)
      return row === undefined ? undefined : readLetter(row)
    },

    async list(beforeId, limit) {
      return (await database.read('deadLetterList', beforeId, beforeId, limit)).map(readLetter)
    },

    async remove(id) {
      await database.write([['deadLetterRemove', id]])
    },

    async count() {
      const [row] = await database.read('deadLetterCount')
      return Number(row?.['count'] ?? 0)
    },
  }
}

function readLetter(row: SqlRow): DeadLetter {
  const payload = row['payload']
  return {
    ...JSON.parse(String(row['letter'])),
    payload: payload instanceof Uint8Array ? payload : new Uint8Array(),
  }
}
