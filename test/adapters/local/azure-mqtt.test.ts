import { describe, expect, it } from 'vitest'
import { ownerKeyOf } from '../../../adapters/local/identity.ts'
import { createSasToken } from '../../../adapters/local/sas.ts'
import {
  type AzureCloud,
  type ConnectOptions,
  closeOf,
  openAzureCloud,
  USERNAME,
} from './azure-cloud.ts'

const HOUR = 3_600_000

describe('CONNECT of an Azure device', () => {
  it('is accepted with either key, with the owner policy and with a certificate', async () => {
    const cloud = await openAzureCloud()
    const policy = createSasToken({
      resource: 'localhost/devices/dev1',
      key: ownerKeyOf(cloud.adminToken),
      expiresAt: Date.now() + HOUR,
      policy: 'iothubowner',
    })
    for (const password of [
      cloud.sas(),
      cloud.sas(Date.now() + HOUR, cloud.secondaryKey),
      cloud.sas(Date.now() + HOUR, cloud.key, 'hub.azure-devices.net/devices/dev1'),
      policy,
    ]) {
      const client = await cloud.connectAzure({ password })
      expect(client.connected).toBe(true)
      client.end(true)
    }
    const proof = await cloud.add('dev2')
    const client = await cloud.connect('dev2', proof, {
      username: 'localhost/dev2/?api-version=2021-04-12&DeviceClientType=x',
      protocolVersion: 4,
    })
    expect(client.connected).toBe(true)
  })

  const refusals: [string, (cloud: AzureCloud) => ConnectOptions, number][] = [
    ['a wrong key', (cloud) => ({ password: cloud.sas(undefined, btoa('wrong wrong wrong')) }), 5],
    ['an expired token', (cloud) => ({ password: cloud.sas(Date.now() - 1_000) }), 5],
    ['a token of another device', (c) => ({ password: c.sas(undefined, c.key, 'h/devices/d') }), 5],
    [
      'a token of the whole hub without policy',
      (c) => ({ password: c.sas(undefined, c.key, 'h') }),
      5,
    ],
    ['a password that is no token', () => ({ password: 'secret' }), 5],
    ['no password', () => ({ password: undefined }), 5],
    ['another client id', () => ({ clientId: 'dev2' }), 2],
    [
      'a module',
      () => ({ clientId: 'dev1/m', username: 'localhost/dev1/m/?api-version=2021-04-12' }),
      2,
    ],
    [
      'an unknown device',
      () => ({ clientId: 'dev9', username: 'localhost/dev9/?api-version=2021-04-12' }),
      5,
    ],
  ]
  it.each(refusals)('is refused with %s', async (_name, options, code) => {
    const cloud = await openAzureCloud()
    await expect(cloud.connectAzure(options(cloud))).rejects.toMatchObject({ code })
    expect(await cloud.stats()).toMatchObject({ 'mqtt.connect_refused': 1 })
  })

  it('is refused for a device that is disabled, and one that is connected is cut off', async () => {
    const cloud = await openAzureCloud()
    const client = await cloud.connectAzure()
    const closed = closeOf(client)
    await cloud.admin('PATCH', '/devices/dev1', { enabled: false })
    await closed
    await expect(cloud.connectAzure()).rejects.toMatchObject({ code: 5 })
  })

  it('ends the connection before, and its own when the signature expires', async () => {
    const cloud = await openAzureCloud()
    const first = await cloud.connectAzure()
    const replaced = closeOf(first)
    const second = await cloud.connectAzure({ password: cloud.sas(Date.now() + 2_500) })
    await replaced
    expect(second.connected).toBe(true)
    const startedAt = Date.now()
    await closeOf(second)
    expect(Date.now() - startedAt).toBeGreaterThan(400)
    expect(await cloud.stats()).toMatchObject({ 'mqtt.expired': 1 })
  })

  it('shows the device as connected before it says anything, and not any longer than it is', async () => {
    const cloud = await openAzureCloud()
    const client = await cloud.connectAzure()
    const shown = async () => (await cloud.core.ports.devices.load('dev1'))?.presence.connected
    await expect.poll(shown).toBe(true)
    client.end(true)
    await expect.poll(shown).toBe(false)
  })

  it('needs no proof on this machine, unless something is shown that is wrong', async () => {
    const cloud = await openAzureCloud()
    const plain = { protocol: 'mqtt' as const, port: cloud.mqttPort ?? 0 }
    await cloud.connectAzure({ ...plain, password: undefined })
    await expect(cloud.connectAzure({ ...plain, password: 'wrong' })).rejects.toMatchObject({
      code: 5,
    })
    const stranger = { clientId: 'dev9', username: USERNAME.replace('dev1', 'dev9') }
    const client = await cloud.connectAzure({ ...plain, ...stranger, password: 'any' })
    await client.publishAsync('devices/dev9/messages/events/', '{"t":1}', { qos: 1 })
    expect((await cloud.core.ports.devices.load('dev9'))?.last['t']?.value).toBe(1)
  })
})

