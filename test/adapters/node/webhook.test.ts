import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { Resolve } from '../../../adapters/node/guarded-lookup.ts'
import { verifyWebhook } from '../../../adapters/node/signature.ts'
import { createWebhookSender, type WebhookSender } from '../../../adapters/node/webhook.ts'
import { type ChannelConfig, CoreError, type Delivery, type Sending } from '../../../core/index.ts'
import { SELF_SIGNED } from './self-signed.ts'

type WebhookConfig = Extract<ChannelConfig, { type: 'webhook' }>

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const NOW = 1_700_000_000_789

const delivery: Delivery = {
  key: 'dev-1/alarm/hot/1700000000000/raised>ops',
  channelId: 'ops',
  attempts: 0,
  notification: {
    key: 'dev-1/alarm/hot/1700000000000/raised',
    channelIds: ['ops'],
    deviceId: 'dev-1',
    severity: 'critical',
    subject: 'hot raised on dev-1',
    text: '31 °C in the Kühlraum',
    at: 1_700_000_000_000,
    data: { alarmId: 'hot' },
  },
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

interface Received {
  readonly request: IncomingMessage
  readonly body: string
}

type Answer = (response: ServerResponse, received: Received, index: number) => void

const ok: Answer = (response) => void response.end('thanks')

/** A receiver that reads whole requests; each connection is counted. */
async function receive(answer: Answer = ok, tls?: { key: string; cert: string }) {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const one = { request, body }
      received.push(one)
      answer(response, one, received.length - 1)
    })
  }
  const server = tls === undefined ? createServer(onRequest) : createHttpsServer(tls, onRequest)
  server.on('connection', (socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const port = await open(server)
  return {
    port,
    received,
    sockets,
    url: `http://127.0.0.1:${port}/hook`,
    connections: () => connections,
  }
}

/** A receiver that does as it likes with the bytes. */
async function receiveRaw(onConnection: (socket: Socket) => void) {
  const port = await open(createTcpServer((socket) => onConnection(socket.on('error', () => {}))))
  return `http://127.0.0.1:${port}/hook`
}

async function open(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  closers.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

function sender(resolve?: Resolve): WebhookSender {
  const created = createWebhookSender({
    clock: { now: () => NOW },
    ...(resolve === undefined ? {} : { resolve }),
  })
  closers.push(() => created.close())
  return created
}

const config = (url: string, more: Partial<WebhookConfig> = {}): WebhookConfig => ({
  type: 'webhook',
  url,
  secret: SECRET,
  allowPrivate: true,
  timeout: 2_000,
  ack: 'receipt',
  ackWithin: 300_000,
  ...more,
})

async function failure(sending: Promise<void>): Promise<CoreError> {
  const error = await sending.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(CoreError)
  return error
}

describe('what a webhook receives', () => {
  it('is a signed POST whose id is the idempotency key', async () => {
    const { url, received } = await receive()
    await sender().send(config(url), delivery)
    expect(received).toHaveLength(1)
    const { request, body } = received[0]!
    expect(request.method).toBe('POST')
    expect(request.url).toBe('/hook')
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'anyhub',
      'webhook-id': delivery.key,
      'webhook-timestamp': '1700000000',
      'idempotency-key': delivery.key,
    })
    const signature = String(request.headers['webhook-signature'])
    expect(verifyWebhook(SECRET, delivery.key, 1_700_000_000, body, signature)).toBe(true)
    expect(verifyWebhook(SECRET, delivery.key, 1_700_000_000, `${body} `, signature)).toBe(false)
    expect(JSON.parse(body)).toMatchObject({
      id: delivery.key,
      text: '31 °C in the Kühlraum',
      at: '2023-11-14T22:13:20.000Z',
    })
  })

  it('carries no signature without a secret', async () => {
    const { url, received } = await receive()
    const { secret: _none, ...unsigned } = config(url)
    await sender().send(unsigned, delivery)
    expect(received[0]!.request.headers).not.toHaveProperty('webhook-signature')
  })

  it('has the same id at every try', async () => {
    const { url, received } = await receive((response, _request, index) => {
      response.statusCode = index < 2 ? 503 : 204
      response.end()
    })
    const webhooks = sender()
    await failure(webhooks.send(config(url), delivery))
    await failure(webhooks.send(config(url), { ...delivery, attempts: 1 }))
    await webhooks.send(config(url), { ...delivery, attempts: 2 })
    const ids = received.map(({ request }) => request.headers['webhook-id'])
    expect(ids).toEqual([delivery.key, delivery.key, delivery.key])
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
  })

  it('has an id that can stand in a header and be signed, whatever a device made of the key', async () => {
    const { url, received } = await receive()
    const key = 'dev.1/rule/0/x\r\nX-Evil: 1\u0000ü>ops'
    await sender().send(config(url), { ...delivery, key })
    const { request, body } = received[0]!
    const id = 'dev%2e1/rule/0/x%0d%0aX-Evil:%201%00%c3%bc>ops'
    expect(request.headers['webhook-id']).toBe(id)
    expect(request.headers).not.toHaveProperty('x-evil')
    expect(JSON.parse(body).id).toBe(id)
    const signature = String(request.headers['webhook-signature'])
    expect(verifyWebhook(SECRET, id, 1_700_000_000, body, signature)).toBe(true)
  })

  it('gets user and password of the URL as basic authentication', async () => {
    const { port, received } = await receive()
    await sender().send(config(`http://us%40er:p%3Ass@127.0.0.1:${port}/`), delivery)
    const expected = `Basic ${Buffer.from('us@er:p:ss').toString('base64')}`
    expect(received[0]!.request.headers.authorization).toBe(expected)
  })

  it('gets a large body whole', async () => {
    const { url, received } = await receive()
    const data = { text: 'ü'.repeat(200_000) }
    const notification = { ...delivery.notification, data }
    await sender().send(config(url), { ...delivery, notification })
    expect(JSON.parse(received[0]!.body).data).toEqual(data)
  })
})

