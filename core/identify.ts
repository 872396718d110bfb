import type { IssuerConfig } from './access/access-config.ts'
import { KEY_PREFIX, keyCaller } from './access/api-key.ts'
import { createAttempts } from './access/attempts.ts'
import { ADMIN, type Caller } from './access/caller.ts'
import { callerOfClaims } from './access/claims.ts'
import type { Proof, Shown, VerifyToken } from './access/proof.ts'
import { isSameDigest, type Secrets } from './access/secrets.ts'
import { readSessionCookie, type Session } from './access/session.ts'
import { CoreError } from './errors.ts'
import type { Keys } from './keys.ts'
import type { Clock } from './ports.ts'
import type { Sessions } from './sessions.ts'

/** By what callers are known. */
export interface IdentifyParts {
  readonly keys: Keys
  readonly sessions: Sessions
  readonly secrets: Secrets
  readonly clock: Clock
  /** SHA-256 of the admin's token, in hex. */
  readonly adminTokenDigest: string
  readonly issuers: readonly IssuerConfig[]
  /** Without it no tokens of issuers are taken. */
  readonly verifyToken?: VerifyToken | undefined
  /** A device that shows a credential of its own on a path of its own; `undefined` if it is none of these. */
  readonly deviceOf?: ((shown: Shown) => Promise<Caller | undefined>) | undefined
}

/** Says who somebody is. */
export interface Identify {
  /**
   * Who makes a request; `undefined` if nothing was shown that says so, also where a cookie's session is over.
   * @throws CoreError `access.bad_credentials`, `access.expired` or `access.no_role` if what was shown proves nothing;
   * `access.csrf` for a change by cookie without its token; `access.throttled` after many wrong ones from one place.
   */
  prove(shown: Shown): Promise<Proof | undefined>
  /**
   * Whether something that is shown elsewhere, such as a code, may be looked at.
   * @throws CoreError `access.throttled` after many wrong ones from this place.
   */
  checkAttempts(remote: string | undefined): void
  /** Counts something wrong that was shown elsewhere. */
  wrong(remote: string | undefined): void
  /** What a session of the admin is known by: it ends when the token is another one. */
  readonly adminMark: string
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What was proved lately is looked at also where many wrong ones come from: others share that address. */
const MAX_PROVED = 1_000

/** Longer ones are none: three parts, of which one may list many groups. Unit: characters. */
const MAX_BEARER = 16_384

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Knows callers by the admin's token, an API key, a token of an issuer, a session, or as a device. */
export function createIdentify({
  keys,
  sessions,
  secrets,
  clock,
  adminTokenDigest,
  issuers,
  verifyToken,
  deviceOf,
}: IdentifyParts): Identify {
  const attempts = createAttempts()
  const proved = new Set<string>()
  const adminMark = secrets.digest(`session of ${adminTokenDigest}`).slice(0, 32)

  function wrong(remote: string | undefined): void {
    if (remote === undefined) return
    attempts.failed(remote, clock.now())
  }

  function checkAttempts(remote: string | undefined): void {
    if (remote === undefined) return
    const retryAfterMs = attempts.waitMs(remote, clock.now())
    if (retryAfterMs === 0) return
    throw new CoreError('access.throttled', 'too many wrong credentials from this address', {
      details: { retryAfterMs },
    })
  }

  async function proveKey(secret: string): Promise<Proof> {
    const judged = await keys.judge(secret)
    if (judged.status === 'expired') throw new CoreError('access.expired', 'API key has expired')
    if (judged.status === 'unknown')
      throw new CoreError('access.bad_credentials', 'API key is unknown or was revoked')
    const { key } = judged
    return {
      caller: keyCaller(key),
      source: { kind: 'key', keyId: key.id },
      ...(key.expiresAt === undefined ? {} : { endsAt: key.expiresAt }),
    }
  }

  async function proveToken(token: string): Promise<Proof> {
    if (verifyToken === undefined)
      throw new CoreError('access.bad_credentials', 'token of an issuer that is not known here')
    const { issuer, claims } = await verifyToken(token)
    const rules = issuers.find((one) => one.issuer === issuer)
    const caller = rules === undefined ? undefined : callerOfClaims(rules, claims)
    if (caller === undefined)
      throw new CoreError('access.no_role', 'token names nobody who has a role here')
    // A subject is somebody with its issuer only. Source: OpenID Connect Core 1.0, 2 (sub).
    const id = issuers.length > 1 ? `${issuer}#${caller.id}` : caller.id
    return { caller: { ...caller, id }, source: { kind: 'issuer', issuer } }
  }

  async function proveBearer(shown: Shown, bearer: string): Promise<Proof> {
    const digest = secrets.digest(bearer)
    if (isSameDigest(digest, adminTokenDigest))
      return { caller: ADMIN, source: { kind: 'admin', mark: adminMark } }
    // Whole fleets share an address with somebody who tries.
    const device = await deviceOf?.(shown)
    if (device !== undefined) return { caller: device }
    if (!proved.has(digest)) checkAttempts(shown.remote)
    try {
      if (bearer.length > MAX_BEARER)
        throw new CoreError('access.bad_credentials', 'token is too long')
      const proof = bearer.startsWith(KEY_PREFIX)
        ? await proveKey(bearer)
        : JWT.test(bearer)
          ? await proveToken(bearer)
          : undefined
      if (proof === undefined)
        throw new CoreError(
          'access.bad_credentials',
          'token is none of the admin, a key or an issuer',
        )
      if (proved.size >= MAX_PROVED) proved.clear()
      proved.add(digest)
      return proof
    } catch (error) {
      if (error instanceof CoreError && !error.retryable) {
        proved.delete(digest)
        wrong(shown.remote)
      }
      throw error
    }
  }

  /** Who a session is for now: what it was opened by may count no more, or for less. */
  async function callerOf({ caller, source }: Session): Promise<Caller | undefined> {
    if (source.kind === 'admin') return source.mark === adminMark ? ADMIN : undefined
    if (source.kind === 'issuer')
      return issuers.some(({ issuer }) => issuer === source.issuer) ? caller : undefined
    const key = await keys.live(source.keyId)
    return key === undefined ? undefined : keyCaller(key)
  }

  async function proveCookie(shown: Shown): Promise<Proof | undefined> {
    const secret = readSessionCookie(shown.cookie, shown.secure)
    const session = secret === undefined ? undefined : await sessions.find(secret)
    if (session === undefined) return undefined
    const caller = await callerOf(session)
    if (caller === undefined) return undefined
    const { csrfToken, expiresAt } = session
    if (
      !SAFE_METHODS.has(shown.method) &&
      !isSameDigest(secrets.digest(shown.csrfToken ?? ''), secrets.digest(csrfToken))
    )
      throw new CoreError(
        'access.csrf',
        'expected the header anyhub-csrf with the csrfToken of GET /session',
      )
    return { caller: { ...caller, session: { csrfToken } }, endsAt: expiresAt }
  }

  return {
    adminMark,
    checkAttempts,
    wrong,
    async prove(shown) {
      const bearer = bearerOf(shown.authorization)
      if (bearer !== undefined) return proveBearer(shown, bearer)
      if (shown.authorization !== undefined) {
        const device = await deviceOf?.(shown)
        if (device !== undefined) return { caller: device }
        wrong(shown.remote)
        throw new CoreError('access.bad_credentials', 'expected Authorization: Bearer …')
      }
      return shown.cookie === undefined ? undefined : proveCookie(shown)
    },
  }
}

/** The token of an Authorization header of type Bearer. */
function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
}
