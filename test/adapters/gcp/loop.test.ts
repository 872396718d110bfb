import { createServer, type IncomingMessage, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGcp, type Gcp } from '../../../adapters/gcp/index.ts'
import { parseConfig } from '../../../core/index.ts'
import { freePort } from '../aws/moto.ts'
import { describeWithEmulators, type Emulator, startFirestore, startPubSub } from './emulators.ts'
import { type Bundles, bundleFunctions, type RunningFunction, runFunction } from './functions.ts'
import { type Listener, openStack, type Stack } from './stack.ts'

const until = { timeout: 40_000, interval: 100 }

describeWithEmulators('Google: device → Pub/Sub → function → Firestore → notification', () => {
  let firestore: Emulator
  let pubsub: Emulator
  let stack: Stack
  let bundles: Bundles
  let ingest: RunningFunction
  let notify: RunningFunction
  let commands: Listener
  let hook: Hook
  /** Stands between ingest and Firestore, and can refuse. */
  let gate: Gate
  /** The same stores, as somebody looks at them. */
  let gcp: Gcp

  beforeAll(async () => {
    ;[firestore, pubsub, hook] = await Promise.all([startFirestore(), startPubSub(), openHook()])
    gate = await openGate(firestore.host)
    stack = await openStack({ firestore, pubsub, env: { ANYHUB_TEST_WEBHOOK: hook.url } })
    const variables = { ANYHUB_TEST_WEBHOOK: hook.url }
    bundles = await bundleFunctions(['ingest', 'notify'], variables)
    const run = (name: 'ingest' | 'notify', env: Readonly<Record<string, string>>) =>
      runFunction({
        folder: bundles.folderOf(name),
        target: 'handler',
        signature: 'cloudevent',
        env: { ...stack.env, ...env },
      })
    ingest = await run('ingest', { FIRESTORE_EMULATOR_HOST: gate.host })
    notify = await run('notify', {})
    commands = await stack.listen('commands')
    const push = (topic: string, { url }: RunningFunction) =>
      stack.client.topic(topic).createSubscription(`${topic}-push`, {
        pushConfig: { pushEndpoint: `${url}/projects/${stack.project}/topics/${topic}` },
        ackDeadlineSeconds: 10,
        retryPolicy: { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 2 } },
        ...(topic === 'telemetry'
          ? {
              deadLetterPolicy: {
                deadLetterTopic: stack.client.topic('dead').name,
                maxDeliveryAttempts: 5,
              },
            }
          : {}),
      })
    await push('telemetry', ingest)
    await push('high', notify)
    await push('normal', notify)
    const parsed = parseConfig({})
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    gcp = createGcp(stack.settings, parsed.config)
  }, 180_000)

  afterAll(async () => {
    await Promise.all([ingest?.stop(), notify?.stop()])
    await stack?.close()
    await Promise.all([firestore?.stop(), pubsub?.stop(), hook?.close(), gate?.close()])
    bundles?.remove()
  }, 60_000)

  /** As a bridge of a broker would. */
  const publish = (deviceId: string, payload: string, attributes = {}) =>
    stack.client.topic('telemetry').publishMessage({
      data: Buffer.from(payload),
      attributes: { topic: `devices/${deviceId}/telemetry`, ...attributes },
    })
  const record = (deviceId: string) => gcp.core.ports.devices.load(deviceId)

  it('stores telemetry, tells subscribers, and sends the alarm to its channel', async () => {
    await publish('dev-1', '{"temp":21.5}')
    await expect.poll(async () => (await record('dev-1'))?.last['temp']?.value, until).toBe(21.5)
    await publish('dev-1', '{"temp":35}')
    await expect.poll(() => hook.bodies.length, until).toBe(1)
    expect(hook.bodies[0]).toContain('it is 35 °C')
    await expect
      .poll(() => commands.messages.map(({ attributes }) => attributes['topic']), until)
      .toContain('fleet/hot/dev-1')
    const hot = commands.messages.find(
      ({ attributes }) => attributes['topic'] === 'fleet/hot/dev-1',
    )
    expect(JSON.parse(hot?.data.toString() ?? '')).toEqual({ temp: 35, device: 'dev-1' })
    expect(await gcp.core.ports.telemetry.count('dev-1')).toBe(2)
    const lines = ingest.log().trim().split('\n')
    const counted = lines
      .filter((line) => line.includes('"counts"'))
      .map((line) => JSON.parse(line))
    expect(counted.reduce((sum, { counts }) => sum + (counts['uplink.accepted'] ?? 0), 0)).toBe(2)
  })

  it('takes messages as Cloud IoT Core made them', async () => {
    await stack.client.topic('telemetry').publishMessage({
      data: Buffer.from('{"temp":4}'),
      attributes: {
        deviceId: 'dev-2',
        deviceNumId: '17',
        deviceRegistryId: 'r',
        subFolder: 'engine',
      },
    })
    await expect.poll(async () => (await record('dev-2'))?.last['temp']?.value, until).toBe(4)
  })

  it('sets aside what cannot be read, with its bytes, and asks for it no more', async () => {
    await publish('dev-3', '{broken')
    await stack.client
      .topic('telemetry')
      .publishMessage({ data: Buffer.from('{}'), attributes: { x: 'y' } })
    await expect.poll(() => gcp.core.ports.deadLetters.count(), until).toBe(2)
    const letters = await gcp.core.ports.deadLetters.list('', 10)
    expect(letters.map(({ code }) => code).toSorted()).toEqual([
      'codec.malformed',
      'uplink.no_device',
    ])
    const broken = letters.find(({ deviceId }) => deviceId === 'dev-3')
    expect(Buffer.from(broken?.payload ?? []).toString()).toBe('{broken')
  })

  it('counts a message that is delivered twice once', async () => {
    const event = pushBody(stack.project, '777', 'dev-4', '{"temp":1}')
    for (let time = 0; time < 2; time++)
      expect(await post(ingest, stack.project, event)).toBeLessThan(300)
    expect((await record('dev-4'))?.accepted).toBe(1)
  })

  it('costs one read and one write for a message', async () => {
    for (let index = 1; index <= 3; index++) {
      const before = { reads: gate.reads(), commits: gate.commits() }
      const event = pushBody(stack.project, `c-${index}`, 'dev-8', `{"temp":${index}}`)
      expect(await post(ingest, stack.project, event)).toBeLessThan(300)
      expect(gate.reads() - before.reads).toBe(1)
      expect(gate.commits() - before.commits).toBe(1)
    }
    expect((await record('dev-8'))?.accepted).toBe(3)
  })

  it('gives many messages of one device that come at once few writes', async () => {
    const before = gate.commits()
    const statuses = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        post(
          ingest,
          stack.project,
          pushBody(stack.project, `m-${index}`, 'dev-5', `{"n":${index}}`),
        ),
      ),
    )
    expect(statuses.every((status) => status < 300)).toBe(true)
    expect((await record('dev-5'))?.accepted).toBe(60)
    expect(gate.commits() - before).toBeLessThan(20)
  })

  it('is sent again what could not be stored, and stores it once', async () => {
    gate.refuse(12)
    await publish('dev-6', '{"temp":2}')
    await expect.poll(async () => (await record('dev-6'))?.accepted, until).toBe(1)
    expect(gate.refused()).toBe(12)
    expect(ingest.log()).toContain('uplinks not stored')
  }, 60_000)

  it('gives up after five deliveries: the message is on the dead-letter topic', async () => {
    const dead = await stack.listen('dead')
    gate.refuse(Number.POSITIVE_INFINITY)
    try {
      await publish('dev-7', '{"temp":3}')
      await expect.poll(() => dead.messages.length, { timeout: 90_000, interval: 200 }).toBe(1)
      expect(dead.messages[0]?.data.toString()).toBe('{"temp":3}')
      expect(dead.messages[0]?.attributes['topic']).toBe('devices/dev-7/telemetry')
    } finally {
      gate.refuse(0)
    }
    expect(await record('dev-7')).toBeUndefined()
  }, 120_000)

  describe('the wrong trigger', () => {
    it.each(['{"message":{}}', '{}', '[]'])('fails, and stores nothing: %s', async (body) => {
      const response = await fetch(ingest.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'ce-id': '1',
          'ce-source': '//pubsub.googleapis.com/projects/p/topics/t',
          'ce-specversion': '1.0',
          'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished',
        },
        body,
      })
      expect(response.status).toBe(500)
    })
  })
})

