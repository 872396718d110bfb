import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../aws/moto.ts'

// Mosquitto with the files of deploy/gcp/bridge: only port and folders are those of the test.

const FILES = join(import.meta.dirname, '../../../deploy/gcp/bridge')
const STARTS_WITHIN_MS = 10_000

export const mosquittoPresent =
  spawnSync('mosquitto', ['-h'], { stdio: 'ignore' }).error === undefined

export interface Mosquitto {
  readonly url: string
  start(): Promise<void>
  stop(): Promise<void>
  remove(): void
}

/** @param passwords By user. */
export async function createMosquitto(
  passwords: Readonly<Record<string, string>>,
): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-mosquitto-'))
  // As root it becomes a user of its own.
  chmodSync(folder, 0o777)
  const port = await freePort()
  writeFileSync(join(folder, 'passwords'), '')
  for (const [user, password] of Object.entries(passwords))
    spawnSync('mosquitto_passwd', ['-b', join(folder, 'passwords'), user, password])
  chmodSync(join(folder, 'passwords'), 0o644)
  writeFileSync(join(folder, 'acl'), readFileSync(join(FILES, 'acl')))
  const config = readFileSync(join(FILES, 'mosquitto.conf'), 'utf8')
    .replace('listener 1883', `listener ${port} 127.0.0.1`)
    .replaceAll('/mosquitto/config', folder)
    .replace('/mosquitto/data', folder)
  writeFileSync(join(folder, 'mosquitto.conf'), config)
  let child: ChildProcess | undefined

  return {
    url: `mqtt://127.0.0.1:${port}`,

    async start() {
      child = spawn('mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
      const deadline = Date.now() + STARTS_WITHIN_MS
      while (!(await listens(port))) {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`mosquitto did not start (exit code ${child.exitCode})`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },

    async stop() {
      const ending = child
      if (ending === undefined || ending.exitCode !== null) return
      await new Promise<void>((resolve) => {
        ending.once('exit', () => resolve())
        ending.kill('SIGTERM')
      })
    },

    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
