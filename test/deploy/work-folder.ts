import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** What the CLI makes in the folder that it runs in, and what is none of its business. */
const LEFT_OUT = new Set(['.git', '.serverless', '.esbuild'])

/** The repository as the CLI sees it, in a folder of its own: runs beside each other do not share what they write. */
export interface WorkFolder {
  readonly path: string
  /**
   * Runs `sls` in it, with our Node; resolves with all that it printed.
   * @throws Error with what it printed, if it failed.
   */
  sls(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string>
  close(): void
}

export function openWorkFolder(): WorkFolder {
  const path = mkdtempSync(join(tmpdir(), 'anyhub-deploy-'))
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.has(name)) symlinkSync(join(ROOT, name), join(path, name))
  return {
    path,
    sls: (args, env) => run(path, args, env),
    close: () => rmSync(path, { recursive: true }),
  }
}

function run(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const sls = join(ROOT, 'node_modules/serverless/bin/serverless.js')
  const child = spawn(process.execPath, [sls, ...args], {
    cwd,
    env: { ...process.env, ...env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
    })
  return new Promise((done, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) done(output)
      else reject(new Error(`sls ${args.join(' ')}: exit code ${code}\n${output}`))
    })
  })
}
