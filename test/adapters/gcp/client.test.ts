import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jwtVerify } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { createGcpClient } from '../../../adapters/gcp/client.ts'
import { type Credentials, createCredentials } from '../../../adapters/gcp/credentials.ts'
import { createFirestore } from '../../../adapters/gcp/firestore.ts'
import { createLookupSource } from '../../../adapters/gcp/lookup-source.ts'
import { createObjectStore } from '../../../adapters/gcp/object-store.ts'
import { createPubSub } from '../../../adapters/gcp/pubsub.ts'
import type { Registry } from '../../../core/index.ts'
import { type Answer, type Asked, type Loopback, openLoopback } from './loopback.ts'

const NOW = Date.UTC(2026, 0, 31, 15)
const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function open(answer: (asked: Asked) => Answer) {
  const server = await openLoopback(answer)
  const client = createGcpClient({
    endpoints: {
      firestore: server.url,
      pubsub: server.url,
      storage: server.url,
      secretmanager: server.url,
      iamcredentials: server.url,
    },
    token: async () => 'tok',
    random: () => 0,
  })
  closing.push(() => client.close(), server.close)
  return { server, client }
}

const fault = (code: number, status: string, message = 'no'): Answer => ({
  status: code,
  body: JSON.stringify({ error: { code, status, message } }),
})

describe('quotas and outages of Google', () => {
  it.each([
    [429, 'RESOURCE_EXHAUSTED'],
    [503, 'UNAVAILABLE'],
    [500, 'INTERNAL'],
    [504, 'DEADLINE_EXCEEDED'],
  ])('are asked again after %d %s', async (status, code) => {
    let left = 3
    const { server, client } = await open(() =>
      left-- > 0 ? fault(status, code) : { status: 200, body: '{"messageIds":["7"]}' },
    )
    expect(await createPubSub(client, 'p').publish('t', [{ data: 'x' }])).toEqual(['7'])
    expect(server.asked).toHaveLength(4)
    expect(server.asked[0]?.headers['authorization']).toBe('Bearer tok')
  })

  it('become store.unavailable with the words of Google, after five times', async () => {
    const { server, client } = await open(() => fault(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded'))
    await expect(createPubSub(client, 'p').publish('t', [{ data: 'x' }])).rejects.toMatchObject({
      code: 'store.unavailable',
      retryable: true,
      message: expect.stringContaining('429 RESOURCE_EXHAUSTED Quota exceeded'),
    })
    expect(server.asked).toHaveLength(5)
  })

  it('wait longer each time', async () => {
    const server = await openLoopback(() => fault(429, 'RESOURCE_EXHAUSTED'))
    const client = createGcpClient({
      endpoints: { pubsub: server.url },
      token: async () => 'tok',
      random: () => 0.5,
    })
    closing.push(() => client.close(), server.close)
    const from = performance.now()
    await expect(client.send({ service: 'pubsub', method: 'GET', path: '/' })).rejects.toThrow()
    // 0.5 × 50 ms × (2 + 4 + 8 + 16)
    expect(performance.now() - from).toBeGreaterThan(740)
  })

  it('are no reason to ask again where the fault is ours', async () => {
    const { server, client } = await open(() => fault(403, 'PERMISSION_DENIED', 'no role'))
    await expect(createPubSub(client, 'p').publish('t', [{ data: 'x' }])).rejects.toMatchObject({
      code: 'store.unavailable',
      message: expect.stringContaining('403 PERMISSION_DENIED no role'),
    })
    expect(server.asked).toHaveLength(1)
  })

  it('a commit that met others is tried again, and then a conflict', async () => {
    const { server, client } = await open(() => fault(409, 'ABORTED', 'Too much contention'))
    const firestore = createFirestore({ client, project: 'p', database: 'd', random: () => 0 })
    await expect(firestore.commit([{ path: 'a/b', fields: {} }])).rejects.toMatchObject({
      code: 'store.conflict',
      retryable: true,
    })
    expect(server.asked).toHaveLength(6)
  })

  it('a topic that is not there is named', async () => {
    const { client } = await open(() => fault(404, 'NOT_FOUND'))
    await expect(createPubSub(client, 'p').publish('gone', [{ data: 'x' }])).rejects.toMatchObject({
      code: 'input.not_found',
      message: expect.stringContaining('gone'),
    })
  })
})

const account = generateKeyPairSync('rsa', { modulusLength: 2_048 })

/** The key of a service account, as Google hands it out. */
function keyFile(tokenUri: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-key-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'key.json')
  writeFileSync(
    file,
    JSON.stringify({
      type: 'service_account',
      client_email: 'fn@p.iam.gserviceaccount.com',
      private_key: account.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      token_uri: tokenUri,
    }),
  )
  return file
}

function open1(make: (server: Loopback) => Credentials, server: Loopback): Credentials {
  const credentials = make(server)
  closing.push(credentials.close, server.close)
  return credentials
}

describe('tokens', () => {
  it('come from the metadata server, and are kept until shortly before their end', async () => {
    let time = NOW
    let count = 0
    const server = await openLoopback(({ url, headers }) => {
      if (headers['metadata-flavor'] !== 'Google') return { status: 403 }
      if (url.pathname.endsWith('/email')) return { status: 200, body: 'fn@p.example\n' }
      if (url.pathname.endsWith('/identity'))
        return { status: 200, body: `id for ${url.searchParams.get('audience')}` }
      count++
      const body = { access_token: `t${count}`, expires_in: 3_600, token_type: 'Bearer' }
      return { status: 200, body: JSON.stringify(body) }
    })
    const credentials = open1(
      ({ url }) => createCredentials({ file: undefined, metadataServer: url, now: () => time }),
      server,
    )
    expect(await Promise.all([credentials.token(), credentials.token()])).toEqual(['t1', 't1'])
    time += 3_300_000
    expect(await credentials.token()).toBe('t1')
    time += 100_000
    expect(await credentials.token()).toBe('t2')
    expect(await credentials.email()).toBe('fn@p.example')
    expect(await credentials.identityToken('https://x/?a=b')).toBe('id for https://x/?a=b')
  })

  it('come for the key of a service account, by a signed assertion', async () => {
    const server = await openLoopback(({ body }) => {
      const form = new URLSearchParams(body.toString('utf8'))
      return {
        status: 200,
        body: JSON.stringify({ access_token: form.get('assertion'), expires_in: 3_600 }),
      }
    })
    const credentials = open1(
      ({ url }) => createCredentials({ file: keyFile(`${url}/token`), now: Date.now }),
      server,
    )
    const { payload } = await jwtVerify(await credentials.token(), account.publicKey, {
      issuer: 'fn@p.iam.gserviceaccount.com',
      audience: `${server.url}/token`,
    })
    expect(payload['scope']).toBe('https://www.googleapis.com/auth/cloud-platform')
  })

  it('are asked for again after an outage', async () => {
    let left = 1
    const server = await openLoopback(() =>
      left-- > 0
        ? { status: 503 }
        : { status: 200, body: '{"access_token":"t","expires_in":3600}' },
    )
    const credentials = open1(
      ({ url }) => createCredentials({ file: undefined, metadataServer: url, now: () => NOW }),
      server,
    )
    await expect(credentials.token()).rejects.toMatchObject({ code: 'store.unavailable' })
    expect(await credentials.token()).toBe('t')
  })

  it('a file that is none is told', () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyhub-key-'))
    closing.push(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'key.json'), '{"type":"authorized_user"}')
    const file = join(folder, 'key.json')
    expect(() => createCredentials({ file, now: Date.now })).toThrow(/service account/)
  })
})

