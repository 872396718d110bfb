import type { BenchOptions, Report, Wanted } from '../lib/options.ts'
import { startAedes } from '../rivals/aedes.ts'
import { startAnyhub } from '../rivals/anyhub.ts'
import { contest, type Rival } from './contest.ts'
import { ingestShapes, trickles } from './shapes.ts'
import { capacityRatio, capacityTable, latencyTable } from './tables.ts'

const PEER = 'aedes, drops everything'
const FULL = 'anyhub, durability full'

/** No rules and no alarms, as the peer has none; values, shadow and telemetry are kept. */
const EMPTY = 'rules: {}\n'

const OURS: Rival = { name: FULL, start: () => startAnyhub({ durability: 'full', config: EMPTY }) }
const NORMAL: Rival = {
  name: 'anyhub, durability normal',
  start: () => startAnyhub({ durability: 'normal', config: EMPTY }),
}
const BUILT_IN: Rival = {
  name: 'anyhub, full, the rules and alarms of the built-in config',
  start: () => startAnyhub({ durability: 'full' }),
}
const AEDES: Rival = { name: PEER, start: startAedes }

/** MQTT QoS 1 into the embedded cloud, against a broker that keeps nothing. */
export async function ingestReport(options: BenchOptions): Promise<Report> {
  const parts: string[] = []
  const ratios: Wanted[] = []
  const { smoke } = options
  for (const shape of ingestShapes(options)) {
    const rivals = smoke ? [OURS, AEDES] : [OURS, NORMAL, BUILT_IN, AEDES]
    const results = await contest(rivals, shape, false, options)
    parts.push(`${shape.name}:\n\n${capacityTable(results, PEER)}`)
    const found = capacityRatio(results, FULL, PEER)
    ratios.push({ name: `ingest, ${shape.name}`, found, wanted: '≥ 0.5', reached: found >= 0.5 })
  }
  for (const shape of trickles(smoke ? [200] : [1_000, 5_000], options)) {
    const rivals = smoke ? [OURS, AEDES] : [OURS, NORMAL, AEDES]
    parts.push(`${shape.name}:\n\n${latencyTable(await contest(rivals, shape, false, options))}`)
  }
  return {
    title: 'ingest: MQTT QoS 1, acknowledged after the commit, every message checked on the disk',
    text: parts.join('\n\n'),
    ratios,
  }
}
