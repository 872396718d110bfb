import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Json } from '../../core/index.ts'
import { evalDecode } from '../eval/decode.ts'
import { evalShadow } from '../eval/shadow.ts'
import { evalSql } from '../eval/sql.ts'
import { evalTemplate } from '../eval/template.ts'
import { evalTopic } from '../eval/topic.ts'
import { evalTwin } from '../eval/twin.ts'
import { type Command, wrongUse } from '../terminal.ts'

/** What can be tried without a cloud: a JSON line in, a JSON line out. */
const KINDS: Readonly<Record<string, (line: Json) => Json>> = {
  sql: evalSql,
  template: evalTemplate,
  topic: evalTopic,
  decode: evalDecode,
  shadow: evalShadow,
  twin: evalTwin,
}

/** `anyhub eval WHAT`: one JSON line out for each JSON line in, in order. */
export const evaluate: Command = {
  name: 'eval',
  summary: `try rules and codecs on JSON lines: ${Object.keys(KINDS).join(', ')}`,
  usage: `anyhub eval ${Object.keys(KINDS).join('|')} < lines.jsonl`,
  async run(args, terminal) {
    const kind = args[0] ?? ''
    const evaluateLine = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
    if (evaluateLine === undefined || args.length !== 1) {
      throw wrongUse(
        `expected one of ${Object.keys(KINDS).join(', ')}, found ${JSON.stringify(args.join(' '))}`,
      )
    }
    for await (const text of createInterface({
      input: Readable.from(terminal.stdin),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      terminal.out(`${JSON.stringify(evaluateText(text, evaluateLine))}\n`)
    }
    return 0
  },
}

function evaluateText(text: string, evaluateLine: (line: Json) => Json): Json {
  let line: Json
  try {
    line = JSON.parse(text)
  } catch {
    return { error: { code: 'input.malformed', message: 'expected a line of JSON' } }
  }
  return evaluateLine(line)
}
