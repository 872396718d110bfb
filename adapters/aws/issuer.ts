import { type Clock, CoreError, type CredentialIssuer } from '../../core/index.ts'
import type { Things } from './things.ts'

/** Issues certificates of AWS IoT, and tokens for the HTTP API. */
export function createIssuer(
  things: Pick<Things, 'issueCertificate'>,
  clock: Clock,
): CredentialIssuer {
  return {
    certificate: things.issueCertificate,

    async token() {
      const { randomBytes } = process.getBuiltinModule('node:crypto')
      const token = randomBytes(32).toString('base64url')
      return {
        credential: { kind: 'token', digest: tokenDigest(token), createdAt: clock.now() },
        token,
      }
    },

    async key() {
      throw unknownHere('keys that sign')
    },

    async publicKey() {
      throw unknownHere('public keys of devices')
    },
  }
}

/** A token as it is kept: SHA-256 in hex. It is random and long, so that no slower digest is needed. */
export function tokenDigest(token: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(token).digest('hex')
}

function unknownHere(what: string): CoreError {
  return new CoreError(
    'input.malformed',
    `expected a certificate or a token, for AWS IoT knows no ${what}`,
  )
}
