import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { type Caller, isScope } from './caller.ts'

/** By what a session was opened: it ends when that counts no more. */
export type SessionSource =
  /** The admin's token. `mark` tells this one from the next. */
  | { readonly kind: 'admin'; readonly mark: string }
  | { readonly kind: 'key'; readonly keyId: string }
  | { readonly kind: 'issuer'; readonly issuer: string }

/** Somebody whom a browser shows to be by its cookie. */
export interface Session {
  readonly caller: Caller
  readonly source: SessionSource
  /** Epoch ms. */
  readonly expiresAt: number
}

/** A session as it is kept. Total. */
export function writeSession({ caller, source, expiresAt }: Session): JsonObject {
  const { kind, id, name, scopes, groups } = caller
  return {
    kind,
    id,
    scopes: [...scopes],
    source: { ...source },
    expiresAt,
    ...(name === undefined ? {} : { name }),
    ...(groups === undefined ? {} : { groups: [...groups] }),
  }
}

/** Reads a session as it was kept; `undefined` if it is none. */
export function readSession(item: Json | undefined): Session | undefined {
  if (!isJsonObject(item)) return undefined
  const { kind, id, name, scopes, groups, expiresAt } = item
  const source = readSource(item['source'])
  if (source === undefined || typeof id !== 'string' || typeof expiresAt !== 'number')
    return undefined
  if (kind !== 'admin' && kind !== 'person' && kind !== 'key') return undefined
  const caller: Caller = {
    kind,
    id,
    scopes: new Set(textsOf(scopes).filter(isScope)),
    ...(typeof name === 'string' ? { name } : {}),
    ...(groups === undefined ? {} : { groups: textsOf(groups) }),
  }
  return { caller, source, expiresAt }
}

function readSource(source: Json | undefined): SessionSource | undefined {
  if (!isJsonObject(source)) return undefined
  const { kind, mark, keyId, issuer } = source
  if (kind === 'admin' && typeof mark === 'string') return { kind, mark }
  if (kind === 'key' && typeof keyId === 'string') return { kind, keyId }
  if (kind === 'issuer' && typeof issuer === 'string') return { kind, issuer }
  return undefined
}

function textsOf(list: Json | undefined): string[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []
}

/** The name of the cookie. Source: RFC 6265bis, 4.1.3.2: with this prefix no other host and no plain page can set it. */
export function sessionCookieName(secure: boolean): string {
  return secure ? '__Host-anyhub_session' : 'anyhub_session'
}

/** The header that hands the cookie to a browser; '' as secret takes it back. */
export function sessionCookie(secret: string, secure: boolean, maxAgeMs: number): string {
  const life = secret === '' ? 0 : Math.max(0, Math.ceil(maxAgeMs / 1_000))
  return `${sessionCookieName(secure)}=${secret}; Max-Age=${life}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
}

/** The secret in the Cookie header of a request; `undefined` if there is none. Total. */
export function readSessionCookie(header: string | undefined, secure: boolean): string | undefined {
  const start = `${sessionCookieName(secure)}=`
  const found = header
    ?.split(';')
    .map((one) => one.trim())
    .find((one) => one.startsWith(start))
  const secret = found?.slice(start.length)
  return secret === undefined || secret === '' ? undefined : secret
}

/** Unit: characters. A secret begins with its end in base 36, so that what has ended is found first. */
const END_LENGTH = 9

/** A secret that says when it ends. */
export function endingSecret(expiresAt: number, random: string): string {
  return `${endOf(expiresAt)}.${random}`
}

/** The key under which it is kept: its end, and the digest of all of it. `undefined` if it is no such secret. */
export function endingKey(secret: string, digest: (text: string) => string): string | undefined {
  if (!/^[0-9a-z]{9}\.[\w-]{43}$/.test(secret)) return undefined
  return `${secret.slice(0, END_LENGTH)}.${digest(secret)}`
}

/** When what is kept under a key ends. Unit: epoch ms. */
export function endOfKey(key: string): number {
  return Number.parseInt(key.slice(0, END_LENGTH), 36)
}

function endOf(expiresAt: number): string {
  return expiresAt.toString(36).padStart(END_LENGTH, '0')
}
