import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SCOPES, scopesOfRole } from '../../../core/index.ts'
import { type FakeIssuer, openIssuer } from '../../fakes/issuer.ts'
import { ADMIN_TOKEN, bearer, cookieOf, openApi } from './with-access.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

function expectRefused(
  answer: { status: number; json: unknown; headers: Headers },
  status: number,
  code: string,
  detail?: string,
): void {
  expect({ status: answer.status, json: answer.json }).toMatchObject({
    status,
    json: {
      type: `urn:anyhub:${code}`,
      status,
      detail: detail ?? expect.any(String),
    },
  })
  if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
}

describe('API keys', () => {
  it('are handed out once, and kept as a digest', async () => {
    const { asAdmin, world } = openApi()
    const made = await asAdmin('POST', '/keys', { body: { name: 'grafana', role: 'viewer' } })
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    const { key, secret } = made.json
    expect(secret).toMatch(new RegExp(`^ahk_${key.id}_[\\w-]{43}$`))
    expect(key).toMatchObject({
      name: 'grafana',
      role: 'viewer',
      createdAt: world.now,
      createdBy: 'admin/admin',
    })
    expect(new Set(key.scopes)).toEqual(scopesOfRole('viewer'))
    expect(JSON.stringify([...world.tables].map(([, rows]) => [...rows]))).not.toContain(secret)
    const listed = await asAdmin('GET', '/keys')
    expect(listed.json).toEqual({ keys: [key] })
  })

  it('open what their scopes say and nothing else', async () => {
    const { ask, keyOf } = openApi()
    const headers = bearer(await keyOf({ scopes: ['devices:read'] }))
    expect((await ask('GET', '/devices', { headers })).status).toBe(200)
    const refused = await ask('GET', '/dead-letters', { headers })
    expectRefused(refused, 403, 'access.forbidden', 'expected a caller with dead-letters:read')
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope')
  })

  it('say when they were used, to the minute', async () => {
    const { ask, asAdmin, keyOf, world } = openApi()
    const headers = bearer(await keyOf({ scopes: ['devices:read'] }))
    const usedAt = async () => (await asAdmin('GET', '/keys')).json.keys[0].lastUsedAt
    expect(await usedAt()).toBeUndefined()
    const first = world.now
    await ask('GET', '/devices', { headers })
    world.now += MINUTE - 1
    await ask('GET', '/devices', { headers })
    expect(await usedAt()).toBe(first)
    world.now += 1
    await ask('GET', '/devices', { headers })
    expect(await usedAt()).toBe(first + MINUTE)
  })

  it('are not brought back by a use that is noted late', async () => {
    const { ask, asAdmin, keyOf } = openApi()
    const secret = await keyOf({ scopes: ['devices:read'] })
    const [{ id }] = (await asAdmin('GET', '/keys')).json.keys
    await Promise.all([
      asAdmin('DELETE', `/keys/${id}`),
      ask('GET', '/devices', { headers: bearer(secret) }),
    ])
    expect((await asAdmin('GET', '/keys')).json).toEqual({ keys: [] })
    const after = await ask('GET', '/devices', { headers: bearer(secret) })
    expectRefused(after, 401, 'access.bad_credentials', 'API key is unknown or was revoked')
  })

  it('expire', async () => {
    const { ask, keyOf, world } = openApi()
    const expiresAt = world.now + HOUR
    const headers = bearer(await keyOf({ scopes: ['devices:read'], expiresAt }))
    world.now = expiresAt - 1
    expect((await ask('GET', '/devices', { headers })).status).toBe(200)
    world.now = expiresAt
    const refused = await ask('GET', '/devices', { headers })
    expectRefused(refused, 401, 'access.expired', 'API key has expired')
  })

  it.each([
    ['neither role nor scopes', { name: 'a' }, '/scopes', 422],
    ['both', { name: 'a', role: 'viewer', scopes: ['devices:read'] }, '/scopes', 422],
    ['an end that is past', { name: 'a', role: 'viewer', expiresAt: 1 }, '/expiresAt', 422],
    ['an unknown scope', { name: 'a', scopes: ['all'] }, '/scopes/0', 400],
    ['an unknown role', { name: 'a', role: 'root' }, '/role', 400],
    ['no name', { role: 'viewer' }, '/name', 400],
    ['a blank name', { name: ' ', role: 'viewer' }, '/name', 400],
    ['no groups in a list', { name: 'a', role: 'viewer', groups: [] }, '/groups', 400],
    ['an unknown key', { name: 'a', role: 'viewer', x: 1 }, '/x', 400],
  ])('are refused with %s', async (_title, body, pointer, status) => {
    const { asAdmin } = openApi()
    const refused = await asAdmin('POST', '/keys', { body })
    expectRefused(refused, status, 'input.malformed')
    expect(refused.json.errors).toMatchObject([{ in: 'body', pointer }])
    expect((await asAdmin('GET', '/keys')).json).toEqual({ keys: [] })
  })

  it('give nobody more than who makes them has', async () => {
    const { ask, keyOf } = openApi()
    const headers = bearer(await keyOf({ scopes: ['keys:write', 'devices:read'] }))
    const wider = { name: 'b', scopes: ['devices:write'] }
    expectRefused(
      await ask('POST', '/keys', { headers, body: wider }),
      403,
      'access.forbidden',
      'expected scopes that you have, found devices:write',
    )
    const same = { name: 'b', scopes: ['devices:read'] }
    expect((await ask('POST', '/keys', { headers, body: same })).status).toBe(201)
  })

  it('answer 404 where there is none to revoke', async () => {
    const { asAdmin } = openApi()
    expectRefused(await asAdmin('DELETE', '/keys/none'), 404, 'input.not_found')
  })

  it('are listed page by page', async () => {
    const { asAdmin, keyOf } = openApi()
    for (let count = 0; count < 3; count++) await keyOf({ role: 'viewer' })
    const first = (await asAdmin('GET', '/keys?limit=2')).json
    expect(first.keys).toHaveLength(2)
    const second = (await asAdmin('GET', `/keys?limit=2&after=${first.next}`)).json
    expect(second.keys).toHaveLength(1)
    expect(second.next).toBeUndefined()
  })
})

