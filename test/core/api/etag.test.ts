import { describe, expect, it } from 'vitest'
import { createApi, registryEndpoints } from '../../../core/api/index.ts'
import { createWorld } from '../../fakes/memory-ports.ts'
import { NOW, start } from '../harness.ts'

const TOKEN = 'Bearer a'

async function open() {
  const { core, world } = start({}, { world: createWorld(NOW) })
  const api = createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: (authorization) => authorization === TOKEN,
    more: registryEndpoints({ ports: core.ports }),
  })
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const answer = await api.request(path, {
      method,
      headers: { authorization: TOKEN, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      etag: answer.headers.get('etag'),
      headers: answer.headers,
      json: text === '' ? undefined : JSON.parse(text),
    }
  }
  await ask('POST', '/devices/d1/telemetry', { temp: 1 })
  return { ask, world }
}

const wish = (fan: string) => ({ state: { desired: { fan } } })

describe('the ETag of a shadow', () => {
  it('is its version, and a change for an older one is refused with nothing changed', async () => {
    const { ask } = await open()
    const made = await ask('PATCH', '/devices/d1/shadow', wish('on'))
    expect(made).toMatchObject({ status: 200, etag: `"${made.json.version}"` })
    const again = await ask('PATCH', '/devices/d1/shadow', wish('off'), { 'if-match': made.etag! })
    expect(again).toMatchObject({ status: 200, etag: `"${made.json.version + 1}"` })
    const stale = await ask('PATCH', '/devices/d1/shadow', wish('on'), { 'if-match': made.etag! })
    expect(stale).toMatchObject({
      status: 412,
      json: { type: 'urn:anyhub:input.precondition_failed' },
    })
    const now = await ask('GET', '/devices/d1/shadow')
    expect(now).toMatchObject({ etag: again.etag, json: { state: { desired: { fan: 'off' } } } })
  })

  it('lets one of many changes for the same version through', async () => {
    const { ask } = await open()
    const { etag } = await ask('PATCH', '/devices/d1/shadow', wish('on'))
    const all = await Promise.all(
      ['a', 'b', 'c', 'd'].map((fan) =>
        ask('PATCH', '/devices/d1/shadow', wish(fan), { 'if-match': etag! }),
      ),
    )
    expect(all.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412])
  })

  it.each([
    { match: '*', status: 200 },
    { match: '"0", "2"', status: 200 },
    { match: 'W/"2"', status: 412 },
    { match: '"x"', status: 412 },
    { match: '"9"', status: 412 },
  ])('is matched by $match with $status', async ({ match, status }) => {
    const { ask } = await open()
    expect((await ask('PATCH', '/devices/d1/shadow', wish('on'))).etag).toBe('"2"')
    const answer = await ask('PATCH', '/devices/d1/shadow', wish('off'), { 'if-match': match })
    expect(answer.status).toBe(status)
  })

  it('has to be there for any', async () => {
    const { ask } = await open()
    const any = { 'if-match': '*' }
    expect((await ask('PATCH', '/devices/d1/shadow', wish('on'), any)).status).toBe(200)
    expect((await ask('PATCH', '/devices/d1/shadow?name=x', wish('on'), any)).status).toBe(412)
    expect((await ask('GET', '/devices/d1/shadow?name=x')).status).toBe(404)
  })

  it('leaves the rest of the body as it was sent', async () => {
    const { ask } = await open()
    const { etag } = await ask('PATCH', '/devices/d1/shadow', wish('on'))
    expect((await ask('PATCH', '/devices/d1/shadow', {}, { 'if-match': etag! })).status).toBe(400)
    const own = { ...wish('off'), version: 7 }
    expect((await ask('PATCH', '/devices/d1/shadow', own, { 'if-match': etag! })).status).toBe(412)
  })
})

describe('If-None-Match', () => {
  it('saves what the client has already', async () => {
    const { ask } = await open()
    await ask('PATCH', '/devices/d1/shadow', wish('on'))
    const first = await ask('GET', '/devices/d1/shadow')
    const known = await ask('GET', '/devices/d1/shadow', undefined, {
      'if-none-match': `"0", W/${first.etag}`,
    })
    expect(known).toMatchObject({ status: 304, json: undefined, etag: first.etag })
    const other = await ask('GET', '/devices/d1/shadow', undefined, { 'if-none-match': '"0"' })
    expect(other.status).toBe(200)
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
  })
})

describe('the ETag of a registered device', () => {
  it('keeps two people from changing it at once', async () => {
    const { ask } = await open()
    const made = await ask('POST', '/registry/devices', { deviceId: 'd1' })
    expect(made).toMatchObject({ status: 201, etag: '"1"' })
    const match = { 'if-match': '"1"' }
    const all = await Promise.all(
      ['a', 'b'].map((type) => ask('PATCH', '/registry/devices/d1', { type }, match)),
    )
    expect(all.map(({ status }) => status).sort()).toEqual([200, 412])
    expect((await ask('GET', '/registry/devices/d1')).etag).toBe('"2"')
    expect((await ask('DELETE', '/registry/devices/d1', undefined, match)).status).toBe(412)
    const now = { 'if-match': '"2"' }
    expect((await ask('DELETE', '/registry/devices/d1', undefined, now)).status).toBe(204)
  })
})
