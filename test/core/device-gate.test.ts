import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  CoreError,
  createCore,
  createDeviceGate,
  type DeviceInput,
  type Json,
  type Outcome,
  onlyProgram,
  type Ports,
} from '../../core/index.ts'
import { MAX_ATTEMPTS } from '../../core/notifications/backoff.ts'
import { createDyingPorts } from '../fakes/dying-ports.ts'
import {
  createMemoryPorts,
  createWorld,
  type Part,
  recordOf,
  rowsOf,
  type World,
} from '../fakes/memory-ports.ts'
import { NOW, programOf, start, telemetryOf, uplink } from './harness.ts'

const ACTING: ConfigInput = {
  channels: { ops: { type: 'email', to: ['ops@example.org'] } },
  rules: {
    relay: {
      sql: "SELECT seq FROM 'devices/+/telemetry' WHERE temp > 25",
      actions: [{ republish: { topic: 'fleet/${topic(2)}' } }],
    },
    tell: {
      sql: "SELECT seq FROM 'devices/+/telemetry' WHERE temp > 28",
      actions: [{ notify: { channels: ['ops'] } }],
    },
    wish: {
      sql: "SELECT seq AS fan FROM 'devices/dev-1/telemetry' WHERE temp > 28",
      actions: [{ setDesired: { device: 'fan-1' } }],
    },
  },
}

const PROGRAM = programOf(ACTING)

/** Lets whatever is under way go on, without a clock. */
async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function inputs(count: number, from = 0, temp = 26): DeviceInput[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: 'telemetry',
    telemetry: telemetryOf(PROGRAM, { temp, seq: from + index, ts: NOW - 1_000 + from + index }),
  }))
}

const topicsOf = (world: World) => world.published.map(({ message }) => message.topic)
const seqsOf = (world: World) =>
  world.published.map(({ message }) => Number(JSON.parse(message.payload).seq))

/** Lets time pass as a scheduler would: a tick whenever a device is due, until none is. */
async function tickUntilQuiet(core: ReturnType<typeof createCore>, world: World, most = 200) {
  for (let round = 0; round < most; round++) {
    const dueAts = [...world.records.keys()]
      .map((id) => recordOf(world, id)?.dueAt ?? 0)
      .filter((dueAt) => dueAt > 0)
    if (dueAts.length === 0) return
    world.now = Math.max(world.now, Math.min(...dueAts))
    await core.tick(100)
    await core.gate.idle()
  }
  throw new Error('expected the devices to come to rest')
}

