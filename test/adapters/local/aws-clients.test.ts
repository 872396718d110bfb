import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import {
  ConflictException,
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  InvalidRequestException,
  IoTDataPlaneClient,
  ListNamedShadowsForThingCommand,
  PublishCommand,
  RequestEntityTooLargeException,
  ResourceNotFoundException,
  UpdateThingShadowCommand,
} from '@aws-sdk/client-iot-data-plane'
import awsIot from 'aws-iot-device-sdk'
import { iot, iotshadow, mqtt, mqtt5 } from 'aws-iot-device-sdk-v2'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { temporaryFolder } from './cloud.ts'
import { openTlsCloud, type Proof, type TlsCloud } from './tls-cloud.ts'

// Devices and back ends as their vendor ships them, unmodified, over TLS with X.509.

type Body = Record<string, Json>

describe('aws-iot-device-sdk, thingShadow', () => {
  it('gets, updates, sees deltas and foreign changes, and deletes', async () => {
    const cloud = await openTlsCloud()
    const proof = await cloud.add('dev1')
    const folder = temporaryFolder()
    const write = (name: string, text: string): string => {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    }
    const thing = awsIot.thingShadow({
      keyPath: write('key.pem', proof.privateKey),
      certPath: write('cert.pem', proof.certificate),
      caPath: write('ca.pem', cloud.authority),
      clientId: 'dev1',
      host: 'localhost',
      port: cloud.mqttsPort ?? 0,
    })
    onTestFinished(() => void thing.end(true))
    const told: { kind: string; body: Body }[] = []
    thing.on('delta', (_name: string, body: Body) => void told.push({ kind: 'delta', body }))
    thing.on('foreignStateChange', (_name: string, operation: string, body: Body) => {
      told.push({ kind: `foreign ${operation}`, body })
    })
    await once(thing, 'connect')
    await new Promise<void>((resolve) =>
      thing.register('dev1', { persistentSubscribe: true, ignoreDeltas: false }, () => resolve()),
    )
    const ask = async (send: () => string | null): Promise<[string, Body]> => {
      const answered = once(thing, 'status')
      expect(send()).toEqual(expect.any(String))
      const [, status, , body] = await answered
      return [String(status), body]
    }
    const [missing] = await ask(() => thing.get('dev1'))
    expect(missing).toBe('rejected')
    const state = { state: { reported: { temp: 20, net: { rssi: -50 } }, desired: { temp: 22 } } }
    expect(await ask(() => thing.update('dev1', structuredClone(state)))).toMatchObject([
      'accepted',
      state,
    ])
    await expect
      .poll(() => told)
      .toMatchObject([{ kind: 'delta', body: { state: { temp: 22 }, version: 1 } }])
    expect(await ask(() => thing.get('dev1'))).toMatchObject([
      'accepted',
      { state: { ...state.state, delta: { temp: 22 } } },
    ])
    const answer = await cloud.call('/things/dev1/shadow', {
      method: 'POST',
      body: '{"state":{"desired":{"temp":23}}}',
    })
    expect(answer.status).toBe(200)
    await expect
      .poll(() =>
        told
          .slice(1)
          .map(({ kind }) => kind)
          .sort(),
      )
      .toEqual(['delta', 'foreign update'])
    expect((await ask(() => thing.delete('dev1')))[0]).toBe('accepted')
    const heard: string[] = []
    thing.on(
      'message',
      (topic: string, payload: Buffer) => void heard.push(`${topic} ${String(payload)}`),
    )
    thing.subscribe('dt/dev1/telemetry', { qos: 1 }, () =>
      thing.publish('dt/dev1/telemetry', '{"t":1}', { qos: 1 }),
    )
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['dt/dev1/telemetry {"t":1}'])
    expect((await cloud.core.ports.devices.load('dev1'))?.last['t']?.value).toBe(1)
  })
})

