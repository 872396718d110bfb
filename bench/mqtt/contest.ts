import type { BenchOptions } from '../lib/options.ts'
import { checkLoad, type LoadResult } from '../load/spec.ts'
import { startLoad } from '../load/start-load.ts'
import type { System } from '../rivals/system.ts'
import { type Shape, specOf } from './shapes.ts'

/** A way to start one of the systems that are compared. */
export interface Rival {
  readonly name: string
  readonly start: () => Promise<System>
}

/**
 * Lets every rival serve one shape, round by round: fresh processes each time, one rival after the other, in the other
 * order in every second round.
 *
 * @throws Error if a rival lost, doubled or changed a message.
 */
export async function contest(
  rivals: readonly Rival[],
  shape: Shape,
  echo: boolean,
  options: BenchOptions,
): Promise<ReadonlyMap<string, readonly LoadResult[]>> {
  const found = new Map<string, LoadResult[]>(rivals.map(({ name }) => [name, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const rival of round % 2 === 0 ? rivals : rivals.toReversed()) {
      found.get(rival.name)?.push(await serve(rival, shape, echo, options))
    }
  }
  return found
}

async function serve(
  rival: Rival,
  shape: Shape,
  echo: boolean,
  options: BenchOptions,
): Promise<LoadResult> {
  const system = await rival.start()
  let sent: number | undefined
  try {
    const spec = specOf(shape, system, echo, options)
    const result = await startLoad(spec)
    checkLoad(rival.name, spec, result)
    sent = result.sent
    return result
  } finally {
    await system.stop(sent)
  }
}

/** Messages per second of each round. */
export function ratesOf(results: readonly LoadResult[]): number[] {
  return results.map(({ measured, seconds }) => measured / seconds)
}

/** CPU time per message of each round, all processes and threads of the system. Unit: µs. */
export function costsOf(results: readonly LoadResult[]): number[] {
  return results.map(({ cpu, measured }) => (cpu / measured) * 1e6)
}
