import { describe, expect, it } from 'vitest'
import type { ConfigInput } from '../../../core/index.ts'
import { programOf, type Running, start, uplink } from '../harness.ts'

const MINUTE = 60_000

const CONFIG = {
  channels: {
    ops: { type: 'webhook', url: 'https://example.org/ops' },
    mail: { type: 'email', to: ['all@example.org'] },
  },
  people: {
    ann: { groups: ['ops'], addresses: [{ channel: 'mail', to: 'ann@example.org' }] },
    bob: { addresses: [{ channel: 'mail', to: 'bob@example.org' }] },
    boss: { groups: ['bosses'], addresses: [{ channel: 'mail', to: 'boss@example.org' }] },
  },
  alarms: { hot: { when: 'temp > 30', clear: 'temp < 20', severity: 'warning' } },
} satisfies ConfigInput

const ESCALATING = {
  ...CONFIG,
  subscriptions: {
    shift: {
      to: { people: ['ann'] },
      escalation: [
        { after: '10m', to: { people: ['bob'] } },
        { after: '30m', to: { groups: ['bosses'] } },
      ],
    },
  },
} satisfies ConfigInput

/** Lets time pass as ticks and workers see it. */
async function pass({ core, world }: Running, minutes: number): Promise<void> {
  const end = world.now + minutes * MINUTE
  for (;;) {
    await core.gate.idle()
    await core.tick(100)
    await core.gate.idle()
    for (let round = 0; round < 20; round++) await core.notify(100)
    if (world.now >= end) return
    world.now = Math.min(end, world.now + MINUTE)
  }
}

const told = ({ world }: Running): string[] =>
  world.sent.map(({ recipientId = '', notification: { subject } }) => `${recipientId} ${subject}`)

describe('an escalation chain', () => {
  it('goes on until someone acknowledges', async () => {
    const running = start(ESCALATING)
    await running.core.ingest([uplink({ temp: 31 })])
    await pass(running, 11)
    expect(told(running)).toEqual(['@ann hot raised on dev-1', '@bob hot raised on dev-1'])
    await running.core.gate.run('dev-1', [
      {
        kind: 'alarm',
        alarmId: 'hot',
        change: { do: 'acknowledge' },
        by: 'bob',
        at: running.world.now,
      },
    ])
    await pass(running, 60)
    expect(told(running)).toHaveLength(2)
  })

  it('reaches its end where nobody does, across a restart', async () => {
    const first = start(ESCALATING)
    await first.core.ingest([uplink({ temp: 31 })])
    await pass(first, 5)
    const running = start(ESCALATING, { world: first.world, process: 'q' })
    await pass(running, 60)
    expect(told(running)).toEqual([
      '@ann hot raised on dev-1',
      '@bob hot raised on dev-1',
      '@boss hot raised on dev-1',
    ])
  })

  it('ends with the alarm', async () => {
    const running = start(ESCALATING)
    await running.core.ingest([uplink({ temp: 31 })])
    await pass(running, 5)
    await running.core.ingest([uplink({ temp: 10 })])
    await pass(running, 60)
    expect(told(running)).toEqual(['@ann hot raised on dev-1', '@ann hot cleared on dev-1'])
  })

  it('of a notification on demand ends when somebody takes note', async () => {
    for (const [acknowledges, people] of [
      [true, 1],
      [false, 3],
    ] as const) {
      const running = start(ESCALATING)
      const id = await running.core.broadcasts.send({
        audience: { subscribers: true },
        subject: 'Fire drill',
      })
      await pass(running, 5)
      if (acknowledges) expect(await running.core.broadcasts.acknowledge(id, 'ann')).toBe(true)
      await pass(running, 60)
      expect(told(running)).toHaveLength(people)
      expect(await running.core.broadcasts.status(id)).toMatchObject({ deliveries: 1 })
    }
  })
})

