import { describe, expect, it, onTestFinished } from 'vitest'
import { newDeviceRecord } from '../../../../core/index.ts'
import { openCloud, type TestCloud } from '../cloud.ts'
import { openListener } from './listener.ts'
import { dial } from './raw.ts'

interface Event {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what came, whatever it is
  readonly data: any
}

/** Reads a stream of server-sent events as a browser does. */
async function follow(url: string) {
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  const answer = await fetch(`${url}/events`, { signal: controller.signal })
  const events: Event[] = []
  let ended = false
  void (async () => {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of answer.body!) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = new Map(
          block.split('\n').map((line) => {
            const colon = line.indexOf(': ')
            return [line.slice(0, colon), line.slice(colon + 2)]
          }),
        )
        if (fields.has('event'))
          events.push({ name: fields.get('event')!, data: JSON.parse(fields.get('data')!) })
      }
    }
  })()
    .catch(() => undefined)
    .finally(() => {
      ended = true
    })
  return {
    answer,
    events,
    named: (name: string) => events.filter((event) => event.name === name),
    close: () => controller.abort(),
    ended: () => ended,
  }
}

const send = (cloud: TestCloud, deviceId: string, temp: number) =>
  cloud.call(`/devices/${deviceId}/telemetry`, { method: 'POST', body: JSON.stringify({ temp }) })

describe('the live stream', () => {
  it('starts with a snapshot and goes on with every change', async () => {
    const cloud = await openCloud()
    await send(cloud, 'before', 20)
    const page = await follow(cloud.http)
    expect(page.answer.headers.get('content-type')).toBe('text/event-stream')
    expect(page.answer.headers.get('cache-control')).toBe('no-store')
    await expect.poll(() => page.events[0]?.name).toBe('snapshot')
    const [snapshot] = page.events
    expect(snapshot!.data.devices).toMatchObject([
      { deviceId: 'before', last: { temp: { value: 20 } } },
    ])
    expect(snapshot!.data.stats['uplink.accepted']).toBe(1)
    await send(cloud, 'after', 30)
    await expect.poll(() => page.named('devices').length, { timeout: 3_000 }).toBe(1)
    expect(page.named('devices')[0]!.data).toMatchObject([
      { deviceId: 'after', last: { temp: { value: 30 } } },
    ])
    await expect
      .poll(() => page.named('stats').at(-1)?.data['uplink.accepted'], { timeout: 3_000 })
      .toBe(2)
  })

  it('tells many changes of one device once, with the last', async () => {
    const cloud = await openCloud()
    const page = await follow(cloud.http)
    await expect.poll(() => page.named('snapshot').length).toBe(1)
    for (let index = 0; index < 50; index++) await send(cloud, 'busy', index)
    await expect
      .poll(() => page.named('devices').at(-1)?.data[0].last.temp.value, { timeout: 3_000 })
      .toBe(49)
    expect(page.named('devices').length).toBeLessThan(10)
  })

  it('misses nothing that happens while the snapshot is taken', async () => {
    let take = (): void => undefined
    const { url, feed } = await openListener({
      snapshot: () =>
        new Promise((resolve) => {
          take = () => resolve({ devices: ['as it was'] })
        }),
    })
    const page = await follow(url)
    await expect.poll(() => feed.listeners).toBe(1)
    feed.broadcast('devices', ['meanwhile'])
    feed.changed(newDeviceRecord('dev-1', 0))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(page.events).toEqual([])
    take()
    await expect.poll(() => page.events.length).toBe(3)
    expect(page.events.map(({ name }) => name)).toEqual(['snapshot', 'devices', 'devices'])
    expect(page.events[1]!.data).toEqual(['meanwhile'])
    expect(page.events[2]!.data).toMatchObject([{ deviceId: 'dev-1' }])
  })

  it('ends where there can be no snapshot: the browser comes again', async () => {
    const { url, feed } = await openListener({ snapshot: () => Promise.reject(new Error('away')) })
    const page = await follow(url)
    await expect.poll(page.ended).toBe(true)
    expect(feed.listeners).toBe(0)
  })

  it('tells a large fleet in parts', async () => {
    const { url, feed } = await openListener()
    const page = await follow(url)
    await expect.poll(() => page.named('snapshot').length).toBe(1)
    for (let index = 0; index < 2_500; index++) feed.changed(newDeviceRecord(`d${index}`, 0))
    await expect.poll(() => page.named('devices').length, { timeout: 3_000 }).toBe(3)
    const told = page.named('devices').map(({ data }) => data.length)
    expect(told).toEqual([1_000, 1_000, 500])
  })

  it('lets a reader go that does not read, and serves the others', async () => {
    const { port, url, feed } = await openListener()
    const page = await follow(url)
    const stuck = await dial(port, 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await expect.poll(() => feed.listeners).toBe(2)
    stuck.socket.pause()
    const data = 'x'.repeat(1_000_000)
    for (let index = 0; index < 60 && feed.listeners === 2; index++) {
      feed.broadcast('big', data)
      await expect.poll(() => page.named('big').length).toBe(index + 1)
    }
    expect(feed.listeners).toBe(1)
    feed.broadcast('small', 1)
    await expect.poll(() => page.named('small').length).toBe(1)
    // What this machine's sockets hold comes on top of what the server keeps for a reader.
    expect(page.named('big').length).toBeGreaterThanOrEqual(8)
    stuck.socket.resume()
    await stuck.closed
  })

  it('sends a snapshot that is larger than what a slow reader may leave unread', async () => {
    const devices = ['x'.repeat(12_000_000)]
    const { url } = await openListener({ snapshot: async () => ({ devices }) })
    const page = await follow(url)
    await expect.poll(() => page.named('snapshot').length, { timeout: 5_000 }).toBe(1)
    expect(page.events[0]!.data.devices[0]).toHaveLength(12_000_000)
  })

  it('leaves nothing behind after 200 visits', async () => {
    const { url, port, feed, server } = await openListener()
    const connections = () =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
    for (let round = 0; round < 10; round++) {
      const pages = await Promise.all(Array.from({ length: 10 }, () => follow(url)))
      const raw = await Promise.all(
        Array.from({ length: 10 }, () =>
          dial(port, 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n'),
        ),
      )
      // Some leave at once, some politely, some not.
      for (const [index, page] of pages.entries()) {
        if (index % 2 === 0) await expect.poll(() => page.events.length).toBe(1)
        page.close()
      }
      for (const [index, { socket }] of raw.entries()) {
        if (index % 2 === 0) socket.end()
        else socket.resetAndDestroy()
      }
    }
    await expect.poll(() => feed.listeners).toBe(0)
    await expect.poll(connections).toBe(0)
  })

  it('is not opened by HEAD', async () => {
    const { url, feed } = await openListener()
    for (let index = 0; index < 3; index++) await fetch(`${url}/events`, { method: 'HEAD' })
    expect(feed.listeners).toBe(0)
  })

  it('ends when the cloud closes', async () => {
    const cloud = await openCloud()
    const page = await follow(cloud.http)
    await expect.poll(() => page.named('snapshot').length).toBe(1)
    await cloud.close()
    await expect.poll(page.ended).toBe(true)
  })
})
