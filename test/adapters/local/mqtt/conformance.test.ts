import type { IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import type { MqttPublishVerdict } from '../../../../adapters/local/listeners/mqtt/index.ts'
import {
  bytesOf,
  connectPacket,
  connectRaw,
  createFakeTime,
  drain,
  nextPublish,
  openRaw,
  type RawClient,
  type Subject,
  startSubject,
  subscribeRaw,
  text,
  until,
} from './harness.ts'

/**
 * What a server must do, statement by statement. Numbers are those of MQTT 5.0 unless the test says 3.1.1.
 * The client's codec is mqtt-packet, so that nothing here reads what our own encoder wrote with our own decoder.
 */

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

async function connect5(
  { port }: Subject,
  clientId: string,
  more: Partial<IConnectPacket> = {},
): Promise<RawClient> {
  return (await connectRaw(port, clientId, { protocolVersion: 5, ...more })).client
}

async function connect4(
  { port }: Subject,
  clientId: string,
  more: Partial<IConnectPacket> = {},
): Promise<RawClient> {
  return (await connectRaw(port, clientId, more)).client
}

function publish(topic: string, more: Partial<IPublishPacket> = {}): Packet {
  return { cmd: 'publish', topic, payload: 'x', qos: 0, dup: false, retain: false, ...more }
}

/** Hooks that hold every publish until the test says what becomes of it. */
function heldPublishes() {
  const held: {
    payload: string
    accept: (verdict?: MqttPublishVerdict) => void
    reject: (error: Error) => void
  }[] = []
  return {
    held,
    hooks: {
      publish: (message: { payload: Uint8Array }) =>
        new Promise<MqttPublishVerdict>((resolve, reject) => {
          held.push({
            payload: Buffer.from(message.payload).toString(),
            accept: (verdict = { accept: true, route: true }) => resolve(verdict),
            reject,
          })
        }),
    },
  }
}

describe('CONNECT and CONNACK', () => {
  it.each([
    ['bad_credentials', 4, 0x86],
    ['not_authorized', 5, 0x87],
    ['identifier_rejected', 2, 0x85],
    ['unavailable', 3, 0x88],
  ] as const)('MQTT-3.2.2-7: %s is return code %i and reason code %i', async (reason, v4, v5) => {
    const { port } = await start({ hooks: { connect: () => ({ accept: false, reason }) } })
    const four = await connectRaw(port, 'dev')
    expect(four.connack).toMatchObject({ returnCode: v4, sessionPresent: false })
    await four.client.closed
    const five = await connectRaw(port, 'dev', { protocolVersion: 5 })
    expect(five.connack).toMatchObject({ reasonCode: v5, sessionPresent: false })
    await five.client.closed
  })

  it('answers "unavailable" when the connect hook fails, at once or later', async () => {
    let calls = 0
    const { port, log } = await start({
      hooks: {
        connect: () => {
          calls += 1
          if (calls === 1) throw new Error('store is away')
          return Promise.reject(new Error('store is away'))
        },
      },
    })
    for (const _ of [1, 2]) {
      const { client, connack } = await connectRaw(port, 'dev')
      expect(connack).toMatchObject({ returnCode: 3 })
      await client.closed
    }
    expect(log.filter(({ event }) => event === 'hook.failed')).toHaveLength(2)
  })

  it('hands the hook what CONNECT said', async () => {
    const seen: unknown[] = []
    const subject = await start({
      hooks: {
        connect: (request) => {
          seen.push(request)
          return { accept: true, principal: 'p', clientId: 'renamed', data: 42 }
        },
      },
    })
    await connect5(subject, 'dev', {
      clean: false,
      keepalive: 7,
      username: 'user',
      password: Buffer.from('secret'),
      will: {
        topic: 'w',
        payload: Buffer.from('bye'),
        qos: 1,
        retain: true,
        properties: { willDelayInterval: 3, contentType: 'text/plain' },
      },
      properties: { userProperties: { a: ['1', '2'], b: '3' } },
    })
    expect(seen).toMatchObject([
      {
        clientId: 'dev',
        username: 'user',
        password: Uint8Array.from(Buffer.from('secret')),
        protocolVersion: 5,
        clean: false,
        keepAliveSeconds: 7,
        will: {
          topic: 'w',
          payload: Uint8Array.from(Buffer.from('bye')),
          qos: 1,
          retain: true,
          delaySeconds: 3,
          properties: { contentType: 'text/plain' },
        },
        transport: { secure: false, websocket: false, remoteAddress: '127.0.0.1' },
        userProperties: { a: ['1', '2'], b: ['3'] },
      },
    ])
    expect(subject.connected).toMatchObject([
      { clientId: 'renamed', principal: 'p', data: 42, username: 'user', protocolVersion: 5 },
    ])
    expect(subject.listener.disconnect('renamed', 'administrative')).toBe(true)
  })

  it('MQTT-3.2.2-16: a client without an id is told the one it got', async () => {
    const { port, connected } = await start()
    const { connack, client } = await connectRaw(port, '', { protocolVersion: 5 })
    const assigned = connack.properties?.assignedClientIdentifier
    expect(assigned).toMatch(/^auto-/)
    expect(connected[0]?.clientId).toBe(assigned)
    client.end()
  })

  it('tells MQTT 5 clients the limits', async () => {
    const { port } = await start({
      limits: { receiveMaximum: 77, maxPacketBytes: 12_345, maxTopicAliases: 3 },
    })
    const { connack, client } = await connectRaw(port, 'dev', {
      protocolVersion: 5,
      properties: { sessionExpiryInterval: 0xffffffff },
    })
    expect(connack.properties).toEqual({
      receiveMaximum: 77,
      maximumPacketSize: 12_345,
      topicAliasMaximum: 3,
      sessionExpiryInterval: 604_800,
    })
    client.end()
  })

  it('MQTT-3.2.2-2, MQTT-3.2.2-3: session present, only where there is one and it is wanted', async () => {
    const { port } = await start()
    const present = async (clean: boolean) => {
      const { client, connack } = await connectRaw(port, 'dev', { clean })
      client.send({ cmd: 'disconnect' })
      await client.closed
      return connack.sessionPresent
    }
    expect(await present(false)).toBe(false)
    expect(await present(false)).toBe(true)
    expect(await present(true)).toBe(false)
    expect(await present(false)).toBe(false)
  })

  it('MQTT-3.2.0-1: CONNACK comes first, whatever was sent behind CONNECT', async () => {
    let decide = () => {}
    const { port, published } = await start({
      hooks: {
        connect: () =>
          new Promise((resolve) => {
            decide = () => resolve({ accept: true, principal: 'p' })
          }),
      },
    })
    const client = await openRaw(port)
    client.send(
      connectPacket('eager'),
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] },
      publish('a', { qos: 1, messageId: 2 }),
      { cmd: 'pingreq' },
    )
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(client.packets).toEqual([])
    expect(published).toEqual([])
    decide()
    const got = [1, 2, 3, 4, 5].map(() => client.next())
    expect((await Promise.all(got)).map(({ cmd }) => cmd).sort()).toEqual(
      ['connack', 'pingresp', 'puback', 'publish', 'suback'].sort(),
    )
    client.end()
  })

  it('MQTT-3.1.4-6: nothing behind a refused CONNECT is processed', async () => {
    const { port, published } = await start({
      hooks: { connect: () => ({ accept: false, reason: 'not_authorized' }) },
    })
    const client = await openRaw(port)
    client.send(connectPacket('dev'), publish('a', { qos: 1, messageId: 1 }))
    await client.closed
    expect(client.packets.map(({ cmd }) => cmd)).toEqual(['connack'])
    expect(published).toEqual([])
  })

  it('MQTT-3.1.4-3: a second connection takes over, and the first is told', async () => {
    const subject = await start()
    const first = await connect5(subject, 'dev')
    const second = await connect5(subject, 'dev')
    await first.closed
    expect(first.packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x8e }])
    expect(subject.disconnected).toEqual([{ clientId: 'dev', reason: 'takeover' }])
    expect(await drain(second)).toEqual([])
    expect(subject.listener.stats().takeovers).toBe(1)
  })

  it('lets the newer of two racing connections win, whichever hook resolves first', async () => {
    for (const olderFirst of [true, false]) {
      const decide: (() => void)[] = []
      const { port, connected, disconnected } = await start({
        hooks: {
          connect: () =>
            new Promise((resolve) => {
              decide.push(() => resolve({ accept: true, principal: 'p' }))
            }),
        },
      })
      const older = await openRaw(port)
      older.send(connectPacket('dev', { username: 'older' }))
      await until(() => decide.length === 1)
      const newer = await openRaw(port)
      newer.send(connectPacket('dev', { username: 'newer' }))
      await until(() => decide.length === 2)
      for (const resolve of olderFirst ? decide : decide.reverse()) resolve()
      await older.closed
      expect(await newer.next()).toMatchObject({ cmd: 'connack', returnCode: 0 })
      expect(await drain(newer)).toEqual([])
      expect(connected.at(-1)?.username).toBe('newer')
      expect(disconnected.map(({ reason }) => reason)).toEqual(olderFirst ? ['takeover'] : [])
      expect(connected).toHaveLength(olderFirst ? 2 : 1)
    }
  })

  it('closes a connection that sends no CONNECT in time', async () => {
    const time = createFakeTime()
    const { port, listener } = await start({ ...time, limits: { connectTimeoutMs: 5_000 } })
    const silent = await openRaw(port)
    const slow = await openRaw(port)
    slow.send('10')
    await until(() => listener.connections === 2)
    time.advance(4_999)
    expect([silent.isClosed, slow.isClosed]).toEqual([false, false])
    time.advance(1)
    await Promise.all([silent.closed, slow.closed])
  })

  it('MQTT-3.1.2-24: closes a client that is silent for one and a half times its keep alive', async () => {
    const time = createFakeTime()
    const subject = await start(time)
    const silent = await connect5(subject, 'silent', { keepalive: 10 })
    const pinging = await connect4(subject, 'pinging', { keepalive: 10 })
    const dripping = await connect4(subject, 'dripping', { keepalive: 10 })
    const forever = await connect4(subject, 'forever', { keepalive: 0 })
    time.advance(14_000)
    await drain(pinging)
    // Bytes of a packet whose end does not come are no packet.
    dripping.send('30')
    await drain(forever)
    time.advance(1_000)
    await Promise.all([silent.closed, dripping.closed])
    expect(silent.packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x8d }])
    expect(subject.disconnected).toEqual([
      { clientId: 'silent', reason: 'keepalive' },
      { clientId: 'dripping', reason: 'keepalive' },
    ])
    time.advance(13_999)
    expect(await drain(pinging)).toEqual([])
    time.advance(3_600_000)
    expect(await drain(forever)).toEqual([])
  })
})

