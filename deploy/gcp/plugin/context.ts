import type { GoogleApi } from './api.ts'
import type { ServiceConfig } from './config.ts'
import type { Names } from './names.ts'

/** What every step has at hand. */
export interface Context {
  readonly api: GoogleApi
  readonly names: Names
  readonly config: ServiceConfig
  /** Says one thing that was done. */
  say(text: string): void
}

/** Does the work for all, a few at a time; the failures of all are told together, after the last has ended. */
export async function forAll<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atOnce = 4,
): Promise<void> {
  const rest = [...items]
  const failures: unknown[] = []
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) {
      try {
        await work(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  const [first] = failures
  if (failures.length > 1 && first instanceof Error)
    throw new Error(
      failures.map((one) => (one instanceof Error ? one.message : String(one))).join('\n\n'),
      {
        cause: first,
      },
    )
  if (failures.length > 0) throw first
}
