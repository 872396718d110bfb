import type { Clock, Delivery, NotificationQueue } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'
import type { Operation } from './sqlite/protocol.ts'

export interface NotificationQueueOptions {
  readonly database: Database
  readonly clock: Clock
  /** Told when something came in that is due at once: the worker need not wait for its next look. */
  readonly onEnqueue: () => void
}

/** The queue as a table. A settled row stays for a day, so that its key is known. */
export function createNotificationQueue({
  database,
  clock,
  onEnqueue,
}: NotificationQueueOptions): NotificationQueue {
  return {
    async enqueue(deliveries) {
      if (deliveries.length === 0) return
      const now = clock.now()
      await database.write(
        deliveries.map((delivery): Operation => {
          const { attempts, ...stored } = delivery
          return ['notificationPut', delivery.key, now, attempts, JSON.stringify(stored)]
        }),
      )
      onEnqueue()
    },

    async claim(now, limit, leaseMs) {
      const rows = await database.read('notificationClaim', now + leaseMs, now, limit)
      return rows.map(
        (row): Delivery => ({
          ...JSON.parse(String(row['delivery'])),
          attempts: Number(row['attempts']),
        }),
      )
    },

    async settle(key) {
      await database.write([['notificationSettle', clock.now(), key]])
    },

    async retry(key, dueAt) {
      await database.write([['notificationRetry', dueAt, key]])
    },
  }
}