describe('an inbox as a record', () => {
  it('takes a page once that comes twice, and counts a digest by its throttle and its reason', async () => {
    const running = start({
      ...CONFIG,
      subscriptions: { day: { to: { people: ['ann'] }, digest: '1h' } },
    })
    const { core, world, ports } = running
    for (let index = 0; index < 18; index++)
      await core.ingest([uplink({ temp: 31 }, { deviceId: `dev-${index}` })])
    await core.gate.idle()
    const pages = await ports.notifications.claim(world.now, 100, 1_000)
    for (const page of pages) await core.fanOut(page)
    world.now += 2_000
    await pass(running, 61)
    expect(told(running)).toEqual(['@ann hot raised on dev-0', '@ann 17 more in the last hour'])
    expect(world.counts['notification.suppressed']).toBe(17)
  })

  it('says in the account of a notification why somebody is not told', async () => {
    const running = start({
      ...CONFIG,
      subscriptions: { few: { to: { people: ['ann'] }, throttle: { most: 1, per: '1h' } } },
    })
    const ask = { audience: { subscribers: true }, subject: 'News' }
    await running.core.broadcasts.send(ask)
    await pass(running, 1)
    const second = await running.core.broadcasts.send(ask)
    await pass(running, 1)
    expect(told(running)).toEqual(['@ann News'])
    expect(await running.core.broadcasts.status(second)).toMatchObject({
      deliveries: 1,
      states: { queued: 0, sent: 0, suppressed: 1 },
    })
    const { recipients } = await running.core.broadcasts.told(second, '')
    expect(recipients).toMatchObject([
      { recipient: '@ann', channel: 'mail', state: 'suppressed', reason: 'throttled' },
    ])
  })

  it('holds quiet hours in the time zone of each', async () => {
    // 15:06:40 UTC: 17:06 in Berlin, 00:06 in Tokyo.
    const people = {
      ann: { ...CONFIG.people.ann, timeZone: 'Asia/Tokyo' },
      bob: { ...CONFIG.people.bob, timeZone: 'Europe/Berlin' },
    }
    const running = start({
      ...CONFIG,
      people,
      subscriptions: {
        all: {
          to: { people: ['ann', 'bob'] },
          quietHours: { from: '22:00', to: '06:00' },
        },
      },
    })
    await running.core.ingest([uplink({ temp: 31 })])
    await pass(running, 5)
    expect(told(running)).toEqual(['@bob hot raised on dev-1'])
    await pass(running, 6 * 60)
    expect(told(running)).toEqual(['@bob hot raised on dev-1', '@ann hot raised on dev-1'])
  })

  it('keeps what it could not put into the queue until it can, and what was set aside is sent again', async () => {
    const running = start(ESCALATING)
    const { core, world, ports } = running
    await core.ingest([uplink({ temp: 31 })])
    await core.gate.idle()
    const pages = await ports.notifications.claim(world.now, 100, 1_000)
    world.away.add('notifications')
    for (const page of pages) await core.fanOut(page).catch(() => undefined)
    await core.gate.idle()
    expect(JSON.parse(world.records.get('$inbox/shift/%40ann') ?? '')).toMatchObject({
      outbox: [{ effect: { kind: 'deliver' } }],
    })
    world.away.delete('notifications')
    world.now += 2_000
    await pass(running, 2)
    expect(told(running)).toEqual(['@ann hot raised on dev-1'])

    const [delivery] = world.sent
    if (delivery === undefined) throw new Error('expected a delivery')
    const effect = { kind: 'deliver', deliveries: [{ ...delivery, key: 'again' }] }
    const payload = new TextEncoder().encode(JSON.stringify({ key: 'x', effect }))
    await ports.deadLetters.put({
      id: 'letter',
      at: world.now,
      deviceId: '$inbox/shift/%40ann',
      topic: 'outbox/deliver',
      source: 'outbox',
      contentType: 'application/json',
      payload,
      payloadBytes: payload.length,
      receivedAt: world.now,
      code: 'store.unavailable',
      reason: 'given up',
    })
    expect(await core.redrive('letter')).toEqual({ status: 'queued' })
    await pass(running, 1)
    expect(told(running)).toHaveLength(2)
  })

  it('is no device', async () => {
    const running = start(ESCALATING)
    await running.core.ingest([uplink({ temp: 31 })])
    await pass(running, 1)
    expect([...running.world.records.keys()].toSorted()).toEqual(['$inbox/shift/%40ann', 'dev-1'])
    await expect(running.core.gate.run('$inbox/shift/%40ann', [])).rejects.toThrow(
      'expected a device id',
    )
  })

  it.each([
    [{ escalation: [{ after: '10m', to: {} }] }, 'expected people, groups or channels'],
    [
      {
        escalation: [
          { after: '10m', to: { people: ['bob'] } },
          { after: '5m', to: { people: ['bob'] } },
        ],
      },
      'expected it later than the step before',
    ],
    [{ escalation: [{ after: '10m', to: { channels: ['x'] } }] }, 'expected the name of a channel'],
    [{ digest: '10' }, 'expected a duration'],
    [{ throttle: { most: 0, per: '1h' } }, 'Too small'],
    [{ quietHours: { from: '7', to: '8:00' } }, 'expected a time such as 07:30'],
  ])('%j: %s', (more, says) => {
    const subscriptions = { one: { to: { people: ['ann'] }, ...more } }
    expect(() => programOf({ ...CONFIG, subscriptions } as ConfigInput)).toThrow(says)
  })
})
