import { connect, createServer, type Server, type Socket } from 'node:net'
import rhea from 'rhea'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type AmqpDelivery,
  type AmqpHooks,
  type AmqpInbound,
  type AmqpLimits,
  type AmqpListener,
  type AmqpOutbound,
  createAmqpListener,
} from '../../../../adapters/local/listeners/amqp/index.ts'

/** A listener on a port of its own, with what it told. */
interface Subject {
  readonly listener: AmqpListener
  readonly port: number
  readonly links: (AmqpInbound | AmqpOutbound)[]
  readonly deliveries: AmqpDelivery[]
  readonly log: string[]
}

/** Accepts every link; who is to be proven is, at once. */
async function open(
  limits: Partial<AmqpLimits> = {},
  { proves = true, hooks = {} }: { proves?: boolean; hooks?: Partial<AmqpHooks> } = {},
): Promise<Subject> {
  const links: (AmqpInbound | AmqpOutbound)[] = []
  const deliveries: AmqpDelivery[] = []
  const log: string[] = []
  const listener = createAmqpListener({
    limits,
    hooks: {
      connected: (connection) => {
        if (proves) connection.prove()
      },
      attached(link) {
        links.push(link)
        if (link.kind === 'outbound') link.accept({})
        else {
          link.accept({
            credit: 10,
            maxMessageBytes: 100_000,
            onMessage(delivery) {
              deliveries.push(delivery)
              delivery.accept()
            },
          })
        }
      },
      log: ({ reason }) => void log.push(reason),
      ...hooks,
    },
  })
  const server: Server = createServer((socket) =>
    listener.attach(socket, { secure: false, remoteAddress: 'test', peerCertificate: undefined }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.close()
    await listener.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { listener, port, links, deliveries, log }
}

/** A client by the library that clients use. */
function client(port: number, options: object = {}): rhea.Connection {
  const container = rhea.create_container()
  container.on('error', () => undefined)
  container.on('protocol_error', () => undefined)
  container.on('disconnected', () => undefined)
  container.on('connection_error', () => undefined)
  container.on('connection_close', () => undefined)
  container.on('receiver_error', () => undefined)
  container.on('sender_error', () => undefined)
  const connection = container.connect({
    port,
    host: '127.0.0.1',
    reconnect: false,
    username: 'anonymous',
    ...options,
  })
  onTestFinished(() => connection.close())
  return connection
}

/** Bytes on a socket, and what came back until it was closed. */
async function raw(
  port: number,
  bytes: Buffer,
  waitMs = 2_000,
): Promise<{ answer: Buffer; closed: boolean }> {
  const socket: Socket = connect(port, '127.0.0.1')
  const parts: Buffer[] = []
  socket.on('data', (part) => void parts.push(part))
  socket.on('error', () => undefined)
  socket.write(bytes)
  const closed = await new Promise<boolean>((resolve) => {
    socket.on('close', () => resolve(true))
    setTimeout(() => resolve(false), waitMs)
  })
  socket.destroy()
  return { answer: Buffer.concat(parts), closed }
}

const HEADER = Buffer.from('AMQP\0\x01\0\0', 'latin1')

/** A frame around an encoded body, which may say any size. */
function frame(body: Buffer, { size = body.length + 8, channel = 0, type = 0 } = {}): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(size, 0)
  head.writeUInt8(2, 4)
  head.writeUInt8(type, 5)
  head.writeUInt16BE(channel, 6)
  return Buffer.concat([head, body])
}

/** A performative: its fields as encoded values. */
function performative(code: number, ...fields: Buffer[]): Buffer {
  const content = Buffer.concat(fields)
  const head = Buffer.alloc(12)
  head.writeUInt8(0, 0)
  head.writeUInt8(0x53, 1)
  head.writeUInt8(code, 2)
  head.writeUInt8(0xd0, 3)
  head.writeUInt32BE(content.length + 4, 4)
  head.writeUInt32BE(fields.length, 8)
  return Buffer.concat([head, content])
}

const NULL = Buffer.from([0x40])
const FALSE = Buffer.from([0x42])
const TRUE = Buffer.from([0x41])

function uint(value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt8(0x70, 0)
  bytes.writeUInt32BE(value, 1)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0xa1, value.length]), Buffer.from(value)])
}