async function connectV2(cloud: TlsCloud, proof: Proof): Promise<mqtt.MqttClientConnection> {
  const config = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder(
    proof.certificate,
    proof.privateKey,
  )
    .with_certificate_authority(cloud.authority)
    .with_clean_session(true)
    .with_client_id('dev1')
    .with_endpoint('localhost')
    .with_port(cloud.mqttsPort ?? 0)
    .build()
  const connection = new mqtt.MqttClient().new_connection(config)
  await connection.connect()
  onTestFinished(async () => {
    await connection.disconnect()
  })
  return connection
}

describe('aws-iot-device-sdk-v2', () => {
  const thingName = 'dev1'
  const qos = mqtt.QoS.AtLeastOnce

  it('IotShadowClient: get, update, delta, documents, conflict, named shadows, delete', async () => {
    const cloud = await openTlsCloud()
    const client = new iotshadow.IotShadowClient(await connectV2(cloud, await cloud.add('dev1')))
    const told: [string, unknown][] = []
    const tell =
      (what: string) =>
      (error: unknown, body: unknown): void =>
        void told.push([what, error ?? body])
    const next = async (what: string): Promise<unknown> => {
      await expect.poll(() => told.some(([found]) => found === what)).toBe(true)
      return told.splice(
        told.findIndex(([found]) => found === what),
        1,
      )[0]?.[1]
    }
    await client.subscribeToGetShadowAccepted({ thingName }, qos, tell('get'))
    await client.subscribeToGetShadowRejected({ thingName }, qos, tell('not got'))
    await client.subscribeToUpdateShadowAccepted({ thingName }, qos, tell('updated'))
    await client.subscribeToUpdateShadowRejected({ thingName }, qos, tell('not updated'))
    await client.subscribeToShadowDeltaUpdatedEvents({ thingName }, qos, tell('delta'))
    await client.subscribeToShadowUpdatedEvents({ thingName }, qos, tell('documents'))
    await client.subscribeToDeleteShadowAccepted({ thingName }, qos, tell('deleted'))
    await client.publishGetShadow({ thingName, clientToken: 'a' }, qos)
    expect(await next('not got')).toMatchObject({ code: 404, clientToken: 'a' })
    const state = { reported: { temp: 20 }, desired: { temp: 22 } }
    await client.publishUpdateShadow({ thingName, state, clientToken: 'b' }, qos)
    expect(await next('updated')).toMatchObject({ state, version: 1, clientToken: 'b' })
    expect(await next('delta')).toMatchObject({ state: { temp: 22 }, version: 1 })
    expect(await next('documents')).toMatchObject({ current: { state, version: 1 } })
    await client.publishUpdateShadow({ thingName, state, version: 99 }, qos)
    expect(await next('not updated')).toMatchObject({ code: 409, message: 'Version conflict' })
    await client.publishGetShadow({ thingName }, qos)
    expect(await next('get')).toMatchObject({ state: { ...state, delta: { temp: 22 } } })
    const named = { thingName, shadowName: 'cfg' }
    await client.subscribeToUpdateNamedShadowAccepted(named, qos, tell('named'))
    await client.publishUpdateNamedShadow({ ...named, state: { reported: { a: 1 } } }, qos)
    expect(await next('named')).toMatchObject({ state: { reported: { a: 1 } }, version: 1 })
    await client.publishDeleteShadow({ thingName }, qos)
    expect(await next('deleted')).toMatchObject({ version: 1 })
  })

  it('IotShadowClientv2: request and response over MQTT 3.1.1, and a stream of deltas', async () => {
    const cloud = await openTlsCloud()
    const connection = await connectV2(cloud, await cloud.add('dev1'))
    const client = iotshadow.IotShadowClientv2.newFromMqtt311(connection, {
      maxRequestResponseSubscriptions: 6,
      maxStreamingSubscriptions: 4,
      operationTimeoutInSeconds: 10,
    })
    onTestFinished(() => client.close())
    const deltas: unknown[] = []
    const stream = client.createShadowDeltaUpdatedStream({ thingName })
    stream.on('incomingPublish', ({ message }) => void deltas.push(message.state))
    const subscribed = once(stream, 'subscriptionStatus')
    stream.open()
    await subscribed
    onTestFinished(() => stream.close())
    expect(
      await client.updateShadow({ thingName, state: { desired: { temp: 30 } } }),
    ).toMatchObject({ state: { desired: { temp: 30 } }, version: 1 })
    expect(await client.getShadow({ thingName })).toMatchObject({ version: 1 })
    await expect.poll(() => deltas).toEqual([{ temp: 30 }])
    await expect(client.deleteNamedShadow({ thingName, shadowName: 'none' })).rejects.toMatchObject(
      { modeledError: { code: 404 } },
    )
    expect(await client.deleteShadow({ thingName })).toMatchObject({ version: 1 })
  })

  it('Mqtt5Client: connects, publishes, subscribes, and is told what it may not', async () => {
    const cloud = await openTlsCloud()
    const proof = await cloud.add('dev1')
    await cloud.add('dev2')
    const config = iot.AwsIotMqtt5ClientConfigBuilder.newDirectMqttBuilderWithMtlsFromMemory(
      'localhost',
      proof.certificate,
      proof.privateKey,
    )
      .withCertificateAuthority(cloud.authority)
      .withPort(cloud.mqttsPort ?? 0)
      .withConnectProperties({ clientId: 'dev1', keepAliveIntervalSeconds: 30 })
      .build()
    const client = new mqtt5.Mqtt5Client(config)
    const heard: string[] = []
    client.on('messageReceived', ({ message }) => void heard.push(message.topicName))
    const connected = once(client, 'connectionSuccess')
    client.start()
    await connected
    onTestFinished(async () => {
      const stopped = once(client, 'stopped')
      client.stop()
      await stopped
      client.close()
    })
    const subscribed = await client.subscribe({
      subscriptions: ['dt/dev1/#', 'dt/dev2/#'].map((topicFilter) => ({
        topicFilter,
        qos: mqtt5.QoS.AtLeastOnce,
      })),
    })
    expect(subscribed.reasonCodes).toEqual([1, 0x87])
    const publish = (topicName: string) =>
      client.publish({ topicName, qos: mqtt5.QoS.AtLeastOnce, payload: '{"temp":5}' })
    expect(await publish('dt/dev1/temp')).toMatchObject({ reasonCode: 0 })
    expect(await publish('dt/dev2/temp')).toMatchObject({ reasonCode: 0x87 })
    await expect.poll(() => heard).toEqual(['dt/dev1/temp'])
    expect((await cloud.core.ports.devices.load('dev1'))?.last['temp']?.value).toBe(5)
  })
})

