import { describe, expect, it } from 'vitest'
import { createApi } from '../../../core/api/index.ts'
import {
  type ConfigInput,
  CoreError,
  createCore,
  type Delivery,
  type Notification,
  type Sending,
} from '../../../core/index.ts'
import { createAckToken } from '../../../core/notifications/ack-token.ts'
import { deliveryId } from '../../../core/notifications/delivery-id.ts'
import type { World } from '../../fakes/memory-ports.ts'
import { NOW, start } from '../harness.ts'

const SECRET = 'a secret of at least 16 characters'

const CONFIG: ConfigInput = {
  channels: {
    dead: { type: 'webhook', url: 'https://dead.example.org/' },
    ops: { type: 'webhook', url: 'https://ops.example.org/' },
    mail: { type: 'email', to: ['a@example.org', 'b@example.org'] },
    work: {
      type: 'webhook',
      url: 'https://work.example.org/',
      secret: SECRET,
      ack: 'processed',
      ackWithin: '1m',
    },
    line: { type: 'queue', queue: 'alerts' },
  },
}

function delivery(key: string, channelId = 'ops', more: Partial<Notification> = {}): Delivery {
  const notification: Notification = {
    key: `n-${key}`,
    channelIds: [],
    deviceId: 'dev-1',
    severity: 'warning',
    subject: 'too warm',
    text: '',
    at: NOW,
    data: null,
    ...more,
  }
  return { key, channelId, notification, attempts: 0 }
}

const unavailable = (more: { readonly retryAfterMs?: number } = {}) =>
  new CoreError('channel.unavailable', 'status 503', { details: more })

const waitingOf = (world: World) =>
  [...world.queue.values()].filter(({ settledAt }) => settledAt === undefined)

const ADMIN = 'Bearer admin'

function apiOf({ core }: ReturnType<typeof start>) {
  return createApi({
    core,
    add: async () => {
      throw new Error('expected no uplink')
    },
    isAdmin: (authorization) => authorization === ADMIN,
  })
}

describe('a priority per message that overtakes, and cannot starve the rest', () => {
  it('a critical one leaves with the first batch, before 10,000 that wait', async () => {
    const { core, ports, world } = start(CONFIG)
    const low = { severity: 'info' } as const
    const many = Array.from({ length: 10_000 }, (_, at) => delivery(`low${at}`, 'ops', low))
    await ports.notifications.enqueue(many)
    world.now += 1_000
    await ports.notifications.enqueue([delivery('now', 'ops', { severity: 'critical' })])
    await core.notify(64)
    expect(world.sent[0]?.key).toBe('now')
  })
})

describe('expiry', () => {
  it('sends nothing that expired, and keeps no dead letter of it', async () => {
    const { core, ports, world } = start(CONFIG)
    const expiresAt = NOW + 1_000
    await ports.notifications.enqueue([delivery('old', 'ops', { expiresAt }), delivery('ever')])
    world.now += 1_000
    expect(await core.notify(10)).toEqual({ sent: 1, retried: 0, failed: 1 })
    expect(world.sent.map(({ key }) => key)).toEqual(['ever'])
    expect(world.letters.size).toBe(0)
    expect(world.counts['notification.expired']).toBe(1)
    expect(waitingOf(world)).toEqual([])
  })

  it('bounds the retries: it is looked at for the last time when it expires', async () => {
    const { core, ports, world } = start(CONFIG)
    world.onSend = () => unavailable({ retryAfterMs: 3_600_000 })
    await ports.notifications.enqueue([delivery('a', 'ops', { expiresAt: NOW + 60_000 })])
    await core.notify(10)
    expect(waitingOf(world).map(({ dueAt }) => dueAt)).toEqual([NOW + 60_000])
    world.now += 60_000
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 1 })
    expect(waitingOf(world)).toEqual([])
  })
})

