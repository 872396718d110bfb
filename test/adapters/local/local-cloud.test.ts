import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectAsync } from 'mqtt'
import { SMTPServer } from 'smtp-server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { verifyWebhook } from '../../../adapters/node/signature.ts'
import type { ConfigInput } from '../../../core/index.ts'
import { openCloud, type TestCloud, temporaryFolder } from './cloud.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const PASSWORD = 'hunter2hunter2'

interface Hook {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly at: number
}

/** A webhook's other side: answers the n-th request as `answer` says. */
async function openHook(answer: (response: ServerResponse, index: number) => void) {
  const received: Hook[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      received.push({ headers: request.headers, body, at: Date.now() })
      answer(response, received.length - 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const ids = () => received.map(({ headers }) => headers['idempotency-key'])
  return { url: `http://127.0.0.1:${port}/hook`, received, ids }
}

const accept = (response: ServerResponse): void => void response.writeHead(204).end()
const refuse = (response: ServerResponse): void => void response.writeHead(404).end()

/** A mail server that keeps what it gets. */
async function openMailbox(answer: (index: number) => number | undefined = () => undefined) {
  const received: string[] = []
  let tries = 0
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    authOptional: true,
    onAuth: ({ username }, _session, callback) => callback(null, { user: username }),
    onData(stream, _session, callback) {
      let text = ''
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      stream.on('end', () => {
        const responseCode = answer(tries++)
        if (responseCode === undefined) {
          received.push(text)
          callback()
        } else callback(Object.assign(new Error('no'), { responseCode }))
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())))
  const { port } = server.server.address() as AddressInfo
  const ids = () => received.map((text) => /^Message-ID: (.*)$/im.exec(text)?.[1])
  return { url: `smtp://user:${PASSWORD}@127.0.0.1:${port}`, received, ids, tries: () => tries }
}

function configOf(hook: string, smtp?: string, more: ConfigInput = {}): ConfigInput {
  return {
    channels: {
      hook: { type: 'webhook', url: hook, secret: SECRET, allowPrivate: true, timeout: '2s' },
      ...(smtp === undefined ? {} : { mail: { type: 'email', to: ['ops@example.com'] } }),
    },
    ...(smtp === undefined ? {} : { smtp: { url: smtp, from: 'anyhub@example.org' } }),
    alarms: {
      hot: {
        when: 'temp > 30',
        clear: 'temp < 28',
        severity: 'critical',
        text: '${temp} degrees in ${topic(2)}',
        notify: smtp === undefined ? ['hook'] : ['hook', 'mail'],
      },
    },
    ...more,
  }
}

async function send(cloud: TestCloud, deviceId: string, temp: number): Promise<void> {
  const answer = await cloud.call(`/devices/${deviceId}/telemetry`, {
    method: 'POST',
    body: JSON.stringify({ temp }),
  })
  expect(answer.status).toBe(202)
}

const statOf = (cloud: TestCloud, name: string) => async () => (await cloud.stats())[name] ?? 0

/** Long enough for whatever would come too much to come. */
const settleDown = () => new Promise((resolve) => setTimeout(resolve, 1_500))

describe('an alarm', () => {
  it('is raised: one signed webhook and one mail; cleared: one more of each', async () => {
    const hook = await openHook(accept)
    const mailbox = await openMailbox()
    const cloud = await openCloud({ config: configOf(hook.url, mailbox.url) })
    await send(cloud, 'truck-1', 25)
    await send(cloud, 'truck-1', 31)
    await send(cloud, 'truck-1', 32)
    await send(cloud, 'truck-1', 29)
    await expect.poll(() => [hook.received.length, mailbox.received.length]).toEqual([1, 1])
    const [{ headers, body }] = hook.received as [Hook]
    const id = String(headers['webhook-id'])
    const timestamp = Number(headers['webhook-timestamp'])
    expect(Math.abs(timestamp - Date.now() / 1_000)).toBeLessThan(10)
    const signature = String(headers['webhook-signature'])
    expect(verifyWebhook(SECRET, id, timestamp, body, signature)).toBe(true)
    expect(headers['idempotency-key']).toBe(id)
    expect(JSON.parse(body)).toMatchObject({
      id,
      deviceId: 'truck-1',
      severity: 'critical',
      subject: 'hot raised on truck-1',
      text: '31 degrees in truck-1',
      data: { alarmId: 'hot', status: 'active' },
    })
    expect(mailbox.received[0]).toMatch(/^Subject: \[critical\] hot raised on truck-1$/im)
    expect(mailbox.received[0]).toContain('31 degrees in truck-1')

    await send(cloud, 'truck-1', 27)
    await expect.poll(() => [hook.received.length, mailbox.received.length]).toEqual([2, 2])
    expect(JSON.parse(hook.received[1]!.body)).toMatchObject({
      subject: 'hot cleared on truck-1',
      data: { status: 'cleared' },
    })
    await settleDown()
    expect([hook.received.length, mailbox.received.length]).toEqual([2, 2])
    expect(new Set(hook.ids()).size).toBe(2)
    expect(new Set(mailbox.ids()).size).toBe(2)
    expect(await statOf(cloud, 'notification.sent')()).toBe(4)
    expect(await statOf(cloud, 'notifications.waiting')()).toBe(0)
  })

  it('of a message that comes twice is told once', async () => {
    const hook = await openHook(accept)
    const cloud = await openCloud({ config: configOf(hook.url) })
    const init = {
      method: 'POST',
      headers: { 'idempotency-key': 'message-1' },
      body: '{"temp":31}',
    }
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => cloud.call('/devices/d1/telemetry', init)),
    )
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
    await expect.poll(() => hook.received.length).toBe(1)
    await settleDown()
    expect(hook.received).toHaveLength(1)
  })
})

