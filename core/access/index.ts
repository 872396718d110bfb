export { AccessSchema, type Grant, type IssuerConfig } from './access-config.ts'
export { type ApiKey, KEY_PREFIX, type StoredKey } from './api-key.ts'
export type { AuditEntry } from './audit.ts'
export {
  ADMIN,
  ANONYMOUS,
  type Caller,
  deviceCaller,
  isRole,
  isScope,
  ROLES,
  type Role,
  SCOPES,
  type Scope,
  scopesOfRole,
} from './caller.ts'
export { callerOfClaims, scopesOfGrant } from './claims.ts'
export type { Proof, Shown, VerifiedToken, VerifyToken } from './proof.ts'
export { isSameDigest, type Secrets } from './secrets.ts'
export { readSessionCookie, type SessionSource, sessionCookie } from './session.ts'
