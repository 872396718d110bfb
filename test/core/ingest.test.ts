import { describe, expect, it } from 'vitest'
import {
  type Codec,
  type ConfigInput,
  CoreError,
  createCore,
  createIngest,
  type Outcome,
  onlyProgram,
  type Uplink,
} from '../../core/index.ts'
import { recordOf, rowsOf, type World } from '../fakes/memory-ports.ts'
import { NOW, start, uplink } from './harness.ts'

const text = (payload: string) => new TextEncoder().encode(payload)

/** Every kind of message that cannot be taken. */
const BAD: readonly { title: string; bad: Uplink; code: string }[] = [
  { title: 'no device', bad: uplink({ a: 1 }, { deviceId: undefined }), code: 'uplink.no_device' },
  { title: 'an empty id', bad: uplink({ a: 1 }, { deviceId: '' }), code: 'uplink.bad_device_id' },
  {
    title: 'an id with a slash',
    bad: uplink({ a: 1 }, { deviceId: 'a/b' }),
    code: 'uplink.bad_device_id',
  },
  {
    title: 'an id with a line break',
    bad: uplink({ a: 1 }, { deviceId: 'a\n' }),
    code: 'uplink.bad_device_id',
  },
  {
    title: 'an id that is too long',
    bad: uplink({ a: 1 }, { deviceId: 'x'.repeat(129) }),
    code: 'uplink.bad_device_id',
  },
  {
    title: 'an id that no device type covers',
    bad: uplink({ a: 1 }, { deviceId: 'other-1' }),
    code: 'uplink.bad_device_id',
  },
  { title: 'no JSON', bad: uplink(text('{broken')), code: 'codec.malformed' },
  { title: 'no bytes', bad: uplink(new Uint8Array()), code: 'codec.malformed' },
  { title: 'no UTF-8', bad: uplink(Uint8Array.of(0xff, 0xfe, 0)), code: 'codec.malformed' },
  { title: 'a list', bad: uplink([1, 2]), code: 'codec.wrong_type' },
  { title: 'a text', bad: uplink('hello'), code: 'codec.wrong_type' },
  { title: 'null', bad: uplink(null), code: 'codec.wrong_type' },
  { title: 'a number beyond all', bad: uplink(text('{"a":1e400}')), code: 'codec.wrong_type' },
  {
    title: 'too many values',
    bad: uplink(Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`m${n}`, n]))),
    code: 'codec.wrong_type',
  },
  { title: 'too many bytes', bad: uplink({ a: 'x'.repeat(500) }), code: 'uplink.too_large' },
  { title: 'too deep', bad: uplink({ a: [[[[1]]]] }), code: 'uplink.too_deep' },
  { title: 'a time far ahead', bad: uplink({ ts: NOW + 600_001 }), code: 'uplink.future_time' },
  { title: 'no time', bad: uplink({ ts: 'noon' }), code: 'uplink.bad_time' },
  {
    title: 'a time of the transport that is none',
    bad: uplink({ a: 1 }, { sentAt: 1e300 }),
    code: 'uplink.bad_time',
  },
  {
    title: 'an id of the sender that is too long',
    bad: uplink({ a: 1 }, { messageId: 'x'.repeat(300) }),
    code: 'uplink.bad_message_id',
  },
]

function open(options: Parameters<typeof start>[1] = {}) {
  return start(
    {
      deviceTypes: { dev: { devices: 'dev-*' }, ab: { devices: 'a*' }, x: { devices: 'x*' } },
      limits: { bodyBytes: 400, bodyDepth: 4, metrics: 8 },
    },
    options,
  )
}

const lettersOf = (world: World) => [...world.letters.values()]
const statusesOf = (outcomes: readonly Outcome[]) => outcomes.map(({ status }) => status)