describe('sessions', () => {
  it('MQTT-3.1.2-5, MQTT-4.5.0-1: keep QoS 1 and 2 for a client that is away', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev', { clean: false })
    await subscribeRaw(device, [{ topic: 'a', qos: 1 }])
    device.end()
    await until(() => subject.disconnected.length === 1)
    await subject.listener.publish({ topic: 'a', payload: 'one', qos: 1 })
    await subject.listener.publish({ topic: 'a', payload: 'lost', qos: 0 })
    const again = await connect4(subject, 'dev', { clean: false })
    expect(await nextPublish(again)).toMatchObject({ payload: Buffer.from('one'), dup: false })
    expect(await drain(again)).toEqual([])
  })

  it('MQTT-3.1.2-4: clean start discards subscriptions and messages', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev', { clean: false })
    await subscribeRaw(device, [{ topic: 'a', qos: 1 }])
    device.end()
    await until(() => subject.disconnected.length === 1)
    await subject.listener.publish({ topic: 'a', payload: 'one', qos: 1 })
    const again = await connect4(subject, 'dev', { clean: true })
    await subject.listener.publish({ topic: 'a', payload: 'two', qos: 1 })
    expect(await drain(again)).toEqual([])
    expect(subject.listener.stats()).toMatchObject({ subscriptions: 0, queuedBytes: 0 })
  })

  it('MQTT-4.1.0-2: end when their expiry has passed, not before', async () => {
    const time = createFakeTime()
    const subject = await start(time)
    for (const [id, seconds] of [
      ['short', 10],
      ['long', 20],
    ] as const) {
      const device = await connect5(subject, id, {
        properties: { sessionExpiryInterval: seconds },
      })
      await subscribeRaw(device, [{ topic: 'a', qos: 1 }])
      device.end()
    }
    await until(() => subject.disconnected.length === 2)
    time.advance(9_999)
    expect(subject.listener.stats().sessions).toBe(2)
    time.advance(1)
    expect(subject.listener.stats()).toMatchObject({ sessions: 1, subscriptions: 1 })
    time.advance(10_000)
    expect(subject.listener.stats()).toMatchObject({ sessions: 0, subscriptions: 0 })
  })

  it('section 3.14.2.2.2: DISCONNECT may shorten the expiry', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev', { properties: { sessionExpiryInterval: 100 } })
    device.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    await device.closed
    await until(() => subject.listener.stats().sessions === 0)
    const { connack } = await connectRaw(subject.port, 'dev', { protocolVersion: 5, clean: false })
    expect(connack.sessionPresent).toBe(false)
  })

  it('MQTT-4.4.0-1, MQTT-3.3.1-1: send again with DUP and the same id, in order, what was not acknowledged', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev', { clean: false })
    await subscribeRaw(device, [{ topic: '#', qos: 2 }])
    const sender = await connect4(subject, 'sender')
    sender.send(
      publish('one', { qos: 1, messageId: 1 }),
      publish('two', { qos: 2, messageId: 2 }),
      publish('three', { qos: 2, messageId: 3 }),
    )
    const first = await nextPublish(device)
    const second = await nextPublish(device)
    const third = await nextPublish(device)
    expect([first.dup, second.dup, third.dup]).toEqual([false, false, false])
    // The second one gets as far as PUBREL.
    device.send({ cmd: 'pubrec', messageId: second.messageId! })
    expect(await device.next()).toMatchObject({ cmd: 'pubrel', messageId: second.messageId })
    device.end()
    await until(() => subject.disconnected.length === 1)
    const again = await connect4(subject, 'dev', { clean: false })
    const resent = [await again.next(), await again.next(), await again.next()]
    expect(resent).toMatchObject([
      { cmd: 'publish', topic: 'one', dup: true, qos: 1, messageId: first.messageId },
      // MQTT-4.3.3-6: no PUBLISH once PUBREL was sent.
      { cmd: 'pubrel', messageId: second.messageId },
      { cmd: 'publish', topic: 'three', dup: true, qos: 2, messageId: third.messageId },
    ])
    again.send(
      { cmd: 'puback', messageId: first.messageId! },
      { cmd: 'pubcomp', messageId: second.messageId! },
      { cmd: 'pubrec', messageId: third.messageId! },
      { cmd: 'pubcomp', messageId: third.messageId! },
    )
    await drain(again)
    expect(subject.listener.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0 })
  })

  it('asks the subscribe hook again when a session resumes', async () => {
    const asked: string[] = []
    let allowed = true
    const subject = await start({
      hooks: {
        subscribe: async (filter, _qos, client) => {
          asked.push(`${client.clientId} ${filter}`)
          return filter === 'b' && !allowed ? { accept: false } : { accept: true }
        },
      },
    })
    const device = await connect4(subject, 'dev', { clean: false })
    await subscribeRaw(device, [
      { topic: 'a', qos: 0 },
      { topic: 'b', qos: 0 },
    ])
    device.end()
    await until(() => subject.disconnected.length === 1)
    allowed = false
    const again = await connect4(subject, 'dev', { clean: false })
    expect(asked).toEqual(['dev a', 'dev b', 'dev a', 'dev b'])
    await subject.listener.publish({ topic: 'b', payload: 'secret' })
    await subject.listener.publish({ topic: 'a', payload: 'open' })
    expect((await drain(again)).map((packet) => packet.cmd === 'publish' && packet.topic)).toEqual([
      'a',
    ])
  })
})

