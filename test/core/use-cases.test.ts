import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  CoreError,
  createCore,
  observePorts,
  type Ports,
  type Uplink,
} from '../../core/index.ts'
import { MAX_ATTEMPTS } from '../../core/notifications/backoff.ts'
import { createDyingPorts } from '../fakes/dying-ports.ts'
import { createWorld, recordOf, rowsOf, type World } from '../fakes/memory-ports.ts'
import { NOW, start, uplink } from './harness.ts'

const CONFIG: ConfigInput = {
  channels: {
    ops: { type: 'email', to: ['ops@example.org'] },
    log: { type: 'email', to: ['log@example.org'] },
  },
  rules: {
    tell: {
      sql: "SELECT seq FROM 'devices/+/telemetry' WHERE tell",
      actions: [{ notify: { channels: ['ops', 'log'] } }],
    },
    relay: {
      sql: "SELECT seq FROM 'devices/+/telemetry' WHERE relay",
      actions: [{ republish: { topic: 'out' } }],
    },
  },
}

async function told(count: number) {
  const running = start(CONFIG)
  await running.core.ingest(
    Array.from({ length: count }, (_, seq) => uplink({ seq, tell: true, ts: NOW + seq })),
  )
  await running.core.gate.idle()
  return running
}

const queued = (world: World) =>
  [...world.queue.values()].filter(({ settledAt }) => settledAt === undefined)

describe('notify', () => {
  it('sends what is due, each once, no more than asked for', async () => {
    const { core, world } = await told(3)
    expect(await core.notify(4)).toEqual({ sent: 4, retried: 0, failed: 0 })
    expect(await core.notify(4)).toEqual({ sent: 2, retried: 0, failed: 0 })
    expect(await core.notify(4)).toEqual({ sent: 0, retried: 0, failed: 0 })
    expect(new Set(world.sent.map(({ key }) => key)).size).toBe(6)
    expect(world.counts['notification.sent']).toBe(6)
  })

  it('tries again what may succeed, with growing pauses, then sets it aside', async () => {
    const { core, world } = await told(1)
    world.onSend = ({ channelId }) =>
      channelId === 'ops' ? new CoreError('channel.unavailable', 'status 503') : undefined
    expect(await core.notify(10)).toEqual({ sent: 1, retried: 1, failed: 0 })
    for (let attempts = 1; attempts < MAX_ATTEMPTS; attempts++) {
      const [waiting] = queued(world)
      const pause = (waiting?.dueAt ?? 0) - world.now
      const whole = Math.min(3_600_000, 1_000 * 2 ** (attempts - 1))
      expect(pause).toBeGreaterThanOrEqual(whole / 2)
      expect(pause).toBeLessThanOrEqual(whole)
      world.now += pause - 1
      expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 0 })
      world.now += 1
      const last = attempts === MAX_ATTEMPTS - 1
      expect(await core.notify(10)).toEqual({
        sent: 0,
        retried: last ? 0 : 1,
        failed: last ? 1 : 0,
      })
    }
    expect(queued(world)).toEqual([])
    const [letter, ...others] = [...world.letters.values()]
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      source: 'notify',
      topic: 'notifications/ops',
      deviceId: 'dev-1',
      code: 'channel.unavailable',
      reason: `given up after ${MAX_ATTEMPTS} tries: status 503`,
    })
  })

  it.each(['channel.rejected', 'channel.forbidden_address'] as const)(
    'sets aside at once what cannot succeed: %s',
    async (code) => {
      const { core, world } = await told(1)
      world.onSend = () => new CoreError(code, 'no')
      expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 2 })
      expect([...world.letters.values()]).toMatchObject([
        { code, reason: 'refused: no' },
        { code, reason: 'refused: no' },
      ])
      expect(queued(world)).toEqual([])
    },
  )

  it('waits as long as the other side asks', async () => {
    const { core, world } = await told(1)
    world.onSend = () =>
      new CoreError('channel.unavailable', '', { details: { retryAfterMs: 90_000 } })
    await core.notify(10)
    expect(queued(world).map(({ dueAt }) => dueAt)).toEqual([NOW + 90_000, NOW + 90_000])
  })

  it('leaves others alone where one cannot be settled', async () => {
    const { core, world, ports } = await told(3)
    let settled = 0
    const partly = createCore(
      {
        ...ports,
        notifications: {
          ...ports.notifications,
          async settle(key) {
            if (++settled === 2) throw new CoreError('store.unavailable', 'away')
            await ports.notifications.settle(key)
          },
        },
      },
      core.program,
    )
    expect(await partly.notify(10)).toEqual({ sent: 5, retried: 1, failed: 0 })
    expect(queued(world)).toHaveLength(1)
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 0 })
    world.now += 120_000
    expect(await core.notify(10)).toEqual({ sent: 1, retried: 0, failed: 0 })
    // Sent twice, under one key.
    expect(world.sent).toHaveLength(7)
    expect(new Set(world.sent.map(({ key }) => key)).size).toBe(6)
  })

  it('keeps a delivery that cannot be set aside', async () => {
    const { core, world } = await told(1)
    world.onSend = () => new CoreError('channel.rejected', 'no')
    world.away.add('deadLetters')
    expect(await core.notify(10)).toMatchObject({ sent: 0, failed: 0 })
    world.away.clear()
    world.now += 120_000
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 2 })
    expect(world.letters.size).toBe(2)
  })

  it('fails as a whole only where the queue is away', async () => {
    const { core, world } = await told(1)
    world.away.add('notifications')
    await expect(core.notify(10)).rejects.toMatchObject({ code: 'store.unavailable' })
  })

  it('loses nothing wherever the process dies, and sends twice under one key at most', async () => {
    for (let call = 1; call <= 6; call++) {
      for (const when of ['before', 'after'] as const) {
        const { core, world, ports } = await told(1)
        const dying = createDyingPorts(ports, { call, when })
        void createCore(dying.ports, core.program).notify(10)
        await Promise.race([dying.dead, new Promise((resolve) => setTimeout(resolve, 5))])
        world.now += 120_000
        await core.notify(10)
        expect(queued(world)).toEqual([])
        expect(new Set(world.sent.map(({ key }) => key)).size).toBe(2)
        expect(world.sent.length).toBeLessThanOrEqual(4)
      }
    }
  })
})

