import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const BIN = join(import.meta.dirname, '../../cli/bin.mjs')

const FREE_PORTS = ['--http-port', '0', '--mqtt-port', '0']
const NO_TLS = ['--https-port', 'off', '--mqtts-port', 'off', '--amqps-port', 'off']

/** How a process ended, and what it wrote. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** `anyhub start` as a process of its own, ready to serve. */
export interface CloudProcess {
  readonly http: string
  readonly mqtt: string
  readonly adminToken: string
  /** Asks it to end, as a service manager or Ctrl-C does. */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<Ended>
  /** Ends it as a crash does. */
  kill(): Promise<Ended>
  readonly ended: Promise<Ended>
}

const running = new Set<ChildProcess>()

/** Ends what a failed test left behind. */
export async function killProcesses(): Promise<void> {
  const left = [...running]
  for (const child of left) child.kill('SIGKILL')
  await Promise.all(left.map((child) => once(child, 'exit')))
}

function spawnCli(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  running.add(child)
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    running.delete(child)
    return { code, signal, out, err }
  })
  return { child, ended }
}

/** Runs a command of the CLI until it has written a text, then asks it to end. */
export function runUntil(text: string, ...args: readonly string[]): Promise<Ended> {
  const { child, ended } = spawnCli(args)
  let written = ''
  let asked = false
  child.stdout?.on('data', (part: string) => {
    written += part
    if (asked || !written.includes(text)) return
    asked = true
    child.kill('SIGTERM')
  })
  return ended
}

/** Runs a command of the CLI to its end. */
export function runProcess(...args: readonly string[]): Promise<Ended> {
  return spawnCli(args).ended
}

/** Starts a cloud on free ports, and waits until it serves. */
export async function startProcess(...args: readonly string[]): Promise<CloudProcess> {
  const ports = [...FREE_PORTS, ...NO_TLS]
  const { child, ended } = spawnCli(['start', ...ports, '--json', ...args])
  const ready = new Promise<string>((resolve) => {
    let text = ''
    child.stdout?.on('data', (part: string) => {
      text += part
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
    })
  })
  const line = await Promise.race([
    ready,
    ended.then(({ code, err }) => {
      throw new Error(`the cloud ended with ${code} before it was ready: ${err}`)
    }),
  ])
  const { http, mqtt, adminToken } = JSON.parse(line)
  const end = (signal: NodeJS.Signals): Promise<Ended> => {
    child.kill(signal)
    return ended
  }
  return {
    http,
    mqtt,
    adminToken,
    stop: (signal = 'SIGTERM') => end(signal),
    kill: () => end('SIGKILL'),
    ended,
  }
}
