import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SharedAccessSignature } from 'azure-iot-common'
import { afterEach, describe, expect, it } from 'vitest'
import { createAzureClient, type Service } from '../../../adapters/azure/client.ts'
import { type AzureSettings, readConfig } from '../../../adapters/azure/config.ts'
import { createCosmos } from '../../../adapters/azure/cosmos.ts'
import { createCredentials } from '../../../adapters/azure/credentials.ts'
import { createLookupSource } from '../../../adapters/azure/lookup-source.ts'
import { createServices } from '../../../adapters/azure/services.ts'
import { bySignature, cosmosByKey } from '../../../adapters/azure/signing.ts'
import { createStorageQueues } from '../../../adapters/azure/storage-queue.ts'
import { type Answer, type Asked, openLoopback } from '../gcp/loopback.ts'

const NOW = Date.UTC(2026, 0, 31, 15)
const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const ENV = {
  ANYHUB_COSMOS_ENDPOINT: 'https://acct.documents.azure.com:443/',
  ANYHUB_COSMOS_DATABASE: 'anyhub',
  ANYHUB_STORAGE_ACCOUNT: 'acct',
  ANYHUB_BLOB_ENDPOINT: 'https://acct.blob.core.windows.net',
  ANYHUB_QUEUE_ENDPOINT: 'https://acct.queue.core.windows.net',
  ANYHUB_BLOB_CONTAINER: 'anyhub',
  ANYHUB_HIGH_QUEUE: 'high',
  ANYHUB_NORMAL_QUEUE: 'normal',
  ANYHUB_QUEUE_PREFIX: 'q-',
  ANYHUB_IOTHUB_HOST: 'hub.azure-devices.net',
  ANYHUB_ADMIN_TOKEN_SHA256: '00',
}

describe('settings', () => {
  it('are read, and all that is missing is named', () => {
    expect(readConfig(ENV)).toMatchObject({ cosmosDatabase: 'anyhub', highQueue: 'high' })
    expect(() =>
      readConfig({ ...ENV, ANYHUB_HIGH_QUEUE: '', ANYHUB_IOTHUB_HOST: undefined }),
    ).toThrow(/ANYHUB_HIGH_QUEUE, ANYHUB_IOTHUB_HOST$/)
  })
})

/** A client that waits no time, and says how long it would have. */
async function open(answer: (asked: Asked) => Answer) {
  const server = await openLoopback(answer)
  const waits: number[] = []
  const service: Service = { endpoint: server.url, authorize: async () => ({ authorization: 'x' }) }
  const client = createAzureClient({
    services: { cosmos: service, queue: service, keyvault: service, iothub: service },
    random: () => 0.5,
    pause: async (ms) => void waits.push(ms),
  })
  closing.push(() => client.close(), server.close)
  return { server, client, waits, cosmos: createCosmos({ client, database: 'db' }) }
}

