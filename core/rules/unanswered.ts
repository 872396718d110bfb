import { guarded } from './guard.ts'
import type { LookupAnswer, LookupRequest, RuleMessage } from './message.ts'

/**
 * Runs something with an answerer that notes what it cannot answer, each question once.
 *
 * @throws CoreError `rule.limit`, `rule.failed`.
 */
export function unanswered(
  message: RuleMessage,
  run: (message: RuleMessage) => unknown,
): readonly LookupRequest[] {
  const asked = new Map<string, LookupRequest>()
  const known = message.facts.lookups
  function find(request: LookupRequest): LookupAnswer | undefined {
    const answer = known?.find(request)
    if (answer === undefined) asked.set(JSON.stringify([request.function, request.args]), request)
    return answer
  }
  guarded(() => run({ ...message, facts: { ...message.facts, lookups: { find } } }))
  return [...asked.values()]
}

const NO_LOOKUPS: readonly LookupRequest[] = []

/** For what asks nothing. */
export function noLookups(): readonly LookupRequest[] {
  return NO_LOOKUPS
}