describe('races for one device', () => {
  /** Every call waits a number of turns that the seed decides. */
  function shuffled(ports: Ports, next: () => number): Ports {
    const shuffle = <P extends object>(port: P): P =>
      new Proxy(port, {
        get(target, method, receiver) {
          const real = Reflect.get(target, method, receiver)
          if (typeof real !== 'function') return real
          return async (...args: unknown[]) => {
            for (let turn = next(); turn > 0; turn--) await Promise.resolve()
            const result: unknown = await Reflect.apply(real, target, args)
            for (let turn = next(); turn > 0; turn--) await Promise.resolve()
            return result
          }
        },
      })
    return {
      ...ports,
      devices: shuffle(ports.devices),
      telemetry: shuffle(ports.telemetry),
      downlink: shuffle(ports.downlink),
      notifications: shuffle(ports.notifications),
    }
  }

  it('lose nothing and double nothing: 8 writers through two gates on one store', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat(6)), fc.nat(2), async (delays, kind) => {
        const world = createWorld(NOW)
        const longLived = kind > 0
        const recordAtHand = kind > 1 ? (id: string) => recordOf(world, id) : undefined
        const gates = ['p', 'q'].map((process) => {
          const ports = createMemoryPorts(world, { process, longLived })
          return createDeviceGate(
            shuffled(ports, () => delays.next().value ?? 0),
            onlyProgram(PROGRAM),
            { recordAtHand },
          )
        })
        const writers = Array.from({ length: 8 }, (_, writer) =>
          writeAll(gates[writer % 2]!, inputs(5, writer * 5)),
        )
        await Promise.all(writers)
        await Promise.all(gates.map((gate) => gate.idle()))
        expect(recordOf(world, 'dev-1')).toMatchObject({ accepted: 40, outbox: [], dueAt: 0 })
        expect(rowsOf(world, 'dev-1')).toHaveLength(40)
        // Two processes may both perform what one of them left: under the same key.
        expect(new Set(world.published.map(({ key }) => key)).size).toBe(40)
        expect(new Set(seqsOf(world)).size).toBe(40)
      }),
      { numRuns: 150 },
    )
  })

  /** As a transport does: what was not stored is sent again. */
  async function writeAll(gate: ReturnType<typeof createDeviceGate>, all: readonly DeviceInput[]) {
    for (const input of all) {
      for (;;) {
        const result = await gate.run('dev-1', [input]).catch((error: unknown) => error)
        if (!(result instanceof CoreError)) break
        expect(result.code).toBe('store.conflict')
      }
    }
  }

  it('are lost where the record at hand is old, and run again on the one that won', async () => {
    const { ports, world } = start(ACTING)
    const counted: string[] = []
    const observer = { ...ports.observer, count: (name: string) => void counted.push(name) }
    const records: (ReturnType<typeof recordOf> | undefined)[] = []
    const gate = createDeviceGate({ ...ports, observer }, onlyProgram(PROGRAM), {
      recordAtHand: () => records.shift(),
    })
    await gate.run('dev-1', inputs(1, 0, 20))
    const old = recordOf(world, 'dev-1')
    await gate.run('dev-1', inputs(1, 1, 20))
    records.push(old)
    expect(await gate.run('dev-1', inputs(1, 2, 20))).toEqual([{ status: 'accepted' }])
    await gate.idle()
    expect(counted.filter((name) => name === 'device.conflict')).toHaveLength(1)
    expect(rowsOf(world, 'dev-1').map(({ metrics }) => metrics['seq'])).toEqual([0, 1, 2])
    expect(recordOf(world, 'dev-1')).toMatchObject({ accepted: 3, outbox: [] })
  })

  it('end: who loses again and again is asked to send again', async () => {
    const { ports, world } = start(ACTING)
    const gate = createDeviceGate(
      {
        ...ports,
        devices: {
          ...ports.devices,
          commit: async () => {
            throw new CoreError('store.conflict', 'somebody else won')
          },
        },
      },
      onlyProgram(PROGRAM),
    )
    await expect(gate.run('dev-1', inputs(1))).rejects.toMatchObject({
      code: 'store.conflict',
      retryable: true,
    })
    await gate.idle()
    expect(world.calls['devices.load']).toBeGreaterThan(3)
    expect(world.calls['devices.load']).toBeLessThan(50)
  })
})

describe('a process that dies', () => {
  /** Three messages of one device that publish, notify and wish something of another device. */
  const uplinks = [0, 1, 2].map((seq) => uplink({ temp: 30, seq, ts: NOW - 10 + seq }))

  function assertAllDone(world: World): void {
    expect(rowsOf(world, 'dev-1').map(({ metrics }) => metrics['seq'])).toEqual([0, 1, 2])
    const record = recordOf(world, 'dev-1')
    expect(record).toMatchObject({ accepted: 3, outbox: [], dueAt: 0 })
    const published = Map.groupBy(world.published, ({ key }) => key)
    expect(published.size).toBe(3)
    for (const same of published.values()) {
      expect(new Set(same.map(({ message }) => message.payload)).size).toBe(1)
    }
    expect([...world.queue.keys()]).toHaveLength(3)
    const wished = recordOf(world, 'fan-1')
    expect(wished).toMatchObject({ outbox: [], dueAt: 0 })
    expect(wished?.shadows['']?.desired).toHaveProperty('fan')
    expect(world.letters.size).toBe(0)
  }

  for (const longLived of [true, false]) {
    it(`loses nothing wherever it dies (${longLived ? 'a server' : 'a function'})`, async () => {
      const dry = createWorld(NOW)
      const alive = createDyingPorts(createMemoryPorts(dry, { longLived }), {
        call: 0,
        when: 'before',
      })
      const core = createCore(alive.ports, PROGRAM)
      await core.ingest(uplinks)
      await core.gate.idle()
      assertAllDone(dry)
      expect(alive.calls.length).toBeGreaterThan(10)

      for (let call = 1; call <= alive.calls.length; call++) {
        for (const when of ['before', 'after'] as const) {
          const world = createWorld(NOW)
          const dying = createDyingPorts(createMemoryPorts(world, { longLived }), { call, when })
          const acknowledged: Outcome[] = []
          const first = createCore(dying.ports, PROGRAM)
          void first.ingest(uplinks).then((outcomes) => acknowledged.push(...outcomes))
          await dying.dead
          await turns(5)

          const second = createCore(createMemoryPorts(world, { longLived, process: 'q' }), PROGRAM)
          world.now += 1_000
          // What was acknowledged is not sent again.
          if (acknowledged.length === 0) {
            const again = await second.ingest(uplinks)
            expect(
              again.every(({ status }) => status === 'accepted' || status === 'duplicate'),
            ).toBe(true)
          }
          await tickUntilQuiet(second, world)
          assertAllDone(world)
        }
      }
    })
  }

  it('raises a pending alarm once, wherever it dies in its tick', async () => {
    const config: ConfigInput = {
      channels: { ops: { type: 'email', to: ['ops@example.org'] } },
      alarms: { hot: { when: 'temp > 25', for: '10s', notify: ['ops'] } },
    }
    for (let call = 1; call <= 6; call++) {
      for (const when of ['before', 'after'] as const) {
        const { core, world, ports } = start(config)
        await core.ingest([uplink({ temp: 30, ts: NOW })])
        await core.gate.idle()
        world.now += 10_000
        const dying = createDyingPorts(ports, { call, when })
        void createCore(dying.ports, core.program).tick(10)
        await Promise.race([dying.dead, turns(20)])
        const other = start(config, { world, process: 'q' })
        await tickUntilQuiet(other.core, world)
        expect(recordOf(world, 'dev-1')?.alarms['hot']).toMatchObject({ status: 'active' })
        expect([...world.queue.keys()]).toHaveLength(1)
        expect(recordOf(world, 'dev-1')).toMatchObject({ outbox: [], dueAt: 0 })
      }
    }
  })
})

