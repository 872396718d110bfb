import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report, Wanted } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'
import { type CodecEntry, OURS } from './entry.ts'
import { CODEC_ENTRIES } from './list.ts'

/** What each round found for one task of one side. Unit: ns per message. */
type Rounds = Readonly<Record<string, readonly number[]>>

/** Our codecs beside the libraries of npm for their formats. `--shape cbor` measures one of them. */
export async function codecsReport(options: BenchOptions): Promise<Report> {
  const texts: string[] = []
  const ratios: Wanted[] = []
  for (const entry of CODEC_ENTRIES) {
    if (!entry.codec.includes(options.shape)) continue
    const sides = await measureAll(entry, options)
    texts.push(tableOf(entry, sides))
    ratios.push(...wantedOf(entry, sides))
  }
  return {
    title: 'codecs: a message read and written, beside the libraries of npm for its format',
    text: texts.join('\n\n'),
    ratios,
  }
}

async function measureAll(
  entry: CodecEntry,
  options: BenchOptions,
): Promise<ReadonlyMap<string, Rounds>> {
  const time = String(options.smoke ? 10 : Math.round(options.measureMs / 8))
  const found = new Map<string, Record<string, number[]>>()
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? entry.sides : entry.sides.toReversed()
    for (const { name } of order) {
      const line = await lineOf([join(import.meta.dirname, 'measure.ts'), entry.codec, name, time])
      const rounds = found.get(name) ?? {}
      for (const [task, value] of Object.entries(line))
        rounds[task] = [...(rounds[task] ?? []), value]
      found.set(name, rounds)
    }
  }
  return found
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

/** Every task that our side has: "150 bytes decode" and so on. */
function tasksOf(entry: CodecEntry, sides: ReadonlyMap<string, Rounds>): readonly string[] {
  const ours = sides.get(OURS) ?? {}
  return entry.shapes.flatMap(({ name }) =>
    [`${name} decode`, `${name} encode`].filter((task) => ours[task] !== undefined),
  )
}

function tableOf(entry: CodecEntry, sides: ReadonlyMap<string, Rounds>): string {
  const tasks = tasksOf(entry, sides)
  const ours = sides.get(OURS) ?? {}
  const sizes = entry.shapes.map(({ name }) => {
    const size = figureOf(ours[`${name} bytes`] ?? []).median
    return `${name} are ${whole(size)}`
  })
  const rows = entry.sides.map(({ name }) => [
    name,
    ...tasks.map((task) => {
      const theirs = sides.get(name)?.[task]
      if (theirs === undefined) return '–'
      const time = `${short(figureOf(theirs).median)} ns`
      return name === OURS
        ? time
        : `${time}, × ${withSpread(ratioOf(theirs, ours[task] ?? []), short)}`
    }),
  ])
  return `${entry.codec} (in bytes: ${sizes.join(', ')}):\n\n${table(['per message', ...tasks], rows)}`
}

/** Each task beside the fastest library that does it. */
function wantedOf(entry: CodecEntry, sides: ReadonlyMap<string, Rounds>): readonly Wanted[] {
  const ours = sides.get(OURS) ?? {}
  const { atMost = 1 } = entry
  return tasksOf(entry, sides).flatMap((task) => {
    const rivals = entry.sides
      .filter(({ name }) => name !== OURS)
      .flatMap(({ name }) => {
        const rounds = sides.get(name)?.[task]
        return rounds === undefined
          ? []
          : [{ name, ratio: ratioOf(ours[task] ?? [], rounds).median }]
      })
      .toSorted((a, b) => b.ratio - a.ratio)
    const [fastest] = rivals
    if (fastest === undefined) return []
    const { name, ratio } = fastest
    return [
      {
        name: `${entry.codec}, ${task} / ${name}`,
        found: ratio,
        wanted: `≤ ${atMost}`,
        reached: ratio <= atMost,
      },
    ]
  })
}
