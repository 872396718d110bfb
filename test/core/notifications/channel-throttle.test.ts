import { describe, expect, it } from 'vitest'
import { type ConfigInput, CoreError } from '../../../core/index.ts'
import { type Running, start, uplink } from '../harness.ts'

const CONFIG = {
  channels: {
    mail: {
      type: 'email',
      to: ['all@example.org'],
      throttle: { most: 2, per: '1h' },
    },
    line: { type: 'queue', queue: 'told', throttle: { most: 1, per: '1h', override: 'never' } },
    free: { type: 'webhook', url: 'https://free.example.org/' },
  },
  people: {
    ann: { groups: ['ops'], addresses: [{ channel: 'mail', to: 'ann@example.org' }] },
    bob: { groups: ['ops'], addresses: ['mail'] },
  },
  subscriptions: {
    hot: { to: { groups: ['ops'] }, alarms: ['hot'] },
    cold: {
      to: { people: ['ann'], channels: ['mail'] },
      alarms: ['cold'],
      throttle: { most: 9, per: '1h' },
    },
  },
  alarms: {
    hot: { when: 'temp > 30', severity: 'warning' },
    cold: { when: 'temp < 0', severity: 'warning', notify: ['line', 'free'] },
    fire: { when: 'temp > 90', severity: 'critical', notify: ['line'] },
  },
} satisfies ConfigInput

async function workOff({ core }: Running): Promise<void> {
  await core.gate.idle()
  for (let round = 0; round < 100; round++) {
    const { sent, retried, failed } = await core.notify(100)
    if (sent + retried + failed === 0) return
  }
}

async function measure(running: Running, deviceId: string, temp: number): Promise<void> {
  const receivedAt = running.world.now
  await running.core.ingest([uplink({ temp, n: receivedAt }, { deviceId, receivedAt })])
  await workOff(running)
}

const told = ({ world }: Running): string[] =>
  world.sent.map(({ recipientId = '', channelId, notification: { subject } }) =>
    `${recipientId} ${channelId}: ${subject}`.trim(),
  )

describe('the throttle of a channel', () => {
  it('counts for each person, whatever the subscription', async () => {
    const running = start(CONFIG)
    await measure(running, 'a', 31)
    await measure(running, 'b', -1)
    await measure(running, 'c', 31)
    await measure(running, 'd', -1)
    const mails = told(running).filter((line) => line.includes('mail'))
    expect(mails.toSorted()).toEqual([
      '@ann mail: cold raised on b',
      '@ann mail: hot raised on a',
      '@bob mail: hot raised on a',
      '@bob mail: hot raised on c',
      'mail: cold raised on b',
      'mail: cold raised on d',
    ])
    expect(running.world.counts['notification.suppressed']).toBe(3)
    expect(running.world.letters.size).toBe(0)
  })

  it('lets pass again what comes later', async () => {
    const running = start(CONFIG)
    for (const deviceId of ['a', 'b', 'c']) await measure(running, deviceId, 31)
    running.world.now += 3_600_000
    await measure(running, 'd', 31)
    expect(told(running).filter((line) => line.startsWith('@ann'))).toEqual([
      '@ann mail: hot raised on a',
      '@ann mail: hot raised on b',
      '@ann mail: hot raised on d',
    ])
  })

  it('does not hold what is critical, unless it says never', async () => {
    const running = start({
      ...CONFIG,
      alarms: { hot: { when: 'temp > 30', severity: 'critical', notify: ['line'] } },
    })
    for (const deviceId of ['a', 'b', 'c']) await measure(running, deviceId, 31)
    expect(told(running).filter((line) => line.startsWith('@ann'))).toHaveLength(3)
    expect(running.world.queues.get('told')?.size).toBe(1)
  })

  it('holds channels that alarms name themselves, and no other channel', async () => {
    const running = start(CONFIG)
    for (const deviceId of ['a', 'b', 'c']) await measure(running, deviceId, -1)
    expect(running.world.queues.get('told')?.size).toBe(1)
    expect(told(running).filter((line) => line.startsWith('free'))).toHaveLength(3)
  })

  it('says on the account of a notification on demand who was not told, and why', async () => {
    const running = start(CONFIG)
    const { core } = running
    const send = () => core.broadcasts.send({ audience: { people: ['ann'] }, subject: 'Drill' })
    const ids = [await send(), await send(), await send()]
    await workOff(running)
    const states = await Promise.all(ids.map((id) => core.broadcasts.status(id)))
    expect(states.map((status) => status?.states)).toMatchObject([
      { sent: 1, suppressed: 0 },
      { sent: 1, suppressed: 0 },
      { sent: 0, suppressed: 1, queued: 0 },
    ])
    const { recipients } = await core.broadcasts.told(ids[2] ?? '', '')
    expect(recipients).toMatchObject([{ state: 'suppressed', reason: 'throttled' }])
  })

  it('counts a delivery once that is tried again, and one whose worker ended', async () => {
    const running = start(CONFIG)
    const { core, world } = running
    let failures = 3
    world.onSend = () =>
      failures-- > 0 ? new CoreError('channel.unavailable', 'SMTP 421') : undefined
    await measure(running, 'a', 31)
    for (let minute = 0; minute < 10; minute++) {
      world.now += 60_000
      await workOff(running)
    }
    expect(told(running).filter((line) => line.startsWith('@ann'))).toHaveLength(1)
    // Let pass, and not settled: the store went away.
    await core.ingest([uplink({ temp: 31 }, { deviceId: 'b', receivedAt: world.now })])
    await core.gate.idle()
    await core.notify(1)
    world.onSend = () => {
      world.away.add('notifications')
      return undefined
    }
    await core.notify(100)
    world.away.clear()
    world.onSend = () => undefined
    world.now += 120_000
    await workOff(running)
    const ofAnn = told(running).filter((line) => line.startsWith('@ann'))
    expect(new Set(ofAnn)).toEqual(
      new Set(['@ann mail: hot raised on a', '@ann mail: hot raised on b']),
    )
    expect(world.counts['notification.suppressed'] ?? 0).toBe(0)
  })

  it('remembers no address in clear text', async () => {
    const running = start(CONFIG)
    await measure(running, 'a', 31)
    const places = [...running.world.records].filter(([id]) => id.startsWith('$place/'))
    expect(places).toHaveLength(2)
    expect(JSON.stringify(places)).not.toContain('ann@example.org')
  })
})
