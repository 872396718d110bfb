import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createAwsApi } from '../../../adapters/aws/api.ts'
import type { HttpReply } from '../../../adapters/aws/http.ts'
import { type Json, parseConfig } from '../../../core/index.ts'
import { httpEvent } from './events.ts'
import { describeWithMoto, type Moto, startMoto } from './moto.ts'
import { ADMIN_TOKEN, openStack, type Stack } from './stack.ts'

const ADMIN = `Bearer ${ADMIN_TOKEN}`

describeWithMoto('AWS: the REST API behind an HTTP API', () => {
  let moto: Moto
  let stack: Stack
  let serve: (event: unknown) => Promise<unknown>
  beforeAll(async () => {
    moto = await startMoto()
  }, 90_000)
  afterAll(() => moto.stop())
  beforeEach(async () => {
    stack = await openStack(moto.endpoint)
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const parsed = parseConfig({})
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    serve = createAwsApi(stack.settings, parsed.config)
    const made = await iot('POST', `/policies/${stack.settings.devicePolicy}`, {
      policyDocument: '{"Version":"2012-10-17","Statement":[]}',
    })
    expect(made.status).toBe(200)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await stack.close()
  })

  async function ask(method: string, path: string, authorization?: string, body?: Json) {
    const headers = {
      'content-type': 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    }
    const text = body === undefined ? undefined : JSON.stringify(body)
    const reply = (await serve(httpEvent(method, path, headers, text))) as HttpReply
    return { status: reply.statusCode, body: reply.body === '' ? null : JSON.parse(reply.body) }
  }

  /** What AWS IoT itself says. */
  async function iot(method: 'GET' | 'POST', path: string, input?: object) {
    const { status, body } = await stack.account.client.send({
      service: 'iot',
      method,
      path,
      headers: { 'content-type': 'application/json' },
      ...(input === undefined ? {} : { body: JSON.stringify(input) }),
    })
    const text = body.toString('utf8')
    return { status, body: text === '' ? null : JSON.parse(text) }
  }

  it('is open where it says nothing, and closed elsewhere', async () => {
    expect(await ask('GET', '/healthz')).toEqual({ status: 200, body: { status: 'ok' } })
    for (const authorization of [undefined, 'Bearer wrong', 'Basic eDp5'])
      for (const [method, path] of [
        ['GET', '/devices'],
        ['POST', '/registry/devices'],
        ['POST', '/devices/dev-1/telemetry'],
      ] as const)
        expect((await ask(method, path, authorization)).status).toBe(401)
  }, 30_000)

  it('signs a browser in with a cookie', async () => {
    const opened = (await serve(
      httpEvent('POST', '/session', { authorization: ADMIN }),
    )) as HttpReply
    expect(opened.statusCode).toBe(201)
    expect(opened.headers['set-cookie']).toBeUndefined()
    expect(opened.cookies).toEqual([
      expect.stringMatching(/^__Host-anyhub_session=.+; HttpOnly; SameSite=Strict; Secure$/),
    ])
    const cookies = [opened.cookies?.[0]?.split(';')[0] ?? '', 'other=1']
    const event = { ...(httpEvent('GET', '/keys', {}) as object), cookies }
    expect(await serve(event)).toMatchObject({ statusCode: 200 })
  }, 30_000)

  it('registers a device: a thing, a certificate that counts, and what the device needs to connect', async () => {
    const request = { deviceId: 'dev-1', credential: 'certificate' }
    const { status, body } = await ask('POST', '/registry/devices', ADMIN, request)
    expect(status).toBe(201)
    expect(body.privateKey).toContain('PRIVATE KEY')
    expect(body.certificate).toContain('BEGIN CERTIFICATE')
    expect(new X509Certificate(body.authority).subject).toContain('Amazon Root CA 1')

    const { principals } = (await iot('GET', '/things/dev-1/principals')).body
    expect(principals).toHaveLength(1)
    const certificateId = String(principals[0]).split('/').at(-1)
    const described = await iot('GET', `/certificates/${certificateId}`)
    expect(described.body.certificateDescription.status).toBe('ACTIVE')

    expect((await ask('PATCH', '/registry/devices/dev-1', ADMIN, { enabled: false })).status).toBe(
      200,
    )
    const disabled = await iot('GET', `/certificates/${certificateId}`)
    expect(disabled.body.certificateDescription.status).toBe('INACTIVE')

    expect((await ask('DELETE', '/registry/devices/dev-1', ADMIN)).status).toBe(204)
    expect((await iot('GET', '/things/dev-1')).status).toBe(404)
  }, 30_000)

  it('takes telemetry of a device with its own token, as long as the device is enabled', async () => {
    const request = { deviceId: 'dev-1', credential: 'token' }
    const { body } = await ask('POST', '/registry/devices', ADMIN, request)
    const own = `Bearer ${body.token}`
    const sent = await ask('POST', '/devices/dev-1/telemetry', own, { ts: Date.now(), temp: 31 })
    expect(sent).toEqual({ status: 202, body: { accepted: 1, duplicates: 0, deadLetters: [] } })
    expect((await ask('POST', '/devices/dev-2/telemetry', own, { temp: 31 })).status).toBe(401)
    expect((await ask('GET', '/devices/dev-1', own)).status).toBe(401)
    expect((await ask('GET', '/devices/dev-1', ADMIN)).body.last.temp.value).toBe(31)
    await ask('PATCH', '/registry/devices/dev-1', ADMIN, { enabled: false })
    expect((await ask('POST', '/devices/dev-1/telemetry', own, { temp: 32 })).status).toBe(401)
  }, 30_000)

  it('refuses a path that is none', async () => {
    expect((await ask('POST', '/devices/%E0%A4%A/telemetry', 'Bearer x', {})).status).toBe(401)
    expect((await ask('POST', '/devices/%E0%A4%A/telemetry', ADMIN, {})).status).toBeLessThan(500)
  }, 30_000)

  it('refuses credentials that AWS IoT does not know, in words', async () => {
    const request = { deviceId: 'dev-1', credential: 'key' }
    const { status, body } = await ask('POST', '/registry/devices', ADMIN, request)
    expect(status).toBe(400)
    expect(body.detail).toContain('a certificate or a token')
  }, 30_000)
})