describe('what is away', () => {
  it('the store: uplinks are asked for again, nothing is half done', async () => {
    const { core, world } = start(ACTING)
    world.away.add('devices')
    const outcomes = await core.ingest([
      uplink({ temp: 30, seq: 1, ts: NOW }),
      uplink({ temp: 30, seq: 1, ts: NOW }, { deviceId: 'dev-2' }),
    ])
    await core.gate.idle()
    expect(outcomes).toMatchObject([
      { status: 'retry', error: { code: 'store.unavailable', retryable: true } },
      { status: 'retry', error: { code: 'store.unavailable', retryable: true } },
    ])
    expect(world.records.size + world.rows.size + world.queue.size).toBe(0)
    expect(world.published).toEqual([])
    expect(world.letters.size).toBe(0)

    world.away.clear()
    expect(await core.ingest([uplink({ temp: 30, seq: 1, ts: NOW })])).toMatchObject([
      { status: 'accepted' },
    ])
    await core.gate.idle()
    expect(topicsOf(world)).toEqual(['fleet/dev-1'])
  })

  it('the rows to look up: late messages wait, others do not', async () => {
    const { core, world } = start(ACTING)
    await core.ingest([uplink({ temp: 20, ts: NOW - 10 })])
    world.away.add('telemetry')
    expect(await core.ingest([uplink({ temp: 20, ts: NOW - 20 })])).toMatchObject([
      { status: 'retry' },
    ])
    expect(await core.ingest([uplink({ temp: 20, ts: NOW - 5 })])).toMatchObject([
      { status: 'accepted' },
    ])
    world.away.clear()
    expect(await core.ingest([uplink({ temp: 20, ts: NOW - 20 })])).toMatchObject([
      { status: 'accepted' },
    ])
  })

  it.each<{ part: Part; done: (world: World) => number }>([
    { part: 'downlink', done: (world) => world.published.length },
    { part: 'notifications', done: (world) => world.queue.size },
  ])(
    '$part: messages are taken, their effects are done once it is back',
    async ({ part, done }) => {
      const { core, world } = start(ACTING)
      world.away.add(part)
      const outcomes = await core.ingest([uplink({ temp: 30, seq: 1, ts: NOW })])
      expect(outcomes).toMatchObject([{ status: 'accepted' }])
      await core.gate.idle()
      expect(done(world)).toBe(0)
      const [waiting, ...others] = recordOf(world, 'dev-1')?.outbox ?? []
      expect(others).toEqual([])
      expect(waiting).toMatchObject({ attempts: 1 })
      expect(recordOf(world, 'dev-1')?.dueAt).toBe(waiting?.at)
      for (let tries = 0; tries < 3; tries++) {
        world.now = recordOf(world, 'dev-1')?.dueAt ?? 0
        await core.tick(10)
        await core.gate.idle()
      }
      expect(recordOf(world, 'dev-1')?.outbox).toMatchObject([{ attempts: 4 }])
      world.away.clear()
      await tickUntilQuiet(core, world)
      expect(done(world)).toBe(1)
    },
  )

  it('the store, between a commit and striking off: nothing is done twice by this process', async () => {
    const { core, world, ports } = start(ACTING)
    const gate = createDeviceGate(
      {
        ...ports,
        downlink: {
          ...ports.downlink,
          async publish(message, key) {
            await ports.downlink.publish(message, key)
            world.away.add('devices')
          },
        },
      },
      core.programs,
    )
    await gate.run('dev-1', inputs(1))
    await gate.idle()
    expect(recordOf(world, 'dev-1')?.outbox).toHaveLength(1)
    world.away.clear()
    await gate.run('dev-1', [])
    await gate.idle()
    expect(recordOf(world, 'dev-1')?.outbox).toEqual([])
    expect(world.published).toHaveLength(1)
  })

  it('the store, in the middle of a burst: what was stored stays accepted, the rest is asked for again', async () => {
    const { core, world, ports } = start(ACTING)
    let commits = 0
    const gate = createDeviceGate(
      {
        ...ports,
        devices: {
          ...ports.devices,
          async commit(commit) {
            if (++commits > 2) throw new CoreError('store.unavailable', 'away')
            await ports.devices.commit(commit)
          },
        },
      },
      core.programs,
    )
    const many = inputs(3_000)
    const results = await gate.run('dev-1', many)
    await gate.idle()
    expect(results).toHaveLength(3_000)
    const accepted = results.filter(({ status }) => status === 'accepted').length
    expect(results.slice(0, accepted).every(({ status }) => status === 'accepted')).toBe(true)
    expect(results.slice(accepted).every(({ status }) => status === 'unstored')).toBe(true)
    expect(accepted).toBeGreaterThan(0)
    expect(accepted).toBeLessThan(3_000)
    expect(rowsOf(world, 'dev-1')).toHaveLength(accepted)
  })
})

