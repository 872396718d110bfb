import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createChannels, notSent } from '../../../adapters/node/channels.ts'
import {
  type ConfigInput,
  CoreError,
  createCore,
  type Delivery,
  deliveryId,
  type Ports,
  type Priority,
} from '../../../core/index.ts'
import { NOW, programOf } from '../../core/harness.ts'
import { createMemoryPorts, createWorld } from '../../fakes/memory-ports.ts'

const COUNT = 10_000
const CHANNELS = 20
const DEAD = 300
const WORKERS = 150
const BACK_AFTER = 600_000

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A number from 0 to 1 that is the same for the same text. */
function chanceOf(text: string): number {
  let hash = 2_166_136_261
  for (let at = 0; at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619) >>> 0
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519) >>> 0
  return ((hash ^ (hash >>> 13)) >>> 0) / 4_294_967_296
}

type Fault = (response: ServerResponse, request: IncomingMessage) => void

/** Every way in which an endpoint fails. */
const FAULTS: Readonly<Record<string, Fault>> = {
  hangs: () => undefined,
  'answers byte by byte': (response) => {
    const { socket } = response
    let at = 0
    const text = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
    const timer = setInterval(() => {
      if (at < text.length && socket?.writable === true) socket.write(text[at++] ?? '')
      else clearInterval(timer)
    }, 20)
    socket?.once('close', () => clearInterval(timer))
  },
  'redirects to a metadata address': (response, { headers: { host } }) =>
    void response
      .writeHead(307, { location: `http://${host}/latest/meta-data/iam/security-credentials/` })
      .end(),
  'drops the connection after the request': (_response, { socket }) => void socket.destroy(),
  'is too busy': (response) => void response.writeHead(429, { 'retry-after': '2' }).end(),
  'is down': (response) => void response.writeHead(503, { 'retry-after': '1' }).end(),
}

/** How APIs that answer 200 say no. */
const FAULTS_OF_SLACK: Readonly<Record<string, Fault>> = {
  'says no with 200': (response) => void response.end('{"ok":false,"error":"ratelimited"}'),
  'drops the connection after the request': FAULTS[
    'drops the connection after the request'
  ] as Fault,
  'is too busy': FAULTS['is too busy'] as Fault,
}

/** Endpoints that fail 30 % of the time, by the id of what they get and how often they got it: always the same. */
async function openSink(isBack: () => boolean) {
  const got = new Map<string, number>()
  const taken = new Map<string, number>()
  const faults = new Map<string, number>()
  let metadata = 0
  let dead = 0
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const { url = '' } = request
      if (url.startsWith('/latest/')) {
        metadata++
        return void response.end('a secret')
      }
      if (url === '/dead' && !isBack()) {
        dead++
        return
      }
      const id = url.startsWith('/slack') ? idOf(body) : String(request.headers['webhook-id'])
      const times = (got.get(id) ?? 0) + 1
      got.set(id, times)
      const table = url.startsWith('/slack') ? FAULTS_OF_SLACK : FAULTS
      const names = Object.keys(table)
      if (chanceOf(`fails ${id} ${times}`) < 0.3) {
        const name = names[Math.floor(chanceOf(`how ${id} ${times}`) * names.length)] ?? ''
        faults.set(name, (faults.get(name) ?? 0) + 1)
        return table[name]?.(response, request)
      }
      taken.set(id, (taken.get(id) ?? 0) + 1)
      response.end('ok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    got,
    taken,
    faults,
    metadata: () => metadata,
    dead: () => dead,
  }
}

/** Slack is told no id: the tests put it into the subject. */
function idOf(body: string): string {
  return /<<(.+?)>>|&lt;&lt;(.+?)&gt;&gt;/.exec(body)?.slice(1).find(Boolean) ?? ''
}

async function open() {
  const world = createWorld(NOW)
  const sink = await openSink(() => world.now >= NOW + BACK_AFTER)
  const channels: ConfigInput['channels'] = {
    dead: { type: 'webhook', url: `${sink.url}/dead`, allowPrivate: true, timeout: '500ms' },
  }
  for (let at = 0; at < CHANNELS; at++)
    channels[`c${at}`] =
      at % 5 === 4
        ? { type: 'slack', url: `${sink.url}/slack/${at}`, allowPrivate: true }
        : { type: 'webhook', url: `${sink.url}/hook/${at}`, allowPrivate: true, timeout: '500ms' }
  const program = programOf({ channels })
  const ports = createMemoryPorts(world)
  const none = notSent('it', 'this test', 'nothing')
  const sender = createChannels({
    config: program.config,
    clock: ports.clock,
    native: { email: none, sms: none, voice: none, push: none },
  })
  closers.push(() => sender.close())
  /** How often the sender heard that a delivery was taken. */
  const heard = new Map<string, number>()
  /** What the sender heard to be redirected. */
  const redirected = new Set<string>()
  const given: Ports = {
    ...ports,
    channels: {
      async send(one, sending) {
        const id = deliveryId(one)
        await sender.send(one, sending).catch((error: unknown) => {
          if (error instanceof CoreError && error.details['status'] === 307) redirected.add(id)
          throw error
        })
        heard.set(id, (heard.get(id) ?? 0) + 1)
      },
    },
  }
  return { world, sink, heard, redirected, ports: given, core: createCore(given, program) }
}

function delivery(id: string, channelId: string, priority: Priority = 5): Delivery {
  return {
    key: id,
    channelId,
    attempts: 0,
    notification: {
      key: id,
      channelIds: [],
      deviceId: 'dev-1',
      severity: 'warning',
      subject: `<<${id}>>`,
      text: '',
      at: NOW,
      data: null,
      priority,
    },
  }
}

