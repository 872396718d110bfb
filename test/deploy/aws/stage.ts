import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort, startMoto } from '../../adapters/aws/moto.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

export const ADMIN_TOKEN = 'a-token-for-tests-only-0123456789'

/** A test cloud that deploys, a place where webhooks arrive, and the CLI of Serverless with both. */
export interface Stage {
  readonly endpoint: string
  /** Where the webhook of the config posts to. */
  readonly hook: string
  /** Runs `sls` with the config of AWS; resolves with what it printed. */
  sls(...args: readonly string[]): Promise<string>
  /** What was published to devices so far. */
  published(): readonly { readonly topic: string; readonly payload: string }[]
  /** Runs of functions so far. */
  invoked(): readonly { readonly function: string; readonly code: number; readonly logs: string }[]
  /** Bodies that the webhook got so far. */
  readonly arrived: readonly string[]
  close(): Promise<void>
}

/** Opens a stage with nothing deployed. */
export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-deploy-'))
  const [published, invoked] = [join(folder, 'published'), join(folder, 'invoked')]
  for (const file of [published, invoked]) writeFileSync(file, '')
  const arrived: string[] = []
  const sink = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      arrived.push(body)
      response.end()
    })
  })
  const sinkPort = await freePort()
  await new Promise<void>((done) => sink.listen(sinkPort, '127.0.0.1', done))
  const hook = `http://127.0.0.1:${sinkPort}/hook`
  const moto = await startMoto({
    command: ['python3', join(import.meta.dirname, 'moto_cloud.py')],
    env: (endpoint) => ({
      ENDPOINT: endpoint,
      NODE: process.execPath,
      PUBLISHED: published,
      INVOKED: invoked,
    }),
  })
  return {
    endpoint: moto.endpoint,
    hook,
    arrived,
    published: () => lines(published),
    invoked: () => lines(invoked),
    sls: (...args) =>
      run([...args, '--config', 'serverless.aws.yml'], {
        ANYHUB_CONFIG: 'test/deploy/aws/anyhub.yml',
        ANYHUB_TEST_SINK: hook,
        ANYHUB_ADMIN_TOKEN_SHA256: createHash('sha256').update(ADMIN_TOKEN).digest('hex'),
        AWS_ENDPOINT_URL: moto.endpoint,
        AWS_ACCESS_KEY_ID: 'testing',
        AWS_SECRET_ACCESS_KEY: 'testing',
        AWS_REGION: 'eu-central-1',
      }),
    async close() {
      await moto.stop()
      sink.closeAllConnections()
      await new Promise((done) => sink.close(done))
      rmSync(folder, { recursive: true })
    },
  }
}

function lines(file: string) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** The CLI as a process of its own, with our Node. */
function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const sls = join(ROOT, 'node_modules/serverless/bin/serverless.js')
  const child = spawn(process.execPath, [sls, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env, SLS_INTERACTIVE_SETUP_ENABLE: '', CI: 'true' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
    })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`sls ${args.join(' ')}: exit code ${code}\n${output}`))
    })
  })
}