describe('what becomes of an answer', () => {
  it.each([200, 201, 202, 204, 299])('%i: taken', async (status) => {
    const { url } = await receive((response) => void response.writeHead(status).end())
    await expect(sender().send(config(url), delivery)).resolves.toBeUndefined()
  })

  it('410: gone, and told with its host alone', async () => {
    const { url, received } = await receive((response) => void response.writeHead(410).end())
    const told: string[][] = []
    const gone = new Set<string>()
    const hears: Sending = {
      isGone: async (address) => gone.has(address),
      gone(address, masked, reason) {
        gone.add(address)
        told.push([masked, reason])
      },
      keep: () => undefined,
    }
    const sends = sender()
    for (const _time of [1, 2]) {
      const error = await failure(sends.send(config(`${url}?token=secret`), delivery, hears))
      expect(error).toMatchObject({ code: 'channel.gone', retryable: false })
      expect(error.message).not.toContain('secret')
    }
    expect(told).toEqual([[new URL(url).host, 'status 410']])
    expect(received).toHaveLength(1)
  })

  it.each([300, 304, 400, 401, 403, 404, 405, 413, 422, 431, 499])(
    '%i: refused for good',
    async (status) => {
      const { url, received } = await receive((response) => void response.writeHead(status).end())
      const error = await failure(sender().send(config(url), delivery))
      expect(error).toMatchObject({
        code: 'channel.rejected',
        retryable: false,
        details: { status },
      })
      expect(error.message).toMatch(/^127\.0\.0\.1:\d+: expected status 2xx, found \d+$/)
      expect(received).toHaveLength(1)
    },
  )

  it.each([408, 409, 425, 429, 500, 501, 502, 503, 504, 507, 599])(
    '%i: to be tried again',
    async (status) => {
      const { url } = await receive((response) => void response.writeHead(status).end())
      const error = await failure(sender().send(config(url), delivery))
      expect(error).toMatchObject({
        code: 'channel.unavailable',
        retryable: true,
        details: { status },
      })
      expect(error.details).not.toHaveProperty('retryAfterMs')
    },
  )

  it.each([301, 302, 303, 307, 308])('%i: not followed', async (status) => {
    const target = await receive()
    const { url } = await receive(
      (response) => void response.writeHead(status, { location: target.url }).end(),
    )
    const error = await failure(sender().send(config(url), delivery))
    expect(error).toMatchObject({ code: 'channel.rejected', details: { status } })
    expect(target.received).toHaveLength(0)
  })

  it.each([
    ['7', 7_000],
    [new Date(NOW + 61_000).toUTCString(), 60_211],
    ['soon', undefined],
  ])('Retry-After %s', async (value, expected) => {
    const { url } = await receive(
      (response) => void response.writeHead(429, { 'retry-after': value }).end(),
    )
    const error = await failure(sender().send(config(url), delivery))
    expect(error.details['retryAfterMs']).toBe(expected)
  })

  it('an early hint before the answer is not the answer', async () => {
    const { url } = await receive((response) => {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      setTimeout(() => response.writeHead(500).end(), 20)
    })
    expect(await failure(sender().send(config(url), delivery))).toMatchObject({
      code: 'channel.unavailable',
    })
  })

  it('a status of 2xx counts although the body is cut', async () => {
    const url = await receiveRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly the start')
        setTimeout(() => socket.destroy(), 20)
      })
    })
    await expect(sender().send(config(url), delivery)).resolves.toBeUndefined()
  })

  it('a body without an end does not hold the delivery, nor the connection', async () => {
    let closed = false
    let sent = 0
    const url = await receiveRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
        const pump = (): void => {
          if (!closed) socket.write(chunk, () => setImmediate(pump))
          sent += 0x4000
        }
        pump()
      })
      socket.on('close', () => {
        closed = true
      })
    })
    await sender().send(config(url), delivery)
    await expect.poll(() => closed, { timeout: 3_000 }).toBe(true)
    // What the sockets of both sides hold comes on top of the limit.
    expect(sent).toBeLessThan(16_000_000)
  })

  it('a huge body after a refusal neither', async () => {
    const { url, sockets } = await receive((response) => {
      response.writeHead(404)
      response.end('x'.repeat(50_000_000))
    })
    expect(await failure(sender().send(config(url), delivery))).toMatchObject({
      code: 'channel.rejected',
    })
    await expect.poll(() => sockets.size, { timeout: 3_000 }).toBe(0)
  })

  it('what is no HTTP is a lost connection', async () => {
    const url = await receiveRaw((socket) =>
      socket.once('data', () => socket.end('220 smtp here\r\n')),
    )
    expect(await failure(sender().send(config(url), delivery))).toMatchObject({
      code: 'channel.unavailable',
    })
  })

  it('headers without an end are a lost connection', async () => {
    const url = await receiveRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n')
        for (let index = 0; index < 2_000; index++)
          socket.write(`x-${index}: ${'y'.repeat(100)}\r\n`)
      })
    })
    expect(await failure(sender().send(config(url), delivery))).toMatchObject({
      code: 'channel.unavailable',
    })
  })
})

