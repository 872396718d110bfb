// The lean way: a copy of the repository without dev dependencies starts, serves and stays small.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { inTemporaryFolder, run, smoke, withCloud } from './temporary.mjs'

const MAX_MEGABYTES = 80
const root = join(import.meta.dirname, '..')

await inTemporaryFolder(async (folder) => {
  const files = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  })
    .split('\0')
    .filter(Boolean)
  for (const file of files)
    if (existsSync(join(root, file))) cpSync(join(root, file), join(folder, file))
  run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  const kilobytes = Number(run('du', ['-sk', 'node_modules'], { cwd: folder }).split('\t')[0])
  const megabytes = kilobytes / 1024
  if (megabytes >= MAX_MEGABYTES)
    throw new Error(
      `expected under ${MAX_MEGABYTES} MB of node_modules, found ${megabytes.toFixed(1)} MB`,
    )
  await withCloud(process.execPath, ['cli/bin.mjs'], { cwd: folder }, smoke)
  console.log(
    `lean install: ${megabytes.toFixed(1)} MB, starts and serves on Node ${process.versions.node}`,
  )

  const older = findOlderNode()
  if (older === undefined) {
    console.log('lean install: no Node older than 22.18 here, its sentence is not tried')
    return
  }
  const said = execFileSync('sh', ['-c', `"${older}" cli/bin.mjs start 2>&1 || true`], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (!/^anyhub needs Node 22\.18 or later and this is [\d.]+: .+\n$/.test(said))
    throw new Error(`expected one sentence, found ${said}`)
  console.log(`lean install: an older Node says: ${said.trim()}`)
})

/** A Node of this machine that is too old, if there is one. */
function findOlderNode() {
  const found = run('sh', ['-c', 'which -a node || true']).split('\n').filter(Boolean)
  return found.find((path) => {
    const [major = 0, minor = 0] = run(path, ['-p', 'process.versions.node'])
      .trim()
      .split('.')
      .map(Number)
    return major < 22 || (major === 22 && minor < 18)
  })
}
