import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf } from '../lib/statistics.ts'
import { short, table, withSpread } from '../lib/table.ts'

/** The bound in the words of the project. Unit: ms. */
const MOST_MS = 1_000

/** What one broadcast costs the core, and whether its memory grows with the audience. */
export async function fanOutReport(options: BenchOptions): Promise<Report> {
  const sizes = options.smoke ? [100, 1_000] : [1_000, 10_000, 100_000]
  const found = new Map<number, Record<string, number>[]>(sizes.map((size) => [size, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const size of round % 2 === 0 ? sizes : sizes.toReversed()) {
      const file = join(import.meta.dirname, 'measure.ts')
      const child = startNode(['--expose-gc', file, String(size)], {})
      try {
        found.get(size)?.push(JSON.parse(await child.nextLine()))
      } finally {
        await child.stop()
      }
    }
  }
  const figure = (size: number, name: string) =>
    figureOf((found.get(size) ?? []).map((round) => round[name] ?? Number.NaN))
  const rows = sizes.map((size) => [
    String(size),
    withSpread(figure(size, 'cpuMs'), short),
    withSpread(figure(size, 'wallMs'), short),
    withSpread(figure(size, 'floorMs'), short),
    withSpread(figure(size, 'heapMb'), short),
    withSpread(figure(size, 'grownMb'), short),
  ])
  const largest = sizes.at(-1) ?? 0
  const smallest = sizes[0] ?? 0
  const cpuMs = figure(largest, 'cpuMs').median
  const grown = figure(largest, 'heapMb').median - figure(smallest, 'heapMb').median
  return {
    title: 'fanout: one broadcast to subscriptions of a store, 500 on a page',
    text: table(
      ['subscriptions', 'CPU, ms', 'wall, ms', 'rows alone, ms', 'heap at most, MB', 'grown, MB'],
      rows,
    ),
    ratios: [
      {
        name: `a broadcast to ${largest}, ms of CPU`,
        found: cpuMs,
        wanted: `≤ ${MOST_MS}`,
        reached: cpuMs <= MOST_MS,
      },
      {
        name: `heap at most, ${largest} against ${smallest}, MB more`,
        found: grown,
        wanted: '≤ 2',
        reached: grown <= 2,
      },
    ],
  }
}
