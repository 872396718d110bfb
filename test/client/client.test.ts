import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import {
  AnyhubProblem,
  createAnyhubClient,
  dataOf,
  type LiveEvent,
  pages,
  type Schemas,
} from '../../client/index.ts'
import { openCloud } from '../adapters/local/cloud.ts'

async function open() {
  const cloud = await openCloud()
  return { cloud, client: createAnyhubClient({ baseUrl: cloud.http, token: cloud.adminToken }) }
}

const device = (deviceId: string) => ({ params: { path: { deviceId } } })

describe('the client', () => {
  it('asks a running cloud, with types', async () => {
    const { client } = await open()
    const registered = await dataOf(
      client.POST('/registry/devices', { body: { deviceId: 'd1', type: 'fridge' } }),
    )
    expectTypeOf(registered).toEqualTypeOf<Schemas['DeviceWithSecrets']>()
    expect(registered.device).toMatchObject({ deviceId: 'd1', type: 'fridge', version: 1 })
    const sent = await dataOf(
      client.POST('/devices/{deviceId}/commands', { ...device('d1'), body: { name: 'on' } }),
    )
    expectTypeOf(sent.state).toEqualTypeOf<Schemas['Command']['state']>()
    expect(sent).toMatchObject({ deviceId: 'd1', name: 'on', state: 'Enqueued' })
    const gone = await dataOf(client.DELETE('/registry/devices/{deviceId}', device('d1')))
    expect(gone).toBeUndefined()
  })

  it('throws what the API says against it', async () => {
    const { client, cloud } = await open()
    const missing = dataOf(client.GET('/registry/devices/{deviceId}', device('nobody')))
    await expect(missing).rejects.toThrow(AnyhubProblem)
    await expect(missing).rejects.toMatchObject({ status: 404, code: 'input.not_found' })
    // @ts-expect-error An id is a text.
    const wrong = client.POST('/registry/devices', { body: { deviceId: 7 } })
    await expect(dataOf(wrong)).rejects.toMatchObject({
      status: 400,
      faults: [{ in: 'body', pointer: '/deviceId' }],
    })
    const nobody = createAnyhubClient({ baseUrl: cloud.http })
    const refused = dataOf(nobody.DELETE('/registry/devices/{deviceId}', device('d1')))
    await expect(refused).rejects.toMatchObject({ status: 401 })
  })

  it('goes through all pages of a list', async () => {
    const { client } = await open()
    const ids = ['a', 'b', 'c', 'd', 'e']
    for (const deviceId of ids)
      await dataOf(client.POST('/registry/devices', { body: { deviceId } }))
    const found: string[] = []
    const all = pages((after) =>
      client.GET('/registry/devices', {
        params: { query: { limit: 2, ...(after === undefined ? {} : { after }) } },
      }),
    )
    for await (const { devices } of all) found.push(...devices.map(({ deviceId }) => deviceId))
    expect(found).toEqual(ids)
  })

  it('brings token and CSRF token along, fresh for each request', async () => {
    const seen: (string | null)[][] = []
    const tokens = ['t1', 't2']
    const client = createAnyhubClient({
      baseUrl: 'http://localhost/',
      token: () => tokens.shift(),
      csrf: 'c',
      fetch: async ({ headers, url }) => {
        seen.push([url, headers.get('authorization'), headers.get('anyhub-csrf')])
        return Response.json({ status: 'ok' })
      },
    })
    await client.GET('/healthz')
    await client.DELETE('/devices/{deviceId}/commands', device('d/1'))
    expect(seen).toEqual([
      ['http://localhost/healthz', 'Bearer t1', null],
      ['http://localhost/devices/d%2F1/commands', 'Bearer t2', 'c'],
    ])
  })
})

/** A server on a free port that ends with the test. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}`
}

async function take(events: AsyncIterable<LiveEvent>, count: number): Promise<LiveEvent[]> {
  const taken: LiveEvent[] = []
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

describe('the live stream', () => {
  it('is read event by event, and asked for again from where it was', async () => {
    const asked: (string | string[] | undefined)[] = []
    const baseUrl = await serve(({ url, headers }, response) => {
      asked.push(url, headers['last-event-id'])
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(': hello\r\n\r\nretry: 5\n\nid: 7\nevent: stats\ndata: {"a":\ndata: 1}\n')
      response.end('\ndata: "é"\r\n\r\n')
    })
    const client = createAnyhubClient({ baseUrl })
    expect(await take(client.live({ device: 'd 1' }), 3)).toEqual([
      { event: 'stats', data: { a: 1 }, id: '7' },
      { event: 'message', data: 'é' },
      { event: 'stats', data: { a: 1 }, id: '7' },
    ])
    expect(asked).toEqual(['/live?device=d%201', undefined, '/live?device=d%201', '7'])
  })

  it('comes back after a failure, and not after a refusal', async () => {
    let tries = 0
    const baseUrl = await serve((_, response) => {
      tries++
      if (tries === 1) response.destroy()
      else if (tries === 2) response.writeHead(503).end()
      else if (tries === 3) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end('event: devices\ndata: []\n\n')
      } else
        response
          .writeHead(403, { 'content-type': 'application/problem+json' })
          .end('{"type":"urn:anyhub:x","title":"access.forbidden","status":403,"detail":"no"}')
    })
    const events = createAnyhubClient({ baseUrl }).live({ retryMs: 1 })
    expect((await events.next()).value).toEqual({ event: 'devices', data: [] })
    await expect(events.next()).rejects.toMatchObject({ status: 403, code: 'access.forbidden' })
    expect(tries).toBe(4)
  })

  it('ends when it is told to', async () => {
    const baseUrl = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('event: devices\ndata: []\n\n')
    })
    const stop = new AbortController()
    const events = createAnyhubClient({ baseUrl }).live({ signal: stop.signal })
    await events.next()
    stop.abort()
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })
})
