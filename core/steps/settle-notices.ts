import { CoreError } from '../errors.ts'
import { judgeAlarm } from './alarm.ts'
import type { Draft } from './draft.ts'
import { runRules } from './rule.ts'

/**
 * So many notices are heard that rules themselves brought about in answer to one input. A rule that listens to a shadow
 * and changes it each time would go on for ever.
 */
export const MOST_FOLLOWING_NOTICES = 64

/** Runs rules and alarms on what the input brought about, and on what they bring about. */
export function settleNotices(draft: Draft): void {
  const { notices } = draft
  if (notices.length === 0) return
  const { newId, random, now, lookups, program } = draft.context
  const most = notices.length + MOST_FOLLOWING_NOTICES
  for (let heard = 0; heard < notices.length; heard += 1) {
    const notice = notices[heard]
    if (notice === undefined) continue
    const { topic, body, bytes, id } = notice
    if (heard >= most) {
      const message = `expected rules to bring about at most ${MOST_FOLLOWING_NOTICES} changes of shadows that rules listen to, found more`
      draft.fail('shadow', id, new CoreError('rule.limit', message))
      break
    }
    const facts = {
      topic,
      nowMs: now,
      newId,
      random,
      ...(lookups === undefined ? {} : { lookups }),
    }
    const message = { body, bytes, facts }
    const source = { topic, messageId: id, at: now, receivedAt: now, bytes }
    runRules(draft, message, source)
    for (const alarm of program.alarms.match(topic)) judgeAlarm(draft, alarm, message, source)
  }
  notices.length = 0
}
