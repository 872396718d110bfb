import {
  type CommandEntry,
  type CommandFeedback,
  type CommandInfo,
  type CommandState,
  isPending,
  type Settlement,
} from '../model/command.ts'

/** The commands of one device in the order in which they came, those that ended lately among them. */
export type CommandQueue = readonly CommandEntry[]

/** How many ended commands a device remembers, to answer for them. */
const REMEMBERED = 20

export function pendingOf(queue: CommandQueue): number {
  let pending = 0
  for (const entry of queue) if (isPending(entry)) pending++
  return pending
}

/** The command as time has left it: a lock that is over makes it wait again, and waiting ends when it expires. */
export function passTime(entry: CommandEntry, now: number): CommandEntry {
  const isHeld = entry.state === 'Delivered' && entry.lock !== undefined && entry.lock.until > now
  if (!isPending(entry) || isHeld) return entry
  if (entry.expiresAt <= now) return end(entry, 'Expired', now)
  return entry.state === 'Delivered' ? wait(entry) : entry
}

/** The next one to hand out: the highest priority first, then the oldest. */
export function nextToDeliver(queue: CommandQueue): CommandEntry | undefined {
  let next: CommandEntry | undefined
  for (const entry of queue)
    if (entry.state === 'Enqueued' && (next === undefined || entry.priority > next.priority))
      next = entry
  return next
}

/**
 * The command after its holder has spoken. Giving it back in order (`release`) costs nothing; giving it up (`abandon`)
 * counts, and ends a command that was given up too often.
 */
export function settle(
  entry: CommandEntry,
  how: Settlement,
  now: number,
  reason?: string,
): CommandEntry {
  switch (how) {
    case 'complete':
      return end(entry, 'Completed', now, reason)
    case 'reject':
      return end(entry, 'Rejected', now, reason)
    case 'release':
      return passTime(wait(entry), now)
    case 'abandon': {
      const deliveries = entry.deliveries + 1
      const given = { ...entry, deliveries }
      return deliveries >= entry.maxDeliveries
        ? end(given, 'DeliveryCountExceeded', now, reason)
        : passTime(wait(given), now)
    }
  }
}

/** The command at its end; what was locked is locked no more. */
export function end(
  entry: CommandEntry,
  state: CommandState,
  now: number,
  reason?: string,
): CommandEntry {
  const { lock: _, ...rest } = entry
  return { ...rest, state, finishedAt: now, ...(reason === undefined ? {} : { reason }) }
}

function wait({ lock: _, ...entry }: CommandEntry): CommandEntry {
  return { ...entry, state: 'Enqueued' }
}

/** Forgets the commands that ended longest ago, past those that are remembered. */
export function forgetOld(queue: CommandQueue): CommandQueue {
  const ended = queue.filter((entry) => !isPending(entry))
  if (ended.length <= REMEMBERED) return queue
  const oldest = ended.toSorted((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0))
  const forgotten = new Set(oldest.slice(0, ended.length - REMEMBERED))
  return queue.filter((entry) => !forgotten.has(entry))
}

/** Epoch ms at which time changes something here; 0: never. */
export function nextCommandDue(queue: CommandQueue): number {
  let due = 0
  for (const entry of queue) {
    if (!isPending(entry)) continue
    const at = entry.state === 'Delivered' ? (entry.lock?.until ?? 0) : entry.expiresAt
    if (due === 0 || at < due) due = at
  }
  return due
}

const STATUS: Partial<Record<CommandState, CommandFeedback['statusCode']>> = {
  Completed: 'Success',
  Rejected: 'Rejected',
  Expired: 'Expired',
  DeliveryCountExceeded: 'DeliveryCountExceeded',
  Purged: 'Purged',
}

/** What the sender is to be told of a command that has just ended; `undefined` if nothing. */
export function feedbackOf(
  entry: CommandEntry,
  { deviceId, createdAt }: { readonly deviceId: string; readonly createdAt: number },
): CommandFeedback | undefined {
  const statusCode = STATUS[entry.state]
  if (statusCode === undefined) return undefined
  const isWanted =
    entry.ack === 'full' || entry.ack === (statusCode === 'Success' ? 'positive' : 'negative')
  if (!isWanted) return undefined
  return {
    originalMessageId: entry.commandId,
    deviceId,
    deviceGenerationId: String(entry.registeredAt ?? createdAt),
    statusCode,
    description: entry.reason ?? statusCode,
    enqueuedTimeUtc: new Date(entry.finishedAt ?? 0).toISOString(),
  }
}

/** The command without what is nobody's business. */
export function commandInfo(deviceId: string, entry: CommandEntry): CommandInfo {
  const { contentId: _, registeredAt: __, lock, ...rest } = entry
  return { deviceId, ...rest, ...(lock === undefined ? {} : { lockedUntil: lock.until }) }
}