function pushBody(project: string, messageId: string, deviceId: string, payload: string) {
  return {
    subscription: `projects/${project}/subscriptions/s`,
    message: {
      messageId,
      publishTime: new Date().toISOString(),
      data: Buffer.from(payload).toString('base64'),
      attributes: { topic: `devices/${deviceId}/telemetry` },
    },
  }
}

async function post({ url }: RunningFunction, project: string, body: object): Promise<number> {
  const response = await fetch(`${url}/projects/${project}/topics/telemetry`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return response.status
}

interface Hook {
  readonly url: string
  readonly bodies: readonly string[]
  close(): Promise<void>
}

async function openHook(): Promise<Hook> {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      bodies.push(body.toString('utf8'))
      response.writeHead(204).end()
    })
  })
  return { url: `http://${await listen(server)}/hook`, bodies, close: () => close(server) }
}

interface Gate {
  readonly host: string
  commits(): number
  reads(): number
  /** The next so many calls are answered by 503. */
  refuse(calls: number): void
  refused(): number
  close(): Promise<void>
}

/** Passes calls on to an emulator, and counts them. */
async function openGate(target: string): Promise<Gate> {
  let left = 0
  let refused = 0
  let commits = 0
  let reads = 0
  const server = createServer((request, response) => {
    void readBody(request).then(async (body) => {
      if (left > 0) {
        left--
        refused++
        response.writeHead(503).end('{"error":{"status":"UNAVAILABLE","message":"away"}}')
        return
      }
      if (request.url?.endsWith(':commit') === true) commits++
      else reads++
      const answer = await fetch(`http://${target}${request.url}`, {
        method: request.method ?? 'GET',
        headers: {
          authorization: request.headers.authorization ?? '',
          'content-type': 'application/json',
        },
        body: body.toString('utf8'),
      })
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(Buffer.from(await answer.arrayBuffer()))
    })
  })
  return {
    host: await listen(server),
    commits: () => commits,
    reads: () => reads,
    refuse(calls) {
      left = calls
      refused = 0
    },
    refused: () => refused,
    close: () => close(server),
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function listen(server: Server): Promise<string> {
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return `127.0.0.1:${port}`
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
