import { Duplex, duplexPair } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createMqttListener,
  type MqttListener,
  type MqttListenerOptions,
} from '../../../../adapters/local/listeners/mqtt/index.ts'
import {
  bytesOf,
  connectRaw,
  createFakeTime,
  drain,
  type Subject,
  startSubject,
  subscribeRaw,
  text,
  until,
} from './harness.ts'

let subjects: Subject[] = []
afterEach(async () => {
  await Promise.all(subjects.map((subject) => subject.stop()))
  subjects = []
})

async function start(options: Parameters<typeof startSubject>[0] = {}): Promise<Subject> {
  const subject = await startSubject(options)
  subjects.push(subject)
  return subject
}

const PAYLOAD = Buffer.alloc(200, 1)

/** Many PUBLISH packets as one piece. */
function publishes(topic: string, qos: 0 | 1, from: number, count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => {
      const id = ((from + index) % 65_535) + 1
      return qos === 0
        ? bytesOf(0x30, text(topic), PAYLOAD)
        : bytesOf(0x32, text(topic), [id >> 8, id & 255], PAYLOAD)
    }),
  )
}

describe('overload', () => {
  it('lives through 40,000 messages with one subscriber that leaves, one that never reads and one that is served', async () => {
    const subject = await start({
      limits: { maxOutboundBytes: 65_536, maxQueuedMessages: 100, maxQueuedBytes: 65_536 },
    })
    const { port, listener } = subject
    const healthy = await connectRaw(port, 'healthy')
    await subscribeRaw(healthy.client, [{ topic: 'load/#', qos: 0 }])
    const leaving = await connectRaw(port, 'leaving')
    await subscribeRaw(leaving.client, [{ topic: '#', qos: 0 }])
    const deaf = await connectRaw(port, 'deaf')
    await subscribeRaw(deaf.client, [{ topic: 'load/+', qos: 0 }])
    deaf.client.socket.pause()
    const deafAcks = await connectRaw(port, 'deaf-1')
    await subscribeRaw(deafAcks.client, [{ topic: 'load/+', qos: 1 }])
    deafAcks.client.socket.pause()
    const bystander = await connectRaw(port, 'bystander')
    // Only counted from here on: a parser in this process would be the slowest part of the test.
    healthy.client.socket.removeAllListeners('data')
    leaving.client.socket.removeAllListeners('data').resume()
    let healthyBytes = 0
    healthy.client.socket.on('data', (chunk) => {
      healthyBytes += chunk.length
    })
    const sender = await connectRaw(port, 'sender')
    const before = process.memoryUsage().rss
    const total = 40_000
    const step = 1_000
    let largestQueue = 0
    let worstPingMs = 0
    let acked = 0
    for (let from = 0; from < total; from += step) {
      const started = performance.now()
      sender.client.send(publishes('load/1', 1, from, step), '30 03 0001 78')
      if (from === total / 2) leaving.client.end()
      acked += (await drain(sender.client)).filter(({ cmd }) => cmd === 'puback').length
      expect(await drain(bystander.client)).toEqual([])
      worstPingMs = Math.max(worstPingMs, performance.now() - started)
      largestQueue = Math.max(largestQueue, listener.stats().queuedBytes)
    }
    expect(acked).toBe(total)
    expect(subject.published).toHaveLength(total + total / step)
    // Every message reached the subscriber that reads: two bytes of header, the topic and the payload.
    await until(() => healthyBytes >= total * (1 + 2 + 2 + 6 + 200))
    const stats = listener.stats()
    expect(stats.droppedQos0).toBeGreaterThan(0)
    expect(stats.droppedQueue).toBeGreaterThan(0)
    expect(largestQueue).toBeLessThanOrEqual(65_536)
    expect(process.memoryUsage().rss - before).toBeLessThan(250_000_000)
    expect(worstPingMs).toBeLessThan(2_000)
    expect(listener.connections).toBe(5)
    for (const { client } of [deaf, deafAcks]) client.end()
  })

  it('"disconnect": ends a client whose queue is full, and keeps its session', async () => {
    const subject = await start({
      limits: { queueOverflow: 'disconnect', maxInflight: 2, maxQueuedMessages: 5 },
    })
    const { client } = await connectRaw(subject.port, 'slow', {
      protocolVersion: 5,
      properties: { sessionExpiryInterval: 100 },
    })
    await subscribeRaw(client, [{ topic: 'a', qos: 1 }])
    for (let index = 0; index < 8; index += 1) {
      await subject.listener.publish({ topic: 'a', payload: `${index}`, qos: 1 })
    }
    await client.closed
    expect(client.packets.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode: 0x97 })
    // Two in flight and the youngest five; the eighth message took the place of the oldest that waited.
    expect(subject.listener.stats()).toMatchObject({ queuedMessages: 7, droppedQueue: 1 })
  })

  it('"disconnect": a session that ends with its connection leaves nothing behind', async () => {
    const subject = await start({
      limits: { queueOverflow: 'disconnect', maxInflight: 2, maxQueuedMessages: 5 },
    })
    const { client } = await connectRaw(subject.port, 'slow')
    await subscribeRaw(client, [{ topic: 'a', qos: 1 }])
    for (let index = 0; index < 20; index += 1) {
      await subject.listener.publish({ topic: 'a', payload: `${index}`, qos: 1 })
    }
    await client.closed
    expect(subject.listener.stats()).toMatchObject({
      queuedMessages: 0,
      queuedBytes: 0,
      sessions: 0,
      subscriptions: 0,
    })
  })

  it('"drop_oldest": keeps the youngest messages of an offline client', async () => {
    const subject = await start({ limits: { maxQueuedMessages: 3 } })
    const { client } = await connectRaw(subject.port, 'dev', { clean: false })
    await subscribeRaw(client, [{ topic: 'a', qos: 1 }])
    client.end()
    await until(() => subject.disconnected.length === 1)
    for (let index = 0; index < 10; index += 1) {
      await subject.listener.publish({ topic: 'a', payload: `${index}`, qos: 1 })
    }
    const again = await connectRaw(subject.port, 'dev', { clean: false })
    const got = await drain(again.client)
    expect(got.map((packet) => packet.cmd === 'publish' && String(packet.payload))).toEqual([
      '7',
      '8',
      '9',
    ])
    expect(subject.listener.stats().droppedQueue).toBe(7)
  })

  it('bounds the bytes of a session and of all sessions together', async () => {
    const subject = await start({
      limits: { maxQueuedBytes: 5_000, maxQueuedBytesTotal: 12_000 },
    })
    for (let index = 0; index < 5; index += 1) {
      const { client } = await connectRaw(subject.port, `dev-${index}`, { clean: false })
      await subscribeRaw(client, [{ topic: 'a', qos: 1 }])
      client.end()
    }
    await until(() => subject.disconnected.length === 5)
    for (let index = 0; index < 100; index += 1) {
      await subject.listener.publish({ topic: 'a', payload: 'x'.repeat(900), qos: 1 })
      expect(subject.listener.stats().queuedBytes).toBeLessThanOrEqual(12_000)
    }
    expect(subject.listener.stats().queuedBytes).toBeGreaterThan(5_000)
    await subject.listener.publish({ topic: 'a', payload: 'x'.repeat(20_000), qos: 1 })
    expect(subject.listener.stats().queuedBytes).toBeLessThanOrEqual(12_000)
  })

  it('stops reading all connections while they hold too much together, and goes on', async () => {
    const waiting: (() => void)[] = []
    const subject = await start({
      limits: { maxUnackedBytesTotal: 10_000 },
      hooks: {
        publish: () =>
          new Promise((resolve) => {
            waiting.push(() => resolve({ accept: true, route: false }))
          }),
      },
    })
    const senders = await Promise.all(
      Array.from({ length: 4 }, (_, index) => connectRaw(subject.port, `s${index}`)),
    )
    for (const { client } of senders) client.send(publishes('a', 1, 0, 100))
    await until(() => subject.listener.stats().unackedBytes >= 10_000)
    await new Promise((resolve) => setTimeout(resolve, 30))
    // Past the bound each connection adds one message at most.
    expect(subject.listener.stats().unackedBytes).toBeLessThan(10_000 + 4 * 250)
    let resolved = 0
    while (resolved < 400) {
      await until(() => waiting.length > 0)
      for (const resolve of waiting.splice(0)) {
        resolve()
        resolved += 1
      }
    }
    for (const { client } of senders) expect(await drain(client)).toHaveLength(100)
    expect(subject.listener.stats().unackedBytes).toBe(0)
  })

  it('refuses connections and sessions past their limits', async () => {
    const subject = await start({ limits: { maxConnections: 3, maxSessions: 2 } })
    const one = await connectRaw(subject.port, 'one')
    await connectRaw(subject.port, 'two')
    const three = await connectRaw(subject.port, 'three', { protocolVersion: 5 })
    expect(three.connack).toMatchObject({ reasonCode: 0x97 })
    await three.client.closed
    await until(() => subject.listener.connections === 2)
    await connectRaw(subject.port, 'two')
    one.client.end()
    await until(() => subject.listener.connections === 1)
    expect((await connectRaw(subject.port, 'four')).connack).toMatchObject({ returnCode: 0 })
    await connectRaw(subject.port, 'four')
    await until(() => subject.listener.connections === 2)
    expect(subject.listener.stats()).toMatchObject({ sessions: 2, connectsRefused: 1 })
  })
})

