import type { Secrets } from '../../core/index.ts'

/** Secrets of what any Node gives. */
export const nodeSecrets: Secrets = {
  create() {
    const { randomBytes } = process.getBuiltinModule('node:crypto')
    return randomBytes(32).toString('base64url')
  },
  digest(text) {
    const { createHash } = process.getBuiltinModule('node:crypto')
    return createHash('sha256').update(text).digest('hex')
  },
}
