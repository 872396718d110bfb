import { describe, expect, it } from 'vitest'
import { createApi } from '../../../core/api/index.ts'
import type { ConfigInput, CoreError, Json } from '../../../core/index.ts'
import { MAX_ATTEMPTS } from '../../../core/notifications/backoff.ts'
import { recordOf, rowsOf } from '../../fakes/memory-ports.ts'
import { NOW, start } from '../harness.ts'

const TOKEN = 'Bearer the-token'
const ADMIN = { authorization: TOKEN }

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>

function open(config: ConfigInput = {}) {
  const running = start(config)
  const { core, world } = running
  const api = createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: (authorization) => authorization === TOKEN,
  })
  /** One request; its answer with the body read as JSON where it is some. */
  async function ask(
    method: string,
    path: string,
    options: { body?: Body | object; headers?: Record<string, string> } = {},
  ) {
    const { body, headers = {} } = options
    const isRaw =
      body === undefined ||
      typeof body === 'string' ||
      body instanceof Uint8Array ||
      body instanceof ReadableStream
    const answer = await api.request(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    })
    const text = await answer.text()
    const type = answer.headers.get('content-type') ?? ''
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: /[/+]json$/.test(type) ? JSON.parse(text) : undefined,
      type,
    }
  }
  const post = (body: Body | object, headers: Record<string, string> = {}, id = 'dev-1') =>
    ask('POST', `/devices/${id}/telemetry`, { body, headers })
  return { ...running, world, api, ask, post }
}

/** An answer holds what the document says of it, and nothing else. */
function expectDescribed(
  { endpoints }: ReturnType<typeof open>['api'],
  wanted: string,
  answer: object,
): void {
  const described = endpoints.find(({ operation }) => operation === wanted)?.answer
  expect(described?.parse(answer)).toEqual(answer)
}

/** What every refusal looks like. Source: RFC 9457. */
function expectProblem(
  answer: { status: number; type: string; json: Record<string, Json> },
  status: number,
  code: string,
): void {
  expect({ status: answer.status, type: answer.type, json: answer.json }).toMatchObject({
    status,
    type: 'application/problem+json',
    json: { type: `urn:anyhub:${code}`, title: code, status, detail: expect.any(String) },
  })
}

