import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { fromBase64, toBase64 } from '../model/base64.ts'
import type { Json } from '../model/json.ts'

const utf8 = new TextEncoder()

/** What a token speaks of. */
export interface AckClaim {
  readonly channelId: string
  /** The key of the delivery in the queue. */
  readonly key: string
  /** The id by which its receiver knows it. */
  readonly id: string
}

/**
 * The token by which a receiver says that it is done with one delivery, and with no other.
 *
 * Shape: base64url of a JSON array of channel, key and id, a full stop, and base64url of HMAC-SHA256 under the
 *        channel's secret. What is signed begins unlike all else that is signed with it.
 */
export function createAckToken(secret: string, { channelId, key, id }: AckClaim): string {
  const claim = JSON.stringify([channelId, key, id])
  return `${toBase64Url(utf8.encode(claim))}.${toBase64Url(signatureOf(secret, claim))}`
}

/** What a token says that it speaks of; `undefined` if it is none. Whether it is right only `isAckToken` tells. */
export function readAckToken(token: string): AckClaim | undefined {
  const [claim = '', signature, ...more] = token.split('.')
  if (signature === undefined || more.length > 0) return undefined
  const bytes = fromBase64(claim.replaceAll('-', '+').replaceAll('_', '/'))
  if (bytes === undefined) return undefined
  const [channelId, key, id, ...rest] = readTexts(new TextDecoder().decode(bytes))
  if (channelId === undefined || key === undefined || id === undefined || rest.length > 0)
    return undefined
  return { channelId, key, id }
}

/** Whether the secret made this token for this delivery. In a time that does not tell how much of it is right. */
export function isAckToken(secret: string, claim: AckClaim, token: string): boolean {
  const expected = createAckToken(secret, claim)
  let differs = expected.length ^ token.length
  for (let at = 0; at < expected.length; at++)
    differs |= expected.charCodeAt(at) ^ token.charCodeAt(at)
  return differs === 0
}

function readTexts(text: string): readonly string[] {
  try {
    const value: Json = JSON.parse(text)
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

function signatureOf(secret: string, claim: string): Uint8Array {
  return hmac(sha256, utf8.encode(secret), utf8.encode(`anyhub ack\n${claim}`))
}

function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
