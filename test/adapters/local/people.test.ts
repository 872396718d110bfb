import { describe, expect, it } from 'vitest'
import { type FakeIssuer, openIssuer } from '../../fakes/issuer.ts'
import { openTlsCloud, type TlsCloud } from './tls-cloud.ts'

async function keyOf(cloud: TlsCloud, body: object): Promise<Record<string, string>> {
  const answer = await cloud.ask('POST', '/keys', {
    headers: { authorization: `Bearer ${cloud.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'a key', ...body }),
  })
  expect(answer.status).toBe(201)
  return { authorization: `Bearer ${JSON.parse(answer.body).secret}` }
}

const UNKNOWN = { authorization: `Bearer ahk_x_${'A'.repeat(43)}` }

/** Interfaces of vendors and of brokers: people have no business there. */
const DEVICE_PATHS = [
  ['GET', '/things/dev1/shadow'],
  ['POST', '/topics/a/b'],
  ['GET', '/api/things/shadow/ListNamedShadowsForThing/dev1'],
  ['GET', '/devices/dev1/messages/devicebound?api-version=2021-04-12'],
  ['POST', '/devices/dev1/messages/events?api-version=2021-04-12'],
] as const

describe('over TLS', () => {
  it('an API key does what its scopes say', async () => {
    const cloud = await openTlsCloud()
    const headers = await keyOf(cloud, { scopes: ['devices:read'] })
    expect((await cloud.ask('GET', '/devices', { headers })).status).toBe(200)
    expect((await cloud.ask('GET', '/dead-letters', { headers })).status).toBe(403)
    expect((await cloud.ask('GET', '/keys', { headers })).status).toBe(403)
    expect((await cloud.ask('GET', '/mailbox', { headers })).status).toBe(403)
    expect((await cloud.ask('GET', '/devices', { headers: UNKNOWN })).status).toBe(401)
    expect((await cloud.ask('GET', '/devices')).status).toBe(401)
  })

  it('what the listener serves itself needs a scope too', async () => {
    const cloud = await openTlsCloud()
    const system = await keyOf(cloud, { scopes: ['system:read'] })
    const devices = await keyOf(cloud, { scopes: ['devices:read'] })
    const limited = await keyOf(cloud, { role: 'admin', groups: ['here'] })
    const statusOf = async (path: string, headers: Record<string, string>) =>
      (await cloud.ask('HEAD', path, { headers })).status
    for (const path of ['/metrics', '/stats']) {
      expect(await statusOf(path, system)).toBe(200)
      expect(await statusOf(path, devices)).toBe(403)
      expect(await statusOf(path, limited)).toBe(403)
      expect(await statusOf(path, UNKNOWN)).toBe(401)
    }
    expect(await statusOf('/events', devices)).toBe(200)
    expect(await statusOf('/events', system)).toBe(403)
    expect(await statusOf('/events', limited)).toBe(403)
  })

  it('nobody but devices and the admin comes in where vendors and brokers have their paths', async () => {
    const cloud = await openTlsCloud()
    await cloud.addWithToken('dev1')
    const admin = await keyOf(cloud, { role: 'admin' })
    for (const [method, path] of DEVICE_PATHS) {
      const answer = await cloud.ask(method, path, { headers: admin })
      expect([401, 403]).toContain(answer.status)
    }
  })

  it('a device does what it did, on its own paths and nowhere else', async () => {
    const cloud = await openTlsCloud()
    const headers = {
      authorization: `Bearer ${await cloud.addWithToken('dev1')}`,
      'content-type': 'application/json',
    }
    const body = '{"t":1}'
    const sent = await cloud.ask('POST', '/devices/dev1/telemetry', { headers, body })
    expect(sent.status).toBe(202)
    expect((await cloud.ask('GET', '/devices/dev1/shadow', { headers })).status).toBe(200)
    for (const [method, path] of [
      ['POST', '/devices/dev2/telemetry'],
      ['GET', '/devices/dev1'],
      ['GET', '/devices'],
      ['GET', '/keys'],
      ['POST', '/session'],
      ['POST', '/session/codes'],
      ['GET', '/metrics'],
    ] as const)
      expect((await cloud.ask(method, path, { headers })).status).toBe(401)
    const proof = await cloud.add('dev3')
    expect((await cloud.ask('GET', '/devices/dev3/shadow', { proof })).status).toBe(404)
    expect((await cloud.ask('GET', '/devices', { proof })).status).toBe(403)
    expect((await cloud.ask('GET', '/keys', { proof })).status).toBe(403)
  })

  it('a browser signs in, reads by cookie, and changes with the CSRF token', async () => {
    const cloud = await openTlsCloud()
    const opened = await cloud.ask('POST', '/session', {
      headers: { authorization: `Bearer ${cloud.adminToken}` },
    })
    expect(opened.status).toBe(201)
    const [set = ''] = [opened.headers['set-cookie']].flat()
    expect(set).toMatch(/^__Host-anyhub_session=.+; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
    const cookie = set.split(';')[0] ?? ''
    const { csrfToken } = JSON.parse(opened.body)
    expect((await cloud.ask('GET', '/keys', { headers: { cookie } })).status).toBe(200)
    expect((await cloud.ask('HEAD', '/events', { headers: { cookie } })).status).toBe(200)
    const remove = (headers: Record<string, string>) =>
      cloud.ask('DELETE', '/dead-letters/x', { headers })
    expect((await remove({ cookie })).status).toBe(403)
    expect((await remove({ cookie, 'anyhub-csrf': csrfToken })).status).toBeLessThan(300)
    const foreign = { cookie, 'anyhub-csrf': csrfToken, origin: 'https://evil.example' }
    expect((await remove(foreign)).status).toBe(403)
    expect((await cloud.ask('GET', '/keys', { headers: { cookie: `${cookie}x` } })).status).toBe(
      401,
    )
  })
})

describe('with requireAuth', () => {
  it('plain HTTP asks who it is, and takes keys', async () => {
    const cloud = await openTlsCloud({ requireAuth: true })
    const headers = await keyOf(cloud, { role: 'viewer' })
    const statusOf = async (path: string, init: RequestInit = {}) =>
      (await cloud.call(path, init)).status
    expect(await statusOf('/devices')).toBe(401)
    expect(await statusOf('/devices', { headers })).toBe(200)
    expect(await statusOf('/keys', { headers })).toBe(403)
    expect(await statusOf('/healthz')).toBe(200)
    expect(await statusOf('/session')).toBe(200)
    expect(await statusOf('/openapi.json')).toBe(200)
  })

  it('people of an issuer come in', async () => {
    const fake: FakeIssuer = await openIssuer()
    try {
      const access = {
        oidc: [{ issuer: fake.issuer, audience: 'anyhub', allowPrivate: true }],
      }
      const cloud = await openTlsCloud({ requireAuth: true }, { config: { access } })
      const ask = async (path: string, token: string) =>
        (await cloud.call(path, { headers: { authorization: `Bearer ${token}` } })).status
      const token = await fake.sign({ sub: 'ann', roles: ['viewer'] })
      expect(await ask('/devices', token)).toBe(200)
      expect(await ask('/keys', token)).toBe(403)
      expect(await ask('/devices', await fake.sign({ sub: 'bob', roles: [] }))).toBe(403)
      expect(await ask('/devices', `${token.slice(0, -8)}AAAAAAAA`)).toBe(401)
    } finally {
      await fake.close()
    }
  })
})

describe('in development', () => {
  it('nobody has to show anything to read, and wrong credentials are told', async () => {
    const cloud = await openTlsCloud()
    const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
      cloud.call(path, { method, headers, ...(method === 'POST' ? { body: '{"t":1}' } : {}) })
    expect((await ask('GET', '/devices')).status).toBe(200)
    expect((await ask('GET', '/keys')).status).toBe(401)
    expect((await ask('DELETE', '/dead-letters/x')).status).toBe(401)
    expect((await ask('GET', '/devices', UNKNOWN)).status).toBe(401)
    const json = { 'content-type': 'application/json' }
    for (const authorization of ['Bearer whatever', 'Basic eDp5'])
      expect(
        (await ask('POST', '/devices/dev9/telemetry', { authorization, ...json })).status,
      ).toBe(202)
    const key = await keyOf(cloud, { scopes: ['devices:read'] })
    expect((await ask('POST', '/devices/dev9/telemetry', { ...key, ...json })).status).toBe(403)
  })
})