describe('tick', () => {
  it('looks after devices whose time has come, no more than asked for', async () => {
    const { core, world } = start({ alarms: { hot: { when: 'temp > 25', for: '10s' } } })
    const devices = ['a', 'b', 'c']
    await core.ingest(devices.map((deviceId) => uplink({ temp: 30, ts: NOW }, { deviceId })))
    expect(await core.tick(10)).toBe(0)
    world.now += 10_000
    expect(await core.tick(2)).toBe(2)
    await core.gate.idle()
    expect(await core.tick(2)).toBe(1)
    await core.gate.idle()
    expect(await core.tick(2)).toBe(0)
    for (const id of devices) {
      expect(recordOf(world, id)?.alarms['hot']).toMatchObject({ status: 'active' })
    }
    expect(world.counts['alarm.raised']).toBe(3)
  })

  it('leaves others alone where one device fails', async () => {
    const { core, world, ports } = start({ alarms: { hot: { when: 'temp > 25', for: '10s' } } })
    await core.ingest(['a', 'b'].map((deviceId) => uplink({ temp: 30, ts: NOW }, { deviceId })))
    world.now += 10_000
    const partly = createCore(
      {
        ...ports,
        devices: {
          ...ports.devices,
          async load(deviceId) {
            if (deviceId === 'a') throw new CoreError('store.unavailable', 'away')
            return ports.devices.load(deviceId)
          },
        },
      },
      core.program,
    )
    expect(await partly.tick(10)).toBe(2)
    await partly.gate.idle()
    expect(recordOf(world, 'b')?.alarms['hot']?.status).toBe('active')
    expect(recordOf(world, 'a')?.alarms['hot']?.status).toBe('pending')
    expect(world.logs).toContainEqual(expect.objectContaining({ level: 'error' }))
  })

  it('has fulfilled wishes that were left behind when it returns, where the process may be frozen', async () => {
    const config: ConfigInput = {
      rules: {
        wish: {
          sql: "SELECT seq AS fan FROM 'devices/dev-1/telemetry'",
          actions: [{ setDesired: { device: 'fan-1' } }],
        },
      },
    }
    const { core, world, ports } = start(config, { longLived: false })
    const dying = createDyingPorts(ports, { call: 2, when: 'after' })
    void createCore(dying.ports, core.program).ingest([uplink({ seq: 1, ts: NOW })])
    await dying.dead
    expect(recordOf(world, 'dev-1')?.outbox).toHaveLength(1)
    world.now += 15_000
    expect(await core.tick(10)).toBe(1)
    expect(recordOf(world, 'fan-1')?.shadows['']?.desired).toEqual({ fan: 1 })
    expect(recordOf(world, 'dev-1')?.outbox).toEqual([])
  })

  it('is done when it returns, where the process may be frozen', async () => {
    const config: ConfigInput = {
      ...CONFIG,
      alarms: { hot: { when: 'temp > 25', for: '10s', notify: ['ops'] } },
    }
    const { core, world } = start(config, { longLived: false })
    await core.ingest([uplink({ temp: 30, ts: NOW })])
    world.now += 10_000
    await core.tick(10)
    expect(world.queue.size).toBe(1)
    expect(recordOf(world, 'dev-1')?.outbox).toEqual([])
  })
})

