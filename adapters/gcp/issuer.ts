import { createHash, randomBytes } from 'node:crypto'
import { type Clock, CoreError, type CredentialIssuer } from '../../core/index.ts'
import { readPublicKey } from '../node/jwt.ts'

/** Issues tokens, and reads the public keys of devices that sign tokens themselves, as at Cloud IoT Core. */
export function createIssuer(clock: Clock): CredentialIssuer {
  return {
    async certificate() {
      throw unknownHere('certificates: a broker that checks them has an authority of its own')
    },

    async token() {
      const token = randomBytes(32).toString('base64url')
      return {
        credential: { kind: 'token', digest: tokenDigest(token), createdAt: clock.now() },
        token,
      }
    },

    async key() {
      throw unknownHere('keys that sign shared access signatures')
    },

    async publicKey(pem) {
      return { kind: 'public_key', ...readPublicKey(pem), createdAt: clock.now() }
    },
  }
}

/** A token as it is kept: SHA-256 in hex. It is random and long, so that no slower digest is needed. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function unknownHere(what: string): CoreError {
  return new CoreError(
    'input.malformed',
    `expected a public key or a token, for this cloud issues no ${what}`,
  )
}