describe('objects', () => {
  async function openObjects() {
    const objects = new Map<string, { bytes: Buffer; type: string }>()
    const { server, client } = await open(({ method, url, headers, body }) => {
      const named = decodeURIComponent(url.pathname.split('/o/')[1] ?? '')
      if (method === 'POST') {
        const name = url.searchParams.get('name') ?? ''
        objects.set(name, { bytes: body, type: headers['content-type'] ?? '' })
        return { status: 200, body: JSON.stringify({ name }) }
      }
      if (named === '') {
        const prefix = url.searchParams.get('prefix') ?? ''
        const names = [...objects.keys()].filter((name) => name.startsWith(prefix)).toSorted()
        const from = Number(url.searchParams.get('pageToken') ?? 0)
        const items = names.slice(from, from + 2).map((name) => ({ name }))
        const more = from + 2 < names.length ? { nextPageToken: String(from + 2) } : {}
        return { status: 200, body: JSON.stringify({ items, ...more }) }
      }
      const found = objects.get(named)
      if (found === undefined) return fault(404, 'NOT_FOUND')
      if (method === 'DELETE') return { status: objects.delete(named) ? 204 : 404 }
      return { status: 200, body: found.bytes }
    })
    const credentials = open1(
      () => createCredentials({ file: keyFile('http://127.0.0.1:1/'), now: () => NOW }),
      server,
    )
    return createObjectStore({ client, credentials, bucket: 'b', now: () => NOW })
  }

  it('are kept as they are, under any key, and listed in their order', async () => {
    const store = await openObjects()
    const key = 'firmware/v1 (ü)/a+b?.bin'
    expect(await store.get(key)).toBeUndefined()
    await store.put(key, Uint8Array.of(0, 255, 10), 'application/octet-stream')
    expect([...((await store.get(key)) ?? [])]).toEqual([0, 255, 10])
    for (const name of ['x/3', 'x/1', 'x/2', 'y'])
      await store.put(name, Buffer.from('1'), 'text/plain')
    expect(await store.list('x/')).toEqual(['x/1', 'x/2', 'x/3'])
    await store.remove(key)
    await store.remove(key)
    expect(await store.get(key)).toBeUndefined()
  })

  it('are read by a URL that is signed as Google asks', async () => {
    const store = await openObjects()
    const url = new URL(await store.signedUrl("a b/ü'(1).bin", 600))
    expect(url.origin).toBe('https://storage.googleapis.com')
    expect(url.pathname).toBe('/b/a%20b/%C3%BC%27%281%29.bin')
    expect(url.searchParams.get('X-Goog-Credential')).toBe(
      'fn@p.iam.gserviceaccount.com/20260131/auto/storage/goog4_request',
    )
    const [query = '', signature = ''] = url.search.slice(1).split('&X-Goog-Signature=')
    const names = query.split('&').map((part) => part.split('=')[0])
    expect(names).toEqual(names.toSorted())
    const request = `GET\n${url.pathname}\n${query}\nhost:storage.googleapis.com\n\nhost\nUNSIGNED-PAYLOAD`
    const digest = createHash('sha256').update(request).digest('hex')
    const text = `GOOG4-RSA-SHA256\n20260131T150000Z\n20260131/auto/storage/goog4_request\n${digest}`
    const key = createPublicKey(account.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    expect(verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'hex'))).toBe(true)
  })

  it('are signed by IAM where the account has no key here', async () => {
    const { server, client } = await open(() => ({
      status: 200,
      body: JSON.stringify({ signedBlob: Buffer.from('sig').toString('base64') }),
    }))
    const metadata = await openLoopback(() => ({ status: 200, body: 'fn@p.example' }))
    const credentials = open1(
      ({ url }) => createCredentials({ file: undefined, metadataServer: url, now: () => NOW }),
      metadata,
    )
    const store = createObjectStore({ client, credentials, bucket: 'b', now: () => NOW })
    expect(await store.signedUrl('k', 60)).toMatch(/X-Goog-Signature=736967$/)
    expect(server.asked[0]?.url.pathname).toBe(
      '/v1/projects/-/serviceAccounts/fn%40p.example:signBlob',
    )
  })
})

