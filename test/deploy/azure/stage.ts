import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type AzureCloud, openAzureCloud } from './azure-cloud.ts'
import { startApp } from './functions-host.ts'

export const ROOT = resolve(import.meta.dirname, '../../..')

export interface Printed {
  readonly code: number
  readonly text: string
}

/** An Azure of our own, a folder with a service, and the CLI of Serverless between them. */
export interface Stage {
  readonly cloud: AzureCloud
  readonly folder: string
  /** Runs `sls`, whatever becomes of it. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Printed>
  /** Runs `sls`; resolves with what it printed, and fails with that if it fails. */
  sls(...args: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** Opens a stage in which nothing is deployed, with a copy of a folder or of parts of the repository. */
export async function openStage(
  fill: { readonly copy: string } | { readonly parts: readonly string[] },
  given: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const cloud = await openAzureCloud()
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-deploy-azure-'))
  if ('copy' in fill) {
    cpSync(fill.copy, folder, { recursive: true })
    symlinkSync(join(ROOT, 'deploy/azure/plugin'), join(folder, 'plugin'))
  } else
    for (const name of fill.parts) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  for (const name of ['node_modules', 'package.json'])
    symlinkSync(join(ROOT, name), join(folder, name))
  // As Azure does: it asks the code itself.
  const known = new Map<Buffer, readonly string[]>()
  cloud.listBy((zip) => {
    const names = known.get(zip) ?? namesOf(zip)
    known.set(zip, names)
    return names
  })
  const run: Stage['run'] = (args, more = {}) =>
    spawned(args, folder, { ...cloud.env, ...given, ...more })
  return {
    cloud,
    folder,
    run,
    async sls(...args) {
      const { code, text } = await run(args)
      if (code === 0) return text
      throw new Error(`sls ${args.join(' ')}: exit code ${code}\n${text}`)
    },
    async close() {
      await cloud.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function namesOf(zip: Buffer): readonly string[] {
  const app = startApp(zip)
  app.stop()
  return app.functions.map(({ name }) => name)
}

/** The CLI as a process of its own, with our Node. */
function spawned(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Printed> {
  const sls = join(ROOT, 'node_modules/serverless/bin/serverless.js')
  const child = spawn(process.execPath, [sls, ...args], {
    cwd,
    env: { ...process.env, ...env, CI: 'true' },
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
  return new Promise((done, reject) => {
    child.on('error', reject)
    child.on('close', (code) => done({ code: code ?? -1, text }))
  })
}
