import { describe, expect, it } from 'vitest'
import { createApi } from '../../../core/api/index.ts'
import type { ConfigInput } from '../../../core/index.ts'
import { type Running, start, uplink } from '../harness.ts'

const CONFIG = {
  channels: {
    ops: { type: 'webhook', url: 'https://example.org/ops' },
    mail: { type: 'email', to: ['all@example.org'] },
  },
  people: { ann: { groups: ['ops'], addresses: [{ channel: 'mail', to: 'ann@example.org' }] } },
  storedSubscriptions: true,
  alarms: { hot: { when: 'temp > 30' } },
} satisfies ConfigInput

function open(config: ConfigInput = CONFIG) {
  const running = start(config)
  const api = createApi({
    core: running.core,
    add: async () => ({ status: 'accepted', deviceId: 'dev-1', messageId: '1' }),
    isAdmin: (authorization) => authorization === 'Bearer admin',
  })
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    authorization = 'Bearer admin',
  ) => {
    const answer = await api.request(path, {
      method,
      headers: { authorization },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }
  return { ...running, ask }
}

async function workOff({ core }: Running): Promise<void> {
  await core.gate.idle()
  for (let round = 0; round < 10_000; round++) {
    const { sent, retried, failed } = await core.notify(100)
    if (sent + retried + failed === 0) return
  }
}

const at = (to: string) => ({ channel: 'mail', to })

describe('people through REST', () => {
  it('are told with their groups from then on, and no more once they are gone', async () => {
    const opened = open()
    const { ask, world } = opened
    const bob = { groups: ['ops', 'night'], addresses: [at('bob@example.org')] }
    expect((await ask('PUT', '/people/bob', bob)).status).toBe(204)
    expect((await ask('GET', '/people/bob')).body).toEqual({ id: 'bob', ...bob })
    const news = { audience: { groups: ['ops'] }, subject: 'x' }
    await ask('POST', '/notifications', news)
    await workOff(opened)
    expect(world.sent.map(({ to }) => to)).toEqual(['ann@example.org', 'bob@example.org'])
    await ask('PUT', '/people/bob', { ...bob, groups: ['night'] })
    await ask('POST', '/notifications', news)
    await workOff(opened)
    expect(world.sent).toHaveLength(3)
    await ask('POST', '/notifications', { ...news, audience: { groups: ['night'] } })
    await workOff(opened)
    expect(world.sent).toHaveLength(4)
    expect((await ask('DELETE', '/people/bob')).status).toBe(204)
    expect((await ask('DELETE', '/people/bob')).status).toBe(404)
    expect((await ask('GET', '/people/bob')).status).toBe(404)
    await ask('POST', '/notifications', {
      ...news,
      audience: { groups: ['night'], people: ['bob'] },
    })
    await workOff(opened)
    expect(world.sent).toHaveLength(4)
  })

  it('are listed in pages', async () => {
    const { ask } = open()
    for (const id of ['a', 'b', 'c']) await ask('PUT', `/people/${id}`, {})
    expect((await ask('GET', '/people?limit=2')).body).toEqual({
      people: [{ id: 'a' }, { id: 'b' }],
      next: 'b',
    })
    expect((await ask('GET', '/people?limit=2&after=b')).body).toEqual({ people: [{ id: 'c' }] })
    expect((await ask('GET', '/people?limit=0')).status).toBe(400)
  })

  it.each([
    ['ann', {}, 'anyhub.yml declares this one'],
    ['a%2Fb', {}, 'letters, digits'],
    ['bob', { addresses: ['nowhere'] }, 'expected a channel of the config'],
    ['bob', { addresses: [at('bob')] }, 'expected a mail address, found 3 characters'],
    ['bob', { addresses: [{ channel: 'ops', to: 'x' }] }, 'has one place'],
    ['bob', { adresses: [] }, 'unknown key "adresses"'],
    ['bob', { groups: ['a b'] }, 'expected 1 to 128 letters'],
  ])('%s %j is refused', async (id, body, says) => {
    const { ask, world } = open()
    expect(await ask('PUT', `/people/${id}`, body)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(says) },
    })
    expect(world.tables.size).toBe(0)
  })
})

