import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConfigInput } from '../../core/index.ts'

/** The REST API behind one entry. */
export interface ApiSubject {
  readonly adminToken: string
  ask(request: ApiRequest): Promise<ApiReply>
  close(): Promise<void>
}

export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface ApiReply {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** What has to be in the config of the subject. */
export const API_CONFIG = {
  api: { cors: { origins: ['https://ops.example.com'] } },
} as const satisfies ConfigInput

const PROBLEM = 'application/problem+json'
const ORIGIN = { origin: 'https://ops.example.com' }

/** What the REST API does behind every entry. */
export function apiContract(
  name: string,
  open: () => Promise<ApiSubject>,
  describeSuite: (title: string, run: () => void) => void = describe,
): void {
  describeSuite(`${name}: the REST API contract`, () => {
    let subject: ApiSubject
    beforeAll(async () => {
      subject = await open()
    }, 90_000)
    afterAll(() => subject?.close())

    async function ask(
      method: string,
      path: string,
      body?: unknown,
      headers: Readonly<Record<string, string>> = {},
    ) {
      const isText = typeof body === 'string'
      const reply = await subject.ask({
        method,
        path,
        headers: {
          authorization: `Bearer ${subject.adminToken}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      })
      const isJson = /[/+]json/.test(reply.headers['content-type'] ?? '')
      return { ...reply, json: isJson ? JSON.parse(reply.text) : undefined }
    }

    type Reply = Awaited<ReturnType<typeof ask>>

    function expectProblem(reply: Reply, status: number, code: string): void {
      expect(reply).toMatchObject({
        status,
        json: { type: `urn:anyhub:${code}`, title: code, status, detail: expect.any(String) },
      })
      expect(reply.headers['content-type']).toBe(PROBLEM)
    }

    /** A device of its own for each test, that was heard of and is registered. */
    async function device(deviceId: string): Promise<string> {
      expect((await ask('POST', '/registry/devices', { deviceId })).status).toBe(201)
      expect((await ask('POST', `/devices/${deviceId}/telemetry`, { temp: 4 })).status).toBe(202)
      return deviceId
    }

    it('describes itself', async () => {
      const { status, json } = await ask('GET', '/openapi.json')
      expect(status).toBe(200)
      expect(json).toMatchObject({ openapi: '3.1.0', info: { title: 'anyhub' } })
      expect(Object.keys(json.paths)).toEqual(
        expect.arrayContaining(['/devices', '/devices/{deviceId}/shadow', '/registry/devices']),
      )
      const page = await ask('GET', '/docs')
      expect(page.status).toBe(200)
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(page.headers['content-security-policy']).toContain("script-src 'self'")
    })

    it.each([
      ['a token', {}],
      ['a right token', { authorization: 'Bearer wrong' }],
    ])('asks for %s', async (_, headers) => {
      const reply = await subject.ask({ method: 'GET', path: '/devices', headers })
      expect(reply.status).toBe(401)
      expect(reply.headers['content-type']).toBe(PROBLEM)
      expect(reply.headers['www-authenticate']).toMatch(/^Bearer/)
    })

    it('lets keys do what they are for, and says what was done by whom', async () => {
      const made = await ask('POST', '/keys', { name: 'watcher', role: 'viewer' })
      expect(made).toMatchObject({ status: 201, json: { secret: expect.stringMatching(/^ahk_/) } })
      const headers = { authorization: `Bearer ${made.json.secret}` }
      expect((await ask('GET', '/devices', undefined, headers)).status).toBe(200)
      const refused = await ask('POST', '/registry/devices', { deviceId: 'no' }, headers)
      expectProblem(refused, 403, 'access.forbidden')
      expect(refused.json).toMatchObject({ needs: 'devices:write' })
      expect((await ask('GET', '/audit', undefined, headers)).status).toBe(403)
      expect((await ask('DELETE', `/keys/${made.json.key.id}`)).status).toBe(204)
      expect((await ask('GET', '/devices', undefined, headers)).status).toBe(401)
      const { json } = await ask('GET', '/audit?limit=50')
      expect(json.entries).toContainEqual(
        expect.objectContaining({ method: 'POST', path: '/keys', status: 201 }),
      )
      expect(JSON.stringify(json)).not.toContain(made.json.secret)
    }, 30_000)

    it.each([
      ['an unknown field', { deviceId: 'bad-1', colour: 'red' }, '/colour'],
      ['a wrong type', { deviceId: 7 }, '/deviceId'],
      ['a wrong value inside', { deviceId: 'bad-1', tags: { site: 7 } }, '/tags/site'],
    ])('says where %s is', async (_, body, pointer) => {
      const reply = await ask('POST', '/registry/devices', body)
      expectProblem(reply, 400, 'input.malformed')
      expect(reply.json.errors).toContainEqual(expect.objectContaining({ in: 'body', pointer }))
      expect((await ask('GET', '/registry/devices/bad-1')).status).toBe(404)
    })

    it.each([
      ['GET', '/registry/devices?limit=many', undefined, 400, 'input.malformed'],
      ['GET', '/registry/devices?colour=red', undefined, 400, 'input.malformed'],
      ['GET', '/registry/devices/nobody', undefined, 404, 'input.not_found'],
      ['GET', '/nowhere', undefined, 404, 'input.not_found'],
      ['PUT', '/registry/devices', {}, 405, 'input.not_allowed'],
      ['POST', '/registry/devices', '{', 400, 'input.malformed'],
      ['POST', '/registry/devices', '[]', 400, 'input.malformed'],
      ['POST', '/registry/devices', `"${'x'.repeat(70_000)}"`, 413, 'input.too_large'],
    ])('%s %s is refused with %s', async (method, path, body, status, code) => {
      const reply = await ask(method, path, body)
      expectProblem(reply, status, code)
      if (status === 405) expect(reply.headers['allow']).toBe('GET, POST')
    })

    it('takes JSON for JSON only', async () => {
      const xml = { 'content-type': 'application/xml' }
      expectProblem(await ask('POST', '/registry/devices', '<a/>', xml), 415, 'input.wrong_type')
    })

    it('gives lists page by page', async () => {
      for (const deviceId of ['page-1', 'page-2', 'page-3'])
        expect((await ask('POST', '/registry/devices', { deviceId })).status).toBe(201)
      const found: string[] = []
      let path = '/registry/devices?limit=2'
      for (;;) {
        const { json, headers } = await ask('GET', path)
        found.push(...json.devices.map((one: { deviceId: string }) => one.deviceId))
        if (json.next === undefined) break
        const next = /^<([^>]+)>; rel="next"$/.exec(headers['link'] ?? '')?.[1] ?? ''
        expect(new URLSearchParams(next.split('?')[1]).get('after')).toBe(json.next)
        path = next
      }
      expect(found.filter((id) => id.startsWith('page-'))).toEqual(['page-1', 'page-2', 'page-3'])
      expect(new Set(found).size).toBe(found.length)
    }, 30_000)

    it('changes a device for the version that was seen', async () => {
      const path = `/registry/devices/${await device('etag-1')}`
      const { headers } = await ask('GET', path)
      const match = { 'if-match': headers['etag'] ?? '' }
      expect(headers['etag']).toBe('"1"')
      expect((await ask('PATCH', path, { type: 'fridge' }, match)).status).toBe(200)
      const stale = await ask('PATCH', path, { type: 'oven' }, match)
      expectProblem(stale, 412, 'input.precondition_failed')
      expect((await ask('GET', path)).json).toMatchObject({ type: 'fridge', version: 2 })
      const known = await ask('GET', path, undefined, { 'if-none-match': '"2"' })
      expect([known.status, known.text]).toEqual([304, ''])
    }, 30_000)

    it('changes a shadow for the version that was seen', async () => {
      const path = `/devices/${await device('etag-2')}/shadow`
      const wish = (fan: string) => ({ state: { desired: { fan } } })
      const first = await ask('PATCH', path, wish('on'))
      expect(first.status).toBe(200)
      const match = { 'if-match': first.headers['etag'] ?? '' }
      expect((await ask('PATCH', path, wish('off'), match)).status).toBe(200)
      expectProblem(await ask('PATCH', path, wish('on'), match), 412, 'input.precondition_failed')
      expect((await ask('GET', path)).json.state.desired).toEqual({ fan: 'off' })
    }, 30_000)

    it('does once what comes twice with the same key', async () => {
      const path = `/devices/${await device('key-1')}/commands`
      const key = { 'idempotency-key': 'k-1' }
      const first = await ask('POST', path, { name: 'on' }, key)
      const again = await ask('POST', path, { name: 'on' }, key)
      expect(first.status).toBe(202)
      expect(again).toMatchObject({ status: 202, json: first.json })
      expect(again.headers['idempotency-replayed']).toBe('true')
      expectProblem(await ask('POST', path, { name: 'off' }, key), 422, 'input.key_reused')
      expect((await ask('GET', path)).json.commands).toHaveLength(1)
    }, 30_000)

    it('hands a secret out once', async () => {
      const key = { 'idempotency-key': 'k-2' }
      const body = { deviceId: 'key-2', credential: 'token' }
      const first = await ask('POST', '/registry/devices', body, key)
      expect(first).toMatchObject({ status: 201, json: { token: expect.any(String) } })
      expectProblem(await ask('POST', '/registry/devices', body, key), 409, 'input.key_done')
    }, 30_000)

    it('answers what pages of other origins ask, if they are known', async () => {
      const asks = { ...ORIGIN, 'access-control-request-method': 'PATCH' }
      const preflight = await subject.ask({ method: 'OPTIONS', path: '/devices', headers: asks })
      expect(preflight.status).toBe(204)
      expect(preflight.headers).toMatchObject({
        'access-control-allow-origin': ORIGIN.origin,
        'access-control-allow-credentials': 'true',
        vary: expect.stringContaining('Origin'),
      })
      expect(preflight.headers['access-control-allow-methods']).toContain('PATCH')
      const read = await ask('GET', '/devices', undefined, ORIGIN)
      expect(read.headers['access-control-allow-origin']).toBe(ORIGIN.origin)
      expect(read.headers['access-control-expose-headers']).toContain('etag')
      const foreign = await ask('GET', '/devices', undefined, { origin: 'https://evil.example' })
      expect(foreign.headers['access-control-allow-origin']).toBeUndefined()
      expect(foreign.headers['vary']).toContain('Origin')
    })

    it('keeps its answers private, and says how often it may be asked', async () => {
      const { headers } = await ask('GET', '/devices')
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'ratelimit-policy': '"default";q=6000;w=60',
      })
      expect(headers['ratelimit']).toMatch(/^"default";r=\d+;t=\d+$/)
    })
  })
}
