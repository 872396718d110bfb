import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs'
import { Message } from 'azure-iot-device'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ownerKeyOf } from '../../../../adapters/local/identity.ts'
import { openTlsCloud } from '../tls-cloud.ts'
import { type AmqpCloud, openAmqpCloud } from './amqp-cloud.ts'

/** The vendor's SDK takes no authority of its own. */
async function openTrusted(...options: Parameters<typeof openAmqpCloud>): Promise<AmqpCloud> {
  const cloud = await openAmqpCloud(...options)
  setDefaultCACertificates([...getCACertificates('bundled'), cloud.authority])
  return cloud
}

function consumerOf(cloud: AmqpCloud, { group = '$Default', key = '', hub = 'anyhub' } = {}) {
  const secret = key === '' ? ownerKeyOf(cloud.adminToken) : key
  const client = new EventHubConsumerClient(
    group,
    `Endpoint=sb://localhost/;SharedAccessKeyName=iothubowner;SharedAccessKey=${secret}`,
    hub,
    {
      customEndpointAddress: `sb://localhost:${cloud.amqpsPort}`,
      retryOptions: { maxRetries: 0, timeoutInMs: 5_000 },
    },
  )
  onTestFinished(() => client.close().catch(() => undefined))
  return client
}

/** What a consumer gets, from all partitions or one. */
function read(
  client: EventHubConsumerClient,
  options: SubscribeOptions = { startPosition: earliestEventPosition },
  partition?: string,
): { readonly events: ReceivedEventData[]; readonly errors: string[] } {
  const events: ReceivedEventData[] = []
  const errors: string[] = []
  const handlers = {
    processEvents: async (got: ReceivedEventData[]) => void events.push(...got),
    processError: async (error: Error & { code?: string }) =>
      void errors.push(`${error.code ?? error.name}`),
  }
  const all = { maxWaitTimeInSeconds: 0.2, ...options }
  const subscription =
    partition === undefined
      ? client.subscribe(handlers, all)
      : client.subscribe(partition, handlers, all)
  onTestFinished(() => subscription.close().catch(() => undefined))
  return { events, errors }
}

