import { afterEach, describe, expect, it } from 'vitest'
import {
  createMemoryRetainedStore,
  createMemorySessionStore,
  type SessionStore,
} from '../../../../adapters/local/listeners/mqtt/index.ts'
import {
  connectRaw,
  createFakeTime,
  drain,
  nextPublish,
  type Subject,
  startSubject,
  subscribeRaw,
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

describe('a session store', () => {
  it('carries sessions, subscriptions, queues and packet ids over a restart', async () => {
    const sessions = createMemorySessionStore()
    const retained = createMemoryRetainedStore()
    const first = await start({ sessions, retained })
    const { client } = await connectRaw(first.port, 'dev', { clean: false })
    await subscribeRaw(client, [
      { topic: 'a/#', qos: 2 },
      { topic: 'gone', qos: 1 },
    ])
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['gone'] })
    await client.next()
    const passing = await connectRaw(first.port, 'passing')
    await subscribeRaw(passing.client, [{ topic: 'a/#', qos: 1 }])
    const sender = await connectRaw(first.port, 'sender')
    const send = (topic: string, qos: 1 | 2, messageId: number) =>
      sender.client.send({
        cmd: 'publish',
        topic,
        payload: topic,
        qos,
        messageId,
        dup: false,
        retain: false,
      })
    send('a/acked', 1, 1)
    send('a/released', 2, 2)
    send('a/unacked', 1, 3)
    const acked = await nextPublish(client)
    const released = await nextPublish(client)
    const unacked = await nextPublish(client)
    client.send(
      { cmd: 'puback', messageId: acked.messageId! },
      { cmd: 'pubrec', messageId: released.messageId! },
      // A QoS 2 message of its own that waits for PUBREL.
      {
        cmd: 'publish',
        topic: 'own',
        payload: 'x',
        qos: 2,
        messageId: 9,
        dup: false,
        retain: false,
      },
    )
    await drain(client)
    client.end()
    await until(() => first.disconnected.length === 1)
    send('a/queued', 2, 4)
    await drain(sender.client)
    await first.stop()

    const second = await start({ sessions, retained })
    expect(second.listener.stats()).toMatchObject({ sessions: 1, subscriptions: 1 })
    await second.listener.publish({ topic: 'a/later', payload: 'x', qos: 1 })
    const again = await connectRaw(second.port, 'dev', { clean: false })
    expect(again.connack.sessionPresent).toBe(true)
    again.client.send({
      cmd: 'publish',
      topic: 'own',
      payload: 'x',
      qos: 2,
      messageId: 9,
      dup: true,
      retain: false,
    })
    const got = await drain(again.client)
    expect(got).toMatchObject([
      { cmd: 'pubrel', messageId: released.messageId },
      { cmd: 'publish', topic: 'a/unacked', dup: true, messageId: unacked.messageId },
      { cmd: 'publish', topic: 'a/queued', dup: false, qos: 2 },
      { cmd: 'publish', topic: 'a/later', dup: false, qos: 1 },
      { cmd: 'pubrec', messageId: 9 },
    ])
    expect(second.published).toEqual([])
    const ids = got.map(({ messageId }) => messageId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('forgets sessions that ended, were cleaned, or outlived their expiry while nobody ran', async () => {
    const sessions = createMemorySessionStore()
    const time = createFakeTime()
    const first = await start({ ...time, sessions })
    for (const [id, seconds] of [
      ['short', 10],
      ['long', 100],
      ['connected', 50],
    ] as const) {
      const { client } = await connectRaw(first.port, id, {
        protocolVersion: 5,
        properties: { sessionExpiryInterval: seconds },
      })
      await subscribeRaw(client, [{ topic: id, qos: 1 }])
      if (id !== 'connected') client.end()
    }
    await connectRaw(first.port, 'passing')
    const cleaned = await connectRaw(first.port, 'cleaned', { clean: false })
    cleaned.client.end()
    await until(() => first.disconnected.length === 3)
    await connectRaw(first.port, 'cleaned', { clean: true })
    expect(sessions.load().map(({ clientId }) => clientId)).toEqual(['short', 'long', 'connected'])
    await first.stop()
    time.advance(30_000)
    const second = await start({ ...time, sessions })
    expect(second.listener.stats().sessions).toBe(2)
    time.advance(20_000)
    expect(second.listener.stats().sessions).toBe(1)
    time.advance(50_000)
    expect(second.listener.stats().sessions).toBe(0)
    expect(sessions.load()).toEqual([])
  })

  it('that fails neither stops the listener nor loses the session in memory', async () => {
    const broken: SessionStore = {
      load: () => [],
      record: () => {
        throw new Error('disk full')
      },
      owed: () => undefined,
    }
    const subject = await start({ sessions: broken })
    const { client } = await connectRaw(subject.port, 'dev', { clean: false })
    await subscribeRaw(client, [{ topic: 'a', qos: 1 }])
    await subject.listener.publish({ topic: 'a', payload: 'x', qos: 1 })
    expect(await nextPublish(client)).toMatchObject({ topic: 'a' })
    expect(subject.log.every(({ reason }) => reason === 'session store: disk full')).toBe(true)
    expect(subject.log.length).toBeGreaterThan(2)
  })
})
