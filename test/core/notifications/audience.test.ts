import { describe, expect, it } from 'vitest'
import type { ConfigInput, Delivery } from '../../../core/index.ts'
import { NOW, programOf, type Running, start, uplink } from '../harness.ts'

const CONFIG = {
  channels: {
    ops: { type: 'webhook', url: 'https://example.org/ops' },
    mail: { type: 'email', to: ['all@example.org'] },
    phone: { type: 'sms', to: ['+4915100000'] },
  },
  people: {
    ann: {
      groups: ['ops'],
      language: 'de-AT',
      addresses: [{ channel: 'mail', to: 'ann@example.org' }],
    },
    bob: { groups: ['ops', 'night'], addresses: ['mail', { channel: 'phone', to: '+4915112345' }] },
  },
  alarms: {
    hot: { when: 'temp > 30', clear: 'temp < 20', severity: 'critical' },
    cold: { when: 'temp < -10', severity: 'warning', notify: ['ops'] },
  },
} satisfies ConfigInput

function withSubscriptions(subscriptions: ConfigInput['subscriptions'], more: ConfigInput = {}) {
  return start({ ...CONFIG, subscriptions, ...more })
}

/** Works off the queue, pages and deliveries. */
async function workOff({ core, world }: Running): Promise<readonly Delivery[]> {
  await core.gate.idle()
  for (let round = 0; round < 1_000; round++) {
    const { sent, retried, failed } = await core.notify(100)
    if (sent + retried + failed === 0) break
  }
  return world.sent
}

const places = (sent: readonly Delivery[]): string[] =>
  sent
    .map(({ recipientId = '', channelId, to = '' }) => `${recipientId} ${channelId} ${to}`)
    .toSorted()

