import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { type Caller, isRole, isScope, type Role, type Scope, scopesOfRole } from './caller.ts'

/** A key for a program, as it is listed: its secret is kept nowhere. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  /** Absent: the scopes were named one by one. */
  readonly role?: Role
  readonly scopes: readonly Scope[]
  /** Absent: all devices. */
  readonly groups?: readonly string[]
  /** Epoch ms. */
  readonly createdAt: number
  /** Who made it: the kind and the id of the caller. */
  readonly createdBy: string
  /** Epoch ms from which it opens nothing any more; absent: it has no end of its own. */
  readonly expiresAt?: number
  /** Epoch ms, to the minute. */
  readonly lastUsedAt?: number
}

/** A key as it is kept. */
export interface StoredKey extends Omit<ApiKey, 'lastUsedAt'> {
  /** SHA-256 of the secret. */
  readonly digest: string
}

/** What secrets of keys begin with, so that scanners find them where they do not belong. */
export const KEY_PREFIX = 'ahk_'

const SECRET = /^ahk_([0-9a-z]{1,32})_[\w-]{43}$/

/** The secret of a key as it is handed out, once. */
export function keySecret(id: string, random: string): string {
  return `${KEY_PREFIX}${id}_${random}`
}

/** The id in a secret; `undefined` if it is none. Total. */
export function readKeyId(secret: string): string | undefined {
  return SECRET.exec(secret)?.[1]
}

/** Whoever holds a key. Total. */
export function keyCaller({ id, name, scopes, groups }: ApiKey | StoredKey): Caller {
  return {
    kind: 'key',
    id,
    name,
    scopes: new Set(scopes),
    ...(groups === undefined ? {} : { groups }),
  }
}

/**
 * Reads a key as it was kept; `undefined` if it is none. A role means what it means now, and what has become no scope
 * since is left out.
 */
export function readStoredKey(item: Json | undefined): StoredKey | undefined {
  if (!isJsonObject(item)) return undefined
  const { id, name, role, scopes, groups, createdAt, createdBy, expiresAt, digest } = item
  const isOfRole = typeof role === 'string' && isRole(role)
  if (typeof id !== 'string' || typeof name !== 'string' || typeof digest !== 'string')
    return undefined
  if (typeof createdAt !== 'number' || typeof createdBy !== 'string') return undefined
  return {
    id,
    name,
    scopes: isOfRole ? [...scopesOfRole(role)] : textsOf(scopes).filter(isScope),
    createdAt,
    createdBy,
    digest,
    ...(isOfRole ? { role } : {}),
    ...(groups === undefined ? {} : { groups: textsOf(groups) }),
    ...(typeof expiresAt === 'number' ? { expiresAt } : {}),
  }
}

/** A key as it is kept. Total. */
export function writeStoredKey(key: StoredKey): JsonObject {
  const { scopes, groups, ...rest } = key
  return {
    ...rest,
    ...(key.role === undefined ? { scopes: [...scopes] } : {}),
    ...(groups === undefined ? {} : { groups: [...groups] }),
  }
}

function textsOf(list: Json | undefined): string[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []
}