describe('an answer', () => {
  it.each([true, false])(
    'comes when all is durable, and done where the host may freeze (server: %s)',
    async (longLived) => {
      const { core, ports, world } = start(ACTING, { longLived })
      let free = (): void => undefined
      const blocked = new Promise<void>((resolve) => {
        free = resolve
      })
      const gate = createDeviceGate(
        {
          ...ports,
          downlink: {
            ...ports.downlink,
            async publish(message, key) {
              await blocked
              await ports.downlink.publish(message, key)
            },
          },
        },
        core.programs,
      )
      let answered = false
      const answer = gate.run('dev-1', inputs(1)).then(() => {
        answered = true
      })
      await turns(5)
      expect(recordOf(world, 'dev-1')?.accepted).toBe(1)
      expect(answered).toBe(longLived)
      free()
      await answer
      await gate.idle()
      expect(world.published).toHaveLength(1)
    },
  )

  it('is an error for a caller of whom nothing was stored, although others were served', async () => {
    const { core, ports } = start({
      rules: {
        relay: {
          sql: "SELECT seq FROM 'devices/#'",
          actions: [{ republish: { topic: 'out', payload: 'x'.repeat(1_000) } }],
        },
      },
    })
    let commits = 0
    const gate = createDeviceGate(
      {
        ...ports,
        devices: {
          ...ports.devices,
          async commit(commit) {
            if (++commits > 2) throw new CoreError('store.unavailable', 'away')
            await ports.devices.commit(commit)
          },
        },
      },
      core.programs,
    )
    // The first goes alone; the others meanwhile come together, and are too much for one step.
    const [first, many, few] = await Promise.allSettled([
      gate.run('dev-1', inputs(1)),
      gate.run('dev-1', inputs(400, 1)),
      gate.run('dev-1', inputs(3, 5_000)),
    ])
    await gate.idle()
    expect(first).toMatchObject({ status: 'fulfilled', value: [{ status: 'accepted' }] })
    const statuses = many?.status === 'fulfilled' ? many.value.map(({ status }) => status) : []
    expect(new Set(statuses)).toEqual(new Set(['accepted', 'unstored']))
    expect(few).toMatchObject({ reason: { code: 'store.unavailable', retryable: true } })
  })
})