describe('subscriptions', () => {
  it('tells people, groups, channels and addresses of an alarm that names no channel', async () => {
    const running = withSubscriptions({
      all: {
        to: {
          people: ['ann', 'nobody'],
          groups: ['ops'],
          channels: ['ops'],
          addresses: [{ channel: 'phone', to: '+4915199999' }],
        },
      },
    })
    await running.core.ingest([uplink({ temp: 31 })])
    expect(places(await workOff(running))).toEqual([
      ' ops ',
      '#all phone +4915199999',
      '@ann mail ann@example.org',
      '@bob mail ',
      '@bob phone +4915112345',
    ])
    expect(running.world.sent.map(({ notification }) => notification.subject)).toEqual(
      Array(5).fill('hot raised on dev-1'),
    )
  })

  it('tells somebody once who is found in several ways', async () => {
    const running = withSubscriptions({
      a: { to: { people: ['ann'], groups: ['ops'] } },
      b: { to: { people: ['ann'], channels: ['ops'] }, events: ['alarm'] },
    })
    await running.core.ingest([uplink({ temp: -20 })])
    expect(places(await workOff(running))).toEqual([
      ' ops ',
      '@ann mail ann@example.org',
      '@bob mail ',
      '@bob phone +4915112345',
    ])
  })

  it.each([
    ['another device', { devices: 'truck-*' }, 0],
    ['the device', { devices: 'dev-*' }, 1],
    ['another alarm', { alarms: ['cold'] }, 0],
    ['the alarm', { alarms: ['hot'] }, 1],
    ['rules only', { events: ['rule'] }, 0],
    ['alarms', { events: ['alarm'] }, 1],
    ['what is critical', { severity: 'critical' }, 1],
    ['a tag that it has not', { tags: { site: 'b' } }, 0],
    ['a tag that it has', { tags: { site: 'a' } }, 1],
    // 2025-06-15T15:06:40Z, a Sunday.
    ['the hours', { schedule: [{ from: '15:00', to: '16:00' }] }, 1],
    ['other hours', { schedule: [{ from: '16:00', to: '15:00' }] }, 0],
    [
      'the hours elsewhere',
      { schedule: [{ from: '17:00', to: '18:00' }], timeZone: 'Europe/Berlin' },
      1,
    ],
    ['the day', { schedule: [{ days: ['sun'], from: '00:00', to: '00:00' }] }, 1],
    ['the night before', { schedule: [{ days: ['sat'], from: '20:00', to: '15:07' }] }, 1],
    ['another day', { schedule: [{ days: ['mon'], from: '00:00', to: '00:00' }] }, 0],
  ] as const)('%s', async (_, filter, times) => {
    const running = withSubscriptions({
      one: { to: { channels: ['ops'] }, ...filter } as NonNullable<
        ConfigInput['subscriptions']
      >[string],
    })
    running.world.registered.set('dev-1', {
      deviceId: 'dev-1',
      tags: { site: 'a' },
      enabled: true,
      createdAt: NOW,
      version: 1,
      credentials: [],
    })
    await running.core.ingest([uplink({ temp: 31 })])
    expect(await workOff(running)).toHaveLength(times)
  })

  it('tells of the end of an alarm whoever was told of its beginning', async () => {
    const running = withSubscriptions({ one: { to: { channels: ['ops'] }, severity: 'critical' } })
    await running.core.ingest([uplink({ temp: 31 })])
    await running.core.ingest([uplink({ temp: 10 })])
    const sent = await workOff(running)
    expect(sent.map(({ notification }) => notification.subject)).toEqual([
      'hot raised on dev-1',
      'hot cleared on dev-1',
    ])
  })

  it('hears what rules tell, but no document for one webhook', async () => {
    const running = withSubscriptions(
      { one: { to: { people: ['ann'] }, events: ['rule'], alarms: ['door'] } },
      {
        rules: {
          door: {
            sql: "SELECT * FROM 'devices/+/telemetry' WHERE door = 'open'",
            actions: [
              { notify: { channels: ['ops'], subject: 'open' } },
              { webhook: { channel: 'ops' } },
            ],
          },
        },
      },
    )
    await running.core.ingest([uplink({ door: 'open' })])
    expect(places(await workOff(running))).toEqual([' ops ', ' ops ', '@ann mail ann@example.org'])
  })

  it('words it in the language of each', async () => {
    const running = withSubscriptions({
      one: {
        to: { groups: ['ops'] },
        words: { de: { subject: 'Zu warm: {{deviceId}}' }, en: { text: 'Too hot' } },
        language: 'en-GB',
        priority: 9,
      },
    })
    await running.core.ingest([uplink({ temp: 31 })])
    const sent = await workOff(running)
    const words = sent.map(({ recipientId, notification: { subject, text, priority } }) => [
      recipientId,
      subject,
      text,
      priority,
    ])
    expect(words.toSorted()).toEqual([
      ['@ann', 'Zu warm: dev-1', 'hot: temp > 30', 9],
      ['@bob', 'hot raised on dev-1', 'Too hot', 9],
      ['@bob', 'hot raised on dev-1', 'Too hot', 9],
    ])
  })

  it('is done once more from the page where a worker crashed, and tells everybody once', async () => {
    const running = withSubscriptions({ all: { to: { groups: ['ops'] } } })
    await running.core.ingest([uplink({ temp: 31 })])
    await running.core.gate.idle()
    const [page] = await running.ports.notifications.claim(NOW, 1, 1_000)
    if (page === undefined) throw new Error('expected a page')
    await running.core.fanOut(page)
    // The worker is gone before it settles the page.
    running.world.now += 2_000
    expect(await workOff(running)).toHaveLength(3)
  })
})

