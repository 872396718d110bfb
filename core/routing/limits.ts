/** What one condition may cost. Beyond it stands `rule.limit`. */
export const CONDITION_LIMITS = {
  /** Unit: UTF-16 units. */
  length: 8_192,
  tokens: 2_000,
  /** How deep parentheses, calls and signs may nest. */
  depth: 100,
} as const
