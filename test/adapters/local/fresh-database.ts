import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../../../adapters/local/sqlite/database.ts'
import type { Backend } from '../../contract/subject.ts'

/** A fresh file, what takes it away, and its end. */
export async function openFresh(): Promise<Backend & { readonly database: Database }> {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-'))
  const database = await openDatabase({ path: join(folder, 'anyhub.db'), durability: 'normal' })
  return {
    database,
    takeAway: () => database.close(),
    async close() {
      await database.close()
      rmSync(folder, { recursive: true })
    },
  }
}
