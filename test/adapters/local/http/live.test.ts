import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { openCloud, type TestCloud, temporaryFolder } from '../cloud.ts'
import { openListener } from './listener.ts'

interface Event {
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what came, whatever it is
  readonly data: any
}

/** Follows the stream of server-sent events. */
async function follow(url: string, headers: Record<string, string> = {}) {
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  const answer = await fetch(url, { signal: controller.signal, headers })
  const events: Event[] = []
  const read = async (): Promise<void> => {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of answer.body!) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (event !== undefined) events.push({ event, data: JSON.parse(data!) })
      }
    }
  }
  void read().catch(() => undefined)
  return { answer, events, named: (name: string) => named(events, name) }
}

const named = (events: readonly Event[], name: string) =>
  events.filter(({ event }) => event === name)

/** Follows it over a WebSocket. */
function followSocket(
  cloud: TestCloud,
  path = '/live',
  protocols: string[] = [],
  headers: Record<string, string> = {},
) {
  const socket = new WebSocket(`${cloud.http.replace('http:', 'ws:')}${path}`, protocols, {
    headers,
  })
  onTestFinished(() => socket.terminate())
  const events: Event[] = []
  let status = 0
  let closed: number | undefined
  socket.on('message', (text) => events.push(JSON.parse(String(text))))
  socket.on('unexpected-response', (_, answer) => {
    status = answer.statusCode ?? 0
    answer.destroy()
  })
  socket.on('close', (code) => {
    closed = code
  })
  socket.on('error', () => undefined)
  return {
    socket,
    events,
    named: (name: string) => named(events, name),
    status: () => status,
    closed: () => closed,
  }
}

const send = (cloud: TestCloud, deviceId: string, body: string) =>
  cloud.call(`/devices/${deviceId}/telemetry`, { method: 'POST', body })

const ALARM = { alarms: { hot: { when: 'temp > 30' } } }

