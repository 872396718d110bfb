import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report, Wanted } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'
import { FIRST_NUMBER } from '../load/message.ts'
import { checkLoad, type LoadResult, type LoadSpec } from '../load/spec.ts'
import { startLoad } from '../load/start-load.ts'
import { costsOf, ratesOf } from '../mqtt/contest.ts'
import { type Shape, specOf } from '../mqtt/shapes.ts'
import { checkStored, startAnyhub } from '../rivals/anyhub.ts'
import { FLOOR } from './workload.ts'

/** At most ten updates of one device are under way: AWS refuses more, and so do we. */
const SHAPES: readonly Shape[] = [
  {
    name: '100 devices on 20 connections, 50 under way on each',
    connections: 20,
    devices: 100,
    window: 50,
    rate: 0,
  },
  {
    name: '1,000 devices on 20 connections, 100 under way on each',
    connections: 20,
    devices: 1_000,
    window: 100,
    rate: 0,
  },
]

const TINY: Shape = { name: 'tiny', connections: 3, devices: 6, window: 5, rate: 0 }

/** A bound that is a time on the machine at hand. Unit: ns. */
const BOUND_NS = 20_000

/** What a shadow costs, alone and over MQTT, against telemetry of the same values in the same run. */
export async function shadowReport(options: BenchOptions): Promise<Report> {
  const functions = await measureFunctions(options)
  const parts = [functions.text]
  const ratios = [...functions.ratios]
  const shapes = options.smoke ? [TINY] : SHAPES
  for (const shape of shapes.filter(({ name }) => name.includes(options.shape))) {
    const rates = await measureRates(shape, options)
    parts.push(rates.text)
    ratios.push(...rates.ratios)
  }
  return {
    title: 'shadow: a document of 100 keys, and updates over MQTT against telemetry',
    text: parts.join('\n\n'),
    ratios,
  }
}

async function measureFunctions(options: BenchOptions): Promise<Omit<Report, 'title'>> {
  const rounds: Record<string, number>[] = []
  const time = options.smoke ? 20 : Math.round(options.measureMs / 8)
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? 'forwards' : 'reversed'
    const child = startNode([join(import.meta.dirname, 'measure.ts'), String(time), order], {})
    try {
      rounds.push(JSON.parse(await child.nextLine()))
    } finally {
      await child.stop()
    }
  }
  const timesOf = (name: string): number[] => rounds.map((round) => round[name] ?? Number.NaN)
  const floor = timesOf(FLOOR)
  const rows = Object.keys(rounds[0] ?? {}).map((name) => [
    name,
    `${short(figureOf(timesOf(name)).median / 1_000)} µs`,
    withSpread(ratioOf(timesOf(name), floor), short),
  ])
  const found = figureOf(timesOf('delta and merge of 1 key')).median
  return {
    text: table(['', 'time', `× ${FLOOR}`], rows),
    ratios: [
      {
        name: 'delta and merge of a document of 100 keys, µs',
        found: found / 1_000,
        wanted: '< 20',
        reached: found < BOUND_NS,
      },
    ],
  }
}

const CONTESTANTS = ['telemetry', 'shadow updates', 'shadow updates, each answered'] as const
type Contestant = (typeof CONTESTANTS)[number]

async function measureRates(shape: Shape, options: BenchOptions): Promise<Omit<Report, 'title'>> {
  const found = new Map<Contestant, LoadResult[]>(CONTESTANTS.map((name) => [name, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const name of round % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed())
      found.get(name)?.push(await serve(name, shape, options))
  }
  const of = (name: Contestant): readonly LoadResult[] => found.get(name) ?? []
  const telemetry = ratesOf(of('telemetry'))
  const rows = CONTESTANTS.map((name) => [
    name,
    withSpread(figureOf(ratesOf(of(name))), whole),
    name === 'telemetry' ? '1' : withSpread(ratioOf(ratesOf(of(name)), telemetry), short),
    short(figureOf(costsOf(of(name))).median),
  ])
  const ratio = ratioOf(ratesOf(of('shadow updates')), telemetry).median
  const wanted: Wanted = {
    name: `shadow updates / telemetry, ${shape.name}`,
    found: ratio,
    wanted: '≥ 0.5',
    reached: ratio >= 0.5,
  }
  return {
    text: `${shape.name}:\n\n${table(['', 'msg/s', '× telemetry', 'CPU µs/msg'], rows)}`,
    // Telemetry is not answered either: like is compared with like.
    ratios: [wanted],
  }
}

async function serve(
  contestant: Contestant,
  shape: Shape,
  options: BenchOptions,
): Promise<LoadResult> {
  const what: LoadSpec['what'] = contestant === 'telemetry' ? 'telemetry' : 'shadow'
  const echo = contestant === 'shadow updates, each answered'
  const system = await startAnyhub({
    durability: 'full',
    config: 'rules: {}\n',
    check: what === 'shadow' ? checkShadows : checkStored,
  })
  let sent: number | undefined
  try {
    const spec: LoadSpec = { ...specOf(shape, system, echo, options), what }
    const result = await startLoad(spec)
    checkLoad(`anyhub, ${contestant}`, spec, result)
    sent = result.sent
    return result
  } finally {
    await system.stop(sent)
  }
}

/**
 * Reads the file that the process left behind: every update has counted its shadow up, the last one is what is reported.
 * @throws Error if one is missing or doubled.
 */
export function checkShadows(file: string, sent: number): void {
  const database = new DatabaseSync(file, { readOnly: true })
  let versions = 0
  let newest = 0
  try {
    for (const row of database.prepare('SELECT record FROM device').iterate()) {
      const record: { shadows: Record<string, { version: number; reported: { n: number } }> } =
        JSON.parse(String(row['record']))
      const shadow = record.shadows['']
      if (shadow === undefined) continue
      versions += shadow.version
      newest = Math.max(newest, shadow.reported.n)
    }
  } finally {
    database.close()
  }
  if (versions !== sent || newest !== FIRST_NUMBER + sent - 1) {
    throw new Error(
      `anyhub: expected ${sent} updates on the disk, found ${versions}, the last one ${newest - FIRST_NUMBER + 1}`,
    )
  }
}
