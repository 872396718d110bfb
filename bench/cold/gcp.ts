import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startFramework, writeFunctions } from '../gcp/framework.ts'
import { openLoad } from '../gcp/load.ts'
import { createRequests } from '../gcp/message.ts'
import { environment, openStandIn } from '../gcp/stand-in.ts'
import type { Report } from '../lib/options.ts'
import { figureOf, ratioOf } from '../lib/statistics.ts'
import { short, table, whole, withSpread } from '../lib/table.ts'

/** The bound in the words of the project. */
const MOST_RATIO = 3

interface Times {
  readonly ready: number[]
  readonly first: number[]
}

/** Cold start of `ingest` of Google by functions-framework, beside a handler that does nothing. */
export async function coldOfGcp(rounds: number): Promise<Pick<Report, 'text' | 'ratios'>> {
  const root = mkdtempSync(join(tmpdir(), 'anyhub-cold-gcp-'))
  const standIn = await openStandIn()
  try {
    const { empty, ingest, bytes } = await writeFunctions(root)
    const floor: Times = { ready: [], first: [] }
    const ours: Times = { ready: [], first: [] }
    const cases = [
      { folder: empty, times: floor },
      { folder: ingest, times: ours },
    ]
    // One round that does not count: files come into the memory of the machine.
    for (let round = -1; round < rounds; round++)
      for (const { folder, times } of round % 2 === 0 ? cases : cases.toReversed()) {
        const [ready, first] = await run(folder, standIn.host)
        if (round < 0) continue
        times.ready.push(ready)
        times.first.push(first)
      }
    if (standIn.rows() !== rounds + 1)
      throw new Error(`expected ${rounds + 1} messages stored, found ${standIn.rows()}`)
    const row = (name: string, times: readonly number[], base: readonly number[]) => [
      name,
      withSpread(figureOf(times), short),
      withSpread(ratioOf(times, base), short),
    ]
    const rows = [
      row('empty handler, serves', floor.ready, floor.ready),
      row('empty handler, first message answered', floor.first, floor.first),
      row('ingest, serves', ours.ready, floor.ready),
      row('ingest, first message stored', ours.first, floor.first),
    ]
    const wanted = (name: string, found: number) => ({
      name,
      found,
      wanted: `≤ ${MOST_RATIO}`,
      reached: found <= MOST_RATIO,
    })
    return {
      text: `Google, by functions-framework\n\n${table(['', 'ms', 'of an empty handler'], rows)}\n\nThe bundle has ${whole(bytes)} bytes. Firestore is a stand-in on the loopback.`,
      ratios: [
        wanted(
          'Google: ingest serves, of an empty handler',
          ratioOf(ours.ready, floor.ready).median,
        ),
        wanted(
          'Google: first message stored, of an empty handler',
          ratioOf(ours.first, floor.first).median,
        ),
      ],
    }
  } finally {
    standIn.close()
    rmSync(root, { recursive: true })
  }
}

/** From the start of one process until it serves, and until it has answered. Unit: ms. */
async function run(folder: string, host: string): Promise<[ready: number, first: number]> {
  const port = await freePort()
  const request = createRequests('push').one(Math.floor(Math.random() * 1e9))
  const started = performance.now()
  const child = await startFramework(folder, 'push', port, environment(host))
  const ready = performance.now() - started
  try {
    await (await openLoad(port, 1, () => request)).stop()
    return [ready, performance.now() - started]
  } finally {
    await child.stop()
  }
}