describe('wills', () => {
  const will = { topic: 'w', payload: Buffer.from('bye'), qos: 1 as const, retain: false }

  it('MQTT-3.14.4-3: are deleted by DISCONNECT 0, and published for DISCONNECT 4', async () => {
    const subject = await start()
    for (const [id, reasonCode] of [
      ['zero', 0],
      ['four', 4],
    ] as const) {
      const device = await connect5(subject, id, { will: { ...will, topic: id } })
      device.send({ cmd: 'disconnect', reasonCode })
      await device.closed
    }
    await until(() => subject.published.length === 1)
    expect(subject.published.map(({ topic }) => topic)).toEqual(['four'])
  })

  it('MQTT-3.1.2-8 of 3.1.1: are published after a protocol error, a takeover and keep alive', async () => {
    const time = createFakeTime()
    const subject = await start(time)
    const bad = await connect4(subject, 'bad', { will: { ...will, topic: 'bad' } })
    bad.send('00 00')
    await bad.closed
    await connect4(subject, 'twice', { will: { ...will, topic: 'twice' } })
    await connect4(subject, 'twice')
    await connect4(subject, 'late', { keepalive: 1, will: { ...will, topic: 'late' } })
    time.advance(1_500)
    await until(() => subject.published.length === 3)
    expect(subject.published.map(({ topic }) => topic)).toEqual(['bad', 'twice', 'late'])
  })

  it('MQTT-3.1.2-8: wait for their delay, and for no longer than the session', async () => {
    const time = createFakeTime()
    const subject = await start(time)
    const connect = (id: string, delay: number, expiry: number) =>
      connect5(subject, id, {
        will: { ...will, topic: id, properties: { willDelayInterval: delay } },
        properties: { sessionExpiryInterval: expiry },
      })
    const devices = [
      await connect('delay', 10, 100),
      await connect('session', 100, 20),
      await connect('none', 100, 0),
    ]
    for (const device of devices) device.end()
    await until(() => subject.disconnected.length === 3)
    const topics = () => subject.published.map(({ topic }) => topic)
    await until(() => topics().length === 1)
    expect(topics()).toEqual(['none'])
    time.advance(9_999)
    expect(topics()).toEqual(['none'])
    time.advance(1)
    await until(() => topics().length === 2)
    expect(topics()).toEqual(['none', 'delay'])
    time.advance(10_000)
    await until(() => topics().length === 3)
    expect(topics()).toEqual(['none', 'delay', 'session'])
  })

  it('MQTT-3.1.2-26: are not sent if the session resumes before the delay is over', async () => {
    const time = createFakeTime()
    const subject = await start(time)
    const options = { clean: false, properties: { sessionExpiryInterval: 100 } }
    const delayed = { ...will, properties: { willDelayInterval: 10 } }
    const device = await connect5(subject, 'dev', { ...options, will: delayed })
    device.end()
    await until(() => subject.disconnected.length === 1)
    time.advance(9_000)
    const again = await connect5(subject, 'dev', options)
    time.advance(60_000)
    expect(await drain(again)).toEqual([])
    expect(subject.published).toEqual([])
  })

  it('MQTT-3.1.2-17: are retained if they say so', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev', { will: { ...will, retain: true } })
    device.end()
    await until(() => subject.listener.stats().retainedMessages === 1)
    const watcher = await connect4(subject, 'watcher')
    await subscribeRaw(watcher, [{ topic: 'w', qos: 0 }])
    expect(await nextPublish(watcher)).toMatchObject({ retain: true, payload: Buffer.from('bye') })
  })
})

