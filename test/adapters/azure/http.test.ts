import { HttpRequest } from '@azure/functions'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type AzureApi, createAzureApi } from '../../../adapters/azure/api.ts'
import { toHttpReply, toRequest } from '../../../adapters/azure/http.ts'
import { parseConfig } from '../../../core/index.ts'
import { type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { type EmbeddedHub, startHub } from './embedded-hub.ts'
import { ADMIN_TOKEN, openStack, type Stack } from './stack.ts'

const HOST = 'https://anyhub.azurewebsites.net'

describe('Azure: HTTP', () => {
  it('takes a request as it is, with its bytes', async () => {
    const bytes = Buffer.from([0xff, 0, 0x80])
    const request = await toRequest(
      new HttpRequest({
        method: 'POST',
        url: `${HOST}/devices/a%2Fb/telemetry?x=1&x=2`,
        headers: { 'Content-Type': 'application/octet-stream', 'X-Many': 'a, b' },
        body: { bytes },
      }),
    )
    expect([request.method, request.url]).toEqual([
      'POST',
      `${HOST}/devices/a%2Fb/telemetry?x=1&x=2`,
    ])
    expect(request.headers.get('x-many')).toBe('a, b')
    expect(Buffer.from(await request.arrayBuffer())).toEqual(bytes)
  })

  it.each(['GET', 'HEAD'] as const)('takes a %s without a body', async (method) => {
    const request = await toRequest(new HttpRequest({ method, url: `${HOST}/healthz` }))
    expect([request.method, await request.text()]).toEqual([method, ''])
  })

  it('answers with bytes, status and headers', async () => {
    const bytes = Buffer.from([1, 0xff])
    const reply = await toHttpReply(
      new Response(bytes, { status: 418, headers: { 'content-type': 'image/png', etag: '"1"' } }),
    )
    expect(reply).toEqual({
      status: 418,
      headers: { 'content-type': 'image/png', etag: '"1"' },
      body: bytes,
    })
  })
})

describeWithEmulators('Azure: the API', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  let hub: EmbeddedHub
  let stack: Stack
  let api: AzureApi
  beforeAll(async () => {
    ;[azurite, cosmos, hub] = await Promise.all([startAzurite(), startCosmos(), startHub()])
    stack = await openStack({ azurite, cosmos, hub })
    const parsed = parseConfig({})
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    api = createAzureApi(stack.settings, parsed.config)
  }, 90_000)
  afterAll(async () => {
    await api?.close()
    await stack?.close()
    await Promise.all([azurite?.stop(), cosmos?.stop(), hub?.close()])
  })
  afterEach(() => vi.restoreAllMocks())

  async function ask(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    token?: string,
    body?: string,
  ) {
    const reply = await api(
      new HttpRequest({
        method,
        url: `${HOST}${path}`,
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: { string: body } }),
      }),
      {},
    )
    const text = String(reply.body)
    return { status: reply.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
  }

  it('is for the admin, and says so to others', async () => {
    for (const token of [undefined, 'wrong', `${ADMIN_TOKEN}x`]) {
      const refused = await ask('GET', '/devices', token)
      expect([refused.status, refused.json.title]).toEqual([
        401,
        token === undefined ? 'unauthorized' : 'access.bad_credentials',
      ])
    }
    expect((await ask('GET', '/devices', ADMIN_TOKEN)).status).toBe(200)
    expect((await ask('GET', '/healthz')).status).toBe(200)
  })

  it('registers a device at the hub, and hands out its keys once', async () => {
    const made = await ask(
      'POST',
      '/registry/devices',
      ADMIN_TOKEN,
      '{"deviceId":"dev-1","credential":"key","tags":{"site":"north"}}',
    )
    expect(made.status).toBe(201)
    const { primaryKey, secondaryKey } = made.json
    expect(await hub.ask('GET', '/devices/dev-1')).toMatchObject({
      authentication: { symmetricKey: { primaryKey, secondaryKey } },
    })
    const shown = await ask('GET', '/registry/devices/dev-1', ADMIN_TOKEN)
    expect(shown.json.tags).toEqual({ site: 'north' })
    expect(shown.text).not.toContain(primaryKey)
    const tagged = await ask(
      'PATCH',
      '/registry/devices/dev-1',
      ADMIN_TOKEN,
      '{"tags":{"site":"south"}}',
    )
    expect([tagged.status, tagged.json.tags]).toEqual([200, { site: 'south' }])
    expect(await hub.ask('GET', '/twins/dev-1')).toMatchObject({ tags: { site: 'south' } })
  })

  it('takes telemetry of a device with its own token, and of no other', async () => {
    const made = await ask(
      'POST',
      '/registry/devices',
      ADMIN_TOKEN,
      '{"deviceId":"dev-2","credential":"token"}',
    )
    const { token } = made.json
    const sent = await ask('POST', '/devices/dev-2/telemetry', token, '{"temp":21.5}')
    expect(sent.status).toBe(202)
    expect((await ask('POST', '/devices/dev-1/telemetry', token, '{}')).status).toBe(401)
    expect((await ask('GET', '/devices/dev-2', token)).status).toBe(401)
    const { json } = await ask('GET', '/devices/dev-2', ADMIN_TOKEN)
    expect(json.last.temp.value).toBe(21.5)
  })
})
