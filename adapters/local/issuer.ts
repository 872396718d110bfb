import { randomBytes } from 'node:crypto'
import { type Clock, CoreError, type CredentialIssuer } from '../../core/index.ts'
import { readPublicKey } from '../node/jwt.ts'
import type { Authority } from './authority.ts'
import { keysDigest, tokenDigest } from './identity.ts'

/** Issues certificates of this cloud's own authority, and tokens and keys of 32 random bytes. */
export function createIssuer(authority: () => Promise<Authority>, clock: Clock): CredentialIssuer {
  return {
    async certificate(deviceId) {
      return (await authority()).issue(deviceId, clock.now())
    },
    async token() {
      const token = randomBytes(32).toString('base64url')
      return {
        credential: { kind: 'token', digest: tokenDigest(token), createdAt: clock.now() },
        token,
      }
    },
    async key({ primary, secondary } = {}) {
      const keys = { primary: checkKey(primary), secondary: checkKey(secondary) }
      return {
        credential: { kind: 'key', digest: keysDigest(keys), createdAt: clock.now(), keys },
        keys,
      }
    },
    async publicKey(pem) {
      return { kind: 'public_key', ...readPublicKey(pem), createdAt: clock.now() }
    },
  }
}

/** Source: learn.microsoft.com, iot-hub-devguide-identity-registry: base64 of 16 to 64 bytes. */
function checkKey(given: string | undefined): string {
  if (given === undefined) return randomBytes(32).toString('base64')
  const bytes = Buffer.from(given, 'base64')
  if (bytes.length >= 16 && bytes.length <= 64 && bytes.toString('base64') === given) return given
  throw new CoreError('input.malformed', 'expected a key in base64 of 16 to 64 bytes')
}