describe('effects that fail', () => {
  it('are tried again with growing pauses, then set aside; others go on', async () => {
    const { core, world } = start(ACTING)
    world.onPublish = ({ payload }) => (payload === '{"seq":7}' ? new Error('poison') : undefined)
    await core.ingest([6, 7, 8].map((seq) => uplink({ temp: 26, seq, ts: NOW + seq })))
    await core.gate.idle()
    expect(seqsOf(world)).toEqual([6, 8])
    const pauses: number[] = []
    for (let attempts = 1; attempts < MAX_ATTEMPTS; attempts++) {
      const record = recordOf(world, 'dev-1')
      expect(record?.outbox).toMatchObject([{ attempts }])
      pauses.push((record?.dueAt ?? 0) - world.now)
      world.now = (record?.dueAt ?? 0) - 1
      expect(await core.tick(10)).toBe(0)
      world.now += 1
      expect(await core.tick(10)).toBe(1)
      await core.gate.idle()
    }
    for (const [index, pause] of pauses.entries()) {
      const whole = Math.min(3_600_000, 1_000 * 2 ** index)
      expect(pause).toBeGreaterThanOrEqual(whole / 2)
      expect(pause).toBeLessThanOrEqual(whole)
    }
    expect(recordOf(world, 'dev-1')).toMatchObject({ outbox: [], dueAt: 0 })
    const [letter, ...others] = [...world.letters.values()]
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      deviceId: 'dev-1',
      topic: 'outbox/publish',
      source: 'outbox',
      reason: `given up after ${MAX_ATTEMPTS} tries: poison`,
    })
    expect(JSON.parse(new TextDecoder().decode(letter?.payload))).toMatchObject({
      effect: { kind: 'publish', topic: 'fleet/dev-1', payload: '{"seq":7}' },
    })
    expect(seqsOf(world)).toEqual([6, 8])
  })

  it('stay, and block nothing, while the dead letters are away', async () => {
    const { core, world } = start(ACTING)
    world.onPublish = ({ payload }) => (payload === '{"seq":7}' ? new Error('poison') : undefined)
    world.away.add('deadLetters')
    await core.ingest([uplink({ temp: 26, seq: 7, ts: NOW })])
    await core.gate.idle()
    for (let tries = 0; tries < MAX_ATTEMPTS + 3; tries++) {
      world.now = recordOf(world, 'dev-1')?.dueAt ?? 0
      await core.tick(10)
      await core.gate.idle()
      await core.ingest([uplink({ temp: 26, seq: 100 + tries, ts: NOW + 1 + tries })])
      await core.gate.idle()
    }
    expect(seqsOf(world)).toHaveLength(MAX_ATTEMPTS + 3)
    expect(recordOf(world, 'dev-1')?.outbox).toHaveLength(1)
    expect(recordOf(world, 'dev-1')?.dueAt).toBeGreaterThan(world.now)
    world.away.clear()
    await tickUntilQuiet(core, world)
    expect(world.letters.size).toBe(1)
  })

  it('for good are set aside at once', async () => {
    const { core, world } = start(ACTING)
    await core.gate.run('dev-1', [
      {
        kind: 'effect',
        key: 'k',
        effect: { kind: 'desire', deviceId: 'fan-1', name: '', desired: [1] },
      },
      {
        kind: 'effect',
        key: 'l',
        effect: { kind: 'desire', deviceId: 'no such/device', name: '', desired: {} },
      },
    ])
    await core.gate.idle()
    expect([...world.letters.values()].map(({ code }) => code).toSorted()).toEqual([
      'shadow.bad_request',
      'uplink.bad_device_id',
    ])
    expect(recordOf(world, 'dev-1')).toMatchObject({ outbox: [], dueAt: 0 })
    expect([...world.records.keys()]).toEqual(['dev-1'])
  })
})

