import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'

// JSON Web Tokens as devices of Google Cloud IoT Core make them: signed with a key of their own.

/** How far the clocks of a device and of this cloud may differ. Source: Google Cloud IoT, "Using JSON Web Tokens". */
export const CLOCK_SKEW_MS = 600_000

/** Source: the same page: a token lives for at most 24 hours. */
const MAX_LIFE_MS = 86_400_000

/** Longer ones are none: three short parts, and the signature of a key of 4,096 bits. */
const MAX_LENGTH = 8_192

/** Source: Google Cloud IoT, "Creating key pairs". */
const MIN_RSA_BITS = 2_048
const MAX_RSA_BITS = 8_192

/** A token that is not of this shape is none; what else it may say means nothing. */
const Header = z.object({
  alg: z.enum(['RS256', 'ES256']),
  typ: z.optional(z.string()),
  // Source: RFC 7515, 4.1.11: who does not understand an extension that is critical must refuse.
  crit: z.optional(z.undefined()),
})

/** Unit: epoch seconds. */
const Claims = z.object({ aud: z.string(), iat: z.number(), exp: z.number() })

/** A token as it was sent, not yet verified. */
export interface Jwt {
  readonly algorithm: 'RS256' | 'ES256'
  readonly audience: string
  /** Epoch ms. */
  readonly issuedAt: number
  /** Epoch ms. */
  readonly expiresAt: number
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Reads a token; `undefined` if the text is none, or one that no device of this dialect makes (`none`, `HS256`, …).
 *
 * Shape:  JWS compact serialization, base64url without padding.
 * Total:  any text.
 * Source: RFC 7515, 7.1; RFC 7519.
 */
export function readJwt(text: string): Jwt | undefined {
  if (text.length > MAX_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return undefined
  const [head = '', body = '', signature = ''] = text.split('.')
  const header = Header.safeParse(jsonOf(head))
  const claims = Claims.safeParse(jsonOf(body))
  if (!header.success || !claims.success) return undefined
  const { aud, iat, exp } = claims.data
  return {
    algorithm: header.data.alg,
    audience: aud,
    issuedAt: iat * 1_000,
    expiresAt: exp * 1_000,
    signed: Buffer.from(`${head}.${body}`, 'latin1'),
    signature: Buffer.from(signature, 'base64url'),
  }
}

/** Why a token proves nothing at this time for this audience, but for its signature; `undefined`: nothing is wrong. */
export function faultOf(jwt: Jwt, audience: string, now: number): string | undefined {
  const { issuedAt, expiresAt } = jwt
  if (jwt.audience !== audience) return 'token is for another project'
  if (issuedAt > now + CLOCK_SKEW_MS) return 'token is from the future'
  if (expiresAt - issuedAt > MAX_LIFE_MS) return 'token lives for more than 24 hours'
  if (expiresAt < issuedAt) return 'token expired before it was made'
  if (expiresAt + CLOCK_SKEW_MS <= now) return 'token has expired'
  return undefined
}

/** Whether a key made the signature. Which algorithm that is, the key says: what the token says must be the same. */
export function isSignedBy({ algorithm, signed, signature }: Jwt, key: KeyObject): boolean {
  if (algorithmOf(key) !== algorithm) return false
  // Source: RFC 7518, 3.4: the two numbers one after the other, and not DER.
  if (algorithm === 'ES256')
    return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
  return verify('sha256', signed, key, signature)
}

/** A public key, and by what it is known. */
export interface ReadPublicKey {
  /** PEM, SubjectPublicKeyInfo. */
  readonly publicKey: string
  /** SHA-256 of its DER, in hex. */
  readonly digest: string
}

/**
 * Reads the public key of a device: RSA of 2048 to 8192 bits, or EC on P-256.
 *
 * Shape: PEM of a public key, or of a certificate, whose key then counts and nothing else.
 * @throws CoreError `input.malformed` if it is none.
 */
export function readPublicKey(pem: string): ReadPublicKey {
  const expected = 'expected a public key in PEM: RSA of 2048 bits or more, or EC on P-256'
  // What Node would also take: a private key, and give its public half.
  if (!/^\s*-----BEGIN (?:RSA )?(?:PUBLIC KEY|CERTIFICATE)-----/.test(pem))
    throw new CoreError('input.malformed', expected)
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (cause) {
    throw new CoreError('input.malformed', expected, { cause })
  }
  if (algorithmOf(key) === undefined) throw new CoreError('input.malformed', expected)
  const der = key.export({ type: 'spki', format: 'der' })
  return {
    publicKey: key.export({ type: 'spki', format: 'pem' }).toString(),
    digest: createHash('sha256').update(der).digest('hex'),
  }
}

function algorithmOf({
  asymmetricKeyType,
  asymmetricKeyDetails,
}: KeyObject): Jwt['algorithm'] | undefined {
  if (asymmetricKeyType === 'rsa') {
    const bits = asymmetricKeyDetails?.modulusLength ?? 0
    return bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS ? 'RS256' : undefined
  }
  const isP256 = asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1'
  return isP256 ? 'ES256' : undefined
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