describe('QoS 1 and 2 from clients', () => {
  it('PUBACK goes out after the hook resolved, not before', async () => {
    const { held, hooks } = heldPublishes()
    const subject = await start({ hooks })
    const device = await connect4(subject, 'dev')
    device.send(publish('a', { qos: 1, messageId: 5 }))
    await until(() => held.length === 1)
    expect(await drain(device)).toEqual([])
    held[0]?.accept()
    expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 5 })
  })

  it('MQTT-4.6.0-2, MQTT-4.6.0-3, MQTT-4.6.0-5: answers and routes in order of arrival, whatever order hooks resolve in', async () => {
    const { held, hooks } = heldPublishes()
    const subject = await start({ hooks })
    const watcher = await connect4(subject, 'watcher')
    await subscribeRaw(watcher, [{ topic: '#', qos: 0 }])
    const device = await connect4(subject, 'dev')
    const count = 20
    for (let index = 0; index < count; index += 1) {
      const qos = index % 3 === 2 ? 2 : 1
      device.send(publish('a', { qos, messageId: index + 1, payload: `${index}` }))
    }
    await until(() => held.length === count)
    expect(held.map(({ payload }) => Number(payload))).toEqual(
      Array.from({ length: count }, (_, index) => index),
    )
    for (const one of [...held].reverse()) {
      one.accept()
      await Promise.resolve()
    }
    const answers = await Promise.all(held.map(() => device.next()))
    expect(answers.map((packet) => packet.messageId)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    )
    const routed = await Promise.all(held.map(() => nextPublish(watcher)))
    expect(routed.map(({ payload }) => Number(payload))).toEqual(
      Array.from({ length: count }, (_, index) => index),
    )
  })

  it.each(['throws', 'rejects'])(
    'a hook that %s closes the connection without an acknowledgement',
    async (how) => {
      const subject = await start({
        hooks: {
          publish: (message) => {
            if (message.packetId === 1) return { accept: true, route: false }
            if (how === 'throws') throw new Error('disk full')
            return Promise.reject(new Error('disk full'))
          },
        },
      })
      const device = await connect5(subject, 'dev')
      device.send(
        publish('a', { qos: 1, messageId: 1 }),
        publish('a', { qos: 1, messageId: 2 }),
        publish('a', { qos: 1, messageId: 3 }),
      )
      await device.closed
      expect(device.packets).toMatchObject([
        { cmd: 'puback', messageId: 1 },
        { cmd: 'disconnect', reasonCode: 0x80 },
      ])
      expect(subject.disconnected).toEqual([{ clientId: 'dev', reason: 'error' }])
      expect(subject.log.some(({ reason }) => reason.includes('disk full'))).toBe(true)
    },
  )

  it('a message that was stored reaches its subscribers even if its sender has left', async () => {
    const { held, hooks } = heldPublishes()
    const subject = await start({ hooks })
    const watcher = await connect4(subject, 'watcher')
    await subscribeRaw(watcher, [{ topic: 'a', qos: 0 }])
    const device = await connect4(subject, 'dev')
    device.send(publish('a', { qos: 1, messageId: 1 }))
    await until(() => held.length === 1)
    device.end()
    await until(() => subject.disconnected.length === 1)
    held[0]?.accept()
    expect(await nextPublish(watcher)).toMatchObject({ topic: 'a' })
  })

  it.each([
    ['not_authorized', 0x87],
    ['quota_exceeded', 0x97],
    ['payload_invalid', 0x99],
    ['unspecified', 0x80],
  ] as const)('a refusal "%s" is reason code %i in MQTT 5', async (reason, code) => {
    const subject = await start({ hooks: { publish: () => ({ accept: false, reason }) } })
    const device = await connect5(subject, 'dev')
    device.send(
      publish('a', { qos: 1, messageId: 1 }),
      publish('a', { qos: 2, messageId: 2 }),
      publish('a', { qos: 0 }),
    )
    expect(await drain(device)).toMatchObject([
      { cmd: 'puback', messageId: 1, reasonCode: code },
      { cmd: 'pubrec', messageId: 2, reasonCode: code },
    ])
    expect(subject.listener.stats().refused).toBe(3)
  })

  it('MQTT-3.3.5-2 of 3.1.1: a refusal is a positive answer or the end of the connection', async () => {
    const subject = await start({
      hooks: {
        publish: ({ topic }) => ({
          accept: false,
          reason: 'not_authorized',
          disconnect: topic === 'end',
        }),
      },
    })
    const watcher = await connect4(subject, 'watcher')
    await subscribeRaw(watcher, [{ topic: '#', qos: 0 }])
    const device = await connect4(subject, 'dev')
    device.send(publish('a', { qos: 1, messageId: 1 }))
    expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: 1 })
    device.send(publish('end', { qos: 1, messageId: 2 }))
    await device.closed
    expect(device.packets).toEqual([])
    expect(await drain(watcher)).toEqual([])
  })

  it('MQTT-4.3.3-10, MQTT-4.3.3-11, MQTT-4.3.3-12: takes a QoS 2 message once until PUBREL', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev', { clean: false })
    const message = publish('a', { qos: 2, messageId: 7 })
    device.send(message, publish('a', { qos: 2, messageId: 7, dup: true }))
    expect(await drain(device)).toMatchObject([
      { cmd: 'pubrec', messageId: 7 },
      { cmd: 'pubrec', messageId: 7 },
    ])
    device.end()
    await until(() => subject.disconnected.length === 1)
    const again = await connect4(subject, 'dev', { clean: false })
    again.send(publish('a', { qos: 2, messageId: 7, dup: true }))
    expect(await again.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 })
    expect(subject.published).toHaveLength(1)
    again.send({ cmd: 'pubrel', messageId: 7 }, { cmd: 'pubrel', messageId: 7 })
    expect(await drain(again)).toMatchObject([
      { cmd: 'pubcomp', messageId: 7 },
      { cmd: 'pubcomp', messageId: 7 },
    ])
    again.send(message)
    expect(await again.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 })
    expect(subject.published).toHaveLength(2)
  })

  it('MQTT-4.3.3-10: also while the hook of the first copy is under way on a lost connection', async () => {
    const { held, hooks } = heldPublishes()
    const subject = await start({ hooks })
    const device = await connect4(subject, 'dev', { clean: false })
    device.send(publish('a', { qos: 2, messageId: 7 }))
    await until(() => held.length === 1)
    const again = await connect4(subject, 'dev', { clean: false })
    again.send(publish('a', { qos: 2, messageId: 7, dup: true }))
    expect(await drain(again)).toEqual([])
    held[0]?.accept()
    expect(await again.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 })
    expect(held).toHaveLength(1)
  })

  it('MQTT-4.3.3-9: a refused QoS 2 packet id is new again', async () => {
    let calls = 0
    const subject = await start({
      hooks: {
        publish: () => {
          calls += 1
          return calls === 1
            ? { accept: false, reason: 'quota_exceeded' }
            : { accept: true, route: true }
        },
      },
    })
    const device = await connect5(subject, 'dev')
    device.send(publish('a', { qos: 2, messageId: 7 }), publish('a', { qos: 2, messageId: 7 }))
    expect(await drain(device)).toMatchObject([
      { cmd: 'pubrec', reasonCode: 0x97 },
      { cmd: 'pubrec', reasonCode: 0 },
    ])
  })

  it('MQTT-3.7.2-1: answers an unknown PUBREL and PUBREC with reason 0x92', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev')
    device.send({ cmd: 'pubrel', messageId: 3 }, { cmd: 'pubrec', messageId: 4 })
    expect(await drain(device)).toMatchObject([
      { cmd: 'pubcomp', messageId: 3, reasonCode: 0x92 },
      { cmd: 'pubrel', messageId: 4, reasonCode: 0x92 },
    ])
  })

  it('MQTT-3.3.4-7: ends a client that passes Receive Maximum', async () => {
    const { held, hooks } = heldPublishes()
    const subject = await start({ hooks, limits: { maxUnackedMessages: 3, receiveMaximum: 3 } })
    const device = await connect5(subject, 'dev')
    for (const messageId of [1, 2]) device.send(publish('a', { qos: 1, messageId }))
    device.send(publish('a', { qos: 2, messageId: 3 }))
    expect(await drain(device)).toEqual([])
    device.send(publish('a', { qos: 1, messageId: 4 }))
    await device.closed
    expect(device.packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x93 }])
    for (const one of held) one.accept()
  })

  it('MQTT-3.3.4-7: counts QoS 2 until PUBCOMP', async () => {
    const subject = await start({ limits: { maxUnackedMessages: 2, receiveMaximum: 2 } })
    const device = await connect5(subject, 'dev')
    device.send(publish('a', { qos: 2, messageId: 1 }), publish('a', { qos: 2, messageId: 2 }))
    device.send({ cmd: 'pubrel', messageId: 1 }, publish('a', { qos: 2, messageId: 3 }))
    expect((await drain(device)).map(({ cmd }) => cmd)).toEqual([
      'pubrec',
      'pubrec',
      'pubcomp',
      'pubrec',
    ])
    device.send(publish('a', { qos: 1, messageId: 4 }))
    await device.closed
    expect(device.packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x93 }])
  })

  it.each([
    [3, connect4, 10],
    [5, connect5, 11],
  ] as const)(
    'holds an MQTT %i client back: it is read no further until hooks resolve',
    async (_, connect, most) => {
      const { held, hooks } = heldPublishes()
      const subject = await start({ hooks, limits: { maxUnackedMessages: 10 } })
      const device = await connect(subject, 'dev')
      const all = Array.from({ length: 35 }, (_, index) =>
        publish('a', { qos: 1, messageId: index + 1 }),
      )
      device.send(...all)
      await until(() => held.length === most)
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(held).toHaveLength(most)
      for (let index = 0; index < 35; index += 1) {
        await until(() => held.length > index)
        held[index]?.accept()
        expect(await device.next()).toMatchObject({ cmd: 'puback', messageId: index + 1 })
      }
      expect(subject.listener.stats().unackedBytes).toBe(0)
    },
  )

  it('MQTT-3.3.2-7 to MQTT-3.3.2-12: understands topic aliases of this connection only', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev')
    device.send(
      publish('first', { properties: { topicAlias: 1 } }),
      publish('', { properties: { topicAlias: 1 } }),
      publish('second', { properties: { topicAlias: 1 } }),
      publish('', { properties: { topicAlias: 1 } }),
      publish('last', { properties: { topicAlias: 16 } }),
      publish('', { properties: { topicAlias: 16 } }),
    )
    await drain(device)
    expect(subject.published.map(({ topic }) => topic)).toEqual([
      'first',
      'first',
      'second',
      'second',
      'last',
      'last',
    ])
    const other = await connect5(subject, 'other')
    other.send(publish('', { properties: { topicAlias: 1 } }))
    await other.closed
    expect(other.packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x82 }])
  })

  it('hands the hook the properties of a message', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev')
    device.send(
      publish('a', {
        properties: {
          payloadFormatIndicator: true,
          messageExpiryInterval: 60,
          contentType: 'application/json',
          responseTopic: 'answers/1',
          correlationData: Buffer.from([1, 2, 3]),
          userProperties: JSON.parse('{"k":["1","2"],"__proto__":"p"}'),
        },
      }),
    )
    await drain(device)
    expect(subject.published[0]?.properties).toMatchObject({
      payloadFormatIndicator: 1,
      messageExpirySeconds: 60,
      contentType: 'application/json',
      responseTopic: 'answers/1',
      correlationData: Buffer.from([1, 2, 3]),
    })
    expect(Object.entries(subject.published[0]?.properties?.userProperties ?? {})).toEqual([
      ['k', ['1', '2']],
      ['__proto__', ['p']],
    ])
  })
})

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  it('MQTT-3.8.4-6, MQTT-3.9.3-1: SUBACK has a code for each filter, in order', async () => {
    const subject = await start({
      limits: { maxSubscriptionsPerClient: 4 },
      hooks: {
        subscribe: (filter) => {
          if (filter === 'broken') throw new Error('no')
          if (filter === 'later') return Promise.resolve({ accept: true, qos: 1 })
          return filter === 'secret' ? { accept: false } : { accept: true }
        },
      },
    })
    const filters = ['a', 'b', 'secret', 'a', 'broken', 'later', 'c', 'd', 'b']
    const asked = filters.map((topic, index) => ({ topic, qos: (index % 3) as 0 | 1 | 2 }))
    const four = await connect4(subject, 'four')
    expect(await subscribeRaw(four, asked)).toEqual([0, 1, 0x80, 0, 0x80, 1, 0, 0x80, 2])
    const five = await connect5(subject, 'five')
    expect(await subscribeRaw(five, asked)).toEqual([0, 1, 0x87, 0, 0x87, 1, 0, 0x97, 2])
  })

  it('section 3.9.3: MQTT 5 gets code 0x8F for a filter that is none', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev')
    const filters = ['a/#/b', 'a+', '', '$share/g', '$share//a', '$share/g+/a', '$share/g/', 'ok']
    expect(
      await subscribeRaw(
        device,
        filters.map((topic) => ({ topic, qos: 0 as const })),
      ),
    ).toEqual([0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 0])
    device.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['ok', 'none', 'a/#/b'] })
    // MQTT-3.10.4-5, MQTT-3.11.3-1.
    expect(await device.next()).toMatchObject({
      cmd: 'unsuback',
      messageId: 4,
      granted: [0, 0x11, 0x8f],
    })
  })

  it('MQTT-3.8.4-8: a message goes out at the lower of its own and the granted QoS', async () => {
    const subject = await start()
    const seen: (number | undefined)[][] = []
    for (const granted of [0, 1, 2] as const) {
      const watcher = await connect4(subject, `w${granted}`)
      await subscribeRaw(watcher, [{ topic: 'a', qos: granted }])
      const sender = await connect4(subject, 'sender')
      for (const qos of [0, 1, 2] as const) {
        sender.send(publish('a', { qos, ...(qos > 0 && { messageId: qos }) }))
      }
      const got = [
        await nextPublish(watcher),
        await nextPublish(watcher),
        await nextPublish(watcher),
      ]
      seen.push(got.map(({ qos }) => qos))
    }
    expect(seen).toEqual([
      [0, 0, 0],
      [0, 1, 1],
      [0, 1, 2],
    ])
  })

  it('MQTT-3.8.4-3: the same filter again replaces the subscription', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev')
    await subscribeRaw(device, [{ topic: 'a', qos: 0 }], { subscriptionIdentifier: 1 })
    await subscribeRaw(device, [{ topic: 'a', qos: 1 }], { subscriptionIdentifier: 2 })
    await subject.listener.publish({ topic: 'a', payload: 'x', qos: 1 })
    expect(await drain(device)).toMatchObject([
      { cmd: 'publish', qos: 1, properties: { subscriptionIdentifier: 2 } },
    ])
    expect(subject.listener.stats().subscriptions).toBe(1)
  })

  it('MQTT-3.3.4-2, MQTT-3.3.4-3, MQTT-3.3.4-4: overlapping filters give one copy at the highest QoS with all identifiers', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev')
    await subscribeRaw(device, [{ topic: 'a/b', qos: 0 }], { subscriptionIdentifier: 5 })
    await subscribeRaw(device, [{ topic: 'a/+', qos: 1 }], { subscriptionIdentifier: 300 })
    await subscribeRaw(device, [{ topic: '#', qos: 0 }])
    await subject.listener.publish({ topic: 'a/b', payload: 'x', qos: 1 })
    const got = await drain(device)
    expect(got).toHaveLength(1)
    expect(got[0]).toMatchObject({ cmd: 'publish', qos: 1 })
    const [only] = got
    const ids = only?.cmd === 'publish' ? only.properties?.subscriptionIdentifier : undefined
    expect([...(Array.isArray(ids) ? ids : [])].sort((a, b) => a - b)).toEqual([5, 300])
  })

  it('MQTT-3.8.3-3: no local keeps a client from its own messages', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev')
    await subscribeRaw(device, [{ topic: 'a', qos: 0, nl: true }])
    const other = await connect5(subject, 'other')
    await subscribeRaw(other, [{ topic: 'a', qos: 0, nl: true }])
    device.send(publish('a', { payload: 'own' }))
    expect(await drain(device)).toEqual([])
    expect(await drain(other)).toMatchObject([{ cmd: 'publish', topic: 'a' }])
    // A second subscription without it lets them through.
    await subscribeRaw(device, [{ topic: '+', qos: 0 }])
    device.send(publish('a'))
    expect(await drain(device)).toHaveLength(1)
  })

  it('MQTT-3.10.4-1, MQTT-3.10.4-2: UNSUBSCRIBE ends exactly that filter', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev')
    await subscribeRaw(device, [
      { topic: 'a/+', qos: 0 },
      { topic: 'a/b', qos: 0 },
    ])
    device.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['a/+', 'a/c'] })
    expect(await device.next()).toMatchObject({ cmd: 'unsuback', messageId: 3 })
    await subject.listener.publish({ topic: 'a/b', payload: 'x' })
    await subject.listener.publish({ topic: 'a/c', payload: 'x' })
    expect(await drain(device)).toMatchObject([{ cmd: 'publish', topic: 'a/b' }])
  })

  it('MQTT-4.7.2-1: leading wildcards do not match topics with $', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev')
    await subscribeRaw(device, [
      { topic: '#', qos: 0 },
      { topic: '+/x', qos: 0 },
    ])
    const second = await connect4(subject, 'second')
    await subscribeRaw(second, [{ topic: '$sys/#', qos: 0 }])
    await subject.listener.publish({ topic: '$sys/x', payload: 'x', retain: true })
    expect(await drain(device)).toEqual([])
    expect(await drain(second)).toHaveLength(1)
    // Nor do they bring the retained one.
    await subscribeRaw(device, [{ topic: '#', qos: 0 }])
    expect(await drain(device)).toEqual([])
    await subscribeRaw(device, [{ topic: '$sys/+', qos: 0 }])
    expect(await drain(device)).toHaveLength(1)
  })

  it('MQTT-4.7.3-4: nothing is normalised', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev')
    await subscribeRaw(device, [
      { topic: 'a/b', qos: 0 },
      { topic: 'caf\u00e9', qos: 0 },
    ])
    for (const topic of ['/a/b', 'a/b/', 'A/b', 'a//b', 'cafe\u0301']) {
      await subject.listener.publish({ topic, payload: 'x' })
    }
    expect(await drain(device)).toEqual([])
  })

  it('MQTT-4.8.2-4 and section 4.8.2: a shared subscription gives each message to one member', async () => {
    const subject = await start()
    const members = await Promise.all(['a', 'b', 'c'].map((id) => connect5(subject, id)))
    for (const member of members) {
      await subscribeRaw(member, [{ topic: '$share/g/jobs/+', qos: 1 }])
    }
    const other = await connect4(subject, 'other')
    await subscribeRaw(other, [{ topic: '$share/h/jobs/#', qos: 1 }])
    const plain = await connect4(subject, 'plain')
    await subscribeRaw(plain, [{ topic: 'jobs/1', qos: 1 }])
    for (let index = 0; index < 9; index += 1) {
      await subject.listener.publish({ topic: 'jobs/1', payload: `${index}`, qos: 1 })
    }
    const counts = await Promise.all(members.map(async (member) => (await drain(member)).length))
    expect(counts).toEqual([3, 3, 3])
    expect(await drain(other)).toHaveLength(9)
    expect(await drain(plain)).toHaveLength(9)
    members[0]?.end()
    members[1]?.end()
    await until(() => subject.disconnected.length === 2)
    await subject.listener.publish({ topic: 'jobs/1', payload: 'left', qos: 1 })
    expect(await drain(members[2]!)).toHaveLength(1)
  })

  it('MQTT-4.8.2-6: a member that refuses a shared message loses it for the group', async () => {
    const subject = await start()
    const members = [await connect5(subject, 'a'), await connect5(subject, 'b')]
    for (const member of members) await subscribeRaw(member, [{ topic: '$share/g/j', qos: 1 }])
    await subject.listener.publish({ topic: 'j', payload: 'x', qos: 1 })
    for (const member of members) {
      for (const packet of await drain(member)) {
        member.send({ cmd: 'puback', messageId: packet.messageId!, reasonCode: 0x80 })
      }
    }
    expect([...(await drain(members[0]!)), ...(await drain(members[1]!))]).toEqual([])
    expect(subject.listener.stats().queuedMessages).toBe(0)
  })
})

