import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startNode } from '../lib/child.ts'
import { cpuSeconds, residentBytes } from '../lib/machine.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf } from '../lib/statistics.ts'
import { short, table, withSpread } from '../lib/table.ts'
import { startAnyhub } from '../rivals/anyhub.ts'
import type { IdleSpec } from './spec.ts'

const MB = 2 ** 20

/** A bound in the words of the project: connected idle devices, resident memory of the cloud. */
const BOUND_MB = 600

/** After so long nothing of the connecting is left to be done. Unit: ms. */
const SETTLE_MS = 5_000

interface Found {
  /** Unit: MB. */
  readonly before: number
  readonly after: number
  /** CPU time while nothing happens, share of one core. */
  readonly busy: number
}

/** Devices that are connected, have subscribed to their shadow and say nothing. */
export async function idleReport(options: BenchOptions): Promise<Report> {
  const { smoke, rounds } = options
  const cases = [
    { name: 'MQTT', connections: smoke ? 20 : 10_000, tls: false },
    { name: 'MQTT over TLS', connections: smoke ? 5 : 2_000, tls: true },
  ]
  const rows: string[][] = []
  let plain = Number.NaN
  for (const { name, connections, tls } of cases) {
    const found: Found[] = []
    for (let round = 0; round < rounds; round++)
      found.push(await measure(connections, tls, smoke ? 200 : SETTLE_MS))
    const after = figureOf(found.map((one) => one.after))
    if (!tls) plain = after.median
    rows.push([
      `${connections.toLocaleString('en-US')} over ${name}`,
      short(figureOf(found.map((one) => one.before)).median),
      withSpread(after, short),
      withSpread(
        figureOf(found.map((one) => ((one.after - one.before) * 1_024) / connections)),
        short,
      ),
      `${short(figureOf(found.map((one) => one.busy)).median * 100)} %`,
    ])
  }
  return {
    title: 'idle: devices that are connected, have subscribed and say nothing',
    text: table(['', 'MB before', 'MB resident', 'KB each', 'CPU of one core'], rows),
    ratios: [
      {
        name: '10,000 connected idle devices, MB resident',
        found: plain,
        wanted: `< ${BOUND_MB}`,
        reached: plain < BOUND_MB,
      },
    ],
  }
}

async function measure(connections: number, tls: boolean, settleMs: number): Promise<Found> {
  const system = await startAnyhub({ durability: 'full', tls })
  const [pid = 0] = system.pids
  try {
    await sleep(settleMs / 5)
    const before = residentBytes(pid) / MB
    const spec: IdleSpec = tls
      ? { port: system.mqttsPort ?? 0, connections, tls, password: system.adminToken }
      : { port: system.mqttPort, connections, tls }
    const child = startNode([join(import.meta.dirname, 'main.ts'), JSON.stringify(spec)], {})
    try {
      await child.nextLine()
      await sleep(settleMs)
      const cpu = cpuSeconds(pid)
      const at = performance.now()
      await sleep(settleMs)
      const busy = (cpuSeconds(pid) - cpu) / ((performance.now() - at) / 1_000)
      return { before, after: residentBytes(pid) / MB, busy }
    } finally {
      await child.stop()
    }
  } finally {
    await system.stop(undefined)
  }
}
