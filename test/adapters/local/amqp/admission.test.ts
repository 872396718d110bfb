import { connect } from 'node:tls'
import { Client, Message } from 'azure-iot-device'
import { Amqp } from 'azure-iot-device-amqp'
import rhea from 'rhea'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ownerKeyOf } from '../../../../adapters/local/identity.ts'
import { createSasToken } from '../../../../adapters/local/sas.ts'
import { type AmqpCloud, messagesOf, openAmqpCloud } from './amqp-cloud.ts'

/** A bare client, that may do what an SDK would not. */
function bare(cloud: AmqpCloud, options: object = {}) {
  const container = rhea.create_container()
  const errors: string[] = []
  container.on('error', () => undefined)
  container.on('disconnected', () => undefined)
  for (const event of ['connection_error', 'sender_error', 'receiver_error'])
    container.on(event, (context: rhea.EventContext) => {
      const { error } = context.sender ?? context.receiver ?? context.connection
      errors.push(String((error as { condition?: string } | undefined)?.condition))
    })
  const connection = container.connect({
    port: cloud.amqpsPort ?? 0,
    host: 'localhost',
    transport: 'tls',
    ca: cloud.authority,
    reconnect: false,
    username: 'anonymous',
    ...options,
  })
  onTestFinished(() => connection.close())
  let next = 0
  const replies = new Map<unknown, number>()
  const cbsIn = connection.open_receiver({ source: '$cbs', name: 'cbs' })
  const cbsOut = connection.open_sender('$cbs')
  cbsIn.on('message', ({ message }: rhea.EventContext) => {
    replies.set(message?.correlation_id, Number(message?.application_properties?.['status-code']))
  })
  return {
    connection,
    errors,
    async put(name: string, token: string): Promise<number | undefined> {
      const id = `q${next++}`
      cbsOut.send({
        message_id: id,
        reply_to: 'cbs',
        application_properties: {
          operation: 'put-token',
          type: 'servicebus.windows.net:sastoken',
          name,
        },
        body: token,
      })
      await expect.poll(() => replies.has(id)).toBe(true)
      return replies.get(id)
    },
  }
}

const EVENTS = '/devices/dev1/messages/events'

