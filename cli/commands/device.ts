import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import { readFlags } from '../flags.ts'
import { openRemote, REMOTE_FLAGS, type Remote } from '../remote.ts'
import { type Command, type ExitCode, type Terminal, wrongUse } from '../terminal.ts'
import { askStrings } from './connection-string.ts'
import { explainDeviceDelta } from './device-delta.ts'
import { bindDevice, configureDevice, readPem } from './device-gateway.ts'

const ACTIONS = ['add', 'list', 'show', 'disable', 'enable', 'rotate', 'remove'] as const

/** What a command of this family works with. */
interface Call {
  readonly remote: Remote
  readonly terminal: Terminal
  readonly values: Readonly<Record<string, string | undefined>>
  readonly switches: ReadonlySet<string>
}

/** `anyhub device`: who may be here, and by what each proves it. */
export const device: Command = {
  name: 'device',
  summary: 'register devices, issue and rotate their credentials, disable them',
  usage: `anyhub device add ID [--cert | --key] [--fingerprint SHA256] [--type TEXT] [--tag NAME=TEXT] [--out FOLDER]
                         [--public-key FILE [--key-expires TIME]] [--gateway association | token | association_and_token]
       anyhub device rotate ID [--cert | --key | --public-key FILE] [--grace SECONDS] [--out FOLDER]
       anyhub device bind GATEWAY DEVICE | unbind GATEWAY DEVICE
       anyhub device config set DEVICE FILE | config list DEVICE
       anyhub device delta ID [--shadow NAME]
       anyhub device list [--after ID] [--limit N] | show ID | disable ID | enable ID | remove ID
       [--url URL] [--token TOKEN] [--data FOLDER] [--json]

  --cert writes ID.cert.pem, ID.private.key and ca.pem into the folder (the current one); --key prints a secret once, the password of MQTT and the bearer token of HTTP,
  and the connection string of an SDK of Azure, which "anyhub connection-string device ID" prints again.
  --public-key is that of a key pair which the device made, in PEM: it signs the tokens by which devices of Google's dialect log in.
  --gateway makes it one that may speak for others, and says what it needs for that. A config that is a JSON object becomes the desired state.
  delta says of each value that is desired and not reported who wants it, since when, and what the device said; exit code 1 if there is one.
  After a rotation the old credential goes on for --grace seconds (86400).`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: [
        ...REMOTE_FLAGS,
        'fingerprint',
        'public-key',
        'key-expires',
        'gateway',
        'type',
        'tag',
        'grace',
        'after',
        'limit',
        'out',
        'shadow',
      ],
      switches: ['json', 'cert', 'key'],
    })
    const [name, id, ...rest] = positionals
    if (name === 'delta') {
      const own = { terminal, json: switches.has('json'), shadow: values['shadow'] }
      return explainDeviceDelta(
        { ...own, remote: openRemote(values, terminal) },
        positionals.slice(1),
      )
    }
    if (name === 'bind' || name === 'unbind' || name === 'config') {
      const words = positionals.slice(1)
      const own = { remote: openRemote(values, terminal), terminal, json: switches.has('json') }
      return name === 'config' ? configureDevice(own, words) : bindDevice(own, name, words)
    }
    const action = ACTIONS.find((one) => one === name)
    if (action === undefined || rest.length > 0 || (id === undefined) !== (action === 'list')) {
      throw wrongUse(
        `expected ${ACTIONS.map((one) => (one === 'list' ? one : `${one} ID`)).join(', ')}, bind, unbind, config, delta, found ${JSON.stringify(positionals.join(' '))}`,
      )
    }
    if (switches.has('cert') && switches.has('key'))
      throw wrongUse('expected --cert or --key, found both')
    if (values['key-expires'] !== undefined && values['public-key'] === undefined)
      throw wrongUse('--key-expires is the end of a --public-key, found none')
    const remote = openRemote(values, terminal)
    const call: Call = { remote, terminal, values, switches }
    if (id === undefined) return list(call)
    return runOn(call, action, id)
  },
}

async function runOn(call: Call, action: (typeof ACTIONS)[number], id: string): Promise<ExitCode> {
  const { remote, terminal, switches } = call
  const path = `/registry/devices/${encodeURIComponent(id)}`
  const json = switches.has('json')
  switch (action) {
    case 'add':
      return add(call, id)
    case 'rotate':
      return rotate(call, id, path)
    case 'remove':
      await remote.call('DELETE', path)
      terminal.out(
        json ? `${JSON.stringify({ deviceId: id, removed: true })}\n` : `${id} removed\n`,
      )
      return 0
    case 'disable':
    case 'enable': {
      const changed = await remote.call('PATCH', path, { enabled: action === 'enable' })
      terminal.out(json ? `${JSON.stringify(changed)}\n` : `${id} ${action}d\n`)
      return 0
    }
    case 'show':
    case 'list': {
      const found = await remote.call('GET', path)
      terminal.out(`${JSON.stringify(found, null, json ? 0 : 2)}\n`)
      return 0
    }
  }
}

async function add(call: Call, id: string): Promise<ExitCode> {
  const { remote, values } = call
  const folder = prepareFolder(call, id)
  const answer = await remote.call('POST', '/registry/devices', {
    deviceId: id,
    ...wantedCredential(call),
    ...(values['fingerprint'] === undefined ? {} : { fingerprint: values['fingerprint'] }),
    ...ownPublicKey(call),
    ...(values['gateway'] === undefined ? {} : { gatewayAuth: values['gateway'] }),
    ...(values['type'] === undefined ? {} : { type: values['type'] }),
    ...(values['tag'] === undefined ? {} : { tags: readTag(values['tag']) }),
  })
  return tellSecrets(call, id, 'registered', await withConnection(call, id, answer), folder)
}