describe('credentials that prove nothing', () => {
  it.each([
    ['an unknown bearer', 'Bearer nonsense', 'token is none of the admin, a key or an issuer'],
    ['an unknown key', `Bearer ahk_abc_${'x'.repeat(43)}`, 'API key is unknown or was revoked'],
    ['the start of a key', 'Bearer ahk_', 'API key is unknown or was revoked'],
    ['another scheme', 'Basic dTpw', 'expected Authorization: Bearer …'],
    [
      'a token of nobody',
      'Bearer eyJhbGciOiJFUzI1NiJ9.e30.AA',
      'token of an issuer that is not known here',
    ],
    ['something long', `Bearer ${'x'.repeat(20_000)}`, 'token is too long'],
  ])('are refused: %s', async (_title, authorization, detail) => {
    for (const dev of [true, false]) {
      const { ask } = openApi({}, dev)
      const refused = await ask('GET', '/devices', { headers: { authorization } })
      expectRefused(refused, 401, 'access.bad_credentials', detail)
    }
  })

  it('are answered 429 after many from one place, but not for what is known to be good', async () => {
    const { ask, keyOf, world } = openApi()
    const good = bearer(await keyOf({ scopes: ['devices:read'] }))
    const unused = bearer(await keyOf({ scopes: ['devices:read'] }))
    const remote = '2001:db8::1'
    expect((await ask('GET', '/devices', { headers: good, remote })).status).toBe(200)
    const wrong = { headers: bearer('wrong'), remote }
    for (let count = 0; count < 30; count++)
      expect((await ask('GET', '/devices', wrong)).status).toBe(401)
    const refused = await ask('GET', '/devices', wrong)
    expectRefused(refused, 429, 'access.throttled')
    expect(refused.headers.get('retry-after')).toBe('60')
    const neighbour = { remote: '2001:db8::2:0:0:7' }
    expect((await ask('GET', '/devices', { headers: unused, ...neighbour })).status).toBe(429)
    expect((await ask('GET', '/devices', { headers: good, remote })).status).toBe(200)
    expect((await ask('GET', '/devices', { headers: bearer(ADMIN_TOKEN), remote })).status).toBe(
      200,
    )
    const elsewhere = { headers: bearer('wrong'), remote: '2001:db8:0:1::1' }
    expect((await ask('GET', '/devices', elsewhere)).status).toBe(401)
    world.now += MINUTE
    expect((await ask('GET', '/devices', { headers: unused, remote })).status).toBe(200)
  })
})

