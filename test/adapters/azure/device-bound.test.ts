import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDeviceBound, type DeviceBound } from '../../../adapters/azure/device-bound.ts'
import { type EmbeddedHub, startHub } from './embedded-hub.ts'
import { openWay } from './way.ts'

let counter = 0

describe('Azure: messages to devices, by azure-iothub', () => {
  let hub: EmbeddedHub
  const opened: DeviceBound[] = []
  beforeAll(async () => {
    hub = await startHub()
    for (const deviceId of ['dev-1', 'full'])
      await hub.ask('PUT', `/devices/${deviceId}`, { deviceId })
  }, 30_000)
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })
  afterAll(() => hub.close())

  function open(connection = hub.settings.iotHubConnection ?? ''): DeviceBound {
    const deviceBound = createDeviceBound({
      host: 'localhost',
      connection,
      token: async () => '',
      now: Date.now,
    })
    opened.push(deviceBound)
    return deviceBound
  }

  const message = (more: object = {}) => ({
    messageId: `m-${++counter}`,
    payload: Buffer.from('{"a":1}'),
    ack: 'none' as const,
    properties: {},
    ...more,
  })
  const waiting = async (deviceId: string) =>
    (await hub.cloud.core.commands.list(deviceId)).map(({ commandId }) => commandId)

  it('arrive as they are, with what is said of them', async () => {
    const payload = Buffer.from([0, 0xff, 0x80])
    const expiresAt = Date.now() + 60_000
    const sent = message({
      payload,
      expiresAt,
      ack: 'full',
      contentType: 'application/octet-stream',
      correlationId: 'c-1',
      properties: { 'a b': 'ü', n: '1' },
    })
    await open().send('dev-1', sent)
    const received = await hub.cloud.core.commands.receive('dev-1')
    expect(Buffer.from(received?.payload ?? [])).toEqual(payload)
    expect(received).toMatchObject({
      command: { commandId: sent.messageId, ack: 'full', expiresAt },
      contentType: 'application/octet-stream',
      correlationId: 'c-1',
      properties: { 'a b': 'ü', n: '1' },
    })
  })

  it('may be of no bytes, and named by a UUID', async () => {
    const messageId = '6f0e2c1a-8d55-4c8e-9c4b-2f6a9d1f7b10'
    await open().send('dev-1', message({ messageId, payload: Buffer.alloc(0) }))
    const received = await hub.cloud.core.commands.receive('dev-1')
    expect([received?.command.commandId, received?.payload.length]).toEqual([messageId, 0])
  })

  it('go over a connection that was kept, and over a new one where it was cut', async () => {
    const way = await openWay(hub.cloud.amqpsPort ?? 0)
    const connection = (hub.settings.iotHubConnection ?? '').replace(
      `localhost:${hub.cloud.amqpsPort}`,
      `localhost:${way.port}`,
    )
    const deviceBound = open(connection)
    await hub.cloud.core.commands.purge('dev-1')
    const sent = [message(), message(), message()]
    await deviceBound.send('dev-1', sent[0]!)
    await deviceBound.send('dev-1', sent[1]!)
    expect(way.connections()).toBe(1)
    way.cut()
    await deviceBound.send('dev-1', sent[2]!)
    expect(way.connections()).toBe(2)
    const found = (await waiting('dev-1')).slice(-3)
    expect(found).toEqual(sent.map(({ messageId }) => messageId))
    way.close()
  })

  it.each([
    ['a device that the hub does not know', 'nobody', {}, 'input.not_found', false],
    ['too many bytes', 'dev-1', { payload: Buffer.alloc(70_000) }, 'command.too_large', false],
    ['a time that is over', 'dev-1', { expiresAt: 1 }, 'command.invalid', false],
  ])('are refused for %s', async (_why, deviceId, more, code, retryable) => {
    await expect(open().send(deviceId, message(more))).rejects.toMatchObject({ code, retryable })
  })

  it('are refused for now where fifty wait', async () => {
    for (let index = 0; index < 50; index++)
      await hub.cloud.core.commands.send('full', { name: 'x', payload: new Uint8Array() })
    await expect(open().send('full', message())).rejects.toMatchObject({
      code: 'command.queue_full',
      retryable: true,
    })
  })

  it.each([
    ['nobody is there', 'localhost:1', ''],
    ['the name leads nowhere', 'gone.invalid', ''],
    ['the key is another', '', Buffer.from('another').toString('base64')],
  ])('may go later where %s', async (_why, host, key) => {
    const own = hub.settings.iotHubConnection ?? ''
    const connection = [
      `HostName=${host === '' ? /HostName=([^;]+)/.exec(own)?.[1] : host}`,
      'SharedAccessKeyName=iothubowner',
      `SharedAccessKey=${key === '' ? /SharedAccessKey=(.+)$/.exec(own)?.[1] : key}`,
    ].join(';')
    await expect(open(connection).send('dev-1', message())).rejects.toMatchObject({
      code: 'store.unavailable',
      retryable: true,
    })
  })
})
