import { createDecipheriv, hkdfSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import webPush from 'web-push'
import { createChannels, notSent } from '../../../adapters/node/channels.ts'
import { type ConfigInput, type Delivery, parseConfig, type Severity } from '../../../core/index.ts'
import {
  browser,
  ecKeys,
  type MessageApi,
  openJwt,
  openMessageApi,
  rsaKeys,
} from '../../fakes/message-apis.ts'

const NOW = 1_750_000_000_000
const RSA = rsaKeys()
const EC = ecKeys()
const TOKEN = '123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

function delivery(channelId: string, severity: Severity = 'critical'): Delivery {
  return {
    key: `dev-1/alarm/hot/1/raised>${channelId}`,
    channelId,
    notification: {
      key: 'dev-1/alarm/hot/1/raised',
      channelIds: [channelId],
      deviceId: 'dev-1',
      severity,
      subject: 'hot raised on <dev-1>',
      text: 'at *31* °C & rising',
      at: NOW,
      data: { alarmId: 'hot' },
    },
    attempts: 0,
  }
}

describe('channels that are APIs of others', () => {
  let api: MessageApi
  const opened: { close(): void }[] = []
  beforeEach(async () => {
    api = await openMessageApi()
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) one.close()
    await api.close()
  })

  function open(channels: NonNullable<ConfigInput['channels']>, more: ConfigInput = {}) {
    const parsed = parseConfig({ channels, ...more })
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const native = notSent('this', 'the test', 'something else')
    const sender = createChannels({
      config: parsed.config,
      clock: { now: () => NOW },
      native: { email: native, sms: native, voice: native, push: native },
    })
    opened.push(sender)
    return sender
  }

  const slackTo = (url: string) => ({ type: 'slack' as const, url, allowPrivate: true })

  it('Slack: blocks, with what means something escaped', async () => {
    await open({ ops: slackTo(`${api.url}/services/T/B/x`) }).send(delivery('ops'))
    const [request] = api.requests
    expect(request?.path).toBe('/services/T/B/x')
    const { text, blocks } = JSON.parse(request?.body ?? '')
    expect(text).toBe('🚨 hot raised on &lt;dev-1&gt;: at *31* °C &amp; rising')
    expect(blocks).toMatchObject([
      { type: 'header', text: { type: 'plain_text', text: '🚨 hot raised on <dev-1>' } },
      { type: 'section', text: { type: 'mrkdwn' } },
      { fields: [{ text: '*Device*\ndev-1' }, { text: '*Severity*\ncritical' }, {}] },
    ])
  })

  it('Teams: an adaptive card', async () => {
    const ops = { type: 'teams' as const, url: `${api.url}/workflows/x`, allowPrivate: true }
    await open({ ops }).send(delivery('ops'))
    const { type, attachments } = JSON.parse(api.requests[0]?.body ?? '')
    expect(type).toBe('message')
    expect(attachments[0]).toMatchObject({
      contentType: 'application/vnd.microsoft.card.adaptive',
      content: {
        type: 'AdaptiveCard',
        body: [
          { type: 'TextBlock', text: '🚨 hot raised on \\<dev\\-1\\>' },
          { text: 'at \\*31\\* °C & rising' },
          { type: 'FactSet', facts: [{ title: 'Device', value: 'dev-1' }, {}, {}] },
        ],
      },
    })
  })

  it('Telegram: every chat for itself, and who has it is not told again', async () => {
    const sender = open({
      ops: {
        type: 'telegram',
        token: TOKEN,
        chats: [-100, '@site'],
        url: api.url,
        allowPrivate: true,
      },
    })
    api.answer({ status: 200 }, { status: 429, headers: { 'retry-after': '7' } }, { status: 200 })
    await expect(sender.send(delivery('ops'))).rejects.toMatchObject({
      code: 'channel.unavailable',
      message: 'chat @s…te: status 429',
      details: { retryAfterMs: 7_000 },
    })
    await sender.send({ ...delivery('ops'), attempts: 1 })
    expect(api.requests.map(({ path }) => path)).toEqual(Array(3).fill(`/bot${TOKEN}/sendMessage`))
    expect(api.requests.map(({ body }) => JSON.parse(body).chat_id)).toEqual([
      -100,
      '@site',
      '@site',
    ])
    expect(JSON.parse(api.requests[0]?.body ?? '').text).toContain(
      '<b>🚨 hot raised on &lt;dev-1&gt;</b>',
    )
  })

  const telephony = () => ({
    account: 'AC1',
    token: 'very-secret',
    from: '+4930123456',
    url: api.url,
    voice: 'Polly.Vicki',
    language: 'de-DE',
    allowPrivate: true,
  })

  it('SMS by a telephony API: a form, with the account as who asks', async () => {
    const sender = open({ ops: { type: 'sms', to: ['+491701234567'] } }, { telephony: telephony() })
    api.answer({ status: 201 })
    await sender.send(delivery('ops'))
    const [request] = api.requests
    expect(request?.path).toBe('/2010-04-01/Accounts/AC1/Messages.json')
    expect(request?.headers['authorization']).toBe(
      `Basic ${Buffer.from('AC1:very-secret').toString('base64')}`,
    )
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      To: '+491701234567',
      From: '+4930123456',
      Body: '[critical] hot raised on <dev-1>: at *31* °C & rising',
    })
  })

  it('a call: SSML, said twice, and nothing of it can end the element it stands in', async () => {
    const sender = open(
      { ops: { type: 'voice', to: ['+491701234567'] } },
      { telephony: telephony() },
    )
    api.answer({ status: 201 })
    await sender.send(delivery('ops'))
    const form = new URLSearchParams(api.requests[0]?.body)
    expect(api.requests[0]?.path).toBe('/2010-04-01/Accounts/AC1/Calls.json')
    const said = '<s>critical</s><s>hot raised on &lt;dev-1&gt;</s><s>at *31* °C &amp; rising</s>'
    expect(form.get('Twiml')).toBe(
      `<Response><Say voice="Polly.Vicki" language="de-DE"><prosody rate="90%">${said}</prosody><break time="1s"/><prosody rate="90%">${said}</prosody></Say></Response>`,
    )
  })

  it('FCM: a token of the service account, asked for once, and one message for each app', async () => {
    const serviceAccount = JSON.stringify({
      project_id: 'p-1',
      client_email: 'sender@p-1.iam.gserviceaccount.com',
      private_key: RSA.privateKey,
      token_uri: `${api.url}/token`,
    })
    const sender = open({
      apps: {
        type: 'fcm',
        serviceAccount,
        tokens: ['app-token-1', 'app-token-2'],
        topic: 'all',
        url: api.url,
        allowPrivate: true,
      },
    })
    api.answer(
      { status: 200, body: '{"access_token":"ya29.x","expires_in":3600}' },
      { status: 200, body: '{"name":"projects/p-1/messages/1"}' },
    )
    await sender.send(delivery('apps'))
    await sender.send(delivery('apps'))
    const [token, ...messages] = api.requests
    const form = new URLSearchParams(token?.body)
    const jwt = openJwt(form.get('assertion') ?? '', RSA.publicKey)
    expect(jwt).toMatchObject({
      signed: true,
      claims: {
        iss: 'sender@p-1.iam.gserviceaccount.com',
        aud: `${api.url}/token`,
        scope: 'https://www.googleapis.com/auth/firebase.messaging',
        iat: NOW / 1_000,
        exp: NOW / 1_000 + 3_600,
      },
    })
    expect(messages).toHaveLength(6)
    expect(new Set(messages.map(({ path }) => path))).toEqual(
      new Set(['/v1/projects/p-1/messages:send']),
    )
    expect(messages[0]?.headers['authorization']).toBe('Bearer ya29.x')
    expect(messages.map(({ body }) => JSON.parse(body).message).slice(0, 3)).toMatchObject([
      {
        token: 'app-token-1',
        notification: { title: '🚨 hot raised on <dev-1>', body: 'at *31* °C & rising' },
        data: { deviceId: 'dev-1', severity: 'critical', at: new Date(NOW).toISOString() },
        android: { priority: 'HIGH' },
      },
      { token: 'app-token-2' },
      { topic: 'all' },
    ])
  })

  it('FCM: those who need the token at once ask for it once, and one that was refused is replaced', async () => {
    const serviceAccount = JSON.stringify({
      project_id: 'p-1',
      client_email: 'sender@p-1.iam.gserviceaccount.com',
      private_key: RSA.privateKey,
      token_uri: `${api.url}/token`,
    })
    const apps = {
      type: 'fcm' as const,
      serviceAccount,
      tokens: ['app-1'],
      url: api.url,
      allowPrivate: true,
    }
    const sender = open({ apps })
    const granted = { status: 200, body: '{"access_token":"ya29.x","expires_in":3600}' }
    const asked = () => api.requests.filter(({ path }) => path === '/token').length
    api.answer(granted, { status: 200, body: '{}' })
    await Promise.all(Array.from({ length: 5 }, () => sender.send(delivery('apps'))))
    expect(asked()).toBe(1)
    api.answer({ status: 401, body: '{"error":{"code":401}}' }, granted, { status: 200 })
    await expect(sender.send(delivery('apps'))).rejects.toMatchObject({
      code: 'channel.unavailable',
    })
    await sender.send(delivery('apps'))
    expect(asked()).toBe(2)
  })

  it.each([
    ['a token that is no header', '{"access_token":"a\\r\\nb","expires_in":3600}'],
    ['no token', '{"expires_in":3600}'],
  ])('FCM: %s is asked for again later', async (_title, body) => {
    const sender = open({
      apps: {
        type: 'fcm',
        serviceAccount: JSON.stringify({
          project_id: 'p',
          client_email: 'a@b',
          private_key: RSA.privateKey,
          token_uri: `${api.url}/token`,
        }),
        tokens: ['t'],
        url: api.url,
        allowPrivate: true,
      },
    })
    api.answer({ status: 200, body })
    await expect(sender.send(delivery('apps'))).rejects.toMatchObject({
      code: 'channel.unavailable',
    })
  })

  it.each([
    ['a VAPID key', { publicKey: 'x'.repeat(90) }, undefined],
    ['a private key', { privateKey: '!'.repeat(43) }, undefined],
    ['the key of a browser', {}, { p256dh: 'x'.repeat(87), auth: 'A'.repeat(22) }],
  ])('Web Push: %s that is none is refused for good', async (_title, vapid, keys) => {
    const sender = open({
      web: {
        type: 'web-push',
        subject: 'mailto:ops@example.org',
        ...webPush.generateVAPIDKeys(),
        ...vapid,
        subscriptions: [{ endpoint: `${api.url}/push/abc`, keys: keys ?? browser().keys }],
        allowPrivate: true,
      },
    })
    await expect(sender.send(delivery('web'))).rejects.toMatchObject({ code: 'channel.rejected' })
    expect(api.requests).toEqual([])
  })

  it('APNs: over HTTP/2, with a token that the key of the team signed', async () => {
    const apple = await openMessageApi(2)
    try {
      const device = 'ab'.repeat(32)
      const sender = open({
        apps: {
          type: 'apns',
          key: EC.privateKey,
          keyId: 'K1',
          team: 'T1',
          topic: 'org.example.app',
          tokens: [device],
          url: apple.url,
          allowPrivate: true,
        },
      })
      await sender.send(delivery('apps'))
      await sender.send({ ...delivery('apps'), attempts: 1 })
      const [first, second] = apple.requests
      expect(first?.path).toBe(`/3/device/${device}`)
      expect(first?.headers).toMatchObject({
        'apns-topic': 'org.example.app',
        'apns-push-type': 'alert',
        'apns-priority': '10',
      })
      expect(first?.headers['apns-id']).toBe(second?.headers['apns-id'])
      const token = first?.headers['authorization']?.replace('bearer ', '') ?? ''
      expect(openJwt(token, EC.publicKey)).toMatchObject({
        signed: true,
        head: { alg: 'ES256', kid: 'K1' },
        claims: { iss: 'T1', iat: NOW / 1_000 },
      })
      expect(second?.headers['authorization']).toBe(`bearer ${token}`)
      expect(JSON.parse(first?.body ?? '')).toMatchObject({
        aps: {
          alert: { title: '🚨 hot raised on <dev-1>' },
          'interruption-level': 'time-sensitive',
        },
        deviceId: 'dev-1',
      })
      apple.answer({ status: 410, body: '{"reason":"Unregistered"}' })
      await expect(sender.send(delivery('apps'))).rejects.toMatchObject({
        code: 'channel.gone',
        message: expect.stringContaining('abab…: the address is gone'),
      })
    } finally {
      await apple.close()
    }
  })

  it('Web Push: encrypted so that only the browser reads it, signed by the VAPID key', async () => {
    const { publicKey, privateKey } = webPush.generateVAPIDKeys()
    const reader = browser()
    const endpoint = `${api.url}/push/abc`
    const sender = open({
      web: {
        type: 'web-push',
        subject: 'mailto:ops@example.org',
        publicKey,
        privateKey,
        subscriptions: [{ endpoint, keys: reader.keys }],
        allowPrivate: true,
      },
    })
    api.answer({ status: 201 })
    await sender.send(delivery('web'))
    const [request] = api.requests
    expect(request?.headers).toMatchObject({
      ttl: '86400',
      urgency: 'high',
      'content-encoding': 'aes128gcm',
    })
    expect(request?.headers['authorization']).toMatch(/^vapid t=[\w-]+\.[\w-]+\.[\w-]+, k=/)
    expect(JSON.parse(decrypt(request?.bytes ?? Buffer.alloc(0), reader))).toMatchObject({
      title: '🚨 hot raised on <dev-1>',
      body: 'at *31* °C & rising',
      severity: 'critical',
    })
    api.answer({ status: 404 })
    await expect(sender.send(delivery('web'))).rejects.toThrow('the address is gone')
  })

  it.each([
    ['later', { status: 503 }, 'channel.unavailable', 'slack: status 503'],
    [
      'never',
      { status: 400, body: 'invalid_payload' },
      'channel.rejected',
      'refused with status 400',
    ],
    [
      'nobody there any more',
      { status: 404, body: 'no_service' },
      'channel.gone',
      'the address is gone',
    ],
    [
      'an error under a status that says yes',
      { status: 200, body: '{"ok":false,"error":"invalid_blocks"}' },
      'channel.rejected',
      'refused with status 200',
    ],
    [
      'one that may pass',
      { status: 200, body: '{"ok":false,"error":"ratelimited"}' },
      'channel.unavailable',
      'status 200',
    ],
    [
      'one with a number',
      { status: 200, body: '{"error":{"code":503,"status":"UNAVAILABLE"}}' },
      'channel.unavailable',
      'status 200',
    ],
    [
      'a redirect, which is not followed',
      { status: 302, headers: { location: 'http://169.254.169.254/' } },
      'channel.rejected',
      'refused with status 302',
    ],
  ])('tells %s from the answer', async (_title, answer, code, says) => {
    api.answer(answer)
    const sent = open({ ops: slackTo(`${api.url}/x`) }).send(delivery('ops'))
    await expect(sent).rejects.toMatchObject({ code, message: expect.stringContaining(says) })
    expect(api.requests).toHaveLength(1)
  })

  it('says nothing of a secret, whatever goes wrong', async () => {
    const secret = 'A'.repeat(35)
    const gone = await openMessageApi()
    await gone.close()
    const channels = {
      slack: slackTo(`${gone.url}/services/${secret}`),
      telegram: {
        type: 'telegram' as const,
        token: `1:${secret}`,
        chats: [1],
        url: gone.url,
        allowPrivate: true,
      },
      fcm: {
        type: 'fcm' as const,
        serviceAccount: `{"private_key":"${secret}"}`,
        topic: 'x',
        url: gone.url,
        allowPrivate: true,
      },
      apns: {
        type: 'apns' as const,
        key: `PRIVATE KEY ${secret}`,
        keyId: 'K',
        team: 'T',
        topic: 't',
        tokens: ['ab'.repeat(32)],
        url: gone.url,
        allowPrivate: true,
      },
      sms: { type: 'sms' as const, to: ['+491701234567'] },
    }
    const sender = open(channels, { telephony: { ...telephony(), url: gone.url, token: secret } })
    for (const channelId of Object.keys(channels)) {
      const fault = await sender.send(delivery(channelId)).then(
        () => 'none',
        (error: Error) => `${error.message} ${JSON.stringify(error)}`,
      )
      expect(fault).not.toBe('none')
      expect(fault).not.toContain(secret)
      expect(fault).not.toContain('1701234567')
    }
  })

  it.each([
    ['slack', { type: 'slack', url: 'http://127.0.0.1:1/x' }],
    ['telegram', { type: 'telegram', token: TOKEN, chats: [1], url: 'http://169.254.169.254' }],
    ['teams', { type: 'teams', url: 'http://localhost:1/' }],
    [
      'apns',
      {
        type: 'apns',
        key: EC.privateKey,
        keyId: 'K',
        team: 'T',
        topic: 't',
        tokens: ['ab'.repeat(32)],
        url: 'http://10.0.0.1',
      },
    ],
  ] as const)('%s does not go to an address inside unless it may', async (_name, channel) => {
    const input: ConfigInput = JSON.parse(JSON.stringify({ channels: { ops: channel } }))
    await expect(open(input.channels ?? {}).send(delivery('ops'))).rejects.toMatchObject({
      code: 'channel.forbidden_address',
    })
  })

  it('says what to do where a cloud sends no such thing', async () => {
    const sender = open({ ops: { type: 'sms', to: ['+491701234567'] } })
    await expect(sender.send(delivery('ops'))).rejects.toThrow(
      'expected something else, found this',
    )
  })
})

/** Opens what a browser got. Source: RFC 8291, 3.4; RFC 8188, 2. */
function decrypt(message: Buffer, { ecdh, auth }: ReturnType<typeof browser>): string {
  const salt = message.subarray(0, 16)
  const idLength = message[20] ?? 0
  const sender = message.subarray(21, 21 + idLength)
  const shared = ecdh.computeSecret(sender)
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender])
  const key = Buffer.from(hkdfSync('sha256', shared, auth, info, 32))
  const contentKey = Buffer.from(hkdfSync('sha256', key, salt, 'Content-Encoding: aes128gcm\0', 16))
  const nonce = Buffer.from(hkdfSync('sha256', key, salt, 'Content-Encoding: nonce\0', 12))
  const sealed = message.subarray(21 + idLength)
  const decipher = createDecipheriv('aes-128-gcm', contentKey, nonce)
  decipher.setAuthTag(sealed.subarray(-16))
  const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
  return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8')
}
