import { type Clock, CoreError, type CredentialIssuer } from '../../core/index.ts'
import { digestOf } from './digest.ts'

/** Issues keys that sign, as IoT Hub has them, and tokens for the HTTP API. */
export function createIssuer(clock: Clock): CredentialIssuer {
  return {
    async certificate() {
      throw unknownHere('certificates: register the SHA-256 fingerprint of one of yours')
    },

    async token() {
      const { randomBytes } = process.getBuiltinModule('node:crypto')
      const token = randomBytes(32).toString('base64url')
      return {
        credential: { kind: 'token', digest: tokenDigest(token), createdAt: clock.now() },
        token,
      }
    },

    async key({ primary, secondary } = {}) {
      const keys = { primary: checkKey(primary), secondary: checkKey(secondary) }
      const digest = digestOf(`${keys.primary} ${keys.secondary}`)
      return { credential: { kind: 'key', digest, createdAt: clock.now(), keys }, keys }
    },

    async publicKey() {
      throw unknownHere('public keys of devices')
    },
  }
}

/** A token as it is kept: SHA-256 in hex. It is random and long, so that no slower digest is needed. */
export function tokenDigest(token: string): string {
  return digestOf(token)
}

/** Source: IoT Hub, identity registry: base64 of 16 to 64 bytes. */
function checkKey(given: string | undefined): string {
  if (given === undefined) {
    const { randomBytes } = process.getBuiltinModule('node:crypto')
    return randomBytes(32).toString('base64')
  }
  const bytes = Buffer.from(given, 'base64')
  if (bytes.length >= 16 && bytes.length <= 64 && bytes.toString('base64') === given) return given
  throw new CoreError('input.malformed', 'expected a key in base64 of 16 to 64 bytes')
}

function unknownHere(what: string): CoreError {
  return new CoreError(
    'input.malformed',
    `expected a key or a token, for this cloud issues no ${what}`,
  )
}
