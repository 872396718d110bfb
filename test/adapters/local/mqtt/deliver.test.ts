import { afterEach, describe, expect, it } from 'vitest'
import {
  connectRaw,
  nextPublish,
  type RawClient,
  type Subject,
  startSubject,
  subscribeRaw,
  until,
} from './harness.ts'

let subject: Subject
const clients: RawClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await subject.stop()
})

async function start(options: Parameters<typeof startSubject>[0] = {}): Promise<Subject> {
  subject = await startSubject(options)
  return subject
}

async function device(
  clientId: string,
  more: Parameters<typeof connectRaw>[2] = {},
): Promise<RawClient> {
  const { client } = await connectRaw(subject.port, clientId, more)
  clients.push(client)
  return client
}

const command = { topic: 'devices/dev/commands/reboot', payload: 'now', qos: 1 } as const

describe('deliver', () => {
  it('resolves on PUBACK, and nobody else gets the message', async () => {
    await start()
    const dev = await device('dev')
    const other = await device('other')
    for (const client of [dev, other])
      await subscribeRaw(client, [{ topic: 'devices/dev/commands/#', qos: 1 }])
    let handed: string | undefined
    const delivered = subject.listener.deliver('dev', command).then((outcome) => {
      handed = outcome
    })
    const got = await nextPublish(dev)
    expect(got).toMatchObject({ topic: command.topic, payload: Buffer.from('now'), qos: 1 })
    expect(handed).toBeUndefined()
    dev.send({ cmd: 'puback', messageId: got.messageId! })
    await delivered
    expect(handed).toBe('acknowledged')
    expect(other.packets).toEqual([])
  })

  it('is offline for who is away, also with a session that waits, and keeps nothing for it', async () => {
    await start()
    expect(await subject.listener.deliver('nobody', command)).toBe('offline')
    const dev = await device('dev', { clean: false })
    await subscribeRaw(dev, [{ topic: 'devices/dev/commands/#', qos: 1 }])
    dev.end()
    await until(() => subject.disconnected.length === 1)
    expect(await subject.listener.deliver('dev', command)).toBe('offline')
    const again = await device('dev', { clean: false })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(again.packets).toEqual([])
    expect(subject.listener.stats().queuedMessages).toBe(0)
  })

  it('says so where nothing that is subscribed matches, or the topic is none', async () => {
    await start()
    const dev = await device('dev')
    await subscribeRaw(dev, [
      { topic: 'devices/dev/methods/#', qos: 1 },
      { topic: '$share/group/devices/dev/commands/#', qos: 1 },
    ])
    expect(await subject.listener.deliver('dev', command)).toBe('not_subscribed')
    expect(await subject.listener.deliver('dev', { ...command, topic: 'a/+' })).toBe(
      'not_subscribed',
    )
  })

  it('is lost when the connection ends before PUBACK, and does not come again', async () => {
    await start()
    const dev = await device('dev', { clean: false })
    await subscribeRaw(dev, [{ topic: 'devices/dev/commands/#', qos: 1 }])
    const delivered = subject.listener.deliver('dev', command)
    await nextPublish(dev)
    dev.end()
    expect(await delivered).toBe('lost')
    const again = await device('dev', { clean: false })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(again.packets).toEqual([])
    expect(subject.listener.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0 })
  })

  it('is lost when another connection takes the client over', async () => {
    await start()
    const dev = await device('dev')
    await subscribeRaw(dev, [{ topic: 'devices/dev/commands/#', qos: 1 }])
    const delivered = subject.listener.deliver('dev', command)
    await nextPublish(dev)
    await device('dev')
    expect(await delivered).toBe('lost')
  })

  it('keeps to the receive maximum; what waited is lost with the connection', async () => {
    await start()
    const dev = await device('dev', { protocolVersion: 5, properties: { receiveMaximum: 2 } })
    await subscribeRaw(dev, [{ topic: 'devices/dev/commands/#', qos: 1 }])
    const outcomes: string[] = []
    const all = [1, 2, 3, 4].map(async (number) => {
      const topic = `devices/dev/commands/c${number}`
      const outcome = await subject.listener.deliver('dev', { ...command, topic })
      outcomes.push(`${number} ${outcome}`)
    })
    const first = await nextPublish(dev)
    await nextPublish(dev)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(dev.packets).toEqual([])
    dev.send({ cmd: 'puback', messageId: first.messageId! })
    expect(await nextPublish(dev)).toMatchObject({ topic: 'devices/dev/commands/c3' })
    dev.end()
    await Promise.all(all)
    expect(outcomes.toSorted()).toEqual(['1 acknowledged', '2 lost', '3 lost', '4 lost'])
    expect(subject.listener.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0 })
  })

  it('is refused by a PUBACK that says no, and by a client that takes no packet of this size', async () => {
    await start()
    const dev = await device('dev', { protocolVersion: 5, properties: { maximumPacketSize: 80 } })
    await subscribeRaw(dev, [{ topic: 'devices/dev/commands/#', qos: 1 }])
    const delivered = subject.listener.deliver('dev', command)
    const got = await nextPublish(dev)
    dev.send({ cmd: 'puback', messageId: got.messageId!, reasonCode: 0x83 })
    expect(await delivered).toBe('refused')
    const large = { ...command, payload: 'x'.repeat(80) }
    expect(await subject.listener.deliver('dev', large)).toBe('refused')
  })

  it('a grant of QoS 0 is acknowledged once the message was handed over', async () => {
    await start()
    const dev = await device('dev')
    await subscribeRaw(dev, [{ topic: 'devices/dev/commands/#', qos: 0 }])
    expect(await subject.listener.deliver('dev', command)).toBe('acknowledged')
    expect(await nextPublish(dev)).toMatchObject({ topic: command.topic, qos: 0 })
  })

  it('leaves the messages of the session as they are', async () => {
    await start()
    const dev = await device('dev', { clean: false })
    await subscribeRaw(dev, [{ topic: 'devices/dev/#', qos: 1 }])
    void subject.listener.publish({ topic: 'devices/dev/news', payload: 'kept', qos: 1 })
    const delivered = subject.listener.deliver('dev', command)
    await nextPublish(dev)
    await nextPublish(dev)
    dev.end()
    expect(await delivered).toBe('lost')
    const again = await device('dev', { clean: false })
    expect(await nextPublish(again)).toMatchObject({ topic: 'devices/dev/news', dup: true })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(again.packets).toEqual([])
  })
})