describe('what becomes of a lost connection', () => {
  it('refused', async () => {
    const { port } = await receive()
    for (const close of closers.splice(0)) close()
    const error = await failure(sender().send(config(`http://127.0.0.1:${port}/`), delivery))
    expect(error.code).toBe('channel.unavailable')
    expect(error.message).toContain('ECONNREFUSED')
  })

  it('refused at each of several addresses', async () => {
    const { port } = await receive()
    for (const close of closers.splice(0)) close()
    const resolve: Resolve = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ]
    const error = await failure(sender(resolve).send(config(`http://hook.test:${port}/`), delivery))
    expect(error.code).toBe('channel.unavailable')
    expect(error.message).toMatch(/^hook\.test:\d+: .*ECONNREFUSED/)
  })

  it('dropped after the request', async () => {
    const url = await receiveRaw((socket) => socket.once('data', () => socket.destroy()))
    expect(await failure(sender().send(config(url), delivery))).toMatchObject({
      code: 'channel.unavailable',
    })
  })

  it('reset in the middle of the head', async () => {
    const url = await receiveRaw((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 O')
        setTimeout(() => socket.resetAndDestroy(), 10)
      }),
    )
    expect(await failure(sender().send(config(url), delivery))).toMatchObject({
      code: 'channel.unavailable',
    })
  })

  it('a name that is not known', async () => {
    const resolve: Resolve = async (hostname) => {
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' })
    }
    const error = await failure(sender(resolve).send(config('http://nowhere.test/'), delivery))
    expect(error).toMatchObject({
      code: 'channel.unavailable',
      message: 'nowhere.test: getaddrinfo ENOTFOUND nowhere.test',
    })
  })
})

