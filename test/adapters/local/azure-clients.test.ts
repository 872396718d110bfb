import { Agent as HttpsAgent } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { Client, Message, type Twin } from 'azure-iot-device'
import { Http } from 'azure-iot-device-http'
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { type AzureCloud, openAzureCloud } from './azure-cloud.ts'

// Devices as their vendor ships them, unmodified.

/** The SDK takes no port: the option of its own for agents names one. */
class PortAgent extends HttpsAgent {
  readonly #port: number
  readonly #ca: string
  constructor(port: number, ca: string) {
    super()
    this.#port = port
    this.#ca = ca
  }
  override createConnection(options: object) {
    return connectTls({
      ...options,
      ca: this.#ca,
      host: '127.0.0.1',
      port: this.#port,
      servername: 'localhost',
    })
  }
}

const config = {
  rules: {
    all: {
      sql: "SELECT t, get_user_properties('alert') AS alert FROM 'devices/dev1/telemetry'",
      actions: [{ table: { table: 'seen', key: '${t}' } }],
    },
  },
}

async function openMqtt(cloud: AzureCloud, connection?: string): Promise<Client> {
  const client = Client.fromConnectionString(
    connection ?? cloud.connectionString(cloud.mqttsPort),
    Mqtt,
  )
  await client.setOptions({ ca: cloud.authority })
  onTestFinished(async () => {
    client.removeAllListeners()
    await client.close()
  })
  await client.open()
  return client
}

function sendCommand(cloud: AzureCloud, commandId: string, payload: string, more: object = {}) {
  return cloud.core.commands.send('dev1', {
    commandId,
    name: 'message',
    payload: Buffer.from(payload),
    ...more,
  })
}

async function stateOf(cloud: AzureCloud, commandId: string): Promise<string | undefined> {
  return (await cloud.core.commands.get('dev1', commandId))?.state
}

function report(twin: Twin, patch: unknown): Promise<void> {
  return new Promise((resolve, reject) =>
    twin.properties.reported.update(patch, (error?: Error) => (error ? reject(error) : resolve())),
  )
}

