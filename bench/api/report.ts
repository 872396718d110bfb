import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, withSpread } from '../lib/table.ts'
import { startAnyhub } from '../rivals/anyhub.ts'
import { requestsPerSecond } from './client.ts'

/** Of a bare handler's requests per second. */
const WANTED = 0.6

const CONFIG = 'api:\n  rateLimit:\n    requests: 1000000\n    per: 1s\n'

/** What the way of a request through the API costs, against a bare handler. */
export async function apiReport({ rounds, warmUpMs, measureMs }: BenchOptions): Promise<Report> {
  const system = await startAnyhub({
    durability: 'normal',
    http: true,
    config: CONFIG,
    check: () => undefined,
  })
  const base = `http://127.0.0.1:${system.httpPort}`
  const path = '/devices/truck-7'
  const authorization = { authorization: `Bearer ${system.adminToken}` }
  await fetch(`${base}${path}/telemetry`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"temp":21.5,"hum":40,"batt":3.3}',
  })
  const answer = await (await fetch(`${base}${path}`, { headers: authorization })).text()
  const bare = startNode([join(import.meta.dirname, 'bare.ts'), answer], {})
  const barePort = Number(await bare.nextLine())
  const rates: Record<'ours' | 'bare', number[]> = { ours: [], bare: [] }
  const measure = async (who: 'ours' | 'bare'): Promise<void> => {
    const port = who === 'ours' ? (system.httpPort ?? 0) : barePort
    rates[who].push(await requestsPerSecond(port, path, authorization, warmUpMs, measureMs))
  }
  try {
    for (let round = 0; round < rounds; round++)
      for (const who of round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const))
        await measure(who)
  } finally {
    await bare.stop()
    await system.stop(undefined)
  }
  const ratio = ratioOf(rates.ours, rates.bare)
  return {
    title: `api: GET one device (${answer.length} bytes) over HTTP, connections kept`,
    text: table(
      ['who', 'requests in a second'],
      [
        ['anyhub: known by its token, checked, answered', withSpread(figureOf(rates.ours), short)],
        ['a bare Hono handler with the same answer', withSpread(figureOf(rates.bare), short)],
      ],
    ),
    ratios: [
      {
        name: 'API to bare handler',
        found: ratio.median,
        wanted: `≥ ${WANTED}`,
        reached: ratio.median >= WANTED,
      },
    ],
  }
}
