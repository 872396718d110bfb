import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type LocalCloud,
  type LocalCloudOptions,
  type LocalSettings,
  startLocalCloud,
} from '../../../adapters/local/index.ts'
import { type ConfigInput, compileProgram, type Program, parseConfig } from '../../../core/index.ts'

/** A running cloud on free ports, with what a test needs to talk to it. */
export interface TestCloud extends LocalCloud {
  readonly http: string
  readonly mqtt: string
  readonly data: string
  readonly logs: readonly string[]
  /** A request to its HTTP server. */
  call(path: string, init?: RequestInit): Promise<Response>
}

export interface TestCloudOptions extends Partial<Pick<LocalCloudOptions, 'channels'>> {
  readonly config?: ConfigInput
  readonly settings?: Partial<LocalSettings>
  /** The data folder; a fresh one unless given. */
  readonly data?: string
}

export function programOf(config: ConfigInput): Program {
  const parsed = parseConfig(config)
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  return compiled.program
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a cloud that is closed after the test, if the test has not done so itself. */
export async function openCloud({
  config = {},
  settings = {},
  data = temporaryFolder(),
  ...options
}: TestCloudOptions = {}): Promise<TestCloud> {
  const logs: string[] = []
  const cloud = await startLocalCloud({
    program: programOf(config),
    settings: {
      host: '127.0.0.1',
      httpPort: 0,
      httpsPort: undefined,
      mqttPort: 0,
      mqttsPort: undefined,
      amqpsPort: undefined,
      keepEvents: false,
      data,
      durability: 'normal',
      requireAuth: false,
      ...settings,
    },
    log: (line) => void logs.push(line),
    ...options,
  })
  onTestFinished(() => cloud.close())
  const http = `http://127.0.0.1:${cloud.httpPort}`
  return {
    ...cloud,
    http,
    mqtt: `mqtt://127.0.0.1:${cloud.mqttPort}`,
    data,
    logs,
    call: (path, init) => fetch(`${http}${path}`, init),
  }
}
