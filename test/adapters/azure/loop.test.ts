import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Message } from 'azure-iot-common'
import type { Client, Message as DeviceMessage } from 'azure-iot-device'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Azure, createAzure } from '../../../adapters/azure/index.ts'
import { type Json, parseConfig } from '../../../core/index.ts'
import { type RunningApp, startApp } from '../../deploy/azure/functions-host.ts'
import { packageApp, variables } from '../../deploy/azure/packaged.ts'
import { type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { type EmbeddedHub, startHub } from './embedded-hub.ts'
import { type HubMessage, hostMetadata } from './hub-events.ts'
import { ADMIN_TOKEN, openStack, type Stack } from './stack.ts'
import { openWay, type Way } from './way.ts'

const ID = 'fridge-1'
const until = { timeout: 10_000, interval: 30 }

// The bundle that `sls package` makes is started beside a stand-in for the host: @azure/functions itself converts what a
// host sends. Device, hub and events are spoken to by the vendor's SDKs.
describeWithEmulators('Azure: device → hub → function → Cosmos → twin and message → device', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  let hub: EmbeddedHub
  let stack: Stack
  /** Between the app and the port of the hub that messages to devices go to. */
  let way: Way
  let hook: Awaited<ReturnType<typeof openHook>>
  /** Takes metrics as OTLP. */
  let collector: Awaited<ReturnType<typeof openHook>>
  let app: RunningApp
  /** The same stores, as somebody looks at them. */
  let azure: Azure
  let device: Client
  const messages: DeviceMessage[] = []

  beforeAll(async () => {
    ;[azurite, cosmos, hub, hook, collector] = await Promise.all([
      startAzurite(),
      startCosmos(),
      startHub(),
      openHook(),
      openHook(),
    ])
    const otlpEndpoint = new URL(collector.url).origin
    stack = await openStack({ azurite, cosmos, hub, otlpEndpoint })
    await stack.account.createQueue(`${stack.settings.queuePrefix}warm-ones`)
    const zip = await packageApp(variables(hook.url))
    way = await openWay(hub.cloud.amqpsPort ?? 0)
    const connection = hub.settings.iotHubConnection?.replace(/:\d+;/, `:${way.port};`) ?? ''
    app = startApp(zip, {
      ...stack.env,
      ANYHUB_TEST_SINK: hook.url,
      ANYHUB_IOTHUB_CONNECTION: connection,
    })
    const parsed = parseConfig({})
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    azure = createAzure(stack.settings, parsed.config)
    device = await hub.connect(ID)
    device.on('message', (message: DeviceMessage) => {
      messages.push(message)
      void device.complete(message)
    })
  }, 120_000)
  afterAll(async () => {
    app?.stop()
    way?.close()
    await azure?.close()
    await stack?.close()
    const hooks = [hook?.close(), collector?.close()]
    await Promise.all([azurite?.stop(), cosmos?.stop(), hub?.close(), ...hooks])
  })

  const record = () => azure.core.ports.devices.load(ID)

  /** As the host calls the function: bytes, and metadata in arrays. */
  async function ingest(
    batch: readonly HubMessage[],
    triggerMetadata = hostMetadata(batch),
  ): Promise<void> {
    const bytes = batch.map(({ body }) =>
      Buffer.isBuffer(body) ? body : Buffer.from(String(body)),
    )
    const { result, error } = await app.invoke(
      'ingest',
      { collectionBytes: { bytes } },
      { triggerMetadata },
    )
    if (error !== undefined) throw error
    expect(result.status).toBe('success')
  }

  /** What the hub told of twins, connections and registrations. */
  async function pump(): Promise<number> {
    const changes = await hub.takeChanges()
    if (changes.length > 0) await ingest(changes)
    return changes.length
  }

  async function takeTelemetry(count: number): Promise<readonly HubMessage[]> {
    const events = await hub.takeEvents(count)
    return events.map(({ body, properties, systemProperties, enqueuedTimeUtc }) => ({
      body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
      deviceId: String(systemProperties?.['iothub-connection-device-id']),
      at: enqueuedTimeUtc.getTime(),
      system: systemProperties ?? {},
      properties: properties ?? {},
    }))
  }

  async function send(body: Json): Promise<void> {
    const message = new Message(JSON.stringify(body))
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    await device.sendEvent(message)
  }

  async function api(method: string, path: string, body?: Json) {
    const { returnValue, error } = await app.invoke('api', {
      http: {
        method,
        url: `https://anyhub.azurewebsites.net${path}`,
        headers: {
          authorization: `Bearer ${ADMIN_TOKEN}`,
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: { bytes: Buffer.from(JSON.stringify(body)) } }),
      },
    })
    if (error !== undefined) throw error
    const { statusCode, body: reply } = returnValue?.http ?? {}
    const said = reply?.bytes === undefined ? reply?.string : Buffer.from(reply.bytes).toString()
    return { status: Number(statusCode), body: JSON.parse(said ?? 'null') }
  }

  const tick = () => app.invoke('tick', { json: JSON.stringify({ IsPastDue: false }) })

  it('hears that the device is there, and lists it', async () => {
    await expect.poll(pump, until).toBeGreaterThan(0)
    await expect.poll(async () => (await record())?.presence.connected, until).toBe(true)
    const { status, body } = await api('GET', '/registry/devices')
    expect([status, body.devices.length, body.devices[0].deviceId]).toEqual([200, 1, ID])
  })

  it('stores telemetry, wishes something of the device, fills a queue and sends the alarm', async () => {
    const twin = await device.getTwin()
    const wishes: Json[] = []
    twin.on('properties.desired.setpoint', (wish: Json) => void wishes.push(wish))
    await new Promise<void>((done) => twin.get(() => done()))
    await send({ temp: 21.5 })
    await send({ temp: 35 })
    const batch = await takeTelemetry(2)
    const metadata = hostMetadata(batch)
    await ingest(batch, metadata)
    expect(await record()).toMatchObject({ accepted: 2, last: { temp: { value: 35 } } })
    await expect.poll(() => wishes, until).toEqual([4])
    await pump()
    const owners = await hub.ask('GET', `/twins/${ID}`)
    expect((await record())?.shadows['']).toMatchObject({
      desired: { setpoint: 4 },
      ownerVersion: (owners as { version: number }).version,
    })
    expect((await stack.takeQueue('warm-ones')).map((one) => JSON.parse(one))).toEqual([
      { temp: 35, device: ID },
    ])
    for (const waiting of await stack.takeNotifications())
      expect((await app.invoke('notify-high', { string: waiting })).result.status).toBe('success')
    expect(hook.bodies).toHaveLength(1)
    expect(hook.bodies[0]).toContain('35 degrees')
    // The host restarts before its checkpoint: the batch comes once more.
    await ingest(batch, metadata)
    expect((await record())?.accepted).toBe(2)
    expect(await azure.core.ports.telemetry.count(ID)).toBe(2)
  })

  it('brings a command to the device, and its answer back', async () => {
    const { status } = await api('POST', `/devices/${ID}/commands`, {
      commandId: 'job-1',
      name: 'defrost',
      payload: { minutes: 5 },
      ack: 'full',
    })
    expect(status).toBe(202)
    await expect.poll(() => messages.length, until).toBe(1)
    expect(messages[0]?.getData().toString()).toBe('{"minutes":5}')
    expect(messages[0]?.properties.getValue('command')).toBe('defrost')
    await expect
      .poll(async () => {
        expect((await tick()).result.status).toBe('success')
        return (await api('GET', `/devices/${ID}/commands/job-1`)).body.state
      }, until)
      .toBe('Completed')
  })

  it('brings the next one over a new connection where the hub has cut the old one', async () => {
    expect(way.connections()).toBe(1)
    way.cut()
    const body = { commandId: 'job-2', name: 'light', payload: {} }
    expect((await api('POST', `/devices/${ID}/commands`, body)).status).toBe(202)
    await expect.poll(() => messages.at(-1)?.messageId, until).toBe('job-2')
    expect(way.connections()).toBe(2)
  })

  it('asks the device what only it knows', async () => {
    device.onDeviceMethod('now', (_request, response) => void response.send(200, { open: true }))
    const path = `/devices/${ID}/methods/now?connectTimeout=5`
    const { status, body } = await api('POST', path, null)
    expect([status, body]).toMatchObject([200, { status: 200, payload: { open: true } }])
  })

  it('sets aside what it cannot read, and asks again for what it cannot store', async () => {
    await ingest([{ body: Buffer.from('{broken'), deviceId: ID }])
    expect(await azure.core.ports.deadLetters.list('', 10)).toMatchObject([
      { deviceId: ID, code: 'codec.malformed', source: 'eventhubs' },
    ])
    const failed = await app.invoke('tick', { json: '{}' })
    expect(failed.result.status).toBe('failure')
    expect(failed.error?.message).toContain('expected a timer')
  })

  it('sends what was measured when the host ends the process', async () => {
    const reading = (at: number) => ({ body: Buffer.from(`{"ts":${at},"temp":4}`), deviceId: ID })
    const received = () =>
      collector.bodies
        .flatMap((body) => metricsOf(JSON.parse(body)))
        .filter(({ name }) => name === 'uplink.received')
        .reduce((sum, { sum: { dataPoints } }) => sum + Number(dataPoints[0]?.asDouble), 0)
    // What is due goes with this one; the next one waits for its turn.
    await ingest([reading(Date.now())])
    await new Promise((done) => setTimeout(done, 200))
    const before = received()
    await ingest([reading(Date.now())])
    await app.terminate()
    await expect.poll(received, until).toBeGreaterThan(before)
  })
})

interface Sum {
  readonly name: string
  readonly sum: { readonly dataPoints: readonly { readonly asDouble: number }[] }
}

/** Counters of a request of OTLP. */
function metricsOf(body: {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly Sum[] }[]
  }[]
}): readonly Sum[] {
  return body.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics),
  )
}

async function openHook() {
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    bodies.push(await text(request))
    response.writeHead(200).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    bodies,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