describe('a receiver that fails', () => {
  it('three times and then accepts has the same key each time, and one delivery is settled', async () => {
    const hook = await openHook((response, index) =>
      index < 3 ? void response.writeHead([500, 429, 503][index]!).end() : accept(response),
    )
    const cloud = await openCloud({ config: configOf(hook.url) })
    await send(cloud, 'd1', 31)
    await expect.poll(() => hook.received.length, { timeout: 15_000 }).toBe(4)
    expect(new Set(hook.ids()).size).toBe(1)
    expect(new Set(hook.received.map(({ body }) => body)).size).toBe(1)
    for (const { headers, body } of hook.received) {
      const signed = [
        SECRET,
        String(headers['webhook-id']),
        Number(headers['webhook-timestamp']),
        body,
        String(headers['webhook-signature']),
      ] as const
      expect(verifyWebhook(...signed)).toBe(true)
    }
    // Doubling waits with jitter: half to all of 1 s, 2 s, 4 s.
    const waits = hook.received.slice(1).map(({ at }, index) => at - hook.received[index]!.at)
    expect(waits[0]).toBeGreaterThanOrEqual(490)
    expect(waits[1]).toBeGreaterThanOrEqual(990)
    expect(waits[2]).toBeGreaterThanOrEqual(1_990)
    await expect.poll(statOf(cloud, 'notifications.waiting')).toBe(0)
    const stats = await cloud.stats()
    expect([stats['notification.retried'], stats['notification.sent']]).toEqual([3, 1])
    expect(stats['dead_letters.kept']).toBe(0)
  }, 30_000)

  it('and says when is asked no sooner', async () => {
    const hook = await openHook((response, index) =>
      index === 0 ? void response.writeHead(503, { 'retry-after': '3' }).end() : accept(response),
    )
    const cloud = await openCloud({ config: configOf(hook.url) })
    await send(cloud, 'd1', 31)
    await expect.poll(() => hook.received.length, { timeout: 8_000 }).toBe(2)
    expect(hook.received[1]!.at - hook.received[0]!.at).toBeGreaterThanOrEqual(2_990)
  })

  it('a mail server: the same Message-ID at each try', async () => {
    const hook = await openHook(accept)
    const mailbox = await openMailbox((index) => (index < 2 ? 451 : undefined))
    const cloud = await openCloud({ config: configOf(hook.url, mailbox.url) })
    await send(cloud, 'd1', 31)
    await expect.poll(mailbox.tries, { timeout: 10_000 }).toBe(3)
    await expect.poll(() => mailbox.received.length).toBe(1)
    await expect.poll(statOf(cloud, 'notifications.waiting')).toBe(0)
  })

  it('for good: a dead letter, which the API sends again', async () => {
    let open = false
    const hook = await openHook((response) => (open ? accept(response) : refuse(response)))
    const cloud = await openCloud({ config: configOf(hook.url) })
    await send(cloud, 'd1', 31)
    await expect.poll(statOf(cloud, 'dead_letters.kept')).toBe(1)
    expect(hook.received).toHaveLength(1)
    expect(await statOf(cloud, 'notification.failed')()).toBe(1)
    expect(await statOf(cloud, 'notifications.waiting')()).toBe(0)
    const [letter] = await cloud.core.ports.deadLetters.list('', 10)
    expect(letter).toMatchObject({
      source: 'notify',
      deviceId: 'd1',
      topic: 'notifications/hook',
      code: 'channel.rejected',
      reason: expect.stringMatching(/^refused: 127\.0\.0\.1:\d+: expected status 2xx, found 404$/),
    })

    const path = `/dead-letters/${letter!.id}/redrive`
    expect((await cloud.call(path, { method: 'POST' })).status).toBe(401)
    const headers = { authorization: `Bearer ${cloud.adminToken}` }
    open = true
    const answer = await cloud.call(path, { method: 'POST', headers })
    expect(await answer.json()).toEqual({ status: 'queued' })
    await expect.poll(() => hook.received.length).toBe(2)
    await expect.poll(statOf(cloud, 'notification.sent')).toBe(1)
    expect(await statOf(cloud, 'dead_letters.kept')()).toBe(0)
    expect(JSON.parse(hook.received[1]!.body)).toMatchObject({ subject: 'hot raised on d1' })
    expect((await cloud.call(path, { method: 'POST', headers })).status).toBe(404)
    await settleDown()
    expect(hook.received).toHaveLength(2)
  })

  it('for good a second time: a dead letter again', async () => {
    const hook = await openHook(refuse)
    const cloud = await openCloud({ config: configOf(hook.url) })
    await send(cloud, 'd1', 31)
    await expect.poll(statOf(cloud, 'dead_letters.kept')).toBe(1)
    const [letter] = await cloud.core.ports.deadLetters.list('', 10)
    await cloud.core.redrive(letter!.id)
    await expect.poll(statOf(cloud, 'notification.failed')).toBe(2)
    const letters = await cloud.core.ports.deadLetters.list('', 10)
    expect(letters).toHaveLength(1)
    expect(letters[0]!.id).not.toBe(letter!.id)
  })
})

