import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isJsonObject, type Json, type JsonObject, readDuration } from '../../core/index.ts'
import { readFlags } from '../flags.ts'
import { openRemote, REMOTE_FLAGS, type Remote } from '../remote.ts'
import { type Command, type ExitCode, type Terminal, wrongUse } from '../terminal.ts'

/** How often a watcher looks. Unit: ms. */
const LOOK_MS = 250

const ACTIONS = ['send', 'watch', 'list', 'purge', 'feedback'] as const

const ENDED = new Set(['Completed', 'Rejected', 'Expired', 'DeliveryCountExceeded', 'Purged'])

interface Call {
  readonly remote: Remote
  readonly terminal: Terminal
  readonly values: Readonly<Record<string, string | undefined>>
  readonly switches: ReadonlySet<string>
}

/** `anyhub command`: what devices are asked to do, and what became of it. */
export const command: Command = {
  name: 'command',
  summary: 'send a command to a device, watch what becomes of it, list or purge what waits',
  usage: `anyhub command send DEVICE NAME [--payload JSON | --text TEXT | --file PATH] [--id ID] [--ttl 1h] [--priority 0-9]
                    [--max-deliveries N] [--ack none|positive|negative|full] [--property NAME=TEXT] [--wait]
       anyhub command watch DEVICE [ID] | list DEVICE | purge DEVICE | feedback [--keep]
       [--url URL] [--token TOKEN] [--data FOLDER] [--json]

  watch, and send --wait, print every change until the command has ended: 0 if it is Completed, else 1.
  feedback prints what senders asked to be told, and takes it out of the queue unless --keep is given.`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: [
        ...REMOTE_FLAGS,
        'payload',
        'text',
        'file',
        'id',
        'ttl',
        'priority',
        'max-deliveries',
        'ack',
        'property',
      ],
      switches: ['json', 'wait', 'keep'],
    })
    const [name, device, what, ...rest] = positionals
    const action = ACTIONS.find((one) => one === name)
    const takesWhat = action === 'send' || action === 'watch'
    if (
      action === undefined ||
      rest.length > 0 ||
      (device === undefined) !== (action === 'feedback') ||
      (what !== undefined && !takesWhat) ||
      (what === undefined && action === 'send')
    )
      throw wrongUse(
        `expected send DEVICE NAME, watch DEVICE [ID], list DEVICE, purge DEVICE or feedback, found ${JSON.stringify(positionals.join(' '))}`,
      )
    const call: Call = { remote: openRemote(values, terminal), terminal, values, switches }
    if (device === undefined) return feedback(call)
    if (action === 'send') return send(call, device, what ?? '')
    if (action === 'watch') return watch(call, device, what)
    return action === 'list' ? list(call, device) : purge(call, device)
  },
}

async function send(call: Call, device: string, name: string): Promise<ExitCode> {
  const { remote, terminal, values, switches } = call
  const sent = await remote.call('POST', commandsOf(device), {
    name,
    ...readPayload(call),
    ...readOptions(values),
  })
  if (switches.has('wait')) return watch(call, device, String(sent['commandId']), sent)
  terminal.out(switches.has('json') ? `${JSON.stringify(sent)}\n` : `${line(sent)}\n`)
  return 0
}

/** Prints each state once, as it is met. */
async function watch(
  call: Call,
  device: string,
  id: string | undefined,
  first?: JsonObject,
): Promise<ExitCode> {
  const { remote, terminal, switches } = call
  const seen = new Map<string, string>()
  let stopped = false
  void terminal.untilStopped().then(() => {
    stopped = true
  })
  const show = (one: JsonObject): void => {
    const key = String(one['commandId'])
    const state = `${String(one['state'])} ${String(one['deliveries'])}`
    if (seen.get(key) === state) return
    seen.set(key, state)
    terminal.out(switches.has('json') ? `${JSON.stringify(one)}\n` : `${line(one)}\n`)
  }
  if (first !== undefined) show(first)
  while (!stopped) {
    const found =
      id === undefined
        ? objectsOf((await remote.call('GET', commandsOf(device)))['commands'])
        : [await remote.call('GET', `${commandsOf(device)}/${encodeURIComponent(id)}`)]
    for (const one of found) show(one)
    const [only] = found
    if (id !== undefined && only !== undefined && ENDED.has(String(only['state'])))
      return only['state'] === 'Completed' ? 0 : 1
    await sleep(LOOK_MS)
  }
  return id === undefined ? 0 : 1
}

