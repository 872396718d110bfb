import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import mqttPacket, {
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type ISubscription,
  type Packet,
} from 'mqtt-packet'
import {
  createMqttListener,
  type MqttClientInfo,
  type MqttHooks,
  type MqttListener,
  type MqttListenerOptions,
  type MqttLogEvent,
  type MqttPublish,
} from '../../../../adapters/local/listeners/mqtt/index.ts'

/** A listener behind a real socket, with hooks that accept all and note what they saw. */
export interface Subject {
  readonly listener: MqttListener
  readonly port: number
  readonly published: MqttPublish[]
  readonly connected: MqttClientInfo[]
  readonly disconnected: { clientId: string; reason: string }[]
  readonly log: MqttLogEvent[]
  stop(): Promise<void>
}

export async function startSubject(
  options: Omit<MqttListenerOptions, 'hooks'> & { hooks?: Partial<MqttHooks> } = {},
): Promise<Subject> {
  const published: MqttPublish[] = []
  const connected: MqttClientInfo[] = []
  const disconnected: { clientId: string; reason: string }[] = []
  const log: MqttLogEvent[] = []
  const listener = createMqttListener({
    ...options,
    hooks: {
      connect: (request) => ({ accept: true, principal: request.clientId }),
      publish: (message) => {
        published.push({ ...message, payload: Buffer.from(message.payload) })
        return { accept: true, route: true }
      },
      subscribe: () => ({ accept: true }),
      connected: (client) => connected.push(client),
      disconnected: ({ clientId }, reason) => disconnected.push({ clientId, reason }),
      log: (event) => log.push(event),
      ...options.hooks,
    },
  })
  const server = createServer((socket) => {
    listener.attach(socket, {
      secure: false,
      websocket: false,
      remoteAddress: socket.remoteAddress,
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    listener,
    port: portOf(server),
    published,
    connected,
    disconnected,
    log,
    async stop() {
      server.close()
      await listener.close()
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A client that speaks in bytes and reads the answers with a codec that is not ours. */
export interface RawClient {
  readonly socket: Socket
  /** Every packet that came and was not yet taken. */
  readonly packets: Packet[]
  send(...packets: (Packet | Buffer | string)[]): void
  /** The next packet; fails if the connection closes first or none comes within `ms`. */
  next(ms?: number): Promise<Packet>
  /** Resolves when the server closed the connection. */
  readonly closed: Promise<void>
  readonly isClosed: boolean
  end(): void
}

export async function openRaw(port: number, protocolVersion: 3 | 4 | 5 = 4): Promise<RawClient> {
  const socket = dial(port, '127.0.0.1')
  const packets: Packet[] = []
  const waiting: (() => void)[] = []
  const parser = mqttPacket.parser({ protocolVersion })
  let isClosed = false
  const wake = () => {
    for (const resume of waiting.splice(0)) resume()
  }
  parser.on('packet', (packet) => {
    packets.push(packet)
    wake()
  })
  parser.on('error', (error) => socket.destroy(error))
  socket.on('data', (chunk) => parser.parse(chunk))
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      isClosed = true
      wake()
      resolve()
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    socket,
    packets,
    send(...items) {
      socket.write(Buffer.concat(items.map((item) => toBytes(item, protocolVersion))))
    },
    async next(ms = 2_000) {
      const until = Date.now() + ms
      for (;;) {
        const packet = packets.shift()
        if (packet) return packet
        if (isClosed) throw new Error('connection closed while a packet was expected')
        if (Date.now() >= until) throw new Error(`no packet within ${ms} ms`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, until - Date.now())
          waiting.push(() => {
            clearTimeout(timer)
            resolve()
          })
        })
      }
    },
    closed,
    get isClosed() {
      return isClosed
    },
    end: () => socket.destroy(),
  }
}

function toBytes(item: Packet | Buffer | string, protocolVersion: number): Buffer {
  if (typeof item === 'string') return Buffer.from(item.replaceAll(' ', ''), 'hex')
  if (Buffer.isBuffer(item)) return item
  return mqttPacket.generate(item, { protocolVersion })
}

/** A CONNECT with the usual values. */
export function connectPacket(clientId: string, more: Partial<IConnectPacket> = {}): Packet {
  return {
    cmd: 'connect',
    protocolId: more.protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: 4,
    clientId,
    clean: true,
    keepalive: 0,
    ...more,
  }
}

/** Opens a client, connects it and takes the CONNACK. */
export async function connectRaw(
  port: number,
  clientId: string,
  more: Partial<IConnectPacket> = {},
): Promise<{ client: RawClient; connack: IConnackPacket }> {
  const client = await openRaw(port, more.protocolVersion ?? 4)
  client.send(connectPacket(clientId, more))
  const connack = await client.next()
  if (connack.cmd !== 'connack') throw new Error(`CONNACK expected, not ${connack.cmd}`)
  return { client, connack }
}

/** Subscribes and takes the SUBACK; gives the codes. */
export async function subscribeRaw(
  client: RawClient,
  subscriptions: ISubscription[],
  properties?: ISubscribePacket['properties'],
): Promise<unknown> {
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions, ...(properties && { properties }) })
  const suback = await client.next()
  if (suback.cmd !== 'suback') throw new Error(`SUBACK expected, not ${suback.cmd}`)
  return suback.granted
}

/** The next packet, which must be a PUBLISH. */
export async function nextPublish(client: RawClient): Promise<IPublishPacket> {
  const packet = await client.next()
  if (packet.cmd !== 'publish') throw new Error(`PUBLISH expected, not ${packet.cmd}`)
  return packet
}

/** Sends PINGREQ and gives everything that came before its answer. */
export async function drain(client: RawClient): Promise<Packet[]> {
  client.send({ cmd: 'pingreq' })
  const before: Packet[] = []
  for (;;) {
    const packet = await client.next()
    if (packet.cmd === 'pingresp') return before
    before.push(packet)
  }
}

/** A clock that stands still until it is told to move. */
export interface FakeTime {
  clock(): number
  setTimer(callback: () => void, ms: number): () => void
  advance(ms: number): void
}

export function createFakeTime(start = 1_700_000_000_000): FakeTime {
  let now = start
  let timers: { at: number; callback: () => void }[] = []
  return {
    clock: () => now,
    setTimer(callback, ms) {
      const timer = { at: now + ms, callback }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance(ms) {
      const end = now + ms
      for (;;) {
        const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (!due) break
        timers = timers.filter((other) => other !== due)
        now = due.at
        due.callback()
      }
      now = end
    },
  }
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  const deadline = Date.now() + ms
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`condition did not hold within ${ms} ms`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Bytes of a string behind its two-byte length. */
export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

/** A packet of bytes: hex strings, numbers and buffers behind a first byte and the right length. */
export function bytesOf(first: number, ...body: (Buffer | number[] | string)[]): Buffer {
  const whole = Buffer.concat(
    body.map((part) =>
      typeof part === 'string' ? Buffer.from(part.replaceAll(' ', ''), 'hex') : Buffer.from(part),
    ),
  )
  const length: number[] = []
  let rest = whole.length
  do {
    length.push(rest > 127 ? (rest & 127) | 128 : rest)
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from([first, ...length]), whole])
}
