import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startNode } from '../lib/child.ts'
import { cpuSeconds } from '../lib/machine.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf } from '../lib/statistics.ts'
import { short, table, withSpread } from '../lib/table.ts'
import { startAnyhub } from '../rivals/anyhub.ts'
import type { LiveHeard, LiveSpec } from './spec.ts'

/** A dashboard of 1,000 devices that are heard of 200 times in a second, and many who look at it. */
const DEVICES = 1_000
const PER_SECOND = 200
const LISTENERS = [0, 1, 20] as const

/** What 20 who listen may cost: the share of one core. */
const BOUND = 0.1

/** What those cost who follow the live stream. */
export async function liveReport({ smoke, rounds, measureMs }: BenchOptions): Promise<Report> {
  const found = new Map<number, number[]>(LISTENERS.map((listeners) => [listeners, []]))
  for (let round = 0; round < rounds; round++)
    for (const listeners of round % 2 === 0 ? LISTENERS : LISTENERS.toReversed())
      found.get(listeners)?.push(await measure(listeners, smoke ? 1_000 : measureMs))
  const figures = LISTENERS.map((listeners) => figureOf(found.get(listeners) ?? []))
  const cost = (figures.at(-1)?.median ?? Number.NaN) - (figures[0]?.median ?? Number.NaN)
  return {
    title: `live: ${PER_SECOND} messages in a second from ${DEVICES.toLocaleString('en-US')} devices, told over /live`,
    text: table(
      ['who listen', 'CPU of one core'],
      LISTENERS.map((listeners, index) => {
        const figure = figures[index]
        const share = (one: number): string => `${short(one * 100)} %`
        return [String(listeners), figure === undefined ? '' : withSpread(figure, share)]
      }),
    ),
    ratios: [
      {
        name: 'what 20 listeners cost, share of one core',
        found: cost,
        wanted: `≤ ${BOUND}`,
        reached: cost <= BOUND,
      },
    ],
  }
}

/** The share of one core that the cloud takes while so many listen. */
async function measure(listeners: number, measureMs: number): Promise<number> {
  const system = await startAnyhub({ durability: 'normal', http: true, check: () => undefined })
  const [pid = 0] = system.pids
  try {
    const spec: LiveSpec = {
      httpPort: system.httpPort ?? 0,
      mqttPort: system.mqttPort,
      listeners,
      devices: DEVICES,
      perSecond: PER_SECOND,
    }
    const child = startNode([join(import.meta.dirname, 'main.ts'), JSON.stringify(spec)], {})
    await child.nextLine()
    await sleep(measureMs / 2)
    const cpu = cpuSeconds(pid)
    const at = performance.now()
    await sleep(measureMs)
    const busy = (cpuSeconds(pid) - cpu) / ((performance.now() - at) / 1_000)
    const stopped = child.stop()
    const heard: LiveHeard = JSON.parse(await child.nextLine())
    await stopped
    check(heard, listeners)
    return busy
  } finally {
    await system.stop(undefined)
  }
}

/** Whoever listens is told of all: no device is heard of twice within the time in which changes are gathered. */
function check({ sent, told }: LiveHeard, listeners: number): void {
  if (told.length !== listeners || told.some((count) => count !== sent))
    throw new Error(`expected each of ${listeners} to be told of ${sent}, found ${told.join(', ')}`)
}
