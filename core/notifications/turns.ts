import { type Notification, type Priority, priorityOf } from '../model/notification.ts'

/** From this priority on something is urgent: it has a queue, and workers, of its own where the cloud has queues. */
const URGENT: Priority = 7

/** One turn in so many goes to what has waited longest. */
const SHARE = 4

/** Whether it waits for nothing but its like. */
export function isUrgent(notification: Notification): boolean {
  return priorityOf(notification) >= URGENT
}

/** What decides whose turn it is. */
export interface Waiting {
  readonly priority: number
  /** Since when it may be sent, epoch ms. */
  readonly dueAt: number
}

/**
 * Who is served next, in this order: the most urgent, but one turn in four goes to what has waited longest, so that
 * nothing starves however much comes that is more urgent.
 *
 * `turn`: how many turns there were before, where one batch is too small to hold a share.
 */
export function takeTurns<T extends Waiting>(due: readonly T[], limit: number, turn = 0): T[] {
  const most = Math.min(limit, due.length)
  if (most <= 0) return []
  const urgent = due.toSorted((a, b) => b.priority - a.priority || a.dueAt - b.dueAt)
  const oldest = due.toSorted((a, b) => a.dueAt - b.dueAt || b.priority - a.priority)
  const taken = new Set<T>()
  const next = [0, 0]
  for (let at = turn; taken.size < most; at++) {
    const side = at % SHARE === SHARE - 1 ? 1 : 0
    const from = side === 1 ? oldest : urgent
    let place = next[side] ?? 0
    for (let one = from[place]; one !== undefined && taken.has(one); one = from[place]) place++
    const one = from[place]
    next[side] = place + 1
    if (one !== undefined) taken.add(one)
  }
  return [...taken]
}
