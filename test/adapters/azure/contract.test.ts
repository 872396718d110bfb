import { createServer } from 'node:http'
import { afterAll, beforeAll } from 'vitest'
import { createChannelSender } from '../../../adapters/azure/channel-sender.ts'
import { createAzureClient } from '../../../adapters/azure/client.ts'
import { createDeadLetters } from '../../../adapters/azure/dead-letters.ts'
import type { Metrics } from '../../../adapters/azure/metrics-exporter.ts'
import { createNotificationQueue } from '../../../adapters/azure/notification-queue.ts'
import { createObjectStore } from '../../../adapters/azure/object-store.ts'
import { createObserver } from '../../../adapters/azure/observer.ts'
import { createOwnQueues } from '../../../adapters/azure/own-queues.ts'
import { createQueueSender } from '../../../adapters/azure/queue-sender.ts'
import { createStorageQueues } from '../../../adapters/azure/storage-queue.ts'
import { createTableStore } from '../../../adapters/azure/table-store.ts'
import { systemClock } from '../../../adapters/node/clock.ts'
import { createIds } from '../../../adapters/node/ids.ts'
import { parseConfig } from '../../../core/index.ts'
import { type Arrived, channelSenderContract } from '../../contract/channel-sender.ts'
import { deadLettersContract } from '../../contract/dead-letters.ts'
import { clockContract, idSourceContract } from '../../contract/id-source.ts'
import { notificationQueueContract } from '../../contract/notification-queue.ts'
import { observerContract } from '../../contract/observer.ts'
import { queueReaderContract } from '../../contract/queue-reader.ts'
import { queueSenderContract } from '../../contract/queue-sender.ts'
import { tableStoreContract } from '../../contract/table-store.ts'
import { freePort } from '../aws/moto.ts'
import { ACCOUNT, type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { type Account, openAccount } from './fresh-account.ts'

const clock = { time: 1_750_000_000_000, now: () => clock.time }

observerContract('Azure', () => {
  const lines: string[] = []
  const sent: Metrics[] = []
  const moving = { time: clock.time }
  const observer = createObserver({
    write: (_level, line) => lines.push(line),
    send: async (metrics) => void sent.push(metrics),
    now: () => moving.time,
    traceId: () => 'a'.repeat(32),
  })
  return {
    observer,
    count(name) {
      moving.time += 60_000
      observer.flush()
      return sent.reduce((sum, { counts }) => sum + (counts.get(name) ?? 0), 0)
    },
    lines: () => lines,
  }
})

idSourceContract('Azure', createIds)
clockContract('Azure', () => systemClock)

channelSenderContract('Azure, webhooks', async () => {
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
  const channels = createChannelSender({
    client: createAzureClient({ services: {}, random: Math.random }),
    config: parsed.config,
    clock: systemClock,
    settings: {
      communicationEndpoint: undefined,
      mailFrom: undefined,
      smsFrom: undefined,
      notificationHub: undefined,
      notificationHubConnection: undefined,
    },
  })
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

describeWithEmulators('Azure, the other ports on the emulators', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  beforeAll(async () => {
    ;[azurite, cosmos] = await Promise.all([startAzurite(), startCosmos()])
  }, 90_000)
  afterAll(() => Promise.all([azurite?.stop(), cosmos?.stop()]))

  const objectsOf = ({ blobs, name }: Account) =>
    createObjectStore({
      blobs,
      endpoint: azurite.blobEndpoint,
      account: ACCOUNT,
      container: name,
      now: Date.now,
    })

  tableStoreContract('Cosmos', async () => {
    const account = await openAccount({ cosmos })
    return { ...account, tables: createTableStore(account.cosmos) }
  })

  deadLettersContract('Cosmos', async () => {
    const account = await openAccount({ cosmos, azurite })
    const deadLetters = createDeadLetters({
      cosmos: account.cosmos,
      objects: objectsOf(account),
      retentionMs: 86_400_000,
    })
    return { ...account, deadLetters }
  })

  queueSenderContract('Storage queues', async () => {
    const account = await openAccount({ cosmos, azurite })
    for (const queue of ['work', 'other']) await account.createQueue(`${account.name}-${queue}`)
    const queues = createQueueSender({
      queues: createStorageQueues(account.client),
      cosmos: account.cosmos,
      objects: objectsOf(account),
      prefix: `${account.name}-`,
      now: Date.now,
      own: createOwnQueues(account.cosmos, Date.now),
    })
    return {
      ...account,
      queues,
      entries: async (queue) =>
        (await account.peekAll(`${account.name}-${queue}`)).map((text) => JSON.parse(text)),
    }
  })

  queueReaderContract('Cosmos', async () => {
    const account = await openAccount({ cosmos })
    const moving = { time: 1_750_000_000_000 }
    return {
      ...account,
      queues: createOwnQueues(account.cosmos, () => moving.time),
      async pass(ms) {
        moving.time += ms
      },
    }
  })

  queueSenderContract('Cosmos', async () => {
    const account = await openAccount({ cosmos })
    const queues = createOwnQueues(account.cosmos, () => clock.time)
    return {
      ...account,
      queues,
      entries: async (queue) => {
        clock.time += 1
        return (await queues.claim(queue, 100, 1)).map(({ body }) => body)
      },
    }
  })

  notificationQueueContract('Cosmos', async () => {
    const account = await openAccount({ cosmos })
    return {
      ...account,
      clock,
      notifications: createNotificationQueue({
        cosmos: account.cosmos,
        now: clock.now,
        wake: async () => undefined,
      }),
    }
  })
})
