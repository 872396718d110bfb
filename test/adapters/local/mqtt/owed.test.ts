import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createMemoryRetainedStore,
  createMemorySessionStore,
  type MqttHooks,
} from '../../../../adapters/local/listeners/mqtt/index.ts'
import { connectRaw, type RawClient, startSubject, subscribeRaw } from './harness.ts'

/** Stores that promise, and keep their promises when the test says so. */
async function startWithDisk(hooks: Partial<MqttHooks> = {}) {
  const memory = createMemorySessionStore()
  const kept = createMemoryRetainedStore()
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  const promises = { sessions: false, retained: false }
  const wait = () => new Promise<void>((resolve, reject) => void waiting.push({ resolve, reject }))
  const take = (name: keyof typeof promises) => {
    const owes = promises[name]
    promises[name] = false
    return owes ? wait() : undefined
  }
  const subject = await startSubject({
    hooks,
    sessions: {
      load: memory.load,
      owed: () => take('sessions'),
      record(clientId, change) {
        memory.record(clientId, change)
        if (['queued', 'received', 'subscribed'].includes(change.kind)) promises.sessions = true
      },
    },
    retained: {
      get: kept.get,
      match: kept.match,
      owed: () => take('retained'),
      get size() {
        return kept.size
      },
      set(topic, message) {
        promises.retained = true
        return kept.set(topic, message)
      },
    },
  })
  onTestFinished(() => subject.stop())
  return { subject, waiting }
}

function publish(client: RawClient, messageId: number, topic = 'a', qos: 0 | 1 | 2 = 1) {
  client.send({
    cmd: 'publish',
    topic,
    payload: `${messageId}`,
    qos,
    messageId,
    retain: false,
    dup: false,
  })
}

/** What came within some turns of the event loop. */
async function came(client: RawClient): Promise<string[]> {
  await new Promise((resolve) => setTimeout(resolve, 30))
  return client.packets.splice(0).map((one) => `${one.cmd} ${one.messageId}`)
}

/** A subscriber whose session outlives it; it is gone unless it stays. */
async function subscriber(port: number, waiting: { resolve: () => void }[], stays = false) {
  const { client } = await connectRaw(port, 'sub', { clean: false })
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'a', qos: 1 }] })
  await expect.poll(() => waiting.length).toBe(1)
  expect(client.packets).toEqual([])
  waiting.shift()?.resolve()
  expect((await client.next()).cmd).toBe('suback')
  if (!stays) client.end()
  await expect.poll(() => client.isClosed || stays).toBe(true)
  return client
}

describe('what is acknowledged is durable', () => {
  it('a subscription of a session that outlives its client, before SUBACK', async () => {
    const { subject, waiting } = await startWithDisk()
    await subscriber(subject.port, waiting)
  })

  it('a message for a session that waits, before PUBACK; those that follow keep their turn', async () => {
    const { subject, waiting } = await startWithDisk()
    await subscriber(subject.port, waiting)
    const { client } = await connectRaw(subject.port, 'pub')
    publish(client, 1)
    publish(client, 2, 'b')
    publish(client, 3)
    expect(await came(client)).toEqual([])
    await expect.poll(() => subject.published.length).toBe(3)
    waiting[1]?.resolve()
    expect(await came(client)).toEqual([])
    waiting[0]?.resolve()
    expect(await came(client)).toEqual(['puback 1', 'puback 2', 'puback 3'])
    publish(client, 4, 'b')
    expect(await came(client)).toEqual(['puback 4'])
    expect(waiting).toHaveLength(2)
  })

  it('costs those nothing whose messages no such session gets', async () => {
    const { subject, waiting } = await startWithDisk()
    const { client: clean } = await connectRaw(subject.port, 'clean')
    await subscribeRaw(clean, [{ topic: 'a', qos: 1 }])
    const { client } = await connectRaw(subject.port, 'pub')
    publish(client, 1)
    expect(await came(client)).toEqual(['puback 1'])
    expect(waiting).toEqual([])
  })

  it('a subscriber that is there gets its message without waiting for the disk', async () => {
    const { subject, waiting } = await startWithDisk()
    const sub = await subscriber(subject.port, waiting, true)
    const { client } = await connectRaw(subject.port, 'pub')
    publish(client, 1)
    expect(await sub.next()).toMatchObject({ cmd: 'publish', topic: 'a' })
    expect(await came(client)).toEqual([])
    waiting.shift()?.resolve()
    expect(await came(client)).toEqual(['puback 1'])
  })

  it('a refusal keeps its turn as well', async () => {
    const { subject, waiting } = await startWithDisk({
      publish: ({ topic }) =>
        topic === 'no'
          ? { accept: false, reason: 'quota_exceeded' }
          : { accept: true, route: true },
    })
    await subscriber(subject.port, waiting)
    const { client } = await connectRaw(subject.port, 'pub', { protocolVersion: 5 })
    client.socket.setNoDelay(true)
    publish(client, 1)
    publish(client, 2, 'no')
    expect(await came(client)).toEqual([])
    waiting.shift()?.resolve()
    expect(await came(client)).toEqual(['puback 1', 'puback 2'])
  })

  it('a disk that refuses ends the connection without an answer, so that the message comes again', async () => {
    const { subject, waiting } = await startWithDisk()
    await subscriber(subject.port, waiting)
    const { client } = await connectRaw(subject.port, 'pub')
    publish(client, 1)
    await expect.poll(() => waiting.length).toBe(1)
    waiting.shift()?.reject(new Error('disk full'))
    await client.closed
    expect(client.packets).toEqual([])
    expect(subject.log).toMatchObject([{ event: 'hook.failed', reason: 'publish: disk full' }])
  })

  it('a retained message, before PUBACK', async () => {
    const { subject, waiting } = await startWithDisk()
    const { client } = await connectRaw(subject.port, 'pub')
    client.send({
      cmd: 'publish',
      topic: 'r',
      payload: 'x',
      qos: 1,
      messageId: 1,
      retain: true,
      dup: false,
    })
    expect(await came(client)).toEqual([])
    waiting.shift()?.resolve()
    expect(await came(client)).toEqual(['puback 1'])
  })

  it('the id of a QoS 2 message of such a session, before PUBREC', async () => {
    const { subject, waiting } = await startWithDisk()
    const { client } = await connectRaw(subject.port, 'pub', { clean: false })
    publish(client, 5, 'x', 2)
    expect(await came(client)).toEqual([])
    waiting.shift()?.resolve()
    expect(await came(client)).toEqual(['pubrec 5'])
  })

  it('a message of the server, before its promise resolves', async () => {
    const { subject, waiting } = await startWithDisk()
    expect(subject.listener.publish({ topic: 'a', payload: 'x', qos: 1 })).toBeUndefined()
    await subscriber(subject.port, waiting)
    let done = false
    void subject.listener.publish({ topic: 'a', payload: 'x', qos: 1 })?.then(() => {
      done = true
    })
    await expect.poll(() => waiting.length).toBe(1)
    expect(done).toBe(false)
    waiting.shift()?.resolve()
    await expect.poll(() => done).toBe(true)
  })
})