describe('subscriptions through REST', () => {
  it('are asked about every event, page by page', async () => {
    const opened = open()
    const { ask, world, core } = opened
    for (let index = 0; index < 1_200; index++)
      await core.audience.subscriptions.put(`s${index}`, {
        to: { addresses: [at(`s${index}@example.org`)] },
        devices: index % 2 === 0 ? 'dev-*' : 'truck-*',
      })
    await ask('PUT', '/subscriptions/group', { to: { groups: ['ops'] }, alarms: ['hot'] })
    await core.ingest([uplink({ temp: 31 })])
    await workOff(opened)
    expect(new Set(world.sent.map(({ to }) => to)).size).toBe(601)
    expect(world.sent).toHaveLength(601)
    await ask('DELETE', '/subscriptions/group')
    await core.ingest([uplink({ temp: 31 }, { deviceId: 'dev-2' })])
    await workOff(opened)
    expect(world.sent).toHaveLength(1_201)
  })

  it('hold what waits even where they are stored', async () => {
    const opened = open()
    await opened.ask('PUT', '/subscriptions/few', {
      to: { people: ['ann'] },
      throttle: { most: 1, per: '1h' },
    })
    await opened.core.ingest([uplink({ temp: 31 }), uplink({ temp: 31 }, { deviceId: 'dev-2' })])
    await workOff(opened)
    expect(opened.world.sent).toHaveLength(1)
    expect(opened.world.counts['notification.suppressed']).toBe(1)
    const inbox = await opened.ask('GET', '/subscriptions/few/inboxes/@ann')
    expect(inbox.body).toEqual({
      waiting: 0,
      escalations: [],
      suppressed: [
        {
          key: expect.stringMatching(/^dev-\d\/alarm\/hot/),
          reason: 'throttled',
          at: opened.world.now,
        },
      ],
    })
    expect((await opened.ask('GET', '/subscriptions/few/inboxes/@bob')).status).toBe(404)
  })

  it('show what waits for the end of a digest, and which step of a chain is next', async () => {
    const opened = open()
    await opened.ask('PUT', '/subscriptions/few', {
      to: { people: ['ann'] },
      digest: '1h',
      escalation: [{ after: '10m', to: { people: ['ann'] } }],
    })
    await opened.core.ingest([uplink({ temp: 31 }), uplink({ temp: 31 }, { deviceId: 'dev-2' })])
    await workOff(opened)
    expect((await opened.ask('GET', '/subscriptions/few/inboxes/@ann')).body).toMatchObject({
      waiting: 1,
      held: [expect.stringMatching(/^dev-\d\/alarm\/hot/)],
      releaseAt: opened.world.now + 3_600_000,
      escalations: [
        { step: 1, dueAt: opened.world.now + 600_000 },
        { step: 1, dueAt: opened.world.now + 600_000 },
      ],
    })
  })

  it.each([
    [{ to: {} }, 'expected people, groups, channels or addresses'],
    [{ to: { channels: ['nowhere'] } }, 'expected a channel of the config'],
    [{ to: { addresses: [at('x')] } }, 'expected a mail address'],
    [{ to: { people: Array(21).fill('ann') } }, 'expected at most 20'],
    [{ to: { people: ['ann'] }, words: { de: { text: '{{x}}' } } }, 'expected one of deviceId'],
    [
      { to: { people: ['ann'] }, escalation: [{ after: '1m', to: { channels: ['x'] } }] },
      'expected a channel of the config',
    ],
    [{ to: { people: ['ann'] }, events: ['weather'] }, 'events.0'],
  ])('%j is refused', async (body, says) => {
    const { ask } = open()
    expect(await ask('PUT', '/subscriptions/s', body)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining(says) },
    })
  })

  it('are refused unless anyhub.yml allows them', async () => {
    const { ask } = open({ ...CONFIG, storedSubscriptions: false })
    expect(await ask('PUT', '/subscriptions/s', { to: { people: ['ann'] } })).toMatchObject({
      status: 400,
      body: { detail: 'storedSubscriptions: expected true in anyhub.yml, found false' },
    })
  })

  it('ask for the token of the admin: addresses of people are nobody else’s business', async () => {
    const { ask } = open()
    for (const name of ['people', 'subscriptions'])
      for (const [method, path] of [
        ['GET', `/${name}`],
        ['GET', `/${name}/x`],
        ['GET', '/subscriptions/x/inboxes/y'],
        ['PUT', `/${name}/x`],
        ['DELETE', `/${name}/x`],
      ] as const)
        expect((await ask(method, path, method === 'PUT' ? {} : undefined, 'x')).status).toBe(401)
  })

  it('leave tables of ours alone: no rule writes there', async () => {
    const { core, world } = start({
      ...CONFIG,
      rules: {
        evil: {
          sql: "SELECT * FROM 'devices/+/telemetry'",
          actions: [{ table: { table: '${t}', key: 'bob' } }],
        },
      },
    })
    await core.ingest([uplink({ t: '$people' }), uplink({ t: 'mine' })])
    await core.gate.idle()
    expect([...world.tables.keys()]).toEqual(['mine'])
    expect(world.counts['rule.failed']).toBe(1)
  })
})
