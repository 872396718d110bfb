import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startNode } from '../lib/child.ts'
import { FIRST_NUMBER } from '../load/message.ts'
import type { System } from './system.ts'

const root = resolve(import.meta.dirname, '../..')

export interface AnyhubOptions {
  readonly durability: 'full' | 'normal'
  /** Text of an anyhub.yml; the built-in config unless given. */
  readonly config?: string
  /** Options of Node itself, for a profile. */
  readonly nodeOptions?: readonly string[]
  /** Holds the file to the number of messages that were acknowledged; each is a row of telemetry unless given. */
  readonly check?: (file: string, sent: number) => void
  /** A port for MQTT over TLS too. */
  readonly tls?: boolean
  /** A port for HTTP too. */
  readonly http?: boolean
}

/** The embedded cloud, and what only it has. */
export interface Anyhub extends System {
  /** With `tls`. */
  readonly mqttsPort: number | undefined
  /** With `http`. */
  readonly httpPort: number | undefined
  readonly adminToken: string
}

/** Starts the embedded cloud in a process of its own, on data of its own. */
export async function startAnyhub({
  durability,
  config,
  nodeOptions = [],
  check = checkStored,
  tls = false,
  http = false,
}: AnyhubOptions): Promise<Anyhub> {
  const data = mkdtempSync(join(tmpdir(), 'anyhub-bench-'))
  const flags = [
    '--http-port',
    http ? '0' : 'off',
    '--https-port',
    'off',
    '--mqtts-port',
    tls ? '0' : 'off',
    '--amqps-port',
    'off',
    '--mqtt-port',
    '0',
    '--data',
    data,
    '--json',
  ]
  flags.push('--durability', durability)
  const file = join(data, 'anyhub.yml')
  if (config !== undefined) writeFileSync(file, config)
  flags.push('--config', config === undefined ? join(root, 'anyhub.yml') : file)
  const child = startNode([...nodeOptions, join(root, 'cli/bin.mjs'), 'start', ...flags], {})
  const ready: {
    mqtt: string
    mqtts: string | null
    http: string | null
    adminToken: string
  } = JSON.parse(await child.nextLine())
  return {
    mqttPort: Number(new URL(ready.mqtt).port),
    httpPort: ready.http ? Number(new URL(ready.http).port) : undefined,
    mqttsPort: ready.mqtts ? Number(new URL(ready.mqtts).port) : undefined,
    adminToken: ready.adminToken,
    pids: [child.pid],
    async stop(sent) {
      const code = await child.stop()
      try {
        if (code !== 0)
          throw new Error(`anyhub: expected to end with 0, found ${code}\n${child.said()}`)
        if (sent !== undefined) check(join(data, 'anyhub.db'), sent)
      } finally {
        rmSync(data, { recursive: true, force: true })
      }
    },
  }
}

/**
 * Reads the file that the process left behind: each message stands in it once.
 * @throws Error if one is missing, doubled or not one of ours.
 */
export function checkStored(file: string, sent: number): void {
  const database = new DatabaseSync(file, { readOnly: true })
  const seen = new Uint8Array(sent)
  let found = 0
  let strange = 0
  try {
    const stored = database.prepare(
      "SELECT rows FROM telemetry UNION ALL SELECT '[' || rows || ']' FROM telemetry_hot",
    )
    for (const row of stored.iterate()) {
      const rows: [number, string, { n: number }][] = JSON.parse(String(row['rows']))
      for (const [, , { n }] of rows) {
        const number = n - FIRST_NUMBER
        found++
        if (seen[number] === 0) seen[number] = 1
        else strange++
      }
    }
  } finally {
    database.close()
  }
  if (found !== sent || strange > 0) {
    throw new Error(
      `anyhub: expected ${sent} messages on the disk, each once, found ${found}, of them ${strange} doubled or unknown`,
    )
  }
}