describe('azure-iot-device-mqtt', () => {
  it('sends telemetry with its properties', async () => {
    const cloud = await openAzureCloud({}, { config })
    const client = await openMqtt(cloud)
    const message = new Message('{"t":1}')
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    message.messageId = 'm-1'
    message.properties.add('alert', 'a&b=c/ü')
    message.properties.add('empty', '')
    await client.sendEvent(message)
    await expect
      .poll(async () => (await cloud.core.ports.tables.list('seen', '', 9)).map(({ item }) => item))
      .toEqual([{ t: 1, alert: ['a&b=c/ü'] }])
  })

  it('connects through a gateway host name, and with a certificate', async () => {
    const cloud = await openAzureCloud()
    const through = `HostName=hub.azure-devices.net;GatewayHostName=localhost:${cloud.mqttsPort};DeviceId=dev1;SharedAccessKey=${cloud.key}`
    await (await openMqtt(cloud, through)).sendEvent(new Message('{"t":1}'))
    expect((await cloud.core.ports.devices.load('dev1'))?.last['t']?.value).toBe(1)
    const { certificate, privateKey } = await cloud.add('dev2')
    const client = Client.fromConnectionString(
      `HostName=localhost:${cloud.mqttsPort};DeviceId=dev2;x509=true`,
      Mqtt,
    )
    await client.setOptions({ ca: cloud.authority, cert: certificate, key: privateKey } as object)
    await client.open()
    await client.sendEvent(new Message('{"t":2}'))
    await client.close()
    expect((await cloud.core.ports.devices.load('dev2'))?.last['t']?.value).toBe(2)
  })

  it('speaks through a WebSocket where the port of HTTPS is the usual one', async () => {
    const cloud = await openAzureCloud()
    const client = Client.fromConnectionString(
      `HostName=localhost;DeviceId=dev1;SharedAccessKey=${cloud.key}`,
      MqttWs,
    )
    await client.setOptions({
      ca: cloud.authority,
      mqtt: { webSocketAgent: new PortAgent(cloud.httpsPort ?? 0, cloud.authority) },
    } as object)
    await client.open()
    await client.sendEvent(new Message('{"t":1}'))
    await client.close()
    expect((await cloud.core.ports.devices.load('dev1'))?.last['t']?.value).toBe(1)
  })

  it('is told that it is not authorized', async () => {
    const cloud = await openAzureCloud()
    const wrong = cloud.connectionString(cloud.mqttsPort, btoa('wrong wrong wrong'))
    await expect(openMqtt(cloud, wrong)).rejects.toMatchObject({ name: 'UnauthorizedError' })
  })

  it('gets its twin, reports, and hears what is desired', async () => {
    const cloud = await openAzureCloud()
    const client = await openMqtt(cloud)
    const twin = await client.getTwin()
    expect(twin.properties.desired).toMatchObject({ $version: 1 })
    const deltas: Json[] = []
    twin.on('properties.desired', (delta: Json) => void deltas.push(delta))
    await report(twin, { fw: '2', net: { rssi: -50 } })
    await report(twin, { net: { rssi: null } })
    await expect(report(twin, { 'a.b': 1 })).rejects.toThrow(/invalid character '\.'/)
    expect(await cloud.core.ports.devices.load('dev1')).toMatchObject({
      shadows: { '': { reported: { fw: '2' } } },
    })
    // The first that it is told is the whole section as it was read.
    await expect.poll(() => deltas.length).toBe(1)
    await cloud.call('/devices/dev1/shadow', {
      method: 'PATCH',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      body: '{"state":{"desired":{"interval":30,"mode":{"eco":true}}}}',
    })
    await expect
      .poll(() => deltas.slice(1))
      .toEqual([{ interval: 30, mode: { eco: true }, $version: 2 }])
    expect(twin.properties.desired).toMatchObject({ interval: 30, $version: 2 })
  })

  it('answers direct methods with a status of its own, and fails at once when it is gone', async () => {
    const cloud = await openAzureCloud()
    const client = await openMqtt(cloud)
    client.onDeviceMethod('reboot', (request, response) => {
      void response.send(202, { got: request.payload as Json })
    })
    client.onDeviceMethod('silent', () => undefined)
    const invoke = (name: string, options: object = {}) =>
      cloud.core.methods.invoke('dev1', { name, payload: { delay: 5 }, ...options })
    expect(await invoke('reboot', { connectTimeoutMs: 5_000 })).toEqual({
      status: 202,
      payload: { got: { delay: 5 } },
    })
    await expect(invoke('silent', { responseTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'method.timed_out',
    })
    // A device that has no such method, says so itself.
    await client.close()
    await expect(invoke('reboot')).rejects.toMatchObject({ code: 'method.device_offline' })
  })

  it('is asked by who waits for it, also when its session was there before its handlers', async () => {
    const cloud = await openAzureCloud()
    const call = { name: 'reboot', connectTimeoutMs: 5_000, responseTimeoutMs: 2_000 }
    for (const payload of [1, 2]) {
      const answer = cloud.core.methods.invoke('dev1', { ...call, payload })
      const client = await openMqtt(cloud)
      client.onDeviceMethod('reboot', (request, response) => {
        void response.send(200, request.payload as Json)
      })
      expect(await answer).toEqual({ status: 200, payload })
      await client.close()
    }
  })

  it('gets commands, also those that were sent before it came, and its acknowledgement completes them', async () => {
    const cloud = await openAzureCloud()
    await sendCommand(cloud, 'early', 'one', {
      contentType: 'text/plain',
      correlationId: 'c 1',
      properties: { k: 'v 1&ü' },
      ack: 'full',
    })
    expect(await stateOf(cloud, 'early')).toBe('Enqueued')
    const client = await openMqtt(cloud)
    const got: Message[] = []
    client.on('message', (message: Message) => {
      got.push(message)
      void client.complete(message)
    })
    await expect.poll(() => stateOf(cloud, 'early')).toBe('Completed')
    await sendCommand(cloud, 'late', 'two')
    await expect.poll(() => stateOf(cloud, 'late')).toBe('Completed')
    expect(got.map((one) => [one.messageId, String(one.getData())])).toEqual([
      ['early', 'one'],
      ['late', 'two'],
    ])
    expect(got[0]).toMatchObject({
      correlationId: 'c 1',
      contentType: 'text/plain',
      to: '/devices/dev1/messages/deviceBound',
      properties: {
        propertyList: [
          { key: 'k', value: 'v 1&ü' },
          { key: 'iothub-ack', value: 'full' },
        ],
      },
    })
    expect(got[1]?.properties.propertyList).toEqual([])
    const [told] = await cloud.core.commands.claimFeedback(9, 1_000)
    expect(told?.feedback).toMatchObject({ originalMessageId: 'early', statusCode: 'Success' })
    await client.close()
    await sendCommand(cloud, 'gone', 'three')
    expect(await stateOf(cloud, 'gone')).toBe('Enqueued')
  })
})

describe('azure-iot-device-http', () => {
  async function openHttp(cloud: AzureCloud, key = cloud.key): Promise<Client> {
    const client = Client.fromConnectionString(
      `HostName=localhost;DeviceId=dev1;SharedAccessKey=${key}`,
      Http,
    )
    await client.setOptions({
      ca: cloud.authority,
      http: {
        agent: new PortAgent(cloud.httpsPort ?? 0, cloud.authority),
        receivePolicy: { interval: 1 },
      },
    } as object)
    onTestFinished(async () => {
      client.removeAllListeners()
      await client.close()
    })
    await client.open()
    return client
  }

  it('sends telemetry alone and in batches', async () => {
    const cloud = await openAzureCloud({}, { config })
    const client = await openHttp(cloud)
    const message = new Message('{"t":1}')
    message.messageId = 'm1'
    message.properties.add('alert', 'yes')
    await client.sendEvent(message)
    await client.sendEventBatch([new Message('{"t":2}'), new Message('{"t":3}')])
    await expect
      .poll(async () => (await cloud.core.ports.tables.list('seen', '', 9)).map(({ item }) => item))
      .toEqual([{ t: 1, alert: ['yes'] }, { t: 2 }, { t: 3 }])
    const stranger = await openHttp(cloud, btoa('wrong wrong wrong'))
    await expect(stranger.sendEvent(message)).rejects.toMatchObject({ name: 'UnauthorizedError' })
  })

  it('is known by its certificate', async () => {
    const cloud = await openAzureCloud()
    const { certificate, privateKey } = await cloud.add('dev2')
    const client = Client.fromConnectionString('HostName=localhost;DeviceId=dev2;x509=true', Http)
    await client.setOptions({
      ca: cloud.authority,
      cert: certificate,
      key: privateKey,
      // Without a policy the SDK never says that the options are set.
      http: {
        agent: new PortAgent(cloud.httpsPort ?? 0, cloud.authority),
        receivePolicy: { interval: 1 },
      },
    } as object)
    await client.open()
    await client.sendEvent(new Message('{"t":2}'))
    await client.close()
    expect((await cloud.core.ports.devices.load('dev2'))?.last['t']?.value).toBe(2)
  })

  it('polls commands, and completes, rejects and abandons them', async () => {
    const cloud = await openAzureCloud()
    for (const id of ['a', 'b', 'c'])
      await sendCommand(cloud, id, `do ${id}`, { properties: { k: id }, ack: 'full' })
    const client = await openHttp(cloud)
    const seen: string[] = []
    const abandoned = new Set<string>()
    client.on('message', (message: Message) => {
      const id = String(message.messageId)
      seen.push(`${id} ${String(message.getData())}`)
      if (id === 'b' && !abandoned.has(id)) {
        abandoned.add(id)
        void client.abandon(message)
      } else if (id === 'c') void client.reject(message)
      else void client.complete(message)
    })
    const states = () => Promise.all(['a', 'b', 'c'].map((id) => stateOf(cloud, id)))
    await expect.poll(states, { timeout: 15_000 }).toEqual(['Completed', 'Completed', 'Rejected'])
    expect(seen.filter((one) => one === 'b do b')).toHaveLength(2)
    expect((await cloud.core.commands.get('dev1', 'b'))?.deliveries).toBe(1)
  })
})