describe('a message that cannot be taken', () => {
  it.each(BAD)('is set aside with its bytes and the reason: $title', async ({ bad, code }) => {
    const { core, world } = open()
    const [outcome] = await core.ingest([bad])
    expect(outcome).toMatchObject({ status: 'dead_lettered', error: { code, retryable: false } })
    const [letter, ...others] = lettersOf(world)
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      id: outcome?.status === 'dead_lettered' ? outcome.deadLetterId : '',
      at: NOW,
      topic: bad.topic,
      source: 'test',
      contentType: 'application/json',
      payloadBytes: bad.payload.length,
      receivedAt: NOW,
      code,
    })
    expect([...(letter?.payload ?? [])]).toEqual([...bad.payload])
    expect(letter?.deviceId).toBe(bad.deviceId)
    expect(letter?.messageId).toBe(bad.messageId)
    expect(letter?.sentAt).toBe(bad.sentAt)
    expect(letter?.reason).toMatch(/^expected .*found /)
    expect(world.records.size).toBe(0)
    expect(world.counts).toMatchObject({ 'uplink.received': 1, 'uplink.rejected': 1 })
  })

  it('fails no other of its batch: outcomes stand in the order of the uplinks', async () => {
    const { core, world } = open()
    const uplinks = BAD.flatMap(({ bad }, seq) => [
      uplink({ seq, ts: NOW - seq }, { deviceId: `dev-${seq % 3}` }),
      bad,
    ])
    const outcomes = await core.ingest(uplinks)
    expect(statusesOf(outcomes)).toEqual(BAD.flatMap(() => ['accepted', 'dead_lettered']))
    expect(
      lettersOf(world)
        .map(({ code }) => code)
        .toSorted(),
    ).toEqual(BAD.map(({ code }) => code).toSorted())
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'accepted') expect(outcome.deviceId).toBe(uplinks[index]?.deviceId)
    }
  })

  it('is asked for again where the dead letters are away', async () => {
    const { core, world } = open()
    world.away.add('deadLetters')
    const outcomes = await core.ingest([BAD[0]!.bad, uplink({ a: 1 })])
    expect(outcomes).toMatchObject([
      { status: 'retry', error: { code: 'store.unavailable', retryable: true } },
      { status: 'accepted' },
    ])
  })

  it('and that its codec throws on is set aside too: it must not come for ever', async () => {
    const { core, world, ports } = open()
    const ingest = createIngest(
      ports,
      onlyProgram({
        ...core.program,
        deviceType(deviceId) {
          const type = core.program.deviceType(deviceId)
          if (type === undefined) return undefined
          const codec: Codec = {
            ...type.decode.codec,
            decode(bytes, facts) {
              if (bytes.length > 9) throw new RangeError('a bug')
              return type.decode.codec.decode(bytes, facts)
            },
          }
          return { ...type, decode: { ...type.decode, codec } }
        },
      }),
      core.gate,
    )
    const outcomes = await ingest([uplink({ a: 1 }), uplink({ a: 1_000_000 }), uplink({ a: 2 })])
    expect(outcomes).toMatchObject([
      { status: 'accepted' },
      { status: 'dead_lettered', error: { code: 'codec.failed', retryable: false } },
      { status: 'accepted' },
    ])
    expect(lettersOf(world)).toHaveLength(1)
  })
})

