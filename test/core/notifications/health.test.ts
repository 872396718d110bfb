import { describe, expect, it } from 'vitest'
import { type ConfigInput, CoreError, type Delivery, parseConfig } from '../../../core/index.ts'
import { NOW, type Running, start, uplink } from '../harness.ts'

const CONFIG = {
  deviceTypes: { any: { offlineAfter: '1m', expectEvery: '10m' } },
  channels: {
    ops: { type: 'webhook', url: 'https://ops.example.org/' },
    wall: { type: 'webhook', url: 'https://wall.example.org/' },
    dead: { type: 'webhook', url: 'https://dead.example.org/' },
  },
  people: { bob: { addresses: ['wall'] } },
} satisfies ConfigInput

type Subscription = NonNullable<ConfigInput['subscriptions']>[string]

const HEALTH: Subscription = { to: { channels: ['ops'] }, events: ['health'] }

function withSubscription(subscription: Partial<Subscription>): Running {
  return start({ ...CONFIG, subscriptions: { one: { ...HEALTH, ...subscription } } })
}

async function workOff({ core, world }: Running): Promise<readonly string[]> {
  await core.gate.idle()
  for (let round = 0; round < 100; round++) {
    const { sent, retried, failed } = await core.notify(100)
    if (sent + retried + failed === 0) break
  }
  return world.sent.map(({ channelId, notification: { severity, subject } }) =>
    [channelId, severity, subject].join(' '),
  )
}

async function say(running: Running, connected: boolean): Promise<void> {
  const at = running.world.now
  await running.core.gate.run('dev-1', [{ kind: 'presence', connected, at }])
  await running.core.gate.idle()
}

async function pass(running: Running, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    running.world.now += 60_000
    await running.core.tick(100)
    await running.core.gate.idle()
  }
}

async function speak(running: Running): Promise<void> {
  const receivedAt = running.world.now
  await running.core.ingest([uplink({ n: receivedAt }, { receivedAt })])
}

/** A device that was heard of, and is not any more. */
async function gone(running: Running): Promise<void> {
  await say(running, true)
  await speak(running)
  await say(running, false)
  await pass(running, 11)
}

describe('the health of devices', () => {
  it('is told when a device is gone and when it is back, and not when it comes first', async () => {
    const running = withSubscription({})
    await gone(running)
    expect(await workOff(running)).toEqual(['ops warning dev-1 is offline'])
    await say(running, true)
    await speak(running)
    expect(await workOff(running)).toEqual([
      'ops warning dev-1 is offline',
      'ops info dev-1 is online again',
    ])
    const [first] = running.world.sent
    expect(first?.notification.data).toMatchObject({ status: 'offline', before: 'online' })
  })

  it('is told when one is connected and silent, which is still the same absence once it is gone', async () => {
    const running = withSubscription({})
    await say(running, true)
    await speak(running)
    await pass(running, 11)
    await say(running, false)
    await pass(running, 2)
    expect(await workOff(running)).toEqual([
      'ops warning dev-1 is late',
      'ops warning dev-1 is offline',
    ])
    expect(running.world.sent.map(({ notification: { event } }) => event?.change)).toEqual([
      'raised',
      'escalated',
    ])
  })

  it('reaches those only who ask for it', async () => {
    const running = start({
      ...CONFIG,
      subscriptions: {
        usual: { to: { channels: ['ops'] } },
        others: { ...HEALTH, alarms: ['endpoint'] },
        serious: { ...HEALTH, severity: 'critical' },
        elsewhere: { ...HEALTH, devices: 'truck-*' },
        this: { to: { channels: ['wall'] }, events: ['health'], alarms: ['presence'] },
      },
    })
    await gone(running)
    expect(await workOff(running)).toEqual(['wall warning dev-1 is offline'])
  })

  it('costs nothing where nobody asks for it', async () => {
    const running = start({ ...CONFIG, subscriptions: { usual: { to: { channels: ['ops'] } } } })
    await gone(running)
    expect(await workOff(running)).toEqual([])
    expect(running.world.queue.size).toBe(0)
  })

  it('goes on to the next until the device is back', async () => {
    const escalation = [
      { after: '10m', to: { people: ['bob'] } },
      { after: '30m', to: { channels: ['dead'] } },
    ]
    const running = withSubscription({ escalation })
    await gone(running)
    await workOff(running)
    await pass(running, 11)
    expect(await workOff(running)).toContain('wall warning dev-1 is offline')
    await say(running, true)
    await speak(running)
    await workOff(running)
    await pass(running, 40)
    expect((await workOff(running)).filter((line) => line.startsWith('dead'))).toEqual([])
  })

  it('is told once where it changes too often', async () => {
    const running = withSubscription({ flaps: { most: 2, within: '2h' } })
    for (let round = 0; round < 4; round++) {
      await gone(running)
      await workOff(running)
    }
    const told = await workOff(running)
    expect(told).toHaveLength(3)
    expect(told.at(-1)).toBe('ops info dev-1 is online again (changes often)')
  })
})

