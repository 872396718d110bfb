import { CoreError } from '../errors.ts'

/** What may leave a running rule: `rule.limit` for what it cannot afford, `rule.failed` for a fault of ours. */
export function toRuleError(error: unknown): CoreError {
  if (error instanceof CoreError) return error
  if (error instanceof RangeError) {
    return new CoreError('rule.limit', 'expected a message that nests less deeply', {
      cause: error,
    })
  }
  return new CoreError('rule.failed', 'the rule failed on this message', { cause: error })
}

/** Runs a part of a rule; only errors of rules leave it. */
export function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw toRuleError(error)
  }
}
