import type { MqttClient } from 'mqtt'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { type AzureCloud, closeOf, openAzureCloud } from './azure-cloud.ts'

const BOUND = '/devices/dev1/messages/devicebound'

interface Got {
  readonly topic: string
  readonly text: string
  readonly qos: number
}

async function listen(cloud: AzureCloud, filter: string, more: object = {}, qos: 0 | 1 = 1) {
  const client = await cloud.connectAzure(more)
  const got: Got[] = []
  client.on('message', (topic, payload, packet) => {
    got.push({ topic, text: String(payload), qos: packet.qos })
  })
  await client.subscribeAsync(filter, { qos })
  return { client, got }
}

const send = (cloud: AzureCloud, commandId: string, more: object = {}) =>
  cloud.core.commands.send('dev1', {
    commandId,
    name: 'message',
    payload: Buffer.from(commandId),
    ...more,
  })

const commandOf = (cloud: AzureCloud, id: string) => cloud.core.commands.get('dev1', id)

describe('commands of an Azure device over MQTT', () => {
  const filter = 'devices/dev1/messages/devicebound/#'

  it('come in their order with a property bag, and go to nobody else', async () => {
    const cloud = await openAzureCloud()
    const plain = { protocol: 'mqtt' as const, port: cloud.mqttPort ?? 0, password: undefined }
    const other = await cloud.connectAzure({
      ...plain,
      clientId: 'dev3',
      username: 'localhost/dev3/?api-version=2021-04-12',
    })
    await expect(other.subscribeAsync(filter)).rejects.toThrow()
    const { got } = await listen(cloud, filter)
    await send(cloud, 'm#1', { properties: { 'a b': 'ü/+#', half: '\ud800' }, ttlMs: 60_000 })
    await send(cloud, 'm2', { name: 'reboot' })
    await expect.poll(() => got.length).toBe(2)
    const bags = got.map(({ topic }) =>
      Object.fromEntries(new URLSearchParams(topic.slice(filter.length - 1))),
    )
    expect(bags).toEqual([
      {
        '$.mid': 'm#1',
        '$.to': '/devices/dev1/messages/deviceBound',
        '$.exp': expect.stringMatching(/^\d{4}-.*Z$/),
        'a b': 'ü/+#',
        half: '\ufffd',
      },
      expect.objectContaining({ '$.mid': 'm2', command: 'reboot' }),
    ])
    expect(got.map(({ text, qos }) => [text, qos])).toEqual([
      ['m#1', 1],
      ['m2', 1],
    ])
    await expect.poll(async () => (await commandOf(cloud, 'm2'))?.state).toBe('Completed')
  })

  it('come again when the connection ended before PUBACK, and count as delivered once more', async () => {
    const cloud = await openAzureCloud()
    await send(cloud, 'm1')
    const silent = await cloud.connectAzure()
    silent.handleMessage = () => undefined
    silent.subscribe(filter, { qos: 1 })
    await expect.poll(async () => (await commandOf(cloud, 'm1'))?.state).toBe('Delivered')
    silent.stream.destroy()
    await expect.poll(async () => (await commandOf(cloud, 'm1'))?.state).toBe('Enqueued')
    expect((await commandOf(cloud, 'm1'))?.deliveries).toBe(1)
    const { got } = await listen(cloud, filter)
    await expect.poll(async () => (await commandOf(cloud, 'm1'))?.state).toBe('Completed')
    expect(got).toHaveLength(1)
  })

  it('wait while nobody is subscribed, and count as delivered with QoS 0 once they are written', async () => {
    const cloud = await openAzureCloud()
    const { client, got } = await listen(cloud, filter, {}, 0)
    await send(cloud, 'm1')
    await expect.poll(async () => (await commandOf(cloud, 'm1'))?.state).toBe('Completed')
    await expect.poll(() => got.map(({ qos }) => qos)).toEqual([0])
    await client.unsubscribeAsync(filter)
    await send(cloud, 'm2')
    await client.publishAsync('devices/dev1/messages/events/', '{"t":1}', { qos: 1 })
    expect((await commandOf(cloud, 'm2'))?.state).toBe('Enqueued')
    expect(got).toHaveLength(1)
  })
})

