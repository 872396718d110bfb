import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT } from '../source-files.ts'

/** Where the built page lies. */
export const DIST = join(ROOT, 'dashboard/dist')

/** One build at a time, whichever test file comes first. */
const LOCK = join(ROOT, 'dashboard/.building')

const MADE_OF = ['dashboard/{index.html,vite.config.ts,src/**,public/**}', 'client/*.ts']

const PATIENCE_MS = 60_000

/** Builds the page unless what is there is newer than all that it is made of. */
export async function ensureBuilt(): Promise<void> {
  const until = Date.now() + PATIENCE_MS
  while (!isFresh()) {
    try {
      mkdirSync(LOCK)
    } catch {
      // Whoever was killed while it built has left this behind.
      if (Date.now() - changedAt(LOCK) > PATIENCE_MS) rmSync(LOCK, { recursive: true, force: true })
      if (Date.now() > until) throw new Error('expected the build of another test file to end')
      await sleep(100)
      continue
    }
    try {
      const script = join(ROOT, 'scripts/build-dashboard.mjs')
      const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
      if (status !== 0) throw new Error(`the page could not be built: ${stderr}`)
    } finally {
      rmSync(LOCK, { recursive: true, force: true })
    }
  }
}

function isFresh(): boolean {
  const built = changedAt(join(DIST, 'index.html'))
  const sources = globSync(MADE_OF, { cwd: ROOT })
  return sources.every((file) => changedAt(join(ROOT, file)) <= built)
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
