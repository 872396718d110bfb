import { afterAll, beforeAll } from 'vitest'
import { createDeadLetters } from '../../../adapters/aws/dead-letters.ts'
import { createNotificationQueue } from '../../../adapters/aws/notification-queue.ts'
import { createObserver } from '../../../adapters/aws/observer.ts'
import { createQueueSender } from '../../../adapters/aws/queue-sender.ts'
import { createRegistry } from '../../../adapters/aws/registry.ts'
import { createSqs } from '../../../adapters/aws/sqs.ts'
import { createTableStore } from '../../../adapters/aws/table-store.ts'
import { createThings } from '../../../adapters/aws/things.ts'
import { systemClock } from '../../../adapters/node/clock.ts'
import { deadLettersContract } from '../../contract/dead-letters.ts'
import { notificationQueueContract } from '../../contract/notification-queue.ts'
import { observerContract } from '../../contract/observer.ts'
import { queueSenderContract } from '../../contract/queue-sender.ts'
import { registryContract } from '../../contract/registry.ts'
import { tableStoreContract } from '../../contract/table-store.ts'
import {
  freshName,
  notificationsTable,
  openAccount,
  pairTable,
  REGION,
  receiveAll,
} from './fresh-account.ts'
import { describeWithMoto, type Moto, startMoto } from './moto.ts'

const clock = { time: 1_750_000_000_000, now: () => clock.time }

observerContract('AWS', () => {
  const lines: string[] = []
  const observer = createObserver({
    write: (line) => lines.push(line),
    now: () => clock.time,
    namespace: 'anyhub',
    functionName: 'ingest',
    traceId: () => '1-abc',
  })
  return {
    observer,
    count(name) {
      observer.flush()
      return lines.reduce((sum, line) => sum + Number(JSON.parse(line)[name] ?? 0), 0)
    },
    lines: () => lines,
  }
})

describeWithMoto('AWS, the other ports on moto', () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto()
    process.env['AWS_ACCESS_KEY_ID'] = 'testing'
    process.env['AWS_SECRET_ACCESS_KEY'] = 'testing'
  }, 90_000)
  afterAll(() => moto.stop())

  async function openItems() {
    const account = await openAccount(moto.endpoint)
    const table = freshName()
    await account.create(
      'dynamodb',
      'DynamoDB_20120810.CreateTable',
      pairTable(table, 'tbl', 'key'),
    )
    return { account, table, takeAway: account.takeAway, close: account.close }
  }

  tableStoreContract('DynamoDB', async () => {
    const { account, table, ...backend } = await openItems()
    return { ...backend, tables: createTableStore(account.dynamo, table) }
  })

  deadLettersContract('DynamoDB', async () => {
    const { account, table, ...backend } = await openItems()
    const { dynamo } = account
    const deadLetters = createDeadLetters({ dynamo, table, now: Date.now, retentionMs: 86_400_000 })
    return { ...backend, deadLetters }
  })

  registryContract('DynamoDB and AWS IoT', async () => {
    const { account, table, ...backend } = await openItems()
    const things = createThings({
      region: REGION,
      endpoint: moto.endpoint,
      policy: 'anyhub-device',
      clock: systemClock,
    })
    return { ...backend, registry: createRegistry({ dynamo: account.dynamo, table, things }) }
  })

  queueSenderContract('SQS', async () => {
    const account = await openAccount(moto.endpoint)
    const prefix = `${freshName()}-`
    const urls = new Map<string, string>()
    for (const queue of ['work', 'other']) {
      const url = await account.createQueue(`${prefix}${queue}.fifo`, { FifoQueue: 'true' })
      urls.set(queue, url)
    }
    return {
      takeAway: account.takeAway,
      close: account.close,
      queues: createQueueSender(createSqs(account.client), prefix),
      entries: async (queue) =>
        (await receiveAll(account, urls.get(queue) ?? '')).map((body) => JSON.parse(body)),
    }
  })

  notificationQueueContract('DynamoDB', async () => {
    const account = await openAccount(moto.endpoint)
    const table = freshName()
    await account.create('dynamodb', 'DynamoDB_20120810.CreateTable', notificationsTable(table))
    return {
      takeAway: account.takeAway,
      close: account.close,
      clock,
      notifications: createNotificationQueue({
        dynamo: account.dynamo,
        table,
        now: clock.now,
        wake: async () => undefined,
      }),
    }
  })
})
