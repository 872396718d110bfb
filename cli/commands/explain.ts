import { resolve } from 'node:path'
import { telemetryTopic } from '../../adapters/local/index.ts'
import { CoreError, readPointer } from '../../core/index.ts'
import { DEFAULT_TOPIC, explainMessage } from '../explain/explain-message.ts'
import { formatMessageExplanation } from '../explain/format-explanation.ts'
import { type Flags, readFlags } from '../flags.ts'
import { requireConfig } from '../load-config.ts'
import { readField } from '../replay/read-message.ts'
import { openLines, type RawLine } from '../replay/recording.ts'
import { type Command, type Terminal, wrongUse } from '../terminal.ts'

/** `anyhub explain`: why a message does what it does. */
export const explain: Command = {
  name: 'explain',
  summary: 'show what rules and alarms make of one message, clause by clause',
  usage: `anyhub explain --topic TOPIC --payload JSON [--config FILE] [--json]
anyhub explain --file FILE --line N [--topic TOPIC | --device FIELD] [--config FILE] [--json]
anyhub explain [--topic TOPIC] [--config FILE] [--json] < message.json
  --topic TOPIC      (${DEFAULT_TOPIC})
  --payload JSON     the message; without it and without --file it is read on stdin
  --file FILE        a recording (JSONL, or CSV by its name) and --line, the line in it
  --device FIELD     with --file: where the device id stands, a name or a JSON pointer`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: ['config', 'topic', 'payload', 'file', 'line', 'device'],
      switches: ['json'],
    })
    if (positionals.length > 0)
      throw wrongUse(`expected flags only, found ${JSON.stringify(positionals[0])}`)
    checkTogether(values)
    const { program } = await requireConfig(
      values['config'] ?? terminal.env['ANYHUB_CONFIG'],
      terminal.cwd,
      terminal.env,
    )
    const { topic, payload } = await readGiven(values, terminal)
    const explanation = explainMessage(program, { topic, payload, receivedAt: Date.now() })
    terminal.out(
      switches.has('json')
        ? `${JSON.stringify(explanation)}\n`
        : formatMessageExplanation(explanation),
    )
    return explanation.refused === undefined ? 0 : 1
  },
}

function checkTogether(values: Flags['values']): void {
  const { file, line, payload, device, topic } = values
  if ((file === undefined) !== (line === undefined))
    throw wrongUse('expected --file and --line together, found one of them')
  if (file !== undefined && payload !== undefined)
    throw wrongUse('expected --file or --payload, found both')
  if (device !== undefined && (file === undefined || topic !== undefined))
    throw wrongUse('--device: means something only with --file and without --topic')
}

async function readGiven(
  values: Flags['values'],
  terminal: Terminal,
): Promise<{ topic: string; payload: Uint8Array }> {
  const { file, line, payload, device } = values
  const topic = values['topic'] ?? DEFAULT_TOPIC
  if (payload !== undefined) return { topic, payload: Buffer.from(payload) }
  if (file === undefined || line === undefined)
    return { topic, payload: await readStdin(terminal.stdin) }
  const found = await findLine(resolve(terminal.cwd, file), readLineNumber(line), terminal)
  if (device === undefined) return { topic, payload: found.bytes }
  const id = readPointer(found.body, readField(device))
  if (typeof id !== 'string' && typeof id !== 'number')
    throw new CoreError('input.malformed', `expected a device id at ${device}, found none`)
  return { topic: telemetryTopic(String(id)), payload: found.bytes }
}

function readLineNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw wrongUse(`--line: expected a number from 1, found ${JSON.stringify(text)}`)
}

async function findLine(path: string, wanted: number, terminal: Terminal): Promise<RawLine> {
  for await (const one of openLines(path, undefined, terminal)) {
    if (one.line < wanted) continue
    if (one.line > wanted) break
    if (!('reason' in one)) return one
    throw new CoreError('input.malformed', `${path}, line ${wanted}: ${one.reason}`)
  }
  throw new CoreError(
    'input.not_found',
    `${path}: expected a message in line ${wanted}, found none`,
  )
}

/** One message; the line break that a shell puts at its end is no part of it. */
async function readStdin(stdin: Terminal['stdin']): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk))
  const bytes = Buffer.concat(chunks)
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--
  return bytes.subarray(0, end)
}