const OPEN = frame(performative(0x10, text('c')))
const BEGIN = frame(performative(0x11, NULL, uint(0), uint(100), uint(100)))
const SOURCE = Buffer.concat([Buffer.from([0x00]), Buffer.from([0x53, 0x28, 0x45])])
const TARGET = Buffer.concat([Buffer.from([0x00]), Buffer.from([0x53, 0x29, 0x45])])

function attach(name: string, handle: number, receives = false): Buffer {
  return frame(
    performative(
      0x12,
      text(name),
      uint(handle),
      receives ? TRUE : FALSE,
      NULL,
      NULL,
      SOURCE,
      TARGET,
      NULL,
      NULL,
      uint(0),
    ),
  )
}

function transfer(
  id: number,
  payload: Buffer,
  {
    more = false,
    handle = 0,
    aborted = false,
  }: { more?: boolean; handle?: number; aborted?: boolean } = {},
): Buffer {
  const head = performative(
    0x14,
    uint(handle),
    uint(id),
    Buffer.from([0xa0, 1, 1]),
    uint(0),
    FALSE,
    more ? TRUE : FALSE,
    NULL,
    NULL,
    NULL,
    aborted ? TRUE : FALSE,
  )
  return frame(Buffer.concat([head, payload]))
}

/** A message of one data section. */
function data(content: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(0x005375b0, 0)
  head.writeUInt32BE(content.length, 4)
  return Buffer.concat([head, content])
}

const BASE = Buffer.concat([HEADER, OPEN, BEGIN, attach('a', 0)])

