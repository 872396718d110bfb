import { describe, expect, it, onTestFinished } from 'vitest'
import { scopesOfRole } from '../../../core/access/index.ts'
import {
  createApi,
  type LiveListener,
  type LiveSource,
  liveEvent,
} from '../../../core/api/index.ts'
import { liveEndpoints } from '../../../core/api/live.ts'
import type { Caller, ConfigInput } from '../../../core/index.ts'
import { NOW, start, uplink } from '../harness.ts'

interface Event {
  readonly name: string
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what came, whatever it is
  readonly data: any
}

function eventsOf(text: string): Event[] {
  return text.split('\n\n').flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    const name = field('event')
    return name === undefined ? [] : [{ name, id: field('id'), data: JSON.parse(field('data')!) }]
  })
}

const CONFIG: ConfigInput = { alarms: { hot: { when: 'temp > 30' } } }

const LIMITED: Caller = { kind: 'key', id: 'k', scopes: scopesOfRole('viewer'), groups: ['g'] }

function open(live?: LiveSource) {
  const running = start(CONFIG)
  const { core } = running
  const api = createApi({
    core,
    add: async (one) => (await core.ingest([one]))[0]!,
    isAdmin: () => true,
    ...(live === undefined ? {} : { live }),
  })
  return { ...running, api }
}

