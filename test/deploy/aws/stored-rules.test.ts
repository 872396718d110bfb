import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../adapters/local/cloud.ts'

const root = resolve(import.meta.dirname, '../../..')

/** Bundles functions as they are packaged, by a config of our own: the plugin reads it when it is loaded. */
async function bundle(config: string, ...names: string[]): Promise<readonly string[]> {
  const folder = temporaryFolder()
  const file = join(folder, 'anyhub.yml')
  writeFileSync(file, config)
  const script = `
    const { build } = require('esbuild')
    const plugins = require('./deploy/esbuild/plugins.cjs')
    const one = (name) => build({
      entryPoints: ['functions/aws/' + name + '.ts'], outfile: ${JSON.stringify(folder)} + '/' + name + '.js',
      bundle: true, minify: true, platform: 'node', format: 'cjs', target: 'node24', plugins, logLevel: 'error',
    })
    Promise.all(${JSON.stringify(names)}.map(one)).catch(() => process.exit(1))`
  await promisify(execFile)(process.execPath, ['--input-type=commonjs', '-e', script], {
    cwd: root,
    env: { ...process.env, ANYHUB_CONFIG: file },
  })
  return names.map((name) => readFileSync(join(folder, `${name}.js`), 'utf8'))
}

/** Of the table of stored rules, of windows, of the schema of rules, and of what stands in for a part. */
const READS_RULES = '"$changed"'
const HAS_WINDOWS = 'HOPPINGWINDOW'
const HAS_SCHEMA = 'expected 1 to 64 letters, digits, - or _'

describe('functions, bundled', () => {
  it('carry what fixed rules need, and the API their whole language', async () => {
    const [ingest = '', api = ''] = await bundle('rules: {}\n', 'ingest', 'api')
    expect([READS_RULES, HAS_WINDOWS, HAS_SCHEMA].filter((text) => ingest.includes(text))).toEqual(
      [],
    )
    expect([HAS_WINDOWS, HAS_SCHEMA].filter((text) => api.includes(text))).toHaveLength(2)
  }, 60_000)

  it('carry the whole language where rules are stored, and ingest no schema of them', async () => {
    const [ingest = '', tick = ''] = await bundle('api: { rules: stored }\n', 'ingest', 'tick')
    for (const code of [ingest, tick]) {
      expect(code).toContain(HAS_WINDOWS)
      expect(code).toMatch(/["'`]\$changed["'`]/)
      expect(code).not.toContain(HAS_SCHEMA)
    }
  }, 60_000)
})
