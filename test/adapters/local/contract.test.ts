import { createChannelSender } from '../../../adapters/local/channel-sender.ts'
import { createDeadLetters } from '../../../adapters/local/dead-letters.ts'
import { DIALECTS } from '../../../adapters/local/dialects/list.ts'
import { createDownlink } from '../../../adapters/local/downlink.ts'
import { createNotificationQueue } from '../../../adapters/local/notification-queue.ts'
import { createObserver } from '../../../adapters/local/observer.ts'
import { createQueues } from '../../../adapters/local/queue-sender.ts'
import { openRegistry } from '../../../adapters/local/registry.ts'
import { createTableStore } from '../../../adapters/local/table-store.ts'
import { systemClock } from '../../../adapters/node/clock.ts'
import { createIds } from '../../../adapters/node/ids.ts'
import { channelSenderContract } from '../../contract/channel-sender.ts'
import { deadLettersContract } from '../../contract/dead-letters.ts'
import { downlinkContract, type Received } from '../../contract/downlink.ts'
import { clockContract, idSourceContract } from '../../contract/id-source.ts'
import { notificationQueueContract } from '../../contract/notification-queue.ts'
import { observerContract } from '../../contract/observer.ts'
import { queueReaderContract } from '../../contract/queue-reader.ts'
import { queueSenderContract } from '../../contract/queue-sender.ts'
import { registryContract } from '../../contract/registry.ts'
import { tableStoreContract } from '../../contract/table-store.ts'
import { openWebhooks } from '../webhooks.ts'
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

channelSenderContract('webhooks', () =>
  openWebhooks((config) => createChannelSender(config, systemClock)),
)