async function send(cloud: AmqpCloud, deviceId: string, body: string): Promise<void> {
  const answer = await cloud.call(`/devices/${deviceId}/telemetry`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(answer.status).toBeLessThan(300)
}

/** The partition where the events of a device are. */
async function partitionOf(client: EventHubConsumerClient): Promise<string> {
  for (const id of await client.getPartitionIds())
    if (!(await client.getPartitionProperties(id)).isEmpty) return id
  throw new Error('no event')
}

describe('@azure/event-hubs', () => {
  it('tells about the hub and its partitions', async () => {
    const cloud = await openTrusted()
    const client = consumerOf(cloud)
    expect(await client.getEventHubProperties()).toMatchObject({
      name: 'anyhub',
      partitionIds: ['0', '1', '2', '3'],
    })
    expect(await client.getPartitionProperties('0')).toMatchObject({
      isEmpty: true,
      lastEnqueuedSequenceNumber: -1,
    })
    await send(cloud, 'a', '{"n":1}')
    await send(cloud, 'a', '{"n":2}')
    expect(await client.getPartitionProperties(await partitionOf(client))).toMatchObject({
      isEmpty: false,
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: 1,
    })
  })

  it('gets what every dialect sent, with the words of IoT Hub about it', async () => {
    const cloud = await openTrusted()
    const device = await cloud.device()
    const message = new Message('{"temp":1}')
    message.messageId = 'm-1'
    message.contentType = 'application/json'
    message.properties.add('alert', 'yes')
    await device.sendEvent(message)
    await send(cloud, 'other', '{"temp":2}')
    const { events } = read(consumerOf(cloud), {
      startPosition: earliestEventPosition,
      trackLastEnqueuedEventProperties: true,
    })
    await expect.poll(() => events.length, { timeout: 8_000 }).toBe(2)
    const own = events.find(({ body }) => body.temp === 1)
    expect(own).toMatchObject({
      body: { temp: 1 },
      messageId: 'm-1',
      contentType: 'application/json',
      properties: { alert: 'yes' },
      sequenceNumber: 0,
      offset: '0',
      partitionKey: 'dev1',
      systemProperties: {
        'iothub-connection-device-id': 'dev1',
        'iothub-message-source': 'Telemetry',
        'iothub-enqueuedtime': expect.any(Number),
        'iothub-connection-auth-method': expect.stringContaining('"scope":"device"'),
      },
    })
    expect(Math.abs(Date.now() - Number(own?.enqueuedTimeUtc))).toBeLessThan(60_000)
    const other = events.find(({ body }) => body.temp === 2)
    expect(other?.systemProperties?.['iothub-connection-device-id']).toBe('other')
  })

  it('starts where it is told: sequence number, offset, time, latest', async () => {
    const cloud = await openTrusted()
    const client = consumerOf(cloud)
    for (const n of [0, 1, 2]) await send(cloud, 'a', `{"n":${n}}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const time = Date.now()
    await new Promise((resolve) => setTimeout(resolve, 20))
    for (const n of [3, 4]) await send(cloud, 'a', `{"n":${n}}`)
    const partition = await partitionOf(client)
    const from = (startPosition: EventPosition) =>
      read(
        consumerOf(cloud, { group: `g${Math.random().toString(36).slice(2)}` }),
        { startPosition },
        partition,
      )
    const after = from({ sequenceNumber: 1 })
    const including = from({ sequenceNumber: 1, isInclusive: true })
    const offset = from({ offset: '2' })
    const since = from({ enqueuedOn: time })
    const latest = from(latestEventPosition)
    const numbers = ({ events }: { events: ReceivedEventData[] }) =>
      events.map(({ body }) => body.n)
    await expect.poll(() => numbers(after), { timeout: 8_000 }).toEqual([2, 3, 4])
    await expect.poll(() => numbers(including)).toEqual([1, 2, 3, 4])
    await expect.poll(() => numbers(offset)).toEqual([3, 4])
    await expect.poll(() => numbers(since)).toEqual([3, 4])
    expect(numbers(latest)).toEqual([])
    await send(cloud, 'a', '{"n":5}')
    await expect.poll(() => numbers(latest)).toEqual([5])
    await expect.poll(() => numbers(after)).toEqual([2, 3, 4, 5])
    expect([...after.errors, ...latest.errors]).toEqual([])
  })

  it('is reached by the connection string that the cloud tells its admin', async () => {
    const cloud = await openTrusted()
    await send(cloud, 'a', '{"n":1}')
    const client = new EventHubConsumerClient(
      '$Default',
      `Endpoint=sb://localhost:${cloud.amqpsPort}/;SharedAccessKeyName=iothubowner;SharedAccessKey=${ownerKeyOf(cloud.adminToken)};EntityPath=anyhub`,
      { retryOptions: { maxRetries: 0, timeoutInMs: 5_000 } },
    )
    onTestFinished(() => client.close().catch(() => undefined))
    const { events } = read(client)
    await expect.poll(() => events.length, { timeout: 8_000 }).toBe(1)
  })

  it('gives an exclusive consumer the partition, and the one before it a clear error', async () => {
    const cloud = await openTrusted()
    await send(cloud, 'a', '{"n":0}')
    const client = consumerOf(cloud)
    const partition = await partitionOf(client)
    const first = read(client, { startPosition: earliestEventPosition, ownerLevel: 1 }, partition)
    await expect.poll(() => first.events.length, { timeout: 8_000 }).toBe(1)
    const second = read(
      consumerOf(cloud),
      { startPosition: earliestEventPosition, ownerLevel: 2 },
      partition,
    )
    await expect.poll(() => second.events.length, { timeout: 8_000 }).toBe(1)
    await expect.poll(() => first.errors, { timeout: 8_000 }).toContain('ReceiverDisconnectedError')
  })

  it('refuses a wrong key, another hub and whoever would send', async () => {
    const cloud = await openTrusted()
    await expect(
      consumerOf(cloud, { key: 'd3Jvbmc=' }).getEventHubProperties(),
    ).rejects.toMatchObject({ code: 'UnauthorizedError' })
    await expect(consumerOf(cloud, { hub: 'nope' }).getEventHubProperties()).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    })
    const producer = new EventHubProducerClient(
      `Endpoint=sb://localhost/;SharedAccessKeyName=iothubowner;SharedAccessKey=${ownerKeyOf(cloud.adminToken)}`,
      'anyhub',
      {
        customEndpointAddress: `sb://localhost:${cloud.amqpsPort}`,
        retryOptions: { maxRetries: 0, timeoutInMs: 3_000 },
      },
    )
    onTestFinished(() => producer.close().catch(() => undefined))
    await expect(producer.sendBatch([{ body: 1 }])).rejects.toThrow(/sent by devices/)
  })

  it('keeps events over a restart, and not more of them than it is told', async () => {
    const config = { eventHub: { partitions: 1, events: 20 } }
    const cloud = await openTrusted({}, { config })
    for (let n = 0; n < 50; n++) await send(cloud, 'a', `{"n":${n}}`)
    await cloud.close()
    const opened = await openTlsCloud({ amqpsPort: 0 }, { config, data: cloud.data })
    const again = { ...cloud, ...opened }
    const client = consumerOf(again)
    const facts = await client.getPartitionProperties('0')
    expect(facts.lastEnqueuedSequenceNumber).toBe(49)
    expect(49 - facts.beginningSequenceNumber).toBeLessThan(25)
    expect(49 - facts.beginningSequenceNumber).toBeGreaterThanOrEqual(19)
    await send(again, 'a', '{"n":50}')
    const { events } = read(client, { startPosition: { sequenceNumber: 47 } }, '0')
    await expect
      .poll(() => events.map(({ body }) => body.n), { timeout: 8_000 })
      .toEqual([48, 49, 50])
  })

  it('keeps nothing until somebody wants it, unless the port was asked for', async () => {
    const cloud = await openTrusted({ keepEvents: false })
    await send(cloud, 'a', '{"n":0}')
    const client = consumerOf(cloud)
    for (const id of await client.getPartitionIds())
      expect((await client.getPartitionProperties(id)).isEmpty).toBe(true)
    await send(cloud, 'a', '{"n":1}')
    const partition = await partitionOf(client)
    expect(await client.getPartitionProperties(partition)).toMatchObject({
      lastEnqueuedSequenceNumber: 0,
    })
  })
})
