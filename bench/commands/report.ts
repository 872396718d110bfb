import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report, Wanted } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'

/** One way in which commands reach devices. */
interface Sender {
  readonly name: string
  readonly args: readonly string[]
  readonly file: string
}

const PEER = 'bare aedes, keeps nothing'
const OURS = 'anyhub, durability full'

const SENDERS: readonly Sender[] = [
  { name: OURS, file: 'sender-anyhub.ts', args: ['full'] },
  { name: 'anyhub, durability normal', file: 'sender-anyhub.ts', args: ['normal'] },
  { name: PEER, file: 'sender-aedes.mjs', args: [] },
]

/** Commands of one device that are under way at once. */
const WINDOW = 8

interface QueueResult {
  readonly enqueueSeconds: number
  readonly expireSeconds: number
  readonly expired: number
  readonly feedback: number
  readonly looked: number
  readonly loads: number
  readonly plan: readonly string[]
}

/** Commands into queues and out of them by time, and over MQTT to devices that acknowledge them. */
export async function commandsReport(options: BenchOptions): Promise<Report> {
  const queue = await measureQueue(options)
  const delivery = await measureDelivery(options)
  return {
    title: 'commands: queued, expired, and delivered over MQTT',
    text: `${queue.text}\n\n${delivery.text}`,
    ratios: [...queue.ratios, ...delivery.ratios],
  }
}

async function measureQueue(options: BenchOptions): Promise<Omit<Report, 'title'>> {
  const [devices, commands, idle] = options.smoke ? [100, 1_000, 100] : [10_000, 100_000, 90_000]
  const rounds: QueueResult[] = []
  for (let round = 0; round < options.rounds; round++) {
    const args = [join(import.meta.dirname, 'queue.ts'), ...[devices, commands, idle].map(String)]
    const child = startNode(args, {})
    try {
      const result: QueueResult = JSON.parse(await child.nextLine())
      if (result.expired !== commands || result.feedback !== commands / 10)
        throw new Error(`expected ${commands} to expire, found ${JSON.stringify(result)}`)
      rounds.push(result)
    } finally {
      await child.stop()
    }
  }
  const rate = figureOf(rounds.map(({ enqueueSeconds }) => commands / enqueueSeconds))
  const expiry = figureOf(rounds.map(({ expireSeconds }) => commands / expireSeconds))
  const looked = Math.max(...rounds.map((one) => one.looked))
  const loads = Math.max(...rounds.map((one) => one.loads))
  const rows = [
    ['queued, durability full', `${withSpread(rate, whole)} commands/s`],
    ['expired, a tenth of them with feedback', `${withSpread(expiry, whole)} commands/s`],
    ['devices looked at to expire them', `${whole(looked)} of ${whole(devices + idle)}`],
    ['records loaded for it', whole(loads)],
    ['how SQLite finds them', rounds[0]?.plan.join('; ') ?? ''],
  ]
  return {
    text: `${whole(commands)} commands for ${whole(devices)} devices, beside ${whole(idle)} that are idle:\n\n${table(['', ''], rows)}`,
    ratios: [
      {
        name: 'commands queued per second',
        found: rate.median,
        wanted: '≥ 5000',
        reached: rate.median >= 5_000,
      },
      {
        name: 'devices looked at per device with expired commands',
        found: looked / devices,
        wanted: '≤ 1',
        reached: looked <= devices,
      },
    ],
  }
}

async function measureDelivery(options: BenchOptions): Promise<Omit<Report, 'title'>> {
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
  const ratio: Wanted = {
    name: 'commands delivered and Completed per second',
    found,
    wanted: '≥ 1000',
    reached: found >= 1_000,
  }
  return {
    text: `${devices} devices on as many connections, ${WINDOW} commands under way to each:\n\n${table(['', 'msg/s', '× aedes'], rows)}`,
    ratios: [ratio],
  }
}

async function deliver(sender: Sender, devices: number, options: BenchOptions): Promise<number> {
  const spans = [devices, WINDOW, options.warmUpMs, options.measureMs].map(String)
  const args = [join(import.meta.dirname, sender.file), ...sender.args, ...spans]
  const child = startNode(args, {})
  try {
    const port = await child.nextLine()
    const receivers = startNode(
      [join(import.meta.dirname, 'receivers.ts'), port, String(devices)],
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
