import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, withSpread } from '../lib/table.ts'

const FLOOR = 'JSON.parse and stringify of the telemetry'
const OURS = 'anyhub, script codec'

/** The bound in the words of the project. Unit: µs. */
const MOST_MICROSECONDS = 60

/** What a call of a script costs, beside ways that isolate less or cost more. */
export async function scriptsReport(options: BenchOptions): Promise<Report> {
  const found: Record<string, number[]> = {}
  for (let round = 0; round < options.rounds; round++) {
    const time = String(Math.round(options.measureMs / 4))
    const child = startNode([join(import.meta.dirname, 'measure.ts'), time], {})
    const line: Record<string, number> = JSON.parse(await child.nextLine())
    await child.stop()
    for (const [name, nanoseconds] of Object.entries(line))
      found[name] = [...(found[name] ?? []), nanoseconds / 1_000]
  }
  const floor = found[FLOOR] ?? []
  const rows = Object.entries(found).map(([name, times]) => [
    name,
    withSpread(figureOf(times), short),
    withSpread(ratioOf(times, floor), short),
  ])
  const ours = figureOf(found[OURS] ?? []).median
  return {
    title: 'scripts: a call of a decoder of 40 lines, 22 bytes in, 6 values out',
    text: table(['a call', 'µs', '× JSON'], rows),
    ratios: [
      {
        name: 'a warm call of a script, µs',
        found: ours,
        wanted: `≤ ${MOST_MICROSECONDS}`,
        reached: ours <= MOST_MICROSECONDS,
      },
    ],
  }
}