describe('retained messages', () => {
  it('MQTT-3.3.1-5 to MQTT-3.3.1-8 of 5: are replaced, removed by an empty one, and left alone by others', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev')
    const seen = async () => {
      const { client } = await connectRaw(subject.port, 'reader')
      await subscribeRaw(client, [{ topic: 'r', qos: 2 }])
      const got = await drain(client)
      client.end()
      return got.map((packet) => packet.cmd === 'publish' && [String(packet.payload), packet.qos])
    }
    const steps = [
      [publish('r', { retain: true, payload: 'one', qos: 1, messageId: 1 }), [['one', 1]]],
      [publish('r', { retain: true, payload: 'two' }), [['two', 0]]],
      [publish('r', { payload: 'passing' }), [['two', 0]]],
      [publish('r', { payload: '' }), [['two', 0]]],
      [publish('r', { retain: true, payload: '' }), []],
    ] as const
    for (const [packet, expected] of steps) {
      device.send(packet)
      await drain(device)
      expect(await seen()).toEqual(expected)
    }
  })

  it('MQTT-3.3.1-8, MQTT-3.3.1-9 of 3.1.1: RETAIN is set for a new subscription only', async () => {
    const subject = await start()
    const early = await connect4(subject, 'early')
    await subscribeRaw(early, [{ topic: 'r', qos: 0 }])
    const device = await connect4(subject, 'dev')
    device.send(publish('r', { retain: true }))
    expect(await nextPublish(early)).toMatchObject({ retain: false })
    const late = await connect4(subject, 'late')
    await subscribeRaw(late, [{ topic: 'r', qos: 0 }])
    expect(await nextPublish(late)).toMatchObject({ retain: true })
    // MQTT-3.8.4-3 of 3.1.1: re-sent when the filter is subscribed again.
    await subscribeRaw(late, [{ topic: 'r', qos: 0 }])
    expect(await nextPublish(late)).toMatchObject({ retain: true })
  })

  it('MQTT-3.3.1-12, MQTT-3.3.1-13: Retain As Published keeps the flag', async () => {
    const subject = await start()
    const plain = await connect5(subject, 'plain')
    await subscribeRaw(plain, [{ topic: 'r', qos: 0 }])
    const keeping = await connect5(subject, 'keeping')
    await subscribeRaw(keeping, [{ topic: 'r', qos: 0, rap: true }])
    const device = await connect4(subject, 'dev')
    device.send(publish('r', { retain: true }), publish('r', { retain: false }))
    await drain(device)
    const flags = async (client: RawClient) =>
      (await drain(client)).map((packet) => packet.cmd === 'publish' && packet.retain)
    expect([await flags(plain), await flags(keeping)]).toEqual([
      [false, false],
      [true, false],
    ])
  })

  it('MQTT-3.3.1-9 to MQTT-3.3.1-11: Retain Handling 0, 1 and 2', async () => {
    const subject = await start()
    await subject.listener.publish({ topic: 'r', payload: 'kept', retain: true })
    const counts: number[][] = []
    for (const rh of [0, 1, 2]) {
      const device = await connect5(subject, `dev-${rh}`)
      await subscribeRaw(device, [{ topic: 'r', qos: 0, rh }])
      const first = (await drain(device)).length
      await subscribeRaw(device, [{ topic: 'r', qos: 0, rh }])
      counts.push([first, (await drain(device)).length])
    }
    expect(counts).toEqual([
      [1, 1],
      [1, 0],
      [0, 0],
    ])
  })

  it('section 4.8.2: a shared subscription brings no retained messages', async () => {
    const subject = await start()
    await subject.listener.publish({ topic: 'r', payload: 'kept', retain: true })
    const device = await connect5(subject, 'dev')
    await subscribeRaw(device, [{ topic: '$share/g/r', qos: 0 }])
    expect(await drain(device)).toEqual([])
  })

  it('MQTT-3.1.2.7 of 3.1.1: do not end with the session that sent them', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev')
    device.send(publish('r', { retain: true }), { cmd: 'disconnect' })
    await device.closed
    const late = await connect4(subject, 'late')
    await subscribeRaw(late, [{ topic: '#', qos: 0 }])
    expect(await nextPublish(late)).toMatchObject({ topic: 'r', retain: true })
  })
})

