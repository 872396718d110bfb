import type { SuppressedNotification } from '../model/inbox.ts'
import type { AdmitInput, InputResult } from '../model/input.ts'
import { newInbox } from '../notifications/inbox.ts'
import type { Draft } from './draft.ts'

/** So much of what was too much is kept, so that it stays too much when it comes again. */
const MOST_SUPPRESSED = 20

const TOO_MUCH = {
  status: 'refused',
  code: 'channel.throttled',
  message: 'throttled on its channel',
} as const

/** One more delivery for a place of a channel that takes only so many. The same key has the same answer. */
export function applyAdmission(draft: Draft, input: AdmitInput): InputResult {
  const { key, throttle, isUrgent, recipientId, at } = input
  const policy = { timeZone: 'UTC', throttle }
  const before = draft.inbox ?? newInbox(policy, { recipientId, addresses: [] })
  const suppressed = before.suppressed ?? []
  if (draft.remember(key))
    return suppressed.some((one) => one.key === key) ? TOO_MUCH : { status: 'accepted' }
  const lately = before.told.filter((time) => at - time < throttle.perMs)
  if (isUrgent || lately.length < throttle.most) {
    const told = [...lately, at].slice(-throttle.most)
    draft.setInbox({ ...before, policy, told })
    return { status: 'accepted' }
  }
  const one: SuppressedNotification = { key, reason: 'throttled', at }
  draft.setInbox({
    ...before,
    policy,
    told: lately,
    suppressed: [...suppressed, one].slice(-MOST_SUPPRESSED),
  })
  return TOO_MUCH
}