async function rotate(call: Call, id: string, path: string): Promise<ExitCode> {
  const { remote, values } = call
  const grace = values['grace']
  if (grace !== undefined && !/^\d{1,9}$/.test(grace))
    throw wrongUse(`--grace: expected seconds, found ${JSON.stringify(grace)}`)
  // The kind is decided by the server: files must not be in the way in any case.
  const folder = prepareFolder(call, id)
  const answer = await remote.call('POST', `${path}/rotate`, {
    ...wantedCredential(call),
    ...ownPublicKey(call),
    ...(grace === undefined ? {} : { graceSeconds: Number(grace) }),
  })
  const told = await withConnection(call, id, answer)
  return tellSecrets(call, id, 'has a new credential', told, folder)
}

async function list({ remote, terminal, values, switches }: Call): Promise<ExitCode> {
  const query = new URLSearchParams({
    after: values['after'] ?? '',
    limit: values['limit'] ?? '100',
  })
  const page = await remote.call('GET', `/registry/devices?${query}`)
  if (switches.has('json')) {
    terminal.out(`${JSON.stringify(page)}\n`)
    return 0
  }
  const devices = objectsOf(page['devices'])
  const lines = devices.map((one) => {
    const kinds = objectsOf(one['credentials'])
      .filter(({ live }) => live === true)
      .map(({ kind }) => String(kind))
    return `${String(one['deviceId']).padEnd(24)} ${one['enabled'] === true ? 'enabled ' : 'disabled'} ${String(one['type'] ?? '-').padEnd(12)} ${kinds.join(', ') || 'no credential'}`
  })
  terminal.out(lines.length === 0 ? 'no devices registered\n' : `${lines.join('\n')}\n`)
  if (typeof page['next'] === 'string') terminal.out(`more: --after ${page['next']}\n`)
  return 0
}

function ownPublicKey({ values, terminal }: Call): JsonObject {
  const file = values['public-key']
  if (file === undefined) return {}
  const time = values['key-expires']
  const publicKeyExpiresAt = time === undefined ? undefined : Date.parse(time)
  if (Number.isNaN(publicKeyExpiresAt))
    throw wrongUse(
      `--key-expires: expected a time such as 2027-01-31, found ${JSON.stringify(time)}`,
    )
  return {
    publicKey: readPem(terminal, file),
    ...(publicKeyExpiresAt === undefined ? {} : { publicKeyExpiresAt }),
  }
}

function wantedCredential({ switches }: Call): JsonObject {
  if (switches.has('cert')) return { credential: 'certificate' }
  return switches.has('key') ? { credential: 'key' } : {}
}

/** The answer with the connection string of who got keys; without where MQTT over TLS is off. */
async function withConnection(
  { remote }: Call,
  id: string,
  answer: JsonObject,
): Promise<JsonObject> {
  if (answer['primaryKey'] === undefined) return answer
  return { ...answer, connectionString: (await askStrings(remote, id))['mqtt'] ?? null }
}

/** The folder for the files of a certificate, which must not be there yet: a private key is not written over. */
function prepareFolder({ terminal, values }: Call, id: string): string {
  const folder = resolve(terminal.cwd, values['out'] ?? '.')
  const key = join(folder, `${id}.private.key`)
  if (existsSync(key))
    throw wrongUse(`${key} is there already: move it away, or name another --out`)
  return folder
}

function tellSecrets(
  { terminal, switches }: Call,
  id: string,
  what: string,
  answer: JsonObject,
  folder: string,
): ExitCode {
  const { certificate, privateKey, authority, token, connectionString } = answer
  const files: Record<string, string> = {}
  if (
    typeof certificate === 'string' &&
    typeof privateKey === 'string' &&
    typeof authority === 'string'
  ) {
    mkdirSync(folder, { recursive: true })
    const write = (name: string, text: string, mode: number): string => {
      const path = join(folder, name)
      writeFileSync(path, text, { mode })
      return path
    }
    files['privateKey'] = write(`${id}.private.key`, privateKey, 0o600)
    files['certificate'] = write(`${id}.cert.pem`, certificate, 0o644)
    files['authority'] = write('ca.pem', authority, 0o644)
  }
  if (switches.has('json')) {
    terminal.out(
      `${JSON.stringify({
        device: answer['device'] ?? null,
        ...(typeof token === 'string' ? { key: token } : {}),
        ...(typeof connectionString === 'string' ? { connectionString } : {}),
        files,
      })}\n`,
    )
    return 0
  }
  const lines = [
    `${id} ${what}`,
    ...Object.values(files).map((path) => `  ${path}`),
    ...(typeof token === 'string' ? [`  key  ${token}   (shown this once)`] : []),
    ...(typeof connectionString === 'string' ? [`  Azure SDK  ${connectionString}`] : []),
  ]
  terminal.out(`${lines.join('\n')}\n`)
  return 0
}

function readTag(text: string): JsonObject {
  const end = text.indexOf('=')
  if (end < 1) throw wrongUse(`--tag: expected NAME=TEXT, found ${JSON.stringify(text)}`)
  return { [text.slice(0, end)]: text.slice(end + 1) }
}

function objectsOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