describe('maintenance', () => {
  const during = (window: NonNullable<ConfigInput['maintenance']>[string]) =>
    start({
      ...CONFIG,
      subscriptions: { all: { to: { people: ['ann'] } } },
      maintenance: { works: { reason: 'new tyres', ...window } },
    })

  it.each([
    ['in a window of time', { from: '2025-06-15T15:00:00Z', to: '2025-06-15T16:00:00Z' }, 0],
    ['after it', { to: '2025-06-15T15:06:40Z' }, 2],
    ['at its beginning', { from: '2025-06-15T15:06:40Z' }, 0],
    ['before it', { from: '2025-06-15T17:06:41+02:00' }, 2],
    ['every Sunday', { weekly: [{ days: ['sun'], from: '15:00', to: '15:30' }] }, 0],
    ['every Monday', { weekly: [{ days: ['mon'], from: '15:00', to: '15:30' }] }, 2],
    ['of other devices', { devices: 'truck-*', from: '2025-06-15T15:00:00Z' }, 2],
    ['of devices with a tag', { tags: { site: 'a' }, from: '2025-06-15T15:00:00Z' }, 2],
  ] as const)('%s', async (_, window, times) => {
    const running = during(window as NonNullable<ConfigInput['maintenance']>[string])
    await running.core.ingest([uplink({ temp: -20 })])
    expect(await workOff(running)).toHaveLength(times)
  })

  it('says why nobody is told', async () => {
    const running = during({ from: '2025-06-15T15:00:00Z' })
    await running.core.ingest([uplink({ temp: -20 })])
    await workOff(running)
    expect(running.world.counts['notification.suppressed']).toBe(1)
    expect(running.world.logs.map(({ facts }) => facts)).toContainEqual(
      expect.objectContaining({ reason: 'maintenance: new tyres' }),
    )
  })
})

describe('a gateway that is gone', () => {
  it('suppresses what its devices would tell to subscribers, not the channels of the alarm', async () => {
    const running = withSubscriptions({ all: { to: { people: ['ann'] } } })
    const { core } = running
    const at = NOW
    await core.gate.run('gw-1', [{ kind: 'presence', connected: true, at }])
    await core.gate.run('dev-1', [{ kind: 'presence', connected: true, at, gateway: 'gw-1' }])
    await core.gate.run('gw-1', [{ kind: 'presence', connected: false, at: at + 1 }])
    await core.gate.run('dev-1', [{ kind: 'presence', connected: false, at: at + 1 }])
    running.world.now += 10
    await core.ingest([uplink({ temp: -20 }, { receivedAt: running.world.now })])
    expect(places(await workOff(running))).toEqual([' ops '])
    expect(running.world.logs.map(({ facts }) => facts)).toContainEqual(
      expect.objectContaining({ reason: 'gateway_away: gw-1' }),
    )
  })
})

describe('a config', () => {
  it.each([
    [{ people: { a: { addresses: ['nowhere'] } } }, 'expected the name of a channel'],
    [{ people: { a: { addresses: [{ channel: 'mail', to: 'x' }] } } }, 'expected a mail address'],
    [{ people: { a: { addresses: [{ channel: 'ops', to: 'x' }] } } }, 'has one place'],
    [{ subscriptions: { a: { to: {} } } }, 'expected people, groups, channels or addresses'],
    [{ subscriptions: { a: { to: { channels: ['x'] } } } }, 'expected the name of a channel'],
    [
      { subscriptions: { a: { to: { channels: ['ops'] }, words: { en: { text: '{{who}}' } } } } },
      'expected one of deviceId',
    ],
    [{ people: { a: { timeZone: 'Mars/Olympus' } } }, 'expected a time zone'],
    [{ people: { a: { language: 'no such' } } }, 'expected a language'],
    [{ maintenance: { a: {} } }, 'expected from, to or weekly'],
    [
      { maintenance: { a: { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' } } },
      'expected it after from',
    ],
    [
      {
        subscriptions: {
          a: { to: { channels: ['ops'] }, schedule: [{ from: '24:00', to: '1:00' }] },
        },
      },
      'expected a time such as',
    ],
  ])('%j: %s', (more, says) => {
    expect(() => programOf({ ...CONFIG, ...more } as ConfigInput)).toThrow(says)
  })
})
