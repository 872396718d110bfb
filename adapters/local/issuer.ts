import { randomBytes } from 'node:crypto'
import type { Clock, CredentialIssuer } from '../../core/index.ts'
import type { Authority } from './authority.ts'
import { tokenDigest } from './identity.ts'

/** Issues certificates of this cloud's own authority, and tokens of 32 random bytes. */
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
  }
}
