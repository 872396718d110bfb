import { resolve } from 'node:path'
import type { Program, TimeUnit } from '../../core/index.ts'
import { type Flags, readFlags } from '../flags.ts'
import { requireConfig } from '../load-config.ts'
import { compareConfigs } from '../replay/compare.ts'
import { comparisonAsJson, formatComparison } from '../replay/format-comparison.ts'
import { openHttp } from '../replay/http.ts'
import { openInProcess } from '../replay/in-process.ts'
import { openMqtt } from '../replay/mqtt.ts'
import { readSpeed } from '../replay/pace.ts'
import { play } from '../replay/play.ts'
import { planMessages } from '../replay/read-message.ts'
import { FORMATS, type Format, openRecording, type Recording } from '../replay/recording.ts'
import { createFaultLog, formatFaults, formatResult, resultAsJson } from '../replay/report.ts'
import type { OnFault, Sink } from '../replay/sink.ts'
import { type Command, type Terminal, wrongUse } from '../terminal.ts'

/** `anyhub replay`: a recording, sent again. */
export const replay: Command = {
  name: 'replay',
  summary: 'send a recording (JSONL or CSV) to a cloud, or try a config on it',
  usage: `anyhub replay FILE --device FIELD --time FIELD [--json]
anyhub replay --against OLD NEW FILE --device FIELD --time FIELD [--json]
  --device FIELD     where the device id stands: a name or a JSON pointer; =ID if it is one device for all
  --time FIELD       where the event time stands
  --time-unit UNIT   s, ms or iso (auto: numbers below 1e11 are seconds; a text without a zone is UTC)
  --topic TEMPLATE   (devices/{id}/telemetry) \${…} is evaluated on the line, {id} is the device id
  --payload FIELD    what is sent (the whole line)
  --to TARGET        in-process, mqtt://host:port or http://host:port (in-process: without ports, no notification is sent)
  --token TOKEN      with a URL: the admin's token, where the cloud wants to know who sends
  --speed SPEED      max, real, or a factor such as 10x (max)
  --config FILE      in-process: the config (anyhub.yml)
  --data FOLDER      in-process: the data folder (a temporary one)
  --against FILE     in-process: another config; what it would do differently is told. With two files it is the old one
  --format FORMAT    jsonl or csv (by the name of the file)`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: [
        'device',
        'time',
        'time-unit',
        'topic',
        'payload',
        'to',
        'speed',
        'config',
        'data',
        'against',
        'format',
        'token',
      ],
      switches: ['json'],
    })
    const { file, configs } = readFiles(positionals, values)
    const target = readTarget(values['to'] ?? 'in-process')
    const speed = readSpeed(values['speed'] ?? 'max')
    checkTogether(values, target)
    const plan = planMessages({
      device: required(values, 'device'),
      time: required(values, 'time'),
      timeUnit: readTimeUnit(values['time-unit']),
      topic: values['topic'],
      payload: values['payload'],
    })
    const path = file === '-' ? file : resolve(terminal.cwd, file)
    const open = (): Recording => openRecording(path, readFormat(values['format']), plan, terminal)
    const json = switches.has('json')
    const faults = createFaultLog()

    if (configs !== undefined) {
      const before = await loadProgram(configs.before, terminal)
      const { program: after } = await requireConfig(configs.after, terminal.cwd, terminal.env)
      const comparison = await compareConfigs({ recording: open(), before, after, faults })
      if (json) terminal.out(`${JSON.stringify(comparisonAsJson(comparison, faults))}\n`)
      else terminal.out(formatComparison(comparison) + formatFaults(faults))
      return faults.count > 0 ? 1 : 0
    }

    const data = values['data']
    const openSink = async (onFault: OnFault): Promise<Sink> => {
      const token = values['token'] ?? terminal.env['ANYHUB_TOKEN']
      if (target.kind === 'mqtt') return openMqtt({ url: target.url, token, onFault })
      if (target.kind === 'http') return openHttp({ url: target.url, token, onFault })
      return openInProcess({
        program: await loadProgram(values['config'], terminal),
        data: data === undefined ? undefined : resolve(terminal.cwd, data),
        log: (line) => terminal.err(`${line}\n`),
      })
    }
    const { result, stopped } = await play({ recording: open(), openSink, speed, faults, terminal })
    if (json) terminal.out(`${JSON.stringify(resultAsJson(result))}\n`)
    else terminal.out(formatResult(result) + formatFaults(faults))
    if (stopped) terminal.err('stopped before the end of the recording\n')
    return stopped || faults.count > 0 || (result.deadLetters ?? 0) > 0 ? 1 : 0
  },
}

