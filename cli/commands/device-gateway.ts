import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import type { Remote } from '../remote.ts'
import { type ExitCode, type Terminal, wrongUse } from '../terminal.ts'

// What of `anyhub device` is about gateways, and about configs as devices of Google get them.

export interface DeviceCall {
  readonly remote: Remote
  readonly terminal: Terminal
  readonly json: boolean
}

/** `anyhub device bind GATEWAY DEVICE`, and `unbind`. */
export async function bindDevice(
  { remote, terminal, json }: DeviceCall,
  action: 'bind' | 'unbind',
  ids: readonly string[],
): Promise<ExitCode> {
  const [gateway, device, ...rest] = ids
  if (gateway === undefined || device === undefined || rest.length > 0)
    throw wrongUse(`expected ${action} GATEWAY DEVICE`)
  const path = `/registry/devices/${encodeURIComponent(gateway)}/bound/${encodeURIComponent(device)}`
  const changed = await remote.call(action === 'bind' ? 'PUT' : 'DELETE', path)
  const words = action === 'bind' ? 'bound to' : 'no longer bound to'
  terminal.out(json ? `${JSON.stringify(changed)}\n` : `${device} is ${words} ${gateway}\n`)
  return 0
}

/** `anyhub device config set DEVICE FILE`, and `anyhub device config list DEVICE`. */
export async function configureDevice(
  { remote, terminal, json }: DeviceCall,
  words: readonly string[],
): Promise<ExitCode> {
  const [action, id, file, ...rest] = words
  const isSet = action === 'set' && file !== undefined
  if (id === undefined || rest.length > 0 || !(isSet || (action === 'list' && file === undefined)))
    throw wrongUse('expected config set DEVICE FILE, or config list DEVICE')
  const path = `/devices/${encodeURIComponent(id)}/config`
  if (file !== undefined) {
    const set = await remote.call('PUT', path, readBytes(terminal, file))
    terminal.out(
      json
        ? `${JSON.stringify(set)}\n`
        : `${id} is to have version ${String(set['version'])} of its config\n`,
    )
    return 0
  }
  const found = await remote.call('GET', path)
  const lines = objectsOf(found['versions']).map(toLine)
  terminal.out(json ? `${JSON.stringify(found)}\n` : `${lines.join('\n')}\n`)
  return 0
}

/** The public key in a file. */
export function readPem(terminal: Terminal, file: string): string {
  return new TextDecoder().decode(readBytes(terminal, file))
}

function readBytes(terminal: Terminal, file: string): Uint8Array {
  const path = resolve(terminal.cwd, file)
  try {
    return readFileSync(path)
  } catch {
    throw wrongUse(`${path} cannot be read`)
  }
}

function toLine({ version, updatedAt, acknowledgedAt, binaryData }: JsonObject): string {
  const bytes = Buffer.from(String(binaryData), 'base64')
  const taken = typeof acknowledgedAt === 'number' ? `acknowledged ${timeOf(acknowledgedAt)}` : '-'
  return `${String(version).padStart(5)}  ${timeOf(updatedAt)}  ${taken.padEnd(37)}  ${textOf(bytes)}`
}

function timeOf(at: Json | undefined): string {
  return typeof at === 'number' && at > 0 ? new Date(at).toISOString() : '-'.padEnd(24)
}

/** What can be read is shown; of the rest its length. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  const isText = Buffer.from(text).equals(bytes) && !/[\p{Cc}]/u.test(text)
  if (bytes.length === 0) return '(empty)'
  return isText && text.length <= 60 ? text : `${bytes.length} bytes`
}

function objectsOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
