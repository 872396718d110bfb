/** What one statement and one evaluation may cost. Beyond it stands `rule.limit`. */
export interface RuleLimits {
  /** Unit: bytes of UTF-8. Source: AWS IoT Core quotas, "maximum size of a rule's SQL statement". */
  readonly sqlBytes: number
  readonly tokens: number
  /** How deep expressions, subqueries and literals may nest. */
  readonly depth: number
  /** Variables of one SET clause. */
  readonly variables: number
  /** Unit: characters. Source: AWS IoT SQL, SET clause. */
  readonly variableNameLength: number
  /** Unit: bytes of the JSON that a rule makes, where it makes more than it was given. */
  readonly outputBytes: number
  /** Unit: UTF-16 units of any string made on the way. */
  readonly stringLength: number
  /** Unit: UTF-16 units of a regular expression or a LIKE pattern. */
  readonly patternLength: number
  /** Elements of any array made on the way. */
  readonly arrayLength: number
  /** Rows that the subqueries of one evaluation may visit. */
  readonly rows: number
  /** Unit: bytes. Source: AWS IoT SQL, `transform`. */
  readonly transformBytes: number
}

export const DEFAULT_LIMITS: RuleLimits = {
  sqlBytes: 18 * 1024,
  tokens: 5_000,
  depth: 200,
  variables: 64,
  variableNameLength: 64,
  outputBytes: 128 * 1024,
  stringLength: 128 * 1024,
  patternLength: 1_024,
  arrayLength: 10_000,
  rows: 100_000,
  transformBytes: 128 * 1024,
}
