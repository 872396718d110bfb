import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'
import { freePort } from '../aws/moto.ts'

// Functions of Google on this machine: bundled as they are deployed, run by the vendor's own framework.

const require = createRequire(import.meta.url)
const FRAMEWORK = join(dirname(require.resolve('@google-cloud/functions-framework')), 'main.js')
const STARTS_WITHIN_MS = 60_000

export const CONFIG_PATH = resolve(import.meta.dirname, 'anyhub.yml')

export type FunctionName = 'ingest' | 'notify' | 'tick' | 'api' | 'ingest-http'

/** Bundles of functions, a folder each. */
export interface Bundles {
  folderOf(name: FunctionName): string
  remove(): void
}

/** Bundles functions as serverless.gcp.yml says. */
export async function bundleFunctions(
  names: readonly FunctionName[],
  env: Readonly<Record<string, string>>,
): Promise<Bundles> {
  const root = mkdtempSync(join(tmpdir(), 'anyhub-gcp-'))
  const before = { ...process.env }
  // The bundler checks the config with the variables of whoever deploys.
  Object.assign(process.env, env, { ANYHUB_CONFIG: CONFIG_PATH })
  try {
    const plugins = require(resolve('deploy/esbuild/plugins.cjs'))
    await Promise.all(
      names.map(async (name) => {
        const folder = join(root, name)
        mkdirSync(folder)
        await build({
          entryPoints: [`functions/gcp/${name}.ts`],
          outfile: join(folder, 'index.js'),
          bundle: true,
          minify: true,
          format: 'cjs',
          platform: 'node',
          target: 'node24',
          mainFields: ['module', 'main'],
          legalComments: 'none',
          plugins,
        })
        writeFileSync(join(folder, 'package.json'), '{"main":"index.js"}')
      }),
    )
  } finally {
    for (const name of [...Object.keys(env), 'ANYHUB_CONFIG'])
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
  }
  return {
    folderOf: (name) => join(root, name),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** One function that runs. */
export interface RunningFunction {
  readonly url: string
  /** What it has written to the log so far. */
  log(): string
  stop(): Promise<void>
}

export interface RunOptions {
  readonly folder: string
  /** What is exported under this name. */
  readonly target: 'handler' | 'push'
  readonly signature: 'cloudevent' | 'http'
  readonly env: Readonly<Record<string, string>>
}

/** Runs a bundle by functions-framework until it answers. */
export async function runFunction(options: RunOptions): Promise<RunningFunction> {
  const { folder, target, signature, env } = options
  const port = await freePort()
  const child = spawn(
    process.execPath,
    [
      FRAMEWORK,
      `--target=${target}`,
      `--signature-type=${signature}`,
      `--port=${port}`,
      `--source=${folder}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  )
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString('utf8')
    })
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + STARTS_WITHIN_MS
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child)
      throw new Error(`the function did not start: ${log}`)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  return { url, log: () => log, stop: () => end(child) }
}

/** The framework itself answers for robots.txt, so that no function is called. */
async function answers(url: string): Promise<boolean> {
  try {
    await fetch(`${url}/robots.txt`, { signal: AbortSignal.timeout(2_000) })
    return true
  } catch {
    return false
  }
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((done) => {
    child.once('exit', () => done())
    child.kill('SIGKILL')
  })
}
