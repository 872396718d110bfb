import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { vi } from 'vitest'
import { createAzureApi } from '../../adapters/azure/api.ts'
import { createAzure } from '../../adapters/azure/index.ts'
import { createAzureNotify } from '../../adapters/azure/notify.ts'
import { createAzureTick } from '../../adapters/azure/tick.ts'
import type { Json } from '../../core/index.ts'
import { describeWithEmulators, startAzurite } from '../adapters/azure/azurite.ts'
import { startCosmos } from '../adapters/azure/cosmos-server.ts'
import { startHub } from '../adapters/azure/embedded-hub.ts'
import { type HubMessage, triggerOf } from '../adapters/azure/hub-events.ts'
import { ADMIN_TOKEN, openStack } from '../adapters/azure/stack.ts'
import { type CloudEntry, type Message, type Published, readBody } from './cloud.ts'

/** The messages of one batch at most. Source: serverless.azure.yml. */
const BATCH = 100

const TIMER = { isPastDue: false }

/** Azure: Event Hubs batches, Cosmos, Storage queues, and the embedded cloud in the place of IoT Hub. */
export const AZURE: CloudEntry = {
  name: 'Azure',
  suite: describeWithEmulators,
  source: 'eventhubs',
  async open({ config, queues = [] }) {
    const [azurite, cosmos, hub, sink] = await Promise.all([
      startAzurite(),
      startCosmos(),
      startHub(),
      openSink(),
    ])
    const stack = await openStack({ azurite, cosmos, hub, otlpEndpoint: sink.url })
    const { settings } = stack
    for (const queue of queues) await stack.account.createQueue(`${settings.queuePrefix}${queue}`)
    const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    const ingest = createAzure(settings, config)
    const notify = createAzureNotify(settings, config)
    const tick = createAzureTick(settings, config)
    const serve = createAzureApi(settings, config)
    const published: Published[] = []
    /** Commands that devices hold, by their ids. */
    const held = new Map<string, () => Promise<unknown>>()
    const deviceIds = new Set<string>()

    async function deliver(messages: readonly HubMessage[]): Promise<void> {
      for (let from = 0; from < messages.length; from += BATCH)
        await ingest.ingest(...triggerOf(messages.slice(from, from + BATCH)))
    }

    /** Devices take the messages that the hub has for them. */
    async function takeCommands(deviceId: string): Promise<void> {
      const { commands } = hub.cloud.core
      for (const one of await commands.receiveMany(deviceId, 10)) {
        const { commandId } = one.command
        const name = one.properties['command'] ?? 'message'
        const topic = `devices/${deviceId}/executions/${commandId}/${name}`
        published.push({ topic, payload: Buffer.from(one.payload).toString('utf8') })
        held.set(commandId, () => commands.settle(deviceId, one.lockToken, 'complete'))
      }
    }

    /** Until nothing is left: what the hub tells, what goes to others, and deliveries that wait. */
    async function settle(): Promise<void> {
      for (let busy = true; busy; ) {
        const changes = await hub.takeChanges()
        await deliver(changes)
        const waiting = await stack.takeNotifications()
        for (const text of waiting) await notify.notify(JSON.parse(text), {})
        busy = changes.length + waiting.length > 0
      }
      for (const deviceId of deviceIds) await takeCommands(deviceId)
      for (const text of await stack.takeQueue('published')) {
        const { topic, payload }: Published = JSON.parse(text)
        published.push({ topic, payload })
      }
      for (const { observer } of [ingest, notify, tick, serve]) await observer.close()
    }

    async function runTick(): Promise<void> {
      await tick.tick(TIMER, {})
      await settle()
    }

    return {
      async connect(deviceId) {
        deviceIds.add(deviceId)
        await deliver([
          {
            deviceId,
            source: 'deviceConnectionStateEvents',
            body: Buffer.from('{"sequenceNumber":"00000001"}'),
            properties: {
              opType: 'deviceConnected',
              operationTimestamp: new Date().toISOString(),
              'iothub-message-schema': 'deviceConnectionStateNotification',
            },
          },
        ])
        await settle()
      },
      async ingest(messages) {
        const [ends, telemetry] = [messages.filter(isEnd), messages.filter((one) => !isEnd(one))]
        await deliver(telemetry.map(toHubMessage))
        await settle()
        for (const { topic } of ends) await held.get(topic.split('/')[3] ?? '')?.()
        // The hub tells of it by feedback, which the tick reads.
        if (ends.length > 0) await runTick()
      },
      async api({ method, path, body }) {
        const headers = {
          authorization: `Bearer ${ADMIN_TOKEN}`,
          'content-type': 'application/json',
        }
        const sent = body === undefined ? undefined : JSON.stringify(body)
        const request = new Request(`https://anyhub.azurewebsites.net${path}`, {
          method,
          headers,
          ...(sent === undefined ? {} : { body: sent }),
        })
        const reply = await serve(request, {})
        if (method !== 'PUT') await settle()
        return { status: reply.status ?? 0, body: readBody(String(reply.body ?? '')) }
      },
      tick: runTick,
      async desired(deviceId) {
        const twin = (await hub.ask('GET', `/twins/${deviceId}`)) as unknown as {
          properties: { desired: Record<string, Json> }
        }
        return Object.fromEntries(
          Object.entries(twin.properties.desired).filter(([name]) => !name.startsWith('$')),
        )
      },
      downlinks: () => published,
      take: async (queue) => (await stack.takeQueue(queue)).map((body): Json => JSON.parse(body)),
      counters: () => Object.fromEntries(sink.counted),
      async close() {
        stdout.mockRestore()
        await Promise.all([ingest, notify, tick, serve].map((one) => one.close()))
        await stack.close()
        await Promise.all([azurite.stop(), cosmos.stop(), hub.close()])
        sink.close()
      },
    }
  },
}

/** A device says that it is done with a command: at IoT Hub by completing the message. */
function isEnd({ topic }: Message): boolean {
  return /^devices\/[^/]+\/executions\/[^/]+\/complete$/.test(topic)
}

function toHubMessage({ deviceId, payload }: Message): HubMessage {
  return { deviceId, body: Buffer.from(payload) }
}

interface Exported {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly name: string
        readonly sum?: { readonly dataPoints: readonly { asInt?: string; asDouble?: number }[] }
      }[]
    }[]
  }[]
}

/** Where metrics go, as OTLP. */
async function openSink() {
  const counted = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const { resourceMetrics } = (await json(request)) as Exported
    for (const { scopeMetrics } of resourceMetrics)
      for (const { metrics } of scopeMetrics)
        for (const { name, sum } of metrics)
          for (const { asInt, asDouble } of sum?.dataPoints ?? [])
            counted.set(name, (counted.get(name) ?? 0) + Number(asInt ?? asDouble))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    counted,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