describe('the AMQP listener', () => {
  it('takes messages of many frames, and answers for each', async () => {
    const subject = await open()
    const connection = client(subject.port, { max_frame_size: 512 })
    const sender = connection.open_sender('somewhere')
    const outcomes: string[] = []
    for (const event of ['accepted', 'rejected', 'released'])
      sender.on(event, () => void outcomes.push(event))
    let sent = false
    sender.on('sendable', () => {
      if (sent) return
      sent = true
      sender.send({ message_id: 'one', body: 'x'.repeat(90_000), application_properties: { a: 1 } })
      sender.send({ body: 'x'.repeat(100_001) })
      sender.send({ body: rhea.message.data_section(Buffer.from('last')) })
    })
    await expect.poll(() => outcomes.toSorted()).toEqual(['accepted', 'accepted', 'rejected'])
    expect(subject.deliveries.map(({ message }) => message.body.length)).toEqual([90_000, 4])
    expect(subject.deliveries[0]?.message).toMatchObject({
      messageId: 'one',
      applicationProperties: { a: 1 },
    })
  })

  it('sends, and tells what became of it', async () => {
    const subject = await open()
    const connection = client(subject.port)
    const receiver = connection.open_receiver({ source: 'here', autoaccept: false })
    receiver.on('message', ({ message, delivery }: rhea.EventContext) => {
      if (message?.body === 'a') delivery?.accept()
      else if (message?.body === 'b') delivery?.reject()
      else if (message?.body === 'c') delivery?.release()
      else connection.close()
    })
    await expect.poll(() => subject.links.length).toBe(1)
    const [link] = subject.links
    if (link?.kind !== 'outbound') throw new Error('no link to send on')
    await expect.poll(() => link.sendable()).toBe(true)
    const told: string[] = []
    for (const value of ['a', 'b', 'c', 'd']) {
      const before = told.length
      link.send({ value }, (settlement) => void told.push(`${value} ${settlement}`))
      await expect.poll(() => told.length).toBeGreaterThan(before)
    }
    expect(told).toEqual(['a accepted', 'b rejected', 'c released', 'd lost'])
    link.send({ value: 'e' }, (settlement) => void told.push(settlement))
    expect(told.at(-1)).toBe('lost')
    await expect.poll(() => subject.listener.connections).toBe(0)
  })

  it('ends a connection whose hook throws, and no other', async () => {
    const subject = await open(
      {},
      {
        hooks: {
          attached(link) {
            if (link.address === 'bad') throw new Error('a fault of ours')
            if (link.kind === 'outbound') link.accept({})
          },
        },
      },
    )
    const good = client(subject.port)
    const kept = good.open_receiver('good')
    await expect.poll(() => kept.is_open()).toBe(true)
    client(subject.port).open_receiver('bad')
    await expect.poll(() => subject.log).toContain('a fault of ours')
    await expect.poll(() => subject.listener.connections).toBe(1)
    expect(good.is_open()).toBe(true)
  })

  it('leaves no timer behind', async () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const subject = await open(
      {},
      {
        hooks: {
          attached() {
            throw new Error('a fault of ours')
          },
        },
      },
    )
    const before = timers()
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) =>
        raw(subject.port, index % 2 === 0 ? BASE : Buffer.concat([HEADER, OPEN, OPEN])),
      ),
    )
    await expect.poll(() => subject.listener.connections).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    expect(timers() - before).toBeLessThan(10)
  })

  it('ends who takes none of what he asks for, without a word to whoever sends', async () => {
    const subject = await open()
    const socket = connect(subject.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.on('data', () => undefined)
    onTestFinished(() => void socket.destroy())
    socket.write(Buffer.concat([HEADER, OPEN, BEGIN, attach('r', 0, true)]))
    await expect.poll(() => subject.links.length).toBe(1)
    const [link] = subject.links
    if (link?.kind !== 'outbound') throw new Error('no link to send on')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(link.sendable()).toBe(false)
    const told: string[] = []
    for (let index = 0; index < 2_100; index++)
      link.send({ value: index }, (settlement) => void told.push(settlement))
    await expect.poll(() => subject.listener.connections).toBe(0)
    expect(told).toHaveLength(2_100)
    expect(new Set(told)).toEqual(new Set(['lost']))
  })

  it('ends who has not proved who it is in time', async () => {
    const subject = await open({ proofMs: 150 }, { proves: false })
    const silent = raw(subject.port, Buffer.alloc(0))
    const talking = raw(subject.port, BASE)
    expect((await silent).closed).toBe(true)
    const { answer, closed } = await talking
    expect(closed).toBe(true)
    expect(answer.toString('latin1')).toContain('amqp:unauthorized-access')
    expect(subject.listener.connections).toBe(0)
  })

  it('ends who says nothing any more', async () => {
    const subject = await open({ idleMs: 100 })
    const { answer, closed } = await raw(subject.port, BASE, 4_000)
    expect(closed).toBe(true)
    expect(answer.toString('latin1')).toContain('max idle time exceeded')
    await expect.poll(() => subject.listener.connections).toBe(0)
  })

  it.each([
    ['links', Buffer.concat([BASE, ...[1, 2, 3].map((index) => attach(`l${index}`, index))])],
    [
      'sessions',
      Buffer.concat([
        HEADER,
        OPEN,
        ...[0, 1, 2, 3].map((channel) =>
          frame(performative(0x11, NULL, uint(0), uint(100), uint(100)), { channel }),
        ),
      ]),
    ],
  ])('has so many %s for each connection and no more', async (_, bytes) => {
    const subject = await open({ links: 3, sessions: 3 })
    const { answer, closed } = await raw(subject.port, bytes)
    expect(closed).toBe(true)
    expect(answer.toString('latin1')).toContain('amqp:resource-limit-exceeded')
  })

  it('has so many connections and no more', async () => {
    const subject = await open({ connections: 1 })
    const first = client(subject.port)
    await expect.poll(() => first.is_open()).toBe(true)
    expect((await raw(subject.port, BASE)).closed).toBe(true)
    expect(first.is_open()).toBe(true)
  })

  it('ends who reads nothing of what it asks for', async () => {
    const subject = await open({ backlogBytes: 200_000, pauseBytes: 10_000_000 })
    const socket = connect(subject.port, '127.0.0.1')
    socket.on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
    socket.pause()
    const credit = frame(
      performative(
        0x13,
        uint(0),
        uint(1_000_000),
        uint(0),
        uint(100),
        uint(0),
        uint(0),
        uint(1_000_000),
      ),
    )
    socket.write(Buffer.concat([HEADER, OPEN, BEGIN, attach('r', 0, true), credit]))
    await expect.poll(() => subject.links.length).toBe(1)
    const [link] = subject.links
    if (link?.kind !== 'outbound') throw new Error('no link to send on')
    await expect.poll(() => link.sendable()).toBe(true)
    for (let index = 0; index < 500 && link.sendable(); index++)
      link.send({ body: Buffer.alloc(60_000) })
    await expect.poll(() => subject.listener.connections).toBe(0)
    expect(subject.log).toContain('reads too little')
  })
})

