import { describe, expect, it } from 'vitest'
import { createApi } from '../../../core/api/index.ts'
import { type ConfigInput, CoreError, type Json } from '../../../core/index.ts'
import { type Running, start } from '../harness.ts'

const CONFIG = {
  channels: {
    ops: { type: 'webhook', url: 'https://example.org/ops' },
    mail: { type: 'email', to: ['all@example.org'] },
  },
  people: {
    ann: {
      groups: ['ops'],
      language: 'de-AT',
      timeZone: 'Europe/Vienna',
      addresses: [{ channel: 'mail', to: 'ann@example.org' }],
    },
    bob: { groups: ['ops', 'night'], addresses: [{ channel: 'mail', to: 'bob@example.org' }] },
    eve: { addresses: ['ops'] },
  },
  subscriptions: {
    news: { to: { people: ['eve'] }, events: ['on-demand'], severity: 'warning' },
  },
} satisfies ConfigInput

function open(config: ConfigInput = CONFIG) {
  const running = start(config)
  const api = createApi({
    core: running.core,
    add: async () => ({ status: 'accepted', deviceId: 'dev-1', messageId: '1' }),
    isAdmin: (authorization) => authorization === 'Bearer admin',
  })
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const answer = await api.request(path, {
      method,
      headers: { authorization: 'Bearer admin', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text), answer }
  }
  return { ...running, ask }
}

async function workOff({ core }: Running): Promise<void> {
  for (let round = 0; round < 10_000; round++) {
    const { sent, retried, failed } = await core.notify(100)
    if (sent + retried + failed === 0) return
  }
}

const NEWS = { audience: { everybody: true }, subject: 'Works on Sunday', text: 'From 8 to 9.' }

