import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { connectAsync } from 'mqtt'
import { describe, expect, it } from 'vitest'
import { openCloud, type TestCloud, temporaryFolder } from '../adapters/local/cloud.ts'
import { runCli } from './run-cli.ts'

async function open() {
  const cloud = await openCloud()
  const folder = temporaryFolder()
  const flags = ['--url', cloud.http, '--token', cloud.adminToken]
  const file = (name: string, content: string | Buffer): string => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
  const run = (...words: string[]) => runCli(['device', ...words, ...flags])
  return { cloud, file, run }
}

async function logIn(cloud: TestCloud, deviceId: string, key: Parameters<SignJWT['sign']>[0]) {
  const now = Math.floor(Date.now() / 1_000)
  const password = await new SignJWT({ aud: 'p', iat: now, exp: now + 60 })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(key)
  const clientId = `projects/p/locations/l/registries/r/devices/${deviceId}`
  return connectAsync(cloud.mqtt, { clientId, password, username: 'unused', reconnectPeriod: 0 })
}

describe('anyhub device, for devices of Google', () => {
  it('registers the public key of a device, which then logs in, and rotates it', async () => {
    const { cloud, file, run } = await open()
    const [first, second] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }))
    const pem = (pair = first!) => pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const added = await run('add', 'd1', '--public-key', file('a.pem', pem()), '--json')
    expect(added.code).toBe(0)
    expect(JSON.parse(added.out).device.credentials).toMatchObject([{ kind: 'public_key' }])
    await (await logIn(cloud, 'd1', first!.privateKey)).endAsync()
    const next = file('b.pem', pem(second))
    expect((await run('rotate', 'd1', '--public-key', next, '--grace', '0')).code).toBe(0)
    await (await logIn(cloud, 'd1', second!.privateKey)).endAsync()
    await expect(logIn(cloud, 'd1', first!.privateKey)).rejects.toThrow()
    expect((await run('list')).out).toContain('public_key')
  })

  it('keeps a key until its end', async () => {
    const { file, run } = await open()
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = file('a.pem', publicKey.export({ type: 'spki', format: 'pem' }).toString())
    const words = ['add', 'd1', '--public-key', pem, '--key-expires', '2020-01-31', '--json']
    expect(JSON.parse((await run(...words)).out).device.credentials).toMatchObject([
      { live: false, endsAt: Date.parse('2020-01-31') },
    ])
  })

  it('binds devices to gateways', async () => {
    const { run } = await open()
    await run('add', 'gw', '--gateway', 'association')
    await run('add', 'd1')
    expect(await run('bind', 'gw', 'd1')).toMatchObject({ code: 0, out: 'd1 is bound to gw\n' })
    expect(JSON.parse((await run('show', 'd1', '--json')).out)).toMatchObject({ gateways: ['gw'] })
    expect((await run('unbind', 'gw', 'd1')).out).toBe('d1 is no longer bound to gw\n')
    expect((await run('bind', 'd1', 'gw')).err).toContain('d1 is no gateway')
  })

  it('sets configs and lists their versions', async () => {
    const { file, run } = await open()
    const json = file('config.json', '{"fan":"on"}')
    expect((await run('config', 'set', 'd1', json)).out).toBe(
      'd1 is to have version 2 of its config\n',
    )
    await run('config', 'set', 'd1', file('config.bin', Buffer.from([1, 2, 3])))
    const { out } = await run('config', 'list', 'd1')
    expect(out.split('\n')[0]).toMatch(/^ {4}3 {2}20\d\d-\S+Z +- +3 bytes$/)
    expect(out).toContain('{"fan":"on"}')
    const listed = await run('config', 'list', 'd1', '--json')
    expect(JSON.parse(listed.out).versions).toHaveLength(2)
  })

  it.each([
    ['bind', 'gw'],
    ['unbind', 'a', 'b', 'c'],
    ['config'],
    ['config', 'set', 'd1'],
    ['config', 'list'],
    ['config', 'get', 'd1', 'file'],
    ['config', 'set', 'd1', 'no-such-file'],
    ['add', 'd1', '--public-key', 'no-such-file'],
    ['add', 'd1', '--key-expires', '2027-01-01'],
  ])('is wrong use: %s %s %s %s', async (...words) => {
    const { run } = await open()
    expect((await run(...words.filter((word) => word !== undefined))).code).toBe(2)
  })
})