describe('POST /devices/:id/telemetry', () => {
  it('takes one message, as soon as it is stored', async () => {
    const { post, world } = open()
    const answer = await post({ temp: 21.5, ts: NOW - 5 })
    expect(answer).toMatchObject({
      status: 202,
      json: { accepted: 1, duplicates: 0, deadLetters: [] },
    })
    expect(rowsOf(world, 'dev-1')).toMatchObject([{ at: NOW - 5, metrics: { temp: 21.5 } }])
  })

  it('takes the same message again for a duplicate', async () => {
    const { post } = open()
    await post({ temp: 1, ts: NOW })
    expect(await post({ temp: 1, ts: NOW })).toMatchObject({
      status: 202,
      json: { accepted: 0, duplicates: 1 },
    })
  })

  const batches: readonly { title: string; body: string; type: string; values: number[] }[] = [
    { title: 'a list', body: '[{"n":1},{"n":2}]', type: 'application/json', values: [1, 2] },
    { title: 'a list with space', body: ' \n[ {"n":1} ]', type: '', values: [1] },
    { title: 'an empty list', body: '[]', type: 'application/json', values: [] },
    { title: 'lines', body: '{"n":1}\n{"n":2}\n', type: 'application/x-ndjson', values: [1, 2] },
    {
      title: 'lines of Windows, and empty ones',
      body: '\r\n{"n":1}\r\n\r\n{"n":2}',
      type: 'application/x-ndjson; charset=utf-8',
      values: [1, 2],
    },
    { title: 'lines by another name', body: '{"n":1}\n', type: 'application/jsonl', values: [1] },
    { title: 'nothing but lines', body: '\n\n', type: 'application/x-ndjson', values: [] },
  ]

  it.each(batches)('takes a batch: $title', async ({ body, type, values }) => {
    const { post, world } = open()
    const answer = await post(body, { 'content-type': type })
    expect(answer).toMatchObject({ status: 202, json: { accepted: values.length } })
    expect(rowsOf(world, 'dev-1').map(({ metrics }) => metrics['n'])).toEqual(values)
  })

  it('tells which messages of a batch were set aside, and takes the others', async () => {
    const { post, world } = open()
    const body = '{"n":1}\n{broken\n{"n":2}\n"text"\n{"n":1e400}\n'
    const answer = await post(body, { 'content-type': 'application/x-ndjson' })
    expect(answer).toMatchObject({
      status: 202,
      json: {
        accepted: 2,
        deadLetters: [
          { index: 1, code: 'codec.malformed' },
          { index: 3, code: 'codec.wrong_type' },
          { index: 4, code: 'codec.wrong_type' },
        ],
      },
    })
    for (const { id } of answer.json.deadLetters) expect(world.letters.has(id)).toBe(true)
  })

  it('takes a list that is broken for one message that is broken', async () => {
    const { post, world } = open()
    const answer = await post('[{"n":1},', { 'content-type': 'application/json' })
    expectProblem(answer, 422, 'codec.malformed')
    expect(
      [...world.letters.values()].map(({ payload }) => new TextDecoder().decode(payload)),
    ).toEqual(['[{"n":1},'])
  })

  const refused: readonly {
    title: string
    body: Body | object
    headers?: Record<string, string>
    id?: string
    status: number
    code: string
  }[] = [
    { title: 'no JSON', body: '{', status: 422, code: 'codec.malformed' },
    { title: 'no body', body: '', status: 422, code: 'codec.malformed' },
    { title: 'bytes', body: Uint8Array.of(0xff, 0), status: 422, code: 'codec.malformed' },
    { title: 'a text', body: '"x"', status: 422, code: 'codec.wrong_type' },
    {
      title: 'a message that is too large',
      body: { x: 'y'.repeat(200) },
      status: 413,
      code: 'uplink.too_large',
    },
    {
      title: 'a message that is too deep',
      body: { a: { b: { c: { d: {} } } } },
      status: 422,
      code: 'uplink.too_deep',
    },
    {
      title: 'a time far ahead',
      body: { ts: NOW + 3_600_000 },
      status: 422,
      code: 'uplink.future_time',
    },
    { title: 'a bad time', body: { ts: 'noon' }, status: 422, code: 'uplink.bad_time' },
    {
      title: 'a bad time in the header',
      body: { a: 1 },
      headers: { 'anyhub-time': 'noon' },
      status: 422,
      code: 'uplink.bad_time',
    },
    {
      title: 'an empty time in the header',
      body: { a: 1 },
      headers: { 'anyhub-time': '' },
      status: 422,
      code: 'uplink.bad_time',
    },
    {
      title: 'a time beyond all in the header',
      body: { a: 1 },
      headers: { 'anyhub-time': '1e300' },
      status: 422,
      code: 'uplink.bad_time',
    },
    {
      title: 'an id of a message that is too long',
      body: { a: 1 },
      headers: { 'idempotency-key': 'x'.repeat(300) },
      status: 422,
      code: 'uplink.bad_message_id',
    },
    {
      title: 'a device that cannot be',
      body: { a: 1 },
      id: 'a%2Fb',
      status: 422,
      code: 'uplink.bad_device_id',
    },
    {
      title: 'a device of a space',
      body: { a: 1 },
      id: 'a%20b',
      status: 422,
      code: 'uplink.bad_device_id',
    },
  ]

  it.each(refused)(
    'refuses $title with $status $code, and keeps it',
    async ({ body, headers, id, status, code }) => {
      const { post, world } = open({ limits: { bodyBytes: 150, bodyDepth: 4 } })
      const answer = await post(body, headers, id)
      expectProblem(answer, status, code)
      expect(answer.json).toMatchObject({ accepted: 0, deadLetters: [{ index: 0, code }] })
      expect(world.letters.size).toBe(1)
      expect(world.records.size).toBe(0)
    },
  )

  it('takes the event time of a header, one for each message', async () => {
    const { post, world } = open()
    await post({ n: 1 }, { 'anyhub-time': `${NOW - 7}` })
    await post([{ n: 2 }, { n: 2 }], { 'anyhub-time': `${NOW - 5}, ${NOW - 3}` })
    expect(rowsOf(world, 'dev-1').map(({ at }) => at - NOW)).toEqual([-7, -5, -3])
  })

  it('refuses times that are not one for each message', async () => {
    const { post, world } = open()
    for (const time of ['1', '1,2,3', '1,2,3,4,5']) {
      expectProblem(
        await post('[{"n":1},{"n":2}]', { 'anyhub-time': time }),
        400,
        'input.malformed',
      )
    }
    expect(world.records.size).toBe(0)
  })

  it('knows a message by its idempotency key, and those of a batch by theirs', async () => {
    const { post, world } = open()
    const key = { 'idempotency-key': 'k-1' }
    expect((await post({ n: 1 }, key)).json).toMatchObject({ accepted: 1 })
    expect((await post({ n: 2 }, key)).json).toMatchObject({ duplicates: 1 })
    expect((await post([{ n: 3 }, { n: 4 }], key)).json).toMatchObject({ accepted: 2 })
    expect((await post([{ n: 3 }, { n: 4 }], key)).json).toMatchObject({ duplicates: 2 })
    expect((await post({ n: 1 }, key, 'dev-2')).json).toMatchObject({ accepted: 1 })
    expect(rowsOf(world, 'dev-1').map(({ messageId }) => messageId)).toEqual([
      'k-1',
      'k-1/0',
      'k-1/1',
    ])
  })

  it('never reads a body much further than it may be, and keeps its start', async () => {
    const { post, world } = open({ limits: { bodyBytes: 1_000 } })
    let sent = 0
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1_000
        controller.enqueue(new Uint8Array(1_000).fill(0x20))
      },
      cancel() {
        cancelled = true
      },
    })
    const answer = await post(endless)
    expectProblem(answer, 413, 'uplink.too_large')
    expect(cancelled).toBe(true)
    expect(sent).toBeLessThan(40_000)
    const [letter, ...others] = [...world.letters.values()]
    expect(others).toEqual([])
    expect(answer.json.deadLetterId).toBe(letter?.id)
    expect(letter?.payload).toHaveLength(1_000)
    expect(letter?.payloadBytes).toBeGreaterThan(32_000)
  })

  it('takes no more than 10,000 messages at once', async () => {
    const { post, world } = open()
    const lines = (count: number) => '{"n":1}\n'.repeat(count)
    const type = { 'content-type': 'application/x-ndjson' }
    expectProblem(await post(lines(10_001), type), 413, 'uplink.too_large')
    expect(world.records.size).toBe(0)
    expect(await post(lines(10_000), type)).toMatchObject({
      status: 202,
      json: { accepted: 10_000 },
    })
  })

  it('asks to send again while the store is away, and the dead letters', async () => {
    const { post, world } = open()
    world.away.add('devices')
    expectProblem(await post({ n: 1 }), 503, 'store.unavailable')
    world.away.clear()
    world.away.add('deadLetters')
    expectProblem(await post('{'), 503, 'store.unavailable')
    expectProblem(await post(' '.repeat(5_000_000)), 503, 'store.unavailable')
  })
})

