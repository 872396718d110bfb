import { describe, expect, it } from 'vitest'
import { ADMIN } from '../../../core/access/index.ts'
import { type ApiOptions, createApi } from '../../../core/api/index.ts'
import type { ConfigInput, Json } from '../../../core/index.ts'
import { createWorld, recordOf, type World } from '../../fakes/memory-ports.ts'
import { NOW, start, uplink } from '../harness.ts'

const TOKEN = 'Bearer the-token'

const CONFIG: ConfigInput = {
  channels: { hook: { type: 'webhook', url: 'https://hooks.example.com/a' } },
  rules: {
    hot: {
      sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 30",
      actions: [{ republish: { topic: 'hot/${topic(2)}' } }],
    },
    off: { sql: "SELECT 1 AS one FROM '#'", enabled: false },
    mean: {
      sql: "SELECT avg(temp) AS mean FROM 'devices/+/telemetry' GROUP BY TUMBLINGWINDOW(second, 60)",
      lateness: '90s',
    },
  },
}

function open(
  config: ConfigInput = CONFIG,
  options: Parameters<typeof start>[1] = {},
  more: Partial<ApiOptions> = {},
) {
  const running = start(config, options)
  const { core } = running
  const api = createApi({
    core,
    add: async (one) => (await core.ingest([one]))[0]!,
    isAdmin: (authorization) => authorization === TOKEN,
    ...more,
  })
  async function ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const answer = await api.request(path, {
      method,
      headers: { authorization: TOKEN, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      etag: answer.headers.get('etag'),
      json: text === '' ? undefined : JSON.parse(text),
    }
  }
  return { ...running, api, ask }
}

const published = (world: World): readonly string[] =>
  world.published.map(({ message }) => `${message.topic} ${message.payload}`)

const HOT_ABOVE_20 = {
  sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 20",
  actions: [{ republish: { topic: 'warm/${topic(2)}' } }],
}

describe('GET /rules', () => {
  it('lists what anyhub.yml says, in the order of ids', async () => {
    const { ask } = open()
    const { status, json } = await ask('GET', '/rules')
    expect(status).toBe(200)
    expect(
      json.rules.map(({ id, source, version, enabled }: Record<string, Json>) => [
        id,
        source,
        version,
        enabled,
      ]),
    ).toEqual([
      ['hot', 'config', 0, true],
      ['mean', 'config', 0, true],
      ['off', 'config', 0, false],
    ])
    expect(json.rules[1]).toMatchObject({ lateness: '90s', group: 'device', declared: true })
    expect(json.next).toBeUndefined()
  })

  it('gives pages', async () => {
    const { ask } = open()
    const first = await ask('GET', '/rules?limit=2')
    expect(first.json.rules).toHaveLength(2)
    const second = await ask('GET', `/rules?limit=2&after=${first.json.next}`)
    expect(second.json).toMatchObject({ rules: [{ id: 'off' }] })
    expect(second.json.next).toBeUndefined()
  })

  it('says how often each matched, where the host counts', async () => {
    const { ask } = open(CONFIG, {}, { matched: () => ({ hot: 7 }) })
    const [hot, , off] = (await ask('GET', '/rules')).json.rules
    expect(hot).toMatchObject({ id: 'hot', matched: 7 })
    expect(off).not.toHaveProperty('matched')
  })

  it.each(['nobody', 'constructor', '__proto__'])('has none of the name %s', async (name) => {
    expect((await open().ask('GET', `/rules/${name}`)).status).toBe(404)
  })
})

describe('PUT /rules/{ruleId}', () => {
  it('runs by it at once', async () => {
    const { ask, core, world } = open()
    await core.ingest([uplink({ temp: 25, ts: NOW })])
    expect(published(world)).toEqual([])
    const { status, json, etag } = await ask('PUT', '/rules/hot', HOT_ABOVE_20)
    expect({ status, etag }).toEqual({ status: 200, etag: '"1"' })
    expect(json).toMatchObject({
      id: 'hot',
      source: 'api',
      declared: true,
      version: 1,
      changedAt: NOW,
      changedBy: 'admin',
      windows: 'none',
    })
    await core.ingest([uplink({ temp: 25, ts: NOW + 1 })])
    await core.gate.idle()
    expect(published(world)).toEqual(['warm/dev-1 {"temp":25}'])
  })

  it('adds one that anyhub.yml has not, which goes with DELETE', async () => {
    const { ask, core, world } = open()
    expect((await ask('PUT', '/rules/new', HOT_ABOVE_20)).json).toMatchObject({
      declared: false,
      source: 'api',
    })
    expect((await ask('GET', '/rules')).json.rules).toHaveLength(4)
    expect((await ask('DELETE', '/rules/new')).status).toBe(204)
    expect((await ask('GET', '/rules/new')).status).toBe(404)
    await core.ingest([uplink({ temp: 25, ts: NOW })])
    await core.gate.idle()
    expect(published(world)).toEqual([])
    expect((await ask('DELETE', '/rules/new')).status).toBe(404)
  })

  it('takes back what GET gave', async () => {
    const { ask } = open()
    for (const id of ['hot', 'mean', 'off']) {
      const { id: _, source, declared, version, ...rule } = (await ask('GET', `/rules/${id}`)).json
      const again = await ask('PUT', `/rules/${id}`, rule)
      expect(again.status).toBe(200)
      expect(again.json).toMatchObject({ ...rule, source: 'api', version: 1 })
      expect([source, declared, version]).toEqual(['config', true, 0])
    }
  })

  it.each([
    {
      title: 'SQL, with line and column',
      rule: { sql: "SELECT temp\nFROM 'devices/+/telemetry' WHERE temp >" },
      status: 422,
      errors: [
        { pointer: '/sql', line: 2, column: 40, detail: expect.stringContaining('expected') },
      ],
    },
    {
      title: 'a function that is none',
      rule: { sql: "SELECT frob(temp) AS a FROM '#'" },
      status: 422,
      errors: [{ pointer: '/sql', line: 1, column: 8, detail: expect.stringContaining('frob') }],
    },
    {
      title: 'a channel that is none, and a template',
      rule: {
        sql: "SELECT * FROM '#'",
        actions: [
          { notify: { channels: ['hook', 'nobody'] } },
          { republish: { topic: 'a/${temp +}' } },
        ],
      },
      status: 422,
      errors: [
        { pointer: '/actions/0/notify/channels/1', detail: expect.stringContaining('hook') },
        { pointer: expect.stringMatching(/^\/actions\/1/) },
      ],
    },
    {
      title: 'an error action',
      rule: { sql: "SELECT * FROM '#'", errorAction: { webhook: { channel: 'nobody' } } },
      status: 422,
      errors: [{ pointer: '/errorAction/webhook/channel' }],
    },
    {
      title: 'an action that is none',
      rule: { sql: "SELECT * FROM '#'", actions: [{ shout: {} }] },
      status: 400,
      errors: [{ in: 'body', pointer: '/actions/0/shout' }],
    },
    { title: 'no SQL', rule: {}, status: 400, errors: [{ pointer: '/sql' }] },
    {
      title: 'an unknown key',
      rule: { sql: "SELECT * FROM '#'", every: '1m' },
      status: 400,
      errors: [{ pointer: '/every' }],
    },
    {
      title: 'a duration that is none',
      rule: { sql: "SELECT * FROM '#'", lateness: 'soon' },
      status: 400,
      errors: [{ pointer: '/lateness' }],
    },
  ])('says what is wrong with $title, and changes nothing', async ({ rule, status, errors }) => {
    const { ask, world } = open()
    const answer = await ask('PUT', '/rules/hot', rule)
    expect(answer.status).toBe(status)
    expect(answer.json).toMatchObject({ status, errors })
    expect((await ask('GET', '/rules/hot')).json).toMatchObject({ source: 'config', version: 0 })
    expect(world.tables.get('$rules') ?? new Map()).toHaveLength(0)
  })

  it.each(['a b', 'x'.repeat(65), '%2F', 'a.b'])('takes no id like %j', async (id) => {
    const answer = await open().ask('PUT', `/rules/${id}`, HOT_ABOVE_20)
    expect(answer.json).toMatchObject({ status: 400, errors: [{ in: 'path', pointer: '/ruleId' }] })
  })

  it('takes it for the version that is meant only', async () => {
    const { ask } = open()
    expect((await ask('PUT', '/rules/hot', HOT_ABOVE_20, { 'if-match': '"0"' })).status).toBe(200)
    const stale = await ask('PUT', '/rules/hot', HOT_ABOVE_20, { 'if-match': '"0"' })
    expect(stale).toMatchObject({
      status: 412,
      json: { type: 'urn:anyhub:input.precondition_failed' },
    })
    expect(
      (await ask('PATCH', '/rules/hot', { enabled: false }, { 'if-match': '"7"' })).status,
    ).toBe(412)
    expect((await ask('DELETE', '/rules/hot', undefined, { 'if-match': '"1"' })).status).toBe(200)
  })

  it('changes nothing where the store is away', async () => {
    const { ask, world, core } = open()
    world.away.add('tables')
    expect((await ask('PUT', '/rules/hot', HOT_ABOVE_20)).status).toBe(503)
    world.away.delete('tables')
    await core.ingest([uplink({ temp: 25, ts: NOW })])
    await core.gate.idle()
    expect(published(world)).toEqual([])
  })

  it('needs rules:write', async () => {
    const { ask } = open()
    const answer = await ask('PUT', '/rules/hot', HOT_ABOVE_20, { authorization: '' })
    expect(answer.status).toBe(401)
  })
})

describe('PATCH and DELETE /rules/{ruleId}', () => {
  it('switch a rule of anyhub.yml off, and give it back', async () => {
    const { ask, core, world } = open()
    expect((await ask('PATCH', '/rules/hot', { enabled: false })).json).toMatchObject({
      enabled: false,
      source: 'config',
      version: 1,
      sql: CONFIG.rules!['hot']!.sql,
    })
    await core.ingest([uplink({ temp: 35, ts: NOW })])
    await core.gate.idle()
    expect(published(world)).toEqual([])
    expect((await ask('DELETE', '/rules/hot')).json).toMatchObject({ enabled: true, version: 0 })
    await core.ingest([uplink({ temp: 35, ts: NOW + 1 })])
    await core.gate.idle()
    expect(published(world)).toEqual(['hot/dev-1 {"temp":35}'])
  })

  it('switch on one that is off there', async () => {
    const { ask, core } = open()
    await ask('PATCH', '/rules/off', { enabled: true })
    expect([...core.program.rulesById.keys()]).toContain('off')
  })

  it('keep a rule that was put, switched off', async () => {
    const { ask } = open()
    await ask('PUT', '/rules/hot', HOT_ABOVE_20)
    expect((await ask('PATCH', '/rules/hot', { enabled: false })).json).toMatchObject({
      enabled: false,
      source: 'api',
      version: 2,
      sql: HOT_ABOVE_20.sql,
    })
  })

  it('cannot take away what anyhub.yml declares', async () => {
    const { ask } = open()
    expect(await ask('DELETE', '/rules/hot')).toMatchObject({
      status: 409,
      json: { type: 'urn:anyhub:rule.declared' },
    })
    expect((await ask('PATCH', '/rules/nobody', { enabled: true })).status).toBe(404)
    expect((await ask('PATCH', '/rules/hot', {})).status).toBe(400)
  })

  it('say what was changed, for the audit log', async () => {
    const { api } = open()
    const patch = api.endpoints.find(({ operation }) => operation === 'switchRule')!
    const changes: unknown[] = []
    const context = {
      set: (name: string, value: unknown) => name === 'change' && changes.push(value),
      header: () => undefined,
      req: { header: () => undefined },
    } as never
    await patch.run({
      context,
      caller: ADMIN,
      params: { ruleId: 'hot' },
      query: {},
      body: { enabled: false },
    })
    expect(changes).toMatchObject([
      {
        target: 'rule/hot',
        before: { enabled: true, version: 0 },
        after: { enabled: false, version: 1 },
      },
    ])
  })
})

describe('windows of a rule that changes', () => {
  const sql = (select: string, seconds: number, having = ''): object => ({
    sql: `SELECT ${select} AS v FROM 'devices/+/telemetry' GROUP BY TUMBLINGWINDOW(second, ${seconds})${having}`,
  })
  const windowOf = (world: World) => recordOf(world, 'dev-1')?.windows?.['mean']

  it.each([
    {
      title: 'go on where only what comes out changes',
      rule: sql('avg(temp) + 1', 60, ' HAVING windowstart() > 1'),
      windows: 'kept',
    },
    { title: 'go on where white space does', rule: sql('avg( temp )', 60), windows: 'kept' },
    { title: 'are dropped with another length', rule: sql('avg(temp)', 30), windows: 'dropped' },
    { title: 'are dropped with another aggregate', rule: sql('max(temp)', 60), windows: 'dropped' },
    { title: 'are dropped with another value', rule: sql('avg(hum)', 60), windows: 'dropped' },
    { title: 'are dropped without windows', rule: HOT_ABOVE_20, windows: 'dropped' },
    {
      title: 'are dropped for the fleet',
      rule: { ...sql('avg(temp)', 60), group: 'fleet' },
      windows: 'dropped',
    },
  ])('$title', async ({ rule, windows }) => {
    const { ask, core, world } = open({
      rules: {
        mean: {
          sql: "SELECT avg(temp) AS v FROM 'devices/+/telemetry' GROUP BY TUMBLINGWINDOW(second, 60)",
        },
      },
    })
    const start = Math.floor(NOW / 60_000) * 60_000
    await core.ingest([uplink({ temp: 10, ts: start })])
    expect(windowOf(world)?.panes).toHaveLength(1)
    expect((await ask('PUT', '/rules/mean', rule)).json.windows).toBe(windows)
    await core.ingest([uplink({ temp: 20, hum: 5, ts: start + 1 })])
    const pane = windowOf(world)?.panes?.[0]
    if (windows === 'kept') expect(pane?.aggregates[0]).toMatchObject({ n: 2 })
    else if (pane !== undefined && pane.aggregates[0] !== undefined)
      expect(pane.aggregates[0].n).toBeLessThan(2)
  })
})

describe('rules on a host of many processes', () => {
  const STORED: ConfigInput = { ...CONFIG, api: { rules: 'stored' } }
  const functionOf = (world: World, config = STORED) => open(config, { world, longLived: false })

  it('are fixed unless anyhub.yml says otherwise, and nothing is ever read', async () => {
    const world = createWorld(NOW)
    const { ask, core } = functionOf(world, CONFIG)
    world.away.add('tables')
    expect(await ask('PUT', '/rules/hot', HOT_ABOVE_20)).toMatchObject({
      status: 409,
      json: { type: 'urn:anyhub:rule.fixed' },
    })
    expect((await ask('GET', '/rules')).json.rules).toHaveLength(3)
    expect(await core.ingest([uplink({ temp: 25, ts: NOW })])).toMatchObject([
      { status: 'accepted' },
    ])
  })

  it('change within 15 s, by one read', async () => {
    const world = createWorld(NOW)
    const api = functionOf(world)
    const ingest = functionOf(world)
    let gets = 0
    let lists = 0
    const { tables } = ingest.ports
    const counted = start(STORED, { world, longLived: false })
    Object.assign(counted.ports.tables, {
      get: (table: string, key: string) => {
        gets++
        return tables.get(table, key)
      },
      list: (table: string, after: string, limit: number) => {
        lists++
        return tables.list(table, after, limit)
      },
    })
    const send = async (seconds: number) => {
      world.now = NOW + seconds * 1_000
      await counted.core.ingest(
        ['a', 'b', 'c'].map((deviceId) =>
          uplink({ temp: 25, ts: world.now }, { deviceId, receivedAt: world.now }),
        ),
      )
    }
    await send(0)
    expect([gets, lists]).toEqual([1, 0])
    expect((await api.ask('PUT', '/rules/hot', HOT_ABOVE_20)).status).toBe(200)
    await send(14)
    expect([gets, lists]).toEqual([1, 0])
    expect(published(world)).toEqual([])
    await send(15)
    expect([gets, lists]).toEqual([2, 1])
    expect(published(world).toSorted()).toEqual(
      ['a', 'b', 'c'].map((id) => `warm/${id} {"temp":25}`),
    )
    await send(31)
    expect([gets, lists]).toEqual([3, 1])
  })

  it('are seen by whoever asks, as they are now', async () => {
    const world = createWorld(NOW)
    const [one, other] = [functionOf(world), functionOf(world)]
    expect((await other.ask('GET', '/rules')).json.rules).toHaveLength(3)
    await one.ask('PUT', '/rules/new', HOT_ABOVE_20)
    expect((await other.ask('GET', '/rules/new')).json).toMatchObject({ version: 1 })
    await one.ask('PUT', '/rules/new', HOT_ABOVE_20)
    expect((await other.ask('PATCH', '/rules/new', { enabled: false })).json).toMatchObject({
      version: 3,
      enabled: false,
    })
  })

  it('go on as they are while the store does not answer, but begin with nothing else', async () => {
    const world = createWorld(NOW)
    const { core } = functionOf(world)
    await core.ingest([uplink({ temp: 1, ts: NOW })])
    world.now = NOW + 20_000
    world.away.add('tables')
    expect(
      await core.ingest([uplink({ temp: 2, ts: world.now }, { receivedAt: world.now })]),
    ).toMatchObject([{ status: 'accepted' }])
    await expect(
      functionOf(world).core.ingest([uplink({ temp: 3, ts: NOW + 1 })]),
    ).rejects.toMatchObject({
      code: 'store.unavailable',
    })
  })

  it('that can run no more do not, and say why', async () => {
    const world = createWorld(NOW)
    const first = functionOf(world)
    await first.ask('PUT', '/rules/tell', {
      sql: "SELECT * FROM '#'",
      actions: [{ notify: { channels: ['hook'] } }],
    })
    const without = functionOf(world, { rules: CONFIG.rules!, api: { rules: 'stored' } })
    const { json } = await without.ask('GET', '/rules/tell')
    expect(json).toMatchObject({
      id: 'tell',
      faults: [
        { pointer: '/actions/0/notify/channels/0', detail: expect.stringContaining('hook') },
      ],
    })
    expect(without.core.program.rulesById.has('tell')).toBe(false)
  })
})

describe('POST /rules/test', () => {
  const SQL = "SELECT temp * 2 AS double FROM 'devices/+/telemetry' WHERE temp > 20"
  const message = (payload: Json, topic = 'devices/a/telemetry') => ({ topic, payload })

  it('tries SQL on messages, with how it came to that', async () => {
    const { ask, world } = open()
    const { status, json } = await ask('POST', '/rules/test', {
      sql: SQL,
      messages: [message({ temp: 21 }), message({ temp: 1 }), message({ temp: 30 }, 'a/b')],
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      warnings: [],
      results: [
        {
          output: { double: 42 },
          payload: { temp: 21 },
          explain: {
            where: { text: 'temp > 20', value: true, verdict: 'true' },
            select: [{ key: 'double', text: 'temp * 2', value: 42 }],
          },
        },
        { noMatch: 'where', explain: { where: { verdict: 'false' } } },
        { noMatch: 'topic', explain: { topic: { matched: false } } },
      ],
    })
    expect(json.error).toBeUndefined()
    expect([world.records.size, world.tables.size]).toEqual([0, 0])
  })

  it.each([
    ["SELECT temp\nFROM '#' WHERE temp >", { code: 'rule.syntax', line: 2, column: 22 }],
    ["SELECT nope(1) AS a FROM '#'", { code: 'rule.unknown_function', line: 1, column: 8 }],
    ['', { code: 'rule.syntax' }],
    [
      "SELECT avg(a) AS b FROM '#' GROUP BY TUMBLINGWINDOW(second, 0)",
      { code: 'rule.syntax', line: 1 },
    ],
  ])('says with 200 what is wrong with %j', async (sql, error) => {
    const answer = await open().ask('POST', '/rules/test', { sql, messages: [] })
    expect(answer).toMatchObject({ status: 200, json: { results: [], error } })
  })

  it('decodes bytes by the codec of the device', async () => {
    const { ask } = open({
      deviceTypes: { lpp: { devices: 'lpp-*', codec: 'cayenne-lpp' }, rest: {} },
    })
    const { json } = await ask('POST', '/rules/test', {
      sql: "SELECT * FROM '#'",
      messages: [
        { topic: 'devices/lpp-1/telemetry', payloadBase64: 'A2cBEA==' },
        { topic: 'devices/x/telemetry', payloadText: '{"temp": 1}' },
        { topic: 'devices/x/telemetry', payloadText: '{"temp": ' },
      ],
    })
    expect(json.results).toMatchObject([
      { output: { temperature_3: 27.2 } },
      { output: { temp: 1 } },
      { error: { code: 'codec.malformed' } },
    ])
  })

  it('shows what windows come to', async () => {
    const at = 1_750_000_020_000
    const { json } = await open().ask('POST', '/rules/test', {
      sql: "SELECT avg(temp) AS mean, count(*) AS n FROM 'devices/+/telemetry' WHERE temp > 0 GROUP BY TUMBLINGWINDOW(second, 60) HAVING count(*) > 1",
      messages: [
        { ...message({ temp: 10 }), at },
        { ...message({ temp: 20 }), at: at + 1_000 },
        { ...message({ temp: -1 }), at: at + 2_000 },
        { ...message({ temp: 5 }), at: at + 60_000 },
      ],
    })
    expect(json.results.map(({ noMatch }: { noMatch?: string }) => noMatch)).toEqual([
      undefined,
      undefined,
      'where',
      undefined,
    ])
    expect(json.windows).toMatchObject([
      { start: at, end: at + 60_000, matched: true, output: { mean: 15, n: 2 } },
      { start: at + 60_000, matched: false },
    ])
  })

  it('runs over the last rows of a device, oldest first, where nobody keeps the messages', async () => {
    const { ask, core } = open()
    for (const temp of [1, 25, 30])
      await core.ingest([uplink({ in: { temp }, __proto: 1, ts: NOW + temp })])
    const { json } = await ask('POST', '/rules/test', {
      sql: "SELECT in.temp AS t FROM 'devices/+/telemetry'",
      deviceId: 'dev-1',
      last: 2,
    })
    expect(json).toMatchObject({
      source: 'rows',
      results: [
        { at: NOW + 25, output: { t: 25 }, payload: { in: { temp: 25 } } },
        { at: NOW + 30, output: { t: 30 } },
      ],
    })
  })

  it('runs over them as they came, where the host keeps them', async () => {
    const recent = () => [
      {
        topic: 'a/b',
        payload: new TextEncoder().encode('{"temp":7}'),
        contentType: 'application/json',
        receivedAt: NOW,
      },
    ]
    const { ask, core } = open(CONFIG, {}, { recent })
    await core.ingest([uplink({ temp: 1, ts: NOW })])
    const { json } = await ask('POST', '/rules/test', {
      sql: "SELECT * FROM '#'",
      deviceId: 'dev-1',
    })
    expect(json).toMatchObject({ source: 'raw', results: [{ topic: 'a/b', output: { temp: 7 } }] })
  })

  it.each([
    [{ sql: 'x' }, ''],
    [{ sql: 'x', messages: [], deviceId: 'a' }, ''],
    [{ messages: [] }, '/sql'],
    [{ sql: 'x', deviceId: 'a', last: 21 }, '/last'],
    [{ sql: 'x', messages: [{ topic: 'a' }] }, '/messages/0'],
    [{ sql: 'x', messages: [{ payload: 1, payloadText: '1' }] }, '/messages/0'],
    [{ sql: 'x', messages: [{ payloadBase64: '*' }] }, '/messages/0/payloadBase64'],
    [{ sql: 'x', messages: Array(101).fill({ payload: 1 }) }, '/messages'],
  ])('refuses %j', async (body, pointer) => {
    const answer = await open().ask('POST', '/rules/test', body)
    expect(answer).toMatchObject({ status: 400, json: { errors: [{ in: 'body', pointer }] } })
  })

  it('of a device that nobody has heard of is 404', async () => {
    const answer = await open().ask('POST', '/rules/test', { sql: 'x', deviceId: 'nobody' })
    expect(answer.status).toBe(404)
  })
})

describe('what a rule looks up', () => {
  it('is never in a table of ours: people, keys, sessions', async () => {
    const { core, world } = open({
      rules: {
        peek: {
          sql: "SELECT lookup('$people', 'kim') AS a, lookup('sites', 'kim') AS b, get_dynamodb('$people', 'id', 'kim', 'arn') AS c FROM '#'",
          actions: [{ republish: { topic: 'out' } }],
        },
      },
    })
    await core.ports.tables.put('$people', 'kim', { mail: 'kim@example.org' })
    await core.ports.tables.put('sites', 'kim', { site: 'west' })
    await core.ingest([uplink({ temp: 1, ts: NOW })])
    await core.gate.idle()
    expect(published(world)).toEqual(['out {"b":{"site":"west"}}'])
  })
})
