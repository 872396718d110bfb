import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import * as z from 'zod/mini'
import {
  type Clock,
  CoreError,
  type IssuerConfig,
  isJsonObject,
  type Json,
  type VerifyToken,
} from '../../core/index.ts'
import type { GuardedSender } from './guarded-sender.ts'

/** Signatures of key pairs only: whoever can verify must not be able to sign. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/** Of other types are tokens for other uses, such as signing out. Source: RFC 8725, 3.11; RFC 9068, 2.1. */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt'])

/** How far the clocks of an issuer and of this cloud may differ. */
const LEEWAY_S = 60

/** Keys are believed for so long. An issuer that is out of reach is no reason to forget them sooner than a day. */
const FRESH_MS = 600_000
const STALE_MS = 86_400_000

/** Keys are asked for again for the sake of an unknown one, or after a fault, so often at most. */
const COOLDOWN_MS = 30_000

const TIMEOUT_MS = 5_000

/** Longer answers are cut, and then no JSON. */
const MAX_BYTES = 65_536

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() })

const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })

type FindKey = ReturnType<typeof createLocalJWKSet>

/** The keys of one issuer. */
interface IssuerKeys {
  /** @throws CoreError `access.issuer_unavailable`. */
  current(): Promise<FindKey>
  /** After a token named a key that is not among the current ones: asks again, unless it did lately. */
  renewed(): Promise<FindKey>
}

export interface OidcOptions {
  readonly issuers: readonly IssuerConfig[]
  readonly sender: Pick<GuardedSender, 'ask'>
  readonly clock: Clock
}

/**
 * Verifies tokens of OpenID Connect issuers by the keys that these publish.
 *
 * Source: OpenID Connect Discovery 1.0, 4; RFC 7519, 7.2; RFC 8725.
 */
export function createOidc({ issuers, sender, clock }: OidcOptions): VerifyToken {
  const known = new Map(
    issuers.map((config) => [config.issuer, { config, keys: createKeys(config, sender, clock) }]),
  )
  return async (token) => {
    const issuer = readIssuer(token)
    const found = issuer === undefined ? undefined : known.get(issuer)
    if (found === undefined) throw refused('token of an issuer that is not known here')
    const { config, keys } = found
    const verify = async (findKey: FindKey) =>
      jwtVerify(token, findKey, {
        issuer: config.issuer,
        audience: [...config.audience],
        algorithms: ALGORITHMS,
        clockTolerance: LEEWAY_S,
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp', 'sub'],
      })
    const current = await keys.current()
    try {
      const { payload } = await verify(current).catch(async (error: unknown) => {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        return verify(await keys.renewed())
      })
      const claims: Json = JSON.parse(JSON.stringify(payload))
      return { issuer: config.issuer, claims: isJsonObject(claims) ? claims : {} }
    } catch (error) {
      throw error instanceof CoreError ? error : judged(error)
    }
  }
}

/** What the token says of itself, before anything is proved; `undefined` if it is none that could be taken. */
function readIssuer(token: string): string | undefined {
  try {
    const { alg, typ } = decodeProtectedHeader(token)
    const { iss } = decodeJwt(token)
    const type = (typ ?? 'JWT').toLowerCase().replace(/^application\//, '')
    if (!TYPES.has(type)) throw refused('token is of a type that opens nothing')
    if (alg === undefined || !ALGORITHMS.includes(alg)) throw refused(UNSIGNED)
    return iss
  } catch (error) {
    throw error instanceof CoreError ? error : refused('token cannot be read')
  }
}

const UNSIGNED = 'token is signed by an algorithm that is not taken'

/** Why a token proves nothing, in words that give nothing of it away. */
function judged(error: unknown): CoreError {
  if (error instanceof errors.JWTExpired)
    return new CoreError('access.expired', 'token has expired', { cause: error })
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(CLAIM_FAULTS[error.claim] ?? `token lacks ${error.claim}`, error)
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return refused('token is signed with a key that its issuer does not publish', error)
  if (error instanceof errors.JOSEAlgNotAllowed) return refused(UNSIGNED, error)
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refused('signature of the token is not of its issuer', error)
  return refused('token cannot be verified', error)
}

const CLAIM_FAULTS: Readonly<Record<string, string>> = {
  aud: 'token is for another audience',
  iss: 'token of an issuer that is not known here',
  nbf: 'token is not valid yet',
}

function refused(why: string, cause?: unknown): CoreError {
  return new CoreError('access.bad_credentials', why, { cause })
}

function createKeys(
  { issuer, allowPrivate }: IssuerConfig,
  sender: Pick<GuardedSender, 'ask'>,
  clock: Clock,
): IssuerKeys {
  let keys: FindKey | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let renewedAt = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let reading: Promise<FindKey> | undefined

  async function fetchJson(address: string): Promise<unknown> {
    const url = new URL(address)
    if (url.protocol !== 'https:' && !(allowPrivate && isLoopback(url)))
      throw new Error(`expected an https: address, found ${url.protocol}`)
    const { status, body } = await sender.ask({
      method: 'GET',
      url,
      // A host that freezes between two requests keeps no connection.
      headers: { accept: 'application/json', 'user-agent': 'anyhub', connection: 'close' },
      body: '',
      timeoutMs: TIMEOUT_MS,
      allowPrivate,
      now: clock.now(),
      wantedBytes: MAX_BYTES,
    })
    if (status !== 200) throw new Error(`expected status 200, found ${status}`)
    return JSON.parse(body)
  }

  async function fetchKeys(): Promise<FindKey> {
    const base = issuer.replace(/\/$/, '')
    const { issuer: named, jwks_uri } = Discovery.parse(
      await fetchJson(`${base}/.well-known/openid-configuration`),
    )
    // Source: OpenID Connect Discovery 1.0, 4.3: it must be identical.
    if (named !== issuer) throw new Error('the discovery document names another issuer')
    return createLocalJWKSet(KeySet.parse(await fetchJson(jwks_uri)))
  }

  /** Who asks while keys are on their way waits for the same. */
  function read(): Promise<FindKey> {
    reading ??= fetchKeys()
      .then((found) => {
        keys = found
        readAt = clock.now()
        return found
      })
      .catch((cause: unknown) => {
        failedAt = clock.now()
        throw unavailable(issuer, cause)
      })
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  return {
    async current() {
      const now = clock.now()
      if (keys !== undefined && now - readAt < FRESH_MS) return keys
      const usable = keys !== undefined && now - readAt < STALE_MS ? keys : undefined
      if (now - failedAt < COOLDOWN_MS) {
        if (usable !== undefined) return usable
        throw unavailable(issuer)
      }
      return read().catch((error: unknown) => {
        if (usable === undefined) throw error
        return usable
      })
    },

    async renewed() {
      const now = clock.now()
      if (keys !== undefined && now - renewedAt < COOLDOWN_MS) return keys
      renewedAt = now
      return read()
    },
  }
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function unavailable(issuer: string, cause?: unknown): CoreError {
  const host = new URL(issuer).host
  return new CoreError('access.issuer_unavailable', `${host}: its keys cannot be had`, { cause })
}