describe('sessions', () => {
  const signIn = async (opened: ReturnType<typeof openApi>, tls = false) => {
    const answer = await opened.asAdmin('POST', '/session', { tls })
    expect(answer.status).toBe(201)
    const { csrfToken } = answer.json
    const cookie = cookieOf(answer.headers)
    return { answer, cookie, csrfToken, change: { cookie, 'anyhub-csrf': csrfToken } }
  }

  it('are opened by a token, as a cookie that scripts cannot read', async () => {
    const opened = openApi()
    const { answer, cookie, csrfToken } = await signIn(opened)
    expect(answer.json).toEqual({
      caller: { kind: 'admin', id: 'admin', scopes: [...SCOPES] },
      csrfToken: expect.stringMatching(/^[\da-f]{64}$/),
      expiresAt: opened.world.now + 12 * HOUR,
    })
    expect(answer.headers.get('set-cookie')).toMatch(
      /^anyhub_session=[0-9a-z]{9}\.[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const shown = await opened.ask('GET', '/session', { headers: { cookie } })
    expect(shown.json).toEqual({
      caller: { kind: 'admin', id: 'admin', scopes: [...SCOPES] },
      csrfToken,
      expiresAt: opened.world.now + 12 * HOUR,
      signIn: { required: true },
    })
    const kept = JSON.stringify([...opened.world.tables].map(([, rows]) => [...rows]))
    expect(kept).not.toContain(cookie.split('.')[1])
    expect(kept).not.toContain(csrfToken)
  })

  it('have a name over TLS that no other page can set, and are Secure', async () => {
    const opened = openApi()
    const { answer, cookie } = await signIn(opened, true)
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-anyhub_session=.+; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    )
    const headers = { cookie }
    expect((await opened.ask('GET', '/keys', { headers, tls: true })).status).toBe(200)
    // What was sent in the clear once is none over TLS, nor the other way round.
    const plain = { cookie: cookie.replace('__Host-', '') }
    expect((await opened.ask('GET', '/keys', { headers: plain, tls: true })).status).toBe(401)
    expect((await opened.ask('GET', '/keys', { headers })).status).toBe(401)
  })

  it('read without more, and change only with the CSRF token', async () => {
    const opened = openApi()
    const { cookie, change, csrfToken } = await signIn(opened)
    const body = { name: 'k', role: 'viewer' }
    expect((await opened.ask('GET', '/keys', { headers: { cookie } })).status).toBe(200)
    for (const token of [undefined, '', csrfToken.toUpperCase(), csrfToken.slice(1)]) {
      const headers = { cookie, ...(token === undefined ? {} : { 'anyhub-csrf': token }) }
      expectRefused(await opened.ask('POST', '/keys', { headers, body }), 403, 'access.csrf')
    }
    expect((await opened.ask('POST', '/keys', { headers: change, body })).status).toBe(201)
  })

  it('take no secret that a browser brings along', async () => {
    const opened = openApi()
    const planted = `anyhub_session=mzzzzzzzz.${'A'.repeat(43)}`
    const answer = await opened.asAdmin('POST', '/session', { headers: { cookie: planted } })
    expect(cookieOf(answer.headers)).not.toBe(planted)
    expect((await opened.ask('GET', '/keys', { headers: { cookie: planted } })).status).toBe(401)
  })

  it('end when another is opened in the same browser', async () => {
    const opened = openApi()
    const { cookie } = await signIn(opened)
    await opened.asAdmin('POST', '/session', { headers: { cookie } })
    expect((await opened.ask('GET', '/keys', { headers: { cookie } })).status).toBe(401)
  })

  it('end when they are signed out, which needs the CSRF token as well', async () => {
    const opened = openApi()
    const { cookie, change } = await signIn(opened)
    expectRefused(
      await opened.ask('DELETE', '/session', { headers: { cookie } }),
      403,
      'access.csrf',
    )
    const gone = await opened.ask('DELETE', '/session', { headers: change })
    expect(gone.status).toBe(204)
    expect(gone.headers.get('set-cookie')).toContain('anyhub_session=; Max-Age=0;')
    expect((await opened.ask('GET', '/keys', { headers: { cookie } })).status).toBe(401)
  })

  it('end after twelve hours, used or not', async () => {
    const opened = openApi()
    const { cookie } = await signIn(opened)
    opened.world.now += 12 * HOUR - 1
    expect((await opened.ask('GET', '/keys', { headers: { cookie } })).status).toBe(200)
    opened.world.now += 1
    expect((await opened.ask('GET', '/keys', { headers: { cookie } })).status).toBe(401)
    const shown = await opened.ask('GET', '/session', { headers: { cookie } })
    expect(shown).toMatchObject({ status: 200, json: { caller: { kind: 'anonymous' } } })
  })

  it('of a key end with it, and can do what it can', async () => {
    const opened = openApi()
    const { ask, asAdmin, keyOf, world } = opened
    const secret = await keyOf({ scopes: ['devices:read'], expiresAt: world.now + HOUR })
    const answer = await ask('POST', '/session', { headers: bearer(secret) })
    expect(answer.json).toMatchObject({
      caller: { kind: 'key', scopes: ['devices:read'] },
      expiresAt: world.now + HOUR,
    })
    const headers = { cookie: cookieOf(answer.headers) }
    expect((await ask('GET', '/devices', { headers })).status).toBe(200)
    expect((await ask('GET', '/keys', { headers })).status).toBe(403)
    await asAdmin('DELETE', `/keys/${answer.json.caller.id}`)
    expect((await ask('GET', '/devices', { headers })).status).toBe(401)
  })

  it('are not opened by a session, by nothing, or for a page of another site', async () => {
    const opened = openApi()
    const { change } = await signIn(opened)
    expectRefused(
      await opened.ask('POST', '/session', { headers: change }),
      401,
      'access.bad_credentials',
    )
    expectRefused(await opened.ask('POST', '/session'), 401, 'access.bad_credentials')
    for (const headers of [
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ])
      expectRefused(await opened.asAdmin('POST', '/session', { headers }), 403, 'access.forbidden')
    const own = { origin: 'http://cloud.test' }
    expect((await opened.asAdmin('POST', '/session', { headers: own })).status).toBe(201)
  })
})

describe('sign-in links', () => {
  it('sign in once', async () => {
    const { ask, asAdmin, world } = openApi()
    const { code, expiresAt } = (await asAdmin('POST', '/session/codes')).json
    expect(expiresAt).toBe(world.now + 10 * MINUTE)
    const answers = await Promise.all([
      ask('POST', '/session', { body: { code } }),
      ask('POST', '/session', { body: { code } }),
    ])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 401])
    const opened = answers.find(({ status }) => status === 201)
    expect(opened?.json.caller).toMatchObject({ kind: 'admin', id: 'admin' })
    const headers = { cookie: cookieOf(opened?.headers ?? new Headers()) }
    expect((await ask('GET', '/keys', { headers })).status).toBe(200)
    expectRefused(
      await ask('POST', '/session', { body: { code } }),
      401,
      'access.bad_credentials',
      'code of the sign-in link is unknown, used or older than ten minutes',
    )
  })

  it('are good for ten minutes', async () => {
    const { ask, asAdmin, world } = openApi()
    const { code } = (await asAdmin('POST', '/session/codes')).json
    world.now += 10 * MINUTE
    expect((await ask('POST', '/session', { body: { code } })).status).toBe(401)
  })

  it('are for those who may make keys, and never made by a session', async () => {
    const { ask, asAdmin, keyOf } = openApi()
    const key = bearer(await keyOf({ role: 'operator' }))
    expectRefused(await ask('POST', '/session/codes', { headers: key }), 403, 'access.forbidden')
    const signedIn = await asAdmin('POST', '/session')
    const headers = {
      cookie: cookieOf(signedIn.headers),
      'anyhub-csrf': signedIn.json.csrfToken,
    }
    expectRefused(await ask('POST', '/session/codes', { headers }), 403, 'access.forbidden')
  })

  it('cannot be guessed at will', async () => {
    const { ask } = openApi()
    const body = { code: `mzzzzzzzz.${'A'.repeat(43)}` }
    for (let count = 0; count < 30; count++)
      expect((await ask('POST', '/session', { body, remote: '192.0.2.1' })).status).toBe(401)
    const refused = await ask('POST', '/session', { body, remote: '192.0.2.1' })
    expectRefused(refused, 429, 'access.throttled')
  })
})

