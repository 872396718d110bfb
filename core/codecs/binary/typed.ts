import { fromBase64, toBase64 } from '../../model/base64.ts'
import type { Json, JsonObject } from '../../model/json.ts'
import { cannotSay } from './text.ts'

/**
 * What JSON has no word for stands in an object with one key that begins with `$`: `$bytes` (base64), `$float` (NaN,
 * Infinity, -Infinity), `$time` (ISO 8601, or epoch seconds); formats add their own. Encoders take the same objects.
 */
export function typedBytes(bytes: Uint8Array): JsonObject {
  return { $bytes: toBase64(bytes) }
}

/** A float that is no number of JSON. */
export function typedFloat(value: number): JsonObject {
  return { $float: String(value) }
}

/** How a float that is no number is read, as a warning. */
export function oddFloat(value: number, offset: number): string {
  return `expected a finite number, found ${value}, at byte ${offset}`
}

/**
 * The bytes of base64.
 * @throws CoreError `codec.wrong_type`.
 */
export function bytesOf(format: string, value: Json | undefined): Uint8Array {
  const bytes = typeof value === 'string' ? fromBase64(value) : undefined
  if (bytes === undefined)
    throw cannotSay(format, 'expected base64 in $bytes, found something else')
  return bytes
}

/**
 * The float behind its name.
 * @throws CoreError `codec.wrong_type`.
 */
export function floatOf(format: string, value: Json | undefined): number {
  switch (value) {
    case 'NaN':
      return Number.NaN
    case 'Infinity':
      return Number.POSITIVE_INFINITY
    case '-Infinity':
      return Number.NEGATIVE_INFINITY
    default:
      throw cannotSay(format, 'expected NaN, Infinity or -Infinity in $float, found something else')
  }
}

/**
 * The whole number in a text that no double keeps: beyond 2^53, written as JSON writes whole numbers. Texts of more than 40
 * digits are none.
 */
export function bigIntegerIn(text: string): bigint | undefined {
  if (text.length < 16 || text.length > 41 || !/^-?[1-9]\d*$/.test(text)) return undefined
  return Number.isSafeInteger(Number(text)) ? undefined : BigInt(text)
}

/** A whole number as JSON: beyond 2^53 its digits. */
export function integerJson(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}
