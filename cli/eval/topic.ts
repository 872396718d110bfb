import type { Json } from '../../core/index.ts'
import { CoreError, matchTopicFilter } from '../../core/index.ts'
import { errorLine, readLine, readText } from './rule-message.ts'

/**
 * `anyhub eval topic`: does a topic reach a topic filter?
 *
 * Shape:  in `{filter, topic, dialect: "aws" | "mqtt"}`; `aws` if there is no dialect.
 * Result: `{match}`, false also where the filter or the topic is none, or `{error: {code, message}}` for a wrong line.
 */
export function evalTopic(input: Json): Json {
  try {
    const line = readLine(input)
    const dialect = line['dialect'] ?? 'aws'
    if (dialect !== 'aws' && dialect !== 'mqtt') {
      throw new CoreError('input.malformed', 'dialect: expected aws or mqtt')
    }
    return { match: matchTopicFilter(readText(line, 'filter'), readText(line, 'topic'), dialect) }
  } catch (error) {
    return errorLine(error)
  }
}