/** A peer whose socket takes `capacity` bytes and then no more. */
function createDeafPeer(capacity: number) {
  let taken = 0
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      taken += chunk.length
      if (taken <= capacity) done()
    },
  })
  stream.on('error', () => {})
  return stream
}

describe('a peer that sends and never reads', () => {
  function listen(options: Partial<MqttListenerOptions> = {}): MqttListener {
    return createMqttListener({
      hooks: {
        connect: () => ({ accept: true, principal: 'p' }),
        publish: () => ({ accept: true, route: true }),
        subscribe: () => ({ accept: true }),
        connected() {},
        disconnected() {},
      },
      ...options,
    })
  }

  it('is read no further once its answers pile up, and is closed when nothing moves', async () => {
    const time = createFakeTime()
    const listener = listen({
      ...time,
      limits: { maxOutboundBytes: 10_000, stalledAfterMs: 60_000 },
    })
    const stream = createDeafPeer(100)
    listener.attach(stream, { secure: false, websocket: false })
    stream.push(bytesOf(0x10, text('MQTT'), '04020000', text('deaf')))
    const pings = Buffer.alloc(20_000, Buffer.from([0xc0, 0]))
    for (let round = 0; round < 200; round += 1) {
      stream.push(pings)
      await new Promise((resolve) => setImmediate(resolve))
    }
    // 4 MB of PINGREQ would be 4 MB of PINGRESP.
    expect(stream.writableLength).toBeLessThan(100_000)
    expect(stream.isPaused()).toBe(true)
    expect(listener.connections).toBe(1)
    time.advance(120_000)
    await until(() => listener.connections === 0)
    expect(stream.destroyed).toBe(true)
  })

  it('does not hold the others up', async () => {
    const listener = listen({ limits: { maxOutboundBytes: 10_000 } })
    const deaf = createDeafPeer(100)
    listener.attach(deaf, { secure: false, websocket: false })
    deaf.push(
      Buffer.concat([
        bytesOf(0x10, text('MQTT'), '04020000', text('deaf')),
        bytesOf(0x82, '0001', text('#'), '00'),
      ]),
    )
    const [near, far] = duplexPair()
    listener.attach(near, { secure: false, websocket: false })
    let got = 0
    far.on('data', (chunk: Buffer) => {
      got += chunk.length
    })
    far.write(bytesOf(0x10, text('MQTT'), '04020000', text('well')))
    far.write(bytesOf(0x82, '0001', text('#'), '00'))
    await until(() => got === 4 + 5)
    for (let index = 0; index < 20_000; index += 1) {
      await listener.publish({ topic: 'a', payload: 'x' })
      if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => got === 4 + 5 + 20_000 * 6)
    expect(deaf.writableLength).toBeLessThan(100_000)
    expect(listener.stats().droppedQos0).toBeGreaterThan(15_000)
  })
})