describe('the live stream at /live', () => {
  it('tells of devices, alarms and counters as they change', async () => {
    const cloud = await openCloud({ config: ALARM })
    await send(cloud, 'before', '{"temp":20}')
    const page = await follow(`${cloud.http}/live`)
    expect(page.answer.headers.get('content-type')).toBe('text/event-stream')
    await expect.poll(() => page.events[0]?.event).toBe('snapshot')
    expect(page.events[0]!.data).toMatchObject({
      devices: [{ deviceId: 'before' }],
      stats: { 'uplink.accepted': 1, latency: { messages: 1 } },
    })
    await send(cloud, 'after', '{"temp":35}')
    await expect.poll(() => page.named('alarms').length, { timeout: 3_000 }).toBe(1)
    expect(page.named('devices')[0]!.data).toMatchObject([{ deviceId: 'after' }])
    expect(page.named('alarms')[0]!.data).toMatchObject([
      { deviceId: 'after', alarmId: 'hot', standing: 'active' },
    ])
    await send(cloud, 'after', '{"temp":36}')
    await expect.poll(() => page.named('devices').length, { timeout: 3_000 }).toBe(2)
    // Still raised: nothing new of the alarm.
    expect(page.named('alarms')).toHaveLength(1)
    await send(cloud, 'after', '{"temp":6}')
    await expect.poll(() => page.named('alarms').length, { timeout: 3_000 }).toBe(2)
    expect(page.named('alarms')[1]!.data).toMatchObject([{ standing: 'cleared' }])
    await expect
      .poll(() => page.named('stats').at(-1)?.data['uplink.accepted'], { timeout: 3_000 })
      .toBe(4)
    expect(page.named('messages')).toEqual([])
  })

  it('tells of the messages of one device, and what became of them', async () => {
    const cloud = await openCloud()
    const other = await follow(`${cloud.http}/live`)
    const old = await follow(`${cloud.http}/events`)
    const page = await follow(`${cloud.http}/live?device=dev-1`)
    await expect.poll(() => page.events[0]?.event).toBe('snapshot')
    await send(cloud, 'dev-2', '{"temp":1}')
    await send(cloud, 'dev-1', '{"temp":20,"in":{"hum":5}}')
    await send(cloud, 'dev-1', '{"temp":')
    await send(cloud, 'dev-1', JSON.stringify({ text: 'x'.repeat(5_000) }))
    const all = () => page.named('messages').flatMap(({ data }) => data)
    await expect.poll(() => all().length, { timeout: 3_000 }).toBe(3)
    const [good, bad, long] = all()
    expect(good).toMatchObject({
      deviceId: 'dev-1',
      topic: 'devices/dev-1/telemetry',
      outcome: 'accepted',
      metrics: { temp: 20, 'in.hum': 5 },
      payload: '{"temp":20,"in":{"hum":5}}',
      at: expect.any(Number),
    })
    expect(bad).toMatchObject({
      outcome: 'dead_lettered',
      code: 'codec.malformed',
      payload: '{"temp":',
      deadLetterId: expect.any(String),
    })
    expect(long.payload).toHaveLength(4_096)
    expect(long.truncated).toBe(true)
    for (const { named: of } of [other, old]) {
      expect(of('devices').length).toBeGreaterThan(0)
      expect(of('messages')).toEqual([])
    }
    expect(page.named('devices').flatMap(({ data }) => data)).not.toContainEqual(
      expect.objectContaining({ deviceId: 'dev-2' }),
    )
  })

  it('keeps nothing of who has gone', async () => {
    const { feed, url } = await openListener()
    const controller = new AbortController()
    const { body } = await fetch(`${url}/events`, { signal: controller.signal })
    await expect.poll(() => feed.listeners).toBe(1)
    const leave = feed.follow({ deviceId: 'a', send: () => undefined, end: () => undefined })
    expect([feed.watches('a'), feed.watches('b')]).toEqual([true, false])
    leave()
    leave()
    expect([feed.watches('a'), feed.listeners]).toEqual([false, 1])
    controller.abort()
    await body!.cancel().catch(() => undefined)
    await expect.poll(() => feed.listeners).toBe(0)
  })

  it('ends when the cloud closes', async () => {
    const cloud = await openCloud()
    const page = await follow(`${cloud.http}/live`)
    const socket = followSocket(cloud)
    await expect.poll(() => page.events.length + socket.events.length).toBe(2)
    await cloud.close()
    await expect.poll(() => socket.closed()).toBe(1001)
  })
})

