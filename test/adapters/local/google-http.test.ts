import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type GoogleCloud, openGoogleCloud } from './google-cloud.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

async function open(): Promise<{ cloud: GoogleCloud; token: string }> {
  const cloud = await openGoogleCloud()
  await cloud.register('d1')
  return { cloud, token: await cloud.token('d1') }
}

const recordOf = (cloud: GoogleCloud) => cloud.core.ports.devices.load('d1')

describe('the HTTP bridge of Google', () => {
  it('takes telemetry, in both spellings, with a subfolder', async () => {
    const { cloud, token } = await open()
    for (const body of [
      { binary_data: base64('{"temp":1}') },
      { binaryData: base64('{"temp":2}'), subFolder: 'a/b' },
      { binary_data: base64('{"temp":3}'), sub_folder: 'a' },
    ]) {
      const answer = await cloud.bridge('POST', 'd1:publishEvent', { token, body })
      expect(answer).toEqual({ status: 200, body: {} })
    }
    expect(await recordOf(cloud)).toMatchObject({ accepted: 3, last: { temp: { value: 3 } } })
  })

  it('takes states', async () => {
    const { cloud, token } = await open()
    const body = { state: { binary_data: base64('{"on":true}') } }
    expect(await cloud.bridge('POST', 'd1:setState', { token, body })).toEqual({
      status: 200,
      body: {},
    })
    expect((await recordOf(cloud))?.shadows['']?.reported).toEqual({ on: true })
  })

  it('gives the config, and nothing to who has it', async () => {
    const { cloud, token } = await open()
    await cloud.asAdmin('PUT', '/devices/d1/config', '{"fan":"on"}')
    const first = await cloud.bridge('GET', 'd1/config?local_version=0', { token })
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({ version: '2', binaryData: base64('{"fan":"on"}') })
    expect(Date.parse(String(first.body['cloudUpdateTime']))).toBeGreaterThan(Date.now() - 60_000)
    expect(await cloud.bridge('GET', 'd1/config?local_version=2', { token })).toEqual({
      status: 200,
      body: {},
    })
    const { versions } = await cloud.asAdmin('GET', '/devices/d1/config')
    expect((versions as { acknowledgedAt?: number }[])[0]!.acknowledgedAt).toBeGreaterThan(0)
    expect((await cloud.bridge('GET', 'd1/config', { token })).body['version']).toBe('2')
  })

  it.each([
    ['no token', 401, {}],
    ['a foreign token', 401, { token: 'foreign' }],
    ['an expired token', 401, { iat: -7_200, exp: -700 }],
    ['a foreign project', 401, { aud: 'other' }],
  ])('refuses %s in the words of Google', async (_name, status, how) => {
    const { cloud } = await open()
    await cloud.register('d2')
    const token =
      'token' in how
        ? await cloud.token('d2')
        : 'aud' in how || 'exp' in how
          ? await cloud.token('d1', how)
          : undefined
    const answer = await cloud.bridge('POST', 'd1:publishEvent', {
      token,
      body: { binary_data: base64('{"temp":1}') },
    })
    expect(answer).toMatchObject({ status, body: { error: { code: status } } })
    expect(answer.body['error']).toMatchObject({ status: 'UNAUTHENTICATED' })
    expect(await recordOf(cloud)).toBeUndefined()
  })

  it.each([
    ['POST', 'd1:publishEvent', '{', 400],
    ['POST', 'd1:publishEvent', '[]', 400],
    ['POST', 'd1:publishEvent', { binary_data: 'no base64!' }, 400],
    ['POST', 'd1:publishEvent', { binary_data: 7 }, 400],
    ['POST', 'd1:publishEvent', { sub_folder: 'a/#' }, 400],
    ['POST', 'd1:publishEvent', { sub_folder: '/a' }, 400],
    ['POST', 'd1:publishEvent', { binary_data: 'A'.repeat(400_001) }, 413],
    ['POST', 'd1:setState', {}, 400],
    ['POST', 'd1:setState', { state: { binary_data: 'A'.repeat(100_000) } }, 400],
    ['GET', 'd1/config?local_version=x', undefined, 400],
    ['GET', 'd1:publishEvent', undefined, 405],
    ['POST', 'd1/config', {}, 405],
    ['POST', 'd1:sendCommandToDevice', {}, 404],
    ['GET', 'd1', undefined, 404],
    ['GET', 'a%20b/config', undefined, 404],
  ] as const)('%s %s %j is %i', async (method, path, body, status) => {
    const { cloud, token } = await open()
    const answer = await cloud.bridge(method, path, {
      token,
      ...(body === undefined ? {} : { body }),
    })
    expect(answer).toMatchObject({ status, body: { error: { code: status } } })
  })

  it('needs a token of a registered device also without TLS, and of nobody else there', async () => {
    const { cloud, token } = await open()
    const send = (deviceId: string, headers: Record<string, string>) =>
      cloud.call(`/v1/projects/proj/locations/l/registries/r/devices/${deviceId}:publishEvent`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ binary_data: base64('{"temp":1}') }),
      })
    expect((await send('d1', {})).status).toBe(401)
    expect((await send('d1', { authorization: `Bearer ${token}` })).status).toBe(200)
    expect((await send('new', {})).status).toBe(200)
  })

  it('answers whatever comes', async () => {
    const { cloud, token } = await open()
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('d1:publishEvent', 'd1:setState', 'd1/config?local_version=1'),
        fc.oneof(fc.string(), fc.json()),
        fc.oneof(fc.constant(token), fc.stringMatching(/^[\w.-]{1,40}$/)),
        async (path, body, bearer) => {
          const method = path.includes('config') ? 'GET' : 'POST'
          const answer = await cloud.bridge(method, path, {
            token: bearer,
            ...(method === 'GET' ? {} : { body }),
          })
          expect([200, 400, 401]).toContain(answer.status)
        },
      ),
      { numRuns: 60 },
    )
  })
})
