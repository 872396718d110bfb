import type { Secrets } from './access/secrets.ts'
import {
  endingKey,
  endingSecret,
  endOfKey,
  readSession,
  type Session,
  writeSession,
} from './access/session.ts'
import { SESSIONS_TABLE, SIGN_IN_TABLE } from './access/tables.ts'
import type { Ports } from './ports.ts'

/** What is handed to a browser, once. */
export interface OpenedSession {
  /** For the cookie. */
  readonly secret: string
  /** What changes have to show besides. */
  readonly csrfToken: string
  /** Epoch ms. */
  readonly expiresAt: number
}

/** Who is signed in with a browser, and the codes of sign-in links. */
export interface Sessions {
  /** Opens a session with a secret of its own: one that a browser brought along is never taken over. */
  open(session: Omit<Session, 'expiresAt'>, notAfter?: number): Promise<OpenedSession>
  /** Whose a secret is; `undefined` if it opens nothing, or nothing any more. */
  find(secret: string): Promise<(Session & { readonly csrfToken: string }) | undefined>
  /** Signs out. */
  end(secret: string): Promise<void>
  /** A code that signs in once, within ten minutes. */
  createCode(session: Omit<Session, 'expiresAt'>): Promise<{ code: string; expiresAt: number }>
  /** Whose a code is, which is then used up; `undefined` if it is none, or none any more. */
  redeem(code: string): Promise<Omit<Session, 'expiresAt'> | undefined>
}

/** Unit: ms. */
export const SESSION_MS = 12 * 3_600_000

/** Unit: ms. */
export const CODE_MS = 600_000

/** Keeps sessions and codes by the digests of their secrets. */
export function createSessions(
  { tables, clock }: Pick<Ports, 'tables' | 'clock'>,
  secrets: Secrets,
): Sessions {
  /** Codes that are being redeemed: of two at once, one gets nothing. */
  const redeeming = new Set<string>()

  const csrfTokenOf = (secret: string): string => secrets.digest(`csrf ${secret}`)

  async function keep(table: string, session: Session): Promise<string> {
    const secret = endingSecret(session.expiresAt, secrets.create())
    const key = endingKey(secret, secrets.digest)
    if (key === undefined) throw new Error('expected 256 random bits in base64url')
    await tables.put(table, key, writeSession(session))
    return secret
  }

  return {
    async open(session, notAfter = Number.POSITIVE_INFINITY) {
      const expiresAt = Math.min(clock.now() + SESSION_MS, notAfter)
      const secret = await keep(SESSIONS_TABLE, { ...session, expiresAt })
      return { secret, csrfToken: csrfTokenOf(secret), expiresAt }
    },

    async find(secret) {
      const key = endingKey(secret, secrets.digest)
      if (key === undefined || endOfKey(key) <= clock.now()) return undefined
      const session = readSession(await tables.get(SESSIONS_TABLE, key))
      return session === undefined || session.expiresAt <= clock.now()
        ? undefined
        : { ...session, csrfToken: csrfTokenOf(secret) }
    },

    async end(secret) {
      const key = endingKey(secret, secrets.digest)
      if (key !== undefined) await tables.remove(SESSIONS_TABLE, key)
    },

    async createCode(session) {
      const expiresAt = clock.now() + CODE_MS
      const code = await keep(SIGN_IN_TABLE, { ...session, expiresAt })
      return { code, expiresAt }
    },

    async redeem(code) {
      const key = endingKey(code, secrets.digest)
      if (key === undefined || endOfKey(key) <= clock.now() || redeeming.has(key)) return undefined
      redeeming.add(key)
      try {
        const found = readSession(await tables.get(SIGN_IN_TABLE, key))
        if (found === undefined) return undefined
        await tables.remove(SIGN_IN_TABLE, key)
        return { caller: found.caller, source: found.source }
      } finally {
        redeeming.delete(key)
      }
    },
  }
}
