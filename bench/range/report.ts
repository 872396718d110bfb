import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'
import { sizeOf } from './spec.ts'

const RIVALS = ['anyhub', 'rows'] as const
type Rival = (typeof RIVALS)[number]

const QUESTIONS = {
  day: 'one device, one day, all rows',
  dayInBuckets: 'one device, one day, 2 metrics, averages of 5 min',
  lastHourOfAll: 'all devices, the last hour, 2 metrics, averages of 1 min',
} as const
type Question = keyof typeof QUESTIONS

/** The bounds in the words of the project. Unit: ms. */
const MOST_MS: Readonly<Partial<Record<Question, number>>> = { day: 5, lastHourOfAll: 150 }

/** What one process measured. */
type Measured = Readonly<Record<Question, { readonly ms: number; readonly found: number }>>

interface Filled {
  readonly fillMs: number
  readonly sealMs: number
  readonly bytes: number
}

/** What reading telemetry costs where there is much of it, against the same rows in a table that has one row for each. */
export async function rangeReport(options: BenchOptions): Promise<Report> {
  const sizeName = options.smoke ? 'smoke' : 'full'
  const { devices, rowsOfEach } = sizeOf(sizeName)
  const rows = devices * rowsOfEach
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-bench-'))
  const filled = new Map<Rival, Filled>()
  const measured = new Map<Rival, Measured[]>(RIVALS.map((rival) => [rival, []]))
  try {
    for (const rival of RIVALS) filled.set(rival, await run('fill.ts', folder, rival, sizeName))
    for (let round = 0; round < options.rounds; round++) {
      for (const rival of round % 2 === 0 ? RIVALS : RIVALS.toReversed())
        measured.get(rival)?.push(await run('measure.ts', folder, rival, sizeName))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }

  const timesOf = (rival: Rival, question: Question): number[] =>
    (measured.get(rival) ?? []).map((round) => round[question].ms)
  const lines = questions().map((question) => {
    const counts = RIVALS.map((rival) => measured.get(rival)?.[0]?.[question].found)
    if (counts[0] !== counts[1])
      throw new Error(`${question}: expected one answer, found ${counts.join(' and ')}`)
    const ours = timesOf('anyhub', question)
    const theirs = timesOf('rows', question)
    return [
      QUESTIONS[question],
      whole(counts[0] ?? Number.NaN),
      withSpread(figureOf(ours), short),
      withSpread(figureOf(theirs), short),
      withSpread(ratioOf(ours, theirs), short),
    ]
  })
  const sizes = RIVALS.map((rival) => {
    const { fillMs, sealMs, bytes } = filled.get(rival) ?? { fillMs: 0, sealMs: 0, bytes: 0 }
    return [
      rival === 'anyhub' ? 'anyhub' : 'a row for each, keyed by device and time',
      short(bytes / 1_000_000),
      whole(rows / (fillMs / 1_000)),
      rival === 'anyhub' ? whole(rows / (sealMs / 1_000)) : 'not packed',
    ]
  })
  return {
    title: `range: ${whole(rows)} rows of ${whole(devices)} devices on the disk, 3 metrics each`,
    text: [
      table(['', 'found', 'anyhub, ms', 'SQLite rows, ms', 'ratio'], lines),
      table(['', 'MB', 'rows stored per s', 'rows packed per s'], sizes),
    ].join('\n\n'),
    ratios: questions().flatMap((question) => {
      const most = MOST_MS[question]
      if (most === undefined) return []
      const found = figureOf(timesOf('anyhub', question)).median
      return [
        {
          name: `${QUESTIONS[question]}, ms`,
          found,
          wanted: `< ${most}`,
          reached: found < most,
        },
      ]
    }),
  }
}

function questions(): readonly Question[] {
  return ['day', 'dayInBuckets', 'lastHourOfAll']
}

/** Runs one of the two files in a process of its own, and gives its last line; those before say that it is alive. */
async function run<T>(file: string, folder: string, rival: Rival, sizeName: string): Promise<T> {
  const child = startNode([join(import.meta.dirname, file), folder, rival, sizeName], {})
  try {
    for (;;) {
      const line = await child.nextLine()
      if (!line.startsWith('…')) return JSON.parse(line)
    }
  } finally {
    await child.stop()
  }
}