describe('the subscription hooks', () => {
  it('tell of each filter after the client was told, with the granted QoS', async () => {
    const told: string[] = []
    await start({
      hooks: {
        subscribe: (filter) => (filter === 'no' ? { accept: false } : { accept: true, qos: 1 }),
        subscribed: (client, filter, qos) => told.push(`+ ${client.clientId} ${filter} ${qos}`),
        unsubscribed: (client, filter) => told.push(`- ${client.clientId} ${filter}`),
      },
    })
    const dev = await device('dev')
    await subscribeRaw(dev, [
      { topic: 'a/#', qos: 2 },
      { topic: 'no', qos: 1 },
      { topic: 'b', qos: 0 },
    ])
    expect(told).toEqual(['+ dev a/# 1', '+ dev b 0'])
    dev.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['b', 'never'] })
    expect(await dev.next()).toMatchObject({ cmd: 'unsuback' })
    expect(told.slice(2)).toEqual(['- dev b'])
  })

  it('tell again of what a resumed session has, after `connected`', async () => {
    const told: string[] = []
    await start({
      hooks: {
        connected: () => told.push('connected'),
        subscribed: (_client, filter) => told.push(filter),
      },
    })
    const dev = await device('dev', { clean: false })
    await subscribeRaw(dev, [{ topic: 'a', qos: 1 }])
    dev.end()
    await until(() => subject.disconnected.length === 1)
    await device('dev', { clean: false })
    expect(told).toEqual(['connected', 'a', 'connected', 'a'])
  })

  it('that fail are logged and harm nobody', async () => {
    await start({
      hooks: {
        subscribed: () => {
          throw new Error('broken')
        },
      },
    })
    const dev = await device('dev')
    expect(await subscribeRaw(dev, [{ topic: 'a', qos: 1 }])).toEqual([1])
    expect(subject.log).toMatchObject([{ event: 'hook.failed', reason: 'subscribed: broken' }])
    expect(dev.isClosed).toBe(false)
  })
})