describe('GET /live on a host that lives no longer than a request', () => {
  function openPolling() {
    const { core, world, api } = open()
    let last: string | undefined
    async function ask(query = '') {
      const answer = await api.request(`/live${query}`, {
        headers: last === undefined ? {} : { 'last-event-id': last },
      })
      expect(answer.headers.get('content-type')).toBe('text/event-stream')
      const text = await answer.text()
      expect(text.startsWith('retry: 5000\n\n')).toBe(true)
      const events = eventsOf(text)
      last = events.at(-1)?.id ?? last
      return events
    }
    const send = (deviceId: string, body: object) =>
      core.ingest([uplink({ ...body, ts: world.now }, { deviceId, receivedAt: world.now })])
    return { core, world, api, ask, send, forget: () => (last = undefined) }
  }

  it('tells first what there is, then what changed since', async () => {
    const { world, ask, send } = openPolling()
    await send('a', { temp: 1 })
    await send('b', { temp: 2 })
    world.now = NOW + 5_000
    const [snapshot, ...others] = await ask()
    expect(snapshot).toMatchObject({
      name: 'snapshot',
      data: { devices: [{ deviceId: 'a' }, { deviceId: 'b' }] },
    })
    expect(others).toEqual([])
    world.now = NOW + 10_000
    expect(await ask()).toMatchObject([{ name: 'devices', data: [] }])
    world.now = NOW + 15_000
    await send('b', { temp: 40 })
    world.now = NOW + 20_000
    expect(await ask()).toMatchObject([
      { name: 'devices', data: [{ deviceId: 'b', last: { temp: { value: 40 } } }] },
      { name: 'alarms', data: [{ deviceId: 'b', alarmId: 'hot', standing: 'active' }] },
    ])
    world.now = NOW + 25_000
    expect(await ask()).toMatchObject([{ name: 'devices', data: [] }])
  })

  it('tells of what people did about alarms', async () => {
    const { core, world, ask, send } = openPolling()
    await send('a', { temp: 40 })
    await ask()
    world.now = NOW + 10_000
    const change = { do: 'acknowledge' } as const
    await core.gate.run('a', [{ kind: 'alarm', alarmId: 'hot', change, by: 'kim', at: world.now }])
    world.now = NOW + 11_000
    expect(await ask()).toMatchObject([
      { name: 'devices', data: [{ deviceId: 'a' }] },
      { name: 'alarms', data: [{ standing: 'acknowledged' }] },
    ])
  })

  it('walks a large fleet in parts, and misses nothing', async () => {
    const { core, world, ask, send } = openPolling()
    const ids = Array.from({ length: 4_200 }, (_, index) => `d-${String(index).padStart(4, '0')}`)
    await core.ingest(ids.map((deviceId) => uplink({ temp: 1, ts: NOW }, { deviceId })))
    const told = new Set<string>()
    world.now = NOW + 5_000
    const [first] = await ask()
    expect(first!.data.devices).toHaveLength(1_000)
    expect(first!.data.next).toBe('d-0999')
    for (const { deviceId } of first!.data.devices) told.add(deviceId)
    for (let poll = 0; poll < 2; poll++)
      for (const { name, data } of await ask())
        if (name === 'devices') for (const { deviceId } of data) told.add(deviceId)
    expect(told.size).toBe(4_200)
    world.now = NOW + 60_000
    await send('d-0000', { temp: 2 })
    await send('d-4199', { temp: 3 })
    const changed: string[] = []
    for (let poll = 0; poll < 3; poll++)
      for (const { data } of await ask())
        changed.push(...data.map(({ deviceId }: { deviceId: string }) => deviceId))
    expect(changed).toEqual(['d-0000', 'd-4199'])
  })

  it('tells of the messages of one device', async () => {
    const { world, ask, send } = openPolling()
    await send('a', { temp: 1 })
    await send('b', { temp: 1 })
    world.now = NOW + 4_000
    expect(await ask('?device=a')).toMatchObject([
      { name: 'snapshot', data: { devices: [{ deviceId: 'a' }] } },
    ])
    world.now = NOW + 5_000
    await send('a', { temp: 2 })
    await send('b', { temp: 2 })
    world.now = NOW + 5_001
    await send('a', { temp: 3 })
    world.now = NOW + 8_000
    expect(await ask('?device=a')).toMatchObject([
      { name: 'devices', data: [{ deviceId: 'a', last: { temp: { value: 3 } } }] },
      {
        name: 'messages',
        data: [
          { deviceId: 'a', at: NOW + 5_000, metrics: { temp: 2 }, outcome: 'accepted' },
          { deviceId: 'a', at: NOW + 5_001, metrics: { temp: 3 } },
        ],
      },
    ])
    world.now = NOW + 20_000
    expect(await ask('?device=a')).toMatchObject([{ name: 'devices', data: [] }])
    expect(await ask('?device=nobody')).toMatchObject([{ name: 'devices', data: [] }])
  })

  it.each(['', 'x', '1~2~3', `${'9'.repeat(20)}~0~~0`, '1~1~a/b~0'])(
    'takes the last event id %j for none',
    async (id) => {
      const { api } = openPolling()
      const answer = await api.request('/live', { headers: { 'last-event-id': id } })
      expect(eventsOf(await answer.text())[0]!.name).toBe('snapshot')
    },
  )

  it('shows who is limited to groups only those', async () => {
    const { core } = open()
    await core.ingest(['a', 'b'].map((deviceId) => uplink({ temp: 1, ts: NOW }, { deviceId })))
    const [live] = liveEndpoints({ core, reaches: async (_, deviceId) => deviceId === 'b' })
    const context = { req: { header: () => undefined } } as never
    for (const [query, ids] of [
      [{}, ['b']],
      [{ device: 'b' }, ['b']],
    ] as const) {
      const answer = await live!.run({
        context,
        caller: LIMITED,
        params: {},
        query,
        body: undefined,
      })
      const [snapshot] = eventsOf(await (answer as Response).text())
      expect(snapshot!.data.devices.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(
        ids,
      )
    }
  })

  it('refuses who is limited to groups a device that is not theirs', async () => {
    const { core } = open()
    const [live] = liveEndpoints({ core, reaches: async () => false })
    const context = { req: { header: () => undefined } } as never
    const given = { context, caller: LIMITED, params: {}, query: { device: 'a' }, body: undefined }
    await expect(live!.run(given)).rejects.toMatchObject({ code: 'access.forbidden' })
  })

  it('refuses what it does not know', async () => {
    const { api } = openPolling()
    expect((await api.request('/live?colour=red')).status).toBe(400)
    expect((await api.request('/live', { method: 'POST' })).status).toBe(405)
  })
})

/** A source that says what a test says. */
function createTestSource() {
  const listeners = new Set<LiveListener>()
  const source: LiveSource = {
    follow(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    stats: async () => ({ 'uplink.accepted': 7 }),
  }
  const tell = (name: string, ...items: { deviceId: string; [key: string]: string | number }[]) => {
    const event = liveEvent(
      name,
      items,
      items.map((data) => ({ deviceId: data.deviceId, key: data.deviceId, data })),
    )
    for (const listener of listeners) listener.send(event)
  }
  const broadcast = (name: string, data: object) => {
    const event = liveEvent(name, { ...data }, undefined)
    for (const listener of listeners) listener.send(event)
  }
  return { source, listeners, tell, broadcast }
}

/** Reads a stream as far as it goes now. */
function readerOf(answer: Response) {
  const reader = answer.body!.getReader()
  onTestFinished(() => reader.cancel().catch(() => undefined))
  const decoder = new TextDecoder()
  let text = ''
  return {
    reader,
    async until(count: number): Promise<Event[]> {
      while (eventsOf(text).length < count) {
        const { value, done } = await reader.read()
        if (done) break
        text += decoder.decode(value, { stream: true })
      }
      return eventsOf(text)
    },
  }
}

describe('GET /live on a host that runs all the time', () => {
  it('goes on with what happens after the snapshot', async () => {
    const { source, tell, broadcast, listeners } = createTestSource()
    const { api, core } = open(source)
    await core.ingest([uplink({ temp: 1, ts: NOW }, { deviceId: 'a' })])
    const answer = await api.request('/live')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { until, reader } = readerOf(answer)
    expect(await until(1)).toMatchObject([
      { name: 'snapshot', data: { devices: [{ deviceId: 'a' }], stats: { 'uplink.accepted': 7 } } },
    ])
    tell('devices', { deviceId: 'a', n: 1 })
    tell('alarms', { deviceId: 'a', n: 2 })
    broadcast('stats', { n: 3 })
    expect((await until(4)).slice(1)).toEqual([
      { name: 'devices', id: undefined, data: [{ deviceId: 'a', n: 1 }] },
      { name: 'alarms', id: undefined, data: [{ deviceId: 'a', n: 2 }] },
      { name: 'stats', id: undefined, data: { n: 3 } },
    ])
    await reader.cancel()
    expect(listeners.size).toBe(0)
  })

  it('gathers what waits for a slow reader: of each device the last', async () => {
    const { source, tell } = createTestSource()
    const { api } = open(source)
    const { until } = readerOf(await api.request('/live'))
    await until(1)
    const long = 'x'.repeat(10_000)
    for (let n = 0; n < 1_000; n++) tell('devices', { deviceId: `d-${n % 3}`, n, long })
    for (let n = 0; n < 500; n++) tell('messages', { deviceId: 'd-0', n })
    // What was under way before the reader fell behind, then one event for all the rest.
    const events = await until(30)
    const last = new Map<string, number>()
    for (const { name, data } of events)
      if (name === 'devices') for (const { deviceId, n } of data) last.set(deviceId, n)
    expect(Object.fromEntries(last)).toEqual({ 'd-0': 999, 'd-1': 997, 'd-2': 998 })
    expect(events.length).toBeLessThan(60)
    const told = events.filter(({ name }) => name === 'messages').flatMap(({ data }) => data)
    expect(told).toHaveLength(200)
    expect(told.at(-1)).toMatchObject({ n: 499 })
  })

  it('tells one device only of who asks for one, and passes on that he does', async () => {
    const { source, tell, broadcast, listeners } = createTestSource()
    const { api } = open(source)
    const { until } = readerOf(await api.request('/live?device=b'))
    expect(await until(1)).toMatchObject([{ name: 'snapshot', data: { devices: [] } }])
    expect([...listeners].map(({ deviceId }) => deviceId)).toEqual(['b'])
    tell('devices', { deviceId: 'a' }, { deviceId: 'b', n: 1 })
    tell('devices', { deviceId: 'a' })
    tell('messages', { deviceId: 'b', n: 2 })
    broadcast('stats', { n: 3 })
    expect((await until(4)).slice(1)).toMatchObject([
      { name: 'devices', data: [{ deviceId: 'b', n: 1 }] },
      { name: 'messages', data: [{ n: 2 }] },
      { name: 'stats' },
    ])
  })

  it('tells who is limited to groups of those, and nothing of the whole', async () => {
    const { source, tell, broadcast } = createTestSource()
    const { core } = open()
    await core.ingest(['a', 'b'].map((deviceId) => uplink({ temp: 1, ts: NOW }, { deviceId })))
    let asked = 0
    const [live] = liveEndpoints({
      core,
      source,
      reaches: async (_, deviceId) => {
        asked++
        return deviceId === 'b'
      },
    })
    const context = { req: { method: 'GET', header: () => undefined } } as never
    const answer = await live!.run({
      context,
      caller: LIMITED,
      params: {},
      query: {},
      body: undefined,
    })
    const { until } = readerOf(answer as Response)
    const [snapshot] = await until(1)
    expect(snapshot!.data).toMatchObject({ devices: [{ deviceId: 'b' }] })
    expect(snapshot!.data).not.toHaveProperty('stats')
    broadcast('stats', { n: 1 })
    tell('devices', { deviceId: 'a' })
    tell('alarms', { deviceId: 'a' }, { deviceId: 'b', n: 2 })
    expect((await until(2)).slice(1)).toMatchObject([{ name: 'alarms', data: [{ deviceId: 'b' }] }])
    // Once for each device, however much is told of it.
    expect(asked).toBe(2)
  })

  it('says so where there is nothing to tell, and ends after a quarter of an hour', async () => {
    const { source, broadcast, listeners } = createTestSource()
    const { core, world } = start(CONFIG)
    const [live] = liveEndpoints({ core, source, reaches: async () => true })
    const context = { req: { method: 'GET', header: () => undefined } } as never
    const given = { context, caller: LIMITED, params: {}, query: {}, body: undefined }
    const { until, reader } = readerOf((await live!.run(given)) as Response)
    await until(1)
    broadcast('stats', { n: 1 })
    world.now = NOW + 15_001
    broadcast('stats', { n: 2 })
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toBe(': nothing new\n\n')
    world.now = NOW + 900_001
    broadcast('stats', { n: 3 })
    expect(await reader.read()).toEqual({ done: true, value: undefined })
    expect(listeners.size).toBe(0)
  })

  it('ends with the source', async () => {
    const { source, listeners } = createTestSource()
    const { api } = open(source)
    const { until, reader } = readerOf(await api.request('/live'))
    await until(1)
    for (const listener of listeners) listener.end()
    expect(await reader.read()).toEqual({ done: true, value: undefined })
    expect(listeners.size).toBe(0)
  })

  it('fails where there can be no snapshot, and nobody listens on', async () => {
    const { source, listeners } = createTestSource()
    const { api, world } = open(source)
    world.away.add('devices')
    const { reader } = readerOf(await api.request('/live'))
    await expect(
      (async () => {
        for (;;) if ((await reader.read()).done) return
      })(),
    ).rejects.toMatchObject({ code: 'store.unavailable' })
    expect(listeners.size).toBe(0)
  })

  it('answers HEAD without a stream', async () => {
    const { source, listeners } = createTestSource()
    const answer = await open(source).api.request('/live', { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(listeners.size).toBe(0)
  })
})
