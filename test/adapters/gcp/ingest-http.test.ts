import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGcp, type Gcp } from '../../../adapters/gcp/index.ts'
import { parseConfig } from '../../../core/index.ts'
import { describeWithEmulators, type Emulator, startFirestore, startPubSub } from './emulators.ts'
import { type Bundles, bundleFunctions, type RunningFunction, runFunction } from './functions.ts'
import { ADMIN_TOKEN, openStack, type Stack } from './stack.ts'

const until = { timeout: 20_000, interval: 50 }

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })

describeWithEmulators('Google: devices and people over HTTP', () => {
  let firestore: Emulator
  let pubsub: Emulator
  let stack: Stack
  let bundles: Bundles
  let door: RunningFunction
  let api: RunningFunction
  let ingest: RunningFunction
  let gcp: Gcp

  beforeAll(async () => {
    ;[firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()])
    const variables = { ANYHUB_TEST_WEBHOOK: 'http://127.0.0.1:9/' }
    stack = await openStack({ firestore, pubsub, env: variables })
    bundles = await bundleFunctions(['ingest', 'api', 'ingest-http'], variables)
    const run = (name: 'ingest' | 'api' | 'ingest-http', signature: 'http' | 'cloudevent') =>
      runFunction({ folder: bundles.folderOf(name), target: 'handler', signature, env: stack.env })
    door = await run('ingest-http', 'http')
    api = await run('api', 'http')
    ingest = await run('ingest', 'cloudevent')
    await stack.client.topic('telemetry').createSubscription('telemetry-push', {
      pushEndpoint: `${ingest.url}/projects/${stack.project}/topics/telemetry`,
      enableMessageOrdering: true,
    })
    const parsed = parseConfig({})
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    gcp = createGcp(stack.settings, parsed.config)
    await register('rsa-1', rsa.publicKey)
    await register('ec-1', ec.publicKey)
  }, 180_000)

  afterAll(async () => {
    await Promise.all([door?.stop(), api?.stop(), ingest?.stop()])
    await stack?.close()
    await Promise.all([firestore?.stop(), pubsub?.stop()])
    bundles?.remove()
  }, 60_000)

  const admin = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }

  async function register(deviceId: string, key: KeyObject): Promise<void> {
    const publicKey = key.export({ type: 'spki', format: 'pem' })
    const response = await fetch(`${api.url}/registry/devices`, {
      method: 'POST',
      headers: admin,
      body: JSON.stringify({ deviceId, publicKey }),
    })
    if (response.status !== 201) throw new Error(await response.text())
  }

  interface TokenOptions {
    readonly key?: KeyObject
    readonly algorithm?: 'ES256' | 'RS256'
    /** Seconds from now. */
    readonly issued?: number
    readonly expires?: number
    readonly audience?: string
  }

  const token = ({
    key = ec.privateKey,
    algorithm = 'ES256',
    issued = 0,
    expires = 3_600,
    audience = stack.project,
  }: TokenOptions = {}): Promise<string> => {
    const now = Math.floor(Date.now() / 1_000)
    return new SignJWT({})
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setAudience(audience)
      .setIssuedAt(now + issued)
      .setExpirationTime(now + expires)
      .sign(key)
  }

  const post = async (deviceId: string, jwt: string | undefined, body: string) =>
    fetch(`${door.url}/devices/${deviceId}/telemetry`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(jwt === undefined ? {} : { authorization: `Bearer ${jwt}` }),
      },
      body,
    })
  const accepted = async (deviceId: string) =>
    (await gcp.core.ports.devices.load(deviceId))?.accepted ?? 0

  it('takes telemetry of a device that signs with ES256, by way of Pub/Sub', async () => {
    const response = await post('ec-1', await token(), '{"temp":21}')
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ accepted: 1 })
    await expect.poll(() => accepted('ec-1'), until).toBe(1)
  })

  it('takes a batch of a device that signs with RS256 as one message of Pub/Sub', async () => {
    const jwt = await token({ key: rsa.privateKey, algorithm: 'RS256' })
    const messages = await stack.listen('telemetry')
    const body = JSON.stringify(Array.from({ length: 100 }, (_, n) => ({ n })))
    expect((await post('rsa-1', jwt, body)).status).toBe(202)
    await expect.poll(() => accepted('rsa-1'), until).toBe(100)
    expect(messages.messages).toHaveLength(1)
    expect((await gcp.core.ports.devices.load('rsa-1'))?.version).toBe(1)
  })

  describe('refuses', () => {
    it.each<{ title: string; options: TokenOptions; deviceId?: string }>([
      {
        title: 'a token that expired over ten minutes ago',
        options: { issued: -3_600, expires: -601 },
      },
      { title: 'a token that is made over ten minutes from now', options: { issued: 605 } },
      { title: 'a token of a foreign key', options: { key: foreign.privateKey } },
      { title: 'a token of another device', options: {}, deviceId: 'rsa-1' },
      { title: 'a token for another project', options: { audience: 'other' } },
      { title: 'a token that lives too long', options: { expires: 90_000 } },
      { title: 'a token of a device that nobody registered', options: {}, deviceId: 'nobody' },
    ])('$title', async ({ options, deviceId = 'ec-1' }) => {
      const before = await accepted(deviceId)
      const response = await post(deviceId, await token(options), '{"temp":99}')
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await accepted(deviceId)).toBe(before)
    })

    it('nobody, and what is no token', async () => {
      for (const jwt of [undefined, 'x', 'a.b.c', `${await token()}x`])
        expect((await post('ec-1', jwt, '{}')).status).toBe(401)
    })

    it("people's paths, with a device's token", async () => {
      const headers = { authorization: `Bearer ${await token()}` }
      for (const path of ['/devices', '/devices/ec-1', '/registry/devices', '/dead-letters'])
        expect((await fetch(`${door.url}${path}`, { headers })).status).toBe(404)
    })
  })

  it.each([
    { title: 'a token that expired nine minutes ago', options: { issued: -3_600, expires: -540 } },
    { title: 'a token that is made nine minutes from now', options: { issued: 540 } },
  ])('takes $title: clocks differ', async ({ options }) => {
    expect((await post('ec-1', await token(options), '{"temp":1}')).status).toBe(202)
  })

  it('gives the config when it changes, and nothing while it does not', async () => {
    const headers = { authorization: `Bearer ${await token()}` }
    const ask = (query: string) => fetch(`${door.url}/devices/ec-1/config${query}`, { headers })
    const first = await ask('?after=0')
    expect([first.status, first.headers.get('etag')]).toEqual([304, '"0"'])
    const waiting = ask('?after=0&wait=15')
    const set = await fetch(`${api.url}/devices/ec-1/shadow`, {
      method: 'PATCH',
      headers: admin,
      body: JSON.stringify({ state: { desired: { interval: 30 } } }),
    })
    expect(set.status).toBe(200)
    const changed = await waiting
    expect(changed.status).toBe(200)
    expect(await changed.json()).toEqual({ interval: 30 })
    const version = changed.headers.get('etag')?.replaceAll('"', '')
    expect((await ask(`?after=${version}&wait=0.2`)).status).toBe(304)
    expect((await ask('?wait=600')).status).toBe(400)
  })

  it('gives a command to a device that waits for one, once', async () => {
    const headers = { authorization: `Bearer ${await token()}` }
    const next = (wait: number) =>
      fetch(`${door.url}/devices/ec-1/executions/next?wait=${wait}`, { headers })
    expect((await next(0)).status).toBe(204)
    const waiting = next(15)
    const sent = await fetch(`${api.url}/devices/ec-1/commands`, {
      method: 'POST',
      headers: admin,
      body: JSON.stringify({ name: 'blink', payload: { times: 3 }, ack: 'full' }),
    })
    expect(sent.status).toBe(202)
    const got = await waiting
    expect(got.status).toBe(200)
    expect(await got.json()).toEqual({ times: 3 })
    expect(got.headers.get('anyhub-command-name')).toBe('blink')
    expect((await next(0)).status).toBe(204)
    const lock = got.headers.get('etag')?.replaceAll('"', '')
    const done = await fetch(`${door.url}/devices/ec-1/executions/${lock}`, {
      method: 'DELETE',
      headers,
    })
    expect(done.status).toBe(204)
    const feedback = await fetch(`${api.url}/commands/feedback`, { headers: admin })
    expect(await feedback.json()).toMatchObject({
      feedback: [{ deviceId: 'ec-1', statusCode: 'Success' }],
    })
  })

  it('shows people nothing without the token of the admin', async () => {
    for (const authorization of ['', 'Bearer x', `Bearer ${await token()}`])
      expect((await fetch(`${api.url}/devices`, { headers: { authorization } })).status).toBe(401)
    expect((await fetch(`${api.url}/devices`, { headers: admin })).status).toBe(200)
  })

  it('takes nothing of a device that is disabled', async () => {
    const response = await fetch(`${api.url}/registry/devices/ec-1`, {
      method: 'PATCH',
      headers: admin,
      body: JSON.stringify({ enabled: false }),
    })
    expect(response.status).toBe(200)
    expect((await post('ec-1', await token(), '{}')).status).toBe(403)
  })
})
