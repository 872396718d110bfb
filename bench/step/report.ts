import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, withSpread } from '../lib/table.ts'

const FLOOR = 'JSON.parse'

/** What one message costs, in units of one `JSON.parse` of it. */
export async function stepReport(options: BenchOptions): Promise<Report> {
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
  const names = Object.keys(rounds[0] ?? {})
  const rows = names.map((name) => [
    name,
    `${short(figureOf(timesOf(name)).median)} ns`,
    withSpread(ratioOf(timesOf(name), floor), short),
  ])
  const found = ratioOf(timesOf('step'), floor).median
  return {
    title: 'step: 150 bytes of JSON, 10 rules on one topic filter, 1 in 10 matches and republishes',
    text: table(['per message', 'time', '× JSON.parse'], rows),
    ratios: [{ name: 'step / JSON.parse', found, wanted: '≤ 4', reached: found <= 4 }],
  }
}
