import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'
import { name } from './ours.ts'
import { PEER_NAMES } from './peer-names.ts'

const FLOOR = 'JSON.parse'
const OURS = 'anyhub'

/** The numbers of a side, one list for each task: what each round found. */
type Rounds = Readonly<Record<string, readonly number[]>>

/** What rules cost, in units of one `JSON.parse` of the message that they look at. */
export async function rulesReport(options: BenchOptions): Promise<Report> {
  const counts = options.smoke ? [1, 100] : [1, 100, 1_000, 10_000]
  const equalities = options.smoke ? [100] : [10_000, 100_000]
  const loads = options.smoke ? 1_000 : 100_000
  const time = options.smoke ? 10 : Math.round(options.measureMs / 20)

  const sides: Record<string, Record<string, number>[]> = {}
  const load: Record<string, number>[] = []
  for (let round = 0; round < options.rounds; round++) {
    const order = ['ours', 'topics', ...PEER_NAMES]
    if (round % 2 === 1) order.reverse()
    for (const side of order) {
      const args = [side, String(time), counts.join(), equalities.join()]
      const found = await lineOf([join(import.meta.dirname, 'measure.ts'), ...args])
      sides[side] = [...(sides[side] ?? []), found]
    }
    load.push(await lineOf(['--expose-gc', join(import.meta.dirname, 'load.ts'), String(loads)]))
  }

  const ours = roundsOf(sides['ours'] ?? [])
  const topics = roundsOf(sides['topics'] ?? [])
  const loaded = roundsOf(load)
  const inUnits = (side: Rounds, task: string): string =>
    withSpread(ratioOf(side[task] ?? [], side[FLOOR] ?? []), short)
  const nanoseconds = (side: Rounds, task: string): string =>
    `${short(figureOf(side[task] ?? []).median)} ns`
  const units = (task: string): number => ratioOf(ours[task] ?? [], ours[FLOOR] ?? []).median
  const rows = [
    ...Object.keys(ours).map((task) => [task, nanoseconds(ours, task), inUnits(ours, task)]),
    ...Object.keys(topics)
      .filter((task) => task !== FLOOR)
      .map((task) => [task, nanoseconds(topics, task), inUnits(topics, task)]),
  ]
  const peers = [OURS, ...PEER_NAMES].map((peer) => {
    const side = peer === OURS ? ours : roundsOf(sides[peer] ?? [])
    return [peer, ...counts.map((count) => short(median(side, name(count))))]
  })
  const many = whole(loads)
  const megabytes = (value: number): string => `${Math.round(value)} MB`
  const text = [
    table(['per message', 'time', '× JSON.parse'], rows),
    table(
      [`${many} rules`, 'median (lowest–highest)'],
      [
        [
          'compiled and indexed',
          withSpread(figureOf(loaded['loadedMs'] ?? []), (ms) => `${Math.round(ms)} ms`),
        ],
        [
          'the same, CPU time of all threads',
          withSpread(figureOf(loaded['cpuMs'] ?? []), (ms) => `${Math.round(ms)} ms`),
        ],
        ['heap', withSpread(figureOf(loaded['loadedMegabytes'] ?? []), megabytes)],
        [
          'heap, once half of them have matched',
          withSpread(figureOf(loaded['usedMegabytes'] ?? []), megabytes),
        ],
      ],
    ),
    table(['thresholds of which 1 % match, × JSON.parse', ...counts.map(whole)], peers),
  ].join('\n\n')

  const most = counts.at(-1) ?? 1
  const equality = Object.keys(ours).find((task) => task.includes('equality')) ?? ''
  const repeated = figureOf(topics[Object.keys(topics)[1] ?? ''] ?? []).median
  const loadedMs = figureOf(loaded['loadedMs'] ?? []).median
  const used = figureOf(loaded['usedMegabytes'] ?? []).median
  const aim = (
    label: string,
    found: number,
    limit: number,
    unit: string,
  ): Report['ratios'][number] => {
    return { name: label, found, wanted: `≤ ${limit} ${unit}`.trim(), reached: found <= limit }
  }
  return {
    title: 'rules: 150 bytes of JSON, parsed; WHERE, and the projection of every rule that matches',
    text,
    ratios: [
      aim(`${name(1)} / ${FLOOR}`, units(name(1)), 0.05, ''),
      aim('1 rule, matches each time / JSON.parse', units('1 rule, matches each time'), 0.05, ''),
      aim(
        'from raw bytes, 1 rule, never matches / JSON.parse',
        units('from raw bytes, 1 rule, never matches'),
        0.5,
        '',
      ),
      aim(`${name(most)} / ${FLOOR}`, units(name(most)), 3, ''),
      aim(`${equality} / ${FLOOR}`, units(equality), 0.2, ''),
      aim(`${many} rules loaded`, loadedMs, 1_000, 'ms'),
      aim(`${many} rules in memory`, used, 200, 'MB'),
      aim('topic match, repeated topics', repeated, 500, 'ns'),
    ],
  }
}

function median(side: Rounds, task: string): number {
  return ratioOf(side[task] ?? [], side[FLOOR] ?? []).median
}

function roundsOf(rounds: readonly Readonly<Record<string, number>>[]): Rounds {
  const names = Object.keys(rounds[0] ?? {})
  return Object.fromEntries(
    names.map((task) => [task, rounds.map((round) => round[task] ?? Number.NaN)]),
  )
}

/** The one line of JSON that a process prints. */
async function lineOf(args: readonly string[]): Promise<Record<string, number>> {
  const child = startNode(args, {})
  try {
    return JSON.parse(await child.nextLine())
  } finally {
    await child.stop()
  }
}
