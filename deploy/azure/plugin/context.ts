import type { AzureApi } from './api.ts'
import type { ServiceConfig } from './config.ts'
import type { Names } from './names.ts'

/** What every step has at hand. */
export interface Context {
  readonly api: AzureApi
  readonly names: Names
  readonly config: ServiceConfig
  /** Says one thing that was done. */
  say(text: string): void
}

/** Does the work for all, a few at a time, in no order; the first failure ends it. */
export async function forAll<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atOnce = 6,
): Promise<void> {
  const rest = [...items]
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
