import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWebSender, type WebSender } from '../../../adapters/node/web-sender.ts'

const IDLE_MS = 100

describe('requests over connections that are kept', () => {
  let server: Server
  let url: URL
  let connections = 0
  let send: WebSender
  beforeEach(async () => {
    connections = 0
    server = createServer(({ url: path }, response) => {
      setTimeout(() => response.end('done'), path === '/slow' ? 3 * IDLE_MS : 0)
    })
    // Longer than the test: who closes a connection is the sender.
    server.keepAliveTimeout = 60_000
    server.on('connection', () => connections++)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('expected a port')
    url = new URL(`http://127.0.0.1:${address.port}`)
    send = createWebSender({ idleMs: IDLE_MS })
  })
  afterEach(() => {
    send.close()
    server.closeAllConnections()
    server.close()
  })

  const get = async (path = '/', timeoutMs = 5_000) => {
    const request = { url: new URL(path, url), method: 'GET', headers: {}, timeoutMs }
    return String((await send(request)).body)
  }

  it('uses one again that was used a moment ago', async () => {
    await get()
    await get()
    expect(connections).toBe(1)
  })

  it('opens another where the last use is long ago: nobody says that it is forgotten', async () => {
    await get()
    await expect.poll(() => new Promise((done) => server.getConnections((_, n) => done(n)))).toBe(0)
    expect(await get()).toBe('done')
    expect(connections).toBe(2)
  })

  it('waits for an answer as long as the request says, however short connections are kept', async () => {
    expect(await get('/slow')).toBe('done')
    // Also over one that was kept.
    expect(await get('/slow')).toBe('done')
    expect(connections).toBe(1)
  })

  it('gives up a request after its time', async () => {
    await expect(get('/slow', 50)).rejects.toThrow('no answer for 50 ms')
  })
})