const fault = (
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Answer => ({ status, headers, body: JSON.stringify({ code, message: 'no\r\nActivityId: 1' }) })

describe('quotas and outages of Azure', () => {
  it.each([429, 449, 408, 500, 502, 503, 504])('are asked again after %d', async (status) => {
    let left = 3
    const { server, cosmos, waits } = await open(() =>
      left-- > 0 ? fault(status, 'X') : { status: 200, body: '{"id":"a","_etag":"1"}' },
    )
    expect(await cosmos.get('devices', 'a', 'a')).toEqual({ id: 'a', _etag: '1' })
    expect(server.asked).toHaveLength(4)
    // 0.5 × 50 ms × 2, 4, 8
    expect(waits).toEqual([50, 100, 200])
  })

  it.each([
    [{ 'x-ms-retry-after-ms': '1234' }, 1_234],
    [{ 'retry-after-ms': '700' }, 700],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': 'soon' }, 50],
  ])('wait as long as Azure says: %j', async (headers, ms) => {
    let left = 1
    const { cosmos, waits } = await open(() =>
      left-- > 0 ? fault(429, 'TooManyRequests', headers) : { status: 200, body: '{"id":"a"}' },
    )
    await cosmos.get('devices', 'a', 'a')
    expect(waits).toEqual([ms])
  })

  it('are left to the redelivery where Azure wants to be left alone for long', async () => {
    const { server, cosmos, waits } = await open(() => fault(429, 'Busy', { 'retry-after': '60' }))
    await expect(cosmos.get('devices', 'a', 'a')).rejects.toMatchObject({
      code: 'store.unavailable',
      retryable: true,
      details: { service: 'cosmos', retryAfterMs: 60_000 },
    })
    expect(server.asked).toHaveLength(1)
    expect(waits).toEqual([])
  })

  it('become store.unavailable with the words of Azure, after five times', async () => {
    const { server, cosmos } = await open(() => fault(503, 'ServiceUnavailable'))
    await expect(cosmos.get('devices', 'a', 'a')).rejects.toMatchObject({
      code: 'store.unavailable',
      message: 'cosmos: no answer after 5 tries: 503 ServiceUnavailable no ActivityId: 1',
    })
    expect(server.asked).toHaveLength(5)
  })

  it('are told with the id by which Microsoft finds the request', async () => {
    const { cosmos } = await open(() => fault(403, 'Forbidden', { 'x-ms-activity-id': 'act-1' }))
    await expect(cosmos.get('devices', 'a', 'a')).rejects.toMatchObject({
      code: 'store.unavailable',
      details: { status: 403, requestId: 'act-1' },
    })
  })

  it('a host that is gone is an outage, told by its name', async () => {
    const client = createAzureClient({
      services: {
        cosmos: { endpoint: 'http://moved.invalid', authorize: async () => ({}) },
      },
      random: () => 0,
    })
    closing.push(() => client.close())
    const cosmos = createCosmos({ client, database: 'db' })
    await expect(cosmos.get('devices', 'a', 'a')).rejects.toMatchObject({
      code: 'store.unavailable',
      retryable: true,
      message: expect.stringContaining('moved.invalid'),
    })
  })

  it('a service that is not configured is no outage', async () => {
    const { client } = await open(() => ({ status: 200 }))
    await expect(
      client.send({ service: 'communication', method: 'GET', path: '/' }),
    ).rejects.toMatchObject({ code: 'config.invalid', retryable: false })
  })
})

describe('Cosmos', () => {
  it('a database that is gone is never taken for devices that are not there', async () => {
    const { cosmos } = await open(() => fault(404, 'NotFound', { 'x-ms-substatus': '1003' }))
    const gone = { code: 'store.unavailable', message: expect.stringContaining('404 NotFound') }
    await expect(cosmos.get('devices', 'a', 'a')).rejects.toMatchObject(gone)
    await expect(cosmos.replace('devices', 'a', { id: 'a' })).rejects.toMatchObject(gone)
    await expect(cosmos.remove('devices', 'a', 'a')).rejects.toMatchObject(gone)
    const { cosmos: other } = await open(() => fault(404, 'NotFound', { 'x-ms-substatus': '0' }))
    expect(await other.get('devices', 'a', 'a')).toBeUndefined()
  })

  it('says what it saw last, and asks without where a replica lags', async () => {
    let reads = 0
    const { cosmos, server } = await open(({ method, headers }) => {
      if (method === 'POST')
        return { status: 201, headers: { 'x-ms-session-token': '0:-1#7', etag: 'e' } }
      if (method === 'PUT')
        return { status: 200, headers: { 'x-ms-session-token': '0:-1#6,1:-1#2', etag: 'e' } }
      reads++
      return headers['x-ms-session-token'] === undefined
        ? { status: 200, body: '{"id":"a"}' }
        : fault(404, 'NotFound', { 'x-ms-substatus': '1002' })
    })
    await cosmos.create('devices', 'a', { id: 'a' })
    await cosmos.replace('devices', 'a', { id: 'a' })
    expect(await cosmos.get('devices', 'a', 'a')).toEqual({ id: 'a' })
    expect(reads).toBe(2)
    const told = server.asked.map(({ headers }) => headers['x-ms-session-token'])
    // An older position never takes the place of a newer one.
    expect(told).toEqual([undefined, '0:-1#7', '0:-1#7,1:-1#2', undefined])
  })

  it('reads all ranges of partitions, and begins again where one was split', async () => {
    let split = false
    const { cosmos, server } = await open(({ url, headers }) => {
      if (url.pathname.endsWith('/pkranges')) {
        const ranges = split ? [{ id: '1' }, { id: '2' }] : [{ id: '0' }]
        return { status: 200, body: JSON.stringify({ PartitionKeyRanges: ranges }) }
      }
      const range = headers['x-ms-documentdb-partitionkeyrangeid']
      if (range === '0') {
        split = true
        return fault(410, 'Gone', { 'x-ms-substatus': '1002' })
      }
      const second = headers['x-ms-continuation'] === 'more'
      return {
        status: 200,
        headers: range === '2' && !second ? { 'x-ms-continuation': 'more' } : {},
        body: JSON.stringify({ Documents: [{ id: `${range}${second ? 'b' : 'a'}` }] }),
      }
    })
    const found = await cosmos.queryAll({ container: 'devices', text: 'SELECT * FROM c' })
    expect(found.map(({ id }) => id)).toEqual(['1a', '2a', '2b'])
    expect(await cosmos.sum({ container: 'devices', text: 'x' })).toBe(0)
    expect(server.asked.filter(({ url }) => url.pathname.endsWith('/pkranges'))).toHaveLength(2)
  })

  it('an item that is too large is told as such', async () => {
    const { cosmos } = await open(() => fault(413, 'RequestEntityTooLarge'))
    await expect(cosmos.put('devices', 'a', { id: 'a' })).rejects.toMatchObject({
      code: 'device.record_too_large',
      retryable: false,
    })
  })

  it('names partitions in ASCII', async () => {
    const { cosmos, server } = await open(() => ({ status: 404 }))
    await cosmos.get('items', 'tische/ü"\u{1F600}', 'a b/c')
    const [asked] = server.asked
    expect(JSON.parse(asked?.headers['x-ms-documentdb-partitionkey'] ?? '')).toEqual([
      'tische/ü"\u{1F600}',
    ])
    expect(asked?.headers['x-ms-documentdb-partitionkey']).toMatch(/^[\x20-\x7e]+$/)
    expect(asked?.url.pathname).toBe('/dbs/db/colls/items/docs/a%20b%2Fc')
  })

  /** Source: Cosmos DB REST reference, "Access control on Cosmos DB resources", the example there. */
  it('is shown a key as its reference has it', async () => {
    const authorize = cosmosByKey(
      'dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw==',
      () => Date.UTC(2017, 3, 27, 0, 51, 12),
    )
    const headers = await authorize({
      url: new URL('https://acct.documents.azure.com/dbs/ToDoList'),
      method: 'GET',
      headers: {},
    })
    expect(headers['x-ms-date']).toBe('Thu, 27 Apr 2017 00:51:12 GMT')
    expect(decodeURIComponent(headers['authorization'] ?? '')).toBe(
      'type=master&ver=1.0&sig=c09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu+c+c=',
    )
  })
})

describe('queues', () => {
  it('one that is not there is told by its name', async () => {
    const body =
      '<?xml version="1.0"?><Error><Code>QueueNotFound</Code><Message>The specified queue does not exist.</Message></Error>'
    const { client } = await open(() => ({ status: 404, body }))
    await expect(createStorageQueues(client).send('gone', 'x')).rejects.toMatchObject({
      code: 'input.not_found',
      message: expect.stringContaining('gone'),
    })
  })
})

describe('the identity', () => {
  const settings = { ...readConfig(ENV) }

  function credentialsOf(changes: Partial<AzureSettings>, now = () => NOW) {
    const credentials = createCredentials({ settings: { ...settings, ...changes }, now })
    closing.push(credentials.close)
    return credentials
  }

  it('of App Service hands out tokens, kept until shortly before their end', async () => {
    let time = NOW
    let count = 0
    const server = await openLoopback(({ url, headers }) => {
      if (headers['x-identity-header'] !== 'secret') return { status: 401 }
      if (url.searchParams.get('api-version') !== '2019-08-01') return { status: 400 }
      if (url.searchParams.get('client_id') !== 'id-1') return { status: 400 }
      count++
      const expires_on = String(Math.floor(time / 1_000) + 86_400)
      const access_token = `${url.searchParams.get('resource')} ${count}`
      return {
        status: 200,
        body: JSON.stringify({ access_token, expires_on, token_type: 'Bearer' }),
      }
    })
    closing.push(server.close)
    const credentials = credentialsOf(
      { identityEndpoint: `${server.url}/msi/token`, identityHeader: 'secret', clientId: 'id-1' },
      () => time,
    )
    const tokens = Array.from({ length: 3 }, () => credentials.token('https://r'))
    expect(await Promise.all(tokens)).toEqual(['https://r 1', 'https://r 1', 'https://r 1'])
    expect(await credentials.token('https://other')).toBe('https://other 2')
    time += 86_400_000 - 301_000
    expect(await credentials.token('https://r')).toBe('https://r 1')
    time += 2_000
    expect(
      await Promise.all([credentials.token('https://r'), credentials.token('https://r')]),
    ).toEqual(['https://r 3', 'https://r 3'])
  })

  it('is asked for again after an outage', async () => {
    let left = 3
    const server = await openLoopback(() =>
      left-- > 0
        ? { status: 503, body: '{"error":"busy","error_description":"later"}' }
        : { status: 200, body: JSON.stringify({ access_token: 't', expires_on: '4102444800' }) },
    )
    closing.push(server.close)
    const credentials = credentialsOf({ identityEndpoint: server.url, identityHeader: 'h' })
    await expect(credentials.token('https://r')).rejects.toMatchObject({
      code: 'store.unavailable',
      message: expect.stringContaining('503 busy later'),
    })
    expect(await credentials.token('https://r')).toBe('t')
  })

  it.each([
    ['a secret', { clientSecret: 's+1' }, { client_secret: 's+1' }],
    [
      'a federated token',
      { federatedTokenFile: 'file' },
      {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: 'jwt',
      },
    ],
  ])('of a service principal is proved by %s', async (_, given, proof) => {
    const folder = mkdtempSync(join(tmpdir(), 'anyhub-token-'))
    closing.push(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'file'), 'jwt\n')
    const server = await openLoopback(({ url, body }) => ({
      status: url.pathname === '/tenant-1/oauth2/v2.0/token' ? 200 : 404,
      body: JSON.stringify({ access_token: body.toString('utf8'), expires_in: 3_599 }),
    }))
    closing.push(server.close)
    const credentials = credentialsOf({
      authorityHost: server.url,
      tenantId: 'tenant-1',
      clientId: 'app-1',
      ...given,
      ...('federatedTokenFile' in given ? { federatedTokenFile: join(folder, 'file') } : {}),
    })
    const form = new URLSearchParams(await credentials.token('https://cosmos'))
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'client_credentials',
      client_id: 'app-1',
      scope: 'https://cosmos/.default',
      ...proof,
    })
  })

  it('that is nowhere is told', async () => {
    await expect(credentialsOf({}).token('https://r')).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('IDENTITY_ENDPOINT'),
    })
  })
})

