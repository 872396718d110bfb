import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const bin = readFileSync(resolve(import.meta.dirname, '../../cli/bin.mjs'), 'utf8')
const flags = Array.from(
  bin.matchAll(/setFlagsFromString\('--([a-z-]+)/g),
  ([, flag]) => flag ?? '',
)

describe('the V8 flags that the command sets', () => {
  // V8 says nothing about a flag that it does not know any more.
  it('are known to the V8 of this Node', () => {
    const { stdout } = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })
    const known = new Set(Array.from(stdout.matchAll(/^\s+--([a-z0-9-]+)/gm), ([, flag]) => flag))
    expect(flags).toHaveLength(2)
    for (const flag of flags) expect(known).toContain(flag.replace(/^no-/, ''))
  })
})