describe('outcomes', () => {
  it('of nothing are none', async () => {
    expect(await open().core.ingest([])).toEqual([])
  })

  it.each([true, false])('name device and message (long-lived: %s)', async (longLived) => {
    const { core } = open({ longLived })
    const outcomes = await core.ingest([
      uplink({ a: 1 }, { messageId: 'm-1' }),
      uplink({ a: 1 }, { messageId: 'm-1', deviceId: 'dev-2' }),
      uplink({ a: 2 }, { messageId: 'm-1' }),
      uplink({ a: 1 }, { messageId: 'm-2' }),
    ])
    expect(outcomes).toEqual([
      { status: 'accepted', deviceId: 'dev-1', messageId: 'm-1' },
      { status: 'accepted', deviceId: 'dev-2', messageId: 'm-1' },
      { status: 'duplicate', deviceId: 'dev-1', messageId: 'm-1' },
      { status: 'accepted', deviceId: 'dev-1', messageId: 'm-2' },
    ])
  })

  it('come when all is done, wishes for other devices too, where the process may be frozen', async () => {
    const config: ConfigInput = {
      rules: {
        wish: {
          sql: "SELECT seq AS fan FROM 'devices/dev-1/telemetry'",
          actions: [{ setDesired: { device: 'fan-1' } }, { republish: { topic: 'out' } }],
        },
      },
    }
    const { core, world } = start(config, { longLived: false })
    await core.ingest([uplink({ seq: 1, ts: NOW })])
    expect(recordOf(world, 'fan-1')).toMatchObject({ outbox: [], dueAt: 0 })
    expect(recordOf(world, 'dev-1')).toMatchObject({ outbox: [], dueAt: 0 })
    expect(world.pushes).toHaveLength(3)
    expect(world.published).toHaveLength(1)
  })

  it('keep the order of each device, in one batch and in many at once', async () => {
    const { core, world } = open()
    await Promise.all(
      Array.from({ length: 20 }, (_, batch) =>
        core.ingest(
          Array.from({ length: 6 }, (_, seq) =>
            uplink({ order: batch * 6 + seq, ts: NOW }, { deviceId: `dev-${seq % 2}` }),
          ),
        ),
      ),
    )
    for (const device of [0, 1]) {
      const orders = rowsOf(world, `dev-${device}`).map(({ metrics }) => metrics['order'])
      expect(orders).toEqual(orders.toSorted((a, b) => Number(a) - Number(b)))
      expect(orders).toHaveLength(60)
    }
  })

  it('are retry for devices whose store is away, and only for those', async () => {
    const { core, ports } = open()
    const partly = createCore(
      {
        ...ports,
        devices: {
          ...ports.devices,
          async commit(commit) {
            if (commit.record.deviceId === 'dev-2') {
              throw new CoreError('store.unavailable', 'the shard of dev-2 is away')
            }
            await ports.devices.commit(commit)
          },
        },
      },
      core.program,
    )
    const outcomes = await partly.ingest(
      [1, 2, 3, 2].map((device, seq) => uplink({ seq }, { deviceId: `dev-${device}` })),
    )
    expect(statusesOf(outcomes)).toEqual(['accepted', 'retry', 'accepted', 'retry'])
  })

  it('are retry where the store fails in a way of its own', async () => {
    const { core, ports, world } = open()
    const failing = createCore(
      {
        ...ports,
        devices: {
          ...ports.devices,
          load: () => Promise.reject(new Error('socket hang up')),
        },
      },
      core.program,
    )
    expect(await failing.ingest([uplink({ a: 1 })])).toMatchObject([
      { status: 'retry', error: { code: 'store.unavailable', message: 'socket hang up' } },
    ])
    expect(world.letters.size).toBe(0)
    expect(world.counts).toMatchObject({ 'uplink.retried': 1 })
  })

  it('count what became of the messages', async () => {
    const { core, world } = open()
    await core.ingest([
      uplink({ seq: 1, ts: NOW }),
      uplink({ seq: 2, ts: NOW }),
      uplink({ seq: 1, ts: NOW }),
      uplink(text('{')),
    ])
    world.away.add('devices')
    await core.ingest([uplink({ seq: 3, ts: NOW })])
    expect(world.counts).toMatchObject({
      'uplink.received': 5,
      'uplink.accepted': 2,
      'uplink.duplicate': 1,
      'uplink.rejected': 1,
      'uplink.retried': 1,
    })
  })
})

describe('the record of a device', () => {
  it('has room for 1,000 values, 300 alarms and a shadow, and goes on', async () => {
    const alarms = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [
        `alarm-${index}`,
        { when: `metric_${index} > 50`, text: 'metric is at ${timestamp()}' },
      ]),
    )
    const { core, world } = start({ limits: { metrics: 1_024 }, alarms })
    for (let round = 0; round < 5; round++) {
      const values = Array.from({ length: 1_000 }, (_, index) => [
        `metric_${index}`,
        (index + round * 17) % 100,
      ])
      const body = { ts: NOW + round * 1_000, ...Object.fromEntries(values) }
      expect(await core.ingest([uplink(body)])).toMatchObject([{ status: 'accepted' }])
      await core.gate.idle()
    }
    const record = recordOf(world, 'dev-1')
    expect(Object.keys(record?.last ?? {})).toHaveLength(1_000)
    expect(Object.keys(record?.alarms ?? {})).toHaveLength(300)
    expect(record?.accepted).toBe(5)
  })

  it('refuses, with its bytes, a message that would make it too large, and takes the next', async () => {
    const { core, world } = start({ limits: { metrics: 1_024 } })
    const named = (prefix: string, count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`${prefix}${index}`.padEnd(100, '_'), index]),
      )
    const outcomes: Outcome[] = []
    for (const [seq, prefix] of ['a', 'b', 'c', 'd'].entries()) {
      outcomes.push(...(await core.ingest([uplink({ ts: NOW + seq, ...named(prefix, 500) })])))
    }
    outcomes.push(...(await core.ingest([uplink({ ts: NOW + 9, ...named('a', 500) })])))
    const refused = outcomes.filter(({ status }) => status === 'dead_lettered')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]).toMatchObject({ error: { code: 'device.record_too_large' } })
    expect(outcomes[0]).toMatchObject({ status: 'accepted' })
    expect(outcomes.at(-1)).toMatchObject({ status: 'accepted' })
    expect(world.letters.size).toBe(refused.length)
  })
})