describe('messages to MQTT 5 clients', () => {
  it('MQTT-3.3.2-4, MQTT-3.3.2-15 to MQTT-3.3.2-20: properties pass unaltered, user properties in order', async () => {
    const subject = await start()
    const five = await connect5(subject, 'five')
    await subscribeRaw(five, [{ topic: 'a', qos: 0 }])
    const four = await connect4(subject, 'four')
    await subscribeRaw(four, [{ topic: 'a', qos: 0 }])
    const raw: Buffer[] = []
    five.socket.on('data', (chunk) => raw.push(chunk))
    // User properties b, 1, a, b: an object would put them into another order.
    const forwarded = Buffer.concat([
      Buffer.from([0x26]),
      text('b'),
      text('x'),
      Buffer.from([0x26]),
      text('1'),
      text(''),
      Buffer.from([0x01, 0x01]),
      Buffer.from([0x26]),
      text('a'),
      text('y'),
      Buffer.from([0x08]),
      text('answers'),
      Buffer.from([0x09]),
      text(Buffer.from([0, 255])),
      Buffer.from([0x26]),
      text('b'),
      text('z'),
      Buffer.from([0x03]),
      text('text/plain'),
    ])
    const alias = Buffer.from([0x23, 0, 1])
    const device = await connect5(subject, 'dev')
    device.send(bytesOf(0x30, text('a'), [alias.length + forwarded.length], alias, forwarded, [7]))
    expect(await nextPublish(five)).toMatchObject({ topic: 'a', payload: Buffer.from([7]) })
    expect(Buffer.concat(raw)).toEqual(bytesOf(0x30, text('a'), [forwarded.length], forwarded, [7]))
    expect(await nextPublish(four)).toMatchObject({ topic: 'a', payload: Buffer.from([7]) })
  })

  it('sends the properties of a server message', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev')
    await subscribeRaw(device, [{ topic: 'a', qos: 0 }])
    await subject.listener.publish({
      topic: 'a',
      payload: 'x',
      properties: {
        contentType: 'text/plain',
        responseTopic: 'r',
        correlationData: Uint8Array.of(1, 2),
        payloadFormatIndicator: 1,
        userProperties: { k: ['1', '2'], l: ['3'] },
      },
    })
    expect((await nextPublish(device)).properties).toEqual({
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData: Buffer.from([1, 2]),
      payloadFormatIndicator: true,
      userProperties: Object.assign(Object.create(null), { k: ['1', '2'], l: '3' }),
    })
  })

  it('MQTT-3.3.2-5, MQTT-3.3.2-6: a waiting message tells what is left of its life, or is gone', async () => {
    const time = createFakeTime()
    const subject = await start(time)
    const options = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
    const device = await connect5(subject, 'dev', options)
    await subscribeRaw(device, [{ topic: '#', qos: 1 }])
    device.end()
    await until(() => subject.disconnected.length === 1)
    const send = (topic: string, messageExpirySeconds: number, retain = false) =>
      subject.listener.publish({
        topic,
        payload: 'x',
        qos: 1,
        retain,
        properties: { messageExpirySeconds },
      })
    await send('short', 10)
    await send('long', 100)
    await send('retained/short', 10, true)
    await send('retained/long', 100, true)
    time.advance(30_000)
    const again = await connect5(subject, 'dev', options)
    const got = await drain(again)
    expect(got).toMatchObject([
      { topic: 'long', properties: { messageExpiryInterval: 70 } },
      { topic: 'retained/long', properties: { messageExpiryInterval: 70 } },
    ])
    expect(got).toHaveLength(2)
    const late = await connect5(subject, 'late')
    await subscribeRaw(late, [{ topic: 'retained/#', qos: 0 }])
    expect(await drain(late)).toMatchObject([
      { topic: 'retained/long', retain: true, properties: { messageExpiryInterval: 70 } },
    ])
    expect(subject.listener.stats()).toMatchObject({ droppedExpired: 2, retainedMessages: 1 })
  })

  it('MQTT-3.3.4-9, MQTT-4.9.0-2, MQTT-4.9.0-3: no more than Receive Maximum at once, other packets flow', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev', { properties: { receiveMaximum: 3 } })
    await subscribeRaw(device, [{ topic: 'a', qos: 2 }])
    for (let index = 0; index < 10; index += 1) {
      await subject.listener.publish({ topic: 'a', payload: `${index}`, qos: 1 })
    }
    await subject.listener.publish({ topic: 'a', payload: 'qos 0' })
    const seen: string[] = []
    const take = async () => {
      const got = await drain(device)
      for (const packet of got) {
        if (packet.cmd === 'publish') seen.push(String(packet.payload))
      }
      return got.filter((packet) => packet.cmd === 'publish' && packet.qos > 0)
    }
    let waiting = await take()
    expect(waiting).toHaveLength(3)
    expect(seen).toContain('qos 0')
    while (waiting.length > 0) {
      for (const { messageId } of waiting) device.send({ cmd: 'puback', messageId: messageId! })
      waiting = await take()
      expect(waiting.length).toBeLessThanOrEqual(3)
    }
    expect(seen.filter((payload) => payload !== 'qos 0')).toEqual(
      Array.from({ length: 10 }, (_, index) => `${index}`),
    )
  })

  it('MQTT-3.3.4-9: also when a session resumes with a smaller Receive Maximum', async () => {
    const subject = await start()
    const options = (receiveMaximum: number) => ({
      clean: false,
      properties: { receiveMaximum, sessionExpiryInterval: 100 },
    })
    const device = await connect5(subject, 'dev', options(10))
    await subscribeRaw(device, [{ topic: 'a', qos: 1 }])
    for (let index = 0; index < 6; index += 1) {
      await subject.listener.publish({ topic: 'a', payload: `${index}`, qos: 1 })
    }
    const before = await drain(device)
    device.end()
    await until(() => subject.disconnected.length === 1)
    const again = await connect5(subject, 'dev', options(2))
    const resent: Packet[] = []
    for (let round = 0; round < 3; round += 1) {
      const got = await drain(again)
      expect(got).toHaveLength(2)
      resent.push(...got)
      for (const { messageId } of got) again.send({ cmd: 'puback', messageId: messageId! })
    }
    expect(resent.map(({ messageId }) => messageId)).toEqual(
      before.map(({ messageId }) => messageId),
    )
    expect(await drain(again)).toEqual([])
    expect(subject.listener.stats().queuedMessages).toBe(0)
  })

  it('MQTT-3.1.2-27, MQTT-3.1.2-28: what is larger than the client takes counts as sent', async () => {
    const subject = await start()
    const device = await connect5(subject, 'dev', { properties: { maximumPacketSize: 50 } })
    await subscribeRaw(device, [{ topic: 'a', qos: 1 }])
    await subject.listener.publish({ topic: 'a', payload: 'x'.repeat(100), qos: 1 })
    await subject.listener.publish({ topic: 'a', payload: 'x'.repeat(100), qos: 0 })
    await subject.listener.publish({ topic: 'a', payload: 'small', qos: 1 })
    expect(await drain(device)).toMatchObject([{ cmd: 'publish', payload: Buffer.from('small') }])
    expect(subject.listener.stats()).toMatchObject({ droppedTooLarge: 2, queuedMessages: 1 })
  })

  it('MQTT-3.1.2-29, MQTT-3.1.2-30: aliases only where allowed, and the topic once', async () => {
    const subject = await start()
    const allowing = await connect5(subject, 'allowing', { properties: { topicAliasMaximum: 2 } })
    const plain = await connect5(subject, 'plain')
    for (const client of [allowing, plain]) await subscribeRaw(client, [{ topic: '#', qos: 1 }])
    for (const topic of ['a', 'b', 'c', 'a', 'b', 'c']) {
      await subject.listener.publish({ topic, payload: 'x', qos: 1 })
    }
    const names = async (client: RawClient) =>
      (await drain(client)).map(
        (packet) => packet.cmd === 'publish' && [packet.topic, packet.properties?.topicAlias],
      )
    expect(await names(allowing)).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', undefined],
      ['', 1],
      ['', 2],
      ['c', undefined],
    ])
    expect(await names(plain)).toEqual(
      ['a', 'b', 'c', 'a', 'b', 'c'].map((topic) => [topic, undefined]),
    )
  })

  it('MQTT-3.3.1-3: DUP of the sender is not passed on', async () => {
    const subject = await start()
    const watcher = await connect4(subject, 'watcher')
    await subscribeRaw(watcher, [{ topic: 'a', qos: 1 }])
    const device = await connect4(subject, 'dev')
    device.send(publish('a', { qos: 1, messageId: 1, dup: true }))
    expect(await nextPublish(watcher)).toMatchObject({ dup: false, qos: 1 })
    expect(subject.published[0]).toMatchObject({ dup: true })
  })

  it('MQTT-4.4.0-2: a message that the client refuses is not sent again', async () => {
    const subject = await start()
    const options = { clean: false, properties: { sessionExpiryInterval: 100 } }
    const device = await connect5(subject, 'dev', options)
    await subscribeRaw(device, [{ topic: '#', qos: 2 }])
    const sender = await connect4(subject, 'sender')
    sender.send(publish('one', { qos: 1, messageId: 1 }), publish('two', { qos: 2, messageId: 2 }))
    const one = await nextPublish(device)
    const two = await nextPublish(device)
    device.send(
      { cmd: 'puback', messageId: one.messageId!, reasonCode: 0x97 },
      { cmd: 'pubrec', messageId: two.messageId!, reasonCode: 0x97 },
    )
    expect(await drain(device)).toEqual([])
    device.end()
    await until(() => subject.disconnected.length === 1)
    expect(await drain(await connect5(subject, 'dev', options))).toEqual([])
  })
})