describe('services', () => {
  async function headersOf(
    env: Readonly<Record<string, string>>,
    name:
      | 'cosmos'
      | 'blob'
      | 'iothub'
      | 'communication'
      | 'notificationhubs'
      | 'monitor'
      | 'otlp'
      | 'keyvault',
    path = '/p?q=1',
    body?: string,
  ) {
    const credentials = { token: async (resource: string) => `token of ${resource}`, close() {} }
    const service = createServices({
      settings: readConfig({ ...ENV, ...env }),
      credentials,
      now: () => NOW,
    })[name]
    if (service === undefined) return undefined
    const url = new URL(`${service.endpoint.replace(/\/$/, '')}${path}`)
    const request = { url, method: 'POST', headers: {}, ...(body === undefined ? {} : { body }) }
    return { url, headers: await service.authorize(request) }
  }

  it('are shown our identity', async () => {
    const cosmos = await headersOf({}, 'cosmos')
    expect(decodeURIComponent(cosmos?.headers['authorization'] ?? '')).toBe(
      'type=aad&ver=1.0&sig=token of https://acct.documents.azure.com',
    )
    expect((await headersOf({}, 'blob'))?.headers).toEqual({
      authorization: 'Bearer token of https://storage.azure.com',
      'x-ms-date': 'Sat, 31 Jan 2026 15:00:00 GMT',
    })
    const hub = await headersOf({}, 'iothub')
    expect(hub?.url.host).toBe('hub.azure-devices.net')
    expect(hub?.headers).toEqual({ authorization: 'Bearer token of https://iothubs.azure.net' })
    expect(await headersOf({}, 'communication')).toBeUndefined()
    expect(await headersOf({}, 'keyvault')).toBeUndefined()
  })

  it('are shown a policy of IoT Hub as its own client shows it', async () => {
    const key = Buffer.from('key of the policy').toString('base64')
    const connection = `HostName=hub.azure-devices.net;SharedAccessKeyName=service;SharedAccessKey=${key}`
    const hub = await headersOf({ ANYHUB_IOTHUB_CONNECTION: connection }, 'iothub')
    const expiry = NOW / 1_000 + 3_600
    const theirs = SharedAccessSignature.create('hub.azure-devices.net', 'service', key, expiry)
    const members = (text = '') =>
      Object.fromEntries(
        text
          .replace('SharedAccessSignature ', '')
          .split('&')
          .map((one) => one.split('=')),
      )
    expect(members(hub?.headers['authorization'])).toEqual(members(theirs.toString()))
    await expect(headersOf({ ANYHUB_IOTHUB_CONNECTION: 'HostName=x' }, 'iothub')).rejects.toThrow(
      /SharedAccessKey/,
    )
  })

  it('are shown a key of Communication Services', async () => {
    const key = Buffer.from('key of the resource').toString('base64')
    const body = '{"ü":1}'
    const found = await headersOf(
      {
        ANYHUB_COMMUNICATION_ENDPOINT: 'https://acs.communication.azure.com/',
        ANYHUB_COMMUNICATION_KEY: key,
      },
      'communication',
      '/emails:send?api-version=2023-03-31',
      body,
    )
    const digest = createHash('sha256').update(body).digest('base64')
    const text = `POST\n/emails:send?api-version=2023-03-31\nSat, 31 Jan 2026 15:00:00 GMT;acs.communication.azure.com;${digest}`
    const signature = createHmac('sha256', 'key of the resource').update(text).digest('base64')
    expect(found?.headers).toEqual({
      'x-ms-date': 'Sat, 31 Jan 2026 15:00:00 GMT',
      'x-ms-content-sha256': digest,
      authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
    })
  })

  it('are shown a policy of a notification hub, signed with the text of its key', async () => {
    const found = await headersOf(
      {
        ANYHUB_NOTIFICATION_HUB_CONNECTION:
          'Endpoint=sb://Ns.servicebus.windows.net/;SharedAccessKeyName=Send;SharedAccessKey=a+key=',
        ANYHUB_NOTIFICATION_HUB: 'Apps',
      },
      'notificationhubs',
      '/messages/?api-version=2015-01',
    )
    expect(found?.url.href).toBe(
      'https://ns.servicebus.windows.net/Apps/messages/?api-version=2015-01',
    )
    const target = encodeURIComponent('https://ns.servicebus.windows.net/apps')
    const expiry = NOW / 1_000 + 3_600
    const signature = createHmac('sha256', 'a+key=').update(`${target}\n${expiry}`).digest('base64')
    expect(found?.headers['authorization']).toBe(
      `SharedAccessSignature sr=${target}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=Send`,
    )
  })

  it('take metrics, with our identity where it is asked for', async () => {
    const connection =
      'InstrumentationKey=k;IngestionEndpoint=https://we.in.applicationinsights.azure.com/'
    const env = { APPLICATIONINSIGHTS_CONNECTION_STRING: connection }
    const plain = await headersOf(env, 'monitor')
    expect(plain?.url.host).toBe('we.in.applicationinsights.azure.com')
    expect(plain?.headers).toEqual({})
    const own = await headersOf(
      { ...env, APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=x;Authorization=AAD' },
      'monitor',
    )
    expect(own?.headers).toEqual({ authorization: 'Bearer token of https://monitor.azure.com' })
    const otlp = await headersOf(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b, x=1',
      },
      'otlp',
    )
    expect(otlp?.headers).toEqual({ 'api-key': 'a b', x: '1' })
  })

  it('a signature holds an hour', async () => {
    const policy = { name: 'p', key: Buffer.from('k') }
    const authorize = bySignature('r', policy, () => NOW)
    const { authorization } = await authorize({
      url: new URL('http://x'),
      method: 'GET',
      headers: {},
    })
    expect(authorization).toContain(`&se=${NOW / 1_000 + 3_600}&`)
  })
})

