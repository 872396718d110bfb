import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAttempts } from '../../core/access/attempts.ts'
import { auditKey, auditKeysBefore, REDACTED, redact } from '../../core/access/audit.ts'
import { isSameDigest } from '../../core/access/secrets.ts'
import { endingKey, endingSecret, readSessionCookie } from '../../core/access/session.ts'
import {
  AccessSchema,
  callerOfClaims,
  createAccessSweep,
  isRole,
  isScope,
  type Json,
  SCOPES,
  scopesOfRole,
} from '../../core/index.ts'
import { openApi } from './api/with-access.ts'

function rulesOf(more: object) {
  const issuer = { issuer: 'https://one.example', audience: 'a', ...more }
  const [rules] = AccessSchema.parse({ oidc: [issuer] }).oidc
  if (rules === undefined) throw new Error('expected an issuer')
  return rules
}

describe('callerOfClaims', () => {
  it.each([
    ['a list', {}, { roles: ['x', 'viewer'] }, 'viewer'],
    ['a text with spaces', {}, { roles: 'x operator' }, 'operator'],
    ['another claim', { rolesClaim: 'groups' }, { groups: ['admin'] }, 'admin'],
    ['a pointer', { rolesClaim: '/a~1b/~0' }, { 'a/b': { '~': ['admin'] } }, 'admin'],
    ['a map', { roles: { ops: 'operator' } }, { roles: ['ops'] }, 'operator'],
    ['the usual role', { defaultRole: 'viewer' }, {}, 'viewer'],
  ] as const)('finds roles in %s', (_title, more, claims, role) => {
    const caller = callerOfClaims(rulesOf(more), { sub: 's', ...claims })
    expect(caller).toEqual({ kind: 'person', id: 's', scopes: new Set(scopesOfRole(role)) })
  })

  it('adds up what several values allow', () => {
    const rules = rulesOf({ roles: { a: ['devices:read'], b: ['alarms:write'] } })
    const caller = callerOfClaims(rules, { sub: 's', roles: ['a', 'b', 'c'] })
    expect(caller?.scopes).toEqual(new Set(['devices:read', 'alarms:write']))
  })

  it.each([
    ['no role', {}, { roles: [] }],
    ['a role that is not mapped', { roles: { ops: 'admin' } }, { roles: ['admin'] }],
    [
      'a role of the prototype',
      { roles: { ops: 'admin' } },
      { roles: ['constructor', '__proto__'] },
    ],
    ['roles of another shape', {}, { roles: { admin: true } }],
    ['no subject', { defaultRole: 'admin' }, { sub: '' }],
    ['a subject that is no text', { defaultRole: 'admin' }, { sub: 7 }],
  ])('knows nobody with %s', (_title, more, claims) => {
    expect(callerOfClaims(rulesOf(more), { sub: 's', ...claims })).toBeUndefined()
  })

  it('limits people to their groups, and to none where the token names none', () => {
    const rules = rulesOf({ defaultRole: 'viewer', groupsClaim: 'sites' })
    const groupsOf = (claims: object) => callerOfClaims(rules, { sub: 's', ...claims })?.groups
    expect(groupsOf({ sites: ['west', 'east'] })).toEqual(['west', 'east'])
    expect(groupsOf({})).toEqual([])
    expect(groupsOf({ sites: 7 })).toEqual([])
    expect(groupsOf({ sites: ['west', '*'] })).toBeUndefined()
  })

  it('takes claims of any shape', () => {
    const rules = rulesOf({ rolesClaim: '/a/b', groupsClaim: 'g' })
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (claims) => {
        const found = callerOfClaims(rules, claims as Record<string, Json>)
        expect([undefined, 'person']).toContain(found?.kind)
      }),
    )
  })
})

describe('redact', () => {
  it('takes secrets and payloads out, by name and by look', () => {
    const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'
    expect(
      redact({
        name: 'grafana',
        password: 'p',
        apiKey: 'k',
        secret: { a: 1 },
        credentials: [1],
        payload: 'AQ==',
        note: `sent Bearer abc.def and ${jwt}`,
        pem: '-----BEGIN PRIVATE KEY-----\nMIIE',
        allowPrivate: true,
        keys: [],
        secretless: null,
        deep: [{ token: 't', tags: { site: 'west' } }],
      }),
    ).toEqual({
      name: 'grafana',
      password: REDACTED,
      apiKey: REDACTED,
      secret: REDACTED,
      credentials: REDACTED,
      payload: REDACTED,
      note: `sent ${REDACTED} and ${REDACTED}`,
      pem: REDACTED,
      allowPrivate: true,
      keys: [],
      secretless: null,
      deep: [{ token: REDACTED, tags: { site: 'west' } }],
    })
  })

  it('cuts what is long or deep', () => {
    const long = redact({ text: 'x'.repeat(20_000) })
    expect(JSON.stringify(long).length).toBeLessThan(8_500)
    expect(long).toMatchObject({ truncated: true })
    let deep: Json = 1
    for (let level = 0; level < 5_000; level++) deep = [deep]
    expect(JSON.stringify(redact(deep)).length).toBeLessThan(100)
  })
})

