import { randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The file of the admin's token in the data folder. */
export function adminTokenPath(data: string): string {
  return join(data, 'admin-token')
}

/** Reads the admin's token, and makes one at the first start. Only the owner of the folder can read it. */
export function ensureAdminToken(data: string): string {
  const path = adminTokenPath(data)
  const token = randomBytes(24).toString('base64url')
  try {
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' })
    return token
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    return readFileSync(path, 'utf8').trim()
  }
}

/** Whether an Authorization header carries the token. In constant time. */
export function carriesToken(authorization: string | undefined, token: string): boolean {
  const found = Buffer.from(authorization ?? '')
  const expected = Buffer.from(`Bearer ${token}`)
  return found.length === expected.length && timingSafeEqual(found, expected)
}
