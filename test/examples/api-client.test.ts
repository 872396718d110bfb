import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openCloud } from '../adapters/local/cloud.ts'
import { ROOT } from '../source-files.ts'

it('examples/api-client.ts registers a device, hears of it and asks it for something', async () => {
  const cloud = await openCloud()
  const run = spawn(process.execPath, [join(ROOT, 'examples/api-client.ts'), 'fridge-1'], {
    env: { ...process.env, ANYHUB_URL: cloud.http, TOKEN: cloud.adminToken },
  })
  onTestFinished(() => void run.kill('SIGKILL'))
  const ended = new Promise((resolve) => void run.once('exit', resolve))
  let out = ''
  for (const stream of [run.stdout, run.stderr])
    stream.on('data', (chunk) => {
      out += String(chunk)
    })
  await expect.poll(() => out, { timeout: 15_000 }).toContain('waiting')
  // The stream may not be open yet: the device goes on talking, as devices do.
  const talking = setInterval(
    () => void cloud.call('/devices/fridge-1/telemetry', { method: 'POST', body: '{"temp":31}' }),
    200,
  )
  onTestFinished(() => clearInterval(talking))
  expect([await ended, out]).toEqual([0, expect.stringContaining('it said {"temp":31}')])
  expect(out).toMatch(/it shall be .*setpoint/)
  expect(out).toContain('fridges: 1')
})