describe('what rules ask of Google', () => {
  const registry: Pick<Registry, 'get'> = {
    get: async (deviceId) =>
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

  async function ask(name: string, args: readonly string[]) {
    const { client } = await open(({ url }) =>
      url.pathname === '/v1/projects/p/secrets/key/versions/latest:access'
        ? {
            status: 200,
            body: JSON.stringify({
              payload: { data: Buffer.from('{"user":"u","n":1}').toString('base64') },
            }),
          }
        : fault(404, 'NOT_FOUND'),
    )
    const unused = async (): Promise<never> => {
      throw new Error('not asked')
    }
    const lookups = createLookupSource({
      client,
      project: 'p',
      registry: { create: unused, list: unused, update: unused, remove: unused, ...registry },
    })
    return lookups.answer({ function: name, args: [...args] })
  }

  it.each([
    ['get_secret', ['key', 'SecretString', 'role'], '{"user":"u","n":1}'],
    ['get_secret', ['key', 'SecretString', 'user', 'role'], 'u'],
    ['get_secret', ['key', 'SecretString', 'constructor', 'role'], undefined],
    ['get_secret', ['none', 'SecretString', 'role'], undefined],
    ['aws_lambda', ['fn', 'x'], undefined],
    ['get_registry_data', ['DescribeThing', 'nobody', 'role'], undefined],
    [
      'get_registry_data',
      ['DescribeThing', 'dev-1', 'role'],
      { thingName: 'dev-1', attributes: { site: 'a' }, version: 3 },
    ],
  ])('%s %j gives %j', async (name, args, expected) => {
    expect(await ask(name, args)).toEqual(expected)
  })
})
