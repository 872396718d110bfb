import type { BenchOptions, Report, Wanted } from '../lib/options.ts'
import { startAnyhub } from '../rivals/anyhub.ts'
import { startNodeRed } from '../rivals/node-red.ts'
import { contest, type Rival } from './contest.ts'
import { roundTripShapes, trickles } from './shapes.ts'
import { capacityRatio, capacityTable, latencyTable } from './tables.ts'

/** What the flow does, as a rule. */
export const RULE_CONFIG = `rules:
  hot:
    sql: SELECT *, true AS hot FROM 'devices/+/telemetry' WHERE temp > -30
    actions:
      - republish: { topic: 'alerts/\${topic(2)}/telemetry', qos: 1 }
`

const PEER = 'Node-RED + aedes, keeps nothing'
const OURS = 'anyhub, durability full'

const RIVALS: readonly Rival[] = [
  { name: OURS, start: () => startAnyhub({ durability: 'full', config: RULE_CONFIG }) },
  { name: PEER, start: startNodeRed },
]

/** Device → rule → device over MQTT, every message matches: published with QoS 1, received with QoS 1. */
export async function roundTripReport(options: BenchOptions): Promise<Report> {
  const parts: string[] = []
  const ratios: Wanted[] = []
  for (const shape of roundTripShapes(options)) {
    const results = await contest(RIVALS, shape, true, options)
    parts.push(`${shape.name}:\n\n${capacityTable(results, PEER)}`)
    const found = capacityRatio(results, OURS, PEER)
    ratios.push({ name: `roundtrip, ${shape.name}`, found, wanted: '≥ 2.5', reached: found >= 2.5 })
  }
  for (const shape of trickles([5_000], options))
    parts.push(`${shape.name}:\n\n${latencyTable(await contest(RIVALS, shape, true, options))}`)
  return {
    title: 'roundtrip: device → rule → device, every message matches and comes back',
    text: parts.join('\n\n'),
    ratios,
  }
}
