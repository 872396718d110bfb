import { toBase64 } from '../model/base64.ts'
import type { Json } from '../model/json.ts'

/** The result of a rule as JSON: bytes as base64, Undefined as null. */
export function outputJson(value: Json | Uint8Array | undefined): Json {
  if (value === undefined) return null
  return value instanceof Uint8Array ? toBase64(value) : value
}