describe('frames that lie', () => {
  const huge = uint(0xffffffff)
  const nested = (depth: number): Buffer => {
    let value = Buffer.from([0x40])
    for (let index = 0; index < depth; index++) {
      const head = Buffer.alloc(9)
      head.writeUInt8(0xd0, 0)
      head.writeUInt32BE(value.length + 4, 1)
      head.writeUInt32BE(1, 5)
      value = Buffer.concat([head, value])
    }
    return value
  }
  /** An amqp-value section. */
  const section = (value: Buffer): Buffer => Buffer.concat([Buffer.from([0x00, 0x53, 0x77]), value])
  const listOf = (size: number, count: number, content = Buffer.alloc(0)): Buffer => {
    const head = Buffer.alloc(9)
    head.writeUInt8(0xd0, 0)
    head.writeUInt32BE(size, 1)
    head.writeUInt32BE(count, 5)
    return Buffer.concat([head, content])
  }

  it.each<[string, Buffer]>([
    ['no AMQP at all', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
    ['AMQP 0-9-1', Buffer.from('AMQP\0\0\x09\x01', 'latin1')],
    ['a size of 4 GB', Buffer.concat([HEADER, frame(Buffer.alloc(8), { size: 0xffffffff })])],
    ['a size of 0', Buffer.concat([HEADER, frame(Buffer.alloc(8), { size: 0 })])],
    ['a size of 7', Buffer.concat([HEADER, frame(Buffer.alloc(8), { size: 7 })])],
    [
      'a body behind its end',
      Buffer.concat([HEADER, Buffer.from([0, 0, 0, 12, 200, 0, 0, 0, 0, 0, 0, 0])]),
    ],
    [
      'frames too small to be one',
      Buffer.concat([HEADER, frame(performative(0x10, text('c'), NULL, uint(40)))]),
    ],
    [
      'signs of life each millisecond',
      Buffer.concat([HEADER, frame(performative(0x10, text('c'), NULL, NULL, NULL, uint(1)))]),
    ],
    ['a session before the connection', Buffer.concat([HEADER, BEGIN])],
    ['a link before its session', Buffer.concat([HEADER, OPEN, attach('a', 0)])],
    ['two opens', Buffer.concat([HEADER, OPEN, OPEN])],
    [
      'a session that was asked for',
      Buffer.concat([
        HEADER,
        OPEN,
        frame(performative(0x11, Buffer.from([0x60, 0, 9]), uint(0), uint(1), uint(1))),
      ]),
    ],
    ['a handle twice', Buffer.concat([BASE, attach('b', 0)])],
    [
      'a handle that is none',
      Buffer.concat([BASE, transfer(0, data(Buffer.from('x')), { handle: 9 })]),
    ],
    [
      'a link without a name',
      Buffer.concat([HEADER, OPEN, BEGIN, frame(performative(0x12, NULL, uint(0), FALSE))]),
    ],
    [
      'a link called __proto__ twice',
      Buffer.concat([HEADER, OPEN, BEGIN, attach('__proto__', 0), attach('constructor', 1)]),
    ],
    [
      '4 billion dispositions',
      Buffer.concat([BASE, frame(performative(0x15, FALSE, uint(0), huge))]),
    ],
    [
      'dispositions backwards',
      Buffer.concat([BASE, frame(performative(0x15, TRUE, uint(9), uint(1)))]),
    ],
    [
      'an outcome that is none',
      Buffer.concat([
        BASE,
        frame(
          performative(0x15, TRUE, uint(0), uint(0), TRUE, Buffer.from([0x00, 0x53, 0x99, 0x45])),
        ),
      ]),
    ],
    [
      'a delivery without id',
      Buffer.concat([
        BASE,
        frame(
          Buffer.concat([performative(0x14, uint(0), NULL, NULL, uint(0)), data(Buffer.from('x'))]),
        ),
      ]),
    ],
    [
      'a delivery whose id is a text',
      Buffer.concat([
        BASE,
        frame(Buffer.concat([performative(0x14, uint(0), text('x')), data(Buffer.from('x'))])),
      ]),
    ],
    [
      'deliveries out of order',
      Buffer.concat([
        BASE,
        transfer(0, data(Buffer.from('x'))),
        transfer(7, data(Buffer.from('x'))),
      ]),
    ],
    [
      'a delivery that is given up',
      Buffer.concat([BASE, transfer(0, data(Buffer.from('x')), { aborted: true })]),
    ],
    ['a message that is none', Buffer.concat([BASE, transfer(0, Buffer.from('not a message'))])],
    ['a message of nothing', Buffer.concat([BASE, transfer(0, Buffer.alloc(0))])],
    [
      'a section of no kind',
      Buffer.concat([BASE, transfer(0, Buffer.from([0x00, 0x53, 0x10, 0x45]))]),
    ],
    ['a list of 4 billion', Buffer.concat([BASE, transfer(0, section(listOf(4, 0xffffffff)))])],
    ['a list of 30 million', Buffer.concat([BASE, transfer(0, section(listOf(4, 30_000_000)))])],
    [
      'a list longer than its frame',
      Buffer.concat([BASE, transfer(0, section(listOf(1_000_000, 1, NULL)))]),
    ],
    [
      'a list shorter than it says',
      Buffer.concat([
        BASE,
        transfer(0, section(listOf(9, 1, Buffer.concat([NULL, NULL, NULL, NULL, NULL])))),
      ]),
    ],
    [
      '4 billion nulls in no bytes',
      Buffer.concat([
        BASE,
        transfer(0, section(Buffer.from([0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40]))),
      ]),
    ],
    [
      'a map without a last value',
      Buffer.concat([BASE, transfer(0, section(Buffer.from([0xc1, 2, 1, 0x40])))]),
    ],
    ['values in values in values', Buffer.concat([BASE, transfer(0, section(nested(5_000)))])],
    ['descriptors of descriptors', Buffer.concat([BASE, transfer(0, Buffer.alloc(5_000))])],
    [
      '50,000 values',
      Buffer.concat([
        BASE,
        transfer(0, section(listOf(50_004, 50_000, Buffer.alloc(50_000, 0x40)))),
      ]),
    ],
    [
      'a text beyond its end',
      Buffer.concat([
        BASE,
        transfer(0, section(Buffer.from([0xb1, 0x7f, 0xff, 0xff, 0xff, 0x41]))),
      ]),
    ],
    ['a code that means nothing', Buffer.concat([BASE, transfer(0, section(Buffer.from([0x3f])))])],
    ['a frame of the server', Buffer.concat([HEADER, frame(performative(0x40), { type: 1 })])],
    [
      'a source that is none',
      Buffer.concat([
        HEADER,
        OPEN,
        BEGIN,
        frame(
          performative(
            0x12,
            text('a'),
            uint(0),
            FALSE,
            NULL,
            NULL,
            Buffer.from([0x00, 0x53, 0x30, 0x45]),
          ),
        ),
      ]),
    ],
  ])('%s ends its connection, and nothing else', async (_, bytes) => {
    const subject = await open({ idleMs: 60_000 })
    const other = client(subject.port)
    const sender = other.open_sender('somewhere')
    await expect.poll(() => sender.is_open()).toBe(true)
    const started = process.memoryUsage().rss
    const { closed } = await raw(subject.port, bytes)
    expect(closed).toBe(true)
    expect(process.memoryUsage().rss - started).toBeLessThan(50_000_000)
    sender.send({ body: 'still here' })
    await expect.poll(() => subject.deliveries.at(-1)?.message.value).toBe('still here')
  })

  it('a message in parts has an end', async () => {
    const subject = await open({ messageBytes: 100_000 })
    const part = (id: number): Buffer => transfer(id, Buffer.alloc(60_000), { more: true })
    const { answer, closed } = await raw(subject.port, Buffer.concat([BASE, part(0), part(0)]))
    expect(closed).toBe(true)
    expect(answer.toString('latin1')).toContain('message-size-exceeded')
  })

  it('messages in parts have an end together', async () => {
    const subject = await open({ partBytes: 100_000 })
    const part = (handle: number): Buffer =>
      transfer(handle, Buffer.alloc(60_000), { more: true, handle })
    const { answer, closed } = await raw(
      subject.port,
      Buffer.concat([BASE, attach('b', 1), part(0), part(1)]),
    )
    expect(closed).toBe(true)
    expect(answer.toString('latin1')).toContain('resource-limit-exceeded')
  })

  it('more messages than were asked for end the connection', async () => {
    const taken: AmqpDelivery[] = []
    const subject = await open(
      {},
      {
        hooks: {
          attached(link) {
            if (link.kind === 'inbound')
              link.accept({
                credit: 10,
                maxMessageBytes: 100,
                onMessage: (delivery) => void taken.push(delivery),
              })
          },
        },
      },
    )
    const many = Array.from({ length: 20 }, (_, id) => transfer(id, data(Buffer.from('x'))))
    const { answer, closed } = await raw(subject.port, Buffer.concat([BASE, ...many]))
    expect(closed).toBe(true)
    expect(answer.toString('latin1')).toContain('transfer-limit-exceeded')
    expect(taken).toHaveLength(10)
  })
})

describe('fuzzed bytes', () => {
  /** Source: mulberry32. */
  function random(seed: number): () => number {
    let state = seed
    return () => {
      state = (state + 0x6d2b79f5) | 0
      let value = Math.imul(state ^ (state >>> 15), 1 | state)
      value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
      return ((value ^ (value >>> 14)) >>> 0) / 4294967296
    }
  }

  const talk = Buffer.concat([
    BASE,
    attach('r', 1, true),
    frame(performative(0x13, uint(0), uint(100), uint(0), uint(100), uint(1), uint(0), uint(10))),
    transfer(0, data(Buffer.from('{"a":1}'))),
    transfer(1, data(Buffer.from('first ')), { more: true }),
    transfer(1, data(Buffer.from('second'))),
    frame(performative(0x15, TRUE, uint(0), uint(0), TRUE, Buffer.from([0x00, 0x53, 0x24, 0x45]))),
    frame(performative(0x16, uint(0), TRUE)),
    frame(performative(0x17)),
    frame(performative(0x18)),
  ])

  it('never end the process, nor anybody else, nor fill the memory', {
    timeout: 60_000,
  }, async () => {
    const subject = await open({ proofMs: 5_000 })
    const uncaught: unknown[] = []
    const onFault = (error: unknown): void => void uncaught.push(error)
    process.on('uncaughtException', onFault)
    process.on('unhandledRejection', onFault)
    onTestFinished(() => {
      process.off('uncaughtException', onFault)
      process.off('unhandledRejection', onFault)
    })
    const other = client(subject.port)
    const sender = other.open_sender('somewhere')
    await expect.poll(() => sender.is_open()).toBe(true)
    const next = random(20_260_101)
    const pick = (below: number): number => Math.floor(next() * below)
    const started = process.memoryUsage().rss
    for (let round = 0; round < 60; round++) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const bytes = Buffer.from(talk)
          const changes = 1 + pick(6)
          for (let index = 0; index < changes; index++) {
            const from = next() < 0.1 ? 0 : 8
            bytes[from + pick(bytes.length - from)] = pick(256)
          }
          const cut = next() < 0.3 ? pick(bytes.length) : bytes.length
          const socket = connect(subject.port, '127.0.0.1')
          socket.on('error', () => undefined)
          socket.on('data', () => undefined)
          await new Promise<void>((resolve) => socket.on('connect', () => resolve()))
          // In pieces, so that frames are cut anywhere.
          for (let at = 0; at < cut; ) {
            const size = 1 + pick(400)
            socket.write(bytes.subarray(at, Math.min(cut, at + size)))
            at += size
            if (next() < 0.2) await new Promise((resolve) => setImmediate(resolve))
          }
          await new Promise((resolve) => setTimeout(resolve, 5))
          socket.destroy()
        }),
      )
    }
    await expect.poll(() => subject.listener.connections, { timeout: 10_000 }).toBe(1)
    expect(uncaught).toEqual([])
    expect(process.memoryUsage().rss - started).toBeLessThan(200_000_000)
    sender.send({ body: 'still here' })
    await expect.poll(() => subject.deliveries.at(-1)?.message.value).toBe('still here')
  })
})
