import { connect, type IClientOptions, type IConnackPacket } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { connectRaw, type Subject, startSubject, until } from './harness.ts'

let subject: Subject | undefined

async function start(options: Parameters<typeof startSubject>[0] = {}): Promise<Subject> {
  subject = await startSubject(options)
  return subject
}

afterEach(async () => {
  await subject?.stop()
  subject = undefined
})

/** A connected client that has noted every message since before its CONNECT. */
async function client(port: number, more: IClientOptions = {}) {
  const api = connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, ...more })
  const got: { topic: string; payload: string; qos: number; retain: boolean }[] = []
  api.on('message', (topic, payload, packet) => {
    got.push({ topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain })
  })
  const connack = await new Promise<IConnackPacket>((resolve, reject) => {
    api.once('connect', resolve)
    api.once('error', reject)
  })
  return Object.assign(api, { got, connack })
}

describe('MQTT 3.1.1 with the mqtt client', () => {
  it('takes QoS 0, 1 and 2 and hands each to the hook once', async () => {
    const { port, published, connected } = await start()
    const device = await client(port, { clientId: 'dev-1' })
    await device.publishAsync('a/0', 'zero', { qos: 0 })
    await device.publishAsync('a/1', 'one', { qos: 1 })
    await device.publishAsync('a/2', 'two', { qos: 2 })
    await device.endAsync()
    expect(connected.map(({ clientId }) => clientId)).toEqual(['dev-1'])
    expect(published.map(({ topic, qos, payload }) => [topic, qos, String(payload)])).toEqual([
      ['a/0', 0, 'zero'],
      ['a/1', 1, 'one'],
      ['a/2', 2, 'two'],
    ])
  })

  it('delivers to wildcard subscribers at the lower of both QoS', async () => {
    const { port } = await start()
    const listening = await client(port)
    const { got } = listening
    await listening.subscribeAsync({ 'a/+/c': { qos: 1 }, 'x/#': { qos: 2 } })
    const sending = await client(port)
    await sending.publishAsync('a/b/c', '1', { qos: 2 })
    await sending.publishAsync('x', '2', { qos: 1 })
    await sending.publishAsync('x/y/z', '3', { qos: 2 })
    await sending.publishAsync('a/b', 'none', { qos: 1 })
    await sending.publishAsync('x/end', '4', { qos: 0 })
    await until(() => got.length === 4)
    expect(got).toEqual([
      { topic: 'a/b/c', payload: '1', qos: 1, retain: false },
      { topic: 'x', payload: '2', qos: 1, retain: false },
      { topic: 'x/y/z', payload: '3', qos: 2, retain: false },
      { topic: 'x/end', payload: '4', qos: 0, retain: false },
    ])
    await Promise.all([listening.endAsync(), sending.endAsync()])
  })

  it('keeps a retained message for later subscribers until an empty one removes it', async () => {
    const { port, listener } = await start()
    const device = await client(port)
    await device.publishAsync('r/1', 'kept', { qos: 1, retain: true })
    await device.publishAsync('r/2', 'gone', { qos: 1, retain: true })
    await device.publishAsync('r/2', '', { qos: 1, retain: true })
    const later = await client(port)
    const { got } = later
    await later.subscribeAsync('r/+', { qos: 1 })
    await until(() => got.length === 1)
    expect(got).toEqual([{ topic: 'r/1', payload: 'kept', qos: 1, retain: true }])
    expect(listener.stats().retainedMessages).toBe(1)
    await Promise.all([device.endAsync(), later.endAsync()])
  })

  it('publishes the will of a client that is cut off, through the hook', async () => {
    const { port, published, disconnected } = await start()
    const watcher = await client(port, { clientId: 'watcher' })
    const { got } = watcher
    await watcher.subscribeAsync('wills/#', { qos: 1 })
    const { client: device } = await connectRaw(port, 'dying', {
      will: { topic: 'wills/dying', payload: 'gone', qos: 1, retain: false },
    })
    device.socket.destroy()
    await until(() => got.length === 1)
    expect(got[0]).toEqual({ topic: 'wills/dying', payload: 'gone', qos: 1, retain: false })
    expect(published.map(({ topic }) => topic)).toEqual(['wills/dying'])
    expect(disconnected).toEqual([{ clientId: 'dying', reason: 'error' }])
    await watcher.endAsync()
  })

  it('forgets the will on DISCONNECT', async () => {
    const { port, published, disconnected } = await start()
    const device = await client(port, {
      clientId: 'polite',
      will: { topic: 'wills/polite', payload: Buffer.from('gone'), qos: 1, retain: false },
    })
    await device.endAsync()
    await until(() => disconnected.length === 1)
    expect(disconnected).toEqual([{ clientId: 'polite', reason: 'client' }])
    expect(published).toEqual([])
  })

  it('queues QoS 1 and 2 for a persistent session while its client is away, in order', async () => {
    const { port, listener } = await start()
    const first = await client(port, { clientId: 'sleeper', clean: false })
    await first.subscribeAsync('q/#', { qos: 2 })
    await first.endAsync()
    const sending = await client(port)
    for (let index = 0; index < 10; index += 1) {
      await sending.publishAsync(`q/${index}`, `${index}`, { qos: index % 2 === 0 ? 1 : 2 })
    }
    await sending.publishAsync('q/lost', 'QoS 0', { qos: 0 })
    const again = await client(port, { clientId: 'sleeper', clean: false })
    expect(again.connack.sessionPresent).toBe(true)
    await until(() => again.got.length === 10)
    // The client hands out QoS 2 at PUBREL, so order holds within one QoS (MQTT-4.6.0-1 to -4).
    const ofQos = (qos: number) =>
      again.got.filter((message) => message.qos === qos).map(({ payload }) => payload)
    expect(ofQos(1)).toEqual(['0', '2', '4', '6', '8'])
    expect(ofQos(2)).toEqual(['1', '3', '5', '7', '9'])
    await until(() => listener.stats().queuedMessages === 0)
    expect(listener.stats().queuedBytes).toBe(0)
    await again.endAsync()
    await sending.endAsync()
  })
})
