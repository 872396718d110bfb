import { describe, expect, it } from 'vitest'
import { openCloud } from '../adapters/local/cloud.ts'
import { runCli } from './run-cli.ts'

async function open() {
  const cloud = await openCloud({
    config: {
      rules: {
        night: { sql: "SELECT 1 AS dim FROM 'devices/+/telemetry'", actions: [{ setDesired: {} }] },
      },
    },
  })
  const flags = ['--url', cloud.http, '--token', cloud.adminToken]
  const run = (...words: string[]) => runCli(['device', 'delta', ...words, ...flags])
  const patch = (query: string, state: object) =>
    cloud.call(`/devices/dev-1/shadow${query}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      body: JSON.stringify({ state }),
    })
  return { cloud, run, patch }
}

describe('anyhub device delta', () => {
  it('says of each value who wants it, since and until when, and what the device said', async () => {
    const { cloud, run, patch } = await open()
    await patch('?expiresIn=3600', { desired: { led: 'on' } })
    await cloud.call('/devices/dev-1/telemetry', { method: 'POST', body: '{"led":"off"}' })
    await cloud.core.gate.idle()
    const { code, out } = await run('dev-1')
    expect(code).toBe(1)
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`
    expect(out).toMatch(
      new RegExp(
        [
          '^dev-1: 2 values are desired and not reported',
          '  /led = "on"',
          `    wanted by admin since ${time} until ${time}; reported "off" at ${time}`,
          '  /dim = 1',
          `    wanted by rule night since ${time}; never reported\n$`,
        ].join('\n'),
      ),
    )
    const json = JSON.parse((await run('dev-1', '--json')).out)
    expect(json).toMatchObject({
      delta: [
        { pointer: '/led', wantedBy: 'admin' },
        { pointer: '/dim', wantedBy: 'rule night' },
      ],
    })
  })

  it('takes a named shadow; with nothing left it ends with 0', async () => {
    const { run, patch } = await open()
    await patch('?name=cfg&once=true', { desired: { a: 1 } })
    expect((await run('dev-1', '--shadow', 'cfg')).out).toContain('1 value is desired')
    await patch('?name=cfg', { reported: { a: 1, b: 1 } })
    expect(await run('dev-1', '--shadow', 'cfg')).toMatchObject({
      code: 0,
      out: 'dev-1 has reported all that is desired\n',
    })
  })

  it('names what is wrong', async () => {
    const { run, patch } = await open()
    expect(await run()).toMatchObject({ code: 2 })
    expect(await run('dev-1', 'dev-2')).toMatchObject({ code: 2 })
    expect((await run('dev-1')).err).toContain('404')
    await patch('', { desired: { a: 1 } })
    expect((await run('dev-1', '--shadow', 'none')).err).toContain('no shadow has the name')
    expect((await patch('?expiresIn=soon', { desired: {} })).status).toBe(400)
    expect((await patch('?once=maybe', { desired: {} })).status).toBe(400)
  })
})