describe('what people read', () => {
  async function withDevices() {
    const opened = open({ alarms: { hot: { when: 'temp > 25' }, cold: { when: 'temp < 0' } } })
    for (const [index, id] of ['b', 'a', 'c', 'A', 'd'].entries()) {
      await opened.post({ temp: 20 + index * 3, ts: NOW + index }, {}, id)
    }
    return opened
  }

  it('GET /healthz', async () => {
    expect(await open().ask('GET', '/healthz')).toMatchObject({
      status: 200,
      json: { status: 'ok' },
    })
  })

  it('GET /devices lists devices by id, page by page', async () => {
    const { ask } = await withDevices()
    const all = await ask('GET', '/devices')
    expect(all.json.devices.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual([
      'A',
      'a',
      'b',
      'c',
      'd',
    ])
    expect(all.json).not.toHaveProperty('next')
    const pages: string[][] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: { json: { devices: { deviceId: string }[]; next?: string } } = await ask(
        'GET',
        `/devices?limit=2&after=${after}`,
      )
      pages.push(page.json.devices.map(({ deviceId }) => deviceId))
      after = page.json.next
    }
    expect(pages).toEqual([['A', 'a'], ['b', 'c'], ['d']])
    expect((await ask('GET', '/devices?limit=0')).json).toEqual({ devices: [] })
  })

  it('GET /devices/:id gives one device whole', async () => {
    const { ask } = await withDevices()
    expect((await ask('GET', '/devices/d')).json).toMatchObject({
      deviceId: 'd',
      accepted: 1,
      last: { temp: { value: 32, at: NOW + 4 } },
      alarms: [{ alarmId: 'hot', severity: 'warning', raisedAt: NOW + 4, acknowledgedAt: null }],
      alarmStates: { hot: { status: 'active' } },
      shadows: { '': { reported: { temp: 32 }, desired: {}, version: 1 } },
      version: 1,
      waitingEffects: 0,
    })
  })

  it('GET /devices lists no records that are no devices', async () => {
    const { ask, post } = open({
      rules: {
        r: {
          sql: "SELECT count(*) AS n FROM 'devices/#' GROUP BY TUMBLINGWINDOW(second, 10)",
          group: 'fleet',
        },
      },
    })
    await post({ temp: 1, ts: NOW })
    const { json } = await ask('GET', '/devices')
    expect(json.devices.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(['dev-1'])
  })

  it.each([
    { query: '', ids: [4, 3, 2, 1, 0] },
    { query: '?order=asc', ids: [0, 1, 2, 3, 4] },
    { query: '?order=desc&limit=2', ids: [4, 3] },
    { query: `?from=${NOW + 1_000}&to=${NOW + 3_000}&order=asc`, ids: [1, 2] },
    { query: `?from=2025-06-15T15:06:41Z&to=2025-06-15T17:06:43%2B02:00&order=asc`, ids: [1, 2] },
    { query: '?from=2025-06-16', ids: [] },
    { query: '?limit=0', ids: [] },
    { query: '?to=0', ids: [] },
  ])('GET /devices/:id/telemetry$query', async ({ query, ids }) => {
    const { ask, post } = open()
    for (let n = 0; n < 5; n++) await post({ n, ts: NOW + n * 1_000 })
    const { status, json } = await ask('GET', `/devices/dev-1/telemetry${query}`)
    expect(status).toBe(200)
    expect(json.count).toBe(5)
    expect(json.rows.map(({ metrics }: { metrics: { n: number } }) => metrics.n)).toEqual(ids)
  })

  it.each([
    '/devices/nobody',
    '/devices/nobody/telemetry',
    '/devices/nobody/shadow',
    '/devices/__proto__',
    '/devices/%00',
    '/dead-letters/nothing',
    '/nope',
    '/devices/a/b',
  ])('GET %s is not found', async (path) => {
    const { ask, world } = open()
    expectProblem(await ask('GET', path), 404, 'input.not_found')
    expect(world.records.size).toBe(0)
  })

  it.each([
    '/devices?limit=-1',
    '/devices?limit=1.5',
    '/devices?limit=x',
    '/devices?limit=1001',
    '/devices?limit=',
    '/devices/dev-1/telemetry?limit=10001',
    '/devices/dev-1/telemetry?from=yesterday',
    '/devices/dev-1/telemetry?from=foo%201',
    '/devices/dev-1/telemetry?to=',
    '/devices/dev-1/telemetry?from=2026-01-31T12:00:00',
    '/devices/dev-1/telemetry?order=up',
    '/dead-letters?limit=x',
    '/cold/yesterday',
    '/cold/2026-1-1',
    '/cold/2026-01-31?after=x',
  ])('GET %s is malformed', async (path) => {
    const { ask, post } = open()
    await post({ n: 1 })
    expectProblem(await ask('GET', path), 400, 'input.malformed')
  })

  it('GET /cold/:day gives lines, page by page', async () => {
    const { ask, post } = open({ cold: { enabled: true } })
    await post(
      Array.from({ length: 1_500 }, (_, n) => ({ n, ts: NOW - 2_000 + n })),
      { 'content-type': 'application/json' },
    )
    const first = await ask('GET', '/cold/2025-06-15')
    expect(first.type).toBe('application/x-ndjson')
    const next = first.headers.get('anyhub-next')
    const second = await ask('GET', `/cold/2025-06-15?after=${next}`)
    const lines = `${first.text}${second.text}`.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).body.n)).toEqual(
      Array.from({ length: 1_500 }, (_, n) => n),
    )
    const end = await ask('GET', `/cold/2025-06-15?after=${second.headers.get('anyhub-next')}`)
    expect(end).toMatchObject({ status: 200, text: '' })
    expect(end.headers.get('anyhub-next')).toBeNull()
  })

  it.each([
    '/devices',
    '/devices/dev-1',
    '/devices/dev-1/telemetry',
    '/dead-letters',
    '/cold/2025-06-15',
  ])('GET %s while the store is away', async (path) => {
    const { ask, world } = open()
    for (const part of ['devices', 'telemetry', 'deadLetters', 'cold'] as const) {
      world.away.add(part)
    }
    expectProblem(await ask('GET', path), 503, 'store.unavailable')
  })

  it('tells nothing of what is no error of the core', async () => {
    const { core, world } = open()
    const broken = {
      ...core.ports,
      devices: {
        ...core.ports.devices,
        list: () => Promise.reject(new Error('secret: at /home/me/key.pem')),
      },
    }
    const api = createApi({
      core: { ...core, ports: broken },
      add: () => Promise.reject(new Error('unused')),
      isAdmin: () => false,
    })
    const answer = await api.request('/devices')
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('secret')
    expect(world.logs).toContainEqual(expect.objectContaining({ level: 'error' }))
  })
})