describe('the server side', () => {
  it('publishTo reaches one client, and only where it has subscribed', async () => {
    const subject = await start()
    const one = await connect4(subject, 'one')
    const two = await connect4(subject, 'two')
    for (const client of [one, two]) {
      await subscribeRaw(client, [{ topic: '$iothub/twin/res/#', qos: 0 }])
    }
    const topic = '$iothub/twin/res/200/?$rid=1'
    expect(subject.listener.publishTo('one', { topic, payload: '{}' })).toBe(true)
    expect(subject.listener.publishTo('one', { topic: '$iothub/methods', payload: '' })).toBe(false)
    expect(subject.listener.publishTo('three', { topic, payload: '{}' })).toBe(false)
    expect(await drain(one)).toMatchObject([{ cmd: 'publish', topic, payload: Buffer.from('{}') }])
    expect(await drain(two)).toEqual([])
  })

  it('publishTo queues QoS 1 for a session whose client is away', async () => {
    const subject = await start()
    const device = await connect4(subject, 'dev', { clean: false })
    await subscribeRaw(device, [{ topic: 'c/#', qos: 1 }])
    device.end()
    await until(() => subject.disconnected.length === 1)
    expect(subject.listener.publishTo('dev', { topic: 'c/1', payload: 'x', qos: 1 })).toBe(true)
    expect(subject.listener.publishTo('dev', { topic: 'c/2', payload: 'x', qos: 0 })).toBe(false)
    const again = await connect4(subject, 'dev', { clean: false })
    expect(await nextPublish(again)).toMatchObject({ topic: 'c/1', qos: 1 })
  })

  it('a verdict without route keeps the message from subscribers and from the retained store', async () => {
    const subject = await start({ hooks: { publish: () => ({ accept: true, route: false }) } })
    const watcher = await connect4(subject, 'watcher')
    await subscribeRaw(watcher, [{ topic: '#', qos: 0 }])
    const device = await connect4(subject, 'dev')
    device.send(publish('a', { retain: true, qos: 1, messageId: 1 }))
    expect(await device.next()).toMatchObject({ cmd: 'puback' })
    expect(await drain(watcher)).toEqual([])
    expect(subject.listener.stats().retainedMessages).toBe(0)
  })

  it('drops a server message whose topic is none, and says so', async () => {
    const subject = await start()
    for (const topic of ['', 'a/#', 'a\u0000b', 'x'.repeat(10_000)]) {
      await subject.listener.publish({ topic, payload: 'x' })
    }
    expect(subject.log.map(({ event }) => event)).toEqual(Array(4).fill('message.dropped'))
  })

  it.each([
    ['administrative', 0x98],
    ['not_authorized', 0x87],
    ['quota_exceeded', 0x97],
    ['busy', 0x89],
    ['unspecified', 0x80],
  ] as const)('disconnect "%s" is reason code %i', async (reason, code) => {
    const subject = await start()
    const five = await connect5(subject, 'five')
    expect(subject.listener.disconnect('five', reason)).toBe(true)
    await five.closed
    expect(five.packets).toMatchObject([{ cmd: 'disconnect', reasonCode: code }])
    expect(subject.disconnected).toEqual([{ clientId: 'five', reason: 'server' }])
    expect(subject.listener.disconnect('five', reason)).toBe(false)
  })

  it('close waits for hooks under way, answers them, and says goodbye', async () => {
    const { held, hooks } = heldPublishes()
    const subject = await start({ hooks })
    const device = await connect5(subject, 'dev', {
      will: { topic: 'w', payload: Buffer.from('x'), qos: 0, retain: false },
    })
    device.send(publish('a', { qos: 1, messageId: 1 }))
    await until(() => held.length === 1)
    const closing = subject.listener.close()
    device.send(publish('a', { qos: 1, messageId: 2 }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(device.packets).toEqual([])
    held[0]?.accept()
    await closing
    await device.closed
    expect(device.packets).toMatchObject([
      { cmd: 'puback', messageId: 1 },
      { cmd: 'disconnect', reasonCode: 0x8b },
    ])
    // Neither the second message nor the will was taken.
    expect(held).toHaveLength(1)
    expect(subject.disconnected).toEqual([{ clientId: 'dev', reason: 'server' }])
    expect(subject.listener.connections).toBe(0)
  })

  it('close does not wait for ever for a hook', async () => {
    const { held, hooks } = heldPublishes()
    const subject = await start({ hooks, limits: { closeTimeoutMs: 50 } })
    const device = await connect4(subject, 'dev')
    device.send(publish('a', { qos: 1, messageId: 1 }))
    await until(() => held.length === 1)
    await subject.listener.close()
    await device.closed
    expect(device.packets).toEqual([])
  })
})