describe('on-demand notification through REST', () => {
  it('answers with an id at once and tells everybody', async () => {
    const opened = open()
    const { status, body, answer } = await opened.ask('POST', '/notifications', NEWS)
    expect(status).toBe(202)
    expect(answer.headers.get('location')).toBe(`/notifications/${body.id}`)
    expect(opened.world.sent).toHaveLength(0)
    expect((await opened.ask('GET', `/notifications/${body.id}`)).body).toMatchObject({
      status: 'finding',
      deliveries: 0,
    })
    await workOff(opened)
    expect(opened.world.sent.map(({ recipientId }) => recipientId).toSorted()).toEqual([
      '@ann',
      '@bob',
      '@eve',
    ])
    expect((await opened.ask('GET', `/notifications/${body.id}`)).body).toMatchObject({
      status: 'found',
      subject: 'Works on Sunday',
      deliveries: 3,
      states: { queued: 0, sent: 3, failed: 0, expired: 0 },
    })
  })

  it('lists them, the newest first, page by page, until they are forgotten', async () => {
    const opened = open({ ...CONFIG, retention: { notifications: '10d' } })
    const ids: string[] = []
    for (const subject of ['one', 'two', 'three']) {
      const { body } = await opened.ask('POST', '/notifications', { ...NEWS, subject })
      ids.unshift(body.id)
      opened.world.now += 1_000
    }
    await opened.ask('POST', `/notifications/${ids[0]}/acknowledge`)
    const { body: first } = await opened.ask('GET', '/notifications?limit=2')
    expect(first.notifications).toMatchObject([
      { id: ids[0], subject: 'three', acknowledged: { by: 'admin' } },
      { id: ids[1], subject: 'two' },
    ])
    const after = encodeURIComponent(first.next)
    const { body: second } = await opened.ask('GET', `/notifications?limit=2&after=${after}`)
    expect(second.notifications).toMatchObject([{ id: ids[2], subject: 'one' }])
    expect(second.next).toBeUndefined()

    opened.world.now += 11 * 86_400_000
    await opened.core.tick(100)
    expect((await opened.ask('GET', '/notifications')).body).toEqual({ notifications: [] })
    expect([...(opened.world.tables.get('$newest')?.keys() ?? [])]).toEqual([])
  })

  it('says of each recipient what became of it', async () => {
    const opened = open()
    opened.world.onSend = ({ recipientId }) =>
      recipientId === '@bob' ? new CoreError('channel.rejected', 'unknown mailbox') : undefined
    const { body } = await opened.ask('POST', '/notifications', NEWS)
    await workOff(opened)
    const { body: told } = await opened.ask('GET', `/notifications/${body.id}/recipients`)
    expect(told.recipients).toEqual([
      { recipient: '@ann', channel: 'mail', state: 'sent', at: opened.world.now },
      {
        recipient: '@bob',
        channel: 'mail',
        state: 'failed',
        at: opened.world.now,
        reason: 'unknown mailbox',
      },
      { recipient: '@eve', channel: 'ops', state: 'sent', at: opened.world.now },
    ])
    const rest = await opened.ask(
      'GET',
      `/notifications/${body.id}/recipients?after=${encodeURIComponent(told.next)}`,
    )
    expect(rest.body).toEqual({ recipients: [] })
  })

  it('accounts for everybody whom it reaches too late', async () => {
    const opened = open()
    const expiresAt = new Date(opened.world.now + 1_000).toISOString()
    const { body } = await opened.ask('POST', '/notifications', { ...NEWS, expiresAt })
    opened.world.now += 2_000
    await workOff(opened)
    expect(opened.world.sent).toHaveLength(0)
    expect((await opened.ask('GET', `/notifications/${body.id}`)).body).toMatchObject({
      status: 'found',
      states: { queued: 0, expired: 3 },
    })
  })

  it('counts a delivery once that failed and was sent again', async () => {
    const opened = open()
    opened.world.onSend = () => new CoreError('channel.rejected', 'not now')
    const audience = { people: ['bob'] }
    const { body } = await opened.ask('POST', '/notifications', { ...NEWS, audience })
    await workOff(opened)
    opened.world.onSend = () => undefined
    const [letter] = await opened.ports.deadLetters.list('', 1)
    await opened.core.redrive(letter?.id ?? '')
    await workOff(opened)
    expect((await opened.ask('GET', `/notifications/${body.id}`)).body).toMatchObject({
      deliveries: 1,
      states: { queued: 0, sent: 1, failed: 0 },
    })
  })

  it.each([
    ['people', { people: ['ann', 'nobody'] }, ['@ann']],
    ['a group', { groups: ['ops'] }, ['@ann', '@bob']],
    ['groups that overlap', { groups: ['ops', 'night'] }, ['@ann', '@bob']],
    ['a channel', { channels: ['ops'] }, ['']],
    ['subscribers', { subscribers: true }, ['@eve']],
    ['all in one', { groups: ['night'], people: ['bob'], channels: ['ops'] }, ['', '@bob']],
  ])('tells %s', async (_, audience, who) => {
    const opened = open()
    await opened.ask('POST', '/notifications', { ...NEWS, severity: 'critical', audience })
    await workOff(opened)
    expect(opened.world.sent.map(({ recipientId = '' }) => recipientId).toSorted()).toEqual(who)
  })

  it('fills in words in the language and the time zone of each', async () => {
    const opened = open()
    await opened.ask('POST', '/notifications', {
      audience: { groups: ['ops'] },
      subject: '{{data.site}}: {{data.load | number 1}} %',
      text: 'At {{at | time}}',
      words: { de: { text: 'Um {{at | time}}' } },
      data: { site: 'Graz', load: 81.25 },
    })
    await workOff(opened)
    const words = opened.world.sent.map(({ recipientId, notification: { subject, text } }) => [
      recipientId,
      subject,
      text,
    ])
    expect(words.toSorted()).toEqual([
      ['@ann', 'Graz: 81,3 %', expect.stringMatching(/^Um 15\.06\.2025/)],
      ['@bob', 'Graz: 81.3 %', expect.stringMatching(/^At Jun 15, 2025, 3:06\sPM$/)],
    ])
  })

  it('sends once for one idempotency key, and refuses it for another body', async () => {
    const opened = open()
    const headers = { 'idempotency-key': '"8e03978e-40d5"' }
    const first = await opened.ask('POST', '/notifications', NEWS, headers)
    const second = await opened.ask('POST', '/notifications', NEWS, headers)
    expect(second.body).toEqual(first.body)
    await workOff(opened)
    await opened.ask('POST', '/notifications', NEWS, headers)
    await workOff(opened)
    expect(opened.world.sent).toHaveLength(3)
    const other = { ...NEWS, subject: 'Other' }
    expect(await opened.ask('POST', '/notifications', other, headers)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('another idempotency key') },
    })
  })

  it('passes on severity, priority, data and expiry', async () => {
    const opened = open()
    const data: Json = { link: 'https://example.org/1' }
    await opened.ask('POST', '/notifications', {
      ...NEWS,
      audience: { channels: ['ops'] },
      severity: 'critical',
      priority: 9,
      data,
      expiresAt: '2026-01-31T12:00:00+01:00',
    })
    await workOff(opened)
    expect(opened.world.sent[0]?.notification).toMatchObject({
      severity: 'critical',
      priority: 9,
      data,
      expiresAt: Date.UTC(2026, 0, 31, 11),
    })
  })

  it.each([
    [{}, 'audience'],
    [{ ...NEWS, audience: {} }, 'expected people, groups, channels, everybody or subscribers'],
    [{ ...NEWS, audience: { channels: ['nowhere'] } }, 'expected channels of the config'],
    [{ ...NEWS, audience: { peeple: [] } }, 'unknown key "peeple"'],
    [{ ...NEWS, subject: '' }, 'subject'],
    [{ ...NEWS, subject: '{{who}}' }, 'expected one of deviceId'],
    [{ ...NEWS, words: { xx_yy: { text: 'x' } } }, 'expected a language'],
    [
      { ...NEWS, words: { de: { text: '{{data.x | money}}' } } },
      'expected number, time, date or upper',
    ],
    [{ ...NEWS, priority: 10 }, 'priority'],
    [{ ...NEWS, severity: 'fatal' }, 'severity'],
    [{ ...NEWS, expiresAt: '2020-01-01T00:00:00Z' }, 'still to come'],
    [{ ...NEWS, expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ ...NEWS, deviceId: 'a/b' }, 'expected the id of a device'],
    [[], 'expected object'],
  ])('refuses %j', async (body, says) => {
    const opened = open()
    const answer = await opened.ask('POST', '/notifications', body)
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(says) } })
    expect(opened.world.queue.size).toBe(0)
  })

  it('asks for the token of the admin, and knows what it does not know', async () => {
    const { ask } = open()
    const nobody = { authorization: 'Bearer x' }
    expect((await ask('POST', '/notifications', NEWS, nobody)).status).toBe(401)
    // Who is told is nobody's business; what became of it is anybody's who may look.
    expect((await ask('GET', '/notifications/n-1', undefined, nobody)).status).toBe(404)
    expect((await ask('GET', '/notifications/n-1/recipients', undefined, nobody)).status).toBe(401)
    expect((await ask('GET', '/notifications/n-1')).status).toBe(404)
    const key = { 'idempotency-key': 'a b' }
    expect((await ask('POST', '/notifications', NEWS, key)).status).toBe(400)
  })
})

