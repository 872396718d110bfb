import { randomUUID } from 'node:crypto'
import type { IConnackPacket, MqttClient } from 'mqtt'
import {
  type LocalCounts,
  STATS_ANSWER_TOPIC,
  STATS_TOPIC,
  TIME_PROPERTY,
} from '../../adapters/local/index.ts'
import { CoreError, type Json } from '../../core/index.ts'
import { type RemoteTarget, readCounts, receivedBetween, type Sink } from './sink.ts'
import { createWindow, type Window } from './window.ts'

/** A device always goes over the same connection, so that its order stays. */
const CONNECTIONS = 4

/** On the way over one connection at most; fewer where the broker says so. */
const IN_FLIGHT = 250
const IN_FLIGHT_BYTES = 2_097_152

/** A broker that is away for longer is gone. Unit: ms. */
const GONE_AFTER_MS = 30_000
const RECONNECT_MS = 500
const CONNECT_TIMEOUT_MS = 10_000

/** A broker that has taken the question and does not answer for so long is no anyhub. Unit: ms. */
const STATS_TIMEOUT_MS = 1_000

/** What a PUBLISH packet has besides topic and payload, at most. Unit: bytes. */
const PACKET_OVERHEAD = 64

/**
 * A cloud over MQTT 5 at QoS 1. The event time goes along as a user property, the payload as it is.
 * @throws CoreError `channel.unavailable` if no MQTT broker answers there.
 */
export async function openMqtt({ url, token, onFault }: RemoteTarget): Promise<Sink> {
  const lines: Line[] = []
  try {
    while (lines.length < CONNECTIONS) lines.push(await connect(url, token, lines.length))
  } catch (error) {
    await Promise.all(lines.map(end))
    throw error
  }
  const fail = (error: CoreError): void => {
    for (const { window } of lines) window.fail(error)
  }
  const timers = lines.map((line) => watch(line, url, fail))
  const before = await askCounts(lines[0])

  return {
    send({ deviceId, line, topic, payload, at }) {
      const way = lines[shardOf(deviceId)]
      if (way === undefined) return undefined
      const bytes = payload.length + Buffer.byteLength(topic) + PACKET_OVERHEAD
      if (bytes > way.maximumPacketSize) {
        const reason = `expected a message of at most ${way.maximumPacketSize} bytes, the most that the broker takes, found one of ${bytes}`
        onFault({ line, reason })
        return undefined
      }
      const properties = { userProperties: { [TIME_PROPERTY]: String(at) } }
      way.client.publish(topic, asBuffer(payload), { qos: 1, properties }, (error) => {
        if (error) onFault({ line, reason: `the broker refused the message: ${error.message}` })
        way.window.give(bytes)
      })
      return way.window.take(bytes)
    },
    flush: () => undefined,
    async finish() {
      for (const { window } of lines) await window.idle()
      return receivedBetween(before, before === undefined ? undefined : await askCounts(lines[0]))
    },
    async close() {
      await Promise.all(lines.map(end))
      for (const stop of timers) stop()
    },
  }
}

/** One connection and what is on its way over it. */
interface Line {
  readonly client: MqttClient
  readonly window: Window
  /** Unit: bytes. */
  readonly maximumPacketSize: number
}

async function connect(url: string, token: string | undefined, index: number): Promise<Line> {
  const mqtt = await import('mqtt')
  const client = mqtt.connect(url, {
    protocolVersion: 5,
    clientId: `anyhub-replay-${randomUUID()}-${index}`,
    clean: true,
    reconnectPeriod: RECONNECT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(token === undefined ? {} : { username: 'admin', password: token }),
  })
  try {
    const { properties } = await new Promise<IConnackPacket>((resolve, reject) => {
      client.once('connect', resolve)
      client.once('error', reject)
      client.once('close', () => reject(new Error('the connection was closed')))
    })
    // Every fault from here on shows as a lost connection, which heals or is noticed by its length.
    client.on('error', () => undefined)
    const messages = Math.min(IN_FLIGHT, properties?.receiveMaximum ?? IN_FLIGHT)
    return {
      client,
      window: createWindow({ messages, bytes: IN_FLIGHT_BYTES }),
      maximumPacketSize: properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    }
  } catch (cause) {
    client.on('error', () => undefined)
    client.end(true)
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'no answer'
    throw new CoreError('channel.unavailable', `no MQTT 5 broker answers at ${url}: ${reason}`, {
      cause,
    })
  }
}

/** Notices that a connection does not come back. Result: ends the watch. */
function watch(
  { client, window }: Line,
  url: string,
  fail: (error: CoreError) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined
  client.on('close', () => {
    timer ??= setTimeout(() => {
      const reason = `lost the connection to ${url}; ${window.size} messages have no acknowledgement`
      fail(new CoreError('channel.unavailable', reason))
    }, GONE_AFTER_MS)
  })
  client.on('connect', () => {
    clearTimeout(timer)
    timer = undefined
  })
  return () => clearTimeout(timer)
}

/** Asks the cloud for its counters. `undefined`: it is no anyhub, and says nothing. */
async function askCounts(line: Line | undefined): Promise<LocalCounts | undefined> {
  if (line === undefined) return undefined
  const { client } = line
  const { promise, resolve } = Promise.withResolvers<LocalCounts | undefined>()
  client.once('message', (_topic, payload) => resolve(readAnswer(payload)))
  let timer: NodeJS.Timeout | undefined
  try {
    await client.subscribeAsync(STATS_ANSWER_TOPIC, { qos: 0 })
    await client.publishAsync(STATS_TOPIC, '', { qos: 1 })
    timer = setTimeout(() => resolve(undefined), STATS_TIMEOUT_MS)
    return await promise
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

function readAnswer(payload: Uint8Array): LocalCounts | undefined {
  try {
    const value: Json = JSON.parse(new TextDecoder().decode(payload))
    return readCounts(value)
  } catch {
    return undefined
  }
}

async function end({ client }: Pick<Line, 'client'>): Promise<void> {
  await client.endAsync(!client.connected)
}

/** Which connection a device goes over. */
function shardOf(deviceId: string): number {
  let hash = 0
  for (let index = 0; index < deviceId.length; index++)
    hash = (Math.imul(hash, 31) + deviceId.charCodeAt(index)) >>> 0
  return hash % CONNECTIONS
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