describe('what a shadow went through', () => {
  it('is listed with who wanted it, the newest first', async () => {
    const { ask, post } = open()
    await post({ temp: 20 })
    await ask('PATCH', '/devices/dev-1/shadow', {
      headers: ADMIN,
      body: { state: { desired: { led: true } } },
    })
    const { json } = await ask('GET', '/devices/dev-1/shadow/history')
    expect(json.entries).toEqual([
      { at: NOW, version: expect.any(Number), by: 'admin', desired: { patch: { led: true } } },
    ])
    expect((await ask('GET', '/devices/dev-1/shadow/history?name=x')).json.entries).toEqual([])
    expect((await ask('GET', '/devices/dev-1/shadows')).json.shadows).toEqual([
      { name: '', version: json.entries[0].version, updatedAt: NOW },
    ])
  })
})

describe('what people change', () => {
  it.each([
    ['PATCH', '/devices/dev-1/shadow'],
    ['POST', '/devices/dev-1/alarms/hot/acknowledge'],
    ['POST', '/devices/dev-1/alarms/hot/shelve'],
    ['POST', '/devices/dev-1/alarms/hot/unshelve'],
    ['POST', '/devices/dev-1/alarms/hot/assign'],
    ['POST', '/devices/dev-1/alarms/hot/comment'],
    ['POST', '/dead-letters/x/redrive'],
    ['DELETE', '/dead-letters/x'],
  ])('%s %s needs the token', async (method, path) => {
    const { ask, world } = open()
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'the-token' }]) {
      const answer = await ask(method, path, { headers, body: '{"state":{"desired":{"a":1}}}' })
      expectProblem(answer, 401, 'unauthorized')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    expect(world.calls).toEqual({})
  })

  const patch = (desired: object) => ({ headers: ADMIN, body: { state: { desired } } })

  it('PATCH /devices/:id/shadow changes it, and GET gives it with its delta', async () => {
    const { ask, post } = open()
    await post({ setpoint: 21 })
    expect(await ask('PATCH', '/devices/dev-1/shadow', patch({ setpoint: 18 }))).toMatchObject({
      status: 200,
      json: { state: { desired: { setpoint: 18 } }, version: 2 },
    })
    expect(await ask('GET', '/devices/dev-1/shadow')).toMatchObject({
      status: 200,
      json: {
        state: { desired: { setpoint: 18 }, reported: { setpoint: 21 }, delta: { setpoint: 18 } },
      },
    })
  })

  it('PATCH and GET know named shadows', async () => {
    const { ask } = open()
    await ask('PATCH', '/devices/dev-1/shadow?name=config', patch({ a: 1 }))
    expect(await ask('GET', '/devices/dev-1/shadow?name=config')).toMatchObject({
      json: { state: { desired: { a: 1 } } },
    })
    expect((await ask('GET', '/devices/dev-1/shadow')).status).toBe(404)
  })

  it.each([
    { title: 'no JSON', body: '{', status: 400 },
    { title: 'no state', body: '{}', status: 400 },
    { title: 'bytes that are no text', body: Uint8Array.of(0xff, 0xfe), status: 415 },
    {
      title: 'too deep',
      body: { state: { desired: { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } } } },
      status: 400,
    },
    { title: 'another version', body: { state: {}, version: 7 }, status: 409 },
    { title: 'too much', body: { state: { desired: { a: 'x'.repeat(9_000) } } }, status: 413 },
    { title: 'a body without end', body: 'x'.repeat(200_000), status: 413 },
  ])('PATCH refuses $title with $status', async ({ body, status }) => {
    const { ask, core, world } = open()
    await ask('PATCH', '/devices/dev-1/shadow', patch({ a: 1 }))
    await core.gate.idle()
    const before = world.records.get('dev-1')
    const answer = await ask('PATCH', '/devices/dev-1/shadow', { headers: ADMIN, body })
    expect(answer.status).toBe(status)
    expect(world.records.get('dev-1')).toBe(before)
  })

  it.each(['bad name', 'x'.repeat(65), 'a/b'])('PATCH refuses a shadow called %s', async (name) => {
    const { ask } = open()
    const path = `/devices/dev-1/shadow?name=${encodeURIComponent(name)}`
    expect((await ask('PATCH', path, patch({ a: 1 }))).status).toBe(400)
  })

  it.each(['a%2Fb', '%23', '%20', 'x'.repeat(129)])(
    'PATCH makes no device called %s',
    async (id) => {
      const { ask, world } = open()
      expectProblem(
        await ask('PATCH', `/devices/${id}/shadow`, patch({ a: 1 })),
        400,
        'uplink.bad_device_id',
      )
      expect(world.records.size).toBe(0)
    },
  )

  it('PATCH refuses a shadow for which the record has no room', async () => {
    const { ask } = open()
    const statuses: number[] = []
    for (let index = 0; index < 40; index++) {
      const path = `/devices/dev-1/shadow?name=s${index}`
      const answer = await ask('PATCH', path, patch({ text: 'x'.repeat(8_000) }))
      statuses.push(answer.status)
      if (answer.status !== 200) expectProblem(answer, 413, 'device.record_too_large')
    }
    expect(statuses[0]).toBe(200)
    expect(statuses.at(-1)).toBe(413)
    expect((await ask('GET', '/devices/dev-1/shadow?name=s0')).status).toBe(200)
  })

  it('PATCH is asked for again while the store is away', async () => {
    const { ask, world } = open()
    world.away.add('devices')
    expectProblem(
      await ask('PATCH', '/devices/dev-1/shadow', patch({ a: 1 })),
      503,
      'store.unavailable',
    )
  })

  it('POST acknowledge takes note of an active alarm, once or twice', async () => {
    const { ask, post, world } = open({ alarms: { hot: { when: 'temp > 25' } } })
    await post({ temp: 30 })
    for (let again = 0; again < 2; again++) {
      const answer = await ask('POST', '/devices/dev-1/alarms/hot/acknowledge', { headers: ADMIN })
      expect(answer).toMatchObject({ status: 204, text: '' })
    }
    expect(recordOf(world, 'dev-1')?.alarms['hot']).toMatchObject({
      status: 'active',
      acknowledgedAt: NOW,
      acknowledgedBy: 'admin',
    })
  })

  it.each([
    { path: '/devices/nobody/alarms/hot/acknowledge', status: 404 },
    { path: '/devices/dev-1/alarms/hot/acknowledge', status: 409 },
    { path: '/devices/dev-1/alarms/constructor/acknowledge', status: 409 },
    { path: '/devices/dev-1/alarms/__proto__/acknowledge', status: 409 },
  ])('POST $path is refused', async ({ path, status }) => {
    const { ask, post } = open({ alarms: { hot: { when: 'temp > 25' } } })
    await post({ temp: 20 })
    expectProblem(await ask('POST', path, { headers: ADMIN }), status, 'input.not_found')
  })

  it('people look after an alarm: shelve, assign, comment, and see who did what', async () => {
    const { api, ask, post } = open({ alarms: { hot: { when: 'temp > 25' } } })
    await post({ temp: 30 })
    const act = (what: string, body?: object) =>
      ask('POST', `/devices/dev-1/alarms/hot/${what}`, { headers: ADMIN, ...(body && { body }) })
    expect((await act('assign', { to: 'bob' })).status).toBe(204)
    expect((await act('comment', { text: 'on my way' })).status).toBe(204)
    expect((await act('shelve', { for: '2h', reason: 'painters' })).status).toBe(204)
    const { json } = await ask('GET', '/devices/dev-1/alarms')
    expectDescribed(api, 'listDeviceAlarms', json)
    expect(json.alarms).toMatchObject([
      {
        alarmId: 'hot',
        status: 'active',
        standing: 'shelved',
        assignedTo: 'bob',
        shelvedUntil: NOW + 7_200_000,
        shelvedBy: 'admin',
        shelvedFor: 'painters',
        comments: [{ at: NOW, by: 'admin', text: 'on my way' }],
        history: [{ is: 'raised' }, { is: 'assigned' }, { is: 'shelved' }],
      },
    ])
    expect((await ask('GET', '/devices/dev-1/alarms?standing=active,normal')).json.alarms).toEqual(
      [],
    )
    await act('unshelve')
    await act('acknowledge')
    const after = await ask('GET', '/devices/dev-1/alarms?standing=acknowledged')
    expect(after.json.alarms).toHaveLength(1)
  })

  it.each<[string, string, number, string]>([
    ['shelve', '{}', 400, 'expected for, such as "2h", or until'],
    ['shelve', '{"for":"2 hours"}', 400, 'expected for, such as "2h", or until'],
    ['shelve', '{"for":"31d"}', 400, 'within the next 30 days'],
    ['shelve', '{"for":"1h","reason":1}', 400, 'reason: expected a text'],
    ['shelve', '{', 400, 'expected a body of JSON'],
    ['shelve', '[]', 400, 'expected object'],
    ['shelve', `{"reason":"${'x'.repeat(20_000)}"}`, 413, 'expected a body of at most'],
    ['assign', '{}', 400, 'to: expected a name'],
    ['comment', '{"text":" "}', 400, 'text: expected 1 to 1000 characters'],
  ])('POST %s of %s is refused and says why', async (what, body, status, says) => {
    const { ask, post } = open({ alarms: { hot: { when: 'temp > 25' } } })
    await post({ temp: 30 })
    const answer = await ask('POST', `/devices/dev-1/alarms/hot/${what}`, { headers: ADMIN, body })
    expect(answer.status).toBe(status)
    expect(answer.json.detail).toContain(says)
  })

  it.each([
    ['PUT', '/devices/dev-1'],
    ['DELETE', '/devices/dev-1'],
    ['GET', '/devices/dev-1/alarms/hot/acknowledge'],
    ['POST', '/dead-letters'],
  ])('%s %s is served for no method or for others', async (method, path) => {
    const { status, type } = await open().ask(method, path, { headers: ADMIN })
    expect([404, 405]).toContain(status)
    expect(type).toBe('application/problem+json')
  })
})

