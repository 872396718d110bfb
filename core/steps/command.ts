import {
  type CommandQueue,
  end,
  feedbackOf,
  forgetOld,
  nextToDeliver,
  passTime,
  pendingOf,
  settle,
} from '../commands/queue.ts'
import { CoreError } from '../errors.ts'
import { type CommandEntry, FEEDBACK_QUEUE, isPending } from '../model/command.ts'
import type {
  EnqueueInput,
  InputResult,
  LockInput,
  PurgeInput,
  SettleInput,
} from '../model/input.ts'
import type { Draft } from './draft.ts'

/** Queues a command, unless one of its id is known: sending twice is sending once. */
export function applyEnqueue(draft: Draft, { command, at }: EnqueueInput): InputResult {
  const queue = afterTime(draft, at)
  const { commandId = draft.context.newId(), content, sentBy, ...facts } = command
  const known = queue.find((entry) => entry.commandId === commandId)
  if (known !== undefined) {
    if (known.state === 'Enqueued') draft.commandsWait = true
    return told([known])
  }
  const { maxPending } = draft.context.program.config.commands
  if (pendingOf(queue) >= maxPending) {
    return {
      status: 'refused',
      code: 'command.queue_full',
      message: `${draft.deviceId}: expected fewer than ${maxPending} commands waiting`,
    }
  }
  const contentId = draft.context.newId()
  const entry: CommandEntry = {
    commandId,
    ...facts,
    state: 'Enqueued',
    contentId,
    enqueuedAt: at,
    deliveries: 0,
    ...(sentBy === undefined ? {} : { sentBy }),
  }
  // One that waited elsewhere until it was too late is not handed out.
  const queued = passTime(entry, at)
  if (isPending(queued)) {
    draft.addCommandRow({ contentId, content })
    draft.commandsWait = true
  } else tell(draft, queued)
  draft.setCommands(forgetOld([...queue, queued]))
  return told([queued])
}

/** Hands the next command to somebody who speaks for the device. */
export function applyLock(draft: Draft, { lockMs, at }: LockInput): InputResult {
  const queue = afterTime(draft, at)
  const next = nextToDeliver(queue)
  if (next === undefined) return told([])
  const lock = { token: draft.context.newId(), until: at + lockMs }
  const locked: CommandEntry = { ...next, state: 'Delivered', lock }
  draft.setCommands(replace(queue, next, locked))
  return told([locked])
}

/** Whoever holds a command says what became of it. A lock serves once, and only while it lasts. */
export function applySettle(draft: Draft, input: SettleInput): InputResult {
  const { lockToken, how, at, reason } = input
  const queue = afterTime(draft, at)
  const held = queue.find(({ lock }) => lock?.token === lockToken)
  if (held === undefined) {
    return {
      status: 'refused',
      code: 'command.lock_lost',
      message:
        'expected the token of a lock that lasts, found one that was used, is over or is none',
    }
  }
  if (how === 'renew') {
    const renewed = { ...held, lock: { token: lockToken, until: at + input.lockMs } }
    draft.setCommands(replace(queue, held, renewed))
    return told([renewed])
  }
  const settled = settle(held, how, at, reason)
  // Who gives one back in order knows that it waits, and would be asked again at once.
  if (how !== 'release' || !isPending(settled)) conclude(draft, settled)
  draft.setCommands(forgetOld(replace(queue, held, settled)))
  return told([settled])
}

/** Ends all that has not ended. */
export function applyPurge(draft: Draft, { at }: PurgeInput): InputResult {
  const queue = afterTime(draft, at)
  const purged: CommandEntry[] = []
  const next = queue.map((entry) => {
    if (!isPending(entry)) return entry
    const ended = end(entry, 'Purged', at)
    conclude(draft, ended)
    purged.push(ended)
    return ended
  })
  if (purged.length > 0) draft.setCommands(forgetOld(next))
  return told(purged)
}

/** Locks that are over and commands that have expired. What cannot be told now, because too much waits, stays as it is. */
export function passCommandTime(draft: Draft, now: number): void {
  try {
    afterTime(draft, now)
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    draft.logs.push({ level: 'warn', text: error.message, key: 'commands' })
  }
}

/** The queue as time has left it, stored and told. */
function afterTime(draft: Draft, now: number): CommandQueue {
  const queue = draft.commands
  let next: CommandEntry[] | undefined
  try {
    for (const [index, entry] of queue.entries()) {
      const passed = passTime(entry, now)
      if (passed === entry) continue
      conclude(draft, passed)
      next ??= [...queue]
      next[index] = passed
    }
  } finally {
    if (next !== undefined) draft.setCommands(forgetOld(next))
  }
  return draft.commands
}

/** Tells of an end and lets go of the content; who waits again is to be taken. */
function conclude(draft: Draft, entry: CommandEntry): void {
  if (isPending(entry)) {
    if (entry.state === 'Enqueued') draft.commandsWait = true
    return
  }
  tell(draft, entry)
  draft.addCommandRow({ contentId: entry.contentId, content: undefined })
}

/** @throws CoreError `device.outbox_full`: then the command has not ended yet. */
function tell(draft: Draft, entry: CommandEntry): void {
  const body = feedbackOf(entry, draft.identity)
  draft.countCommand(entry.state)
  if (body === undefined) return
  // The content id as well: ids of commands come again when those that ended are forgotten.
  const key = `command/${entry.commandId}/${entry.contentId}/${entry.state}`
  draft.emit(key, { kind: 'queue', queue: FEEDBACK_QUEUE, body: { ...body } })
}

function replace(queue: CommandQueue, entry: CommandEntry, by: CommandEntry): CommandQueue {
  return queue.map((one) => (one === entry ? by : one))
}

function told(commands: readonly CommandEntry[]): InputResult {
  return { status: 'commands', commands }
}