describe('devices that wish something of each other', () => {
  const circle = (...ids: string[]): ConfigInput => ({
    rules: Object.fromEntries(
      ids.map((id, index) => [
        `r${index}`,
        {
          sql: `SELECT seq FROM 'devices/${id}/telemetry'`,
          actions: [{ setDesired: { device: ids[(index + 1) % ids.length] ?? '' } }],
        },
      ]),
    ),
  })

  it.each([
    { title: 'two', ids: ['a', 'b'], longLived: true },
    { title: 'two, in a function', ids: ['a', 'b'], longLived: false },
    { title: 'three in a circle', ids: ['a', 'b', 'c'], longLived: false },
    { title: 'one of itself, by name', ids: ['a'], longLived: false },
  ])('do not wait for each other: $title', async ({ ids, longLived }) => {
    const { core, world } = start(circle(...ids), { longLived })
    const rounds = 10
    await Promise.all(
      Array.from({ length: rounds }, (_, seq) =>
        core.ingest(ids.map((deviceId) => uplink({ seq, ts: NOW + seq }, { deviceId }))),
      ),
    )
    await core.gate.idle()
    for (const id of ids) {
      const record = recordOf(world, id)
      expect(record).toMatchObject({ accepted: rounds, outbox: [], dueAt: 0 })
      expect(record?.shadows['']?.desired).toEqual({ seq: rounds - 1 })
    }
  })

  it('are told once of a wish, although its sender comes by again before it is done', async () => {
    const { ports, world } = start({})
    let free = (): void => undefined
    const blocked = new Promise<void>((resolve) => {
      free = resolve
    })
    const program = programOf(circle('a', 'b'))
    const gate = createDeviceGate(
      {
        ...ports,
        devices: {
          ...ports.devices,
          async load(deviceId) {
            if (deviceId === 'b') await blocked
            return ports.devices.load(deviceId)
          },
        },
      },
      onlyProgram(program),
    )
    const one: DeviceInput = {
      kind: 'telemetry',
      telemetry: telemetryOf(program, { seq: 1, ts: NOW }, { deviceId: 'a' }),
    }
    await gate.run('a', [one])
    for (let again = 0; again < 5; again++) await gate.catchUp('a')
    free()
    await gate.idle()
    expect(recordOf(world, 'b')?.version).toBe(2)
    expect(recordOf(world, 'a')?.outbox).toEqual([])
  })
})

describe('order', () => {
  it('of one device is kept, whatever comes together', async () => {
    const { core, world } = start(ACTING)
    const runs: Promise<unknown>[] = []
    for (let seq = 0; seq < 300; seq += 3) {
      runs.push(core.gate.run('dev-1', inputs(3, seq)))
      if (seq % 30 === 0) await turns(1)
    }
    await Promise.all(runs)
    await core.gate.idle()
    expect(seqsOf(world)).toEqual(Array.from({ length: 300 }, (_, seq) => seq))
    expect(recordOf(world, 'dev-1')?.recentIds.at(-1)).toBe(
      rowsOf(world, 'dev-1').at(-1)?.messageId,
    )
  })

  it('of results is that of the inputs, for each caller', async () => {
    const { core } = start({})
    const [known] = inputs(1)
    await core.gate.run('dev-1', [known!])
    const results = await Promise.all([
      core.gate.run('dev-1', [known!, inputs(1, 5)[0]!]),
      core.gate.run('dev-1', []),
      core.gate.run('dev-1', [inputs(1, 6)[0]!, known!, known!]),
    ])
    expect(results.map((ofOne) => ofOne.map(({ status }) => status))).toEqual([
      ['duplicate', 'accepted'],
      [],
      ['accepted', 'duplicate', 'duplicate'],
    ])
  })
})

