import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConfigInput, DeviceInput } from '../../core/index.ts'
import { createWorld, recordOf } from '../fakes/memory-ports.ts'
import { NOW, type Running, start, uplink } from './harness.ts'

const TELL: ConfigInput['rules'] = {
  tell: {
    sql: "SELECT *, topic(3) AS id FROM '$anyhub/presence/+'",
    actions: [{ republish: { topic: 'told' } }],
  },
}

/** One second is the damping of all tests here, so that numbers stay small. */
const CONFIG: ConfigInput = {
  rules: TELL,
  deviceTypes: { any: { offlineAfter: '1s' } },
}

const EXPECTING: ConfigInput = {
  rules: TELL,
  deviceTypes: { any: { offlineAfter: '1s', expectEvery: '10s' } },
}

interface Told {
  readonly deviceId: string
  readonly status: string
  readonly before: string
  readonly sequence: number
  readonly at: number
  readonly flaps: number
}

/** What rules were told so far, in order. */
const told = ({ world }: Running): Told[] =>
  world.published
    .filter(({ message }) => message.topic === 'told')
    .map(({ message }) => JSON.parse(message.payload))

const words = (running: Running): string[] => told(running).map(({ status }) => status)

async function say(running: Running, input: Partial<DeviceInput>, deviceId = 'dev-1') {
  const at = running.world.now
  await running.core.gate.run(deviceId, [{ kind: 'presence', at, ...input } as DeviceInput])
  await running.core.gate.idle()
}

const connect = (running: Running, deviceId?: string, gateway?: string) =>
  say(running, { connected: true, ...(gateway === undefined ? {} : { gateway }) }, deviceId)
const lose = (running: Running, deviceId?: string) => say(running, { connected: false }, deviceId)

async function speak(running: Running, deviceId = 'dev-1') {
  const receivedAt = running.world.now
  await running.core.ingest([uplink({ temp: 1, n: receivedAt }, { deviceId, receivedAt })])
  await running.core.gate.idle()
}

/** Lets time pass, with a tick at the end of each step of at most half a second. */
async function pass(running: Running, ms: number) {
  for (let left = ms; left > 0; left -= 500) {
    running.world.now += Math.min(left, 500)
    await running.core.tick(1_000)
    await running.core.gate.idle()
  }
}

const statusOf = ({ world }: Running, deviceId = 'dev-1') =>
  recordOf(world, deviceId)?.presence.judged?.status

describe('presence by connection', () => {
  it('is told when a device comes, and when it has been gone for long enough', async () => {
    const running = start(CONFIG)
    await connect(running)
    expect(told(running)).toMatchObject([
      { deviceId: 'dev-1', status: 'online', before: 'unknown', sequence: 1, id: 'dev-1' },
    ])
    await pass(running, 5_000)
    await lose(running)
    await pass(running, 500)
    expect(words(running)).toEqual(['online'])
    await pass(running, 500)
    expect(words(running)).toEqual(['online', 'offline'])
    expect(told(running)[1]).toMatchObject({ before: 'online', sequence: 2, at: NOW + 6_000 })
    await pass(running, 60_000)
    expect(words(running)).toEqual(['online', 'offline'])
    expect(recordOf(running.world, 'dev-1')!.dueAt).toBe(0)
  })

  it('folds flaps, and counts them', async () => {
    const running = start(CONFIG)
    await connect(running)
    for (let flap = 0; flap < 7; flap++) {
      await lose(running)
      await pass(running, 500)
      await connect(running)
      await pass(running, 200)
    }
    expect(words(running)).toEqual(['online'])
    expect(recordOf(running.world, 'dev-1')!.presence.judged!.flaps).toBe(7)
    await lose(running)
    await pass(running, 1_000)
    expect(told(running)[1]).toMatchObject({ status: 'offline', flaps: 7, sequence: 2 })
  })

  it('counts no first connection and no device that sleeps as a flap', async () => {
    const running = start(EXPECTING)
    await speak(running)
    await connect(running)
    await lose(running)
    await pass(running, 3_000)
    await connect(running)
    expect(recordOf(running.world, 'dev-1')!.presence.judged).toMatchObject({ flaps: 0 })
  })

  it('a lost connection is no sign of life; one that the device ended is', async () => {
    const running = start(CONFIG)
    await connect(running)
    await pass(running, 5_000)
    await lose(running)
    expect(recordOf(running.world, 'dev-1')!.presence.seenAt).toBe(NOW)
    await say(running, { connected: false, heard: true })
    expect(recordOf(running.world, 'dev-1')!.presence.seenAt).toBe(NOW + 5_000)
  })

  it('of a device that only posts is unknown, and costs no timer', async () => {
    const running = start(CONFIG)
    await speak(running)
    await pass(running, 100_000)
    expect(words(running)).toEqual([])
    expect(recordOf(running.world, 'dev-1')).toMatchObject({ dueAt: 0, version: 1 })
  })

  it('raises alarms that look at it', async () => {
    const running = start({
      ...CONFIG,
      alarms: {
        gone: { from: '$anyhub/presence/+', when: "status = 'offline'", severity: 'critical' },
      },
    })
    await connect(running)
    await lose(running)
    await pass(running, 1_000)
    expect(recordOf(running.world, 'dev-1')!.alarms['gone']!.status).toBe('active')
    await connect(running)
    expect(recordOf(running.world, 'dev-1')!.alarms['gone']!.status).not.toBe('active')
  })

  it('cannot be claimed by a device', async () => {
    const running = start(CONFIG)
    const [outcome] = await running.core.ingest([
      uplink({ status: 'offline' }, { deviceId: undefined, topic: '$anyhub/presence/dev-1' }),
    ])
    expect(outcome!.status).toBe('dead_lettered')
    expect(words(running)).toEqual([])
  })
})

