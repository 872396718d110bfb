import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { cpuSeconds } from '../lib/machine.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'
import { freePort, startFramework, type Way, writeFunctions } from './framework.ts'
import { openLoad } from './load.ts'
import { createRequests } from './message.ts'
import { environment, openStandIn } from './stand-in.ts'

const DEVICES = 1_000

/** Requests under way, within what serverless.gcp.yml lets one instance take. */
const CONNECTIONS = 64

/** Messages of one device that come together. */
const TOGETHER = 64

/** So often they come before it counts. */
const WARM_RUNS = 30

interface Case {
  readonly name: string
  readonly folder: 'empty' | 'ingest'
  readonly way: Way
  readonly devices: number
}

const CASES: readonly Case[] = [
  { name: 'push, empty handler', folder: 'empty', way: 'push', devices: DEVICES },
  { name: 'push, 1,000 devices', folder: 'ingest', way: 'push', devices: DEVICES },
  { name: 'push, one device', folder: 'ingest', way: 'push', devices: 1 },
  { name: 'CloudEvents, empty handler', folder: 'empty', way: 'handler', devices: DEVICES },
  { name: 'CloudEvents, 1,000 devices', folder: 'ingest', way: 'handler', devices: DEVICES },
]

interface Found {
  readonly perSecond: number
  /** CPU of the process for one message. Unit: µs. */
  readonly cpu: number
  readonly reads: number
  readonly writes: number
}

/** Messages per second through functions-framework on one process, and what messages of one device share. */
export async function gcpReport(options: BenchOptions): Promise<Report> {
  const root = mkdtempSync(join(tmpdir(), 'anyhub-gcp-'))
  try {
    const folders = await writeFunctions(root)
    const found = new Map(CASES.map(({ name }) => [name, [] as Found[]]))
    for (let round = 0; round < options.rounds; round++)
      for (const one of round % 2 === 0 ? CASES : CASES.toReversed())
        found.get(one.name)?.push(await measure(one, folders[one.folder], options))
    const figures = (name: string, part: keyof Found) =>
      (found.get(name) ?? []).map((one) => one[part])
    const rows = CASES.map(({ name, folder, way }) => {
      const floor = CASES.find((one) => one.folder === 'empty' && one.way === way)?.name ?? name
      const perSecond = figures(name, 'perSecond')
      const stored = (part: 'reads' | 'writes') =>
        folder === 'empty' ? '' : short(figureOf(figures(name, part)).median)
      return [
        name,
        withSpread(figureOf(perSecond), whole),
        withSpread(ratioOf(perSecond, figures(floor, 'perSecond')), short),
        short(figureOf(figures(name, 'cpu')).median),
        stored('reads'),
        stored('writes'),
      ]
    })
    const shared = await share(folders.ingest)
    const counted = (name: string, count: number) => ({
      name,
      found: count,
      wanted: '= 1',
      reached: count === 1,
    })
    return {
      title: 'gcp: messages through functions-framework on one process',
      text: `${table(['', 'messages/s', 'of the empty one', 'CPU µs each', 'reads each', 'writes each'], rows)}

${table(
  [`${TOGETHER} messages of one device`, 'reads', 'writes'],
  [
    ['in one message of Pub/Sub', whole(shared.batch.reads), whole(shared.batch.writes)],
    ['in pushes at the same time', whole(shared.pushes.reads), whole(shared.pushes.writes)],
  ],
)}

${CONNECTIONS} connections, kept; load and Firestore, a stand-in in memory, share a second process. Every message is looked for in the records.`,
      ratios: [
        counted(`reads for ${TOGETHER} messages of a device together`, shared.batch.reads),
        counted(`writes for ${TOGETHER} messages of a device together`, shared.batch.writes),
      ],
    }
  } finally {
    rmSync(root, { recursive: true })
  }
}

async function measure(
  { folder: kind, way, devices }: Case,
  folder: string,
  { measureMs, warmUpMs }: BenchOptions,
): Promise<Found> {
  const standIn = await openStandIn()
  const child = await startFramework(folder, way, await freePort(), environment(standIn.host))
  try {
    const requests = createRequests(way)
    let sent = 0
    const load = await openLoad(child.port, CONNECTIONS, () => requests.one(sent++ % devices))
    await wait(warmUpMs)
    const now = () => ({
      at: performance.now(),
      count: load.answered(),
      cpu: cpuSeconds(child.pid),
      reads: standIn.reads(),
      writes: standIn.writes(),
    })
    const before = now()
    await wait(measureMs)
    const after = now()
    const answered = await load.stop()
    const expected = kind === 'ingest' ? answered : 0
    if (standIn.rows() !== expected)
      throw new Error(`expected ${expected} messages stored, found ${standIn.rows()}`)
    const count = after.count - before.count
    return {
      perSecond: (count / (after.at - before.at)) * 1_000,
      cpu: ((after.cpu - before.cpu) / count) * 1e6,
      reads: (after.reads - before.reads) / count,
      writes: (after.writes - before.writes) / count,
    }
  } finally {
    await child.stop()
    standIn.close()
  }
}

interface Counted {
  readonly reads: number
  readonly writes: number
}

/** What messages of one device cost that come together, in a process that is warm. */
async function share(folder: string): Promise<{ batch: Counted; pushes: Counted }> {
  const standIn = await openStandIn()
  const child = await startFramework(folder, 'push', await freePort(), environment(standIn.host))
  try {
    const requests = createRequests('push')
    async function count(connections: number, next: () => Buffer): Promise<Counted> {
      const [reads, writes] = [standIn.reads(), standIn.writes()]
      await (await openLoad(child.port, connections, next)).stop()
      return { reads: standIn.reads() - reads, writes: standIn.writes() - writes }
    }
    for (let run = 0; run < WARM_RUNS; run++) await count(TOGETHER, () => requests.one(1))
    const batch = await count(1, () => requests.together(1, TOGETHER))
    const pushes = await count(TOGETHER, () => requests.one(1))
    const expected = (WARM_RUNS + 2) * TOGETHER
    if (standIn.rows() !== expected)
      throw new Error(`expected ${expected} messages stored, found ${standIn.rows()}`)
    return { batch, pushes }
  } finally {
    await child.stop()
    standIn.close()
  }
}
