import { NoRetry } from 'azure-iot-common'
import { Message } from 'azure-iot-device'
import { describe, expect, it } from 'vitest'
import { type AmqpCloud, messagesOf, openAmqpCloud } from './amqp-cloud.ts'

describe('azure-iot-device over AMQP', () => {
  it('sends telemetry with properties, which the core stores before it is accepted', async () => {
    const cloud = await openAmqpCloud(
      {},
      {
        config: {
          rules: { hot: { sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 30" } },
        },
      },
    )
    const device = await cloud.device()
    const message = new Message(JSON.stringify({ temp: 31 }))
    message.messageId = '3f0e2bd2-6b55-4bb2-a9e8-7c9f3c0d8f3a'
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    message.properties.add('alert', 'yes')
    await device.sendEvent(message)
    expect(await cloud.accepted()).toBe(1)
    expect(cloud.counts().matched).toEqual({ hot: 1 })
    const [row] = await cloud.core.ports.telemetry.range('dev1', {
      from: 0,
      to: Number.MAX_SAFE_INTEGER,
      limit: 10,
      descending: false,
    })
    expect(row).toMatchObject({
      messageId: '3f0e2bd2-6b55-4bb2-a9e8-7c9f3c0d8f3a',
      metrics: { temp: 31 },
    })
  })

  it('reads and reports its twin, and hears what is desired of it', async () => {
    const cloud = await openAmqpCloud()
    const device = await cloud.device()
    const twin = await device.getTwin()
    expect(twin.properties.desired.$version).toBe(1)
    const desired: unknown[] = []
    twin.on('properties.desired', (patch: unknown) => void desired.push(patch))
    await new Promise<void>((resolve, reject) =>
      twin.properties.reported.update({ fw: '2' }, (error: Error | null) =>
        error ? reject(error) : resolve(),
      ),
    )
    const answer = await cloud.call('/things/dev1/shadow')
    expect(await answer.json()).toMatchObject({ state: { reported: { fw: '2' } } })
    await cloud.call('/devices/dev1/shadow', {
      method: 'PATCH',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      body: '{"state":{"desired":{"interval":30}}}',
    })
    await expect.poll(() => desired).toContainEqual({ interval: 30, $version: 2 })
  })

  it('answers methods with a status of its own', async () => {
    const cloud = await openAmqpCloud()
    const device = await cloud.device()
    device.onDeviceMethod('reboot', (request, response) => {
      void response.send(202, { got: request.payload })
    })
    await expect
      .poll(
        async () =>
          cloud.core.methods
            .invoke('dev1', { name: 'reboot', payload: { delay: 5 }, responseTimeoutMs: 2_000 })
            .catch((error: Error) => error.message),
        { timeout: 5_000 },
      )
      .toEqual({ status: 202, payload: { got: { delay: 5 } } })
  })

  it('is asked by who waits for it, as soon as it is there', async () => {
    const cloud = await openAmqpCloud()
    const call = { name: 'reboot', payload: 7, connectTimeoutMs: 5_000, responseTimeoutMs: 2_000 }
    const answer = cloud.core.methods.invoke('dev1', call)
    const device = await cloud.device()
    device.onDeviceMethod('reboot', (request, response) => {
      void response.send(200, request.payload)
    })
    expect(await answer).toEqual({ status: 200, payload: 7 })
  })

  it('completes, rejects and abandons what is sent to it', async () => {
    const cloud = await openAmqpCloud()
    const device = await cloud.device()
    const messages = messagesOf(device)
    const send = (commandId: string) =>
      cloud.core.commands.send('dev1', {
        commandId,
        name: 'message',
        payload: Buffer.from(commandId),
        properties: { k: 'v' },
        maxDeliveries: 3,
      })
    const stateOf = async (commandId: string) =>
      (await cloud.core.commands.get('dev1', commandId))?.state
    await send('one')
    await expect.poll(() => messages.length).toBe(1)
    expect(messages[0]?.getData().toString()).toBe('one')
    expect(messages[0]?.messageId).toBe('one')
    expect(messages[0]?.properties.getValue('k')).toBe('v')
    expect(await stateOf('one')).toBe('Delivered')
    await device.complete(messages[0] as Message)
    await expect.poll(() => stateOf('one')).toBe('Completed')

    await send('two')
    await expect.poll(() => messages.length).toBe(2)
    await device.reject(messages[1] as Message)
    await expect.poll(() => stateOf('two')).toBe('Rejected')

    await send('three')
    await expect.poll(() => messages.length).toBe(3)
    await device.abandon(messages[2] as Message)
    await expect.poll(() => messages.length).toBe(4)
    expect(messages[3]?.messageId).toBe('three')
    await device.abandon(messages[3] as Message)
    await expect.poll(() => messages.length).toBe(5)
    await device.abandon(messages[4] as Message)
    await expect.poll(() => stateOf('three')).toBe('DeliveryCountExceeded')
    expect(messages).toHaveLength(5)
  })

  it.each([
    ['it connects anew', (cloud: AmqpCloud) => cloud.device()],
    [
      'it is disabled',
      (cloud: AmqpCloud) => cloud.admin('PATCH', '/devices/dev1', { enabled: false }),
    ],
  ])('is told at once when %s', async (_what, run) => {
    const cloud = await openAmqpCloud()
    const device = await cloud.device()
    device.setRetryPolicy(new NoRetry())
    messagesOf(device)
    await device.sendEvent(new Message('{"a":1}'))
    const gone = new Promise((resolve) => device.on('disconnect', resolve))
    const next = await run(cloud)
    // A client that waits for answers to its detaches hears of it after 45 s.
    if ('sendEvent' in next) await next.sendEvent(new Message('{"a":2}'))
    expect(await gone).toBeDefined()
  })

  it('is refused with a wrong key', async () => {
    const cloud = await openAmqpCloud()
    const wrong = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')
    await expect(cloud.device({ key: wrong })).rejects.toThrow(/Unauthorized/)
    expect((await cloud.stats())['amqp.refused']).toBe(1)
  })
})
