import type { BenchOptions, Report, Wanted } from '../lib/options.ts'
import { startAedes } from '../rivals/aedes.ts'
import { startAnyhub } from '../rivals/anyhub.ts'
import { contest, type Rival } from './contest.ts'
import { ingestShapes, trickle } from './shapes.ts'
import { capacityRatio, capacityTable, latencyTable } from './tables.ts'

const PEER = 'aedes, drops everything'
const FULL = 'anyhub, durability full'

const RIVALS: readonly Rival[] = [
  { name: FULL, start: () => startAnyhub({ durability: 'full' }) },
  { name: 'anyhub, durability normal', start: () => startAnyhub({ durability: 'normal' }) },
  { name: PEER, start: startAedes },
]

/** MQTT QoS 1 into the embedded cloud with its built-in config, against a broker that keeps nothing. */
export async function ingestReport(options: BenchOptions): Promise<Report> {
  const parts: string[] = []
  const ratios: Wanted[] = []
  for (const shape of ingestShapes(options)) {
    const results = await contest(RIVALS, shape, false, options)
    parts.push(`${shape.name}:\n\n${capacityTable(results, PEER)}`)
    const found = capacityRatio(results, FULL, PEER)
    ratios.push({ name: `ingest, ${shape.name}`, found, wanted: '≥ 0.5', reached: found >= 0.5 })
  }
  for (const rate of [1_000, 5_000]) {
    const shape = trickle(rate, options)
    parts.push(`${shape.name}:\n\n${latencyTable(await contest(RIVALS, shape, false, options))}`)
  }
  return {
    title: 'ingest: MQTT QoS 1, acknowledged after the commit, every message checked on the disk',
    text: parts.join('\n\n'),
    ratios,
  }
}
