import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Signs what a webhook sends, so that its receiver can tell that it came from here and is no replay.
 *
 * Shape: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; the timestamp in epoch seconds.
 * Source: Standard Webhooks 1.0, whose verifiers exist in many languages.
 */
export function signWebhook(secret: string, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

/** Compares in constant time. */
export function verifyWebhook(
  secret: string,
  id: string,
  timestamp: number,
  body: string,
  signature: string,
): boolean {
  const expected = Buffer.from(signWebhook(secret, id, timestamp, body))
  const found = Buffer.from(signature)
  return expected.length === found.length && timingSafeEqual(expected, found)
}
