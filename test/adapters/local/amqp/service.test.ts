import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Message } from 'azure-iot-common'
import type { Message as DeviceMessage } from 'azure-iot-device'
import { Client as ServiceClient } from 'azure-iothub'
import { describe, expect, it } from 'vitest'
import { type AmqpCloud, messagesOf, openAmqpCloud } from './amqp-cloud.ts'

type ServiceReceiver = ServiceClient.ServiceReceiver

interface Feedback {
  readonly originalMessageId: string
  readonly statusCode: string
  readonly deviceId: string
  readonly enqueuedTimeUtc: string
  readonly deviceGenerationId: string
}

/** The vendor's SDK for back ends takes no authority of its own. */
async function openTrusted(): Promise<AmqpCloud> {
  const cloud = await openAmqpCloud()
  setDefaultCACertificates([...getCACertificates('bundled'), cloud.authority])
  return cloud
}

function message(text: string, more: { id?: string; ack?: string; ttlMs?: number } = {}): Message {
  const made = new Message(text)
  if (more.id !== undefined) made.messageId = more.id
  if (more.ack !== undefined) made.ack = more.ack
  if (more.ttlMs !== undefined) made.expiryTimeUtc = Date.now() + more.ttlMs
  return made
}

function receiverOf(
  get: (done: (error?: Error, receiver?: ServiceReceiver) => void) => unknown,
): Promise<ServiceReceiver> {
  return new Promise((resolve, reject) =>
    get((error, receiver) => (receiver === undefined ? reject(error) : resolve(receiver))),
  )
}

/** Feedback as a back end gets it; what it does with each message is given. */
async function listen(
  client: ServiceClient,
  treat: (receiver: ServiceReceiver, message: Message) => void = (receiver, one) =>
    void receiver.complete(one),
): Promise<Feedback[]> {
  const receiver = await receiverOf((done) => client.getFeedbackReceiver(done))
  const heard: Feedback[] = []
  receiver.on('message', (one: Message) => {
    heard.push(...(JSON.parse(one.getData().toString()) as Feedback[]))
    treat(receiver, one)
  })
  receiver.on('error', () => undefined)
  return heard
}

describe('azure-iothub Client over AMQP', () => {
  it('sends to a device that is away, and hears what became of it', async () => {
    const cloud = await openTrusted()
    const service = cloud.service()
    await service.open()
    const heard = await listen(service)
    const first = message('{"do":1}', { id: 'm-1', ack: 'full' })
    first.contentType = 'application/json'
    first.correlationId = 'c-1'
    first.properties.add('k', 'v')
    await service.send('dev1', first)
    await service.send('dev1', message('two', { id: 'm-2', ack: 'positive' }))
    await service.send('dev1', message('three', { id: 'm-3', ack: 'negative' }))
    expect(await cloud.core.commands.list('dev1')).toMatchObject([
      { commandId: 'm-1', state: 'Enqueued', ack: 'full' },
      { commandId: 'm-2', state: 'Enqueued', ack: 'positive' },
      { commandId: 'm-3', state: 'Enqueued', ack: 'negative' },
    ])
    const device = await cloud.device()
    const messages = messagesOf(device)
    await expect.poll(() => messages.length).toBe(3)
    const [one] = messages
    expect(one?.getData().toString()).toBe('{"do":1}')
    expect(one).toMatchObject({
      messageId: 'm-1',
      correlationId: 'c-1',
      contentType: 'application/json',
    })
    expect(one?.properties.getValue('k')).toBe('v')
    await device.complete(messages[0] as DeviceMessage)
    await device.complete(messages[1] as DeviceMessage)
    await device.reject(messages[2] as DeviceMessage)
    await expect
      .poll(
        () => heard.map(({ originalMessageId, statusCode }) => [originalMessageId, statusCode]),
        {
          timeout: 5_000,
        },
      )
      .toEqual([
        ['m-1', 'Success'],
        ['m-2', 'Success'],
        ['m-3', 'Rejected'],
      ])
    expect(heard[0]).toMatchObject({ deviceId: 'dev1', deviceGenerationId: expect.any(String) })
    expect(Date.parse(heard[0]?.enqueuedTimeUtc ?? '')).toBeGreaterThan(0)
    // Completed: it is gone for good.
    await expect.poll(() => cloud.core.commands.claimFeedback(10, 1_000)).toEqual([])
  })

  it('gets feedback again that it gave back', async () => {
    const cloud = await openTrusted()
    const service = cloud.service()
    await service.open()
    let times = 0
    const heard = await listen(service, (receiver, one) => {
      times++
      if (times === 1) void receiver.abandon(one)
    })
    await service.send('dev1', message('x', { id: 'm-1', ack: 'full' }))
    const device = await cloud.device()
    const messages = messagesOf(device)
    await expect.poll(() => messages.length).toBe(1)
    await device.complete(messages[0] as DeviceMessage)
    await expect.poll(() => heard.length, { timeout: 5_000 }).toBe(2)
    expect(times).toBe(2)
  })

  it('refuses in the words of the vendor', async () => {
    const cloud = await openTrusted()
    const service = cloud.service()
    await service.open()
    await expect(service.send('nobody', message('x'))).rejects.toMatchObject({
      name: 'DeviceNotFoundError',
    })
    for (let index = 0; index < 50; index++) await service.send('dev1', message(`${index}`))
    await expect(service.send('dev1', message('51'))).rejects.toMatchObject({
      name: 'DeviceMaximumQueueDepthExceededError',
    })
    await cloud.core.commands.purge('dev1')
    await expect(service.send('dev1', message('x'.repeat(70_000)))).rejects.toMatchObject({
      name: 'MessageTooLargeError',
    })
    await expect(service.send('dev1', message('late', { ttlMs: -1_000 }))).rejects.toMatchObject({
      name: 'ArgumentError',
    })
    await service.send('dev1', message('fits'))
    const waiting = await cloud.core.commands.list('dev1')
    expect(waiting.filter(({ state }) => state === 'Enqueued')).toHaveLength(1)
  })

  it('tells clearly that there are no notifications about files', async () => {
    const cloud = await openTrusted()
    const service = cloud.service()
    await service.open()
    // The SDK tells it as the end of its connection.
    const told = new Promise((resolve) =>
      service.on('disconnect', ({ reason }: { reason: unknown }) => resolve(reason)),
    )
    service.getFileNotificationReceiver(() => undefined)
    expect(await told).toMatchObject({
      condition: 'amqp:not-implemented',
      description: expect.stringContaining('no uploads of files'),
    })
  })

  it('lets nobody in without the key of the owner', async () => {
    const cloud = await openTrusted()
    const wrong = ServiceClient.fromConnectionString(
      `HostName=localhost:${cloud.amqpsPort};SharedAccessKeyName=iothubowner;SharedAccessKey=${Buffer.from('wrong').toString('base64')}`,
    )
    await expect(wrong.open()).rejects.toMatchObject({
      amqpError: { name: 'UnauthorizedError' },
    })
  })
})