describe('presence by an expected interval', () => {
  it('of a device without a connection: online while it reports, then offline', async () => {
    const running = start(EXPECTING)
    await speak(running)
    expect(words(running)).toEqual(['online'])
    for (let round = 0; round < 5; round++) {
      await pass(running, 8_000)
      await speak(running)
    }
    expect(words(running)).toEqual(['online'])
    await pass(running, 9_500)
    expect(words(running)).toEqual(['online'])
    await pass(running, 500)
    expect(words(running)).toEqual(['online', 'offline'])
    await speak(running)
    expect(words(running)).toEqual(['online', 'offline', 'online'])
  })

  it('of a connected device that is silent: late, and online with its next word', async () => {
    const running = start(EXPECTING)
    await connect(running)
    await pass(running, 10_000)
    expect(words(running)).toEqual(['online', 'late'])
    await speak(running)
    expect(words(running)).toEqual(['online', 'late', 'online'])
    await lose(running)
    await pass(running, 9_500)
    expect(words(running)).toEqual(['online', 'late', 'online'])
    await pass(running, 500)
    expect(words(running)).toEqual(['online', 'late', 'online', 'offline'])
  })

  it('of a device that sleeps between its reports: stays online', async () => {
    const running = start(EXPECTING)
    for (let round = 0; round < 6; round++) {
      await connect(running)
      await speak(running)
      await lose(running)
      await pass(running, 8_000)
    }
    expect(words(running)).toEqual(['online'])
  })

  it('is judged without a write for each message', async () => {
    const running = start(EXPECTING)
    await speak(running)
    const { dueAt } = recordOf(running.world, 'dev-1')!
    for (let round = 0; round < 4; round++) {
      running.world.now += 1_000
      await speak(running)
      expect(recordOf(running.world, 'dev-1')!.dueAt).toBe(dueAt)
    }
  })

  it('ends its timer when the promise is taken out of the config', async () => {
    const running = start(EXPECTING)
    await speak(running)
    const after = start(CONFIG, { world: running.world })
    await pass(after, 11_000)
    expect(recordOf(running.world, 'dev-1')!.dueAt).toBe(0)
    expect(words(after)).toEqual(['online'])
  })
})

