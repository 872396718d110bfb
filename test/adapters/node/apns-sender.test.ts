import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ApnsSender, createApnsSender } from '../../../adapters/node/apns-sender.ts'
import { resolveBySystem } from '../../../adapters/node/guarded-lookup.ts'
import type { ApnsChannel } from '../../../core/index.ts'
import { ecKeys } from '../../fakes/message-apis.ts'

const NOW = 1_750_000_000_000
const EC = ecKeys()

describe('a connection to Apple', () => {
  const cleanups: (() => void)[] = []
  afterEach(() => {
    for (const clean of cleanups.splice(0).reverse()) clean()
  })

  /** A server that answers as told; how many connections came. */
  async function apple(
    answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, count: number) => void,
  ) {
    const server = createServer()
    const sessions: ServerHttp2Session[] = []
    let count = 0
    server.on('session', (session) => {
      sessions.push(session)
      session.on('error', () => undefined)
    })
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined)
      answer(stream, headers, ++count)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    cleanups.push(() => {
      for (const session of sessions) session.destroy()
      server.close()
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { url, sessions }
  }

  function open(timeoutMs?: number): ApnsSender {
    const sender = createApnsSender(resolveBySystem, timeoutMs)
    cleanups.push(() => sender.close())
    return sender
  }

  const channel = (url: string, changes: Partial<ApnsChannel> = {}): ApnsChannel => ({
    type: 'apns',
    key: EC.privateKey,
    keyId: 'K1',
    team: 'T1',
    topic: 'org.example.app',
    tokens: ['ab'.repeat(32)],
    url,
    allowPrivate: true,
    ...changes,
  })

  const ask = (sender: ApnsSender, to: ApnsChannel, now = NOW, headers = {}) =>
    sender.ask(
      to,
      { to: 'abab…', address: 'ab', url: `${to.url}/3/device/ab`, headers, body: '{}' },
      'key',
      now,
    )

  const ok = (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200 })
    stream.end()
  }

  it('an answer byte by byte ends in time, and the next request goes over another connection', async () => {
    const { url, sessions } = await apple((stream, _headers, count) => {
      if (count > 1) return ok(stream)
      stream.respond({ ':status': 200 })
      const timer = setInterval(() => stream.write('.'), 20)
      stream.on('close', () => clearInterval(timer))
    })
    const sender = open(150)
    await expect(ask(sender, channel(url))).rejects.toMatchObject({
      code: 'channel.unavailable',
      message: expect.stringContaining('no answer within 150 ms'),
    })
    await expect(ask(sender, channel(url))).resolves.toMatchObject({ status: 200 })
    expect(sessions).toHaveLength(2)
  })

  it('goes on after the other side has said goodbye, or was gone', async () => {
    const { url, sessions } = await apple(ok)
    const sender = open()
    await ask(sender, channel(url))
    sessions[0]?.goaway()
    sessions[0]?.close()
    const second = await ask(sender, channel(url)).catch(() => ask(sender, channel(url)))
    expect(second.status).toBe(200)
    sessions.at(-1)?.destroy()
    const third = await ask(sender, channel(url)).catch((error: unknown) => error)
    if (third instanceof Error) expect(third).toMatchObject({ code: 'channel.unavailable' })
    expect(await ask(sender, channel(url))).toMatchObject({ status: 200 })
  })

  it('many requests share one connection, and nothing piles up on it', async () => {
    const warnings: string[] = []
    const note = (warning: Error): void => void warnings.push(warning.name)
    process.on('warning', note)
    cleanups.push(() => process.off('warning', note))
    const { url, sessions } = await apple((stream) => setTimeout(() => ok(stream), 20))
    const sender = open()
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(sender, channel(url))))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(sessions).toHaveLength(1)
    await new Promise((done) => setImmediate(done))
    expect(warnings).not.toContain('MaxListenersExceededWarning')
  })

  it('makes another token once Apple calls it expired, and one for each key', async () => {
    const seen: string[] = []
    const { url } = await apple((stream, headers, count) => {
      seen.push(String(headers['authorization']))
      if (count > 1) return ok(stream)
      stream.respond({ ':status': 403 })
      stream.end('{"reason":"ExpiredProviderToken"}')
    })
    const sender = open()
    await ask(sender, channel(url))
    await ask(sender, channel(url), NOW + 2_000)
    await ask(sender, channel(url), NOW + 4_000)
    await ask(sender, channel(url, { team: 'T2' }), NOW + 4_000)
    expect(new Set(seen).size).toBe(3)
    expect(seen[2]).toBe(seen[1])
  })

  it('refuses a header that is none', async () => {
    const { url } = await apple(ok)
    const sender = open()
    await expect(ask(sender, channel(url), NOW, { 'apns topic': 'a' })).rejects.toMatchObject({
      code: 'channel.rejected',
    })
    await expect(ask(sender, channel(url))).resolves.toMatchObject({ status: 200 })
  })

  it('nobody there is for later', async () => {
    const { url, sessions } = await apple(ok)
    for (const clean of cleanups.splice(0)) clean()
    expect(sessions).toEqual([])
    await expect(ask(open(), channel(url))).rejects.toMatchObject({ code: 'channel.unavailable' })
  })
})
