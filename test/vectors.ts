import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe } from 'vitest'

/** The folder of third-party vectors and data: beside the project, never inside it. */
const shared = resolve(import.meta.dirname, '../../shared')

/** Reads one vector file. Call it inside the suite that `describeWithShared` opened. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(resolve(shared, 'vectors', name), 'utf8')) as T
}

/** The path of one file of third-party data, for example `iot-demo.jsonl`. */
export function sharedData(name: string): string {
  return resolve(shared, 'data', name)
}

/** A suite that needs `../shared/<file>`: skipped by name, with the reason, where the project stands alone. */
export function describeWithShared(name: string, file: string, body: () => void): void {
  const present = existsSync(resolve(shared, file))
  describe.skipIf(!present)(
    present ? name : `${name} (skipped: ../shared/${file} is not beside the project)`,
    body,
  )
}
