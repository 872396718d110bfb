#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node has to be able to read this far and say what is missing.

import { existsSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'

// Messages live until their commit, some milliseconds. In a young generation that grows slowly many of them are still
// alive when it is full; V8 then copies them twice, and takes them for objects to be made in the old generation from the
// start. Set before any other module is loaded; a quarter to a third less CPU for each message in "npm run bench".
setFlagsFromString('--semi-space-growth-factor=16')
setFlagsFromString('--no-allocation-site-pretenuring')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
// The repository runs from source; the package brings compiled files, for Node strips no types in node_modules.
const source = new URL('./main.ts', import.meta.url)
const compiled = new URL('../dist/cli/main.js', import.meta.url)

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `anyhub needs Node 22.18 or later and this is ${process.versions.node}: run "npm ci" with its dev dependencies, which bring a newer Node along, or install one.\n`,
  )
  process.exitCode = 2
} else {
  const { emitWarning } = process
  // node:sqlite is stable in what we use of it; the warning would be the first thing that everybody reads.
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === 'object' ? rest[0]?.type : rest[0]
    if (type !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest)
  }
  const { main } = await import(existsSync(source) ? source.href : compiled.href)
  await main(process.argv.slice(2))
}
