import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a token looks like: 24 random bytes or more. A file that holds less was cut, and is no protection. */
const TOKEN = /^[A-Za-z0-9_-]{32,}$/

/** The file of the admin's token in the data folder. */
export function adminTokenPath(data: string): string {
  return join(data, 'admin-token')
}

/** Reads the admin's token, and makes one at the first start. Only the owner of the file can read it. */
export function ensureAdminToken(data: string): string {
  const path = adminTokenPath(data)
  const kept = readToken(path)
  if (kept !== undefined) {
    chmodSync(path, 0o600)
    return kept
  }
  const token = randomBytes(24).toString('base64url')
  // Whole or not at all: a process that ends in between leaves no empty token.
  const next = `${path}.${process.pid}`
  writeFileSync(next, `${token}\n`, { mode: 0o600 })
  renameSync(next, path)
  return token
}

/** Whether an Authorization header carries the token. In constant time, whatever its length. */
export function carriesToken(authorization: string | undefined, token: string): boolean {
  const found = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(found), digest(token)) && found !== ''
}

function readToken(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return TOKEN.test(text) ? text : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
