import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '..')

/** Whether the peers are there: they have a lock file of their own, so that the project installs without them. */
export function arePeersInstalled(): boolean {
  return existsSync(resolve(folder, 'node_modules/.package-lock.json'))
}

/**
 * Installs what bench/package-lock.json names, unless it is there.
 * @throws Error if npm could not.
 */
export function installPeers(): void {
  if (arePeersInstalled()) return
  process.stderr.write('installing the peers of bench/package-lock.json, once …\n')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('expected "npm ci" in bench/ to succeed, it did not')
}
