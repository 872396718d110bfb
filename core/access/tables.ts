// Tables of ours among those of rules, which cannot write into tables whose names begin with $.

/** API keys by their ids. */
export const KEYS_TABLE = '$api-keys'

/** When keys were used, by their ids: beside them, so that noting it never brings back a key that was revoked. */
export const KEY_USES_TABLE = '$api-key-uses'

/** Sessions by their end and the digest of their secret. */
export const SESSIONS_TABLE = '$sessions'

/** One-time codes of sign-in links, in the same way. */
export const SIGN_IN_TABLE = '$sign-in'

/** What was answered to requests with an Idempotency-Key, by day. */
export const IDEMPOTENCY_TABLE = '$idempotency'

/** The audit log, newest first. */
export const AUDIT_TABLE = '$audit'
