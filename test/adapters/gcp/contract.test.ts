import { createServer } from 'node:http'
import { afterAll, beforeAll } from 'vitest'
import { createChannelSender } from '../../../adapters/gcp/channel-sender.ts'
import { createDeadLetters } from '../../../adapters/gcp/dead-letters.ts'
import { createDownlink } from '../../../adapters/gcp/downlink.ts'
import { createNotificationQueue } from '../../../adapters/gcp/notification-queue.ts'
import { createObserver } from '../../../adapters/gcp/observer.ts'
import { createOwnQueues } from '../../../adapters/gcp/own-queues.ts'
import { createQueueSender } from '../../../adapters/gcp/queue-sender.ts'
import { createRegistry } from '../../../adapters/gcp/registry.ts'
import { createTableStore } from '../../../adapters/gcp/table-store.ts'
import { systemClock } from '../../../adapters/node/clock.ts'
import { createIds } from '../../../adapters/node/ids.ts'
import { type Downlink, parseConfig } from '../../../core/index.ts'
import { type Arrived, channelSenderContract } from '../../contract/channel-sender.ts'
import { deadLettersContract } from '../../contract/dead-letters.ts'
import { downlinkContract, type Received } from '../../contract/downlink.ts'
import { clockContract, idSourceContract } from '../../contract/id-source.ts'
import { notificationQueueContract } from '../../contract/notification-queue.ts'
import { observerContract } from '../../contract/observer.ts'
import { queueReaderContract } from '../../contract/queue-reader.ts'
import { queueSenderContract } from '../../contract/queue-sender.ts'
import { registryContract } from '../../contract/registry.ts'
import { tableStoreContract } from '../../contract/table-store.ts'
import { freePort } from '../aws/moto.ts'
import { describeWithEmulators, type Emulator, startFirestore, startPubSub } from './emulators.ts'
import { openProject } from './fresh-project.ts'

const clock = { time: 1_750_000_000_000, now: () => clock.time }

observerContract('Google', () => {
  const lines: string[] = []
  const observer = createObserver({
    write: (line) => lines.push(line),
    now: () => clock.time,
    project: 'p',
    functionName: 'ingest',
    traceId: () => 'a'.repeat(32),
  })
  return {
    observer,
    count(name) {
      observer.flush()
      return lines.reduce((sum, line) => sum + Number(countsOf(line)[name] ?? 0), 0)
    },
    lines: () => lines,
  }
})

function countsOf(line: string): Readonly<Record<string, number>> {
  const { counts = {} }: { counts?: Record<string, number> } = JSON.parse(line)
  return Object.fromEntries(Object.entries(counts))
}

idSourceContract('Google', createIds)
clockContract('Google', () => systemClock)

channelSenderContract('Google, webhooks', async () => {
  const arrived: Arrived[] = []
  const subject = { answer: { status: 200, headers: {} as Readonly<Record<string, string>> } }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      )
      arrived.push({ headers, body: Buffer.concat(chunks).toString('utf8') })
      response.writeHead(subject.answer.status, subject.answer.headers)
      response.end()
    })
  })
  const [port, unused] = [await freePort(), await freePort()]
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const parsed = parseConfig({
    channels: {
      ops: { type: 'webhook', url: `http://127.0.0.1:${port}/hook`, allowPrivate: true },
      dead: { type: 'webhook', url: `http://127.0.0.1:${unused}/`, allowPrivate: true },
      inside: { type: 'webhook', url: `http://127.0.0.1:${port}/hook` },
    },
  })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const channels = createChannelSender({ config: parsed.config, clock: systemClock })
  return Object.assign(subject, {
    channels,
    webhookId: 'ops',
    deadWebhookId: 'dead',
    forbiddenId: 'inside',
    arrived: () => arrived,
    async close() {
      channels.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  })
})

describeWithEmulators('Google, the other ports on the emulators', () => {
  let firestore: Emulator
  let pubsub: Emulator
  beforeAll(async () => {
    ;[firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()])
  }, 120_000)
  afterAll(() => Promise.all([firestore?.stop(), pubsub?.stop()]))

  tableStoreContract('Firestore', async () => {
    const cloud = openProject({ firestore })
    return { ...cloud, tables: createTableStore(cloud.firestore) }
  })

  deadLettersContract('Firestore', async () => {
    const cloud = openProject({ firestore })
    const deadLetters = createDeadLetters({
      firestore: cloud.firestore,
      now: Date.now,
      retentionMs: 86_400_000,
    })
    return { ...cloud, deadLetters }
  })

  registryContract('Firestore', async () => {
    const cloud = openProject({ firestore })
    return { ...cloud, registry: createRegistry(cloud.firestore) }
  })

  queueSenderContract('Pub/Sub', async () => {
    const cloud = openProject({ firestore, pubsub })
    for (const queue of ['work', 'other']) await cloud.createTopic(`q-${queue}`)
    const queues = createQueueSender({
      pubsub: cloud.pubsub,
      firestore: cloud.firestore,
      prefix: 'q-',
      now: Date.now,
      own: createOwnQueues(cloud.firestore, Date.now),
    })
    return {
      ...cloud,
      queues,
      entries: async (queue) =>
        (await cloud.pull(`q-${queue}`)).map(({ data }) => JSON.parse(data.toString('utf8'))),
    }
  })

  queueReaderContract('Firestore', async () => {
    const cloud = openProject({ firestore })
    const moving = { time: 1_750_000_000_000 }
    return {
      ...cloud,
      queues: createOwnQueues(cloud.firestore, () => moving.time),
      async pass(ms) {
        moving.time += ms
      },
    }
  })

  queueSenderContract('Firestore', async () => {
    const cloud = openProject({ firestore })
    const queues = createOwnQueues(cloud.firestore, () => clock.time)
    return {
      ...cloud,
      queues,
      entries: async (queue) => {
        clock.time += 1
        return (await queues.claim(queue, 100, 1)).map(({ body }) => body)
      },
    }
  })

  notificationQueueContract('Firestore', async () => {
    const cloud = openProject({ firestore })
    return {
      ...cloud,
      clock,
      notifications: createNotificationQueue({
        firestore: cloud.firestore,
        now: clock.now,
        wake: async () => undefined,
      }),
    }
  })

  downlinkContract('Pub/Sub', async () => {
    const cloud = openProject({ pubsub })
    await cloud.createTopic('commands')
    const received: Received[] = []
    const woken: string[] = []
    const downlink = createDownlink({
      pubsub: cloud.pubsub,
      topic: 'commands',
      deliverCommands: async (deviceId) => {
        woken.push(deviceId)
      },
    })
    /** What came meanwhile, as the broker front would publish it. */
    const take = async (): Promise<void> => {
      for (const { data, attributes } of await cloud.pull('commands'))
        received.push({ topic: attributes['topic'] ?? '', payload: data })
    }
    const taking: Downlink = {
      publish: (message, key) => downlink.publish(message, key).then(take),
      shadow: (message, key) => downlink.shadow(message, key).then(take),
      command: downlink.command,
    }
    return {
      downlink: taking,
      received: () => received,
      shadowTopics: ({ deviceId, name, event }) => [
        name === ''
          ? `devices/${deviceId}/shadow/update/${event}`
          : `devices/${deviceId}/shadow/name/${name}/update/${event}`,
      ],
      woken: () => woken,
      close: cloud.close,
    }
  })
})
