import { afterEach, describe, expect, it } from 'vitest'
import {
  createPeopleApi,
  lastForwarded,
  type PeopleApi,
} from '../../../adapters/node/people-api.ts'
import { nodeSecrets } from '../../../adapters/node/secrets.ts'
import { registryEndpoints } from '../../../core/api/index.ts'
import { start } from '../../core/harness.ts'

const ADMIN_TOKEN = 'the-token-of-the-admin-0123456789'
const TOKEN = nodeSecrets.create()

describe('createPeopleApi', () => {
  let people: PeopleApi | undefined
  afterEach(() => people?.close())

  function open() {
    const { core, world } = start({})
    world.registered.set('dev-1', {
      deviceId: 'dev-1',
      tags: {},
      enabled: true,
      createdAt: world.now,
      version: 1,
      credentials: [{ kind: 'token', digest: nodeSecrets.digest(TOKEN), createdAt: world.now }],
    })
    const files = new Map<string, Uint8Array>()
    people = createPeopleApi({
      core,
      adminTokenDigest: nodeSecrets.digest(ADMIN_TOKEN),
      more: registryEndpoints({ ports: core.ports }),
      page: {
        get: async (name) => files.get(name),
        put: async (name, bytes) => void files.set(name, bytes),
      },
    })
    const { serve } = people
    const ask = async (method: string, path: string, token?: string, remote = '192.0.2.1') => {
      const headers = {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      }
      const body = method === 'POST' || method === 'PUT' ? { body: '{"t":1}' } : {}
      const request = new Request(`https://cloud.test${path}`, { method, headers, ...body })
      return (await serve(request, remote)).status
    }
    return { ask, world }
  }

  it('is for whoever proves who he is', async () => {
    const { ask } = open()
    expect(await ask('GET', '/healthz')).toBe(200)
    expect(await ask('GET', '/devices')).toBe(401)
    expect(await ask('GET', '/devices', 'wrong')).toBe(401)
    expect(await ask('GET', '/devices', ADMIN_TOKEN)).toBe(200)
    expect(await ask('POST', '/devices/dev-1/telemetry')).toBe(401)
  })

  it('lets a device do what is its own', async () => {
    const { ask, world } = open()
    expect(await ask('POST', '/devices/dev-1/telemetry', TOKEN)).toBe(202)
    expect(await ask('GET', '/devices/dev-1/shadow', TOKEN)).toBe(200)
    expect(await ask('POST', '/devices/dev-2/telemetry', TOKEN)).toBe(401)
    expect(await ask('POST', '/devices/%E0%A4%A/telemetry', TOKEN)).toBe(401)
    expect(await ask('GET', '/devices/dev-1/telemetry', TOKEN)).toBe(403)
    expect(await ask('GET', '/registry/devices', TOKEN)).toBe(401)
    const device = world.registered.get('dev-1')
    if (device === undefined) throw new Error('expected a device')
    world.registered.set('dev-1', { ...device, enabled: false })
    expect(await ask('POST', '/devices/dev-1/telemetry', TOKEN)).toBe(401)
  })

  it('serves the page to everybody, as the admin put it there', async () => {
    const { ask } = open()
    expect(await ask('GET', '/')).toBe(404)
    expect(await ask('PUT', '/page?path=index.html')).toBe(401)
    expect(await ask('PUT', '/page?path=index.html', TOKEN)).toBe(401)
    expect(await ask('PUT', '/page?path=index.html', ADMIN_TOKEN)).toBe(204)
    expect(await ask('GET', '/')).toBe(200)
  })

  it('serves devices also where somebody tries many tokens', async () => {
    const { ask } = open()
    for (let count = 0; count < 30; count++) expect(await ask('GET', '/keys', 'wrong')).toBe(401)
    expect(await ask('GET', '/keys', 'wrong')).toBe(429)
    expect(await ask('POST', '/devices/dev-1/telemetry', TOKEN)).toBe(202)
    expect(await ask('GET', '/keys', 'wrong', '192.0.2.2')).toBe(401)
  })
})

describe('lastForwarded', () => {
  it.each([
    [null, undefined],
    ['', undefined],
    ['192.0.2.1', '192.0.2.1'],
    ['6.6.6.6, 192.0.2.1', '192.0.2.1'],
    ['6.6.6.6,192.0.2.1:50123', '192.0.2.1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
  ])('reads %j', (header, address) => {
    expect(lastForwarded(header)).toBe(address)
  })
})