describe('one device', () => {
  it.each([
    { title: 'whose record never comes', load: () => new Promise<never>(() => undefined) },
    { title: 'whose record cannot be read', load: () => Promise.reject(new Error('corrupt')) },
  ])('$title blocks no other', async ({ load }) => {
    const { ports, world, core } = start(ACTING)
    const other = createCore(
      {
        ...ports,
        devices: {
          ...ports.devices,
          load: (deviceId) => (deviceId === 'bad' ? load() : ports.devices.load(deviceId)),
        },
      },
      core.program,
    )
    void other.ingest([uplink({ temp: 26, seq: 0, ts: NOW }, { deviceId: 'bad' })])
    const ids = ['good-1', 'good-2', 'good-3']
    const all = await Promise.all(
      ids.map((deviceId) => other.ingest([uplink({ temp: 26, seq: 1, ts: NOW }, { deviceId })])),
    )
    expect(all.flat().map(({ status }) => status)).toEqual(ids.map(() => 'accepted'))
    await turns(5)
    expect(topicsOf(world).toSorted()).toEqual(ids.map((id) => `fleet/${id}`))
  })

  it('whose step fails on one message loses that message alone', async () => {
    const { core, world } = start(ACTING)
    const trap = {
      get clientId(): string {
        throw new TypeError('a bug')
      },
    }
    const uplinks = Array.from({ length: 9 }, (_, seq) =>
      uplink({ temp: 26, seq, ts: NOW + seq }, seq === 3 ? { facts: trap } : {}),
    )
    const outcomes = await core.ingest(uplinks)
    await core.gate.idle()
    expect(outcomes.map(({ status }) => status)).toEqual(
      uplinks.map((_, seq) => (seq === 3 ? 'dead_lettered' : 'accepted')),
    )
    expect(outcomes[3]).toMatchObject({ error: { code: 'device.step_failed', retryable: false } })
    expect(seqsOf(world)).toEqual([0, 1, 2, 4, 5, 6, 7, 8])
    expect(world.logs).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'a step failed' }),
    )
  })

  it('whose name cannot be gets no record', async () => {
    const { core, world } = start({})
    for (const bad of ['', 'a/b', '#', 'a b', 'ü', 'x'.repeat(129)]) {
      await expect(core.gate.run(bad, [])).rejects.toMatchObject({ code: 'uplink.bad_device_id' })
    }
    await core.gate.idle()
    expect(world.calls).toEqual({})
  })
})

describe('a burst', () => {
  it('that acts on every message loses no effect, and goes out in order', async () => {
    const { core, world } = start(ACTING)
    const outcomes = await core.ingest(
      Array.from({ length: 3_000 }, (_, seq) => uplink({ temp: 26, seq, ts: NOW + seq })),
    )
    await core.gate.idle()
    expect(outcomes.every(({ status }) => status === 'accepted')).toBe(true)
    expect(seqsOf(world)).toEqual(Array.from({ length: 3_000 }, (_, seq) => seq))
    expect(recordOf(world, 'dev-1')).toMatchObject({ accepted: 3_000, outbox: [] })
    expect(world.counts['rule.failed']).toBeUndefined()
    expect(world.counts['rule.matched']).toBe(3_000)
  })

  it('with one message that fits no record loses that message alone', async () => {
    const { core, world } = start({ limits: { bodyBytes: 1_000_000 } })
    const huge = 'x'.repeat(200_000)
    const uplinks = Array.from({ length: 20 }, (_, seq) =>
      uplink({ seq, ts: NOW + seq, ...(seq === 11 ? { huge, huge2: huge } : {}) }),
    )
    const outcomes = await core.ingest(uplinks)
    expect(outcomes.map(({ status }) => status)).toEqual(
      uplinks.map((_, seq) => (seq === 11 ? 'dead_lettered' : 'accepted')),
    )
    expect(outcomes[11]).toMatchObject({ error: { code: 'device.record_too_large' } })
    const [letter] = [...world.letters.values()]
    expect(letter?.payload).toEqual(uplinks[11]?.payload)
    expect(rowsOf(world, 'dev-1')).toHaveLength(19)
  })

  it('a pack of which two messages fit no record is set aside once, and the others stand once', async () => {
    const { core, world } = start({
      limits: { bodyBytes: 2_000_000 },
      deviceTypes: { default: { codec: { type: 'senml', names: 'short' } } },
    })
    const huge = 'x'.repeat(200_000)
    const pack: Json = Array.from({ length: 6 }, (_, seq) => {
      const bt = NOW / 1_000 - 10 + seq
      const large = seq === 2 || seq === 4 ? ['a', 'b'] : []
      return [{ n: 'seq', v: seq, bt }, ...large.map((n) => ({ n, vs: huge, bt }))]
    }).flat()
    for (let time = 0; time < 2; time++) {
      const [outcome] = await core.ingest([uplink(pack)])
      await core.gate.idle()
      expect(outcome).toMatchObject({
        status: 'dead_lettered',
        error: { code: 'device.record_too_large' },
      })
      expect(world.letters.size).toBe(time + 1)
      expect(world.counts['uplink.rejected']).toBe(time + 1)
      expect(rowsOf(world, 'dev-1').map(({ metrics }) => metrics['seq'])).toEqual([0, 1, 3, 5])
    }
  })
})

