import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { describe } from 'vitest'

/** A test cloud of AWS on the loopback, a process of its own. */
export interface Moto {
  readonly endpoint: string
  stop(): Promise<void>
}

const STARTS_WITHIN_MS = 60_000

/** Whether the program is there; on CI it has to be. */
const present = spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0

/** A suite that needs moto_server: skipped by name, with the reason, where it is not installed. On CI that is a failure. */
export function describeWithMoto(name: string, body: () => void): void {
  const skipped = !present && process.env['CI'] !== 'true'
  describe.skipIf(skipped)(skipped ? `${name} (skipped: moto_server is not installed)` : name, body)
}

export interface MotoOptions {
  /** What is started in place of `moto_server`: a program and its first arguments. */
  readonly command?: readonly [program: string, ...args: string[]]
  /** Its environment, beside that of this process. */
  readonly env?: (endpoint: string) => Readonly<Record<string, string>>
}

/** Starts moto on a free port and waits until it answers. */
export async function startMoto({ command, env }: MotoOptions = {}): Promise<Moto> {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const [program, ...args] = command ?? ['moto_server']
  const server = spawn(program, [...args, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, ...env?.(endpoint) },
  })
  const deadline = Date.now() + STARTS_WITHIN_MS
  while (!(await answers(endpoint))) {
    if (server.exitCode !== null || Date.now() > deadline)
      throw new Error(`moto_server did not start (exit code ${server.exitCode})`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { endpoint, stop: () => end(server) }
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/moto-api/`)).ok
  } catch {
    return false
  }
}

function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    server.once('exit', () => resolve())
    server.kill()
  })
}

/** A port on which nobody listens now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new Error('no free port'))
      })
    })
  })
}
