import { describe, expect, it } from 'vitest'
import { scopesOfRole } from '../../../core/access/index.ts'
import { alarmListEndpoints } from '../../../core/api/alarm-list.ts'
import { createApi } from '../../../core/api/index.ts'
import type { Caller, ConfigInput } from '../../../core/index.ts'
import { NOW, start, uplink } from '../harness.ts'

const CONFIG: ConfigInput = {
  alarms: {
    hot: { when: 'temp > 30', severity: 'critical', text: '${topic(2)}: ${temp} °C' },
    damp: { when: 'hum > 80', severity: 'warning' },
  },
}

async function open() {
  const { core, world, ports } = start(CONFIG)
  const api = createApi({
    core,
    add: async (one) => (await core.ingest([one]))[0]!,
    isAdmin: () => true,
  })
  const ask = async (path: string, method = 'GET', body?: object) => {
    const answer = await api.request(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) }
  }
  const messages = [
    ['a', { temp: 31, hum: 90 }],
    ['b', { temp: 20, hum: 10 }],
    ['c', { temp: 35, hum: 10 }],
    ['d', { temp: 20, hum: 85 }],
  ] as const
  await core.ingest(messages.map(([deviceId, body]) => uplink({ ...body, ts: NOW }, { deviceId })))
  const namesOf = (json: { alarms: { deviceId: string; alarmId: string }[] }) =>
    json.alarms.map(({ deviceId, alarmId }) => `${deviceId}/${alarmId}`)
  return { core, world, ports, ask, namesOf }
}

describe('GET /alarms', () => {
  it('lists what is raised, on all devices', async () => {
    const { ask, namesOf } = await open()
    const { status, json } = await ask('/alarms')
    expect(status).toBe(200)
    expect(namesOf(json)).toEqual(['a/damp', 'a/hot', 'c/hot', 'd/damp'])
    expect(json.alarms[1]).toEqual({
      deviceId: 'a',
      alarmId: 'hot',
      severity: 'critical',
      text: 'a: 31 °C',
      standing: 'active',
      status: 'active',
      since: NOW,
      raisedAt: NOW,
      comments: 0,
    })
    expect(json.next).toBeUndefined()
  })

  it.each([
    ['severity=critical', ['a/hot', 'c/hot']],
    ['severity=critical,warning&alarm=damp', ['a/damp', 'd/damp']],
    ['device=c,nobody,a', ['a/damp', 'a/hot', 'c/hot']],
    ['standing=normal', ['b/damp', 'b/hot', 'c/damp', 'd/hot']],
    ['standing=active&device=d', ['d/damp']],
    ['alarm=nobody', []],
  ])('%s', async (query, names) => {
    const { ask, namesOf } = await open()
    expect(namesOf((await ask(`/alarms?${query}`)).json)).toEqual(names)
  })

  it('tells what people did about them', async () => {
    const { ask, namesOf } = await open()
    await ask('/devices/a/alarms/hot/acknowledge', 'POST', {})
    await ask('/devices/a/alarms/damp/shelve', 'POST', { for: '1h', reason: 'wash day' })
    await ask('/devices/c/alarms/hot/comment', 'POST', { text: 'on my way' })
    await ask('/devices/c/alarms/hot/assign', 'POST', { to: 'kim' })
    expect((await ask('/alarms?standing=acknowledged,shelved')).json.alarms).toMatchObject([
      {
        alarmId: 'damp',
        standing: 'shelved',
        shelvedUntil: NOW + 3_600_000,
        shelvedFor: 'wash day',
      },
      { alarmId: 'hot', standing: 'acknowledged', acknowledgedAt: NOW },
    ])
    expect((await ask('/alarms?device=c')).json.alarms).toMatchObject([
      { assignedTo: 'kim', comments: 1 },
    ])
    expect(namesOf((await ask('/alarms')).json)).toEqual(['a/damp', 'a/hot', 'c/hot', 'd/damp'])
  })

  it.each([1, 2, 3])('goes on page by page, %i at a time, also within a device', async (size) => {
    const { ask, namesOf } = await open()
    for (const filter of ['', '&device=d,c,a']) {
      const names: string[] = []
      let after = ''
      for (let page = 0; page < 9; page++) {
        const { json } = await ask(`/alarms?limit=${size}${filter}${after}`)
        expect(json.alarms.length).toBeLessThanOrEqual(size)
        names.push(...namesOf(json))
        if (json.next === undefined) break
        after = `&after=${encodeURIComponent(json.next)}`
      }
      expect(names).toEqual(['a/damp', 'a/hot', 'c/hot', 'd/damp'])
    }
  })

  it('looks through so many devices at most, and says where to go on', async () => {
    const { core, ask, namesOf } = await open()
    await core.ingest(
      Array.from({ length: 5_002 }, (_, index) =>
        uplink(
          { temp: index === 5_001 ? 40 : 1, ts: NOW },
          { deviceId: `e-${String(index).padStart(5, '0')}` },
        ),
      ),
    )
    const first = await ask('/alarms')
    expect(namesOf(first.json)).toEqual(['a/damp', 'a/hot', 'c/hot', 'd/damp'])
    const second = await ask(`/alarms?after=${first.json.next}`)
    expect(namesOf(second.json)).toEqual(['e-05001/hot'])
    expect(second.json.next).toBeUndefined()
  })

  it('shows who is limited to groups only those', async () => {
    const { core } = await open()
    const [list] = alarmListEndpoints({ core, reaches: async (_, deviceId) => deviceId === 'c' })
    const caller: Caller = { kind: 'key', id: 'k', scopes: scopesOfRole('viewer'), groups: ['g'] }
    const answer = await list!.run({
      context: {} as never,
      caller,
      params: {},
      query: {},
      body: undefined,
    })
    expect(answer).toMatchObject({ alarms: [{ deviceId: 'c', alarmId: 'hot' }] })
    expect(list!.byGroups).toBe(true)
  })

  it.each([
    ['standing=loud', '/standing/0'],
    ['severity=', '/severity/0'],
    ['limit=1001', '/limit'],
    ['colour=red', '/colour'],
    [`device=${Array(101).fill('a').join(',')}`, '/device'],
  ])('refuses %s', async (query, pointer) => {
    const { ask } = await open()
    expect(await ask(`/alarms?${query}`)).toMatchObject({
      status: 400,
      json: { errors: [{ in: 'query', pointer }] },
    })
  })
})
