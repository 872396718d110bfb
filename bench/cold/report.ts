import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'
import { coldOfAzure } from './azure.ts'
import { bundleFunction } from './bundle.ts'
import { coldOfGcp } from './gcp.ts'
import { openStandIn } from './stand-in.ts'

/** Processes are short, and each disturbs the next: many rounds of few. */
const ROUNDS = 21

/** The bounds in the words of the project. */
const MOST_RATIO = 2
const MOST_KB = 300

const CHILD = join(import.meta.dirname, 'child.cjs')

/** One message as a topic rule makes it. */
const EVENT = JSON.stringify({
  Records: [
    {
      messageId: '1',
      body: JSON.stringify({
        payload: Buffer.from('{"ts":1750000000000,"temp":21.5}').toString('base64'),
        topic: 'devices/dev-1/telemetry',
        receivedAt: 1_750_000_000_000,
        clientId: 'dev-1',
      }),
      attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1750000000000' },
      eventSource: 'aws:sqs',
    },
  ],
})

interface Case {
  readonly name: string
  readonly bundle: string
  readonly event: string
}

/** Cold start of `ingest` of AWS and of Google and of the app of Azure as whole processes, beside ones that do nothing. */
export async function coldReport({ rounds, smoke }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-cold-'))
  const standIn = await openStandIn()
  try {
    const [empty, ingest] = [join(folder, 'empty.cjs'), join(folder, 'ingest.cjs')]
    writeFileSync(empty, 'exports.handler=async()=>({batchItemFailures:[]})')
    const { bytes } = await bundleFunction('aws', 'ingest', ingest)
    const cases: readonly Case[] = [
      { name: 'empty handler', bundle: empty, event: '' },
      { name: 'ingest, ready', bundle: ingest, event: '' },
      { name: 'ingest, first message stored', bundle: ingest, event: EVENT },
    ]
    const found = new Map(cases.map(({ name }) => [name, [] as number[]]))
    const count = smoke ? 1 : Math.max(rounds, ROUNDS)
    // One round that does not count: files come into the memory of the machine.
    for (let round = -1; round < count; round++)
      for (const one of round % 2 === 0 ? cases : cases.toReversed()) {
        const ms = await run(one, standIn.endpoint)
        if (round >= 0) found.get(one.name)?.push(ms)
      }
    const floor = found.get('empty handler') ?? []
    const rows = [...found].map(([name, times]) => [
      name,
      withSpread(figureOf(times), short),
      withSpread(ratioOf(times, floor), short),
    ])
    const ready = ratioOf(found.get('ingest, ready') ?? [], floor).median
    const kilobytes = bytes / 1_000
    const gcp = await coldOfGcp(count)
    const azure = await coldOfAzure(count)
    return {
      title:
        'cold: ingest of AWS and of Google, and the app of Azure, from nothing, as whole processes',
      text: `AWS\n\n${table(['', 'ms', 'of an empty handler'], rows)}\n\nThe bundle has ${whole(bytes)} bytes. DynamoDB is a stand-in on the loopback.\n\n${gcp.text}\n\n${azure.text}`,
      ratios: [
        {
          name: 'ingest ready, of an empty handler',
          found: ready,
          wanted: `≤ ${MOST_RATIO}`,
          reached: ready <= MOST_RATIO,
        },
        {
          name: 'bundle of ingest, KB',
          found: kilobytes,
          wanted: `≤ ${MOST_KB}`,
          reached: kilobytes <= MOST_KB,
        },
        ...gcp.ratios,
        ...azure.ratios,
      ],
    }
  } finally {
    standIn.close()
    rmSync(folder, { recursive: true })
  }
}

/** From start to end of one process. Unit: ms. */
function run({ bundle, event }: Case, endpoint: string): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, [CHILD, bundle, event], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: environment(endpoint),
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(performance.now() - started)
      else reject(new Error(`${bundle} ended with ${code}`))
    })
  })
}

/** What serverless.aws.yml gives the function, and its host. */
function environment(endpoint: string): Record<string, string> {
  const names = [
    'DEVICES_TABLE',
    'TELEMETRY_TABLE',
    'ITEMS_TABLE',
    'NOTIFICATIONS_TABLE',
    'HIGH_QUEUE_URL',
    'NORMAL_QUEUE_URL',
    'QUEUE_PREFIX',
    'COLD_STREAM',
    'BUCKET',
    'DEVICE_POLICY',
    'ADMIN_TOKEN_SHA256',
  ]
  return {
    ...Object.fromEntries(names.map((name) => [`ANYHUB_${name}`, name.toLowerCase()])),
    AWS_REGION: 'eu-central-1',
    AWS_LAMBDA_FUNCTION_NAME: 'ingest',
    AWS_ACCESS_KEY_ID: 'testing',
    AWS_SECRET_ACCESS_KEY: 'testing',
    AWS_ENDPOINT_URL: endpoint,
  }
}
