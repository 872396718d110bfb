import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { CommandState, Json } from '../../../core/index.ts'
import { openCloud, type TestCloud } from './cloud.ts'

interface Device {
  readonly client: MqttClient
  readonly got: IPublishPacket[]
  readonly names: () => string[]
}

async function connect(
  cloud: TestCloud,
  clientId: string,
  filters: string | readonly string[],
  options: IClientOptions = {},
): Promise<Device> {
  const client = await connectAsync(cloud.mqtt, {
    clientId,
    reconnectPeriod: 0,
    protocolVersion: 5,
    ...options,
  })
  onTestFinished(() => void client.end(true))
  const got: IPublishPacket[] = []
  client.on('message', (topic, _payload, packet) => got.push({ ...packet, topic }))
  if (filters.length > 0) await client.subscribeAsync([filters].flat(), { qos: 1 })
  return { client, got, names: () => got.map(({ topic }) => topic) }
}

/** A device that has been heard of. */
async function heardOf(cloud: TestCloud, deviceId: string): Promise<void> {
  await cloud.call(`/devices/${deviceId}/telemetry`, { method: 'POST', body: '{"t":1}' })
}

async function send(cloud: TestCloud, deviceId: string, body: object) {
  const answer = await cloud.call(`/devices/${deviceId}/commands`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${cloud.adminToken}` },
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, Json> }
}

async function stateOf(cloud: TestCloud, deviceId: string, commandId: string) {
  return (await cloud.core.commands.get(deviceId, commandId))?.state
}

function expectState(cloud: TestCloud, deviceId: string, commandId: string, state: CommandState) {
  return vi.waitFor(async () => expect(await stateOf(cloud, deviceId, commandId)).toBe(state))
}

async function feedback(cloud: TestCloud) {
  return (await cloud.core.commands.claimFeedback(100, 1)).map(
    ({ feedback: { originalMessageId, statusCode, description } }) =>
      `${originalMessageId} ${statusCode} ${description}`,
  )
}

describe('commands over MQTT, as anyhub says it', () => {
  it('waits as Enqueued for a device that is offline, and is Completed once it was acknowledged', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    const { status, body } = await send(cloud, 'dev-1', {
      commandId: 'c-1',
      name: 'reboot',
      payload: { delay: 5 },
      properties: { trace: 'abc' },
      correlationId: 'corr',
      ack: 'full',
    })
    expect(status).toBe(202)
    expect(body).toMatchObject({
      commandId: 'c-1',
      state: 'Enqueued',
      deliveries: 0,
      sentBy: 'admin',
    })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await stateOf(cloud, 'dev-1', 'c-1')).toBe('Enqueued')
    const pending = async () =>
      ((await (await cloud.call('/devices/dev-1')).json()) as Record<string, Json>)[
        'pendingCommands'
      ]
    expect(await pending()).toBe(1)
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/commands/#')
    await expectState(cloud, 'dev-1', 'c-1', 'Completed')
    expect(await pending()).toBe(0)
    expect(device.got).toHaveLength(1)
    const [packet] = device.got
    expect(packet?.topic).toBe('devices/dev-1/commands/reboot')
    expect(JSON.parse(String(packet?.payload))).toEqual({ delay: 5 })
    expect(packet?.properties).toMatchObject({
      contentType: 'application/json',
      correlationData: Buffer.from('corr'),
      userProperties: { trace: 'abc', 'command-id': 'c-1' },
    })
    await vi.waitFor(async () => expect(await feedback(cloud)).toEqual(['c-1 Success Success']))
  })

  it('outlives the process, with its content; a lock of the process before ends by itself', async () => {
    const config = { commands: { lock: '1s' } }
    const before = await openCloud({ config })
    await heardOf(before, 'dev-1')
    await send(before, 'dev-1', { commandId: 'held', name: 'go', payloadText: 'one' })
    expect((await before.core.commands.receive('dev-1'))?.command.commandId).toBe('held')
    await send(before, 'dev-1', { commandId: 'waits', name: 'go', payloadText: 'two', ack: 'full' })
    await before.close()
    const cloud = await openCloud({ config, data: before.data })
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/commands/#')
    await vi.waitFor(() => expect(device.got).toHaveLength(2), 5_000)
    expect(device.got.map(({ payload }) => String(payload)).toSorted()).toEqual(['one', 'two'])
    await expectState(cloud, 'dev-1', 'held', 'Completed')
    await expectState(cloud, 'dev-1', 'waits', 'Completed')
    await vi.waitFor(async () => expect(await feedback(cloud)).toEqual(['waits Success Success']))
  })

  it('that was on its way when the process was closed waits again, and that does not count', async () => {
    const before = await openCloud()
    await heardOf(before, 'dev-1')
    await connect(before, 'dev-1', 'devices/dev-1/commands/#', {
      customHandleAcks: () => undefined,
    })
    await send(before, 'dev-1', { commandId: 'c-1', name: 'go' })
    await expectState(before, 'dev-1', 'c-1', 'Delivered')
    await before.close()
    const cloud = await openCloud({ data: before.data })
    expect(await cloud.core.commands.get('dev-1', 'c-1')).toMatchObject({
      state: 'Enqueued',
      deliveries: 0,
    })
    await connect(cloud, 'dev-1', 'devices/dev-1/commands/#')
    await expectState(cloud, 'dev-1', 'c-1', 'Completed')
  })

  it('keeps an offline session of a device from looking like a delivery', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/commands/#', {
      clean: false,
      properties: { sessionExpiryInterval: 600 },
    })
    await device.client.endAsync()
    await send(cloud, 'dev-1', { commandId: 'c-1', name: 'go' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await stateOf(cloud, 'dev-1', 'c-1')).toBe('Enqueued')
    const again = await connect(cloud, 'dev-1', 'other', {
      clean: false,
      properties: { sessionExpiryInterval: 600 },
    })
    await expectState(cloud, 'dev-1', 'c-1', 'Completed')
    expect(again.names()).toEqual(['devices/dev-1/commands/go'])
  })

  it('goes to the device and to nobody who listens to its topics', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    const watcher = await connect(cloud, 'watcher', 'devices/dev-1/commands/#')
    await send(cloud, 'dev-1', { commandId: 'c-1', name: 'go' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await stateOf(cloud, 'dev-1', 'c-1')).toBe('Enqueued')
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/commands/#')
    await expectState(cloud, 'dev-1', 'c-1', 'Completed')
    expect(device.got).toHaveLength(1)
    expect(watcher.got).toEqual([])
  })

  it('goes out by priority, then in order', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    for (const [name, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 0],
      ['d', 9],
      ['e', 5],
    ] as const)
      await send(cloud, 'dev-1', { name, priority })
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/commands/+')
    await vi.waitFor(() => expect(device.got).toHaveLength(5))
    expect(device.names().map((topic) => topic.slice(-1))).toEqual(['d', 'b', 'e', 'a', 'c'])
  })

  it('is Rejected when the client refuses the message', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    await connect(cloud, 'dev-1', 'devices/dev-1/commands/#', {
      properties: { maximumPacketSize: 200 },
    })
    await send(cloud, 'dev-1', {
      commandId: 'c-1',
      name: 'big',
      payloadText: 'x'.repeat(300),
      ack: 'negative',
    })
    await expectState(cloud, 'dev-1', 'c-1', 'Rejected')
    await vi.waitFor(async () =>
      expect(await feedback(cloud)).toEqual(['c-1 Rejected the client refused the message']),
    )
  })

  it('counts a delivery that its connection took along, and sends the command again', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    await send(cloud, 'dev-1', { commandId: 'c-1', name: 'go' })
    const raw = await connect(cloud, 'dev-1', [], {
      customHandleAcks: () => raw.client.end(true),
    })
    void raw.client.subscribeAsync('devices/dev-1/commands/#', { qos: 1 }).catch(() => undefined)
    await vi.waitFor(async () => {
      const command = await cloud.core.commands.get('dev-1', 'c-1')
      expect([command?.state, command?.deliveries]).toEqual(['Enqueued', 1])
    })
    await connect(cloud, 'dev-1', 'devices/dev-1/commands/#')
    await expectState(cloud, 'dev-1', 'c-1', 'Completed')
  })

  it.each([
    ['complete', 'Completed'],
    ['reject', 'Rejected'],
  ] as const)('a device of executions says %s', async (word, state) => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/executions/#')
    await send(cloud, 'dev-1', { commandId: 'a/b#1', name: 'valve/open', ack: 'full' })
    await vi.waitFor(() => expect(device.got).toHaveLength(1))
    expect(device.names()).toEqual(['devices/dev-1/executions/a%2Fb%231/valve/open'])
    await expectState(cloud, 'dev-1', 'a/b#1', 'Delivered')
    device.client.publish(`devices/dev-1/executions/a%2Fb%231/${word}`, '{"reason":"stuck"}')
    await expectState(cloud, 'dev-1', 'a/b#1', state)
    await vi.waitFor(async () => expect((await feedback(cloud))[0]).toMatch(/stuck$/))
    expect(device.got).toHaveLength(1)
  })

  it('abandoned executions come again, until they were given up too often', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/executions/#')
    device.client.on('message', (topic) => {
      device.client.publish(topic.replace(/\/go$/, '/abandon'), '')
    })
    await send(cloud, 'dev-1', { commandId: 'c-1', name: 'go', maxDeliveries: 3, ack: 'negative' })
    await expectState(cloud, 'dev-1', 'c-1', 'DeliveryCountExceeded')
    expect(device.got).toHaveLength(3)
  })

  it('what another client says of a command is not heard', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/executions/#')
    await send(cloud, 'dev-1', { commandId: 'c-1', name: 'go' })
    await vi.waitFor(() => expect(device.got).toHaveLength(1))
    const other = await connect(cloud, 'other', 'x')
    await other.client.publishAsync('devices/dev-1/executions/c-1/complete', '', { qos: 1 })
    expect(await stateOf(cloud, 'dev-1', 'c-1')).toBe('Delivered')
    await device.client.publishAsync('devices/dev-1/executions/c-2/complete', '', { qos: 1 })
    await device.client.publishAsync('devices/dev-1/executions/%zz/complete', '', { qos: 1 })
    expect(await stateOf(cloud, 'dev-1', 'c-1')).toBe('Delivered')
    await device.client.publishAsync('devices/dev-1/executions/c-1/complete', '', { qos: 1 })
    await expectState(cloud, 'dev-1', 'c-1', 'Completed')
    await device.client.publishAsync('devices/dev-1/executions/c-1/reject', '', { qos: 1 })
    expect(await stateOf(cloud, 'dev-1', 'c-1')).toBe('Completed')
  })

  it('a device that never answers keeps nobody else waiting, and gets the command again after the lock', async () => {
    const cloud = await openCloud({ config: { commands: { lock: '1s' } } })
    await heardOf(cloud, 'dev-1')
    const device = await connect(cloud, 'dev-1', 'devices/dev-1/executions/#')
    await send(cloud, 'dev-1', { commandId: 'c-1', name: 'go' })
    await vi.waitFor(() => expect(device.got.length).toBeGreaterThanOrEqual(2), 5_000)
    expect(await cloud.core.commands.get('dev-1', 'c-1')).toMatchObject({ deliveries: 0 })
    device.client.publish('devices/dev-1/executions/c-1/complete', '')
    await expectState(cloud, 'dev-1', 'c-1', 'Completed')
  })

  it('a rule sends through the queue of its target', async () => {
    const cloud = await openCloud({
      config: {
        rules: {
          open: {
            sql: "SELECT t FROM 'devices/+/telemetry' WHERE t > 5",
            actions: [{ sendCommand: { device: 'valve-1', name: 'open' } }],
          },
        },
      },
    })
    await cloud.call('/devices/dev-1/telemetry', { method: 'POST', body: '{"t":9}' })
    await vi.waitFor(async () =>
      expect(await cloud.core.commands.list('valve-1')).toMatchObject([
        { name: 'open', state: 'Enqueued', sentBy: 'rule' },
      ]),
    )
    const valve = await connect(cloud, 'valve-1', 'devices/valve-1/commands/#')
    await vi.waitFor(() => expect(valve.got).toHaveLength(1))
    expect(JSON.parse(String(valve.got[0]?.payload))).toEqual({ t: 9 })
  })
})

describe('commands over MQTT, as AWS says it', () => {
  const filter = '$aws/commands/things/t1/executions/+/request/+'

  it('reports progress and success', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 't1')
    const device = await connect(cloud, 't1', [
      filter,
      '$aws/commands/things/t1/executions/+/response/accepted/json',
      '$aws/commands/things/t1/executions/+/response/rejected/json',
    ])
    await send(cloud, 't1', { commandId: 'e-1', name: 'go', payload: { on: true }, ack: 'full' })
    await vi.waitFor(() => expect(device.got).toHaveLength(1))
    expect(device.names()).toEqual(['$aws/commands/things/t1/executions/e-1/request/json'])
    const say = (body: object) =>
      device.client.publish(
        '$aws/commands/things/t1/executions/e-1/response/json',
        JSON.stringify(body),
      )
    say({ status: 'IN_PROGRESS' })
    await vi.waitFor(() => expect(device.got).toHaveLength(2))
    expect(await stateOf(cloud, 't1', 'e-1')).toBe('Delivered')
    say({ status: 'DONE' })
    await vi.waitFor(() => expect(device.got).toHaveLength(3))
    say({ status: 'SUCCEEDED', statusReason: { reasonCode: 'OK', reasonDescription: 'warm' } })
    await expectState(cloud, 't1', 'e-1', 'Completed')
    await vi.waitFor(() => expect(device.got).toHaveLength(4))
    say({ status: 'FAILED' })
    await vi.waitFor(() => expect(device.got).toHaveLength(5))
    expect(device.names().slice(1)).toEqual(
      ['accepted', 'rejected', 'accepted', 'rejected'].map(
        (word) => `$aws/commands/things/t1/executions/e-1/response/${word}/json`,
      ),
    )
    await vi.waitFor(async () => expect(await feedback(cloud)).toEqual(['e-1 Success OK: warm']))
  })

  it('reports failure; bytes of no known format go out without one', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 't1')
    const device = await connect(cloud, 't1', '$aws/commands/clients/t1/executions/+/request/#')
    await send(cloud, 't1', { commandId: 'e-1', name: 'go', payloadBase64: '/wA=' })
    await vi.waitFor(() => expect(device.got).toHaveLength(1))
    expect(device.names()).toEqual(['$aws/commands/clients/t1/executions/e-1/request'])
    expect(device.got[0]?.payload).toEqual(Buffer.from([0xff, 0]))
    const body = { status: 'REJECTED', statusReason: { reasonCode: 'BUSY' } }
    device.client.publish(
      '$aws/commands/clients/t1/executions/e-1/response/json',
      JSON.stringify(body),
    )
    await expectState(cloud, 't1', 'e-1', 'Rejected')
    expect(await cloud.core.commands.get('t1', 'e-1')).toMatchObject({ reason: 'REJECTED: BUSY' })
  })
})

describe('commands over HTTP', () => {
  it('are polled and settled by the lock, which serves once', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    expect((await cloud.call('/devices/dev-1/executions/next')).status).toBe(204)
    await send(cloud, 'dev-1', {
      commandId: 'c-1',
      name: 'größe',
      payloadText: 'hello',
      contentType: 'text/plain',
      properties: { ü: '1' },
      correlationId: 'x',
    })
    const next = await cloud.call('/devices/dev-1/executions/next')
    expect(next.status).toBe(200)
    expect(await next.text()).toBe('hello')
    expect(next.headers.get('content-type')).toBe('text/plain')
    expect(next.headers.get('anyhub-command-id')).toBe('c-1')
    expect(decodeURIComponent(next.headers.get('anyhub-command-name') ?? '')).toBe('größe')
    expect(JSON.parse(decodeURIComponent(next.headers.get('anyhub-properties') ?? ''))).toEqual({
      ü: '1',
    })
    const lock = next.headers.get('etag')?.replaceAll('"', '')
    expect((await cloud.call('/devices/dev-1/executions/next')).status).toBe(204)
    const settle = (path: string, method = 'DELETE', device = 'dev-1') =>
      cloud.call(`/devices/${device}/executions/${path}`, { method })
    expect((await settle('nonsense')).status).toBe(412)
    expect((await settle(`${lock}`, 'DELETE', 'dev-2')).status).toBe(412)
    expect((await settle(`${lock}/abandon`, 'POST')).status).toBe(204)
    expect((await settle(`${lock}`)).status).toBe(412)
    const again = await cloud.call('/devices/dev-1/executions/next')
    expect(again.headers.get('anyhub-delivery-count')).toBe('1')
    const second = again.headers.get('etag')?.replaceAll('"', '')
    expect((await settle(`${second}?reject&reason=cold`)).status).toBe(204)
    expect((await settle(`${second}?reject`)).status).toBe(412)
    expect(await cloud.core.commands.get('dev-1', 'c-1')).toMatchObject({
      state: 'Rejected',
      reason: 'cold',
    })
  })

  it('are refused with the reason: unknown device, too large, odd, too many', async () => {
    const cloud = await openCloud({ config: { commands: { maxPending: 2 } } })
    await heardOf(cloud, 'dev-1')
    const codeOf = async (body: object, device = 'dev-1') => {
      const { status, body: answer } = await send(cloud, device, body)
      return `${status} ${String(answer['title'] ?? answer['state'])}`
    }
    expect(await codeOf({ name: 'go' }, 'stranger')).toBe('404 input.not_found')
    expect(await codeOf({ name: 'go' }, 'a b')).toBe('400 uplink.bad_device_id')
    expect(await codeOf({ name: 'go', payloadText: 'x'.repeat(65_535) })).toBe(
      '413 command.too_large',
    )
    for (const body of [
      { name: '' },
      { name: 'a//b' },
      { name: '/a' },
      { name: 'a/#' },
      { name: 'a\u0000b' },
      { name: '\ud800' },
      { name: 'x'.repeat(129) },
      { name: 'go', commandId: '' },
      { name: 'go', commandId: 'ü' },
      { name: 'go', commandId: 'x'.repeat(129) },
      { name: 'go', ttlSeconds: 0 },
      { name: 'go', ttlSeconds: -1 },
      { name: 'go', ttlSeconds: 172_801 },
      { name: 'go', ttlSeconds: 5, expiresAt: Date.now() + 1_000 },
      { name: 'go', expiresAt: 1 },
      { name: 'go', priority: 10 },
      { name: 'go', priority: 0.5 },
      { name: 'go', maxDeliveries: 0 },
      { name: 'go', maxDeliveries: 101 },
      { name: 'go', correlationId: 'a\nb' },
    ])
      expect(await codeOf(body), JSON.stringify(body)).toBe('400 command.invalid')
    for (const body of [
      { name: 7 },
      { name: 'go', ack: 'maybe' },
      { name: 'go', color: 'red' },
      { name: 'go', payload: 1, payloadText: 'a' },
      { name: 'go', payloadBase64: '???' },
      { name: 'go', properties: { a: 1 } },
    ])
      expect(await codeOf(body), JSON.stringify(body)).toBe('400 input.malformed')
    expect(await codeOf({ commandId: 'one', name: 'go', payloadText: 'x'.repeat(65_500) })).toBe(
      '202 Enqueued',
    )
    expect(await codeOf({ commandId: 'two', name: 'go' })).toBe('202 Enqueued')
    expect(await codeOf({ commandId: 'three', name: 'go' })).toBe('429 command.queue_full')
    expect(await codeOf({ commandId: 'two', name: 'go' })).toBe('202 Enqueued')
    const purged = await cloud.call('/devices/dev-1/commands', {
      method: 'DELETE',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
    })
    expect(await purged.json()).toEqual({ purged: 2 })
    expect(await codeOf({ commandId: 'three', name: 'go' })).toBe('202 Enqueued')
  })

  it('are sent, purged and fed back by the admin alone; a device takes only its own, with what it proves itself', async () => {
    const cloud = await openCloud({ settings: { requireAuth: true } })
    const asAdmin = { authorization: `Bearer ${cloud.adminToken}` }
    const tokens: string[] = []
    for (const deviceId of ['dev-1', 'dev-2']) {
      const answer = await cloud.call('/registry/devices', {
        method: 'POST',
        headers: asAdmin,
        body: JSON.stringify({ deviceId, credential: 'token' }),
      })
      tokens.push(String(((await answer.json()) as { token: string }).token))
    }
    await send(cloud, 'dev-1', { commandId: 'c-1', name: 'go' })
    const statusOf = async (path: string, token?: string, method = 'GET') =>
      (
        await cloud.call(path, {
          method,
          ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
        })
      ).status
    const next = '/devices/dev-1/executions/next'
    expect(await statusOf(next)).toBe(401)
    expect(await statusOf(next, tokens[1])).toBe(401)
    expect(await statusOf(next, tokens[0])).toBe(200)
    expect(await statusOf('/devices/dev-1/commands', tokens[0], 'POST')).toBe(401)
    expect(await statusOf('/devices/dev-1/commands', tokens[0], 'DELETE')).toBe(401)
    expect(await statusOf('/commands/feedback', tokens[0])).toBe(401)
    expect(await statusOf('/devices/dev-1/methods/go', tokens[0], 'POST')).toBe(401)
    const removed = await cloud.call('/registry/devices/dev-1', {
      method: 'DELETE',
      headers: asAdmin,
    })
    expect(removed.status).toBe(204)
    await expectState(cloud, 'dev-1', 'c-1', 'Purged')
  })

  it('feedback is claimed under a lease and removed', async () => {
    const cloud = await openCloud()
    await heardOf(cloud, 'dev-1')
    const headers = { authorization: `Bearer ${cloud.adminToken}` }
    await send(cloud, 'dev-1', { commandId: 'c-1', name: 'go', ack: 'negative' })
    await cloud.call('/devices/dev-1/commands', { method: 'DELETE', headers })
    const claim = async () =>
      (
        (await (await cloud.call('/commands/feedback?leaseSeconds=60', { headers })).json()) as {
          feedback: { id: string; statusCode: string }[]
        }
      ).feedback
    await vi.waitFor(async () => {
      const [one] = await claim()
      expect(one).toMatchObject({ statusCode: 'Purged', originalMessageId: 'c-1' })
      expect(await claim()).toEqual([])
      const path = `/commands/feedback/${one?.id}`
      expect((await cloud.call(path, { method: 'DELETE', headers })).status).toBe(204)
      expect((await cloud.call(path, { method: 'DELETE', headers })).status).toBe(404)
    })
  })
})

describe('methods', () => {
  async function call(cloud: TestCloud, path: string, body?: Json) {
    const answer = await cloud.call(`/devices/dev-1/methods/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const { title, status, payload } = (await answer.json()) as Record<string, Json>
    return answer.ok ? { status, payload } : title
  }

  it('pass the status and the answer of the device on', async () => {
    const cloud = await openCloud()
    const { client, got } = await connect(cloud, 'dev-1', 'devices/dev-1/methods/#')
    client.on('message', (topic, payload) => {
      const [, , , name, requestId] = topic.split('/')
      const status = name === 'missing' ? 501 : 200
      const text = name === 'plain' ? 'warm' : name === 'silent' ? '' : String(payload)
      client.publish(`devices/dev-1/methods/${requestId}/${status}`, text)
    })
    expect(await call(cloud, 'echo', { a: [1] })).toEqual({ status: 200, payload: { a: [1] } })
    expect(await call(cloud, 'missing')).toEqual({ status: 501, payload: null })
    expect(await call(cloud, 'plain')).toEqual({ status: 200, payload: 'warm' })
    expect(await call(cloud, 'silent')).toEqual({ status: 200, payload: null })
    expect(got).toHaveLength(4)
  })

  it('fail at once for who is offline, and wait if asked to', async () => {
    const cloud = await openCloud()
    expect(await call(cloud, 'echo')).toBe('method.device_offline')
    expect(await call(cloud, 'echo?connectTimeout=0.05')).toBe('method.device_offline')
    const later = call(cloud, 'echo?connectTimeout=5', 7)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const client = await connectAsync(cloud.mqtt, { clientId: 'dev-1', reconnectPeriod: 0 })
    onTestFinished(() => void client.end(true))
    client.on('message', (topic, payload) =>
      client.publish(`devices/dev-1/methods/${topic.split('/')[4]}/200`, payload),
    )
    await client.subscribeAsync('devices/dev-1/methods/#')
    expect(await later).toEqual({ status: 200, payload: 7 })
    await client.endAsync()
    await vi.waitFor(async () => expect(await call(cloud, 'echo')).toBe('method.device_offline'))
  })

  it('time out where no answer comes, and when the connection ends before it', async () => {
    const cloud = await openCloud()
    const { client } = await connect(cloud, 'dev-1', 'devices/dev-1/methods/#')
    expect(await call(cloud, 'echo?responseTimeout=0.2')).toBe('method.timed_out')
    const lost = call(cloud, 'echo?responseTimeout=20')
    client.once('message', () => client.end(true))
    expect(await lost).toBe('method.timed_out')
  })

  it.each(['a%2Fb', '%23', 'a%20b', 'x'.repeat(101), '%C3%BC', '%00'])(
    'are not called %s',
    async (name) => {
      const cloud = await openCloud()
      expect(await call(cloud, name)).toBe('method.invalid')
    },
  )
})
