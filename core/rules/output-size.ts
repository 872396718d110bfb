import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import { isArray, isObject, toJson, type Value } from './value.ts'

/**
 * Checks that the JSON of a value is not too long. Stops as soon as it is, so that parts which share
 * structure cannot take for ever.
 *
 * @throws CoreError `rule.limit` if it is.
 */
export function checkOutputSize(value: Value, maxBytes: number): void {
  if (countBytes(value, maxBytes) < 0) {
    throw new CoreError('rule.limit', `expected at most ${maxBytes} bytes of output`)
  }
}

/**
 * The JSON of a value, checked before it is made.
 *
 * @throws CoreError `rule.limit` if it is too long.
 */
export function toOutput(value: Value, maxBytes: number): Json | undefined {
  if (typeof value !== 'object' || value === null) return value
  checkOutputSize(value, maxBytes)
  return toJson(value)
}

/** How many bytes are left; negative once there are none. */
function countBytes(value: Value, left: number): number {
  if (left < 0) return left
  if (typeof value === 'string') return left - textBytes(value) - 2
  if (isArray(value)) {
    let rest = left - 1 - Math.max(1, value.length)
    for (const item of value) {
      if (rest < 0) return rest
      rest = countBytes(item, rest)
    }
    return rest
  }
  if (isObject(value)) {
    const keys = Object.keys(value)
    let rest = left - 1 - Math.max(1, keys.length)
    for (const key of keys) {
      if (rest < 0) return rest
      rest = countBytes(value[key], rest - textBytes(key) - 3)
    }
    return rest
  }
  if (typeof value === 'number') return left - `${value}`.length
  return left - (value === false ? 5 : 4)
}

/** UTF-8 bytes without escapes. */
function textBytes(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code > 0x7ff) bytes += code >= 0xd800 && code <= 0xdfff ? 1 : 2
    else if (code > 0x7f) bytes += 1
  }
  return bytes
}
