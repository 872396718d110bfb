import { describe, expect, it } from 'vitest'
import type { RegisteredDevice } from '../../../core/index.ts'
import { NOW, uplink } from '../harness.ts'
import { bearer, openApi } from './with-access.ts'

const HOUR = 3_600_000

function registered(deviceId: string, changes: Partial<RegisteredDevice> = {}): RegisteredDevice {
  return {
    deviceId,
    tags: {},
    enabled: true,
    createdAt: NOW,
    version: 1,
    credentials: [],
    ...changes,
  }
}

/** Devices a to e: a and b are heard of and registered, c is only registered, d and e are only heard of. */
async function withFleet() {
  const opened = openApi({
    alarms: { hot: { when: 'temp > 25' } },
    rules: {
      r: {
        sql: "SELECT count(*) AS n FROM 'devices/#' GROUP BY TUMBLINGWINDOW(second, 10)",
        group: 'fleet',
      },
    },
  })
  const { core, asAdmin, world } = opened
  await core.ports.registry.create(registered('b', { type: 'fridge', tags: { site: 'west' } }))
  await core.ports.registry.create(registered('a', { type: 'oven', enabled: false }))
  await core.ports.registry.create(registered('c', { type: 'fridge', tags: { site: 'east' } }))
  for (const [index, id] of ['a', 'b', 'd', 'e'].entries())
    await core.ingest([
      uplink({ temp: 20 + index * 3, ts: NOW - 1_000 + index }, { deviceId: id, receivedAt: NOW }),
    ])
  const list = async (query: string, headers?: Record<string, string>) => {
    const answer =
      headers === undefined
        ? await asAdmin('GET', `/devices${query}`)
        : await opened.ask('GET', `/devices${query}`, { headers })
    expect(answer.status).toBe(200)
    return {
      ...answer.json,
      ids: answer.json.devices.map(({ deviceId }: { deviceId: string }) => deviceId).join(''),
      headers: answer.headers,
    }
  }
  return { ...opened, world, list }
}

