import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

// What was answered to a request with an Idempotency-Key is kept by the day on which it came, so that the oldest come first.

/** For how long the same key is the same request. Unit: ms. */
export const IDEMPOTENCY_MS = 86_400_000

/** Digits of the count of days: enough for 270 years. */
const DAY_DIGITS = 5

/** Where answers to one request are kept: those of today, and those of yesterday. Shape: what their keys begin with. */
export function idempotencyPrefixes(requestDigest: string, now: number): readonly [string, string] {
  const today = Math.floor(now / IDEMPOTENCY_MS)
  return [`${dayOf(today)}/${requestDigest}/`, `${dayOf(today - 1)}/${requestDigest}/`]
}

/** Whether nothing that a key stands for counts any more. */
export function isIdempotencyOver(key: string, now: number): boolean {
  return Number(key.slice(0, DAY_DIGITS)) < Math.floor(now / IDEMPOTENCY_MS) - 1
}

/** SHA-256 of the parts, which cannot run into one another. Shape: lower-case hex. */
export function idempotencyDigest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = sha256.create()
  for (const part of parts) {
    const bytes = typeof part === 'string' ? utf8ToBytes(part) : part
    hash.update(utf8ToBytes(`${bytes.length}:`)).update(bytes)
  }
  return bytesToHex(hash.digest())
}

function dayOf(day: number): string {
  return String(day).padStart(DAY_DIGITS, '0')
}
