import { type Audience, NOBODY } from '../model/audience.ts'
import type { InboxState } from '../model/inbox.ts'
import type { InboxInput, InputResult } from '../model/input.ts'
import type { Notification } from '../model/notification.ts'
import { deliveriesTo, toPageDelivery } from '../notifications/fan-out.ts'
import { hear, type InboxAct, type InboxStep, newInbox, wakeInbox } from '../notifications/inbox.ts'
import { endsTable } from '../notifications/tables.ts'
import { createLocalClock } from '../notifications/weekly.ts'
import type { Draft } from './draft.ts'

/** Something that a recipient is to be told. */
export function applyInbox(draft: Draft, input: InboxInput): InputResult {
  const { policy, recipientId, addresses, notification, at } = input
  if (draft.remember(notification.key)) return { status: 'duplicate' }
  const before = draft.inbox ?? newInbox(policy, input)
  // The subscription and the person may have changed since.
  const current = { ...before, policy, recipientId, addresses }
  settle(draft, hear(current, notification, at, createLocalClock(policy.timeZone)))
  return { status: 'accepted' }
}

/** Time has passed for a recipient: what waited for it is told, and escalations go on. */
export function passInboxTime(draft: Draft, now: number): void {
  const { inbox } = draft
  if (inbox === undefined) return
  const clock = createLocalClock(inbox.policy.timeZone)
  settle(draft, wakeInbox(inbox, now, clock, draft.context.settled ?? NONE))
}

const NONE: ReadonlySet<string> = new Set()

function settle(draft: Draft, { state, acts }: InboxStep): void {
  draft.setInbox(withSuppressed(state, acts, draft.context.now))
  for (const act of acts) carryOut(draft, state, act)
}

/** So much of what was not told is kept for whoever asks why. */
const MOST_SUPPRESSED = 20

function withSuppressed(state: InboxState, acts: readonly InboxAct[], at: number): InboxState {
  const found = acts.flatMap((act) =>
    act.do === 'suppress' ? [{ key: act.notification.key, reason: act.reason, at }] : [],
  )
  if (found.length === 0) return state
  return { ...state, suppressed: [...(state.suppressed ?? []), ...found].slice(-MOST_SUPPRESSED) }
}

function carryOut(draft: Draft, inbox: InboxState, act: InboxAct): void {
  const { notification } = act
  switch (act.do) {
    case 'tell':
      draft.emit(notification.key, {
        kind: 'deliver',
        deliveries: deliveriesTo(notification, inbox.recipientId, inbox.addresses),
      })
      return
    case 'suppress':
      draft.countSuppressed(act.reason)
      keepReason(draft, inbox, notification, act.reason)
      return
    case 'escalate':
      draft.emit(notification.key, {
        kind: 'deliver',
        deliveries: [escalation(notification, act.to)],
      })
  }
}

/** Whoever asked for a notification finds out why somebody was not told. */
function keepReason(
  draft: Draft,
  { recipientId, addresses }: InboxState,
  notification: Notification,
  reason: string,
): void {
  for (const { key, accountId } of deliveriesTo(notification, recipientId, addresses)) {
    if (accountId === undefined) continue
    const item = { state: 'suppressed', at: draft.context.now, reason }
    draft.emit(`suppressed/${key}`, { kind: 'table', table: endsTable(accountId), key, item })
  }
}

function escalation(notification: Notification, to: Audience) {
  const page = { from: 'named', after: '', found: 0, audience: { ...NOBODY, ...to } } as const
  return toPageDelivery({ ...notification, channelIds: [] }, page)
}
