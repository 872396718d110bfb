import type { Json } from '../../core/index.ts'
import { compileRule, runRule } from '../../core/index.ts'
import { errorLine, readLine, readRuleMessage, readSqlVersion, readText } from './rule-message.ts'

/**
 * `anyhub eval sql`: runs one statement on one message.
 *
 * Shape:  in `{sql, topic, payload | payloadText | payloadBase64, sqlVersion?, context?}`.
 * Result: `{output}`; `{outputBase64}` for a payload passed through that is not JSON; `{noMatch: "topic" | "where"}`;
 * `{error: {code, message, line, column}}`. An output that is Undefined as a whole is `{output: ""}`: AWS serialises
 * Undefined by itself as an empty string.
 */
export function evalSql(input: Json): Json {
  try {
    const line = readLine(input)
    const rule = compileRule(readText(line, 'sql'), readSqlVersion(line))
    const result = runRule(rule, readRuleMessage(line))
    if (result.status === 'no_match') return { noMatch: result.reason }
    if (result.value instanceof Uint8Array) {
      return { outputBase64: Buffer.from(result.value).toString('base64') }
    }
    return { output: result.value ?? (result.value === null ? null : '') }
  } catch (error) {
    return errorLine(error)
  }
}
