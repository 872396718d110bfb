import type { Json } from '../../core/index.ts'
import { compileRule, compileTemplate } from '../../core/index.ts'
import { errorLine, readLine, readRuleMessage, readSqlVersion, readText } from './rule-message.ts'

/**
 * `anyhub eval template`: fills a substitution template from one message.
 *
 * Shape:  in `{template, topic, payload | payloadText | payloadBase64, context?}`; with `sql` the template may use
 * the SET variables of that statement.
 * Result: `{text}` or `{error: {code, message, line, column}}`.
 */
export function evalTemplate(input: Json): Json {
  try {
    const line = readLine(input)
    const version = readSqlVersion(line)
    const rule =
      line['sql'] === undefined ? {} : { rule: compileRule(readText(line, 'sql'), version) }
    const template = compileTemplate(readText(line, 'template'), { ...version, ...rule })
    return { text: template.render(readRuleMessage(line)) }
  } catch (error) {
    return errorLine(error)
  }
}
