import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { EventHubConsumerClient, type ReceivedEventData } from '@azure/event-hubs'
import { Client } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import type { AzureSettings } from '../../../adapters/azure/config.ts'
import { ownerKeyOf } from '../../../adapters/local/identity.ts'
import { type LocalCloud, startLocalCloud } from '../../../adapters/local/index.ts'
import type { ConfigInput, Json } from '../../../core/index.ts'
import { programOf } from '../local/cloud.ts'
import type { HubMessage } from './hub-events.ts'

/** The embedded cloud in its Azure dialect, in the place of an IoT hub. */
export interface EmbeddedHub {
  readonly cloud: LocalCloud
  readonly settings: Pick<AzureSettings, 'iotHubHost' | 'iotHubEndpoint' | 'iotHubConnection'>
  /** The interface of the service, as the owner of the hub asks it. */
  ask(method: string, path: string, body?: Json): Promise<Json>
  /** A device by the vendor's SDK, connected over MQTT; it is registered if it is not yet. */
  connect(deviceId: string): Promise<Client>
  /** Events of telemetry, by the vendor's SDK: those that came since the last time, once there are so many. */
  takeEvents(count: number): Promise<readonly ReceivedEventData[]>
  /** What the hub itself told since the last time, by its routes for twins, registrations and connections. */
  takeChanges(): Promise<readonly HubMessage[]>
  close(): Promise<void>
}

const QUEUE = 'hub-events'

/** Routes as serverless.azure.yml has them, into a queue that the test reads. */
const CONFIG: ConfigInput = {
  // Only the device itself writes what a twin of IoT Hub reports.
  deviceTypes: { default: { report: false } },
  routes: Object.fromEntries(
    (['twinChanges', 'lifecycle', 'connectionState'] as const).map((source) => [
      source,
      { source, output: 'message', actions: [{ queue: { name: QUEUE } }] },
    ]),
  ),
}

export async function startHub(): Promise<EmbeddedHub> {
  const data = mkdtempSync(join(tmpdir(), 'anyhub-hub-'))
  const cloud = await startLocalCloud({
    program: programOf(CONFIG),
    settings: {
      host: '127.0.0.1',
      httpPort: 0,
      httpsPort: 0,
      mqttPort: undefined,
      mqttsPort: 0,
      amqpsPort: 0,
      keepEvents: true,
      data,
      durability: 'normal',
      requireAuth: true,
    },
    log: () => undefined,
  })
  const { authority } = await cloud.core.ports.issuer.certificate('nobody')
  const before = getCACertificates('default')
  // The vendor's clients take no authority of their own.
  setDefaultCACertificates([...before, authority])
  const key = ownerKeyOf(cloud.adminToken)
  const connection = `HostName=localhost:${cloud.amqpsPort};SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`
  const devices: Client[] = []
  const events: ReceivedEventData[] = []
  let consumer: EventHubConsumerClient | undefined

  async function ask(method: string, path: string, body?: Json): Promise<Json> {
    const response = await fetch(
      `http://127.0.0.1:${cloud.httpPort}${path}?api-version=2021-04-12`,
      {
        method,
        headers: { authorization: `Bearer ${cloud.adminToken}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    )
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? null : JSON.parse(text)
  }

  /** From the beginning on: nothing that was sent before somebody listened is missed. */
  function listen(): EventHubConsumerClient {
    const client = new EventHubConsumerClient(
      '$Default',
      `Endpoint=sb://localhost/;SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`,
      'anyhub',
      { customEndpointAddress: `sb://localhost:${cloud.amqpsPort}` },
    )
    client.subscribe(
      {
        processEvents: async (got) => void events.push(...got),
        processError: async () => undefined,
      },
      { startPosition: { sequenceNumber: 0, isInclusive: true }, maxWaitTimeInSeconds: 0.2 },
    )
    return client
  }

  return {
    cloud,
    settings: {
      iotHubHost: 'localhost',
      iotHubEndpoint: `https://localhost:${cloud.httpsPort}`,
      iotHubConnection: connection,
    },
    ask,

    async connect(deviceId) {
      const found = await ask('GET', `/devices/${deviceId}`).catch(() =>
        ask('PUT', `/devices/${deviceId}`, { deviceId }),
      )
      const { authentication } = found as unknown as {
        authentication: { symmetricKey: { primaryKey: string } }
      }
      const { primaryKey } = authentication.symmetricKey
      const client = Client.fromConnectionString(
        `HostName=localhost:${cloud.mqttsPort};DeviceId=${deviceId};SharedAccessKey=${primaryKey}`,
        Mqtt,
      )
      await client.setOptions({ ca: authority })
      client.on('error', () => undefined)
      await client.open()
      devices.push(client)
      return client
    },

    async takeEvents(count) {
      consumer ??= listen()
      const deadline = Date.now() + 10_000
      while (events.length < count) {
        if (Date.now() > deadline)
          throw new Error(`expected ${count} events, found ${events.length}`)
        await new Promise((done) => setTimeout(done, 20))
      }
      return events.splice(0)
    },

    async takeChanges() {
      const { queues } = cloud.core.ports
      await cloud.core.gate.idle()
      const entries = await queues.claim(QUEUE, 1_000, 60_000)
      for (const { id } of entries) await queues.remove(QUEUE, id)
      return entries.map(({ body, at }) => toHubMessage(body, at))
    },

    async close() {
      await consumer?.close()
      await Promise.all(devices.map((device) => device.close().catch(() => undefined)))
      await cloud.close()
      setDefaultCACertificates(before)
      rmSync(data, { recursive: true, force: true })
    },
  }
}

/** What a route with `output: message` gives, as Event Hubs has it. */
function toHubMessage(entry: Json, at: number): HubMessage {
  const { body, properties, systemProperties } = entry as unknown as {
    body: Json
    properties: Record<string, string>
    systemProperties: Record<string, string>
  }
  return {
    body: Buffer.from(JSON.stringify(body)),
    deviceId: systemProperties['iothub-connection-device-id'] ?? '',
    source: systemProperties['iothub-message-source'] ?? '',
    at,
    system: { 'content-type': 'application/json', 'content-encoding': 'utf-8' },
    properties,
  }
}