describe('presence behind a gateway', () => {
  const devices = Array.from({ length: 20 }, (_, index) => `dev-${index}`)

  async function attached(config: ConfigInput): Promise<Running> {
    const running = start(config)
    await connect(running, 'gw')
    for (const deviceId of devices) await connect(running, deviceId, 'gw')
    return running
  }

  async function outage(running: Running) {
    for (const deviceId of devices) await lose(running, deviceId)
    await lose(running, 'gw')
  }

  it.each([
    ['damped', CONFIG],
    ['with an interval', EXPECTING],
    ['not damped', { ...CONFIG, deviceTypes: { any: { offlineAfter: 0 as const } } }],
  ])('its outage is one event and no storm: %s', async (_name, config) => {
    const running = await attached(config)
    expect(words(running)).toHaveLength(21)
    await outage(running)
    await pass(running, 200_000)
    expect(told(running).slice(21)).toMatchObject([{ deviceId: 'gw', status: 'offline' }])
    expect(devices.map((deviceId) => statusOf(running, deviceId))).toEqual(
      devices.map(() => 'unreachable'),
    )
    await connect(running, 'gw')
    for (const deviceId of devices) await connect(running, deviceId, 'gw')
    expect(told(running).slice(22)).toMatchObject([{ deviceId: 'gw', status: 'online' }])
    expect(statusOf(running, 'dev-3')).toBe('online')
  })

  it('its outage is one event where only it promised to be heard of', async () => {
    const running = await attached({
      rules: TELL,
      deviceTypes: {
        any: { offlineAfter: '1s' },
        gateways: { devices: 'gw', offlineAfter: '1s', expectEvery: '60s' },
      },
    })
    await pass(running, 2_000)
    await outage(running)
    await pass(running, 100_000)
    expect(told(running).slice(21)).toMatchObject([{ deviceId: 'gw', status: 'offline' }])
    expect(statusOf(running, 'dev-7')).toBe('unreachable')
  })

  it('a device that does not come back with it is told after all', async () => {
    const running = await attached(CONFIG)
    await outage(running)
    await pass(running, 5_000)
    await connect(running, 'gw')
    for (const deviceId of devices.slice(1)) await connect(running, deviceId, 'gw')
    await pass(running, 70_000)
    expect(told(running).slice(21)).toMatchObject([
      { deviceId: 'gw', status: 'offline' },
      { deviceId: 'gw', status: 'online' },
      { deviceId: 'dev-0', status: 'offline', before: 'online', gateway: 'gw' },
    ])
  })

  it('a device that alone is gone is told while the gateway stands', async () => {
    const running = await attached(CONFIG)
    await pass(running, 5_000)
    await lose(running, 'dev-4')
    await pass(running, 5_000)
    expect(told(running).slice(21)).toMatchObject([{ deviceId: 'dev-4', status: 'offline' }])
  })

  it('also where the gateway only posts for devices that are bound to it', async () => {
    const running = start(EXPECTING)
    for (const deviceId of devices) {
      await running.ports.registry.create({
        deviceId,
        tags: {},
        enabled: true,
        createdAt: NOW,
        version: 1,
        credentials: [],
        gateways: ['gw'],
      })
    }
    await speak(running, 'gw')
    for (const deviceId of devices) await speak(running, deviceId)
    await pass(running, 300_000)
    expect(told(running).slice(21)).toMatchObject([{ deviceId: 'gw', status: 'offline' }])
  })
})

// The model

type Act =
  | { readonly act: 'connect' | 'lose' | 'speak' | 'restart' }
  | { readonly act: 'pass'; readonly ms: number }

const anyAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Act>({ act: 'connect' }) },
  { weight: 3, arbitrary: fc.constant<Act>({ act: 'lose' }) },
  { weight: 3, arbitrary: fc.constant<Act>({ act: 'speak' }) },
  { weight: 1, arbitrary: fc.constant<Act>({ act: 'restart' }) },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom(100, 500, 900, 1_000, 1_500, 4_000, 9_900, 10_000, 12_000)
      .map((ms): Act => ({ act: 'pass', ms })),
  },
)

/** What is true of a device, kept as plainly as it can be. */
interface Truth {
  connected: boolean
  lostAt: number
  heardAt: number
  ever: boolean
}

function expected(truth: Truth, now: number, expectMs: number, damped: string): string {
  const isHeard = truth.heardAt > 0 && now < truth.heardAt + expectMs
  if (expectMs > 0 && isHeard) return 'online'
  if (truth.connected) return expectMs > 0 ? 'late' : 'online'
  if (!truth.ever) return expectMs > 0 && truth.heardAt > 0 ? 'offline' : 'unknown'
  return now < truth.lostAt + 1_000 ? damped : 'offline'
}

describe('presence agrees with a model', () => {
  it.each([
    ['by connection', CONFIG, 0],
    ['by an interval', EXPECTING, 10_000],
  ])('%s, over restarts, flaps and silence', async (_name, config, expectMs) => {
    let stories = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyAct, { minLength: 10, maxLength: 40 }), async (acts) => {
        const world = createWorld(NOW)
        let running = start(config, { world })
        const truth: Truth = { connected: false, lostAt: 0, heardAt: 0, ever: false }
        for (const step of acts) {
          const before = words(running).at(-1) ?? 'unknown'
          switch (step.act) {
            case 'connect':
              await connect(running)
              Object.assign(truth, { connected: true, ever: true, heardAt: world.now })
              break
            case 'lose':
              if (!truth.connected) continue
              await lose(running)
              Object.assign(truth, { connected: false, lostAt: world.now })
              break
            case 'speak':
              await speak(running)
              truth.heardAt = world.now
              break
            case 'restart':
              running = start(config, { world })
              if (!truth.connected) continue
              await lose(running)
              Object.assign(truth, { connected: false, lostAt: world.now })
              break
            case 'pass':
              world.now += step.ms
              await running.core.tick(10)
              await running.core.gate.idle()
          }
          expect(words(running).at(-1) ?? 'unknown').toBe(
            expected(truth, world.now, expectMs, before),
          )
        }
        const events = told(running)
        expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, at) => at + 1))
        events.forEach((event, at) => {
          expect(event.before).toBe(events[at - 1]?.status ?? 'unknown')
          expect(event.status).not.toBe(event.before)
        })
        stories += events.length
      }),
      { numRuns: 300 },
    )
    expect(stories).toBeGreaterThan(200)
  })
})
