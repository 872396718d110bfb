import { vi } from 'vitest'
import { createGcpApi } from '../../adapters/gcp/api.ts'
import { createGcp } from '../../adapters/gcp/index.ts'
import { createGcpNotify } from '../../adapters/gcp/notify.ts'
import { isAlive, type Json } from '../../core/index.ts'
import { describeWithEmulators, startFirestore, startPubSub } from '../adapters/gcp/emulators.ts'
import { openProject } from '../adapters/gcp/fresh-project.ts'
import { callHttp } from '../adapters/gcp/http-call.ts'
import { ADMIN_TOKEN, openStack } from '../adapters/gcp/stack.ts'
import { type CloudEntry, type Message, type Published, readBody } from './cloud.ts'

/** Google: Pub/Sub and Firestore, on their emulators. */
export const GCP: CloudEntry = {
  name: 'Google',
  suite: describeWithEmulators,
  source: 'pubsub',
  async open({ config, queues = [] }) {
    const [firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()])
    const stack = await openStack({ firestore, pubsub })
    const { settings, project } = stack
    const cloud = openProject({ firestore, pubsub, project })
    for (const topic of ['telemetry', 'commands', 'high', 'normal', 'queue-own'])
      await cloud.createTopic(topic)
    for (const queue of queues) await cloud.createTopic(`${settings.queuePrefix}${queue}`)
    const counted = new Map<string, number>()
    // Metrics are lines on stdout, which Cloud Logging reads.
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
      for (const [name, value] of countersOf(String(line)))
        counted.set(name, (counted.get(name) ?? 0) + value)
      return true
    })
    const ingest = createGcp(settings, config)
    const notify = createGcpNotify(settings, config)
    const tick = createGcpNotify(settings, config)
    const serve = createGcpApi(settings, config)
    const published: Published[] = []
    let messages = 0

    /** A message as Pub/Sub hands it over. */
    const event = (data: Buffer, attributes: Readonly<Record<string, string>>) => ({
      data: {
        message: {
          messageId: String(++messages),
          publishTime: new Date().toISOString(),
          data: data.toString('base64'),
          attributes,
        },
      },
    })

    async function deliver(given: readonly Message[]): Promise<void> {
      await Promise.all(
        given.map(({ topic, payload }) => ingest.ingest(event(Buffer.from(payload), { topic }))),
      )
    }

    /** Until nothing is left: deliveries that wait, and what goes down. */
    async function settle(): Promise<void> {
      for (let busy = true; busy; ) {
        busy = false
        for (const topic of ['high', 'normal'])
          for (const { data, attributes } of await cloud.pull(topic)) {
            busy = true
            await notify.notify(event(data, attributes))
          }
      }
      for (const { data, attributes } of await cloud.pull('commands'))
        published.push({ topic: attributes['topic'] ?? '', payload: data.toString('utf8') })
    }

    return {
      async connect(deviceId) {
        const topic = `devices/${deviceId}/presence/connected`
        await deliver([{ deviceId, topic, payload: '' }])
        await settle()
      },
      async ingest(given) {
        await deliver(given)
        await settle()
      },
      async api({ method, path, body }) {
        const answer = await callHttp(serve, {
          method,
          path,
          headers: {
            authorization: `Bearer ${ADMIN_TOKEN}`,
            'content-type': 'application/json',
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        if (method !== 'PUT') await settle()
        return { status: answer.status, body: readBody(answer.body) }
      },
      async tick() {
        await tick.tick()
        await settle()
      },
      async desired(deviceId): Promise<Json> {
        const shadow = (await ingest.core.ports.devices.load(deviceId))?.shadows['']
        return isAlive(shadow) ? (shadow.desired ?? {}) : {}
      },
      downlinks: () => published.filter(({ topic }) => !SHADOW.test(topic)),
      take: async (queue) =>
        (await cloud.pull(`${settings.queuePrefix}${queue}`)).map(
          ({ data }): Json => JSON.parse(data.toString('utf8')),
        ),
      counters: () => Object.fromEntries(counted),
      async close() {
        stdout.mockRestore()
        await stack.close()
        await cloud.close()
        await Promise.all([firestore.stop(), pubsub.stop()])
      },
    }
  },
}

/** What the owner of the shadow tells; here that is the core. */
const SHADOW = /^devices\/[^/]+\/shadow\//

/** The counters of one line for Cloud Logging. */
function countersOf(line: string): readonly (readonly [string, number])[] {
  if (!line.includes('"counts"')) return []
  const { counts }: { counts: Readonly<Record<string, number>> } = JSON.parse(line)
  return Object.entries(counts)
}