describe('redrive', () => {
  const idOf = (world: World) => [...world.letters.keys()][0] ?? ''

  async function rejected(changes: Partial<Uplink> = {}, config: ConfigInput = {}) {
    const world = createWorld(NOW)
    const strict = start({ ...config, limits: { metrics: 1 } }, { world })
    await strict.core.ingest([uplink({ a: 1, b: 2 }, { ...changes })])
    expect(world.letters.size).toBe(1)
    world.now += 60_000
    return start(config, { world, process: 'q' })
  }

  it('stores a message as of its time of receipt, and removes the letter', async () => {
    const { core, world } = await rejected()
    expect(await core.redrive(idOf(world))).toMatchObject({ status: 'accepted', deviceId: 'dev-1' })
    expect(world.letters.size).toBe(0)
    expect(rowsOf(world, 'dev-1')).toMatchObject([{ at: NOW, metrics: { a: 1, b: 2 } }])
  })

  it('of a message from the future succeeds once its time has come', async () => {
    const { core, world } = start({}, { world: createWorld(NOW) })
    await core.ingest([uplink({ a: 1, ts: NOW + 3_600_000 })])
    const id = idOf(world)
    expect(await core.redrive(id)).toMatchObject({ status: 'dead_lettered', deadLetterId: id })
    world.now = NOW + 3_600_000
    expect(await core.redrive(id)).toMatchObject({ status: 'accepted' })
    expect(rowsOf(world, 'dev-1')).toMatchObject([{ at: NOW + 3_600_000 }])
  })

  it('keeps id and time that the transport gave', async () => {
    const { core, world } = await rejected({ messageId: 'm-1', sentAt: NOW - 5_000 })
    expect(await core.redrive(idOf(world))).toMatchObject({ messageId: 'm-1' })
    expect(rowsOf(world, 'dev-1')).toMatchObject([{ at: NOW - 5_000, messageId: 'm-1' }])
  })

  it('of a message that is stored already is a duplicate, and removes the letter', async () => {
    const { core, world } = await rejected({ messageId: 'm-1' })
    await core.ingest([uplink({ a: 1 }, { messageId: 'm-1' })])
    expect(await core.redrive(idOf(world))).toMatchObject({ status: 'duplicate' })
    expect(world.letters.size).toBe(0)
    expect(rowsOf(world, 'dev-1')).toHaveLength(1)
  })

  it('twice at once, or again after it could not be removed, stores once', async () => {
    const { core, world, ports } = await rejected()
    const id = idOf(world)
    const letter = world.letters.get(id)!
    const forgetful = createCore(
      {
        ...ports,
        deadLetters: {
          ...ports.deadLetters,
          remove: () => Promise.reject(new CoreError('store.unavailable', 'away')),
        },
      },
      core.program,
    )
    await expect(forgetful.redrive(id)).rejects.toMatchObject({ code: 'store.unavailable' })
    expect(await core.redrive(id)).toMatchObject({ status: 'duplicate' })
    world.letters.set(id, letter)
    const both = await Promise.all([core.redrive(id), core.redrive(id)])
    expect(both.map(({ status }) => status)).toEqual(['duplicate', 'duplicate'])
    expect(rowsOf(world, 'dev-1')).toHaveLength(1)
  })

  it('again, long after it could not be removed, stores once', async () => {
    const { core, world } = await rejected()
    const id = idOf(world)
    const letter = world.letters.get(id)!
    await core.redrive(id)
    world.letters.set(id, letter)
    await core.ingest(Array.from({ length: 100 }, (_, n) => uplink({ n }, { receivedAt: NOW + n })))
    expect(await core.redrive(id)).toMatchObject({ status: 'duplicate' })
    expect(rowsOf(world, 'dev-1')).toHaveLength(101)
  })

  it('that fails again keeps the letter under its id, and adds none', async () => {
    const { core, world } = start({})
    await core.ingest([uplink(new TextEncoder().encode('{'))])
    const id = idOf(world)
    const result = await core.redrive(id)
    expect(result).toMatchObject({
      status: 'dead_lettered',
      deadLetterId: id,
      error: { code: 'codec.malformed' },
    })
    expect([...world.letters.keys()]).toEqual([id])
  })

  it('that finds the store away keeps the letter', async () => {
    const { core, world } = await rejected()
    world.away.add('devices')
    expect(await core.redrive(idOf(world))).toMatchObject({ status: 'retry' })
    expect(world.letters.size).toBe(1)
    world.away.clear()
    expect(await core.redrive(idOf(world))).toMatchObject({ status: 'accepted' })
  })

  it('runs the rules of today', async () => {
    const { core, world } = await rejected(
      {},
      {
        rules: {
          r: { sql: "SELECT a FROM 'devices/#'", actions: [{ republish: { topic: 'out' } }] },
        },
      },
    )
    await core.redrive(idOf(world))
    await core.gate.idle()
    expect(world.published.map(({ message }) => message.payload)).toEqual(['{"a":1}'])
  })

  it('of a notification queues it anew; again, while it is queued, adds nothing', async () => {
    const { core, world } = await told(1)
    world.onSend = () => new CoreError('channel.rejected', 'no')
    await core.notify(10)
    const [id] = [...world.letters.keys()]
    const letter = world.letters.get(id!)!
    world.onSend = () => undefined
    expect(await core.redrive(id!)).toEqual({ status: 'queued' })
    expect(world.letters.has(id!)).toBe(false)
    // As if the process had died before the letter was removed.
    world.letters.set(id!, letter)
    expect(await core.redrive(id!)).toEqual({ status: 'queued' })
    expect(await core.notify(10)).toEqual({ sent: 1, retried: 0, failed: 0 })
    world.letters.set(id!, letter)
    await core.redrive(id!)
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 0 })
    expect(world.sent).toHaveLength(1)
    expect(world.sent[0]?.attempts).toBe(0)
  })

  it('of an effect performs it, under a key that stays the same', async () => {
    const { core, world } = start(CONFIG)
    world.onPublish = () => new Error('poison')
    await core.ingest([uplink({ seq: 1, relay: true, ts: NOW })])
    await core.gate.idle()
    for (let tries = 1; tries < MAX_ATTEMPTS; tries++) {
      world.now = recordOf(world, 'dev-1')?.dueAt ?? 0
      await core.tick(10)
      await core.gate.idle()
    }
    const id = idOf(world)
    const letter = world.letters.get(id)!
    world.onPublish = () => undefined
    expect(await core.redrive(id)).toEqual({ status: 'queued' })
    await core.gate.idle()
    expect(world.letters.size).toBe(0)
    world.letters.set(id, letter)
    await core.redrive(id)
    await core.gate.idle()
    expect(world.published.map(({ message }) => message.payload)).toEqual([
      '{"seq":1}',
      '{"seq":1}',
    ])
    expect(world.published[0]?.key).toBe(world.published[1]?.key)
    expect(recordOf(world, 'dev-1')).toMatchObject({ outbox: [], dueAt: 0 })
  })

  it.each([
    { title: 'an id that is none', prepare: () => 'nothing', code: 'input.not_found' },
    {
      title: 'a letter of which only the start was kept',
      prepare(world: World) {
        world.letters.set('a', {
          id: 'a',
          at: NOW,
          topic: 't',
          source: 'http',
          contentType: '',
          payload: new Uint8Array(3),
          payloadBytes: 4,
          receivedAt: NOW,
          code: 'uplink.too_large',
          reason: '',
        })
        return 'a'
      },
      code: 'input.malformed',
    },
  ])('refuses $title', async ({ prepare, code }) => {
    const { core, world } = start({})
    await expect(core.redrive(prepare(world))).rejects.toMatchObject({ code, retryable: false })
  })
})

