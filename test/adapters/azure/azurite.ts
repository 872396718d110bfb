import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe } from 'vitest'
import { freePort } from '../aws/moto.ts'

// Azurite, the emulator of Azure Storage: one process for a test file, with its own ports.

const STARTS_WITHIN_MS = 60_000

/** Source: Azurite, "Default storage account": everybody's. */
export const ACCOUNT = 'devstoreaccount1'
export const ACCOUNT_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

export interface Azurite {
  /** Shape: `http://host:port/account`. */
  readonly blobEndpoint: string
  readonly queueEndpoint: string
  stop(): Promise<void>
}

const program = findProgram()

/** A suite that needs the emulators: skipped by name, with the reason, where they are not installed. On CI that is a failure. */
export function describeWithEmulators(name: string, body: () => void): void {
  const skipped = program === undefined && process.env['CI'] !== 'true'
  const reason = 'skipped: azurite is not installed'
  describe.skipIf(skipped)(skipped ? `${name} (${reason})` : name, body)
}

export async function startAzurite(): Promise<Azurite> {
  if (program === undefined) throw new Error('azurite is not installed')
  const [blobPort, queuePort, tablePort] = [await freePort(), await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-azurite-'))
  const child = spawn(
    process.execPath,
    [
      program,
      '--inMemoryPersistence',
      '--silent',
      '--skipApiVersionCheck',
      '--disableTelemetry',
      ...['--blobHost', '--queueHost', '--tableHost'].flatMap((name) => [name, '127.0.0.1']),
      ...['--blobPort', String(blobPort), '--queuePort', String(queuePort)],
      ...['--tablePort', String(tablePort)],
    ],
    { stdio: 'ignore', cwd: folder },
  )
  const stop = async (): Promise<void> => {
    await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + STARTS_WITHIN_MS
  for (const port of [blobPort, queuePort])
    while (!(await answers(port))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await stop()
        throw new Error(`azurite did not start (exit code ${child.exitCode})`)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  return {
    blobEndpoint: `http://127.0.0.1:${blobPort}/${ACCOUNT}`,
    queueEndpoint: `http://127.0.0.1:${queuePort}/${ACCOUNT}`,
    stop,
  }
}

function findProgram(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('azurite/package.json')
    const found = join(dirname(manifest), 'dist/src/azurite.js')
    return existsSync(found) ? found : undefined
  } catch {
    return undefined
  }
}

async function answers(port: number): Promise<boolean> {
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
