import { createScriptEngine } from '../../adapters/node/script-engine.ts'
import type { CodecEngines, Json } from '../../core/index.ts'
import { evalDecode } from '../eval/decode.ts'
import { evalEncode } from '../eval/encode.ts'
import { evalRoute } from '../eval/route.ts'
import { keepingScripts } from '../eval/scripts.ts'
import { evalShadow } from '../eval/shadow.ts'
import { evalSql } from '../eval/sql.ts'
import { evalTemplate } from '../eval/template.ts'
import { evalTopic } from '../eval/topic.ts'
import { evalTwin } from '../eval/twin.ts'
import { readLines } from '../lines.ts'
import { type Command, wrongUse } from '../terminal.ts'

/** Longer lines are not held in memory. */
const MAX_LINE_BYTES = 67_108_864

/** What can be tried without a cloud: a JSON line in, a JSON line out. */
const KINDS: Readonly<Record<string, (line: Json, engines: CodecEngines) => Json>> = {
  sql: evalSql,
  template: evalTemplate,
  topic: evalTopic,
  decode: evalDecode,
  encode: evalEncode,
  shadow: evalShadow,
  twin: evalTwin,
  route: evalRoute,
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
    const engines: CodecEngines = { scripts: keepingScripts(createScriptEngine()) }
    for await (const { bytes } of readLines(terminal.stdin, MAX_LINE_BYTES)) {
      const answer =
        bytes === undefined
          ? fault(`expected a line of at most ${MAX_LINE_BYTES} bytes, found more`)
          : evaluateText(bytes.toString('utf8'), (parsed) => evaluateLine(parsed, engines))
      terminal.out(`${answer}\n`)
    }
    return 0
  },
}

/** One line of JSON for one line. What is wrong with it stands in its answer, and the others go on. */
function evaluateText(text: string, evaluateLine: (line: Json) => Json): string {
  let line: Json
  try {
    line = JSON.parse(text)
  } catch {
    return fault('expected a line of JSON')
  }
  try {
    return JSON.stringify(evaluateLine(line))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return fault('expected a line that nests less deeply')
  }
}

function fault(message: string): string {
  return JSON.stringify({ error: { code: 'input.malformed', message } })
}