describe('GET /session', () => {
  it('says who asks, and how people sign in', async () => {
    const config = {
      access: {
        oidc: [
          { issuer: 'https://machines.example', audience: 'anyhub' },
          { issuer: 'https://login.example', audience: 'anyhub', clientId: 'page' },
        ],
      },
    }
    const strict = await openApi(config).ask('GET', '/session')
    expect(strict.json).toEqual({
      caller: { kind: 'anonymous', id: '', scopes: [] },
      signIn: {
        required: true,
        oidc: { issuer: 'https://login.example', clientId: 'page', scope: 'openid profile email' },
      },
    })
    const open = await openApi({}, true).ask('GET', '/session')
    expect(open.json.signIn).toEqual({ required: false })
    expect(open.json.caller.scopes).toContain('devices:read')
    expect(open.json.caller.scopes).not.toContain('keys:read')
    const wrong = await openApi().ask('GET', '/session', { headers: bearer('wrong') })
    expectRefused(wrong, 401, 'access.bad_credentials')
  })
})

describe('people of an issuer', () => {
  let fake: FakeIssuer
  beforeEach(async () => {
    fake = await openIssuer()
  })
  afterEach(() => fake.close())

  const open = (more: object = {}) =>
    openApi({
      access: {
        oidc: [{ issuer: fake.issuer, audience: 'anyhub', allowPrivate: true, ...more }],
      },
    })

  it('do what their role says', async () => {
    const opened = open({ rolesClaim: '/realm/roles', roles: { ops: 'operator', ro: 'viewer' } })
    const now = opened.world.now / 1_000
    const token = await fake.sign(
      { sub: 'ann-1', name: 'Ann', realm: { roles: ['staff', 'ops'] } },
      { now },
    )
    const headers = bearer(token)
    const shown = (await opened.ask('GET', '/session', { headers })).json
    expect(shown.caller).toMatchObject({ kind: 'person', id: 'ann-1', name: 'Ann' })
    expect(new Set(shown.caller.scopes)).toEqual(scopesOfRole('operator'))
    expect((await opened.ask('GET', '/devices', { headers })).status).toBe(200)
    expectRefused(await opened.ask('GET', '/keys', { headers }), 403, 'access.forbidden')
  })

  it('are other people where another issuer has the same subject', async () => {
    const other = await openIssuer()
    try {
      const allowPrivate = true
      const opened = openApi({
        access: {
          oidc: [fake, other].map(({ issuer }) => ({ issuer, audience: 'anyhub', allowPrivate })),
        },
      })
      const now = opened.world.now / 1_000
      const ids = await Promise.all(
        [fake, other].map(async (one) => {
          const token = await one.sign({ sub: 'ann', roles: ['viewer'] }, { now })
          return (await opened.ask('GET', '/session', { headers: bearer(token) })).json.caller.id
        }),
      )
      expect(ids).toEqual([`${fake.issuer}#ann`, `${other.issuer}#ann`])
    } finally {
      await other.close()
    }
  })

  it('are told why they may not come in', async () => {
    const opened = open()
    const now = opened.world.now / 1_000
    const ask = async (claims: object, options: object = {}) =>
      opened.ask('GET', '/devices', {
        headers: bearer(await fake.sign({ sub: 'ann', ...claims }, { now, ...options })),
      })
    expectRefused(
      await ask({ roles: ['guest'] }),
      403,
      'access.no_role',
      'token names nobody who has a role here',
    )
    const roles = ['viewer']
    expectRefused(
      await ask({ roles }, { now: now - 7_200 }),
      401,
      'access.expired',
      'token has expired',
    )
    expectRefused(await ask({ roles, aud: 'x' }), 401, 'access.bad_credentials')
    fake.answer(() => ({ status: 500, body: '' }))
    opened.world.now += 2 * 86_400_000
    expectRefused(
      await ask({ roles, exp: opened.world.now / 1_000 + 60 }),
      503,
      'access.issuer_unavailable',
    )
  })

  it('keep their session for twelve hours, though their token ends', async () => {
    const opened = open({ defaultRole: 'viewer' })
    const now = opened.world.now / 1_000
    const token = await fake.sign({ sub: 'ann' }, { now, lifeSeconds: 60 })
    const answer = await opened.ask('POST', '/session', { headers: bearer(token) })
    expect(answer.status).toBe(201)
    const headers = { cookie: cookieOf(answer.headers) }
    opened.world.now += 2 * HOUR
    expect((await opened.ask('GET', '/devices', { headers })).status).toBe(200)
    expect((await opened.ask('GET', '/devices', { headers: bearer(token) })).status).toBe(401)
  })
})

