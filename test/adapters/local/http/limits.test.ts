import { describe, expect, it } from 'vitest'
import { openCloud } from '../cloud.ts'
import { openListener } from './listener.ts'
import { ask, dial } from './raw.ts'

const limits = { headersMs: 200, requestMs: 400, idleMs: 200, checkMs: 50 }

describe('a client that takes its time', () => {
  it('to say anything is let go', async () => {
    const { port } = await openListener({ limits })
    const client = await dial(port)
    const from = performance.now()
    await client.closed
    expect(performance.now() - from).toBeLessThan(2_000)
  })

  it('over the head of its request is let go', async () => {
    const { port } = await openListener({ limits })
    const client = await dial(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
    const drip = setInterval(() => client.socket.write('x-more: y\r\n'), 20)
    await client.closed
    clearInterval(drip)
    expect(client.text()).toContain('408 Request Timeout')
  })

  it('over the body of its request is let go', async () => {
    const { port } = await openListener({ limits })
    const client = await dial(
      port,
      'POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n',
    )
    const drip = setInterval(() => client.socket.write('x'), 20)
    await client.closed
    clearInterval(drip)
    expect(client.text()).not.toContain('200 OK')
  })

  it('between two requests is let go', async () => {
    const { port } = await openListener({ limits })
    const client = await dial(port, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await expect.poll(client.text).toContain('200 OK')
    await client.closed
  })

  it('of the server is not: a slow answer has no limit, nor has a stream', async () => {
    const { port, feed } = await openListener({ limits })
    const stream = await dial(port, 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect((await ask(port, 'GET /slow', { host: 'localhost' })).body).toContain('done')
    await new Promise((resolve) => setTimeout(resolve, 500))
    feed.broadcast('still', 'here')
    await expect.poll(stream.text).toContain('event: still')
  })

  it('does not hold others', async () => {
    const { port } = await openListener()
    await Promise.all(
      Array.from({ length: 200 }, () => dial(port, 'GET / HTTP/1.1\r\nHost: localhost\r\n')),
    )
    const from = performance.now()
    expect((await ask(port, 'GET /metrics', { host: 'localhost' })).status).toBe(200)
    expect(performance.now() - from).toBeLessThan(1_000)
  })
})

describe('a request that is too much', () => {
  it('a head over 16 KiB', async () => {
    const { port } = await openListener()
    const answer = await ask(port, 'GET /metrics', { host: 'localhost', x: 'y'.repeat(17_000) })
    expect(answer.status).toBe(431)
  })

  it('a body over the limit is answered, kept as a dead letter, and the next request is served', async () => {
    const cloud = await openCloud({ config: { limits: { bodyBytes: 1_000 } } })
    const answer = await cloud.call('/devices/d1/telemetry', {
      method: 'POST',
      body: JSON.stringify({ text: 'x'.repeat(50_000) }),
    })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ title: 'uplink.too_large' })
    const letters = await (await cloud.call('/dead-letters')).json()
    expect(letters).toMatchObject({ total: 1 })
    expect((await cloud.call('/healthz')).status).toBe(200)
  })

  it('a body that is cut harms nobody and stores nothing', async () => {
    const cloud = await openCloud()
    for (let index = 0; index < 20; index++) {
      const client = await dial(
        cloud.httpPort!,
        'POST /devices/d1/telemetry HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"temp":',
      )
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (index % 2 === 0) client.socket.resetAndDestroy()
      else client.socket.destroy()
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await cloud.call('/healthz')).status).toBe(200)
    expect(await cloud.core.ports.telemetry.count('')).toBe(0)
    expect(cloud.logs.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })

  it('bytes that are no HTTP harm nobody', async () => {
    const cloud = await openCloud()
    for (const bytes of [
      '\u0000\u0001\u0002',
      '\u0016\u0003\u0001\u0002\u0000',
      'x'.repeat(100_000),
      '\r\n\r\n',
    ]) {
      const client = await dial(cloud.httpPort!, bytes)
      client.socket.end()
      await client.closed
    }
    expect((await cloud.call('/healthz')).status).toBe(200)
  })
})