describe('a cloud that is restarted', () => {
  it('before anything was sent sends it, under the same key', async () => {
    const data = temporaryFolder()
    const queued: string[] = []
    const blocked = await openCloud({
      data,
      config: configOf('http://127.0.0.1:1/'),
      channels: {
        send: async ({ key }) => {
          queued.push(key)
          throw new Error('not now')
        },
      },
    })
    await send(blocked, 'd1', 31)
    await expect.poll(() => queued.length).toBeGreaterThan(0)
    await blocked.close()
    const hook = await openHook(accept)
    const cloud = await openCloud({ data, config: configOf(hook.url) })
    await expect.poll(() => hook.received.length, { timeout: 5_000 }).toBe(1)
    expect(hook.ids()[0]).toBe(queued[0])
    await expect.poll(statOf(cloud, 'notifications.waiting')).toBe(0)
    await settleDown()
    expect(hook.received).toHaveLength(1)
  })

  it('while a webhook hangs closes soon, and sends it again under the same key', async () => {
    const data = temporaryFolder()
    const hanging = await openHook(() => undefined)
    const config = configOf(hanging.url)
    const slow: ConfigInput = {
      ...config,
      channels: { hook: { type: 'webhook', url: hanging.url, allowPrivate: true, timeout: '60s' } },
    }
    const first = await openCloud({ data, config: slow })
    await send(first, 'd1', 31)
    await expect.poll(() => hanging.received.length).toBe(1)
    const from = performance.now()
    await first.close()
    expect(performance.now() - from).toBeLessThan(6_000)
    const hook = await openHook(accept)
    await openCloud({ data, config: configOf(hook.url) })
    await expect.poll(() => hook.received.length, { timeout: 5_000 }).toBe(1)
    expect(hook.ids()).toEqual(hanging.ids())
  })

  it('without the channel that a delivery is for keeps it as a dead letter', async () => {
    const data = temporaryFolder()
    const blocked = await openCloud({
      data,
      config: configOf('http://127.0.0.1:1/'),
      channels: {
        send: async () => {
          throw new Error('not now')
        },
      },
    })
    await send(blocked, 'd1', 31)
    await expect.poll(statOf(blocked, 'notification.retried')).toBeGreaterThan(0)
    await blocked.close()
    const cloud = await openCloud({ data, config: {} })
    await expect.poll(statOf(cloud, 'dead_letters.kept'), { timeout: 5_000 }).toBe(1)
    const [letter] = await cloud.core.ports.deadLetters.list('', 1)
    expect(letter).toMatchObject({
      code: 'channel.rejected',
      reason: expect.stringContaining('expected a channel of the config, found "hook"'),
    })
  })
})

describe('secrets', () => {
  it('stand in no log, no dead letter and no answer', async () => {
    const hook = await openHook(refuse)
    const url = `${hook.url.replace('//', `//user:${PASSWORD}@`)}?key=t0ken`
    const mailbox = await openMailbox(() => 554)
    const cloud = await openCloud({ config: configOf(url, mailbox.url) })
    await send(cloud, 'd1', 31)
    await expect.poll(statOf(cloud, 'dead_letters.kept')).toBe(2)
    const texts = [...cloud.logs]
    for (const path of ['/dead-letters', '/devices/d1', '/metrics', '/stats', '/events-none'])
      texts.push(await (await cloud.call(path)).text())
    for (const text of texts) {
      for (const secret of [SECRET, SECRET.slice(6), PASSWORD, 't0ken', cloud.adminToken])
        expect(text).not.toContain(secret)
    }
  })
})

describe('a mail server that cannot be read', () => {
  it('is told before anything is opened', async () => {
    const data = temporaryFolder()
    const config: ConfigInput = { smtp: { url: 'smtp://host:99999' } }
    await expect(openCloud({ data, config })).rejects.toMatchObject({ code: 'config.invalid' })
    await openCloud({ data })
  })
})

describe('an alarm over MQTT', () => {
  it('reaches the webhook within a second of the message', async () => {
    const hook = await openHook(accept)
    const cloud = await openCloud({ config: configOf(hook.url) })
    const device = await connectAsync(cloud.mqtt, { clientId: 'd1', reconnectPeriod: 0 })
    onTestFinished(() => device.endAsync(true))
    const from = Date.now()
    await device.publishAsync('devices/d1/telemetry', '{"temp":31}', { qos: 1 })
    await expect.poll(() => hook.received.length).toBe(1)
    expect(hook.received[0]!.at - from).toBeLessThan(1_000)
  })
})
