import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { arePeersInstalled } from '../../bench/lib/peers.ts'

const run = resolve(import.meta.dirname, '../../bench/run.ts')

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [run, ...args], { encoding: 'utf8' })
}

it('names the benches where an unknown one is asked for', () => {
  const { status, stderr } = bench('speed')
  expect(status).toBe(2)
  expect(stderr).toContain(
    'expected step, scripts, rules, ingest, roundtrip, shadow, idle, commands, amqp, cold, gcp, codecs, fanout, notify, live, dashboard, range, api, found speed',
  )
})

const present = arePeersInstalled()
/** In CI it is there, or the bench fails. */
const browser = existsSync('/usr/bin/chromium') || process.env['CI'] === 'true'
describe.skipIf(!present)(
  present ? 'every bench at a tiny size' : 'every bench (skipped: "npm ci" was not run in bench/)',
  () => {
    it.each([
      'step',
      'scripts',
      'rules',
      'ingest',
      'roundtrip',
      'shadow',
      'idle',
      'commands',
      'cold',
      'gcp',
      'fanout',
      'live',
      'range',
      'api',
      ...(browser ? ['dashboard'] : []),
    ])('%s', { timeout: 90_000 }, (name) => {
      const { status, stdout, stderr } = bench(name, '--smoke')
      expect(stderr).toBe('')
      expect(status).toBe(0)
      expect(stdout).toContain(`## ${name}`)
      expect(stdout).toMatch(/wanted/)
      expect(stdout).not.toMatch(/NaN|–\s*\|/)
    })
  },
)
