import { createServer as createHttpServer } from 'node:http'
import { connect as dial } from 'node:net'
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { createMqttListener } from '../../../../adapters/local/listeners/mqtt/index.ts'
import { type Subject, startSubject, until } from './harness.ts'

let subject: Subject | undefined
const clients: MqttClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true)
  await subject?.stop()
  subject = undefined
})

async function start(options: Parameters<typeof startSubject>[0] = {}): Promise<Subject> {
  subject = await startSubject(options)
  return subject
}

/** A connected MQTT 5 client that has noted every packet since before its CONNECT. */
async function client(url: string, more: IClientOptions = {}) {
  const api = connect(url, { protocolVersion: 5, reconnectPeriod: 0, ...more })
  clients.push(api)
  const got: IPublishPacket[] = []
  // With an alias the packet's own topic is empty; the client says which one it stands for.
  api.on('message', (topic, _payload, packet) => got.push({ ...packet, topic }))
  await new Promise((resolve, reject) => {
    api.once('connect', resolve)
    api.once('error', reject)
  })
  return Object.assign(api, { got })
}

describe('MQTT 5 with the mqtt client', () => {
  it('asks and answers: response topic, correlation data, user properties', async () => {
    const { port } = await start()
    const url = `mqtt://127.0.0.1:${port}`
    const device = await client(url, { clientId: 'device' })
    await device.subscribeAsync('commands/device', { qos: 1 })
    device.on('message', (_topic, payload, { properties = {} }) => {
      const { responseTopic = '', correlationData = Buffer.alloc(0) } = properties
      device.publish(responseTopic, `done: ${payload}`, { qos: 1, properties: { correlationData } })
    })
    const asking = await client(url)
    await asking.subscribeAsync('answers/+', { qos: 1 })
    asking.publish('commands/device', 'reboot', {
      qos: 1,
      properties: {
        responseTopic: 'answers/1',
        correlationData: Buffer.from('42'),
        userProperties: { trace: 'abc' },
      },
    })
    await until(() => asking.got.length === 1)
    expect(String(asking.got[0]?.payload)).toBe('done: reboot')
    expect(asking.got[0]?.properties?.correlationData).toEqual(Buffer.from('42'))
    expect(device.got[0]?.properties?.userProperties).toMatchObject({ trace: 'abc' })
  })

  it('uses topic aliases in both directions', async () => {
    const { port, published } = await start()
    const api = await client(`mqtt://127.0.0.1:${port}`, {
      autoAssignTopicAlias: true,
      properties: { topicAliasMaximum: 5 },
    })
    await api.subscribeAsync('long/topic/name', { qos: 1 })
    for (let index = 0; index < 5; index += 1) {
      await api.publishAsync('long/topic/name', `${index}`, { qos: 1 })
    }
    await until(() => api.got.length === 5)
    expect(published.map(({ topic }) => topic)).toEqual(Array(5).fill('long/topic/name'))
    expect(api.got.map(({ topic }) => topic)).toEqual(Array(5).fill('long/topic/name'))
  })

  it('rejects the publish promise with the reason of the hook', async () => {
    const { port } = await start({
      hooks: { publish: () => ({ accept: false, reason: 'quota_exceeded' }) },
    })
    const api = await client(`mqtt://127.0.0.1:${port}`)
    await expect(api.publishAsync('a', 'x', { qos: 1 })).rejects.toMatchObject({ code: 0x97 })
  })

  it('resumes a session with QoS 2 in the middle', async () => {
    const { port } = await start()
    const url = `mqtt://127.0.0.1:${port}`
    const options = {
      clientId: 'resuming',
      clean: false,
      properties: { sessionExpiryInterval: 60 },
    }
    const first = await client(url, options)
    await first.subscribeAsync('a/#', { qos: 2 })
    await first.endAsync()
    const sending = await client(url)
    for (let index = 0; index < 50; index += 1) {
      await sending.publishAsync('a/b', `${index}`, { qos: 2 })
    }
    const second = await client(url, options)
    await until(() => second.got.length === 50)
    expect(second.got.map(({ payload }) => Number(payload))).toEqual(
      Array.from({ length: 50 }, (_, index) => index),
    )
    await until(() => subject?.listener.stats().queuedMessages === 0)
  })

  it('MQTT 3.1 clients are served as well', async () => {
    const { port, connected } = await start()
    const api = await client(`mqtt://127.0.0.1:${port}`, {
      protocolId: 'MQIsdp',
      protocolVersion: 3,
    })
    await api.subscribeAsync('a', { qos: 1 })
    await api.publishAsync('a', 'x', { qos: 1 })
    await until(() => api.got.length === 1)
    expect(connected[0]?.protocolVersion).toBe(3)
  })
})

describe('other streams', () => {
  it('MQTT-6.0.0-2: WebSocket, whatever the frames hold', async () => {
    const published: string[] = []
    const listener = createMqttListener({
      hooks: {
        connect: () => ({ accept: true, principal: 'p' }),
        publish: ({ topic, payload }) => {
          published.push(`${topic} ${payload.length}`)
          return { accept: true, route: true }
        },
        subscribe: () => ({ accept: true }),
        connected() {},
        disconnected() {},
      },
    })
    const http = createHttpServer()
    const server = new WebSocketServer({ server: http, handleProtocols: () => 'mqtt' })
    server.on('connection', (socket) => {
      listener.attach(createWebSocketStream(socket), { secure: false, websocket: true })
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const address = http.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const api = await client(`ws://127.0.0.1:${port}/mqtt`)
    await api.subscribeAsync('a', { qos: 1 })
    await api.publishAsync('a', 'x'.repeat(100_000), { qos: 1 })
    await until(() => api.got.length === 1)
    expect(api.got[0]?.payload).toHaveLength(100_000)
    expect(published).toEqual(['a 100000'])
    await api.endAsync()
    await listener.close()
    expect(listener.connections).toBe(0)
    server.close()
    http.close()
  })

  it('a peer that is gone without a word is noticed', async () => {
    const { port, disconnected, listener } = await start()
    const socket = dial(port, '127.0.0.1')
    socket.on('error', () => {})
    await client(`mqtt://127.0.0.1:${port}`, { clientId: 'steady' })
    await until(() => listener.connections === 2)
    socket.resetAndDestroy()
    await until(() => listener.connections === 1)
    expect(disconnected).toEqual([])
  })
})