describe('@aws-sdk/client-iot-data-plane', () => {
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
  const text = (body: Json): Uint8Array => new TextEncoder().encode(JSON.stringify(body))
  const json = (payload: Uint8Array | undefined): Json =>
    JSON.parse(new TextDecoder().decode(payload))

  async function openClient(): Promise<{ cloud: TlsCloud; client: IoTDataPlaneClient }> {
    const cloud = await openTlsCloud()
    const proof = await cloud.add('dev1')
    await cloud.add('dev2')
    const agent = new Agent({
      ca: cloud.authority,
      cert: proof.certificate,
      key: proof.privateKey,
      keepAlive: true,
    })
    const client = new IoTDataPlaneClient({
      region: 'eu-north-1',
      endpoint: cloud.https,
      credentials,
      maxAttempts: 1,
      requestHandler: { httpsAgent: agent },
    })
    onTestFinished(() => {
      client.destroy()
      agent.destroy()
    })
    return { cloud, client }
  }

  it('gets, updates, lists and deletes shadows, with typed errors', async () => {
    const { cloud, client } = await openClient()
    const thingName = 'dev1'
    await expect(client.send(new GetThingShadowCommand({ thingName }))).rejects.toThrow(
      ResourceNotFoundException,
    )
    const update = (payload: Uint8Array, shadowName?: string) =>
      client.send(new UpdateThingShadowCommand({ thingName, shadowName, payload }))
    const updated = await update(text({ state: { desired: { a: 1 } }, clientToken: 't' }))
    expect(json(updated.payload)).toMatchObject({ version: 1, clientToken: 't' })
    await expect(update(text({ state: {}, version: 7 }))).rejects.toThrow(ConflictException)
    await expect(update(text({ nothing: 1 }))).rejects.toThrow('Missing required node: state')
    await expect(update(text({ nothing: 1 }))).rejects.toThrow(InvalidRequestException)
    const large = text({ state: { desired: { a: 'x'.repeat(9_000) } } })
    await expect(update(large)).rejects.toThrow(RequestEntityTooLargeException)
    await expect(update(new Uint8Array(200_000))).rejects.toThrow(RequestEntityTooLargeException)
    for (const name of ['cfg', 'ota']) await update(text({ state: { desired: {} } }), name)
    const listed = await client.send(
      new ListNamedShadowsForThingCommand({ thingName, pageSize: 1 }),
    )
    expect(listed).toMatchObject({ results: ['cfg'], nextToken: 'cfg' })
    const got = await client.send(new GetThingShadowCommand({ thingName }))
    expect(json(got.payload)).toMatchObject({ state: { desired: { a: 1 }, delta: { a: 1 } } })
    await client.send(new DeleteThingShadowCommand({ thingName }))
    await expect(client.send(new DeleteThingShadowCommand({ thingName }))).rejects.toThrow(
      ResourceNotFoundException,
    )
    await expect(
      client.send(new GetThingShadowCommand({ thingName: 'dev2' })),
    ).rejects.toMatchObject({ name: 'ForbiddenException' })
    expect(await cloud.core.ports.devices.load('dev2')).toBeUndefined()
  })

  it('publishes as the device, and not on the topics of another', async () => {
    const { cloud, client } = await openClient()
    const publish = (topic: string, payload: Json) =>
      client.send(new PublishCommand({ topic, qos: 1, payload: text(payload) }))
    await publish('dt/dev1/temp', { temp: 5 })
    expect((await cloud.core.ports.devices.load('dev1'))?.last['temp']?.value).toBe(5)
    await publish('$aws/things/dev1/shadow/update', { state: { desired: { a: 1 } } })
    expect((await cloud.core.ports.devices.load('dev1'))?.shadows['']?.desired).toEqual({ a: 1 })
    for (const topic of ['devices/dev2/telemetry', '$aws/things/dev2/shadow/update'])
      await expect(publish(topic, { state: {} })).rejects.toMatchObject({
        name: 'ForbiddenException',
      })
    await expect(publish('a/+', {})).rejects.toThrow(InvalidRequestException)
    expect(await cloud.core.ports.devices.load('dev2')).toBeUndefined()
  })

  it('as a back end on the plain port speaks to devices', async () => {
    const cloud = await openTlsCloud()
    const device = await cloud.connect('dev1', await cloud.add('dev1'))
    const heard: string[] = []
    device.on('message', (topic, payload) => void heard.push(`${topic} ${payload.toString()}`))
    await device.subscribeAsync(['cmd/dev1/#', '$aws/things/dev1/shadow/update/accepted'])
    const client = new IoTDataPlaneClient({
      region: 'eu-north-1',
      endpoint: cloud.http,
      credentials,
    })
    onTestFinished(() => client.destroy())
    await client.send(new PublishCommand({ topic: 'cmd/dev1/blink', payload: text({ n: 3 }) }))
    await expect.poll(() => heard).toEqual(['cmd/dev1/blink {"n":3}'])
    const payload = text({ state: { desired: { a: 1 } } })
    await client.send(new UpdateThingShadowCommand({ thingName: 'dev1', payload }))
    await expect.poll(() => heard.length).toBe(2)
  })

  it('is refused over TLS without a certificate', async () => {
    const cloud = await openTlsCloud()
    const answer = await cloud.ask('GET', '/things/dev1/shadow')
    expect([answer.status, answer.headers['x-amzn-errortype']]).toEqual([
      401,
      'UnauthorizedException',
    ])
  })
})
