import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { utf8Bytes } from './json-tree.ts'

/**
 * How much of a twin section's room a value takes.
 *
 * Unit:   bytes: names and strings by their UTF-8 length, 8 for a number, 4 for a bool; no punctuation.
 * Source: learn.microsoft.com, iot-hub-devguide-device-twins, "Device twin size".
 */
export function twinBytes(value: Json): number {
  switch (typeof value) {
    case 'string':
      return utf8Bytes(value)
    case 'number':
      return 8
    case 'boolean':
      return 4
    default:
      return value === null ? 0 : childBytes(value)
  }
}

function childBytes(value: readonly Json[] | JsonObject): number {
  let bytes = 0
  if (isJsonObject(value)) {
    for (const key in value) bytes += utf8Bytes(key) + twinBytes(value[key] ?? null)
  } else {
    for (const item of value) bytes += twinBytes(item)
  }
  return bytes
}