describe('an endpoint that fails again and again', () => {
  async function broken(retryAfterMs?: number) {
    const running = start(CONFIG)
    const { core, ports, world } = running
    let tries = 0
    world.onSend = ({ channelId }) => {
      if (channelId !== 'dead') return undefined
      tries++
      return unavailable(retryAfterMs === undefined ? {} : { retryAfterMs })
    }
    for (let at = 0; at < 5; at++) await ports.notifications.enqueue([delivery(`d${at}`, 'dead')])
    await core.notify(5)
    return { ...running, tries: () => tries }
  }

  it('is left alone, its deliveries wait without an attempt, and others go on', async () => {
    const { core, ports, world, tries } = await broken()
    expect(tries()).toBe(5)
    const later = Array.from({ length: 20 }, (_, at) => delivery(`later${at}`, 'dead'))
    await ports.notifications.enqueue([...later, delivery('fine')])
    expect(await core.notify(100)).toEqual({ sent: 1, retried: 20, failed: 0 })
    expect(tries()).toBe(5)
    const held = waitingOf(world).filter(({ delivery: { key } }) => key.startsWith('later'))
    expect(new Set(held.map(({ attempts }) => attempts))).toEqual(new Set([0]))
    expect(world.counts['notification.endpoint_rests']).toBe(1)
  })

  it('is tried by one at a time, after longer and longer rests, until it answers', async () => {
    const { core, ports, world, tries } = await broken()
    await ports.notifications.enqueue(
      Array.from({ length: 20 }, (_, at) => delivery(`later${at}`, 'dead')),
    )
    const probes: number[] = []
    for (let second = 0; second < 60; second++) {
      world.now += 1_000
      const before = tries()
      await core.notify(100)
      if (tries() > before) probes.push(tries() - before)
    }
    expect(probes.length).toBeGreaterThanOrEqual(3)
    expect(probes.length).toBeLessThan(10)
    expect(new Set(probes)).toEqual(new Set([1]))
    world.onSend = () => undefined
    for (let second = 0; second < 120; second++) {
      world.now += 1_000
      await core.notify(100)
    }
    expect(waitingOf(world)).toEqual([])
    expect(world.letters.size).toBe(0)
  })

  it('rests as long as it asked for', async () => {
    const { core, ports, world, tries } = await broken(100_000)
    await ports.notifications.enqueue([delivery('later', 'dead')])
    world.now += 99_000
    await core.notify(100)
    expect(tries()).toBe(5)
    world.now += 1_000
    await core.notify(100)
    expect(tries()).toBe(6)
  })

  it('a refusal is an answer: nothing waits for it', async () => {
    const { core, ports, world } = start(CONFIG)
    world.onSend = () => new CoreError('channel.rejected', 'status 400')
    await ports.notifications.enqueue(Array.from({ length: 30 }, (_, at) => delivery(`r${at}`)))
    expect(await core.notify(100)).toEqual({ sent: 0, retried: 0, failed: 30 })
  })
})

describe('addresses that are gone', () => {
  async function bounced() {
    const running = start(CONFIG)
    const { core, ports, world } = running
    const asked: string[] = []
    world.onSend = (_delivery, sending?: Sending) => {
      sending?.gone('a@example.org', 'a…@example.org', 'SMTP 550: no such mailbox')
      return new CoreError('channel.gone', 'a…@example.org: no such mailbox')
    }
    await ports.notifications.enqueue([delivery('first', 'mail')])
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 1 })
    return { ...running, asked, api: apiOf(running) }
  }

  it('are kept as digests, said in the dead letter and in the log, and never in clear text', async () => {
    const { world } = await bounced()
    expect([...world.letters.values()]).toMatchObject([
      { code: 'channel.gone', reason: 'refused: a…@example.org: no such mailbox' },
    ])
    expect(JSON.stringify([...(world.tables.get('$addresses') ?? [])])).not.toContain('a@example')
    expect(world.counts['notification.address_disabled']).toBe(1)
  })

  it('are not sent to again, until somebody enables them', async () => {
    const { core, world, api } = await bounced()
    expect(await core.addresses.isGone('mail', 'a@example.org')).toBe(true)
    expect(await core.addresses.isGone('mail', 'b@example.org')).toBe(false)
    expect(await core.addresses.isGone('ops', 'a@example.org')).toBe(false)
    const headers = { authorization: ADMIN }
    const listed = await api.request('/notifications/addresses', { headers })
    const body = (await listed.json()) as { addresses: { id: string }[] }
    expect(body.addresses).toEqual([
      {
        id: expect.stringMatching(/^mail\/[0-9a-f]{32}$/),
        channelId: 'mail',
        address: 'a…@example.org',
        reason: 'SMTP 550: no such mailbox',
        at: new Date(world.now).toISOString(),
      },
    ])
    const path = `/notifications/addresses/${body.addresses[0]?.id}`
    const remove = () => api.request(path, { method: 'DELETE', headers })
    expect((await remove()).status).toBe(204)
    expect((await remove()).status).toBe(404)
    expect(await core.addresses.isGone('mail', 'a@example.org')).toBe(false)
  })

  it('another process hears of it within a minute', async () => {
    const { core, ports, world } = start(CONFIG)
    const other = createCore(ports, core.program)
    expect(await other.addresses.isGone('ops', 'x')).toBe(false)
    await core.addresses.disable('x', { channelId: 'ops', address: '…', reason: 'status 410' })
    world.now += 60_000
    expect(await other.addresses.isGone('ops', 'x')).toBe(true)
  })

  it('are known one by one where there are many', async () => {
    const { core, world } = start(CONFIG)
    for (let at = 0; at < 600; at++)
      await core.addresses.disable(`x${at}`, { channelId: 'ops', address: '…', reason: '410' })
    world.now += 60_000
    expect(await core.addresses.isGone('ops', 'x599')).toBe(true)
    expect(await core.addresses.isGone('ops', 'y')).toBe(false)
  })

  it.each([
    'GET /notifications/addresses',
    `DELETE /notifications/addresses/mail/${'0'.repeat(32)}`,
  ])('only the admin: %s', async (request) => {
    const { api } = await bounced()
    const [method = '', path = ''] = request.split(' ')
    expect((await api.request(path, { method })).status).toBe(401)
  })
})

