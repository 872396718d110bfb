import type { Clock, QueueReader, QueueSender } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'

/** Queues for other programs, with the reading side that a cloud's own queue would have. */
export interface LocalQueues extends QueueSender, QueueReader {}

/** Queues as a table of SQLite. */
export function createQueues(database: Database, clock: Clock): LocalQueues {
  return {
    async send(queue, body, key) {
      const now = clock.now()
      await database.write([['queuePut', queue, key, now, now, JSON.stringify(body)]])
    },
    async claim(queue, limit, leaseMs) {
      const now = clock.now()
      const rows = await database.read('queueClaim', now + leaseMs, queue, now, limit)
      // RETURNING keeps no order. Source: SQLite, lang_returning, 3.
      const inOrder = rows.toSorted((a, b) => Number(a['id']) - Number(b['id']))
      return inOrder.map((row) => ({
        id: String(row['id']),
        at: Number(row['at']),
        body: JSON.parse(String(row['body'])),
      }))
    },
    async remove(queue, id) {
      return (await database.read('queueRemove', queue, id)).length > 0
    },
    async release(queue, id) {
      await database.write([['queueRelease', clock.now(), queue, id]])
    },
  }
}