async function list({ remote, terminal, switches }: Call, device: string): Promise<ExitCode> {
  const page = await remote.call('GET', commandsOf(device))
  if (switches.has('json')) {
    terminal.out(`${JSON.stringify(page)}\n`)
    return 0
  }
  const lines = objectsOf(page['commands']).map(line)
  terminal.out(lines.length === 0 ? 'no commands\n' : `${lines.join('\n')}\n`)
  return 0
}

async function purge({ remote, terminal, switches }: Call, device: string): Promise<ExitCode> {
  const answer = await remote.call('DELETE', commandsOf(device))
  const purged = Number(answer['purged'])
  terminal.out(
    switches.has('json')
      ? `${JSON.stringify(answer)}\n`
      : `${purged} ${purged === 1 ? 'command' : 'commands'} purged\n`,
  )
  return 0
}

/** Takes all that waits. Under the lease nobody else gets it meanwhile. */
async function feedback({ remote, terminal, switches }: Call): Promise<ExitCode> {
  const lease = switches.has('keep') ? 0 : 60
  for (;;) {
    const page = await remote.call('GET', `/commands/feedback?limit=100&leaseSeconds=${lease}`)
    const found = objectsOf(page['feedback'])
    for (const one of found) {
      terminal.out(
        switches.has('json')
          ? `${JSON.stringify(one)}\n`
          : `${String(one['enqueuedTimeUtc'])}  ${String(one['deviceId']).padEnd(20)} ${String(one['originalMessageId']).padEnd(24)} ${String(one['statusCode'])}  ${String(one['description'])}\n`,
      )
      if (!switches.has('keep'))
        await remote.call('DELETE', `/commands/feedback/${encodeURIComponent(String(one['id']))}`)
    }
    if (found.length === 0 || switches.has('keep')) return 0
  }
}

function commandsOf(device: string): string {
  return `/devices/${encodeURIComponent(device)}/commands`
}

function line(one: JsonObject): string {
  const at = Number(one['finishedAt'] ?? one['enqueuedAt'])
  const reason = one['reason'] === undefined ? '' : `  ${String(one['reason'])}`
  return `${new Date(at).toISOString().slice(11, 19)}  ${String(one['commandId']).padEnd(24)} ${String(one['name']).padEnd(16)} ${String(one['state']).padEnd(10)} ${String(one['deliveries'])}/${String(one['maxDeliveries'])}${reason}`
}

function readPayload({ values, terminal }: Call): JsonObject {
  const { payload, text, file } = values
  if ([payload, text, file].filter((one) => one !== undefined).length > 1)
    throw wrongUse('expected one of --payload, --text and --file')
  if (payload !== undefined) return { payload: readJson('--payload', payload) }
  if (text !== undefined) return { payloadText: text }
  if (file === undefined) return {}
  try {
    const bytes = readFileSync(resolve(terminal.cwd, file))
    return { payloadBase64: bytes.toString('base64') }
  } catch {
    throw wrongUse(`--file: cannot read ${file}`)
  }
}

function readOptions(values: Call['values']): JsonObject {
  const { id, ttl, ack, property } = values
  const ms = ttl === undefined ? undefined : readDuration(ttl)
  if (ttl !== undefined && ms === undefined)
    throw wrongUse(`--ttl: expected a duration such as 90s or 1h, found ${JSON.stringify(ttl)}`)
  const end = property?.indexOf('=') ?? 0
  if (property !== undefined && end < 1)
    throw wrongUse(`--property: expected NAME=TEXT, found ${JSON.stringify(property)}`)
  return {
    ...(id === undefined ? {} : { commandId: id }),
    ...(ms === undefined ? {} : { ttlSeconds: ms / 1_000 }),
    ...(ack === undefined ? {} : { ack }),
    ...(property === undefined
      ? {}
      : { properties: { [property.slice(0, end)]: property.slice(end + 1) } }),
    ...readCount(values, 'priority', 'priority'),
    ...readCount(values, 'max-deliveries', 'maxDeliveries'),
  }
}

function readCount(values: Call['values'], flag: string, field: string): JsonObject {
  const text = values[flag]
  if (text === undefined) return {}
  if (/^\d{1,6}$/.test(text)) return { [field]: Number(text) }
  throw wrongUse(`--${flag}: expected a whole number, found ${JSON.stringify(text)}`)
}

/** JSON of a flag. @throws CoreError `usage.wrong`. */
export function readJson(flag: string, text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw wrongUse(`${flag}: expected JSON, found ${JSON.stringify(text.slice(0, 60))}`)
  }
}

function objectsOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