describe('what rules ask of Azure', () => {
  const registry = {
    get: async (deviceId: string) =>
      deviceId === 'dev-1'
        ? {
            deviceId,
            tags: { site: 'a' },
            enabled: true,
            createdAt: 1,
            version: 3,
            credentials: [],
          }
        : undefined,
  }

  it.each([
    ['get_secret', ['key', 'SecretString', 'role'], '{"user":"u","n":1}'],
    ['get_secret', ['key', 'SecretString', 'user', 'role'], 'u'],
    ['get_secret', ['key', 'SecretString', 'constructor', 'role'], undefined],
    ['get_secret', ['none', 'SecretString', 'role'], undefined],
    ['get_secret', ['../keys/k', 'SecretString', 'role'], undefined],
    ['aws_lambda', ['fn', 'x'], undefined],
    ['get_registry_data', ['DescribeThing', 'nobody', 'role'], undefined],
    [
      'get_registry_data',
      ['DescribeThing', 'dev-1', 'role'],
      { thingName: 'dev-1', attributes: { site: 'a' }, version: 3 },
    ],
  ])('%s %j gives %j', async (name, args, expected) => {
    const { client, server } = await open(({ url }) =>
      url.pathname === '/secrets/key'
        ? { status: 200, body: JSON.stringify({ value: '{"user":"u","n":1}', id: 'https://x' }) }
        : fault(404, 'SecretNotFound'),
    )
    const lookups = createLookupSource({ client, vault: true, registry })
    expect(await lookups.answer({ function: name, args: [...args] })).toEqual(expected)
    for (const { url } of server.asked) expect(url.pathname).toMatch(/^\/secrets\/[a-z]+$/)
  })

  it('there are no secrets without a vault', async () => {
    const { client, server } = await open(() => ({ status: 500 }))
    const lookups = createLookupSource({ client, vault: false, registry })
    expect(
      await lookups.answer({ function: 'get_secret', args: ['key', 'SecretString', 'role'] }),
    ).toBeUndefined()
    expect(server.asked).toEqual([])
  })
})
