import { generateKeyPairSync } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGcp, type Gcp } from '../../../adapters/gcp/index.ts'
import { CoreError, parseConfig } from '../../../core/index.ts'
import { describeWithEmulators, type Emulator, startFirestore, startPubSub } from './emulators.ts'
import { openProject, type Project } from './fresh-project.ts'
import { callHttp } from './http-call.ts'
import { type Loopback, openLoopback } from './loopback.ts'
import { openStack, type Stack } from './stack.ts'

const ACCOUNT = 'caller@p.iam.gserviceaccount.com'
const google = generateKeyPairSync('rsa', { modulusLength: 2_048 })

describeWithEmulators('Google: what devices say over the broker front', () => {
  let firestore: Emulator
  let pubsub: Emulator
  let keys: Loopback
  beforeAll(async () => {
    ;[firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()])
    const jwk = { ...(await exportJWK(google.publicKey)), kid: 'k1' }
    keys = await openLoopback(() => ({ status: 200, body: JSON.stringify({ keys: [jwk] }) }))
  }, 120_000)
  afterAll(() => Promise.all([firestore?.stop(), pubsub?.stop(), keys?.close()]))

  let stack: Stack
  let cloud: Project
  let gcp: Gcp
  let counter = 0
  beforeEach(async () => {
    await stack?.close()
    stack = await openStack({
      firestore,
      pubsub,
      env: { ANYHUB_PUSH_ACCOUNT: ACCOUNT, ANYHUB_GOOGLE_KEYS_URL: keys.url },
    })
    cloud = openProject({ firestore, pubsub, project: stack.project })
    await cloud.createTopic('commands')
    const parsed = parseConfig({})
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    gcp = createGcp(stack.settings, parsed.config)
  })
  afterAll(() => stack?.close())

  const event = (topic: string, payload: string) => ({
    message: {
      messageId: `m-${++counter}`,
      publishTime: new Date().toISOString(),
      data: Buffer.from(payload).toString('base64'),
      attributes: { topic },
    },
  })
  const say = (topic: string, payload = '') => gcp.ingest(event(topic, payload))
  const told = async () =>
    (await cloud.pull('commands')).map(({ data, attributes }) => ({
      topic: attributes['topic'],
      body: data.length === 0 ? '' : JSON.parse(data.toString('utf8')),
    }))

  it('the core owns the shadow: it answers, and tells the delta', async () => {
    await say('devices/dev-1/shadow/get')
    expect(await told()).toMatchObject([
      { topic: 'devices/dev-1/shadow/get/rejected', body: { code: 404 } },
    ])
    await say(
      'devices/dev-1/shadow/update',
      '{"state":{"reported":{"led":"off"}},"clientToken":"t"}',
    )
    expect(await told()).toMatchObject([
      {
        topic: 'devices/dev-1/shadow/update/accepted',
        body: { state: { reported: { led: 'off' } }, clientToken: 't', version: 1 },
      },
    ])
    await gcp.core.gate.run('dev-1', [
      {
        kind: 'shadow',
        operation: 'update',
        name: '',
        body: '{"state":{"desired":{"led":"on"}}}',
        at: Date.now(),
      },
    ])
    const pushed = await told()
    expect(pushed.map(({ topic }) => topic)).toEqual([
      'devices/dev-1/shadow/update/delta',
      'devices/dev-1/shadow/update/accepted',
    ])
    expect(pushed[0]?.body).toMatchObject({ state: { led: 'on' }, version: 2 })
    await say('devices/dev-1/shadow/get', '{}')
    expect(await told()).toMatchObject([
      {
        topic: 'devices/dev-1/shadow/get/accepted',
        body: { state: { desired: { led: 'on' }, reported: { led: 'off' }, delta: { led: 'on' } } },
      },
    ])
  })

  it('shadows have names, and a request that is wrong is rejected to who asked', async () => {
    await say('devices/dev-1/shadow/name/fan/update', '{"state":{"reported":{"rpm":1}}}')
    await say('devices/dev-1/shadow/update', '{broken')
    await say('devices/dev-1/shadow/name/fan/delete')
    expect((await told()).map(({ topic }) => topic)).toEqual([
      'devices/dev-1/shadow/name/fan/update/accepted',
      'devices/dev-1/shadow/update/rejected',
      'devices/dev-1/shadow/name/fan/delete/accepted',
    ])
  })

  it('a state as at Cloud IoT Core becomes reported state, and takes the place of the one before', async () => {
    const reported = async () => (await gcp.core.ports.devices.load('dev-1'))?.shadows['']?.reported
    await say('devices/dev-1/shadow/update', '{"state":{"reported":{"other":1}}}')
    await say('/devices/dev-1/state', '{"firmware":"2.1","net":{"ssid":"a","rssi":-60}}')
    expect(await reported()).toEqual({
      other: 1,
      firmware: '2.1',
      net: { ssid: 'a', rssi: -60 },
    })
    await say('/devices/dev-1/state', '{"net":{"ssid":"b"}}')
    expect(await reported()).toEqual({ other: 1, net: { ssid: 'b' } })
  })

  it('commands wait for the connection, and the device says what became of them', async () => {
    const { commands } = gcp.core
    await say('devices/dev-1/telemetry', '{"temp":1}')
    await commands.send('dev-1', {
      commandId: 'c/1',
      name: 'blink',
      payload: new TextEncoder().encode('{"n":1}'),
      properties: { trace: 'x' },
      ack: 'full',
    })
    await gcp.settle()
    expect(await told()).toEqual([])
    await say('devices/dev-1/presence/connected')
    const [message] = await cloud.pull('commands')
    expect(message?.attributes['topic']).toBe('devices/dev-1/executions/c%2F1/blink')
    expect(JSON.parse(message?.attributes['properties'] ?? '')).toMatchObject({ trace: 'x' })
    expect(message?.data.toString()).toBe('{"n":1}')
    await say('devices/dev-1/executions/c%2F1/complete')
    expect(await commands.get('dev-1', 'c/1')).toMatchObject({ state: 'Completed' })
    await commands.send('dev-1', { name: 'blink', payload: new Uint8Array() })
    await gcp.settle()
    expect(await told()).toHaveLength(1)
    await say('devices/dev-1/presence/disconnected')
    await commands.send('dev-1', { name: 'blink', payload: new Uint8Array() })
    await gcp.settle()
    expect(await told()).toEqual([])
  })

  describe('a push', () => {
    async function token(changes: object = {}): Promise<string> {
      const now = Math.floor(Date.now() / 1_000)
      const claims = {
        iss: 'https://accounts.google.com',
        aud: 'https://function.example/',
        email: ACCOUNT,
        email_verified: true,
        iat: now,
        exp: now + 600,
        ...changes,
      }
      const jwt = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      return `Bearer ${await jwt.sign(google.privateKey)}`
    }
    const push = async (authorization: string | undefined, body: string) => {
      const answer = await callHttp(gcp.push(gcp.ingest), {
        method: 'POST',
        path: '/',
        headers: authorization === undefined ? {} : { authorization },
        body,
      })
      return answer.status
    }
    const body = () => JSON.stringify(event('devices/dev-9/telemetry', '{"temp":1}'))
    const accepted = async () => (await gcp.core.ports.devices.load('dev-9'))?.accepted ?? 0

    it('of the account that may is taken', async () => {
      expect(await push(await token(), body())).toBe(204)
      expect(await accepted()).toBe(1)
    })

    it('of anybody else is refused, and stores nothing', async () => {
      expect(await push(undefined, body())).toBe(401)
      expect(await push(await token({ email: 'mallory@x' }), body())).toBe(403)
      expect(await push(await token({ aud: 'https://other.example/' }), body())).toBe(403)
      expect(await push(await token({ exp: 1 }), body())).toBe(403)
      expect(await accepted()).toBe(0)
    })

    it('that is no message is 400, and what could not be stored comes again by 503', async () => {
      expect(await push(await token(), '{}')).toBe(400)
      expect(await push(await token(), '{broken')).toBe(400)
      const fails = gcp.push(async () => {
        throw new CoreError('store.unavailable', 'away')
      })
      const headers = { authorization: await token() }
      expect(
        (await callHttp(fails, { method: 'POST', path: '/', headers, body: '{}' })).status,
      ).toBe(503)
    })

    it('is taken from nobody where no account is named', async () => {
      const parsed = parseConfig({})
      if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
      const closed = createGcp({ ...stack.settings, pushAccount: undefined }, parsed.config)
      const headers = { authorization: await token() }
      const call = { method: 'POST', path: '/', headers, body: body() }
      expect((await callHttp(closed.push(closed.ingest), call)).status).toBe(403)
    })
  })
})