describe('the audit log', () => {
  it('says who changed what, newest first', async () => {
    const { ask, asAdmin, keyOf, world } = openApi()
    const secret = await keyOf({ name: 'ops', scopes: ['keys:read', 'keys:write'] })
    const [{ id }] = (await asAdmin('GET', '/keys')).json.keys
    world.now += 1_000
    await ask('DELETE', `/keys/${id}`, { headers: bearer(secret), remote: '192.0.2.7' })
    const { entries } = (await asAdmin('GET', '/audit')).json
    expect(entries).toMatchObject([
      {
        at: world.now,
        actor: { kind: 'key', id, name: 'ops' },
        operation: 'revokeKey',
        target: `key/${id}`,
        method: 'DELETE',
        path: `/keys/${id}`,
        status: 204,
        before: { id, name: 'ops' },
        remote: '192.0.2.7',
      },
      {
        at: world.now - 1_000,
        actor: { kind: 'admin', id: 'admin' },
        operation: 'createKey',
        target: `key/${id}`,
        status: 201,
        after: { id, name: 'ops' },
      },
    ])
    expect(JSON.stringify(entries)).not.toContain(secret)
  })

  it('is asked by who did it and by what it was done to, page by page', async () => {
    const { ask, asAdmin, keyOf } = openApi()
    const other = bearer(await keyOf({ name: 'ops', role: 'admin' }))
    for (let count = 0; count < 3; count++)
      await ask('POST', '/keys', { headers: other, body: { name: `k${count}`, role: 'viewer' } })
    const { keys } = (await asAdmin('GET', '/keys')).json
    const [{ id: actor }, { id: target }] = keys
    expect((await asAdmin('GET', `/audit?actor=${actor}`)).json.entries).toHaveLength(3)
    expect((await asAdmin('GET', `/audit?target=key/${target}`)).json.entries).toHaveLength(1)
    const names: string[] = []
    let after = ''
    for (let page = 0; page < 5; page++) {
      const { entries, next } = (await asAdmin('GET', `/audit?limit=1&after=${after}`)).json
      names.push(...entries.map((entry: { after: { name: string } }) => entry.after.name))
      if (next === undefined) break
      after = next
    }
    expect(names).toEqual(['k2', 'k1', 'k0', 'ops'])
  })

  it('says who signed in, and nothing of what was refused or only read', async () => {
    const { ask, asAdmin } = openApi()
    await asAdmin('POST', '/session')
    await ask('POST', '/session', { headers: bearer('wrong') })
    await asAdmin('POST', '/keys', { body: {} })
    await asAdmin('GET', '/keys')
    const { entries } = (await asAdmin('GET', '/audit')).json
    expect(entries).toMatchObject([
      { operation: 'signIn', target: 'session/admin/admin', actor: { kind: 'admin' } },
    ])
    expect(entries).toHaveLength(1)
  })

  it('goes to the log of the host where it cannot be written', async () => {
    const { asAdmin, keyOf, world } = openApi()
    await keyOf({ role: 'viewer' })
    const [{ id }] = (await asAdmin('GET', '/keys')).json.keys
    const { tables } = world
    const put = tables.get('$audit')?.set
    expect(put).toBeDefined()
    tables.set(
      '$audit',
      new Proxy(new Map(), {
        get(map, name) {
          if (name === 'set') throw new Error('disk full')
          const value = Reflect.get(map, name)
          return typeof value === 'function' ? value.bind(map) : value
        },
      }),
    )
    expect((await asAdmin('DELETE', `/keys/${id}`)).status).toBe(204)
    expect(world.logs).toContainEqual(
      expect.objectContaining({ message: 'change not written to the audit log' }),
    )
  })
})
