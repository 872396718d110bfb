import { join } from 'node:path'
import * as z from 'zod'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'

const WHO = {
  http: 'bare node:http with an agent',
  sender: 'the sender of webhooks alone',
  anyhub: 'anyhub, from its queue on disk to settled',
} as const
type Who = keyof typeof WHO

const NAMES = ['http', 'sender', 'anyhub'] as const satisfies readonly Who[]

/** Webhooks, of which each has eight under way. */
const CHANNELS = 8

const Found = z.object({ ms: z.number(), overtaken: z.number().optional() })

/** Deliveries per second to webhooks on loopback, and how many leave before an urgent one that came last. */
export async function notifyReport({ rounds, smoke }: BenchOptions): Promise<Report> {
  const count = smoke ? 500 : 20_000
  const perSecond: Record<Who, number[]> = { http: [], sender: [], anyhub: [] }
  const overtaken: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (const who of round % 2 === 0 ? NAMES : NAMES.toReversed()) {
      const found = await run(who, count)
      perSecond[who].push((count * 1_000) / found.ms)
      if (found.overtaken !== undefined) overtaken.push(found.overtaken)
    }
  }
  const rows = NAMES.map((who) => [
    WHO[who],
    withSpread(figureOf(perSecond[who]), whole),
    withSpread(ratioOf(perSecond[who], perSecond.http), short),
  ])
  const batch = CHANNELS * 8
  const before = Math.max(...overtaken)
  const ratio = (who: Who): number => ratioOf(perSecond[who], perSecond.http).median
  return {
    title: 'Notifications',
    text: [
      `${whole(count)} signed webhooks on loopback, ${batch} under way, to a process of its own that answers 204.`,
      table(['', 'deliveries/s', '× bare'], rows),
      `An urgent one that comes when ${whole(count)} wait leaves after ${whole(before)} others at most: what was under way and one batch of ${batch}.`,
    ].join('\n\n'),
    ratios: [
      {
        name: 'sender of webhooks / bare node:http',
        found: ratio('sender'),
        wanted: '≥ 0.7',
        reached: ratio('sender') >= 0.7,
      },
      {
        name: 'delivery of notifications, with the queue / bare node:http',
        found: ratio('anyhub'),
        wanted: '≥ 0.7',
        reached: ratio('anyhub') >= 0.7,
      },
      {
        name: 'deliveries before an urgent one',
        found: before,
        wanted: `≤ ${2 * batch}`,
        reached: before <= 2 * batch,
      },
    ],
  }
}

async function run(who: Who, count: number): Promise<z.output<typeof Found>> {
  const sink = startNode([join(import.meta.dirname, 'sink.ts')], {})
  try {
    const url = `http://127.0.0.1:${await sink.nextLine()}/`
    const script = join(import.meta.dirname, 'deliver.ts')
    const child = startNode([script, who, url, String(count), String(CHANNELS)], {})
    try {
      return Found.parse(JSON.parse(await child.nextLine()))
    } finally {
      await child.stop()
    }
  } finally {
    await sink.stop()
  }
}
