import { statSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { describe, expect, it } from 'vitest'
import { openAuthority } from '../../../adapters/local/authority.ts'
import { readAnyTopic } from '../../../adapters/local/dialects/list.ts'
import { readLocalSettings } from '../../../adapters/local/index.ts'
import { mayPublish, maySubscribe } from '../../../adapters/local/policy.ts'
import { runCli } from '../../cli/run-cli.ts'
import { temporaryFolder } from './cloud.ts'
import { openTlsCloud, type Proof } from './tls-cloud.ts'

const YEAR_MS = 365 * 86_400_000

describe('a device and the topics of others', () => {
  const isDevice = (level: string): boolean => level === 'dev-1' || level === 'dev-2'

  it.each([
    ['devices/dev-1/telemetry', true],
    ['devices/dev-1/telemetry/room', true],
    ['devices/dev-2/telemetry', false],
    ['devices/dev-2/telemetry/dev-1', false],
    ['devices/dev-1/shadow/update', true],
    ['devices/dev-2/shadow/update', false],
    ['devices/dev-1/shadow/update/accepted', false],
    ['devices/dev-1/commands/x', false],
    ['$aws/things/dev-1/shadow/get', true],
    ['$aws/things/dev-1/shadow/name/cfg/delete', true],
    ['$aws/things/dev-2/shadow/get', false],
    ['$aws/things/dev-2/shadow/name/dev-1/get', false],
    ['$aws/things/dev-1/shadow/update/delta', false],
    ['$aws/events/presence/connected/dev-1', false],
    ['$aws/rules/hot/anything', true],
    ['$anyhub/stats/get', false],
    ['$SYS/dev-1', false],
    ['dt/dev-1/temp', true],
    ['dt/dev-2/temp', false],
    ['dt/dev-2/dev-1', false],
    ['dt/dev-1/dev-2', true],
    ['temp', true],
  ])('publish %s: %s', (topic, allowed) => {
    expect(mayPublish(topic, readAnyTopic(topic).meaning, 'dev-1', isDevice)).toBe(allowed)
  })

  it.each([
    ['devices/dev-1/#', true],
    ['devices/dev-1/shadow/+/accepted', true],
    ['devices/dev-2/#', false],
    ['devices/+/telemetry', false],
    ['devices/+/telemetry/dev-1', false],
    ['devices/#', false],
    ['devices/dev-10/#', false],
    ['$aws/things/dev-1/shadow/get/+', true],
    ['$aws/things/dev-1/#', true],
    ['$aws/things/+/shadow/get/accepted', false],
    ['$aws/things/dev-2/shadow/name/dev-1/get', false],
    ['$aws/things/#', false],
    ['$aws/#', false],
    ['$aws/events/presence/+/dev-1', true],
    ['$aws/events/presence/connected/dev-2', false],
    ['$aws/events/presence/#', false],
    ['$aws/rules/#', false],
    ['$anyhub/stats/get/accepted', false],
    ['#', false],
    ['+/dev-1/#', false],
    ['+/+/telemetry/dev-1', false],
    ['dt/dev-1/#', true],
    ['dt/dev-2/dev-1', false],
    ['dt/+/dev-1', false],
    ['dt/all', false],
    ['$share/g/devices/dev-1/#', true],
    ['$share/g/devices/dev-2/#', false],
    ['$share/dev-1/#', false],
    ['$share/devices/dev-1/telemetry', true],
    ['$share/devices/dev-2/telemetry', false],
  ])('subscribe %s: %s', (filter, allowed) => {
    expect(maySubscribe(filter, 'dev-1', isDevice)).toBe(allowed)
  })
})

describe('MQTT over TLS', () => {
  it('knows a device by its certificate, whatever it calls itself, and holds it to its topics', async () => {
    const cloud = await openTlsCloud()
    const proof = await cloud.add('dev-1')
    await cloud.add('dev-2')
    const device = await cloud.connect('any-name', proof, { protocolVersion: 5 })
    await device.publishAsync('plain/topic', '{"temp":21}', { qos: 1 })
    expect((await cloud.core.ports.devices.load('dev-1'))?.last['temp']?.value).toBe(21)
    expect((await device.subscribeAsync('dt/dev-1/#'))[0]?.qos).toBe(0)
    await expect(device.subscribeAsync('$aws/things/dev-2/#')).rejects.toThrow('Not authorized')
    await expect(
      device.publishAsync('devices/dev-2/telemetry', '{"temp":1}', { qos: 1 }),
    ).rejects.toMatchObject({ code: 0x87 })
    expect(await cloud.core.ports.devices.load('dev-2')).toBeUndefined()
    expect((await cloud.stats())['mqtt.refused']).toBe(2)
    expect(await cloud.core.ports.deadLetters.count()).toBe(0)
  })

  it('ends the connection of an MQTT 3.1.1 device that publishes for another', async () => {
    const cloud = await openTlsCloud()
    const [one] = [await cloud.add('dev-1'), await cloud.add('dev-2')]
    const device = await cloud.connect('dev-1', one)
    const closed = new Promise<void>((resolve) => device.once('close', () => resolve()))
    void device
      .publishAsync('$aws/things/dev-2/shadow/update', '{"state":{}}', { qos: 1 })
      .catch(() => undefined)
    await closed
    expect(await cloud.core.ports.devices.load('dev-2')).toBeUndefined()
  })

  it.each([4, 5] as const)('refuses who is not known, version %d', async (protocolVersion) => {
    const cloud = await openTlsCloud()
    const good = await cloud.add('dev-1')
    const ours = await openAuthority({ folder: cloud.data, hosts: [], now: Date.now() })
    const foreign = await openAuthority({
      folder: temporaryFolder(),
      hosts: ['localhost'],
      now: Date.now(),
    })
    const notAuthorized = protocolVersion === 5 ? 0x87 : 5
    const expectRefused = async (proof: Proof | undefined, code: number, more = {}) => {
      await expect(
        cloud.connect('dev-1', proof, { protocolVersion, ...more }),
      ).rejects.toMatchObject({ code })
    }
    await expectRefused(undefined, notAuthorized)
    await expectRefused(await foreign.issue('dev-1', Date.now()), notAuthorized)
    await expectRefused(await ours.issue('dev-1', Date.now() - 11 * YEAR_MS), notAuthorized)
    await expectRefused(await ours.issue('dev-1', Date.now() + YEAR_MS), notAuthorized)
    await expectRefused(await ours.issue('dev-1', Date.now() - YEAR_MS), notAuthorized)
    await expectRefused(await ours.issue('dev-9', Date.now()), notAuthorized)
    await expectRefused(await ours.issue('dev 1', Date.now()), notAuthorized)
    const wrong = { username: 'dev-1', password: 'wrong' }
    await expectRefused(undefined, protocolVersion === 5 ? 0x86 : 4, wrong)
    await cloud.admin('PATCH', '/devices/dev-1', { enabled: false })
    await expectRefused(good, notAuthorized)
    await cloud.admin('PATCH', '/devices/dev-1', { enabled: true })
    expect((await cloud.connect('dev-1', good, { protocolVersion })).connected).toBe(true)
    const again = await ours.issue('dev-1', Date.now())
    expect((await cloud.connect('dev-1', again, { protocolVersion })).connected).toBe(true)
    await cloud.admin('DELETE', '/devices/dev-1')
    await expectRefused(good, notAuthorized)
    expect(cloud.logs.some((line) => line.includes('client certificate has expired'))).toBe(true)
  })

  it('takes a certificate of another authority whose fingerprint is registered', async () => {
    const cloud = await openTlsCloud()
    const foreign = await openAuthority({
      folder: temporaryFolder(),
      hosts: ['localhost'],
      now: Date.now(),
    })
    const proof = await foreign.issue('dev-1', Date.now())
    const fingerprint = (proof.credential.digest.toUpperCase().match(/../g) ?? []).join(':')
    await cloud.admin('POST', '/devices', { deviceId: 'dev-1', fingerprint })
    expect((await cloud.connect('dev-1', proof)).connected).toBe(true)
  })

  it('cuts a device off at once when it is disabled or removed', async () => {
    const cloud = await openTlsCloud()
    const proof = await cloud.add('dev-1')
    for (const cut of [
      () => cloud.admin('PATCH', '/devices/dev-1', { enabled: false }),
      () => cloud.admin('DELETE', '/devices/dev-1'),
    ]) {
      await cloud.admin('PATCH', '/devices/dev-1', { enabled: true })
      const device = await cloud.connect('dev-1', proof)
      const closed = new Promise<void>((resolve) => device.once('close', () => resolve()))
      expect((await cut()).ok).toBe(true)
      await closed
    }
    const open = await connectAsync(cloud.mqtt, { clientId: 'dev-1', reconnectPeriod: 0 })
    await open.endAsync()
  })

  it('rotates without downtime: both certificates live until the old one ends', async () => {
    const cloud = await openTlsCloud()
    const old = await cloud.add('dev-1')
    const device = await cloud.connect('dev-1', old)
    const rotated = await cloud.admin('POST', '/devices/dev-1/rotate', { graceSeconds: 3_600 })
    const fresh = (await rotated.json()) as Proof
    await device.publishAsync('a', '{"n":1}', { qos: 1 })
    await device.endAsync()
    for (const proof of [old, fresh]) {
      const next = await cloud.connect('dev-1', proof)
      expect(next.connected).toBe(true)
      await next.endAsync()
    }
    const last = await cloud.connect('dev-1', fresh)
    const closed = new Promise<void>((resolve) => last.once('close', () => resolve()))
    const again = await cloud.admin('POST', '/devices/dev-1/rotate', { graceSeconds: 0 })
    await closed
    await expect(cloud.connect('dev-1', fresh)).rejects.toMatchObject({ code: 5 })
    await expect(cloud.connect('dev-1', old)).rejects.toMatchObject({ code: 5 })
    expect((await cloud.connect('dev-1', (await again.json()) as Proof)).connected).toBe(true)
  })
})

describe('tokens', () => {
  it('open the plain port too, hold a device to its topics, and are nowhere to be read', async () => {
    const cloud = await openTlsCloud()
    const token = await cloud.addWithToken('dev-1')
    await cloud.addWithToken('dev-2')
    const login = { username: 'dev-1', password: token, reconnectPeriod: 0 }
    const device = await connectAsync(cloud.mqtt, { ...login, protocolVersion: 5 })
    await expect(
      device.publishAsync('devices/dev-2/telemetry', '{}', { qos: 1 }),
    ).rejects.toMatchObject({ code: 0x87 })
    await device.publishAsync('devices/dev-1/telemetry', '{"temp":1}', { qos: 1 })
    await device.endAsync()
    await expect(connectAsync(cloud.mqtt, { ...login, password: 'x' })).rejects.toMatchObject({
      code: 4,
    })
    const shown = await (await cloud.admin('GET', '/devices/dev-1')).text()
    expect(shown).not.toContain(token)
    expect(shown).not.toMatch(/[0-9a-f]{64}/)
  })
})

describe('HTTPS', () => {
  it('serves a device its own paths and the admin all, and nobody else anything but the page', async () => {
    const cloud = await openTlsCloud()
    const [proof, token] = [await cloud.add('dev-1'), await cloud.addWithToken('dev-2')]
    const asAdmin = { headers: { authorization: `Bearer ${cloud.adminToken}` } }
    const asDev2 = { headers: { authorization: `Bearer ${token}` }, body: '{"temp":1}' }
    const basic = Buffer.from(`dev-2:${token}`).toString('base64')
    const statuses = await Promise.all(
      [
        cloud.ask('POST', '/devices/dev-1/telemetry', { proof, body: '{"temp":1}' }),
        cloud.ask('POST', '/devices/dev-2/telemetry', { proof, body: '{"temp":1}' }),
        cloud.ask('GET', '/devices', { proof }),
        cloud.ask('POST', '/devices/dev-2/telemetry', asDev2),
        cloud.ask('POST', '/devices/dev-1/telemetry', asDev2),
        cloud.ask('POST', '/devices/dev-2/telemetry', {
          headers: { authorization: `Basic ${basic}` },
          body: '{"temp":2}',
        }),
        cloud.ask('POST', '/devices/dev-1/telemetry', { body: '{}' }),
        cloud.ask('GET', '/devices'),
        cloud.ask('GET', '/metrics'),
        cloud.ask('GET', '/registry/devices'),
        cloud.ask('GET', '/devices', asAdmin),
        cloud.ask('GET', '/registry/devices', asAdmin),
        cloud.ask('GET', '/healthz'),
        cloud.ask('GET', '/'),
      ].map(async (answer) => (await answer).status),
    )
    expect(statuses).toEqual([202, 403, 403, 202, 401, 202, 401, 401, 401, 401, 200, 200, 200, 200])
    await cloud.admin('PATCH', '/devices/dev-1', { enabled: false })
    const answer = await cloud.ask('POST', '/devices/dev-1/telemetry', { proof, body: '{}' })
    expect(answer.status).toBe(403)
    const plain = await cloud.call('/devices/dev-1/telemetry', { method: 'POST', body: '{}' })
    expect(plain.status).toBe(403)
  })
})

describe('--require-auth', () => {
  it('holds the plain ports to the same', async () => {
    const cloud = await openTlsCloud({ requireAuth: true })
    const token = await cloud.addWithToken('dev-1')
    await expect(
      connectAsync(cloud.mqtt, { clientId: 'dev-1', reconnectPeriod: 0 }),
    ).rejects.toMatchObject({ code: 5 })
    const login = { username: 'dev-1', password: token, reconnectPeriod: 0 }
    await (await connectAsync(cloud.mqtt, login)).endAsync()
    const admin = { password: cloud.adminToken, username: 'admin', reconnectPeriod: 0 }
    const watcher = await connectAsync(cloud.mqtt, admin)
    expect((await watcher.subscribeAsync('#'))[0]?.qos).toBe(0)
    await watcher.endAsync()
    expect((await cloud.call('/devices')).status).toBe(401)
    const post = (headers: Record<string, string>) =>
      cloud.call('/devices/dev-1/telemetry', { method: 'POST', body: '{"a":1}', headers })
    expect((await post({})).status).toBe(401)
    expect((await post({ authorization: `Bearer ${token}` })).status).toBe(202)
  })

  it('is what a host beyond this machine needs', () => {
    const read = (flags: Record<string, string>, ...switches: string[]) =>
      readLocalSettings(flags, {}, new Set(switches))
    expect(() => read({ host: '0.0.0.0' })).toThrow(/--require-auth/)
    expect(read({ host: '0.0.0.0' }, 'require-auth')).toMatchObject({ requireAuth: true })
    expect(readLocalSettings({ host: '::' }, { ANYHUB_REQUIRE_AUTH: 'on' }).requireAuth).toBe(true)
    expect(() => readLocalSettings({}, { ANYHUB_REQUIRE_AUTH: 'maybe' })).toThrow(/on or off/)
  })

  it.each([
    [{}, [8443, 8883]],
    [{ 'http-port': '0', 'mqtt-port': '0' }, [0, 0]],
    [{ 'http-port': '9000', 'mqtt-port': 'off' }, [0, 8883]],
    [{ 'http-port': '0', 'https-port': 'off', 'mqtts-port': '9883' }, [undefined, 9883]],
  ])('TLS ports of %j are %j', (flags, ports) => {
    const { httpsPort, mqttsPort } = readLocalSettings(flags, {})
    expect([httpsPort, mqttsPort]).toEqual(ports)
  })
})

describe('the authority', () => {
  it('stays the same over restarts, and its key is for its owner', async () => {
    const folder = temporaryFolder()
    const options = { folder, hosts: ['localhost', '127.0.0.1', '::1'], now: Date.now() }
    const [first, second] = [await openAuthority(options), await openAuthority(options)]
    expect(second.certificate).toBe(first.certificate)
    expect(second.server.cert).toBe(first.server.cert)
    for (const file of ['authority.pem', 'server.pem'])
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
    const more = await openAuthority({ ...options, hosts: [...options.hosts, 'hub.example'] })
    expect(more.certificate).toBe(first.certificate)
    expect(more.server.cert).not.toBe(first.server.cert)
    const later = await openAuthority({ ...options, now: Date.now() + 3 * YEAR_MS })
    expect(later.server.cert).not.toBe(more.server.cert)
  })
})

describe('anyhub device', () => {
  it('adds, lists, shows, disables, enables, rotates and removes', async () => {
    const cloud = await openTlsCloud()
    const out = temporaryFolder()
    const device = (...args: string[]) =>
      runCli(['device', ...args, '--url', cloud.http, '--data', cloud.data], { cwd: out })
    expect(await device('add', 'dev-1', '--cert', '--type', 'fridge', '--tag', 'site=7')).toEqual({
      code: 0,
      err: '',
      out: `dev-1 registered\n  ${out}/dev-1.private.key\n  ${out}/dev-1.cert.pem\n  ${out}/ca.pem\n`,
    })
    expect(statSync(join(out, 'dev-1.private.key')).mode & 0o777).toBe(0o600)
    expect((await device('add', 'dev-1', '--key')).code).toBe(2)
    expect(await device('add', 'dev-1', '--key', '--out', 'other')).toMatchObject({ code: 1 })
    expect((await device('add', 'dev-2', '--key')).out).toMatch(/key {2}[\w-]{43} /)
    expect((await device('list')).out).toMatch(/^dev-1 +enabled +fridge +certificate\ndev-2 /)
    expect(JSON.parse((await device('show', 'dev-1', '--json')).out)).toMatchObject({
      deviceId: 'dev-1',
      tags: { site: '7' },
      enabled: true,
    })
    expect((await device('disable', 'dev-1')).out).toBe('dev-1 disabled\n')
    expect((await cloud.core.ports.registry.get('dev-1'))?.enabled).toBe(false)
    expect((await device('enable', 'dev-1')).out).toBe('dev-1 enabled\n')
    const rotated = await device('rotate', 'dev-1', '--grace', '60', '--out', 'next', '--json')
    expect(JSON.parse(rotated.out).files.certificate).toBe(join(out, 'next', 'dev-1.cert.pem'))
    expect((await cloud.core.ports.registry.get('dev-1'))?.credentials).toHaveLength(2)
    expect((await device('remove', 'dev-2')).out).toBe('dev-2 removed\n')
    expect((await device('show', 'dev-2')).code).toBe(1)
    expect((await device('list', 'dev-1')).code).toBe(2)
    expect((await device('melt', 'dev-1')).code).toBe(2)
  })
})