describe('a dead letter that is sent again', () => {
  it('reaches its receiver under the id that it had, also a second time, and does not expire', async () => {
    const { core, ports, world } = start(CONFIG)
    world.onSend = () => new CoreError('channel.rejected', 'status 400')
    await ports.notifications.enqueue([delivery('a', 'ops', { expiresAt: NOW + 1_000 })])
    await core.notify(10)
    world.now += 60_000
    for (let time = 0; time < 2; time++) {
      const [letter] = world.letters.keys()
      expect(await core.redrive(letter ?? '')).toEqual({ status: 'queued' })
      if (time === 1) world.onSend = () => undefined
      await core.notify(10)
    }
    expect(world.letters.size).toBe(0)
    expect(world.sent.map(deliveryId)).toEqual(['a'])
  })
})

describe('a message is gone once consumed, with acknowledgement on receipt or on completed processing', () => {
  async function taken() {
    const running = start(CONFIG)
    const { core, ports, world } = running
    world.onSend = ({ channelId }, sending?: Sending) => {
      if (channelId === 'work') sending?.keep(60_000)
      return undefined
    }
    await ports.notifications.enqueue([delivery('a>work', 'work'), delivery('b')])
    await core.notify(10)
    const claim = { channelId: 'work', key: 'a>work', id: 'a>work' }
    const ack = (token: string, id = claim.id) =>
      apiOf(running).request(`/notifications/deliveries/${encodeURIComponent(id)}/ack`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
    return { ...running, claim, ack, token: createAckToken(SECRET, claim) }
  }

  it('on receipt: it is gone with the answer; on processing: it waits', async () => {
    const { world } = await taken()
    expect(waitingOf(world).map((one) => one.delivery.key)).toEqual(['a>work'])
  })

  it('is gone once it is acknowledged, and once more is no error', async () => {
    const { core, world, ack, token } = await taken()
    expect((await ack(token)).status).toBe(204)
    expect((await ack(token)).status).toBe(204)
    world.now += 3_600_000
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 0 })
    expect(world.counts['notification.acknowledged']).toBe(2)
  })

  it('comes again, under the same id, if it is not acknowledged in time', async () => {
    const { core, world } = await taken()
    world.now += 59_999
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 0 })
    world.now += 1
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 1, failed: 0 })
    const ids = world.sent.filter(({ channelId }) => channelId === 'work').map(deliveryId)
    expect(ids).toEqual(['a>work', 'a>work'])
  })

  it('an acknowledgement that overtakes the answer counts', async () => {
    const { core, ports, world } = start(CONFIG)
    world.onSend = (_delivery, sending?: Sending) => {
      sending?.keep(60_000)
      const claim = { channelId: 'work', key: 'a', id: 'a' }
      void core.acknowledgeDelivery('a', createAckToken(SECRET, claim))
      return undefined
    }
    await ports.notifications.enqueue([delivery('a', 'work')])
    await core.notify(10)
    world.now += 3_600_000
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 0 })
  })

  it('security on the notification path: no token but its own acknowledges a delivery', async () => {
    const { world, ack, claim, token } = await taken()
    const wrong = [
      '',
      'x',
      'x.y',
      `${token}x`,
      token.slice(0, -2),
      createAckToken('another secret of 16', claim),
      createAckToken(SECRET, { ...claim, key: 'other' }).replace(/\..*/, `.${token.split('.')[1]}`),
      createAckToken(SECRET, { ...claim, channelId: 'ops' }),
      createAckToken(SECRET, { ...claim, channelId: 'toString' }),
    ]
    for (const one of wrong) expect((await ack(one)).status).toBe(404)
    expect((await ack(token, 'other')).status).toBe(404)
    expect(waitingOf(world)).toHaveLength(1)
  })

  it('a channel that acknowledges needs a secret', () => {
    const channels = { work: { type: 'webhook', url: 'https://x.org', ack: 'processed' } } as const
    expect(() => start({ channels })).toThrow('expected a secret')
  })

  it.each(['receipt', 'processed'] as const)('a queue that is pulled, on %s', async (ack) => {
    const running = start(CONFIG)
    const { core, ports, world } = running
    await ports.notifications.enqueue([delivery('q', 'line')])
    await core.notify(10)
    const call = (method: string, path: string, body?: object) =>
      apiOf(running).request(`/notifications/queues/${path}`, {
        method,
        headers: { authorization: ADMIN },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    const claim = async () => {
      const answer = await call('POST', 'alerts/claim', { ack, leaseSeconds: 60 })
      return ((await answer.json()) as { messages: { id: string; body: object }[] }).messages
    }
    const [message] = await claim()
    expect(message?.body).toMatchObject({ id: 'q', subject: 'too warm' })
    expect(await claim()).toEqual([])
    world.now += 60_000
    const again = await claim()
    // Nothing to seek back to after delivery: what is consumed is nowhere.
    expect(again).toHaveLength(ack === 'receipt' ? 0 : 1)
    const removed = await call('DELETE', `alerts/messages/${encodeURIComponent(message?.id ?? '')}`)
    expect(removed.status).toBe(ack === 'receipt' ? 404 : 204)
    world.now += 60_000
    expect(await claim()).toEqual([])
    expect(world.queues.get('alerts')?.size).toBe(0)
  })

  it('nothing to seek back to after delivery: what was taken comes from nowhere again', async () => {
    const running = start(CONFIG)
    const { core, ports, world } = running
    const both = [delivery('a'), delivery('b', 'line')]
    await ports.notifications.enqueue(both)
    expect(await core.notify(10)).toEqual({ sent: 2, retried: 0, failed: 0 })
    const claim = (body: object) =>
      apiOf(running).request('/notifications/queues/alerts/claim', {
        method: 'POST',
        headers: { authorization: ADMIN },
        body: JSON.stringify(body),
      })
    expect(await (await claim({ ack: 'receipt' })).json()).toMatchObject({
      messages: [{ body: { id: 'b' } }],
    })
    // Asked for again by whoever fills the queue, within the day for which its key is known.
    await ports.notifications.enqueue(both)
    for (const hours of [0, 1, 12]) {
      world.now = NOW + hours * 3_600_000
      expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 0 })
      expect(await ports.notifications.claim(world.now, 10, 1_000)).toEqual([])
      expect(await (await claim({ ack: 'receipt' })).json()).toEqual({ messages: [] })
    }
    expect(world.sent).toHaveLength(1)
    for (const body of [{ seek: 0 }, { from: '1' }, { offset: 0 }, { since: NOW }])
      expect((await claim(body)).status).toBe(400)
  })

  it.each([
    ['POST', 'alerts/claim', { limit: 0 }, 400],
    ['POST', 'alerts/claim', { ack: 'never' }, 400],
    ['POST', 'alerts/claim', { seek: 0 }, 400],
    ['POST', 'command-feedback/claim', {}, 404],
    ['DELETE', 'alerts/messages/x', undefined, 404],
  ])('refuses %s %s %j', async (method, path, body, status) => {
    const answer = await apiOf(start(CONFIG)).request(`/notifications/queues/${path}`, {
      method,
      headers: { authorization: ADMIN },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    expect(answer.status).toBe(status)
  })
})
