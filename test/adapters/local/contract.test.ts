import { createServer, type Server } from 'node:http'
import { createChannelSender } from '../../../adapters/local/channel-sender.ts'
import { createDeadLetters } from '../../../adapters/local/dead-letters.ts'
import { DIALECTS } from '../../../adapters/local/dialects/list.ts'
import { createDownlink } from '../../../adapters/local/downlink.ts'
import { listen } from '../../../adapters/local/listeners/listen.ts'
import { createNotificationQueue } from '../../../adapters/local/notification-queue.ts'
import { createObserver } from '../../../adapters/local/observer.ts'
import { createQueues } from '../../../adapters/local/queue-sender.ts'
import { openRegistry } from '../../../adapters/local/registry.ts'
import { createTableStore } from '../../../adapters/local/table-store.ts'
import { systemClock } from '../../../adapters/node/clock.ts'
import { createIds } from '../../../adapters/node/ids.ts'
import { parseConfig } from '../../../core/index.ts'
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
import { openFresh } from './fresh-database.ts'

const clock = { time: 1_750_000_000_000, now: () => clock.time }

deadLettersContract('SQLite', async () => {
  const { database, ...backend } = await openFresh()
  return { ...backend, deadLetters: createDeadLetters(database) }
})

tableStoreContract('SQLite', async () => {
  const { database, ...backend } = await openFresh()
  return { ...backend, tables: createTableStore(database) }
})

registryContract('SQLite', async () => {
  const { database, ...backend } = await openFresh()
  return { ...backend, registry: await openRegistry(database, () => undefined) }
})

queueSenderContract('SQLite', async () => {
  const { database, ...backend } = await openFresh()
  const queues = createQueues(database, clock)
  return {
    ...backend,
    queues,
    entries: async (queue) => (await queues.claim(queue, 100, 0)).map(({ body }) => body),
  }
})

queueReaderContract('SQLite', async () => {
  const { database, ...backend } = await openFresh()
  const moving = { time: 1_750_000_000_000 }
  return {
    ...backend,
    queues: createQueues(database, { now: () => moving.time }),
    async pass(ms) {
      moving.time += ms
    },
  }
})

notificationQueueContract('SQLite', async () => {
  const { database, ...backend } = await openFresh()
  const onEnqueue = () => undefined
  return {
    ...backend,
    clock,
    notifications: createNotificationQueue({ database, clock, onEnqueue }),
  }
})

idSourceContract('Node', createIds)
clockContract('Node', () => systemClock)

observerContract('local', () => {
  const lines: string[] = []
  const observer = createObserver(
    (line) => lines.push(line),
    () => clock.time,
  )
  return { observer, count: (name) => observer.totals()[name] ?? 0, lines: () => lines }
})

downlinkContract('broker in this process', async () => {
  const received: Received[] = []
  const woken: string[] = []
  const downlink = createDownlink(
    (topic, payload) => {
      received.push({
        topic,
        payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
      })
    },
    (deviceId) => woken.push(deviceId),
  )
  return {
    downlink,
    received: () => received,
    shadowTopics: (message) => DIALECTS.map((dialect) => dialect.pushTopic(message)),
    woken: () => woken,
    close: async () => undefined,
  }
})

channelSenderContract('webhooks', async () => {
  const arrived: Arrived[] = []
  const subject = {
    answer: { status: 200, headers: {} as Readonly<Record<string, string>> },
  }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      arrived.push({ headers: request.headers as Arrived['headers'], body })
      response.writeHead(subject.answer.status, subject.answer.headers)
      response.end()
    })
  })
  const port = await listen(server, '127.0.0.1', 0, 'http-port')
  const unused = await unusedPort()
  const parsed = parseConfig({
    channels: {
      ops: { type: 'webhook', url: `http://127.0.0.1:${port}/hook`, allowPrivate: true },
      dead: { type: 'webhook', url: `http://127.0.0.1:${unused}/`, allowPrivate: true },
      inside: { type: 'webhook', url: `http://127.0.0.1:${port}/hook` },
    },
  })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const channels = createChannelSender(parsed.config, systemClock)
  return Object.assign(subject, {
    channels,
    webhookId: 'ops',
    deadWebhookId: 'dead',
    forbiddenId: 'inside',
    arrived: () => arrived,
    async close() {
      channels.close()
      await closeServer(server)
    },
  })
})

/** A port on which nobody listens any more. */
async function unusedPort(): Promise<number> {
  const server = createServer()
  const port = await listen(server, '127.0.0.1', 0, 'http-port')
  await closeServer(server)
  return port
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
