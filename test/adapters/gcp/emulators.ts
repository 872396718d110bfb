import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe } from 'vitest'
import { freePort } from '../aws/moto.ts'

// The emulators of the Google SDK, each a process of its own: gcloud's wrapper forks, and leaves them behind.

const PLATFORM = process.env['GCLOUD_SDK'] ?? '/usr/lib/google-cloud-sdk/platform'
const STARTS_WITHIN_MS = 90_000

/** One emulator on the loopback. */
export interface Emulator {
  /** Shape: `host:port`. */
  readonly host: string
  stop(): Promise<void>
}

const firestoreJar = join(PLATFORM, 'cloud-firestore-emulator/cloud-firestore-emulator.jar')
const pubsubFolder = join(PLATFORM, 'pubsub-emulator/lib')
const pubsubJar = existsSync(pubsubFolder)
  ? readdirSync(pubsubFolder).find((name) => /^cloud-pubsub-emulator-.*\.jar$/.test(name))
  : undefined

/** Whether both are there, and something to run them; on CI they have to be. */
const present =
  existsSync(firestoreJar) &&
  pubsubJar !== undefined &&
  spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0

/** A suite that needs the emulators: skipped by name, with the reason, where they are not installed. On CI that is a failure. */
export function describeWithEmulators(name: string, body: () => void): void {
  const skipped = !present && process.env['CI'] !== 'true'
  const reason = 'skipped: the emulators of the Google SDK are not installed'
  describe.skipIf(skipped)(skipped ? `${name} (${reason})` : name, body)
}

export function startFirestore(): Promise<Emulator> {
  return start((port) => [
    '-Duser.language=en',
    '-Xmx256m',
    '-cp',
    firestoreJar,
    'com.google.cloud.datastore.emulator.firestore.CloudFirestore',
    'start',
    '--host=127.0.0.1',
    `--port=${port}`,
  ])
}

export function startPubSub(): Promise<Emulator> {
  return start((port) => [
    '-Xmx256m',
    '-jar',
    join(pubsubFolder, pubsubJar ?? ''),
    '--host=127.0.0.1',
    `--port=${port}`,
  ])
}

async function start(argumentsOf: (port: number) => readonly string[]): Promise<Emulator> {
  const port = await freePort()
  const child = spawn('java', argumentsOf(port), { stdio: 'ignore' })
  const deadline = Date.now() + STARTS_WITHIN_MS
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child)
      throw new Error(`the emulator did not start (exit code ${child.exitCode})`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { host: `127.0.0.1:${port}`, stop: () => end(child) }
}

/** It listens before it serves: only an answer counts. */
async function answers(port: number): Promise<boolean> {
  const listens = await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
  if (!listens) return false
  try {
    await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) })
    return true
  } catch {
    return false
  }
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