function delivery(key: string, channelId = 'dead'): Delivery {
  const notification = {
    key: `n-${key}`,
    channelIds: [],
    deviceId: 'dev-1',
    severity: 'info' as const,
    subject: 'x',
    text: '',
    at: NOW,
    data: null,
  }
  return { key, channelId, notification, attempts: 0 }
}

const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => delivery(`d${from + index}`))

describe('the health of the system', () => {
  it('says that a channel is left alone, and that it answers again, once each', async () => {
    const running = withSubscription({})
    const { world, ports } = running
    let isDown = true
    world.onSend = ({ channelId }) =>
      isDown && channelId === 'dead' ? new CoreError('channel.unavailable', '503') : undefined
    await ports.notifications.enqueue(many(20))
    expect(await workOff(running)).toEqual([
      'ops warning channel dead is left alone: it fails again and again',
    ])
    isDown = false
    for (let minute = 0; minute < 10; minute++) {
      world.now += 60_000
      await workOff(running)
    }
    const told = world.sent.filter(({ channelId }) => channelId === 'ops')
    expect(told.map(({ notification: { subject } }) => subject)).toEqual([
      'channel dead is left alone: it fails again and again',
      'channel dead answers again',
    ])
  })

  it('says that an address is gone, as it may be shown', async () => {
    const running = withSubscription({ alarms: ['address'] })
    running.world.onSend = ({ channelId }, sending) => {
      if (channelId !== 'dead') return undefined
      sending?.gone('ann@example.org', 'a…@example.org', 'SMTP 550')
      return new CoreError('channel.gone', 'a…@example.org: no such mailbox')
    }
    await running.ports.notifications.enqueue(many(3))
    expect(await workOff(running)).toEqual([
      'ops warning an address of channel dead is gone: a…@example.org',
    ])
    expect(JSON.stringify(running.world.sent)).not.toContain('ann@example.org')
  })

  it('says once in an hour that there are dead letters of one source', async () => {
    const running = withSubscription({ alarms: ['dead-letters'] })
    const { core, world } = running
    const broken = new TextEncoder().encode('{')
    const sendBroken = () => core.ingest([uplink(broken, { receivedAt: world.now })])
    for (let count = 0; count < 5; count++) await sendBroken()
    expect(await workOff(running)).toEqual(['ops warning dead letters from test: codec.malformed'])
    world.now += 3_600_000
    await sendBroken()
    expect(await workOff(running)).toHaveLength(2)
    expect(world.letters.size).toBe(6)
  })

  it('does not go round where the channel that tells of it fails, too', async () => {
    const running = withSubscription({})
    const { world, ports } = running
    world.onSend = () => new CoreError('channel.rejected', 'status 400')
    await ports.notifications.enqueue(many(2))
    await workOff(running)
    expect([...world.letters.values()].map(({ messageId }) => messageId)).toEqual([
      'd0',
      'd1',
      expect.stringMatching(/^\$health\/dead-letters\/notify\/told\/\d+>ops$/),
    ])
  })

  it('lets nothing fail where it cannot be told', async () => {
    const running = withSubscription({})
    running.world.away.add('notifications')
    const broken = new TextEncoder().encode('{')
    const [outcome] = await running.core.ingest([uplink(broken)])
    expect(outcome?.status).toBe('dead_lettered')
    expect(running.world.letters.size).toBe(1)
  })
})

describe('events that nothing raises', () => {
  it('are refused with a sentence: there are no jobs yet', () => {
    const parsed = parseConfig({
      ...CONFIG,
      subscriptions: { one: { to: { channels: ['ops'] }, events: ['job'] } },
    })
    expect('faults' in parsed && parsed.faults).toMatchObject([
      {
        path: ['subscriptions', 'one', 'events', 0],
        message:
          'expected alarm, rule, on-demand or health: there are no jobs yet, and nothing raises this event',
      },
    ])
  })
})
