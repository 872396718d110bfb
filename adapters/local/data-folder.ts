import { chmodSync, closeSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const DATABASE_FILE = 'anyhub.db'

/** Names of files that a data folder holds; SQLite adds endings to its own. */
const OURS = /^(?:anyhub\.db|admin-token|authority\.pem|server\.pem|ca\.pem)/

/**
 * Makes the data folder and in it the file of the database, whose path is the result. Only the owner can look into
 * either: what devices send is nobody else's business.
 *
 * A folder that was there is closed to others too, unless it holds things of somebody else.
 */
export function ensureDataFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (readdirSync(folder).every((name) => OURS.test(name))) close(folder, 0o700)
  const path = join(folder, DATABASE_FILE)
  // SQLite gives its other files the mode of this one.
  closeSync(openSync(path, 'a', 0o600))
  close(path, 0o600)
  return path
}

function close(path: string, mode: number): void {
  try {
    chmodSync(path, mode)
  } catch (error) {
    // It belongs to somebody who lets us write to it, and who decides.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error
  }
}