describe('GET /devices', () => {
  it('lists who was heard of and who is registered, once each, and nothing else', async () => {
    const { list } = await withFleet()
    const { ids, devices, next } = await list('')
    expect(ids).toBe('abcde')
    expect(next).toBeUndefined()
    expect(devices[1]).toMatchObject({
      deviceId: 'b',
      type: 'fridge',
      tags: { site: 'west' },
      enabled: true,
      registered: true,
      seenAt: NOW,
      last: { temp: { value: 23, at: NOW - 999 } },
      alarms: [],
      pendingCommands: 0,
    })
    expect(devices[2]).toMatchObject({
      deviceId: 'c',
      registered: true,
      status: 'unknown',
      seenAt: 0,
      last: {},
    })
    expect(devices[4]).toMatchObject({ deviceId: 'e', registered: false, enabled: true, tags: {} })
    expect(devices[4]).not.toHaveProperty('type')
  })

  it.each([
    ['', 1],
    ['', 2],
    ['', 3],
    ['sort=-id&', 2],
    ['sort=last.temp&', 1],
    ['sort=-alarms&', 2],
    ['query=-id:x&', 2],
  ])('goes on page by page: %s limit=%i', async (params, size) => {
    const { list } = await withFleet()
    const all = (await list(`?${params}limit=100`)).ids
    let ids = ''
    let pages = 0
    for (let after: string | undefined = ''; after !== undefined; pages++) {
      const page: { ids: string; next?: string; headers: Headers } = await list(
        `?${params}limit=${size}&after=${after}`,
      )
      expect(page.ids.length).toBeLessThanOrEqual(size)
      if (page.next !== undefined)
        expect(page.headers.get('link')).toMatch(/^<\/devices\?.*after=.*>; rel="next"$/)
      ids += page.ids
      after = page.next
    }
    expect(ids).toBe(all)
    expect(pages).toBe(Math.ceil(5 / size))
  })

  it.each([
    ['type:fridge', 'bc'],
    ['tags.site:west', 'b'],
    ['last.temp>=23', 'bde'],
    ['enabled:false', 'a'],
    ['registered:false', 'de'],
    ['alarm:hot', 'de'],
    ['alarms>0 AND NOT d', 'e'],
    ['seen<1h', 'abde'],
    ['-seen:*', 'c'],
    ['group:west', 'b'],
    ['nothing-like-this', ''],
  ])('finds by %s', async (query, ids) => {
    const { list, asAdmin } = await withFleet()
    await asAdmin('PUT', '/groups/west', { body: { query: 'tags.site:west' } })
    expect((await list(`?query=${encodeURIComponent(query)}`)).ids).toBe(ids)
  })

  it.each([
    ['id', 'abcde', undefined],
    ['-id', 'edcba', 5],
    ['last.temp', 'abdec', 5],
    ['-last.temp', 'edbac', 5],
    ['type', 'bcade', 5],
    ['-alarms', 'deabc', 5],
    ['seenAt', 'abdec', 5],
    ['tags.site', 'cbade', 5],
    ['enabled', 'abcde', 5],
    ['state', 'abcde', 5],
  ])('is in the order of %s', async (sort, ids, total) => {
    const { list } = await withFleet()
    const found = await list(`?sort=${sort}`)
    expect(found.ids).toBe(ids)
    expect(found.total).toBe(total)
  })

  const refused: readonly [query: string, pointer: string, says: string, place?: object][] = [
    ['query=type:', '/query', 'expected a value', { line: 1, column: 6 }],
    ['query=(a', '/query', 'expected ")"', { line: 1, column: 3 }],
    ['query=colour:red', '/query', 'expected a field', { line: 1, column: 1 }],
    [`query=${'a'.repeat(2_001)}`, '/query', 'Too big'],
    ['sort=size', '/sort', 'expected id, type, state'],
    ['sort=-', '/sort', 'expected id'],
    ['sort=tags.', '/sort', 'expected id'],
    ['limit=1001', '/limit', 'expected a whole number'],
    ['limit=-1', '/limit', 'expected a whole number'],
    ['colour=red', '/colour', 'colour'],
  ]

  it.each(refused)('refuses %s', async (query, pointer, says, place) => {
    const { asAdmin } = await withFleet()
    const { status, json } = await asAdmin('GET', `/devices?${query}`)
    expect(status).toBe(400)
    expect(json).toMatchObject({ title: 'input.malformed', errors: [{ in: 'query', pointer }] })
    expect(json.errors[0].detail).toContain(says)
    if (place !== undefined) expect(json.errors[0]).toMatchObject(place)
    expect(json.detail).not.toContain('\n')
  })

  it('refuses a cursor of another order', async () => {
    const { asAdmin, list } = await withFleet()
    const { next } = await list('?sort=-alarms&limit=1')
    for (const path of [`sort=alarms&after=${next}`, `after=${next}`, 'sort=-alarms&after=xyz']) {
      const { status, json } = await asAdmin('GET', `/devices?${path}`)
      expect({ status, json }).toMatchObject({
        status: 400,
        json: { title: 'input.malformed', detail: 'expected `next` of a page in the same order' },
      })
    }
  })

  it('shows a caller who is limited to groups only what is in them', async () => {
    const { list, asAdmin, keyOf, ask } = await withFleet()
    await asAdmin('PUT', '/groups/hand', { body: { devices: ['a', 'e', 'nobody'] } })
    await asAdmin('PUT', '/groups/fridges', { body: { query: 'type:fridge' } })
    const reach = async (groups: string[]) => bearer(await keyOf({ role: 'viewer', groups }))
    const both = await reach(['hand', 'fridges'])
    expect((await list('', both)).ids).toBe('abce')
    expect((await list('?sort=-id', both)).ids).toBe('ecba')
    expect((await list('?query=last.temp>20', both)).ids).toBe('be')
    expect((await list('', await reach(['nowhere']))).ids).toBe('')
    const hand = await reach(['hand'])
    expect((await ask('GET', '/devices/a', { headers: hand })).status).toBe(200)
    expect((await ask('GET', '/devices/b', { headers: hand })).status).toBe(403)
    expect((await ask('GET', '/devices/b', { headers: both })).status).toBe(200)
    expect((await ask('GET', '/devices/nobody-at-all', { headers: hand })).status).toBe(403)
    // What is in a group changes at once.
    await asAdmin('DELETE', '/groups/hand/devices/a')
    expect((await ask('GET', '/devices/a', { headers: hand })).status).toBe(403)
    await asAdmin('DELETE', '/groups/fridges')
    expect((await list('', both)).ids).toBe('e')
  })

  it('holds a page in memory, and looks at each device once, whatever the order', async () => {
    const { core, world, list } = await withFleet()
    for (let index = 0; index < 2_000; index++)
      await core.ports.registry.create(registered(`x-${String(index).padStart(4, '0')}`))
    const before = { ...world.calls }
    const { devices, total } = await list('?sort=-id&limit=3')
    expect(devices.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual([
      'x-1999',
      'x-1998',
      'x-1997',
    ])
    expect(total).toBe(2_005)
    const calls = { ...world.calls }
    expect(calls['registry.list']).toBe((before['registry.list'] ?? 0) + 5)
    await list('?limit=3')
    expect(world.calls['registry.list']).toBe((calls['registry.list'] ?? 0) + 1)
  })
})

describe('a large fleet', () => {
  it('is looked through in parts, each of which says where to go on', async () => {
    const { asAdmin, world } = openApi()
    for (let index = 0; index < 20_500; index++) {
      const deviceId = `x-${String(index).padStart(5, '0')}`
      const type = index === 20_400 ? 'needle' : 'hay'
      world.registered.set(deviceId, registered(deviceId, { type }))
    }
    const first = await asAdmin('GET', '/devices?query=type:needle')
    expect(first.json).toEqual({ devices: [], next: 'x-19999' })
    const second = await asAdmin('GET', `/devices?query=type:needle&after=${first.json.next}`)
    expect(second.json).toMatchObject({ devices: [{ deviceId: 'x-20400' }] })
    expect(second.json).not.toHaveProperty('next')
    // What a request is about has a bound.
    for (const path of ['latest', 'series', 'export']) {
      const many = await asAdmin('GET', `/telemetry/${path}?query=type:hay`)
      expect(many).toMatchObject({
        status: 413,
        json: {
          title: 'input.too_large',
          detail: 'expected a search that finds at most 1000 devices, found more',
        },
      })
    }
  })
})

describe('GET /devices/:id', () => {
  it('gives a device with what it was registered as', async () => {
    const { asAdmin } = await withFleet()
    const { json, headers } = await asAdmin('GET', '/devices/a')
    expect(json).toMatchObject({
      deviceId: 'a',
      type: 'oven',
      enabled: false,
      version: 2,
      registration: { deviceId: 'a', version: 1, credentials: [] },
    })
    expect(headers.get('etag')).toBe('"2-1"')
  })

  it('gives one that was never heard of, and one that is not registered', async () => {
    const { asAdmin } = await withFleet()
    const fresh = await asAdmin('GET', '/devices/c')
    expect(fresh.json).toMatchObject({ deviceId: 'c', version: 0, accepted: 0, alarmStates: {} })
    expect(fresh.headers.get('etag')).toBe('"0-1"')
    const stranger = await asAdmin('GET', '/devices/d')
    expect(stranger.json).not.toHaveProperty('registration')
    expect(stranger.headers.get('etag')).toBe('"2-0"')
  })

  it.each(['nobody', '$tasks', '%20'])('knows no %s', async (id) => {
    const { asAdmin } = await withFleet()
    expect(await asAdmin('GET', `/devices/${id}`)).toMatchObject({
      status: 404,
      json: { title: 'input.not_found' },
    })
  })
})

describe('groups', () => {
  it('are made, changed, listed and removed', async () => {
    const { asAdmin } = await withFleet()
    const made = await asAdmin('PUT', '/groups/cold', {
      body: { name: 'Cold things', description: 'below 25', query: 'last.temp<25' },
    })
    expect(made).toMatchObject({
      status: 201,
      json: { id: 'cold', name: 'Cold things', query: 'last.temp<25', version: 1, createdAt: NOW },
    })
    expect(made.headers.get('etag')).toBe('"1"')
    expect(made.headers.get('location')).toBe('/groups/cold')
    const changed = await asAdmin('PUT', '/groups/cold', { body: { query: 'last.temp<22' } })
    expect(changed).toMatchObject({ status: 200, json: { name: 'cold', version: 2 } })
    expect(changed.json).not.toHaveProperty('description')
    expect((await asAdmin('GET', '/groups/cold')).json).toEqual(changed.json)
    expect((await asAdmin('GET', '/groups')).json).toEqual({ groups: [changed.json] })
    expect((await asAdmin('GET', '/groups/cold/devices')).json).toMatchObject({
      devices: [{ deviceId: 'a' }],
    })
    expect((await asAdmin('DELETE', '/groups/cold')).status).toBe(204)
    expect((await asAdmin('GET', '/groups/cold')).status).toBe(404)
    expect((await asAdmin('DELETE', '/groups/cold')).status).toBe(404)
    expect((await asAdmin('GET', '/groups')).json).toEqual({ groups: [] })
  })

  it('hold who is put in, one by one or all at once', async () => {
    const { asAdmin } = await withFleet()
    await asAdmin('PUT', '/groups/hand', { body: { devices: ['b', 'a', 'later'] } })
    expect((await asAdmin('GET', '/groups/hand')).json).toMatchObject({
      devices: ['a', 'b', 'later'],
    })
    expect((await asAdmin('PUT', '/groups/hand/devices/d')).status).toBe(204)
    expect((await asAdmin('PUT', '/groups/hand/devices/d')).status).toBe(204)
    expect((await asAdmin('DELETE', '/groups/hand/devices/a')).status).toBe(204)
    expect((await asAdmin('DELETE', '/groups/hand/devices/a')).status).toBe(404)
    const { json } = await asAdmin('GET', '/groups/hand/devices?sort=-id')
    expect(json.devices.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(['d', 'b'])
    // Without devices those that are in stay in.
    await asAdmin('PUT', '/groups/hand', { body: { name: 'By hand' } })
    expect((await asAdmin('GET', '/groups/hand')).json).toMatchObject({
      name: 'By hand',
      devices: ['b', 'd', 'later'],
    })
    await asAdmin('PUT', '/groups/hand', { body: { devices: ['e'] } })
    expect((await asAdmin('GET', '/groups/hand')).json.devices).toEqual(['e'])
    // A group that is removed and made again is empty.
    await asAdmin('DELETE', '/groups/hand')
    await asAdmin('PUT', '/groups/hand')
    expect((await asAdmin('GET', '/groups/hand')).json.devices).toEqual([])
  })

  it('are changed by who knows the version', async () => {
    const { asAdmin } = await withFleet()
    await asAdmin('PUT', '/groups/g')
    const stale = await asAdmin('PUT', '/groups/g', { headers: { 'if-match': '"7"' } })
    expect(stale).toMatchObject({ status: 412, json: { title: 'input.precondition_failed' } })
    const fresh = await asAdmin('PUT', '/groups/g', { headers: { 'if-match': '"1"' } })
    expect(fresh.status).toBe(200)
    expect((await asAdmin('DELETE', '/groups/g', { headers: { 'if-match': '"1"' } })).status).toBe(
      412,
    )
    expect((await asAdmin('DELETE', '/groups/g', { headers: { 'if-match': '"2"' } })).status).toBe(
      204,
    )
  })

  const wrong: readonly [path: string, body: object, status: number, pointer?: string][] = [
    ['/groups/a.b', {}, 400, '/groupId'],
    [`/groups/${'g'.repeat(65)}`, {}, 400, '/groupId'],
    ['/groups/g', { query: 'type:' }, 422, '/query'],
    ['/groups/g', { query: 'group:other' }, 400],
    ['/groups/g', { query: ' ' }, 400],
    ['/groups/g', { query: 5 }, 400, '/query'],
    ['/groups/g', { query: 'a', devices: ['b'] }, 422, '/devices'],
    ['/groups/g', { devices: ['b', 'no device'] }, 400, '/devices/1'],
    ['/groups/g', { devices: 'b' }, 400, '/devices'],
    ['/groups/g', { name: '' }, 400, '/name'],
    ['/groups/g', { colour: 'red' }, 400, '/colour'],
    ['/groups/g', [], 400, ''],
    ['/groups/g', { devices: Array.from({ length: 1_001 }, () => 'a') }, 400, '/devices'],
  ]

  it.each(wrong)('PUT %s %j is refused', async (path, body, status, pointer) => {
    const { asAdmin } = await withFleet()
    const answer = await asAdmin('PUT', path, { body })
    expect(answer).toMatchObject({ status, json: { title: 'input.malformed' } })
    if (pointer !== undefined) expect(answer.json.errors[0].pointer).toBe(pointer)
    expect((await asAdmin('GET', '/groups')).json).toEqual({ groups: [] })
  })

  it('with a search take nobody by hand', async () => {
    const { asAdmin } = await withFleet()
    await asAdmin('PUT', '/groups/q', { body: { query: 'type:fridge' } })
    expect((await asAdmin('PUT', '/groups/q/devices/a')).status).toBe(409)
    expect((await asAdmin('DELETE', '/groups/q/devices/b')).status).toBe(409)
    expect((await asAdmin('PUT', '/groups/none/devices/a')).status).toBe(404)
    expect((await asAdmin('PUT', '/groups/q/devices/a%20b')).status).toBe(400)
  })

  it('of others are refused, and nobody widens his own', async () => {
    const { asAdmin, ask, keyOf } = await withFleet()
    await asAdmin('PUT', '/groups/mine', { body: { devices: ['a'] } })
    await asAdmin('PUT', '/groups/other', { body: { devices: ['b'] } })
    const headers = bearer(
      await keyOf({
        scopes: ['devices:read', 'groups:read', 'groups:write', 'telemetry:read'],
        groups: ['mine'],
      }),
    )
    const as = (method: string, path: string, body?: object) =>
      ask(method, path, { headers, ...(body === undefined ? {} : { body }) })
    expect((await as('GET', '/groups')).json.groups).toMatchObject([{ id: 'mine' }])
    expect((await as('GET', '/groups/mine')).status).toBe(200)
    expect((await as('GET', '/groups/other')).status).toBe(403)
    expect((await as('GET', '/groups/other/devices')).status).toBe(403)
    expect((await as('PUT', '/groups/mine', { query: '*' })).status).toBe(403)
    expect((await as('PUT', '/groups/new', { query: '*' })).status).toBe(403)
    expect((await as('PUT', '/groups/mine/devices/b')).status).toBe(403)
    expect((await as('PUT', '/groups/mine/devices/a')).status).toBe(403)
    expect((await as('DELETE', '/groups/mine/devices/a')).status).toBe(403)
    expect((await as('DELETE', '/groups/mine')).status).toBe(403)
    expect((await as('GET', '/telemetry/latest?devices=a')).status).toBe(200)
    expect((await as('GET', '/telemetry/latest?devices=a,b')).status).toBe(403)
    expect((await as('GET', '/telemetry/series?devices=b')).status).toBe(403)
    expect((await as('GET', '/telemetry/export?devices=b')).status).toBe(403)
    expect((await as('GET', '/telemetry/latest?query=*')).json.latest).toMatchObject([
      { deviceId: 'a' },
    ])
    expect((await as('GET', '/telemetry/export?query=*&format=jsonl')).text).not.toContain('"b"')
  })
})

describe('telemetry of many devices', () => {
  async function withRows() {
    const opened = await withFleet()
    const { core, world } = opened
    world.now = NOW + HOUR
    for (let minute = 0; minute < 60; minute++)
      await core.ingest([
        uplink(
          { temp: minute, mode: minute < 30 ? 'eco' : 'fast', ts: NOW + minute * 60_000 },
          { deviceId: 'b', receivedAt: world.now },
        ),
      ])
    return opened
  }

  it('GET /telemetry/latest gives the newest values', async () => {
    const { asAdmin } = await withRows()
    const { json } = await asAdmin('GET', '/telemetry/latest?devices=a,b,c,nobody')
    expect(json.latest).toEqual([
      { deviceId: 'a', metric: 'temp', value: 20, at: NOW - 1_000 },
      { deviceId: 'b', metric: 'temp', value: 59, at: NOW + 59 * 60_000 },
      { deviceId: 'b', metric: 'mode', value: 'fast', at: NOW + 59 * 60_000 },
    ])
    const some = await asAdmin('GET', '/telemetry/latest?query=type:fridge&metrics=mode,none')
    expect(some.json.latest).toMatchObject([{ deviceId: 'b', metric: 'mode' }])
  })

  it('GET /telemetry/series draws values together', async () => {
    const { asAdmin } = await withRows()
    const hour = `from=${NOW}&to=${NOW + HOUR}`
    const { json } = await asAdmin(
      'GET',
      `/telemetry/series?devices=b&${hour}&bucket=30m&aggregates=avg,max,count`,
    )
    const start = NOW - (NOW % (30 * 60_000))
    expect(json.bucketMs).toBe(30 * 60_000)
    expect(json.series.map(({ metric }: { metric: string }) => metric)).toEqual(['mode', 'temp'])
    const [mode, temp] = json.series
    expect(temp.points[0].at).toBe(start)
    const counts = temp.points.map(({ count }: { count: number }) => count)
    expect(counts.reduce((a: number, b: number) => a + b, 0)).toBe(60)
    expect(temp.points.at(-1).max).toBe(59)
    expect(mode.points.every((point: object) => !('avg' in point))).toBe(true)
    const auto = await asAdmin('GET', `/telemetry/series?query=type:fridge&${hour}`)
    expect(auto.json.bucketMs).toBe(10_000)
    expect(auto.json.series[1].points).toHaveLength(60)
    expect(auto.json.series[1].points[7]).toEqual({
      at: expect.any(Number),
      avg: 7,
      min: 7,
      max: 7,
    })
    const usual = await asAdmin('GET', '/telemetry/series?devices=b&metrics=temp')
    expect(usual.json.series[0].points).toHaveLength(60)
  })

  it('GET /telemetry/export gives a file', async () => {
    const { asAdmin } = await withRows()
    const query = `devices=a,b&from=${NOW - HOUR}&to=${NOW + 60_001}`
    const csv = await asAdmin('GET', `/telemetry/export?${query}`)
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(csv.headers.get('content-disposition')).toBe('attachment; filename="telemetry.csv"')
    expect(csv.text.split('\r\n').map((line) => line.replace(/,[^,]*Z,[^,]*,/, ',…,'))).toEqual([
      'deviceId,at,messageId,mode,temp',
      'a,…,,20',
      'b,…,,23',
      'b,…,eco,0',
      'b,…,eco,1',
      '',
    ])
    const lines = await asAdmin('GET', `/telemetry/export?${query}&format=jsonl&metrics=mode`)
    expect(lines.headers.get('content-type')).toBe('application/x-ndjson')
    expect(lines.text.trim().split('\n')).toHaveLength(2)
    const parquet = await asAdmin('GET', `/telemetry/export?${query}&format=parquet`)
    expect(parquet.text.startsWith('PAR1') && parquet.text.endsWith('PAR1')).toBe(true)
  })

  const wrong: readonly [path: string, status: number, pointer?: string][] = [
    ['latest', 400, ''],
    ['latest?devices=a&query=b', 400, ''],
    ['latest?devices=', 400, '/devices'],
    ['latest?devices=a,,b', 400, '/devices'],
    ['latest?devices=a%20b', 400, '/devices'],
    ['latest?query=colour:red', 400, '/query'],
    ['latest?devices=a&metrics=', 400, '/metrics'],
    [`latest?devices=${Array.from({ length: 1_001 }, (_, at) => at)}`, 400, '/devices'],
    ['series?devices=a&bucket=soon', 400, '/bucket'],
    ['series?devices=a&aggregates=median', 400, '/aggregates/0'],
    ['series?devices=a&aggregates=', 400, '/aggregates/0'],
    ['series?devices=a&from=yesterday', 400, '/from'],
    ['series?devices=a&from=2&to=1', 400, '/to'],
    ['series?devices=b&bucket=1ms&from=0', 200],
    ['export?devices=a&format=xlsx', 400, '/format'],
    ['export?format=csv', 400, ''],
  ]

  it.each(wrong)('GET /telemetry/%s', async (path, status, pointer) => {
    const { asAdmin } = await withRows()
    const answer = await asAdmin('GET', `/telemetry/${path}`)
    expect(answer.status).toBe(status)
    if (pointer !== undefined) expect(answer.json.errors[0]).toMatchObject({ in: 'query', pointer })
  })

  it('says why there is no file, where it finds out in time', async () => {
    const { asAdmin, world } = await withRows()
    world.away.add('telemetry')
    const answer = await asAdmin('GET', '/telemetry/export?devices=a')
    expect(answer).toMatchObject({ status: 503, json: { title: 'store.unavailable' } })
  })
})
