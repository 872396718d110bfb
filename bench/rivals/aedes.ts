import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import type { System } from './system.ts'

/** Starts aedes, bare, in a process of its own. */
export async function startAedes(): Promise<System> {
  const child = startNode([join(import.meta.dirname, 'aedes-broker.mjs')], {})
  const mqttPort = Number(await child.nextLine())
  return {
    mqttPort,
    pids: [child.pid],
    async stop() {
      await child.stop()
    },
  }
}
