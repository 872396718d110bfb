import { beforeAll, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../core/api/index.ts'
import {
  ANONYMOUS,
  type Caller,
  deviceCaller,
  ROLES,
  SCOPES,
  type Scope,
  scopesOfRole,
} from '../../../core/index.ts'
import { ADMIN_TOKEN, type Asked, bearer, openApi } from './with-access.ts'

// Every endpoint is tried by every kind of caller, over HTTP. What is expected follows from what the endpoint says it needs.

const UNLIMITED = { api: { rateLimit: { requests: 1_000_000 } } }

const strict = openApi(UNLIMITED)
const dev = openApi(UNLIMITED, true)

/** The ways in, and what each may do. */
interface Way {
  readonly title: string
  readonly scopes: ReadonlySet<Scope>
  readonly asked: () => Asked
  readonly from?: typeof strict
  /** What a refusal for want of a scope is: 401 where nobody is known. */
  readonly lacking: 401 | 403
  readonly groups?: boolean
  readonly device?: boolean
}

const secrets = new Map<string, string>()
const key = (name: string) => () => ({ headers: bearer(secrets.get(name) ?? '') })

const roleWays = ROLES.map(
  (role): Way => ({
    title: `a key with the role ${role}`,
    scopes: scopesOfRole(role),
    asked: key(role),
    lacking: 403,
  }),
)
const scopeWays = SCOPES.map(
  (scope): Way => ({
    title: `a key with nothing but ${scope}`,
    scopes: new Set([scope]),
    asked: key(scope),
    lacking: 403,
  }),
)
const WAYS: readonly Way[] = [
  {
    title: 'the admin',
    scopes: new Set(SCOPES),
    asked: () => ({ headers: bearer(ADMIN_TOKEN) }),
    lacking: 403,
  },
  ...roleWays,
  ...scopeWays,
  { title: 'nobody', scopes: new Set(), asked: () => ({}), lacking: 401 },
  {
    title: 'nobody, in development',
    scopes: ANONYMOUS.scopes,
    asked: () => ({}),
    from: dev,
    lacking: 401,
  },
  {
    title: 'a device',
    scopes: deviceCaller('mine').scopes,
    asked: () => ({ caller: deviceCaller('mine') }),
    lacking: 403,
    device: true,
  },
  {
    title: 'a key with all scopes for one group',
    scopes: new Set(SCOPES),
    asked: key('group'),
    lacking: 403,
    groups: true,
  },
]

beforeAll(async () => {
  for (const role of ROLES) secrets.set(role, await strict.keyOf({ role }))
  for (const scope of SCOPES) secrets.set(scope, await strict.keyOf({ scopes: [scope] }))
  secrets.set('group', await strict.keyOf({ role: 'admin', groups: ['here'] }))
  const group = { name: 'Here', devices: ['mine'] }
  const made = await strict.asAdmin('PUT', '/groups/here', { body: group })
  expect(made.status).toBeLessThan(300)
})

function pathOf({ path }: Endpoint, deviceId: string): string {
  return path.replaceAll(/\{(?:deviceId|gatewayId)\}/g, deviceId).replaceAll(/\{\w+\}/g, 'x1')
}

/** What the guard says before the endpoint is asked at all; `undefined`: it lets in. */
function refusalOf(one: Endpoint, way: Way, deviceId: string): 401 | 403 | undefined {
  if (one.needs === 'open') return undefined
  if (!way.scopes.has(one.needs)) return way.lacking
  // Who could change groups could widen his own.
  if (way.groups === true && one.needs === 'groups:write') return 403
  const isNamed = one.path.includes('{deviceId}')
  if (way.device === true && !(isNamed && deviceId === 'mine')) return 403
  if (way.groups === true && !(isNamed ? deviceId === 'mine' : one.byGroups === true)) return 403
  return undefined
}

describe.each(WAYS)('$title', (way) => {
  const { ask } = way.from ?? strict
  it.each(
    strict.api.endpoints
      .filter(({ needs }) => needs !== 'open')
      .map((one) => [`${one.method.toUpperCase()} ${one.path}`, one] as const),
  )('%s', async (_title, one) => {
    for (const deviceId of ['mine', 'foreign']) {
      const expected = refusalOf(one, way, deviceId)
      const answer = await ask(one.method.toUpperCase(), pathOf(one, deviceId), way.asked())
      const refused = [401, 403].includes(answer.status) && isOfGuard(answer.json)
      expect({ deviceId, status: refused ? answer.status : undefined }).toEqual({
        deviceId,
        status: expected,
      })
    }
  })
})

/** Some endpoints refuse by themselves, such as to make a sign-in code by a session; the guard has these. */
function isOfGuard(json: { title?: string; detail?: string } | undefined): boolean {
  return json?.title === 'unauthorized' || /^expected a (?:caller|device)/.test(json?.detail ?? '')
}

describe('what the API serves', () => {
  it('is endpoints and nothing else', () => {
    const declared = new Set(
      strict.api.endpoints.map(
        ({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      ),
    )
    const served = strict.api.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`)
    expect(served.filter((one) => !declared.has(one))).toEqual([])
    expect(declared.size).toBeGreaterThan(60)
  })

  it('is open only where the endpoint looks for itself', () => {
    const open = strict.api.endpoints
      .filter(({ needs }) => needs === 'open')
      .map(({ method, path }) => `${method} ${path}`)
    expect(open.toSorted()).toEqual([
      'delete /session',
      // The page and what describes the API say nothing of anybody.
      'get /',
      'get /assets/{file}',
      'get /config.json',
      'get /docs',
      'get /docs/page.css',
      'get /docs/page.js',
      'get /healthz',
      'get /icon.svg',
      'get /openapi.json',
      'get /session',
      'post /networks/{name}',
      'post /notifications/deliveries/{deliveryId}/ack',
      'post /session',
    ])
  })

  it('gives nobody who is limited to a group what is of all devices', async () => {
    const { status } = await strict.ask('GET', '/devices/foreign', key('group')())
    expect(status).toBe(403)
    // Both ends of a binding have to be theirs.
    for (const path of ['foreign/bound/mine', 'mine/bound/foreign']) {
      const bound = await strict.ask('PUT', `/registry/devices/${path}`, key('group')())
      expect([path, bound.status]).toEqual([path, 403])
    }
  })

  it('names the rights of each role', () => {
    const table = Object.fromEntries(ROLES.map((role) => [role, [...scopesOfRole(role)]]))
    const wider = (one: readonly Scope[], other: readonly Scope[]) =>
      other.every((scope) => one.includes(scope))
    expect(wider(table['operator'] ?? [], table['viewer'] ?? [])).toBe(true)
    expect(wider(table['admin'] ?? [], table['operator'] ?? [])).toBe(true)
    expect(table['viewer']?.filter((scope) => !scope.endsWith(':read'))).toEqual([])
    for (const scope of ['keys:read', 'audit:read', 'people:read'] satisfies Scope[])
      expect(table['operator']).not.toContain(scope)
    const anonymous: Caller = ANONYMOUS
    expect([...anonymous.scopes].toSorted()).toEqual(
      [...(table['viewer'] ?? []), 'telemetry:write'].toSorted(),
    )
  })
})
