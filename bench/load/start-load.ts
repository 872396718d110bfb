import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { LoadResult, LoadSpec } from './spec.ts'

/** Runs a load in a process of its own and waits for its result. */
export async function startLoad(spec: LoadSpec): Promise<LoadResult> {
  const child = startNode([join(import.meta.dirname, 'main.ts'), JSON.stringify(spec)], {})
  try {
    return JSON.parse(await child.nextLine())
  } finally {
    await child.stop()
  }
}
