import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import * as z from 'zod/mini'
import { createWebSender, parseJson } from '../node/web-sender.ts'
import { unexpected } from './client.ts'

/** Whom a push has to come from. */
export interface PushIdentityOptions {
  /** What tokens are for; without it an address of the host that was asked. */
  readonly audience: string | undefined
  /** The address of the service account that the subscription pushes as. */
  readonly email: string
  /**
   * True where the function is private: Google then checks a token, and hands it on without its signature. Where
   * everybody reaches the function it must be false, for anybody could leave a signature out.
   */
  readonly signatureRemoved: boolean
  /** Epoch ms. */
  readonly now: () => number
  /** Where the keys of the issuer are; Google's address unless given. */
  readonly keysUrl?: string
}

/** Says what is wrong with who pushes, by the headers authorization and host; `undefined`: nothing. */
export type PushIdentity = (
  authorization: string | undefined,
  host: string | undefined,
) => Promise<string | undefined>

/** Source: Pub/Sub, "Authentication for push subscriptions". */
const ISSUERS = new Set(['https://accounts.google.com', 'accounts.google.com'])
const KEYS_URL = 'https://www.googleapis.com/oauth2/v3/certs'

/** Source: Cloud Run, "Authenticating service-to-service": the signature is removed before the container sees the token. */
const REMOVED = 'SIGNATURE_REMOVED_BY_GOOGLE'

/** Clocks of Google's and ours differ by no more. Unit: ms. */
const SKEW_MS = 60_000

/** Keys are asked for anew after so long, and for a key that is not known no sooner than after so short. Unit: ms. */
const KEYS_MS = 3_600_000
const UNKNOWN_KEY_MS = 30_000

const Header = z.object({ alg: z.literal('RS256'), kid: z.string() })
const Claims = z.object({
  iss: z.string(),
  aud: z.string(),
  email: z.string(),
  email_verified: z.literal(true),
  exp: z.number(),
  iat: z.number(),
})
const KeySet = z.object({
  keys: z.array(z.object({ kid: z.string(), kty: z.literal('RSA'), n: z.string(), e: z.string() })),
})

/** Verifies the OpenID token that Pub/Sub shows with each push. The keys of Google are kept for an hour. */
export function createPushIdentity({
  audience,
  email,
  signatureRemoved,
  now,
  keysUrl = KEYS_URL,
}: PushIdentityOptions): PushIdentity {
  const send = createWebSender()
  let kept: { readonly at: number; readonly keys: ReadonlyMap<string, KeyObject> } | undefined
  let asking: Promise<ReadonlyMap<string, KeyObject>> | undefined

  async function fetchKeys(): Promise<ReadonlyMap<string, KeyObject>> {
    const response = await send({ url: new URL(keysUrl), method: 'GET', headers: {} })
    if (response.status !== 200) throw unexpected('keys of Google', response)
    const { keys } = KeySet.parse(parseJson(response.body))
    const found = new Map(
      keys.map(({ kid, ...key }) => [kid, createPublicKey({ key, format: 'jwk' })]),
    )
    kept = { at: now(), keys: found }
    return found
  }

  async function keyOf(kid: string): Promise<KeyObject | undefined> {
    const age = kept === undefined ? Number.POSITIVE_INFINITY : now() - kept.at
    const key = age < KEYS_MS ? kept?.keys.get(kid) : undefined
    if (key !== undefined) return key
    if (age < UNKNOWN_KEY_MS) return undefined
    asking ??= fetchKeys().finally(() => {
      asking = undefined
    })
    return (await asking).get(kid)
  }

  return async (authorization, host) => {
    const token = /^bearer +([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(authorization ?? '')
    const [, head = '', body = '', signature = ''] = token ?? []
    if (token === null) return 'expected a token of a service account, found none'
    const header = Header.safeParse(parseJson(Buffer.from(head, 'base64url')))
    const claims = Claims.safeParse(parseJson(Buffer.from(body, 'base64url')))
    if (!header.success || !claims.success) return 'token is none of a service account'
    // First what costs nothing: anybody may send a token.
    const { iss, aud, exp, iat } = claims.data
    if (!ISSUERS.has(iss)) return 'token is of another issuer'
    if (audience === undefined ? host === undefined || hostOf(aud) !== host : aud !== audience)
      return 'token is for another audience'
    if (claims.data.email !== email) return 'token is of another account'
    if (exp * 1_000 + SKEW_MS <= now()) return 'token has expired'
    if (iat * 1_000 > now() + SKEW_MS) return 'token is from the future'
    if (signatureRemoved && signature === REMOVED) return undefined
    const key = await keyOf(header.data.kid)
    if (key === undefined) return 'token is of no key of Google'
    const signed = Buffer.from(`${head}.${body}`, 'latin1')
    return verify('sha256', signed, key, Buffer.from(signature, 'base64url'))
      ? undefined
      : 'token has a wrong signature'
  }
}

/** `undefined` if it is no address. */
function hostOf(address: string): string | undefined {
  return URL.canParse(address) ? new URL(address).host : undefined
}
