import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { build } from 'esbuild'
import { zipSync } from 'fflate'
import { unpack } from '../../test/deploy/azure/functions-host.ts'
import { packageApp } from '../../test/deploy/azure/packaged.ts'
import type { Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'

/** The bound in the words of the project. */
const MOST_RATIO = 3

const CHILD = join(import.meta.dirname, 'azure-child.cjs')

interface Case {
  readonly name: string
  readonly folder: string
  readonly calls: boolean
}

/** Cold start of the whole app of Azure, all functions registered, beside an app of one function that does nothing. */
export async function coldOfAzure(rounds: number): Promise<Pick<Report, 'text' | 'ratios'>> {
  const standIn = await openStandIn()
  const [zip, empty] = [await packageApp(), await emptyApp()]
  const [ours, floor] = [unpack(zip), unpack(empty)]
  try {
    const cases: readonly Case[] = [
      { name: 'empty app, registered', folder: floor, calls: false },
      { name: 'empty app, first batch answered', folder: floor, calls: true },
      { name: 'anyhub, all functions registered', folder: ours, calls: false },
      { name: 'anyhub, first batch stored', folder: ours, calls: true },
    ]
    const found = new Map(cases.map(({ name }) => [name, [] as number[]]))
    // One round that does not count: files come into the memory of the machine.
    for (let round = -1; round < rounds; round++)
      for (const one of round % 2 === 0 ? cases : cases.toReversed()) {
        const ms = await run(one, standIn.endpoint)
        if (round >= 0) found.get(one.name)?.push(ms)
      }
    if (standIn.stored() !== rounds + 1)
      throw new Error(`expected ${rounds + 1} records stored, found ${standIn.stored()}`)
    const timesOf = (index: number) => found.get(cases[index]?.name ?? '') ?? []
    const rows = cases.map(({ name }, index) => [
      name,
      withSpread(figureOf(timesOf(index)), short),
      withSpread(ratioOf(timesOf(index), timesOf(index % 2)), short),
    ])
    const wanted = (name: string, ratio: number) => ({
      name,
      found: ratio,
      wanted: `≤ ${MOST_RATIO}`,
      reached: ratio <= MOST_RATIO,
    })
    return {
      text: `Azure, with a stand-in for the host\n\n${table(['', 'ms', 'of an empty app'], rows)}\n\nThe zip has ${whole(zip.length)} bytes. Cosmos and the managed identity are stand-ins on the loopback.`,
      ratios: [
        wanted(
          'Azure: all functions registered, of an empty app',
          ratioOf(timesOf(2), timesOf(0)).median,
        ),
        wanted(
          'Azure: first batch stored, of an empty app',
          ratioOf(timesOf(3), timesOf(1)).median,
        ),
      ],
    }
  } finally {
    standIn.close()
    const { rmSync } = await import('node:fs')
    for (const folder of [ours, floor]) rmSync(folder, { recursive: true })
  }
}

/** What anybody's smallest app is: @azure/functions, bundled as ours, and a handler that returns. */
async function emptyApp(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { app } from '@azure/functions'
        const trigger = { eventHubName: 'e', connection: 'c', cardinality: 'many' }
        app.eventHub('ingest', { ...trigger, handler: async () => undefined })`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    minify: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    external: ['@azure/functions-core'],
  })
  return zipSync({
    'index.js': outputFiles[0]?.contents ?? new Uint8Array(),
    'package.json': Buffer.from('{"main":"index.js"}'),
  })
}

/** From start to end of one process. Unit: ms. */
function run({ folder, calls }: Case, endpoint: string): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, [CHILD, folder, calls ? 'call' : ''], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: environment(endpoint),
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(performance.now() - started)
      else reject(new Error(`${folder} ended with ${code}`))
    })
  })
}

/** What serverless.azure.yml gives the functions, and the host. */
function environment(endpoint: string): Record<string, string> {
  return {
    ANYHUB_COSMOS_ENDPOINT: endpoint,
    ANYHUB_COSMOS_DATABASE: 'anyhub',
    ANYHUB_STORAGE_ACCOUNT: 'account',
    ANYHUB_BLOB_ENDPOINT: endpoint,
    ANYHUB_BLOB_CONTAINER: 'files',
    ANYHUB_QUEUE_ENDPOINT: endpoint,
    ANYHUB_HIGH_QUEUE: 'high',
    ANYHUB_NORMAL_QUEUE: 'normal',
    ANYHUB_QUEUE_PREFIX: 'rule-',
    ANYHUB_IOTHUB_HOST: 'hub.invalid',
    ANYHUB_ADMIN_TOKEN_SHA256: '0'.repeat(64),
    ANYHUB_TEST_SINK: `${endpoint}/hook`,
    IDENTITY_ENDPOINT: `${endpoint}/identity`,
    IDENTITY_HEADER: 'header',
  }
}

/** Answers as Cosmos would of empty containers, and as the managed identity: what is measured is the caller. */
async function openStandIn() {
  let stored = 0
  const server = createServer((request, response) => {
    const { method, url = '' } = request
    request.resume().on('end', () => {
      if (url.startsWith('/identity')) {
        const token = {
          access_token: 'token',
          expires_on: String(Math.floor(Date.now() / 1_000) + 86_400),
        }
        response.writeHead(200).end(JSON.stringify(token))
        return
      }
      const writes = method === 'POST' || method === 'PUT'
      if (writes && url.includes('/colls/devices/')) stored++
      response.writeHead(writes ? 201 : 404, { etag: '"1"', 'x-ms-substatus': '0' }).end('{}')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    stored: () => stored,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