describe('keys of the audit log', () => {
  it('have the newest first, and what is older behind a bound', () => {
    fc.assert(
      fc.property(
        fc.nat(4e12),
        fc.nat(4e12),
        fc.stringMatching(/^[0-9a-z]{21}$/),
        (one, other, id) => {
          if (one !== other) expect(auditKey(one, id) < auditKey(other, id)).toBe(one > other)
          expect(auditKey(one, id) > auditKeysBefore(other)).toBe(one < other)
        },
      ),
    )
  })
})

describe('secrets', () => {
  it('are the same only as a whole', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(isSameDigest(one, other)).toBe(one === other)
        expect(isSameDigest(one, one)).toBe(true)
      }),
    )
  })

  it('of sessions are kept under their end and a digest', () => {
    const secret = endingSecret(1_750_000_000_000, 'A'.repeat(43))
    expect(endingKey(secret, () => 'digest')).toBe(`${secret.slice(0, 9)}.digest`)
    for (const wrong of ['', 'x', `${secret}A`, secret.slice(1), secret.replace('.', ':')])
      expect(endingKey(wrong, () => 'digest')).toBeUndefined()
  })

  it('are found among the cookies', () => {
    expect(readSessionCookie('a=1; anyhub_session=s; b=2', false)).toBe('s')
    expect(readSessionCookie('xanyhub_session=s', false)).toBeUndefined()
    expect(readSessionCookie('anyhub_session=s', true)).toBeUndefined()
    expect(readSessionCookie('__Host-anyhub_session=s', true)).toBe('s')
    expect(readSessionCookie('anyhub_session=', false)).toBeUndefined()
    expect(readSessionCookie(undefined, false)).toBeUndefined()
  })
})

describe('createAttempts', () => {
  it('forgets the places that are known longest', () => {
    const attempts = createAttempts()
    for (let count = 0; count < 30; count++) attempts.failed('first', 0)
    expect(attempts.waitMs('first', 0)).toBe(60_000)
    for (let count = 0; count < 10_000; count++) attempts.failed(`192.0.2.${count}`, 0)
    expect(attempts.waitMs('first', 0)).toBe(0)
  })

  it.each([
    ['2001:db8::1', '2001:db8:0:0:ffff::9', true],
    ['2001:db8:0:1::1', '2001:db8::1', false],
    ['::1', '::2', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
  ])('counts %s and %s together: %s', (one, other, together) => {
    const attempts = createAttempts()
    for (let count = 0; count < 30; count++) attempts.failed(one, 0)
    expect(attempts.waitMs(other, 0) > 0).toBe(together)
  })
})

describe('names', () => {
  it('are told from others', () => {
    expect(['viewer', 'root', ''].map(isRole)).toEqual([true, false, false])
    expect(['devices:read', 'devices', 'toString'].map(isScope)).toEqual([true, false, false])
    expect(new Set(SCOPES).size).toBe(SCOPES.length)
  })
})

describe('createAccessSweep', () => {
  const DAY = 86_400_000
  const rows = (world: ReturnType<typeof openApi>['world'], table: string) =>
    world.tables.get(table)?.size ?? 0

  it('forgets what is over, in bounded rounds', async () => {
    const opened = openApi({ retention: { audit: '30d' } })
    const { world, core, asAdmin } = opened
    for (let count = 0; count < 450; count++) await asAdmin('POST', '/session')
    await asAdmin('POST', '/session/codes')
    const sweep = createAccessSweep(core.ports, core.program.config.retention)
    await sweep()
    expect(['$sessions', '$sign-in', '$audit'].map((table) => rows(world, table))).toEqual([
      450, 1, 451,
    ])
    world.now += 31 * DAY
    await asAdmin('POST', '/session')
    await sweep()
    expect(rows(world, '$sessions')).toBe(251)
    await sweep()
    await sweep()
    expect(['$sessions', '$sign-in', '$audit'].map((table) => rows(world, table))).toEqual([
      1, 0, 1,
    ])
    world.now += 31 * DAY
    await sweep()
    expect(rows(world, '$sessions')).toBe(0)
  })

  it('looks every ten minutes, not at every tick', async () => {
    const { world, core } = openApi()
    const sweep = createAccessSweep(core.ports, core.program.config.retention)
    await sweep()
    const before = world.calls['tables.list']
    await sweep()
    expect(world.calls['tables.list']).toBe(before)
    world.now += 600_000
    await sweep()
    expect(world.calls['tables.list']).toBeGreaterThan(before ?? 0)
  })
})