describe('what takes too long', () => {
  const timeout = 150
  const slow: [string, () => Promise<string>][] = [
    ['no answer', () => receiveRaw(() => undefined)],
    [
      'the head byte by byte',
      () =>
        receiveRaw((socket) => {
          const head = `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(10_000)}`
          let at = 0
          const timer = setInterval(() => socket.write(head[at++] ?? ''), 5)
          socket.on('close', () => clearInterval(timer))
        }),
    ],
    [
      'informational answers for ever',
      () =>
        receiveRaw((socket) => {
          const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 10)
          socket.on('close', () => clearInterval(timer))
        }),
    ],
    [
      'a receiver that does not read',
      () =>
        receiveRaw((socket) => {
          socket.pause()
        }),
    ],
  ]
  it.each(slow)('%s', async (_what, start) => {
    const url = await start()
    const from = performance.now()
    const text = 'x'.repeat(20_000_000)
    const large = { ...delivery, notification: { ...delivery.notification, text } }
    const sending = sender().send(
      config(url, { timeout }),
      _what.includes('read') ? large : delivery,
    )
    const error = await failure(sending)
    expect(error).toMatchObject({
      code: 'channel.unavailable',
      message: expect.stringMatching(/no answer within 150 ms$/),
    })
    expect(performance.now() - from).toBeLessThan(1_500)
  })

  it('a name that does not resolve', async () => {
    const error = await failure(
      sender(() => new Promise(() => undefined)).send(
        config('http://slow.test/', { timeout }),
        delivery,
      ),
    )
    expect(error).toMatchObject({
      code: 'channel.unavailable',
      message: 'slow.test: no answer within 150 ms',
    })
  })

  it('a TLS handshake', async () => {
    const url = await receiveRaw(() => undefined)
    const error = await failure(
      sender().send(config(url.replace('http:', 'https:'), { timeout }), delivery),
    )
    expect(error.code).toBe('channel.unavailable')
  })
})

describe('an address that is not public', () => {
  const guarded = (url: string): WebhookConfig => config(url, { allowPrivate: false })

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://017700000001/',
    'http://0177.0.0.1/',
    'http://127.0.0.1./',
    'http://①②⑦.⓪.⓪.①/',
    'http://0/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://168.63.129.16/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[0:0:0:0:0:ffff:a9fe:a9fe]/',
    'http://[64:ff9b::10.0.0.1]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://[2002:7f00:1::]/',
    'http://user:password@127.0.0.1/',
    'http://8.8.8.8@127.0.0.1/',
    'https://127.0.0.1/',
    'https://[::1]/',
  ])('is refused as %s', async (url) => {
    const error = await failure(sender().send(guarded(url), delivery))
    expect(error).toMatchObject({ code: 'channel.forbidden_address', retryable: false })
    expect(error.message).not.toContain('password')
  })

  it.each([
    [['127.0.0.1']],
    [['10.0.0.1', '192.168.1.1']],
    [['169.254.169.254']],
    [['::1', 'fe80::1']],
    [['::ffff:127.0.0.1']],
    [['64:ff9b::7f00:1']],
    [['0.0.0.0']],
    [[]],
  ])('is refused behind a name: %j', async (addresses) => {
    const resolve = resolveTo(addresses)
    for (const url of ['http://hook.test/', 'https://hook.test/', 'http://hook.test./']) {
      expect(await failure(sender(resolve).send(guarded(url), delivery))).toMatchObject({
        code: 'channel.forbidden_address',
        retryable: false,
      })
    }
  })

  it('is refused behind the names of this machine', async () => {
    const { port, received } = await receive()
    for (const name of ['localhost', 'LOCALHOST']) {
      const error = await failure(sender().send(guarded(`http://${name}:${port}/`), delivery))
      expect(error.code).toBe('channel.forbidden_address')
    }
    expect(received).toHaveLength(0)
  })

  it('is judged by the answer that the connection itself uses', async () => {
    const { port, received } = await receive()
    let asked = 0
    const resolve: Resolve = async () => {
      asked++
      return [{ address: '127.0.0.1', family: 4 }]
    }
    const webhooks = sender(resolve)
    expect(
      await failure(webhooks.send(guarded(`http://hook.test:${port}/`), delivery)),
    ).toMatchObject({ code: 'channel.forbidden_address' })
    expect(asked).toBe(1)
    expect(received).toHaveLength(0)
  })

  it('is used where the channel allows it', async () => {
    const { port, received } = await receive()
    await sender(resolveTo(['127.0.0.1'])).send(config(`http://hook.test:${port}/`), delivery)
    expect(received[0]!.request.headers.host).toBe(`hook.test:${port}`)
  })
})