describe('telemetry of an Azure device', () => {
  it('carries system and application properties to the rules', async () => {
    const cloud = await openAzureCloud(
      {},
      {
        config: {
          rules: {
            all: {
              sql: "SELECT t, get_user_properties('alert') AS alert, get_user_properties('mqtt-retain') AS kept, topic() AS topic FROM 'devices/+/telemetry'",
              actions: [{ table: { table: 'seen', key: '${t}' } }],
            },
          },
        },
      },
    )
    const client = await cloud.connectAzure()
    const send = (bag: string, body: string, retain = false) =>
      client.publishAsync(`devices/dev1/messages/events/${bag}`, body, { qos: 1, retain })
    await send(
      '%24.mid=m%201&%24.ct=application%2Fjson&%24.ce=utf-8&alert=a%26b%3Dc%2F%C3%BC&empty',
      '{"t":1}',
    )
    await send('%24.mid=m%201', '{"t":9}')
    await send('', '{"t":2}', true)
    await client.publishAsync('devices/dev1/messages/events', '{"t":3}', { qos: 0 })
    await expect
      .poll(async () =>
        (await cloud.core.ports.tables.list('seen', '', 10)).map(({ item }) => item),
      )
      .toEqual([
        { t: 1, alert: ['a&b=c/ü'], topic: 'devices/dev1/telemetry' },
        { t: 2, kept: ['true'], topic: 'devices/dev1/telemetry' },
        { t: 3, topic: 'devices/dev1/telemetry' },
      ])
    expect(await cloud.stats()).toMatchObject({ 'uplink.accepted': 3, 'uplink.duplicate': 1 })
  })

  it('with a malformed property bag is set aside with its bytes, and the device goes on', async () => {
    const cloud = await openAzureCloud()
    const client = await cloud.connectAzure()
    for (const bag of ['a=%zz', '=x', '%24.ct=%'])
      await client.publishAsync(`devices/dev1/messages/events/${bag}`, '{"t":1}', { qos: 1 })
    await client.publishAsync('devices/dev1/messages/events/a=b', '{"t":2}', { qos: 1 })
    const letters = await cloud.core.ports.deadLetters.list('', 10)
    expect(letters.map(({ code, topic, deviceId }) => ({ code, topic, deviceId }))).toEqual(
      ['%24.ct=%', '=x', 'a=%zz'].map((bag) => ({
        code: 'uplink.bad_properties',
        topic: `devices/dev1/messages/events/${bag}`,
        deviceId: 'dev1',
      })),
    )
    expect((await cloud.core.ports.devices.load('dev1'))?.last['t']?.value).toBe(2)
    expect(await cloud.stats()).toMatchObject({ 'mqtt.refused': 3, 'uplink.rejected': 3 })
  })

  it.each([
    ['QoS 2', 'devices/dev1/messages/events/', 2],
    ['the topic of another device', 'devices/dev2/messages/events/', 1],
    ['a topic of another dialect', 'devices/dev1/telemetry', 1],
    ['a topic that means nothing', '$iothub/nothing', 0],
  ] as const)('ends the connection: %s', async (_name, topic, qos) => {
    const cloud = await openAzureCloud()
    const client = await cloud.connectAzure()
    const closed = closeOf(client)
    client.publish(topic, '{"t":1}', { qos })
    await closed
    expect(await cloud.core.ports.deadLetters.count()).toBe(0)
    expect((await cloud.stats())['uplink.received'] ?? 0).toBe(0)
  })

  it('is the last word of a device that is gone', async () => {
    const cloud = await openAzureCloud()
    const client = await cloud.connectAzure({
      will: {
        topic: 'devices/dev1/messages/events/a=b',
        payload: Buffer.from('{"last":1}'),
        qos: 1,
        retain: false,
      },
    })
    client.stream.destroy()
    await expect
      .poll(async () => (await cloud.core.ports.devices.load('dev1'))?.last['last']?.value)
      .toBe(1)
  })
})

describe('filters of an Azure device', () => {
  it('are its own, with QoS 1 at most', async () => {
    const cloud = await openAzureCloud()
    const client = await cloud.connectAzure()
    const granted = await client.subscribeAsync(
      ['$iothub/twin/res/#', 'devices/dev1/messages/devicebound/#', '$iothub/methods/POST/#'],
      { qos: 2 },
    )
    expect(granted.map(({ qos }) => qos)).toEqual([1, 1, 1])
    for (const filter of [
      '#',
      'devices/dev2/messages/devicebound/#',
      '$iothub/#',
      'devices/dev1/#',
    ])
      await expect(client.subscribeAsync(filter)).rejects.toThrow()
  })
})