describe('broadcast to a whole audience with one call', () => {
  it('reaches 3,000 people who are stored, page by page, each once', async () => {
    const opened = open()
    const people = new Map<string, Json>()
    for (let index = 0; index < 3_000; index++)
      people.set(`p${index}`, { addresses: [{ channel: 'mail', to: `p${index}@example.org` }] })
    opened.world.tables.set('$people', people)
    const { body } = await opened.ask('POST', '/notifications', NEWS)
    await workOff(opened)
    const told = new Set(opened.world.sent.map(({ to = '' }) => to))
    expect(opened.world.sent).toHaveLength(3_003)
    expect(told.size).toBe(3_003)
    const { body: status } = await opened.ask('GET', `/notifications/${body.id}`)
    expect(status).toMatchObject({ status: 'found', deliveries: 3_003, states: { sent: 3_003 } })
    const listed = new Set<string>()
    for (let after = ''; ; ) {
      const path = `/notifications/${body.id}/recipients?after=${encodeURIComponent(after)}`
      const page = (await opened.ask('GET', path)).body
      for (const { recipient } of page.recipients) listed.add(recipient)
      if (page.next === undefined) break
      after = page.next
    }
    expect(listed.size).toBe(3_003)
  })

  it('tells nobody of a device under maintenance, and says why', async () => {
    const opened = open({
      ...CONFIG,
      maintenance: { works: { devices: 'dev-*', from: '2025-01-01T00:00:00Z', reason: 'moving' } },
    })
    const { body } = await opened.ask('POST', '/notifications', { ...NEWS, deviceId: 'dev-1' })
    await workOff(opened)
    expect(opened.world.sent).toHaveLength(0)
    expect((await opened.ask('GET', `/notifications/${body.id}`)).body).toMatchObject({
      status: 'suppressed',
      reason: 'maintenance: moving',
    })
  })
})