describe('connections', () => {
  it('are used again', async () => {
    const { url, received, connections } = await receive()
    const webhooks = sender()
    for (let index = 0; index < 5; index++) {
      await webhooks.send(config(url), { ...delivery, key: `k${index}` })
      // The rest of an answer is read after its status counted.
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(received).toHaveLength(5)
    expect(connections()).toBe(1)
  })

  it('of a channel that allows private addresses never serve one that does not', async () => {
    const { port, received } = await receive()
    const url = `http://hook.test:${port}/`
    const webhooks = sender(resolveTo(['127.0.0.1']))
    await webhooks.send(config(url), delivery)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const error = await failure(webhooks.send(config(url, { allowPrivate: false }), delivery))
    expect(error.code).toBe('channel.forbidden_address')
    expect(received).toHaveLength(1)
  })

  it('end with the sender, and what is under way fails so that it is tried again', async () => {
    const { url, sockets } = await receive(() => undefined)
    const webhooks = sender()
    const sending = failure(webhooks.send(config(url, { timeout: 60_000 }), delivery))
    await expect.poll(() => sockets.size).toBe(1)
    webhooks.close()
    expect(await sending).toMatchObject({ code: 'channel.unavailable' })
    await expect.poll(() => sockets.size).toBe(0)
    expect(await failure(webhooks.send(config(url), delivery))).toMatchObject({
      code: 'channel.unavailable',
      message: 'the sender is closed',
    })
  })

  it('over TLS go only to whom the certificate names', async () => {
    const { port, received } = await receive(ok, SELF_SIGNED)
    const error = await failure(sender().send(config(`https://127.0.0.1:${port}/`), delivery))
    expect(error.code).toBe('channel.unavailable')
    expect(error.message).toMatch(/self-signed certificate/)
    expect(received).toHaveLength(0)
  })
})

describe('secrets', () => {
  it('stand in no error', async () => {
    const { port } = await receive((response) => void response.writeHead(500).end())
    const closed = await receiveRaw((socket) => socket.destroy())
    const urls = [
      `http://user:hunter2hunter2@127.0.0.1:${port}/services/T0KEN?key=t0ken`,
      `http://user:hunter2hunter2@${new URL(closed).host}/services/T0KEN?key=t0ken`,
      'http://user:hunter2hunter2@127.0.0.1:1/services/T0KEN?key=t0ken',
      'http://user:%zz@127.0.0.1:1/services/T0KEN?key=t0ken',
    ]
    for (const url of urls) {
      for (const allowPrivate of [true, false]) {
        const error = await failure(sender().send(config(url, { allowPrivate }), delivery))
        const text = inspect(error, { depth: 10, showHidden: true })
        for (const secret of ['hunter2', 'T0KEN', 't0ken', SECRET, SECRET.slice(6)])
          expect(text).not.toContain(secret)
      }
    }
  })
})

function resolveTo(addresses: readonly string[]): Resolve {
  return async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
}
