import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'

/** One way in which commands reach devices over AMQP. */
interface Sender {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
}

const PEER = 'bare rhea, keeps nothing'
const OURS = 'anyhub, durability full'

const SENDERS: readonly Sender[] = [
  { name: OURS, file: 'amqp-sender-anyhub.ts', args: ['full'] },
  { name: 'anyhub, durability normal', file: 'amqp-sender-anyhub.ts', args: ['normal'] },
  { name: PEER, file: 'amqp-sender-rhea.ts', args: [] },
]

/** Commands of one device that are under way at once. */
const WINDOW = 8

/** Commands through the queue to devices that accept them over AMQP and TLS. */
export async function amqpReport(options: BenchOptions): Promise<Report> {
  const devices = options.smoke ? 5 : 100
  const rates = new Map<string, number[]>(SENDERS.map(({ name }) => [name, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const sender of round % 2 === 0 ? SENDERS : SENDERS.toReversed())
      rates.get(sender.name)?.push(await deliver(sender, devices, options))
  }
  const of = (name: string): readonly number[] => rates.get(name) ?? []
  const rows = SENDERS.map(({ name }) => [
    name,
    withSpread(figureOf(of(name)), whole),
    name === PEER ? '1' : withSpread(ratioOf(of(name), of(PEER)), short),
  ])
  const found = figureOf(of(OURS)).median
  return {
    title: 'commands: delivered over AMQP',
    text: `${devices} devices on as many TLS connections, ${WINDOW} commands under way to each:\n\n${table(['', 'msg/s', '× rhea'], rows)}`,
    ratios: [
      {
        name: 'commands accepted over AMQP and Completed per second',
        found,
        wanted: '≥ 1000',
        reached: found >= 1_000,
      },
    ],
  }
}

async function deliver(sender: Sender, devices: number, options: BenchOptions): Promise<number> {
  const spans = [devices, WINDOW, options.warmUpMs, options.measureMs].map(String)
  const child = startNode([join(import.meta.dirname, sender.file), ...sender.args, ...spans], {})
  try {
    const file = await child.nextLine()
    const receivers = startNode(
      [join(import.meta.dirname, 'amqp-receivers.ts'), file, String(devices)],
      {},
    )
    try {
      await receivers.nextLine()
      const { measured, seconds } = JSON.parse(await child.nextLine())
      return measured / seconds
    } finally {
      await receivers.stop()
    }
  } finally {
    await child.stop()
  }
}
