import type { JsonObject } from '../model/json.ts'
import type { Caller } from './caller.ts'
import type { SessionSource } from './session.ts'

/** What a request shows of who makes it. */
export interface Shown {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly cookie: string | undefined
  /** What changes by cookie have to show besides. */
  readonly csrfToken: string | undefined
  /** True if it came over TLS. */
  readonly secure: boolean
  /** The address it came from; `undefined` where that is not known. */
  readonly remote: string | undefined
}

/** Somebody who is known. */
export interface Proof {
  readonly caller: Caller
  /** By what a session may be opened; `undefined`: it may not. */
  readonly source?: SessionSource
  /** When the proof itself ends. Unit: epoch ms. */
  readonly endsAt?: number
}

/** A JSON Web Token that an issuer of the config signed for us, and that counts now. */
export interface VerifiedToken {
  readonly issuer: string
  readonly claims: JsonObject
}

/**
 * Verifies the token of an issuer.
 * @throws CoreError `access.bad_credentials` or `access.expired` saying why it proves nothing;
 * `access.issuer_unavailable` if the issuer's keys cannot be had.
 */
export type VerifyToken = (token: string) => Promise<VerifiedToken>