describe('reliable asynchronous delivery', () => {
  it(`accounts for each of ${COUNT} notifications whose endpoints fail at random, 30 % of the time, in every way`, {
    timeout: 60_000,
  }, async () => {
    const { world, sink, heard, redirected, ports, core } = await open()
    const all = Array.from({ length: COUNT }, (_, at) => {
      return delivery(`n${at}`, `c${at % CHANNELS}`, (at % 10) as Priority)
    })
    const dead = Array.from({ length: DEAD }, (_, at) => delivery(`d${at}`, 'dead'))
    await ports.notifications.enqueue([...dead, ...all])
    const total = { sent: 0, retried: 0, failed: 0 }
    let othersDoneAt = Number.POSITIVE_INFINITY
    const waiting = () => [...world.queue.values()].filter((one) => one.settledAt === undefined)
    const claimed: Delivery[] = []
    const notify = core.notifyFrom({
      ...ports.notifications,
      async claim(now, limit, leaseMs) {
        if (claimed.length === 0)
          claimed.push(...(await ports.notifications.claim(now, 250, leaseMs)))
        return claimed.splice(0, limit)
      },
    })
    /** One of many workers: what is slow for one holds no other. */
    async function work(): Promise<void> {
      for (;;) {
        const { sent, retried, failed } = await notify(1)
        total.sent += sent
        total.retried += retried
        total.failed += failed
        if (sent + retried + failed === 0) return
      }
    }
    for (;;) {
      await Promise.all(Array.from({ length: WORKERS }, work))
      const left = waiting()
      if (left.every((one) => one.delivery.channelId === 'dead'))
        othersDoneAt = Math.min(othersDoneAt, world.now)
      if (left.length === 0) break
      world.now = Math.min(...left.map(({ dueAt }) => dueAt)) + 10_000
    }

    // Each is sent or among the dead letters, and none is both.
    const letters = [...world.letters.values()]
    const given = new Set(letters.map(({ messageId }) => messageId ?? ''))
    expect(total.sent + total.failed).toBe(COUNT + DEAD)
    expect(letters).toHaveLength(total.failed)
    expect(heard.size).toBe(total.sent)
    const ids = [...all, ...dead].map(({ key }) => key)
    expect(ids.filter((id) => heard.has(id) === given.has(id))).toEqual([])
    expect([...heard.keys()].filter((id) => !sink.taken.has(id))).toEqual([])
    // No double delivery: what was heard to be taken is not sent again. Only answers that came too late may double.
    expect([...heard.values()].filter((times) => times !== 1)).toEqual([])
    const doubled = [...sink.taken.values()].filter((times) => times > 1)
    expect(doubled.length).toBeLessThan(COUNT / 10)
    // All that was got came under the id of a notification, however often.
    expect([...sink.got.keys()].filter((id) => !ids.includes(id))).toEqual([])

    // Every way was met; what redirects is refused for good, and nobody went there.
    expect([...sink.faults.keys()].toSorted()).toEqual(
      [...new Set([...Object.keys(FAULTS), ...Object.keys(FAULTS_OF_SLACK)])].toSorted(),
    )
    expect(sink.metadata()).toBe(0)
    expect([...given].toSorted()).toEqual([...redirected].toSorted())
    // What the sender did not hear in time it tried again.
    const redirects = sink.faults.get('redirects to a metadata address') ?? 0
    expect(total.failed).toBeLessThanOrEqual(redirects)
    expect(total.failed).toBeGreaterThan(redirects * 0.9)
    expect(new Set(letters.map(({ reason }) => reason))).not.toContain('')

    // The dead endpoint held nobody: a few probes, and its deliveries burned no attempts.
    expect(sink.dead()).toBeLessThan(600)
    expect(othersDoneAt).toBeLessThan(NOW + BACK_AFTER)
    expect(dead.filter(({ key }) => heard.has(key) === given.has(key))).toEqual([])

    // Sent again, the dead letters come under the ids that they had.
    for (const letter of letters) await core.redrive(letter.id)
    const before = sink.taken.size
    for (let round = 0; round < 40 && waiting().length > 0; round++) {
      await core.notify(500)
      world.now += 60_000
    }
    expect(sink.taken.size).toBeGreaterThan(before)
    expect([...sink.got.keys()].filter((id) => !ids.includes(id))).toEqual([])
  })

  it('crash of the worker between send and acknowledge: redelivered with the same id', async () => {
    const { world, sink, ports, core } = await open()
    const taking = Array.from({ length: 100 }, (_, at) => `k${at}`).find(
      (id) => chanceOf(`fails ${id} 1`) >= 0.3 && chanceOf(`fails ${id} 2`) >= 0.3,
    )
    const id = taking ?? ''
    await ports.notifications.enqueue([delivery(id, 'c0')])
    const dying = core.notifyFrom({
      ...ports.notifications,
      settle: async () => {
        throw new CoreError('store.unavailable', 'the process is gone')
      },
    })
    await dying(10)
    expect(sink.taken.get(id)).toBe(1)
    expect(await core.notify(10)).toEqual({ sent: 0, retried: 0, failed: 0 })
    world.now += 120_000
    expect(await core.notify(10)).toEqual({ sent: 1, retried: 0, failed: 0 })
    expect(sink.taken.get(id)).toBe(2)
    expect([...sink.got.keys()]).toEqual([id])
  })
})
