// The package as its users get it: packed, installed in an empty folder, used as bin and as library.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inTemporaryFolder, run, smoke, withCloud } from './temporary.mjs'

const root = join(import.meta.dirname, '..')

await inTemporaryFolder(async (folder) => {
  const [packed] = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root }),
  )
  const stray = packed.files
    .map(({ path }) => path)
    .filter(
      (path) =>
        !/^(dist|dashboard\/dist)\/|^(anyhub\.yml|cli\/bin\.mjs|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(
          path,
        ),
    )
  if (stray.length > 0)
    throw new Error(`files that do not belong into the package: ${stray.join(', ')}`)
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', packed.filename], {
    cwd: folder,
  })
  const bin = join(folder, 'node_modules/anyhub/cli/bin.mjs')
  const line = { sql: "SELECT temp FROM 'a/b' WHERE temp > 3", topic: 'a/b', payload: { temp: 4 } }
  const output = run(process.execPath, [bin, 'eval', 'sql'], {
    cwd: folder,
    input: `${JSON.stringify(line)}\n`,
  })
  if (output !== '{"output":{"temp":4}}\n') throw new Error(`expected an output, found ${output}`)
  writeFileSync(
    join(folder, 'use.mjs'),
    "import { compileRule } from 'anyhub'\nconsole.log(compileRule(\"SELECT * FROM 'a'\").filter)\n",
  )
  const used = run(process.execPath, ['use.mjs'], { cwd: folder })
  if (used !== 'a\n') throw new Error(`expected the library to compile a rule, found ${used}`)
  await withCloud(process.execPath, [bin], { cwd: folder }, smoke)
  console.log(
    `package: ${packed.files.length} files, ${Math.round(packed.unpackedSize / 1024)} KB unpacked; bin and library work`,
  )
})
