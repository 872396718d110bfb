import type { Clock, Json, QueueSender } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'

/** One entry of a queue, claimed by a program that reads it. */
export interface QueueEntry {
  readonly id: string
  readonly at: number
  readonly body: Json
}

/** Queues for other programs, with the reading side that a cloud's own queue would have. */
export interface LocalQueues extends QueueSender {
  /** Takes up to `limit` entries, oldest first, and hides them for `leaseMs`. */
  claim(queue: string, limit: number, leaseMs: number): Promise<readonly QueueEntry[]>
  /** The entry is done with. */
  remove(queue: string, id: string): Promise<void>
}

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
      return rows.map((row) => ({
        id: String(row['id']),
        at: Number(row['at']),
        body: JSON.parse(String(row['body'])),
      }))
    },
    async remove(queue, id) {
      await database.write([['queueRemove', queue, id]])
    },
  }
}