describe('dead letters', () => {
  async function withLetters(count: number) {
    const opened = open()
    for (let n = 0; n < count; n++) {
      opened.world.now = NOW + n
      await opened.post(`{broken ${n}`)
    }
    const ids = [...opened.world.letters.keys()].toReversed()
    return { ...opened, ids }
  }

  it('are listed newest first, page by page, with their number', async () => {
    const { api, ask, ids } = await withLetters(5)
    const first = await ask('GET', '/dead-letters?limit=2')
    expectDescribed(api, 'listDeadLetters', first.json)
    expect(first.json).toMatchObject({
      total: 5,
      next: ids[1],
      deadLetters: [
        { id: ids[0], code: 'codec.malformed', payloadText: '{broken 4', source: 'http' },
        { id: ids[1] },
      ],
    })
    const second = await ask('GET', `/dead-letters?limit=3&before=${ids[1]}`)
    expect(second.json.deadLetters.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2))
    const end = await ask('GET', `/dead-letters?before=${ids[4]}`)
    expect(end.json).toEqual({ deadLetters: [], total: 5 })
  })

  it('are shown with their bytes, in hex where they are no text', async () => {
    const { api, ask, post, world } = open()
    await post(Uint8Array.of(0xff, 0x00, 0x0a))
    const [id] = [...world.letters.keys()]
    const { json } = await ask('GET', `/dead-letters/${id}`)
    expectDescribed(api, 'getDeadLetter', json)
    expect(json).toMatchObject({
      id,
      payloadHex: 'ff000a',
      payloadBytes: 3,
      deviceId: 'dev-1',
    })
  })

  it('are redriven: gone if it goes well, else kept under their id', async () => {
    const { ask, world, ids } = await withLetters(1)
    const path = `/dead-letters/${ids[0]}/redrive`
    const failed = await ask('POST', path, { headers: ADMIN })
    expectProblem(failed, 422, 'codec.malformed')
    expect(failed.json).toMatchObject({ status: 422, deadLetterId: ids[0] })
    expect([...world.letters.keys()]).toEqual(ids)
    world.letters.set(ids[0]!, {
      ...world.letters.get(ids[0]!)!,
      payload: new TextEncoder().encode('{}'),
      payloadBytes: 2,
    })
    expect(await ask('POST', path, { headers: ADMIN })).toMatchObject({
      status: 200,
      json: { status: 'accepted' },
    })
    expect(world.letters.size).toBe(0)
    expectProblem(await ask('POST', path, { headers: ADMIN }), 404, 'input.not_found')
  })

  it('of which only the start was kept are not redriven', async () => {
    const { ask, post, world } = open({ limits: { bodyBytes: 100 } })
    await post('x'.repeat(5_000))
    const [id] = [...world.letters.keys()]
    expectProblem(
      await ask('POST', `/dead-letters/${id}/redrive`, { headers: ADMIN }),
      400,
      'input.malformed',
    )
    expect(world.letters.size).toBe(1)
  })

  it('are kept while the store is away', async () => {
    const { ask, world, post } = open()
    await post('{')
    const [id] = [...world.letters.keys()]
    const letter = world.letters.get(id!)!
    world.letters.set(id!, { ...letter, payload: new TextEncoder().encode('{}'), payloadBytes: 2 })
    world.away.add('devices')
    expectProblem(
      await ask('POST', `/dead-letters/${id}/redrive`, { headers: ADMIN }),
      503,
      'store.unavailable',
    )
    expect(world.letters.size).toBe(1)
  })

  it('of notifications and effects are queued anew', async () => {
    const { ask, core, post, world } = open({
      rules: {
        r: { sql: "SELECT n FROM 'devices/#'", actions: [{ republish: { topic: 'out' } }] },
      },
    })
    world.onPublish = () => new Error('poison')
    await post({ n: 1 })
    await core.gate.idle()
    for (let tries = 1; tries < MAX_ATTEMPTS; tries++) {
      world.now = recordOf(world, 'dev-1')?.dueAt ?? 0
      await core.tick(10)
      await core.gate.idle()
    }
    world.onPublish = () => undefined
    const [id] = [...world.letters.keys()]
    expect((await ask('GET', `/dead-letters/${id}`)).json).toMatchObject({ source: 'outbox' })
    expect(await ask('POST', `/dead-letters/${id}/redrive`, { headers: ADMIN })).toMatchObject({
      status: 200,
      json: { status: 'queued' },
    })
    await core.gate.idle()
    expect(world.published).toHaveLength(1)
  })

  it('are deleted, once or twice', async () => {
    const { ask, ids, world } = await withLetters(2)
    for (let again = 0; again < 2; again++) {
      const answer = await ask('DELETE', `/dead-letters/${ids[0]}`, { headers: ADMIN })
      expect(answer).toMatchObject({ status: 204, text: '' })
    }
    expect([...world.letters.keys()]).toEqual([ids[1]])
  })
})

describe('problems', () => {
  it('name a code of the core where there is one', async () => {
    const { ERROR_CODES } = await import('../../../core/index.ts')
    const { post } = open()
    const codes: CoreError['code'][] = []
    for (const body of ['{', '"x"', '{"ts":"x"}']) codes.push((await post(body)).json.title)
    for (const code of codes) expect(ERROR_CODES).toHaveProperty([code])
  })
})
