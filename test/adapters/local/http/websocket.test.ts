import { connect, connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { openCloud, type TestCloud } from '../cloud.ts'
import { openListener } from './listener.ts'
import { ask, dial } from './raw.ts'

const wsUrl = (cloud: TestCloud) => `${cloud.http.replace('http:', 'ws:')}/mqtt`

async function client(cloud: TestCloud, options: object = {}): Promise<MqttClient> {
  const opened = await connectAsync(wsUrl(cloud), { reconnectPeriod: 0, ...options })
  onTestFinished(() => opened.endAsync(true))
  return opened
}

const UPGRADE = {
  host: 'localhost',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

describe('MQTT over WebSocket', () => {
  it.each([
    ['3.1', { protocolId: 'MQIsdp', protocolVersion: 3 }],
    ['3.1.1', { protocolVersion: 4 }],
    ['5', { protocolVersion: 5 }],
  ])(
    '%s: QoS 1 is acknowledged when it is stored, and reaches who subscribes',
    async (_version, options) => {
      const cloud = await openCloud()
      const device = await client(cloud, { ...options, clientId: 'dev-1' })
      const watcher = await client(cloud, { ...options, clientId: 'watcher' })
      const seen: string[] = []
      watcher.on('message', (topic, payload, packet) =>
        seen.push(`${topic} ${payload} qos ${packet.qos}`),
      )
      await watcher.subscribeAsync('devices/+/telemetry', { qos: 1 })
      await device.publishAsync('devices/dev-1/telemetry', '{"temp":31}', { qos: 1 })
      expect(await cloud.core.ports.telemetry.count('dev-1')).toBe(1)
      await expect.poll(() => seen).toEqual(['devices/dev-1/telemetry {"temp":31} qos 1'])
    },
  )

  it('takes a burst, in frames as they come', async () => {
    const cloud = await openCloud()
    const device = await client(cloud, { clientId: 'dev-1' })
    await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        device.publishAsync('devices/dev-1/telemetry', JSON.stringify({ index }), { qos: 1 }),
      ),
    )
    expect(await cloud.core.ports.telemetry.count('dev-1')).toBe(500)
  })

  it('takes a packet over several frames, and several packets in one', async () => {
    const cloud = await openCloud()
    const socket = new WebSocket(wsUrl(cloud), 'mqtt')
    onTestFinished(() => socket.terminate())
    const received: number[] = []
    socket.on('message', (data: Buffer) => received.push(...data))
    await new Promise((resolve) => socket.once('open', resolve))
    expect(socket.protocol).toBe('mqtt')
    const connectPacket = Buffer.from('100f00044d5154540402003c0003646576', 'hex')
    for (const byte of connectPacket) socket.send(Buffer.from([byte]))
    await expect.poll(() => Buffer.from(received).toString('hex')).toBe('20020000')
    // Two PINGREQ and the start of a third.
    socket.send(Buffer.from('c000c000c0', 'hex'))
    socket.send(Buffer.from('00', 'hex'))
    await expect.poll(() => Buffer.from(received).toString('hex')).toBe('20020000d000d000d000')
  })

  it('a page of our own may connect', async () => {
    const cloud = await openCloud()
    const own = new WebSocket(wsUrl(cloud), 'mqtt', { origin: cloud.http })
    onTestFinished(() => own.terminate())
    await new Promise((resolve) => own.once('open', resolve))
    expect(own.protocol).toBe('mqtt')
  })

  it.each([
    ['a page of another site', { origin: 'https://evil.example' }, 403],
    ['a sandboxed page', { origin: 'null' }, 403],
    ['a rebound name', { host: 'evil.example' }, 403],
    ['another path', { path: '/other' }, 404],
    ['a path below', { path: '/mqtt/x' }, 404],
    ['a path that is no URL', { path: '//' }, 404],
    ['a path that is half a URL', { path: 'http://[' }, 404],
    ['another version of the protocol', { 'sec-websocket-version': '99' }, 400],
    ['no key', { 'sec-websocket-key': 'short' }, 400],
  ])('%s may not', async (_who, change, status) => {
    const cloud = await openCloud()
    const { path = '/mqtt', ...headers } = { path: '/mqtt', ...change }
    const answer = await ask(cloud.httpPort!, `GET ${path}`, { ...UPGRADE, ...headers })
    expect(answer.status).toBe(status)
    expect((await cloud.call('/healthz')).status).toBe(200)
  })

  it('who asks and is gone at once harms nobody', async () => {
    const cloud = await openCloud()
    for (let index = 0; index < 50; index++) {
      const path = index % 2 === 0 ? '/mqtt' : '/nope'
      const head = Object.entries(UPGRADE).map(([name, value]) => `${name}: ${value}\r\n`)
      const { socket } = await dial(
        cloud.httpPort!,
        `GET ${path} HTTP/1.1\r\n${head.join('')}\r\n${'x'.repeat(index * 100)}`,
      )
      socket.resetAndDestroy()
    }
    expect((await cloud.call('/healthz')).status).toBe(200)
    await expect.poll(async () => (await cloud.stats())['mqtt.connections']).toBe(0)
  })

  it('a text frame ends the connection', async () => {
    const { port, streams } = await openListener()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send('text')
    await closed
    const [stream] = streams
    stream!.resume()
    await expect.poll(() => stream!.readableEnded || stream!.destroyed).toBe(true)
  })

  it.each([
    ['a frame over the limit', (socket: WebSocket) => socket.send(Buffer.alloc(3_000_000))],
    [
      'a frame that is none',
      (socket: WebSocket) => rawSocket(socket).write('\u0000\u00ff\u00ff\u00ff'),
    ],
    ['a reset', (socket: WebSocket) => rawSocket(socket).resetAndDestroy()],
    ['a packet before CONNECT', (socket: WebSocket) => socket.send(Buffer.from([0xc0, 0]))],
  ])('%s ends one connection and nothing else', async (_what, misbehave) => {
    const cloud = await openCloud()
    const other = await client(cloud, { clientId: 'other' })
    const socket = new WebSocket(wsUrl(cloud), 'mqtt')
    socket.on('error', () => undefined)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('open', resolve))
    misbehave(socket)
    await closed
    await expect.poll(async () => (await cloud.stats())['mqtt.connections']).toBe(1)
    await other.publishAsync('devices/other/telemetry', '{"temp":1}', { qos: 1 })
    expect(await cloud.core.ports.telemetry.count('other')).toBe(1)
  })

  it('comes back after the cloud did', async () => {
    const first = await openCloud()
    const port = first.httpPort!
    const device = connect(wsUrl(first), { clientId: 'dev-1', reconnectPeriod: 50 })
    onTestFinished(() => device.endAsync(true))
    await new Promise((resolve) => device.once('connect', resolve))
    const again = new Promise((resolve) => device.once('connect', resolve))
    await first.close()
    const second = await openCloud({ data: first.data, settings: { httpPort: port } })
    await again
    await device.publishAsync('devices/dev-1/telemetry', '{"temp":2}', { qos: 1 })
    expect(await second.core.ports.telemetry.count('dev-1')).toBe(1)
  })
})

/** The TCP socket of a WebSocket, which its types keep to themselves. */
function rawSocket(socket: WebSocket): import('node:net').Socket {
  return (socket as unknown as { _socket: import('node:net').Socket })._socket
}