interface Files {
  readonly file: string
  /** What is compared, where something is. */
  readonly configs: { readonly before: string | undefined; readonly after: string } | undefined
}

/** `FILE`, with --against the other config; or `NEW FILE`, with --against the old one. */
function readFiles(positionals: readonly string[], values: Flags['values']): Files {
  const [first, second, ...rest] = positionals
  const against = values['against']
  if (first === undefined || rest.length > 0 || (second !== undefined && against === undefined)) {
    throw wrongUse(`expected one file, found ${positionals.length}`)
  }
  if (against === undefined) return { file: first, configs: undefined }
  if (second === undefined)
    return { file: first, configs: { before: values['config'], after: against } }
  if (values['config'] !== undefined)
    throw wrongUse('--config: means nothing with two configs to compare')
  return { file: second, configs: { before: against, after: first } }
}

interface Target {
  readonly kind: 'in-process' | 'mqtt' | 'http'
  readonly url: string
}

function readTarget(text: string): Target {
  if (text === 'in-process') return { kind: 'in-process', url: '' }
  const protocol = URL.canParse(text) ? new URL(text).protocol : ''
  if (/^(mqtts?|wss?):$/.test(protocol)) return { kind: 'mqtt', url: text }
  if (/^https?:$/.test(protocol)) return { kind: 'http', url: text }
  throw wrongUse(
    `--to: expected in-process, mqtt://host:port or http://host:port, found ${JSON.stringify(text)}`,
  )
}

/** Flags that mean nothing together are refused: what is asked for and not done would not be noticed. */
function checkTogether(values: Flags['values'], { kind }: Target): void {
  const refuse = (flag: string, reason: string): void => {
    if (values[flag] !== undefined) throw wrongUse(`--${flag}: ${reason}`)
  }
  if (kind !== 'in-process') {
    const reason = 'works in-process only; a running cloud has its own'
    for (const flag of ['config', 'data', 'against']) refuse(flag, reason)
  } else refuse('token', 'means something only with the URL of a cloud')
  if (kind === 'http')
    refuse('topic', 'HTTP has no topics; every message is telemetry of its device')
  if (values['against'] !== undefined) {
    const reason = 'means nothing with --against, which only compares'
    for (const flag of ['data', 'speed']) refuse(flag, reason)
  }
}

function required(values: Flags['values'], flag: string): string {
  const value = values[flag]
  if (value !== undefined && value !== '=') return value
  throw wrongUse(`expected --${flag}, found none`)
}

function readTimeUnit(text: string | undefined): TimeUnit {
  if (text === undefined) return 'auto'
  if (text === 's' || text === 'ms' || text === 'iso' || text === 'auto') return text
  throw wrongUse(`--time-unit: expected s, ms or iso, found ${JSON.stringify(text)}`)
}

function readFormat(text: string | undefined): Format | undefined {
  if (text === undefined) return undefined
  const format = FORMATS.find((one) => one === text)
  if (format !== undefined) return format
  throw wrongUse(`--format: expected ${FORMATS.join(' or ')}, found ${JSON.stringify(text)}`)
}

async function loadProgram(named: string | undefined, terminal: Terminal): Promise<Program> {
  const config = named ?? terminal.env['ANYHUB_CONFIG']
  return (await requireConfig(config, terminal.cwd, terminal.env)).program
}