describe('the live stream over a WebSocket', () => {
  it('tells the same as JSON', async () => {
    const cloud = await openCloud({ config: ALARM })
    const page = followSocket(cloud, '/live?device=dev-1', ['anyhub.live'])
    await expect.poll(() => page.events.length).toBe(1)
    expect(page.socket.protocol).toBe('anyhub.live')
    expect(page.events[0]).toMatchObject({ event: 'snapshot', data: { devices: [] } })
    await send(cloud, 'dev-1', '{"temp":35,"word":"ä\\n"}')
    await expect.poll(() => page.named('messages').length, { timeout: 3_000 }).toBe(1)
    expect(page.named('messages')[0]!.data).toMatchObject([{ metrics: { temp: 35, word: 'ä\n' } }])
    expect(page.named('alarms')[0]!.data).toMatchObject([{ alarmId: 'hot' }])
  })

  it.each([
    ['/live?colour=red', 400],
    ['/lively', 404],
  ])('%s is refused with %i', async (path, status) => {
    const cloud = await openCloud()
    const page = followSocket(cloud, path)
    await expect.poll(page.status).toBe(status)
  })

  it('refuses a page of another site, whatever it shows', async () => {
    const cloud = await openCloud({ settings: { requireAuth: true } })
    const authorization = `Bearer ${cloud.adminToken}`
    const foreign = followSocket(cloud, '/live', [], {
      authorization,
      origin: 'https://evil.example',
    })
    await expect.poll(foreign.status).toBe(403)
    const odd = followSocket(cloud, '/live', [], { authorization, origin: 'null' })
    await expect.poll(odd.status).toBe(403)
    const own = followSocket(cloud, '/live', [], { authorization, origin: cloud.http })
    await expect.poll(() => own.events[0]?.event).toBe('snapshot')
  })

  it('takes a token by header, by subprotocol, or a cookie, and nothing in the address', async () => {
    const cloud = await openCloud({ settings: { requireAuth: true } })
    const { adminToken } = cloud
    const none = followSocket(cloud)
    await expect.poll(none.status).toBe(401)
    const inAddress = followSocket(cloud, `/live?token=${adminToken}`)
    await expect.poll(inAddress.status).toBe(401)
    const wrong = followSocket(cloud, '/live', ['anyhub.live', 'anyhub.bearer.d3Jvbmc'])
    await expect.poll(wrong.status).toBe(401)
    const bearer = Buffer.from(adminToken).toString('base64url')
    const byProtocol = followSocket(cloud, '/live', ['anyhub.live', `anyhub.bearer.${bearer}`])
    await expect.poll(() => byProtocol.events[0]?.event).toBe('snapshot')
    // The token is not said back.
    expect(byProtocol.socket.protocol).toBe('anyhub.live')
    const session = await cloud.call('/session', {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}` },
    })
    const [cookie] = session.headers.get('set-cookie')!.split(';', 1)
    const byCookie = followSocket(cloud, '/live', [], { cookie: cookie!, origin: cloud.http })
    await expect.poll(() => byCookie.events[0]?.event).toBe('snapshot')
    const elsewhere = followSocket(cloud, '/live', [], {
      cookie: cookie!,
      origin: 'http://a.example',
    })
    await expect.poll(elsewhere.status).toBe(403)
  })

  it('lets go who is gone before the handshake is over', async () => {
    const cloud = await openCloud()
    for (let index = 0; index < 20; index++) {
      const socket = new WebSocket(`${cloud.http.replace('http:', 'ws:')}/live`)
      socket.on('error', () => undefined)
      setTimeout(() => socket.terminate(), index % 5)
    }
    const page = followSocket(cloud)
    await expect.poll(() => page.events[0]?.event).toBe('snapshot')
    expect(page.events[0]!.data.devices).toEqual([])
  })
})

describe('rules on the embedded cloud', () => {
  it('change at once, and are there after a restart', async () => {
    const data = temporaryFolder()
    const rule = {
      sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 20",
      actions: [{ log: { text: 'warm ${temp}' } }],
    }
    const put = (cloud: TestCloud, path: string, method: string, body: object) =>
      cloud.call(path, {
        method,
        headers: {
          authorization: `Bearer ${cloud.adminToken}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      })
    const first = await openCloud({ data })
    expect((await put(first, '/rules/warm', 'PUT', rule)).status).toBe(200)
    await send(first, 'dev-1', '{"temp":25}')
    expect(first.counts().matched).toEqual({ warm: 1 })
    await first.close()
    const second = await openCloud({ data })
    await send(second, 'dev-1', '{"temp":26}')
    expect(second.counts().matched).toEqual({ warm: 1 })
    expect(await (await second.call('/rules')).json()).toMatchObject({
      rules: [{ id: 'warm', source: 'api', matched: 1, enabled: true }],
    })
    const trial = await put(second, '/rules/test', 'POST', { sql: rule.sql, deviceId: 'dev-1' })
    expect(await trial.json()).toMatchObject({
      source: 'raw',
      results: [{ topic: 'devices/dev-1/telemetry', output: { temp: 26 } }],
    })
    expect(await (await second.call('/stats')).json()).toMatchObject({
      matched: { warm: 1 },
      latency: { messages: 1, p50: expect.any(Number), p99: expect.any(Number) },
    })
  })
})
