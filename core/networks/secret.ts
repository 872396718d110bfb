import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { fromBase64 } from '../model/base64.ts'
import { isJsonObject, type Json } from '../model/json.ts'

const utf8 = new TextEncoder()

/** Where the secret of a network stands in a request. */
export type SecretPlace =
  | { readonly header: string }
  | { readonly body: string }
  | { readonly signature: string }

/** A request that has to prove itself. */
export interface Proof {
  readonly header: (name: string) => string | undefined
  readonly body: Uint8Array
}

/** Whether a request knows the secret. What it shows is compared in a time that does not tell how much of it is right. */
export function knowsSecret(secret: string, place: SecretPlace, { header, body }: Proof): boolean {
  if ('signature' in place) {
    const shown = readSignature(header(place.signature))
    return shown !== undefined && isEqual(shown, hmac(sha256, utf8.encode(secret), body))
  }
  const shown = 'header' in place ? ofHeader(header(place.header)) : ofBody(body, place.body)
  return shown !== undefined && isEqual(utf8.encode(shown), utf8.encode(secret))
}

/** True where the secret cannot be looked for before the body has been read. */
export function asksBody(place: SecretPlace): boolean {
  return !('header' in place)
}

/** A body without the secret that stands in it: neither measured nor set aside with it. */
export function hideSecret(secret: string, body: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(body)
  const written = JSON.stringify(secret).slice(1, -1)
  return text.includes(written) ? utf8.encode(text.replaceAll(written, '***')) : body
}

/** Source: RFC 6750 for `Bearer`; some consoles write the value as it is. */
function ofHeader(value: string | undefined): string | undefined {
  return value?.replace(/^(?:bearer|token) +/i, '').trim()
}

function ofBody(body: Uint8Array, pointer: string): string | undefined {
  let value: Json | undefined
  try {
    value = JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
  for (const part of pointer.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(value)) value = value[Number(name)]
    else value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  }
  return typeof value === 'string' ? value : undefined
}

/** Hex or base64, with the name of the hash before it or without: `sha256=…`. */
function readSignature(text: string | undefined): Uint8Array | undefined {
  const value = text?.trim().replace(/^(?:sha256|v1)[=,:]/i, '')
  if (value === undefined) return undefined
  if (/^[\da-f]{64}$/i.test(value))
    return Uint8Array.from({ length: 32 }, (_, at) =>
      Number.parseInt(value.slice(2 * at, 2 * at + 2), 16),
    )
  return fromBase64(value.replaceAll('-', '+').replaceAll('_', '/'))
}

function isEqual(shown: Uint8Array, expected: Uint8Array): boolean {
  let differs = shown.length ^ expected.length
  for (let at = 0; at < expected.length; at++) differs |= (shown[at] ?? 0) ^ (expected[at] ?? 0)
  return differs === 0
}