describe('who may do what over AMQP', () => {
  it('nobody whose frames lie: it is counted, and a device goes on', async () => {
    const cloud = await openAmqpCloud()
    const device = await cloud.device()
    const stranger = connect({ port: cloud.amqpsPort ?? 0, host: 'localhost', ca: cloud.authority })
    stranger.on('error', () => undefined).resume()
    const closed = new Promise((resolve) => stranger.on('close', resolve))
    // The header of the protocol, and a frame of 4 GB.
    stranger.write(Buffer.from('414d515000010000ffffffff02000000', 'hex'))
    await closed
    await expect.poll(async () => (await cloud.stats())['amqp.fault']).toBe(1)
    await device.sendEvent(new Message('{"a":1}'))
    expect(await cloud.accepted()).toBe(1)
  })

  it('a device with a certificate', async () => {
    const cloud = await openAmqpCloud({ requireAuth: true })
    const proof = await cloud.add('cert1')
    const client = Client.fromConnectionString(
      `HostName=localhost:${cloud.amqpsPort};DeviceId=cert1;x509=true`,
      Amqp,
    )
    await client.setOptions({ ca: cloud.authority, cert: proof.certificate, key: proof.privateKey })
    onTestFinished(() => client.close().then(nothing, nothing))
    await client.open()
    const messages = messagesOf(client)
    await client.sendEvent(
      new (await import('azure-iot-device')).Message('{"a":1}') as unknown as Message,
    )
    await cloud.core.commands.send('cert1', { name: 'message', payload: Buffer.from('hi') })
    await expect.poll(() => messages.length).toBe(1)
    expect(await cloud.accepted()).toBe(1)
  })

  it('nobody without a proof', async () => {
    const cloud = await openAmqpCloud()
    const { connection, errors } = bare(cloud)
    connection.open_sender(EVENTS)
    await expect.poll(() => errors).toEqual(['amqp:unauthorized-access'])
    connection.open_sender('/messages/devicebound')
    await expect.poll(() => errors.length).toBe(2)
    connection.open_receiver('anyhub/ConsumerGroups/$Default/Partitions/0')
    await expect.poll(() => errors.length).toBe(3)
    expect(new Set(errors)).toEqual(new Set(['amqp:unauthorized-access']))
  })

  it('a device is itself and nobody else', async () => {
    const cloud = await openAmqpCloud()
    await cloud.admin('POST', '/devices', { deviceId: 'dev2', credential: 'key' })
    const { connection, errors, put } = bare(cloud)
    expect(await put('localhost/devices/dev1', cloud.sas())).toBe(200)
    expect(await put('localhost/devices/dev2', cloud.sas())).toBe(401)
    connection.open_sender('/devices/dev2/messages/events')
    await expect.poll(() => errors).toEqual(['amqp:unauthorized-access'])
    connection.open_receiver('/messages/serviceBound/feedback')
    await expect.poll(() => errors.length).toBe(2)
    const own = connection.open_sender(EVENTS)
    await expect.poll(() => own.sendable()).toBe(true)
  })

  it.each([
    ['a token that has expired', (cloud: AmqpCloud) => cloud.sas(Date.now() - 1_000)],
    ['a token of another key', (cloud: AmqpCloud) => cloud.sas(undefined, ownerKeyOf('x'))],
    ['no token', () => 'x'],
    ['an empty token', () => ''],
    [
      'a policy that is none',
      (cloud: AmqpCloud) =>
        createSasToken({
          resource: 'localhost',
          key: ownerKeyOf(cloud.adminToken),
          expiresAt: Date.now() + 60_000,
          policy: 'other',
        }),
    ],
  ])('%s proves nothing', async (_, token) => {
    const cloud = await openAmqpCloud()
    const { put } = bare(cloud)
    expect(await put('localhost/devices/dev1', token(cloud))).toBe(401)
    expect(await put('localhost', token(cloud))).toBe(401)
  })

  it('proves it by user name and password as well', async () => {
    const cloud = await openAmqpCloud()
    const { connection } = bare(cloud, { username: 'dev1@sas.localhost', password: cloud.sas() })
    const sender = connection.open_sender(EVENTS)
    await expect.poll(() => sender.sendable()).toBe(true)
    const wrong = bare(cloud, { username: 'dev1@sas.localhost', password: 'x' })
    await expect.poll(() => wrong.connection.is_closed() || wrong.errors.length > 0).toBe(true)
    expect(wrong.connection.is_open()).toBe(false)
  })

  it('ends with its token', async () => {
    const cloud = await openAmqpCloud()
    const { connection, put } = bare(cloud)
    const closed = new Promise<string>((resolve) =>
      connection.on('connection_error', ({ connection: one }: rhea.EventContext) =>
        resolve(String((one.error as { condition?: string } | undefined)?.condition)),
      ),
    )
    // Tokens know whole seconds.
    expect(await put('localhost/devices/dev1', cloud.sas(Date.now() + 2_000))).toBe(200)
    const sender = connection.open_sender(EVENTS)
    await expect.poll(() => sender.sendable()).toBe(true)
    expect(await closed).toBe('amqp:unauthorized-access')
    expect((await cloud.stats())['amqp.expired']).toBe(1)
  })

  it('goes on with a new token', async () => {
    const cloud = await openAmqpCloud()
    const { connection, put } = bare(cloud)
    expect(await put('localhost/devices/dev1', cloud.sas(Date.now() + 2_000))).toBe(200)
    const sender = connection.open_sender(EVENTS)
    await expect.poll(() => sender.sendable()).toBe(true)
    expect(await put('localhost/devices/dev1', cloud.sas(Date.now() + 60_000))).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 2_200))
    expect(sender.is_open()).toBe(true)
  })

  it('is cut off as soon as it is disabled', async () => {
    const cloud = await openAmqpCloud()
    const { connection, errors, put } = bare(cloud)
    await put('localhost/devices/dev1', cloud.sas())
    const sender = connection.open_sender(EVENTS)
    await expect.poll(() => sender.sendable()).toBe(true)
    const answer = await cloud.admin('PATCH', '/devices/dev1', { enabled: false })
    expect(answer.status).toBe(200)
    await expect.poll(() => connection.is_open()).toBe(false)
    expect(errors).toContain('amqp:unauthorized-access')
    const again = bare(cloud)
    expect(await again.put('localhost/devices/dev1', cloud.sas())).toBe(401)
  })

  it('proves nothing more by a key that was replaced, or for a device that was removed', async () => {
    const cloud = await openAmqpCloud()
    const { connection, errors, put } = bare(cloud)
    expect(await put('localhost/devices/dev1', cloud.sas())).toBe(200)
    expect((await cloud.admin('DELETE', '/devices/dev1')).status).toBeLessThan(300)
    connection.open_sender(EVENTS)
    await expect.poll(() => errors).toEqual(['amqp:unauthorized-access'])
    expect(await put('localhost/devices/dev1', cloud.sas())).toBe(401)
  })

  it('has one connection for each device: the new one wins', async () => {
    const cloud = await openAmqpCloud()
    const first = bare(cloud)
    await first.put('localhost/devices/dev1', cloud.sas())
    const sender = first.connection.open_sender(EVENTS)
    await expect.poll(() => sender.sendable()).toBe(true)
    const second = bare(cloud)
    await second.put('localhost/devices/dev1', cloud.sas())
    const other = second.connection.open_sender(EVENTS)
    await expect.poll(() => other.sendable()).toBe(true)
    await expect.poll(() => first.connection.is_open()).toBe(false)
    expect(first.errors).toContain('amqp:connection:forced')
    other.send({ body: '{"a":1}' })
    await expect.poll(() => cloud.accepted()).toBe(1)
    const record = await cloud.core.ports.devices.load('dev1')
    expect(record?.presence.connected).toBe(true)
    second.connection.close()
    await expect
      .poll(async () => (await cloud.core.ports.devices.load('dev1'))?.presence.connected)
      .toBe(false)
  })

  it('a command that was held when the connection ended waits for the next one', async () => {
    const cloud = await openAmqpCloud()
    const first = bare(cloud)
    await first.put('localhost/devices/dev1', cloud.sas())
    const held: unknown[] = []
    const receiver = first.connection.open_receiver({
      source: '/devices/dev1/messages/devicebound',
      autoaccept: false,
    })
    receiver.on('message', ({ message }: rhea.EventContext) => void held.push(message?.message_id))
    await cloud.core.commands.send('dev1', {
      commandId: 'c-1',
      name: 'message',
      payload: Buffer.from('hi'),
    })
    await expect.poll(() => held).toEqual(['c-1'])
    first.connection.close()
    const device = await cloud.device()
    const messages = messagesOf(device)
    await expect.poll(() => messages.length).toBe(1)
    await device.complete(messages[0] as Message)
    await expect
      .poll(async () => (await cloud.core.commands.get('dev1', 'c-1'))?.state)
      .toBe('Completed')
  })

  it.each([
    ['/devices/dev1/modules/m/messages/events', 'amqp:not-implemented'],
    ['/devices/dev1/other', 'amqp:not-found'],
    ['$other', 'amqp:not-found'],
    ['/devices/dev1/messages/devicebound', 'amqp:not-allowed'],
  ])('%j is refused clearly', async (address, condition) => {
    const cloud = await openAmqpCloud()
    const { connection, errors, put } = bare(cloud)
    await put('localhost/devices/dev1', cloud.sas())
    connection.open_sender(address)
    await expect.poll(() => errors).toEqual([condition])
  })

  it('telemetry that cannot be decoded is set aside, and accepted', async () => {
    const cloud = await openAmqpCloud()
    const { connection, put } = bare(cloud)
    await put('localhost/devices/dev1', cloud.sas())
    const sender = connection.open_sender(EVENTS)
    const told: string[] = []
    for (const event of ['accepted', 'rejected', 'released'])
      sender.on(event, () => void told.push(event))
    await expect.poll(() => sender.sendable()).toBe(true)
    sender.send({ body: rhea.message.data_section(Buffer.from('no json')) })
    await expect.poll(() => told).toEqual(['accepted'])
    expect(await cloud.core.ports.deadLetters.count()).toBe(1)
    sender.send({ body: rhea.message.data_section(Buffer.alloc(262_145, 32)) })
    await expect.poll(() => told).toEqual(['accepted', 'rejected'])
  })

  it('takes a batch as the messages that are in it', async () => {
    const cloud = await openAmqpCloud()
    const { connection, put } = bare(cloud)
    await put('localhost/devices/dev1', cloud.sas())
    const sender = connection.open_sender(EVENTS)
    await expect.poll(() => sender.sendable()).toBe(true)
    const parts = [1, 2, 3].map((n) =>
      rhea.message.encode({
        message_id: `m-${n}`,
        body: rhea.message.data_section(Buffer.from(`{"n":${n}}`)),
      }),
    )
    sender.send(
      rhea.message.encode({ body: rhea.message.data_sections(parts) }),
      undefined,
      0x80013700,
    )
    await expect.poll(() => cloud.accepted()).toBe(3)
  })

  it('a twin that is too large is told so, and nothing is changed', async () => {
    const cloud = await openAmqpCloud()
    const device = await cloud.device()
    const twin = await device.getTwin()
    const error = await new Promise<Error | null>((resolve) =>
      twin.properties.reported.update({ big: 'x'.repeat(5_000) }, (failure: Error | null) =>
        resolve(failure),
      ),
    )
    expect(error).toMatchObject({
      amqpError: { name: 'FormatError', message: { errorCode: 400_004 } },
    })
    expect(await cloud.core.ports.devices.load('dev1')).toMatchObject({ shadows: {} })
  })
})

function nothing(): undefined {
  return undefined
}
