import { duplexPair } from 'node:stream'
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createMqttListener,
  type MqttListener,
} from '../../../../adapters/local/listeners/mqtt/index.ts'
import { until } from './harness.ts'

const unhandled: unknown[] = []
const note = (error: unknown) => unhandled.push(error)

beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
})
afterEach(() => {
  process.off('unhandledRejection', note)
  process.off('uncaughtException', note)
})

function listen(): MqttListener {
  let turn = 0
  return createMqttListener({
    limits: { maxPacketBytes: 5_000, closeTimeoutMs: 1_000, maxUnackedMessages: 8 },
    hooks: {
      connect: async () => ({ accept: true, principal: 'p' }),
      publish: () => {
        turn += 1
        if (turn % 3 === 0) return { accept: true, route: true }
        return Promise.resolve({ accept: true, route: true })
      },
      subscribe: async () => ({ accept: true }),
      connected() {},
      disconnected() {},
    },
  })
}

/** Sends bytes over a stream of its own, in pieces, and leaves. */
async function play(listener: MqttListener, bytes: Buffer, cuts: readonly number[]) {
  const [near, far] = duplexPair()
  near.on('error', () => {})
  far.on('error', () => {})
  listener.attach(near, { secure: false, websocket: false })
  far.resume()
  let at = 0
  for (let turn = 0; at < bytes.length; turn += 1) {
    const end = at + Math.max(1, cuts[turn % cuts.length] ?? 1)
    far.write(bytes.subarray(at, end))
    at = end
    if (turn % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  far.destroy()
  near.destroy()
}

const cuts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 8 })
const version = fc.constantFrom(3 as const, 4 as const, 5 as const)

function connect(protocolVersion: 3 | 4 | 5, clean: boolean): Packet {
  return {
    cmd: 'connect',
    protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion,
    clientId: 'fuzz',
    clean,
    keepalive: 10,
    will: { topic: 'w', payload: Buffer.from('bye'), qos: 1, retain: true },
  }
}

/** Packets that mean something, so that a flipped bit lands deep inside. */
const SENSIBLE: Packet[] = [
  {
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [
      { topic: 'a/+', qos: 2 },
      { topic: '$share/g/#', qos: 1 },
    ],
  },
  { cmd: 'publish', topic: 'a/b', payload: 'x', qos: 0, dup: false, retain: true },
  { cmd: 'publish', topic: 'a/b', payload: 'yy', qos: 1, dup: false, retain: false, messageId: 2 },
  {
    cmd: 'publish',
    topic: 'a/c',
    payload: 'zzz',
    qos: 2,
    dup: false,
    retain: true,
    messageId: 3,
    properties: {
      topicAlias: 2,
      messageExpiryInterval: 5,
      contentType: 'text/plain',
      userProperties: { a: ['1', '2'] },
      correlationData: Buffer.from([1]),
    },
  },
  { cmd: 'pubrel', messageId: 3 },
  { cmd: 'puback', messageId: 1 },
  { cmd: 'pubrec', messageId: 1 },
  { cmd: 'pubcomp', messageId: 1 },
  { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a/+', 'none'] },
  { cmd: 'pingreq' },
  { cmd: 'disconnect', reasonCode: 4 },
]

function encode(packets: readonly Packet[], protocolVersion: number): Buffer {
  return Buffer.concat(packets.map((packet) => mqttPacket.generate(packet, { protocolVersion })))
}

/** Everything that clean clients brought is gone again. */
async function expectNothingLeft(listener: MqttListener) {
  await until(() => listener.connections === 0)
  await until(() => listener.stats().unackedBytes === 0)
  expect(listener.stats()).toMatchObject({
    sessions: 0,
    subscriptions: 0,
    queuedMessages: 0,
    queuedBytes: 0,
  })
  expect(unhandled).toEqual([])
}

describe('bytes that nobody meant', () => {
  it('of any kind neither crash nor leak', async () => {
    const listener = listen()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), cuts, async (bytes, pieces) => {
        await play(listener, Buffer.from(bytes), pieces)
      }),
      { numRuns: 300 },
    )
    await expectNothingLeft(listener)
    await listener.close()
  })

  it('behind a CONNECT neither crash nor leak', async () => {
    const listener = listen()
    await fc.assert(
      fc.asyncProperty(
        version,
        fc.uint8Array({ maxLength: 300 }),
        cuts,
        async (of, bytes, pieces) => {
          const start = encode([connect(of, true)], of)
          await play(listener, Buffer.concat([start, bytes]), pieces)
        },
      ),
      { numRuns: 300 },
    )
    await expectNothingLeft(listener)
    await listener.close()
  })

  it.each([
    ['behind CONNECT', false],
    ['anywhere', true],
  ])(
    'made of sensible packets with some bytes changed %s neither crash nor leak',
    async (_, all) => {
      const listener = listen()
      await fc.assert(
        fc.asyncProperty(
          version,
          fc.array(fc.nat(SENSIBLE.length - 1), { minLength: 1, maxLength: 12 }),
          fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
            maxLength: 3,
          }),
          cuts,
          async (of, order, changes, pieces) => {
            const start = encode([connect(of, true)], of)
            const rest = encode(
              order.flatMap((index) => SENSIBLE[index] ?? []),
              of,
            )
            const changed = all ? Buffer.concat([start, rest]) : rest
            for (const [where, value] of changes) {
              changed[Math.floor(where * (changed.length - 1))] = value
            }
            await play(listener, all ? changed : Buffer.concat([start, changed]), pieces)
          },
        ),
        { numRuns: 1_000 },
      )
      expect(listener.stats().received).toBeGreaterThan(100)
      if (!all) await expectNothingLeft(listener)
      await until(() => listener.connections === 0)
      await until(() => listener.stats().unackedBytes === 0)
      expect(unhandled).toEqual([])
      await listener.close()
    },
  )
})
