import { createHash, createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { createChannelSender } from '../../../adapters/azure/channel-sender.ts'
import { createAzureClient } from '../../../adapters/azure/client.ts'
import { readConfig } from '../../../adapters/azure/config.ts'
import { createServices } from '../../../adapters/azure/services.ts'
import { type ConfigInput, type Delivery, parseConfig, type Severity } from '../../../core/index.ts'
import { type Answer, type Asked, openLoopback } from '../gcp/loopback.ts'

const NOW = Date.UTC(2026, 0, 31, 15)
const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const KEY = Buffer.from('key of the resource').toString('base64')
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

interface Mail {
  readonly senderAddress: string
  readonly content: { readonly subject: string; readonly plainText: string }
  readonly recipients: { readonly to: readonly { readonly address: string }[] }
}

interface Sms {
  readonly from: string
  readonly smsRecipients: readonly {
    readonly to: string
    readonly repeatabilityRequestId: string
    readonly repeatabilityFirstSent: string
  }[]
  readonly message: string
}

/** Communication Services and Notification Hubs, as far as we ask them: they keep what they took. */
async function openAzure() {
  const mails = new Map<string, Mail>()
  const texts = new Map<string, Sms>()
  const pushes: { tags: string; body: Record<string, unknown> }[] = []
  /** What is answered in place of taking it. */
  const refusals: { answer?: Answer; numbers: Map<string, number> } = { numbers: new Map() }
  const host = { value: '' }

  function judgeCommunication({ method, url, headers, body }: Asked): string | undefined {
    const digest = createHash('sha256').update(body).digest('base64')
    if (headers['x-ms-content-sha256'] !== digest) return 'digest'
    const text = `${method}\n${url.pathname}${url.search}\n${headers['x-ms-date']};${host.value};${digest}`
    const signature = createHmac('sha256', 'key of the resource').update(text).digest('base64')
    const expected = `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`
    return headers['authorization'] === expected ? undefined : 'signature'
  }

  function judgeHub({ headers }: Asked): string | undefined {
    const members = new URLSearchParams(
      (headers['authorization'] ?? '').replace('SharedAccessSignature ', ''),
    )
    const target = encodeURIComponent(`http://${host.value}/apps`)
    const signature = createHmac('sha256', 'push key')
      .update(`${target}\n${members.get('se')}`)
      .digest('base64')
    if (members.get('skn') !== 'Send' || members.get('sig') !== signature) return 'signature'
    return Number(members.get('se')) * 1_000 > NOW ? undefined : 'expired'
  }

  const answer = (asked: Asked): Answer => {
    const { method, url, headers, body } = asked
    if (refusals.answer !== undefined) return refusals.answer
    const wrong = url.pathname.startsWith('/Apps/') ? judgeHub(asked) : judgeCommunication(asked)
    if (wrong !== undefined)
      return { status: 401, body: JSON.stringify({ error: { code: 'Denied', message: wrong } }) }
    const route = `${method} ${url.pathname}${url.search}`
    if (route === 'POST /emails:send?api-version=2023-03-31') {
      const id = headers['operation-id'] ?? ''
      if (mails.has(id))
        return { status: 409, body: '{"error":{"code":"OperationExists","message":"known"}}' }
      mails.set(id, JSON.parse(body.toString('utf8')))
      return { status: 202, body: JSON.stringify({ id, status: 'Running', error: null }) }
    }
    if (route === 'POST /sms?api-version=2021-03-07') {
      const sms: Sms = JSON.parse(body.toString('utf8'))
      const value = sms.smsRecipients.map(({ to, repeatabilityRequestId }) => {
        const httpStatusCode = refusals.numbers.get(to) ?? 202
        const successful = httpStatusCode === 202
        if (successful) texts.set(repeatabilityRequestId, sms)
        return {
          to,
          httpStatusCode,
          successful,
          errorMessage: successful ? null : 'Invalid number',
        }
      })
      return { status: 202, body: JSON.stringify({ value }) }
    }
    if (route === 'POST /Apps/messages/?api-version=2015-01') {
      if (headers['servicebusnotification-format'] !== 'template') return { status: 400 }
      const tags = headers['servicebusnotification-tags'] ?? ''
      pushes.push({ tags, body: JSON.parse(body.toString('utf8')) })
      return { status: 201 }
    }
    return { status: 404 }
  }
  const server = await openLoopback(answer)
  host.value = new URL(server.url).host
  closing.push(server.close)
  return { server, mails, texts, pushes, refusals }
}

async function open(channels: Channels, env: Readonly<Record<string, string>> = {}) {
  const azure = await openAzure()
  const settings = readConfig({
    ANYHUB_COSMOS_ENDPOINT: 'http://127.0.0.1:1',
    ANYHUB_COSMOS_DATABASE: 'db',
    ANYHUB_STORAGE_ACCOUNT: 'acct',
    ANYHUB_BLOB_ENDPOINT: 'http://127.0.0.1:1',
    ANYHUB_QUEUE_ENDPOINT: 'http://127.0.0.1:1',
    ANYHUB_BLOB_CONTAINER: 'c',
    ANYHUB_HIGH_QUEUE: 'high',
    ANYHUB_NORMAL_QUEUE: 'normal',
    ANYHUB_QUEUE_PREFIX: 'q-',
    ANYHUB_IOTHUB_HOST: 'hub.azure-devices.net',
    ANYHUB_ADMIN_TOKEN_SHA256: '00',
    ANYHUB_COMMUNICATION_ENDPOINT: azure.server.url,
    ANYHUB_COMMUNICATION_KEY: KEY,
    ANYHUB_MAIL_FROM: 'iot@example.com',
    ANYHUB_SMS_FROM: '+15550100',
    ANYHUB_NOTIFICATION_HUB: 'Apps',
    ANYHUB_NOTIFICATION_HUB_CONNECTION: `Endpoint=${azure.server.url}/;SharedAccessKeyName=Send;SharedAccessKey=push key`,
    ...env,
  })
  const credentials = { token: async () => 'not asked for', close() {} }
  const client = createAzureClient({
    services: createServices({ settings, credentials, now: () => NOW }),
    random: () => 0,
  })
  const parsed = parseConfig({ channels })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const sender = createChannelSender({
    client,
    config: parsed.config,
    clock: { now: () => NOW },
    settings,
  })
  closing.push(() => client.close(), sender.close)
  return { ...azure, sender }
}

function delivery(channelId: string, severity: Severity = 'critical'): Delivery {
  return {
    key: `dev-1/alarm/hot/1/raised>${channelId}`,
    channelId,
    notification: {
      key: 'dev-1/alarm/hot/1/raised',
      channelIds: [channelId],
      deviceId: 'dev-1',
      severity,
      subject: 'hot on dev-1',
      text: 'at 31 °C',
      at: NOW,
      data: {},
    },
    attempts: 0,
  }
}

type Channels = NonNullable<ConfigInput['channels']>

const MAIL = {
  ops: { type: 'email', to: ['a@example.com', 'b@example.com'] },
} satisfies Channels
const SMS = { ops: { type: 'sms', to: ['+491701234567', '+491701234568'] } } satisfies Channels
const PUSH = { ops: { type: 'push', to: ['site:a && !quiet', 'on-call'] } } satisfies Channels

describe('mails by Communication Services', () => {
  it('go to all, under an id that is the same each time', async () => {
    const { sender, mails, server } = await open(MAIL)
    await sender.send(delivery('ops'))
    await sender.send({ ...delivery('ops'), attempts: 2 })
    expect(server.asked).toHaveLength(2)
    expect(mails.size).toBe(1)
    const [[id, mail] = []] = [...mails]
    expect(id).toMatch(UUID)
    expect(mail).toMatchObject({
      senderAddress: 'iot@example.com',
      content: { subject: '[critical] hot on dev-1' },
      recipients: { to: [{ address: 'a@example.com' }, { address: 'b@example.com' }] },
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    expect(mail?.content.plainText).toContain('at 31 °C')
  })

  it('come from the sender of their channel', async () => {
    const { sender, mails } = await open({ ops: { ...MAIL.ops, from: 'ops@example.com' } })
    await sender.send(delivery('ops'))
    expect([...mails.values()][0]?.senderAddress).toBe('ops@example.com')
  })

  it.each([
    [{ status: 429, headers: { 'retry-after': '17' } }, 'channel.unavailable', 17_000],
    [{ status: 503 }, 'channel.unavailable', undefined],
    [
      { status: 400, body: '{"error":{"code":"InvalidSender","message":"no"}}' },
      'channel.rejected',
      undefined,
    ],
    [{ status: 401 }, 'channel.rejected', undefined],
  ])('%j is %s', async (answer: Answer, code, retryAfterMs) => {
    const { sender, refusals, server } = await open(MAIL)
    refusals.answer = answer
    const error = await sender.send(delivery('ops')).catch((one: unknown) => one)
    expect(error).toMatchObject({ code })
    expect(Reflect.get(Object(Reflect.get(Object(error), 'details')), 'retryAfterMs')).toBe(
      retryAfterMs,
    )
    // The queue of notifications tries again, not we.
    expect(server.asked).toHaveLength(1)
  })

  it.each([
    ['mails', MAIL, { ANYHUB_MAIL_FROM: '' }, /ANYHUB_MAIL_FROM/],
    ['mails', MAIL, { ANYHUB_COMMUNICATION_ENDPOINT: '' }, /Communication Services/],
    ['text messages', SMS, { ANYHUB_SMS_FROM: '' }, /ANYHUB_SMS_FROM/],
    ['pushes', PUSH, { ANYHUB_NOTIFICATION_HUB: '' }, /ANYHUB_NOTIFICATION_HUB/],
  ])('%s that nothing here sends are refused with a sentence', async (_, channels, env, words) => {
    const { sender, server } = await open(channels, env)
    const error = await sender.send(delivery('ops')).catch((one: unknown) => one)
    expect(error).toMatchObject({ code: 'channel.rejected', message: expect.stringMatching(words) })
    expect(server.asked).toEqual([])
  })
})

describe('text messages', () => {
  it('go to each number, under an id that is the same each time', async () => {
    const { sender, texts } = await open(SMS)
    await sender.send(delivery('ops'))
    await sender.send(delivery('ops'))
    expect(texts.size).toBe(2)
    expect([...texts.keys()].every((id) => UUID.test(id))).toBe(true)
    const [first] = texts.values()
    expect(first).toMatchObject({
      from: '+15550100',
      message: '[critical] hot on dev-1: at 31 °C',
      smsRecipients: [
        { to: '+491701234567', repeatabilityFirstSent: 'Sat, 31 Jan 2026 15:00:00 GMT' },
      ],
    })
  })

  it.each([
    [400, 'channel.rejected'],
    [429, 'channel.unavailable'],
    [500, 'channel.unavailable'],
  ])(
    'a number that is refused with %d is told, and the other has its message',
    async (status, code) => {
      const { sender, texts, refusals, server } = await open(SMS)
      refusals.numbers.set('+491701234567', status)
      await expect(sender.send(delivery('ops'))).rejects.toMatchObject({
        code,
        message: expect.stringContaining('Invalid number'),
      })
      expect(texts.size).toBe(1)
      refusals.numbers.clear()
      await sender.send(delivery('ops'))
      // Who has it is not asked for again.
      expect(server.asked).toHaveLength(3)
      expect(texts.size).toBe(2)
    },
  )
})

describe('pushes by Notification Hubs', () => {
  it('go to each tag expression, by templates', async () => {
    const { sender, pushes } = await open(PUSH)
    await sender.send(delivery('ops', 'warning'))
    expect(pushes.map(({ tags }) => tags)).toEqual(['site:a && !quiet', 'on-call'])
    expect(pushes[0]?.body).toEqual({
      message: '[warning] hot on dev-1: at 31 °C',
      subject: 'hot on dev-1',
      deviceId: 'dev-1',
      severity: 'warning',
      at: '2026-01-31T15:00:00.000Z',
      key: 'dev-1/alarm/hot/1/raised>ops',
    })
  })

  it('tags that no header takes are refused, and the others have theirs', async () => {
    const { sender, pushes } = await open({ ops: { type: 'push', to: ['größe', 'a\nb', 'c'] } })
    await expect(sender.send(delivery('ops'))).rejects.toMatchObject({ code: 'channel.rejected' })
    expect(pushes.map(({ tags }) => tags)).toEqual(['c'])
  })

  it('a hub that is gone may be back', async () => {
    const { sender, server } = await open(PUSH)
    await server.close()
    await expect(sender.send(delivery('ops'))).rejects.toMatchObject({
      code: 'channel.unavailable',
      retryable: true,
    })
  })
})