describe('direct methods of an Azure device over MQTT', () => {
  const filter = '$iothub/methods/POST/#'

  async function openMethods(
    cloud: AzureCloud,
    answer: (name: string, requestId: string, client: MqttClient) => void,
  ): Promise<MqttClient> {
    const client = await cloud.connectAzure()
    client.on('message', (topic) => {
      const [, name = '', requestId = ''] =
        /^\$iothub\/methods\/POST\/([^/]+)\/\?\$rid=(.+)$/.exec(topic) ?? []
      answer(name, requestId, client)
    })
    await client.subscribeAsync(filter)
    return client
  }

  const invoke = (cloud: AzureCloud, name: string, more: object = {}) =>
    cloud.core.methods.invoke('dev1', { name, connectTimeoutMs: 2_000, ...more })

  it('pass names, status and payload on as they are', async () => {
    const cloud = await openAzureCloud()
    const bodies: Record<string, string> = {
      "odd-.:@%!*'()_$": '{"ok":true}',
      empty: '',
      text: 'no JSON',
      number: '7',
    }
    await openMethods(cloud, (name, requestId, client) => {
      client.publish(`$iothub/methods/res/-${name.length}/?$rid=${requestId}`, bodies[name] ?? '')
    })
    const answers: Json[] = []
    for (const name of Object.keys(bodies)) answers.push({ ...(await invoke(cloud, name)) })
    expect(answers).toEqual([
      { status: -15, payload: { ok: true } },
      { status: -5, payload: null },
      { status: -4, payload: 'no JSON' },
      { status: -6, payload: 7 },
    ])
  })

  it('end when the device is gone, and an answer that nobody waits for is counted', async () => {
    const cloud = await openAzureCloud()
    const client = await openMethods(cloud, (name, requestId, device) => {
      if (name === 'die') device.stream.destroy()
      else device.publish(`$iothub/methods/res/200/?$rid=${requestId}x`, '{}')
    })
    await expect(invoke(cloud, 'other', { responseTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'method.timed_out',
    })
    expect(await cloud.stats()).toMatchObject({ 'mqtt.refused': 1 })
    const closed = closeOf(client)
    await expect(invoke(cloud, 'die')).rejects.toMatchObject({ code: 'method.timed_out' })
    await closed
    await expect(invoke(cloud, 'die', { connectTimeoutMs: 0 })).rejects.toMatchObject({
      code: 'method.device_offline',
    })
  })
})

describe('commands of an Azure device over HTTPS', () => {
  async function openPoll() {
    const cloud = await openAzureCloud()
    const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
      cloud.ask(method, path, { headers: { authorization: cloud.sas(), ...headers } })
    return { cloud, ask }
  }

  const lockOf = (headers: Readonly<Record<string, unknown>>): string =>
    String(headers['etag']).slice(1, -1)

  it('are completed, rejected and abandoned with a lock that serves once', async () => {
    const { cloud, ask } = await openPoll()
    expect((await ask('GET', BOUND)).status).toBe(204)
    await send(cloud, 'm1', {
      properties: { k: 'v', 'not a header': 'x', umlaut: 'ü' },
      contentType: 'text/plain',
      correlationId: 'c1',
      ack: 'full',
    })
    const first = await ask('GET', `${BOUND}?api-version=2021-04-12`)
    expect(first).toMatchObject({
      status: 200,
      body: 'm1',
      headers: {
        'iothub-messageid': 'm1',
        'iothub-correlationid': 'c1',
        'iothub-contenttype': 'text/plain',
        'content-type': 'text/plain',
        'iothub-ack': 'full',
        'iothub-deliverycount': '0',
        'iothub-to': '/devices/dev1/messages/deviceBound',
        'iothub-app-k': 'v',
        'iothub-app-umlaut': '%C3%BC',
      },
    })
    expect((await ask('GET', BOUND)).status).toBe(204)
    expect((await ask('POST', `${BOUND}/${lockOf(first.headers)}/abandon`)).status).toBe(204)
    const again = await ask('DELETE', `${BOUND}/${lockOf(first.headers)}`)
    expect([again.status, again.headers['iothub-errorcode']]).toEqual([
      412,
      'DeviceMessageLockLost',
    ])
    const second = await ask('GET', BOUND, { 'iothub-messagelocktimeout': '5' })
    expect(second.headers['iothub-deliverycount']).toBe('1')
    const path = `${BOUND}/${lockOf(second.headers)}?reject&api-version=2021-04-12`
    expect((await ask('DELETE', path)).status).toBe(204)
    expect((await ask('DELETE', path)).status).toBe(412)
    expect((await commandOf(cloud, 'm1'))?.state).toBe('Rejected')
  })

  it('are not settled by another device, nor by what is no lock', async () => {
    const { cloud, ask } = await openPoll()
    await send(cloud, 'm1')
    const { headers } = await ask('GET', BOUND)
    const second = await cloud.admin('POST', '/devices', { deviceId: 'dev2', credential: 'token' })
    const { token } = (await second.json()) as { token: string }
    const foreign = await cloud.ask(
      'DELETE',
      `${BOUND.replace('dev1', 'dev2')}/${lockOf(headers)}`,
      {
        headers: { authorization: `Bearer ${token}` },
      },
    )
    expect(foreign.status).toBe(412)
    expect((await commandOf(cloud, 'm1'))?.state).toBe('Delivered')
    expect((await ask('DELETE', `${BOUND}/%zz`)).status).toBe(412)
    expect((await ask('GET', BOUND, { 'iothub-messagelocktimeout': '4' })).status).toBe(400)
    expect((await ask('PUT', BOUND)).status).toBe(405)
    expect((await ask('POST', `${BOUND}/${lockOf(headers)}`)).status).toBe(405)
    expect((await ask('DELETE', `${BOUND}/${lockOf(headers)}`)).status).toBe(204)
    expect((await commandOf(cloud, 'm1'))?.state).toBe('Completed')
  })
})
