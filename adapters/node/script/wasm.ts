import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { meterModule } from './meter.ts'
import { METER_TARGET, QUICKJS_PACKAGE } from './quickjs.ts'

/**
 * The interpreter, metered. Reads it from disk; the package of a function has it inside instead
 * (deploy/esbuild/plugins.cjs).
 */
export function readInterpreter(): Uint8Array {
  const { resolve } = createRequire(import.meta.url)
  return meterModule(readFileSync(resolve(`${QUICKJS_PACKAGE}/wasm`)), METER_TARGET)
}