describe('what it costs', () => {
  const calls = (world: World) =>
    Object.fromEntries(
      Object.entries(world.calls).filter(([name]) => /devices|telemetry|downlink/.test(name)),
    )

  it.each([
    { title: 'one message', count: 1 },
    { title: 'a batch', count: 100 },
  ])('$title of a quiet device: one read and one write', async ({ count }) => {
    const { core, world } = start(ACTING)
    await core.ingest(Array.from({ length: count }, (_, seq) => uplink({ seq, ts: NOW + seq })))
    await core.gate.idle()
    expect(calls(world)).toEqual({ 'devices.load': 1, 'devices.commit': 1 })
  })

  it('messages that act: one more write to strike off what was done', async () => {
    const { core, world } = start(ACTING)
    await core.ingest([uplink({ temp: 26, seq: 1, ts: NOW })])
    await core.gate.idle()
    expect(calls(world)).toEqual({
      'devices.load': 1,
      'devices.commit': 2,
      'downlink.publish': 1,
    })
  })

  it('who comes next strikes off with his own write', async () => {
    const { core, world } = start(ACTING)
    await Promise.all(inputs(5).map((one) => core.gate.run('dev-1', [one])))
    await core.gate.idle()
    // The first alone, the other four together, and one to strike off theirs.
    expect(calls(world)).toMatchObject({ 'devices.load': 2, 'devices.commit': 3 })
  })

  it('duplicates: a read and no write; late ones one look-up', async () => {
    const { core, world } = start({})
    const uplinks = Array.from({ length: 60 }, (_, seq) => uplink({ seq, ts: NOW - 100 + seq }))
    await core.ingest(uplinks)
    for (const name of Object.keys(world.calls)) delete world.calls[name]
    await core.ingest(uplinks)
    expect(calls(world)).toEqual({ 'devices.load': 1, 'telemetry.known': 1 })
    expect(recordOf(world, 'dev-1')?.version).toBe(1)
  })

  it('duplicates of the newest time are looked up, too', async () => {
    const { core, world } = start({})
    const uplinks = Array.from({ length: 60 }, (_, seq) => uplink({ seq, ts: NOW }))
    await core.ingest(uplinks)
    const again = await core.ingest(uplinks)
    expect(again.every(({ status }) => status === 'duplicate')).toBe(true)
    expect(rowsOf(world, 'dev-1')).toHaveLength(60)
  })

  it('asking for a shadow makes no device', async () => {
    const { core, world } = start({})
    for (const [operation, body] of [
      ['get', ''],
      ['delete', ''],
      ['update', '{'],
    ] as const) {
      const results = await core.gate.run('nobody', [
        { kind: 'shadow', operation, name: '', body, at: NOW },
      ])
      expect(results).toMatchObject([{ status: 'answered', accepted: false }])
    }
    expect(world.records.size).toBe(0)
    expect(world.calls['devices.commit']).toBeUndefined()
  })
})

describe('idle', () => {
  it('resolves at once where nothing happens, and for all who wait', async () => {
    const { core } = start(ACTING)
    await core.gate.idle()
    void core.gate.run('dev-1', inputs(3))
    await Promise.all([core.gate.idle(), core.gate.idle(), core.gate.idle()])
  })

  it('waits for effects, wishes for others, and what they bring', async () => {
    const { core, world } = start(ACTING)
    void core.ingest([uplink({ temp: 30, seq: 1, ts: NOW })])
    await core.gate.idle()
    expect(recordOf(world, 'fan-1')?.shadows['']?.desired).toEqual({ fan: 1 })
    expect(recordOf(world, 'dev-1')?.outbox).toEqual([])
    expect(world.pushes.map(({ message }) => message.event)).toEqual([
      'delta',
      'documents',
      'accepted',
    ])
  })

  it('resolves although things failed', async () => {
    const { core, world } = start(ACTING)
    world.away.add('devices')
    const failing = core.gate.run('dev-1', inputs(1))
    await expect(failing).rejects.toMatchObject({ code: 'store.unavailable' })
    await core.gate.idle()
    world.away.clear()
    world.onPublish = () => new Error('poison')
    await core.gate.run('dev-1', inputs(1))
    await core.gate.idle()
  })
})
