import {
  CoreError,
  faultsOf,
  type Json,
  type Preview,
  PreviewSchema,
  preview,
} from '../../core/index.ts'
import { readFlags } from '../flags.ts'
import { requireConfig } from '../load-config.ts'
import { type Command, wrongUse } from '../terminal.ts'

const FLAGS = [
  'config',
  'channel',
  'device',
  'severity',
  'subject',
  'text',
  'data',
  'language',
  'time-zone',
]

/** `anyhub notification preview`: what people would read, before something happens. */
export const notification: Command = {
  name: 'notification',
  summary: 'show what each channel would send',
  usage: `anyhub notification preview [--channel ID] [--config FILE] [--json]
  --subject TEXT, --text TEXT   in place of those of a made-up alarm; {{path}} is filled in
  --data JSON                   what {{data.…}} is filled in from
  --device ID, --severity info|warning|critical
  --language de, --time-zone Europe/Berlin   whose words they are`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, { values: FLAGS, switches: ['json'] })
    if (positionals.length !== 1 || positionals[0] !== 'preview')
      throw wrongUse(`expected preview, found ${JSON.stringify(positionals.join(' '))}`)
    const { program } = await requireConfig(
      values['config'] ?? terminal.env['ANYHUB_CONFIG'],
      terminal.cwd,
      terminal.env,
    )
    const { config, words } = program
    const { channel, device, severity, subject, text, language } = values
    const parsed = PreviewSchema.safeParse(
      given({
        channel,
        deviceId: device,
        severity,
        subject,
        text,
        language,
        data: readData(values['data']),
        timeZone: values['time-zone'],
      }),
    )
    if (!parsed.success) {
      const [fault] = faultsOf(parsed.error)
      throw wrongUse(`--${fault?.path.join('.') ?? ''}: ${fault?.message ?? ''}`)
    }
    if (channel !== undefined && !Object.hasOwn(config.channels, channel))
      throw wrongUse(
        `--channel: expected ${Object.keys(config.channels).join(', ') || 'none, for none is declared'}, found ${channel}`,
      )
    const previews = preview({ channels: config.channels, words }, parsed.data)
    terminal.out(switches.has('json') ? `${JSON.stringify(previews)}\n` : format(previews))
    return 0
  },
}

function given(fields: Readonly<Record<string, Json | undefined>>): Record<string, Json> {
  const said: Record<string, Json> = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) said[name] = value
  return said
}

function readData(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new CoreError('input.malformed', '--data: expected JSON')
  }
}

function format(previews: readonly Preview[]): string {
  if (previews.length === 0) return 'no channel is declared\n'
  return previews
    .map(({ channel, type, content }) => {
      const lines = JSON.stringify(content, null, 2).split('\n')
      return `${channel} (${type})\n${lines.map((line) => `  ${line}\n`).join('')}`
    })
    .join('\n')
}
