import { vi } from 'vitest'
import { createAwsApi } from '../../adapters/aws/api.ts'
import { createAws } from '../../adapters/aws/index.ts'
import { createAwsNotify } from '../../adapters/aws/notify.ts'
import type { Json } from '../../core/index.ts'
import { httpEvent, openTopicRules, sqsEvent } from '../adapters/aws/events.ts'
import { describeWithMoto, startMoto } from '../adapters/aws/moto.ts'
import { openProxy } from '../adapters/aws/recording-proxy.ts'
import { ADMIN_TOKEN, openStack } from '../adapters/aws/stack.ts'
import { type CloudEntry, type Message, readBody } from './cloud.ts'

/** The messages of one batch of SQS at most. Source: serverless.aws.yml. */
const BATCH = 100

/** AWS: topic rules, SQS, DynamoDB, Device Shadow and IoT Data, on moto. */
export const AWS: CloudEntry = {
  name: 'AWS',
  suite: describeWithMoto,
  source: 'sqs',
  async open({ configPath, config, queues = [] }) {
    const topicRules = await openTopicRules(configPath)
    const moto = await startMoto()
    const proxy = await openProxy(moto.endpoint)
    const stack = await openStack(moto.endpoint, proxy.endpoint)
    const { settings } = stack
    for (const queue of queues)
      await stack.account.createQueue(`${settings.queuePrefix}${queue}.fifo`, { FifoQueue: 'true' })
    const counted = new Map<string, number>()
    // Metrics are lines on stdout, which CloudWatch reads.
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
      for (const [name, value] of countersOf(String(line)))
        counted.set(name, (counted.get(name) ?? 0) + value)
      return true
    })
    const ingest = createAws(settings, config)
    const notify = createAwsNotify(settings, config)
    const tick = createAwsNotify(settings, config)
    const serve = createAwsApi(settings, config)
    /** Documents of shadows that the rules have seen, as the owner had them. */
    const seen = new Map<string, ShadowDocument>()
    const deviceIds = new Set<string>()

    /** The rules take what was published, the queue hands it over in batches. */
    async function deliver(messages: readonly Message[]): Promise<void> {
      const at = Date.now()
      const bodies = messages.flatMap(({ deviceId, topic, payload }) =>
        topicRules({ topic, payload: Buffer.from(payload), clientId: deviceId, at }),
      )
      for (let from = 0; from < bodies.length; from += BATCH) {
        const reply = await ingest.ingest(sqsEvent(bodies.slice(from, from + BATCH)))
        if (JSON.stringify(reply) !== '{"batchItemFailures":[]}')
          throw new Error(`expected no failures, found ${JSON.stringify(reply)}`)
      }
    }

    async function shadowOf(deviceId: string): Promise<ShadowDocument | undefined> {
      const { status, body } = await stack.account.client.send({
        service: 'iotdata',
        method: 'GET',
        path: `/things/${deviceId}/shadow`,
      })
      return status === 200 ? JSON.parse(body.toString('utf8')) : undefined
    }

    /** Until nothing is left: what the owner tells of shadows, and deliveries that wait. */
    async function settle(): Promise<void> {
      for (let busy = true; busy; ) {
        busy = false
        for (const deviceId of deviceIds) {
          const current = await shadowOf(deviceId)
          const previous = seen.get(deviceId)
          if (current === undefined || current.version === previous?.version) continue
          busy = true
          seen.set(deviceId, current)
          const documents = {
            previous: previous ?? { state: {} },
            current,
            timestamp: Math.floor(Date.now() / 1_000),
          }
          await deliver([
            {
              deviceId: '',
              topic: `$aws/things/${deviceId}/shadow/update/documents`,
              payload: JSON.stringify(documents),
            },
          ])
        }
        const waiting = await stack.takeNotifications()
        if (waiting.length === 0) continue
        busy = true
        await notify.notify(sqsEvent(waiting))
      }
    }

    return {
      async connect(deviceId) {
        deviceIds.add(deviceId)
        const event = { clientId: deviceId, timestamp: Date.now(), eventType: 'connected' }
        await deliver([
          {
            deviceId,
            topic: `$aws/events/presence/connected/${deviceId}`,
            payload: JSON.stringify(event),
          },
        ])
        await settle()
      },
      async ingest(messages) {
        await deliver(messages)
        await settle()
      },
      async api({ method, path, body }) {
        const event = httpEvent(
          method,
          path,
          { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
          body === undefined ? undefined : JSON.stringify(body),
        )
        const reply: { statusCode: number; body: string } = JSON.parse(
          JSON.stringify(await serve(event)),
        )
        if (method !== 'PUT') await settle()
        return { status: reply.statusCode, body: readBody(reply.body) }
      },
      async tick() {
        await tick.tick()
        await settle()
      },
      async desired(deviceId) {
        return (await shadowOf(deviceId))?.state.desired ?? {}
      },
      downlinks: () =>
        proxy.calls.flatMap(({ service, path, body }) => {
          const topic = service === 'iotdata' ? /^\/topics\/([^?]+)/.exec(path)?.[1] : undefined
          return topic === undefined
            ? []
            : [{ topic: decodeURIComponent(topic), payload: body.toString('utf8') }]
        }),
      take: async (queue) =>
        (await stack.takeQueue(`${queue}.fifo`)).map((body): Json => JSON.parse(body)),
      counters: () => Object.fromEntries(counted),
      async close() {
        stdout.mockRestore()
        await stack.close()
        await proxy.close()
        await moto.stop()
      },
    }
  },
}

interface ShadowDocument {
  readonly version: number
  readonly state: { readonly desired?: Json; readonly reported?: Json }
}

/** The counters of one line in the embedded metric format. */
function countersOf(line: string): readonly (readonly [string, number])[] {
  if (!line.includes('"_aws"')) return []
  const parsed = JSON.parse(line)
  const metrics: { Name: string; Unit: string }[] = parsed._aws.CloudWatchMetrics[0].Metrics
  return metrics.flatMap(({ Name, Unit }) => (Unit === 'Count' ? [[Name, parsed[Name]]] : []))
}
