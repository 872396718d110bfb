import { describe, expect, it } from 'vitest'
import { createApi, registryEndpoints } from '../../../core/api/index.ts'
import { createWorld } from '../../fakes/memory-ports.ts'
import { NOW, start } from '../harness.ts'

const PEM = '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n'

function open() {
  const { core } = start({}, { world: createWorld(NOW) })
  const api = createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: (authorization) => authorization === 'Bearer a',
    more: registryEndpoints({ ports: core.ports }),
  })
  return async (method: string, path: string, body?: unknown) => {
    const answer = await api.request(`/registry${path}`, {
      method,
      headers: { authorization: 'Bearer a', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, text, body: text === '' ? undefined : JSON.parse(text) }
  }
}

describe('public keys of devices', () => {
  it('are registered with an end, added and removed, and shown by their fingerprint', async () => {
    const call = open()
    const added = await call('POST', '/devices', {
      deviceId: 'd1',
      publicKey: PEM,
      publicKeyExpiresAt: NOW + 1,
    })
    expect(added.status).toBe(201)
    const [first] = added.body.device.credentials
    expect(first).toMatchObject({ kind: 'public_key', endsAt: NOW + 1, live: true })
    expect(added.text).not.toContain('BEGIN')
    const second = `${PEM}\n`
    const two = await call('POST', '/devices/d1/public-keys', { publicKey: second })
    expect(two.status).toBe(201)
    expect(two.body.credentials).toHaveLength(2)
    const again = await call('POST', '/devices/d1/public-keys', { publicKey: second })
    expect(again.body.credentials).toHaveLength(2)
    const path = `/devices/d1/public-keys/${first.fingerprint}`
    expect((await call('DELETE', path)).body.credentials).toHaveLength(1)
    expect((await call('DELETE', path)).status).toBe(404)
  })

  it.each([
    { publicKey: 7 },
    { publicKey: 'no key' },
    { publicKey: PEM, publicKeyExpiresAt: '2026' },
    { publicKey: PEM, publicKeyExpiresAt: -1 },
    { credential: 'public_key' },
    { gatewayAuth: 'anybody' },
  ])('%j is refused', async (fields) => {
    const call = open()
    expect((await call('POST', '/devices', { deviceId: 'd1', ...fields })).status).toBe(400)
    expect((await call('GET', '/devices/d1')).status).toBe(404)
  })

  it('are not made here: a rotation brings the next one, and ends those before', async () => {
    const call = open()
    await call('POST', '/devices', { deviceId: 'd1', publicKey: PEM })
    expect((await call('POST', '/devices/d1/rotate', {})).status).toBe(400)
    const fields = { publicKey: `${PEM}\n`, graceSeconds: 60 }
    const rotated = await call('POST', '/devices/d1/rotate', fields)
    expect(rotated.status).toBe(200)
    expect(rotated.body.device.credentials).toMatchObject([
      { endsAt: NOW + 60_000 },
      { live: true },
    ])
    expect(rotated.body.device.credentials[1].endsAt).toBeUndefined()
    const again = await call('POST', '/devices/d1/rotate', fields)
    expect(again.body.device.credentials).toHaveLength(2)
  })
})

describe('gateways', () => {
  it('are bound to devices, and let go', async () => {
    const call = open()
    await call('POST', '/devices', { deviceId: 'gw', gatewayAuth: 'association' })
    await call('POST', '/devices', { deviceId: 'd1' })
    const bound = await call('PUT', '/devices/gw/bound/d1')
    expect(bound).toMatchObject({ status: 200, body: { deviceId: 'd1', gateways: ['gw'] } })
    expect((await call('PUT', '/devices/gw/bound/d1')).body.gateways).toEqual(['gw'])
    const free = await call('DELETE', '/devices/gw/bound/d1')
    expect(free.status).toBe(200)
    expect(free.body.gateways).toBeUndefined()
  })

  it('have to be there, and to be gateways', async () => {
    const call = open()
    await call('POST', '/devices', { deviceId: 'd1' })
    await call('POST', '/devices', { deviceId: 'd2' })
    expect((await call('PUT', '/devices/d1/bound/d2')).status).toBe(400)
    expect((await call('PUT', '/devices/none/bound/d2')).status).toBe(404)
    const made = await call('PATCH', '/devices/d1', { gatewayAuth: 'token' })
    expect(made.body.gatewayAuth).toBe('token')
    expect((await call('PUT', '/devices/d1/bound/none')).status).toBe(404)
    expect((await call('PUT', '/devices/d1/bound/d2')).status).toBe(200)
  })
})
