import { createHmac, timingSafeEqual } from 'node:crypto'

// Shared access signatures: a resource and a time, signed with a symmetric key.

/** A shared access signature as it was sent, not yet verified. */
export interface SasToken {
  /** What it is for, decoded: `{host}`, `{host}/devices/{id}`, … */
  readonly resource: string
  /** The text that is signed: resource, as it stands in the token, and expiry. */
  readonly signed: string
  /** Base64. */
  readonly signature: string
  /** Epoch ms. */
  readonly expiresAt: number
  /** The shared access policy whose key signed; `undefined`: a key of the device. */
  readonly policy: string | undefined
}

const PREFIX = /^SharedAccessSignature +/i

/** Longer ones are none: the parts are a host, an id, a digest and a number. */
const MAX_LENGTH = 4_096

/**
 * Reads `SharedAccessSignature sr=…&sig=…&se=…[&skn=…]`, its parts in any order; `undefined` if the text is none.
 *
 * Source: learn.microsoft.com, iot-hub-dev-guide-sas; Azure/azure-iot-sdk-node `SharedAccessSignature`.
 */
export function readSasToken(text: string): SasToken | undefined {
  const prefix = PREFIX.exec(text)?.[0]
  if (prefix === undefined || text.length > MAX_LENGTH) return undefined
  const parts = new Map<string, string>()
  for (const part of text.slice(prefix.length).split('&')) {
    const end = part.indexOf('=')
    const name = part.slice(0, Math.max(0, end))
    // A part that stands twice could be read in two ways.
    if (end < 1 || parts.has(name)) return undefined
    parts.set(name, part.slice(end + 1))
  }
  const raw = parts.get('sr')
  const seconds = parts.get('se')
  const resource = decode(raw)
  const signature = decode(parts.get('sig'))
  if (resource === undefined || signature === undefined || !/^\d{1,11}$/.test(seconds ?? ''))
    return undefined
  const policy = decode(parts.get('skn'))
  return {
    resource,
    signed: `${raw}\n${seconds}`,
    signature,
    expiresAt: Number(seconds) * 1_000,
    policy: policy === '' ? undefined : policy,
  }
}

/** Whether a key made the signature. In constant time for each key. Shape: the key in base64. */
export function isSignedWith(token: SasToken, key: string): boolean {
  const expected = sign(token.signed, key)
  const found = Buffer.from(token.signature, 'base64')
  return found.length === expected.length && timingSafeEqual(found, expected)
}

export interface SasRequest {
  readonly resource: string
  /** Base64. */
  readonly key: string
  /** Epoch ms. */
  readonly expiresAt: number
  readonly policy?: string
}

/** Makes a signature, as a device or a back end would. */
export function createSasToken({ resource, key, expiresAt, policy }: SasRequest): string {
  const raw = encodeURIComponent(resource)
  const seconds = Math.floor(expiresAt / 1_000)
  const signature = encodeURIComponent(sign(`${raw}\n${seconds}`, key).toString('base64'))
  const name = policy === undefined ? '' : `&skn=${encodeURIComponent(policy)}`
  return `SharedAccessSignature sr=${raw}&sig=${signature}&se=${seconds}${name}`
}

function sign(text: string, key: string): Buffer {
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest()
}

function decode(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
