import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../adapters/local/cloud.ts'
import { openTlsCloud } from '../adapters/local/tls-cloud.ts'
import { runCli } from '../cli/run-cli.ts'
import { ROOT } from '../source-files.ts'

describe('examples/azure-device.mjs', () => {
  it('runs as its first lines say', async () => {
    const cloud = await openTlsCloud()
    const folder = temporaryFolder()
    const run = async (...args: string[]): Promise<string> => {
      const flags = ['--url', cloud.http, '--token', cloud.adminToken]
      const { code, out, err } = await runCli([...args, ...flags], { cwd: folder })
      expect([code, err]).toEqual([0, ''])
      return out.trim()
    }
    await run('device', 'add', 'dev-1', '--key')
    const device = spawn(process.execPath, [join(ROOT, 'examples/azure-device.mjs')], {
      env: {
        ...process.env,
        DEVICE_CONNECTION_STRING: await run(
          'connection-string',
          'device',
          'dev-1',
          '--ca',
          'ca.pem',
        ),
        NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      },
    })
    onTestFinished(() => void device.kill('SIGKILL'))
    const exited = new Promise((resolve) => void device.once('exit', resolve))
    let out = ''
    for (const stream of [device.stdout, device.stderr])
      stream.on('data', (chunk) => {
        out += String(chunk)
      })
    await expect.poll(() => out, { timeout: 15_000 }).toContain('sent 1')
    await expect.poll(() => out).toContain('reported')
    await cloud.call('/things/dev-1/shadow', {
      method: 'POST',
      body: '{"state":{"desired":{"interval":2}}}',
    })
    await expect.poll(() => out).toContain('desired: {"interval":2,"$version":2}')
    await cloud.core.commands.send('dev-1', {
      commandId: 'hello',
      name: 'message',
      payload: Buffer.from('good morning'),
    })
    await expect.poll(() => out).toContain('message hello: good morning')
    const stopped = await cloud.core.methods.invoke('dev-1', {
      name: 'stop',
      payload: { by: 'test' },
      connectTimeoutMs: 5_000,
    })
    expect(stopped).toEqual({ status: 200, payload: { stopped: true } })
    expect(await exited).toBe(0)
    expect(out).toContain('method stop: {"by":"test"}')
    const record = await cloud.core.ports.devices.load('dev-1')
    expect(record).toMatchObject({ shadows: { '': { reported: { firmware: '1.2.0' } } } })
    expect(Number(record?.last['count']?.value)).toBeGreaterThan(0)
  })
})
