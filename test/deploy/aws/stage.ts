import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { freePort, startMoto } from '../../adapters/aws/moto.ts'
import { openProxy, type RecordedCall } from '../../adapters/aws/recording-proxy.ts'
import { openWorkFolder } from '../work-folder.ts'
import { variables } from './packaged.ts'

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
  /** Calls of functions to services so far; the access key is the name of the function. */
  readonly calls: readonly RecordedCall[]
  /** Bodies that the webhook got so far. */
  readonly arrived: readonly string[]
  close(): Promise<void>
}

/** Opens a stage with nothing deployed. */
export async function openStage(): Promise<Stage> {
  const folder = openWorkFolder()
  const [published, invoked] = [join(folder.path, 'published'), join(folder.path, 'invoked')]
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
  let behind = ''
  const proxy = await openProxy(() => behind)
  const moto = await startMoto({
    command: ['python3', join(import.meta.dirname, 'moto_cloud.py')],
    env: () => ({
      ENDPOINT: proxy.endpoint,
      NODE: process.execPath,
      PUBLISHED: published,
      INVOKED: invoked,
    }),
  })
  behind = moto.endpoint
  return {
    endpoint: moto.endpoint,
    hook,
    arrived,
    calls: proxy.calls,
    published: () => lines(published),
    invoked: () => lines(invoked),
    sls: (...args) =>
      folder.sls([...args, '--config', 'serverless.aws.yml'], {
        ...variables(hook),
        AWS_ENDPOINT_URL: moto.endpoint,
        AWS_ACCESS_KEY_ID: 'testing',
        AWS_SECRET_ACCESS_KEY: 'testing',
        AWS_REGION: 'eu-central-1',
      }),
    async close() {
      await proxy.close()
      await moto.stop()
      sink.closeAllConnections()
      await new Promise((done) => sink.close(done))
      folder.close()
    },
  }
}

function lines(file: string) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
