import {
  type ApiKey,
  keySecret,
  readKeyId,
  readStoredKey,
  type StoredKey,
  writeStoredKey,
} from './access/api-key.ts'
import { type Role, type Scope, scopesOfRole } from './access/caller.ts'
import { isSameDigest, type Secrets } from './access/secrets.ts'
import { KEY_USES_TABLE, KEYS_TABLE } from './access/tables.ts'
import { isJsonObject, type Json } from './model/json.ts'
import type { Ports } from './ports.ts'

/** What a key is to be. */
export interface KeyRequest {
  readonly name: string
  /** A role, or scopes one by one. */
  readonly grant: Role | readonly Scope[]
  readonly groups?: readonly string[]
  /** Epoch ms. */
  readonly expiresAt?: number
  /** Who asks for it: kind and id. */
  readonly createdBy: string
}

/** What became of a secret that somebody showed. */
export type JudgedKey =
  | { readonly status: 'good'; readonly key: StoredKey }
  /** It was one; only who knows the secret learns that. */
  | { readonly status: 'expired' }
  /** It is none, or none any more. */
  | { readonly status: 'unknown' }

/** Keys for programs. */
export interface Keys {
  /** Makes a key. The secret is handed out here and never again. */
  create(request: KeyRequest): Promise<{ readonly key: ApiKey; readonly secret: string }>
  /** Judges a secret. A use is noted once a minute at most. */
  judge(secret: string): Promise<JudgedKey>
  /** The key with this id, if it still opens something. */
  live(id: string): Promise<StoredKey | undefined>
  get(id: string): Promise<ApiKey | undefined>
  /** In the order of their ids, after the given id; '' starts. */
  list(afterId: string, limit: number): Promise<readonly ApiKey[]>
  /** The key opens nothing any more, at once. Gives false if there was none. */
  revoke(id: string): Promise<boolean>
}

/** How often a use of one key is noted. Unit: ms. */
const NOTED_EVERY_MS = 60_000

/** Keys whose last noted use is remembered. */
const MAX_NOTED = 10_000

/** Keeps keys by the digests of their secrets. */
export function createKeys(
  { tables, clock, ids, observer }: Pick<Ports, 'tables' | 'clock' | 'ids' | 'observer'>,
  secrets: Secrets,
): Keys {
  const noted = new Map<string, number>()

  /** A use that cannot be noted is no reason to refuse it. */
  async function note(id: string, now: number): Promise<void> {
    if (now - (noted.get(id) ?? 0) < NOTED_EVERY_MS) return
    if (noted.size >= MAX_NOTED) noted.clear()
    noted.set(id, now)
    try {
      await tables.put(KEY_USES_TABLE, id, { at: now })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      observer.log('warn', 'use of an API key not noted', { keyId: id, reason })
    }
  }

  async function toKey(stored: StoredKey): Promise<ApiKey> {
    const { digest: _digest, ...key } = stored
    const lastUsedAt = readUse(await tables.get(KEY_USES_TABLE, stored.id))
    return lastUsedAt === undefined ? key : { ...key, lastUsedAt }
  }

  const find = async (id: string): Promise<StoredKey | undefined> =>
    readStoredKey(await tables.get(KEYS_TABLE, id))

  return {
    async create(request) {
      const createdAt = clock.now()
      const id = ids.next(createdAt)
      const secret = keySecret(id, secrets.create())
      const { grant, ...named } = request
      const rights =
        typeof grant === 'string'
          ? { role: grant, scopes: [...scopesOfRole(grant)] }
          : { scopes: grant }
      const key: ApiKey = { id, ...named, ...rights, createdAt }
      await tables.put(KEYS_TABLE, id, writeStoredKey({ ...key, digest: secrets.digest(secret) }))
      return { key, secret }
    },

    async judge(secret) {
      const id = readKeyId(secret)
      const key = id === undefined ? undefined : await find(id)
      if (key === undefined || !isSameDigest(key.digest, secrets.digest(secret)))
        return { status: 'unknown' }
      const now = clock.now()
      if (!isLive(key, now)) return { status: 'expired' }
      await note(key.id, now)
      return { status: 'good', key }
    },

    async live(id) {
      const key = await find(id)
      return key !== undefined && isLive(key, clock.now()) ? key : undefined
    },

    async get(id) {
      const key = await find(id)
      return key === undefined ? undefined : toKey(key)
    },

    async list(afterId, limit) {
      const rows = await tables.list(KEYS_TABLE, afterId, limit)
      const keys = rows.flatMap(({ item }) => readStoredKey(item) ?? [])
      return Promise.all(keys.map(toKey))
    },

    async revoke(id) {
      if ((await find(id)) === undefined) return false
      await tables.remove(KEYS_TABLE, id)
      await tables.remove(KEY_USES_TABLE, id)
      return true
    },
  }
}

function isLive({ expiresAt }: StoredKey, now: number): boolean {
  return expiresAt === undefined || now < expiresAt
}

function readUse(item: Json | undefined): number | undefined {
  const at = isJsonObject(item) ? item['at'] : undefined
  return typeof at === 'number' ? at : undefined
}