describe('observePorts', () => {
  it('times each call, counts each failure, and changes nothing else', async () => {
    const { ports, world } = start({})
    const observed = observePorts(ports)
    expect(await observed.devices.load('nobody')).toBeUndefined()
    await observed.deadLetters.count()
    world.away.add('devices')
    await expect(observed.devices.load('nobody')).rejects.toMatchObject({
      code: 'store.unavailable',
    })
    expect(world.times).toEqual({ 'store.load': 2, 'dead_letter.count': 1 })
    expect(world.counts).toEqual({ 'store.load.failed': 1 })
  })

  it('takes ports that are objects of classes', async () => {
    class Letters {
      readonly #world = createWorld(NOW)
      readonly #real = start({}, { world: this.#world }).ports.deadLetters
      put(letter: Parameters<Ports['deadLetters']['put']>[0]) {
        return this.#real.put(letter)
      }
      get(id: string) {
        return this.#real.get(id)
      }
      list(beforeId: string, limit: number) {
        return this.#real.list(beforeId, limit)
      }
      remove(id: string) {
        return this.#real.remove(id)
      }
      count() {
        return this.#real.count()
      }
    }
    const { ports } = start({})
    const observed = observePorts({ ...ports, deadLetters: new Letters() })
    expect(await observed.deadLetters.count()).toBe(0)
    expect(await observed.deadLetters.list('', 1)).toEqual([])
    await observed.deadLetters.remove('nothing')
  })
})
