import { connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AWS } from '../../../adapters/local/dialects/aws.ts'
import { readAnyTopic } from '../../../adapters/local/dialects/list.ts'
import type { Json } from '../../../core/index.ts'
import { openCloud, type TestCloud } from './cloud.ts'

interface Heard {
  readonly topic: string
  readonly body: Record<string, Json>
}

async function connect(cloud: TestCloud, clientId: string): Promise<MqttClient> {
  const client = await connectAsync(cloud.mqtt, { clientId, reconnectPeriod: 0 })
  onTestFinished(() => void client.end(true))
  return client
}

/** Subscribes, and gathers what comes. */
async function listen(client: MqttClient, ...filters: string[]): Promise<Heard[]> {
  const heard: Heard[] = []
  client.on('message', (topic, payload) => {
    heard.push({ topic, body: JSON.parse(payload.toString()) })
  })
  await client.subscribeAsync(filters, { qos: 1 })
  return heard
}

const topicsOf = (heard: readonly Heard[]): string[] => heard.map(({ topic }) => topic)

describe('what a topic means', () => {
  it.each([
    ['$aws/things/t1/shadow/get', { kind: 'shadow', deviceId: 't1', name: '', operation: 'get' }],
    [
      '$aws/things/t1/shadow/name/cfg/update',
      { kind: 'shadow', deviceId: 't1', name: 'cfg', operation: 'update' },
    ],
    [
      '$aws/things/a:b_c-1/shadow/delete',
      { kind: 'shadow', deviceId: 'a:b_c-1', name: '', operation: 'delete' },
    ],
    ['$aws/things/t1/shadow', { kind: 'unknown' }],
    ['$aws/things/t1/shadow/update/accepted', { kind: 'unknown' }],
    ['$aws/things/t1/shadow/update/delta', { kind: 'unknown' }],
    ['$aws/things//shadow/get', { kind: 'unknown' }],
    ['$aws/things/t1/x/shadow/get', { kind: 'unknown' }],
    ['$aws/things/t1/shadow/name//get', { kind: 'unknown' }],
    ['$aws/rules/hot/a/b', { kind: 'own', topic: 'a/b', ruleId: 'hot' }],
    ['$aws/rules/hot', { kind: 'own', topic: '', ruleId: 'hot' }],
    ['$aws/rules/', { kind: 'unknown' }],
    ['$aws/events/presence/connected/t1', { kind: 'unknown' }],
    ['$SYS/x', { kind: 'unknown' }],
    ['$awsx', { kind: 'unknown' }],
    ['dt/t1/temp', { kind: 'own', topic: 'dt/t1/temp', ruleId: undefined }],
    ['devices', { kind: 'own', topic: 'devices', ruleId: undefined }],
    ['devices/t1/telemetry', { kind: 'telemetry', deviceId: 't1' }],
    ['devices/t1/other', { kind: 'unknown' }],
    ['$anyhub/stats/get', { kind: 'stats' }],
    ['$anyhub/other', { kind: 'unknown' }],
  ])('%s', (topic, meaning) => {
    expect(readAnyTopic(topic).meaning).toEqual(meaning)
  })

  it.each([
    ['', 'update', true, '$aws/things/t1/shadow/update/accepted'],
    ['', 'get', false, '$aws/things/t1/shadow/get/rejected'],
    ['cfg', 'delete', true, '$aws/things/t1/shadow/name/cfg/delete/accepted'],
  ])('answers "%s" %s %s', (name, operation, accepted, topic) => {
    expect(AWS.answerTopic('t1', name, operation, accepted)).toBe(topic)
  })
})

describe('shadows in the words of AWS', () => {
  it('takes get, update and delete, and echoes the client token', async () => {
    const cloud = await openCloud()
    const client = await connect(cloud, 't1')
    const heard = await listen(client, '$aws/things/t1/shadow/#')
    const ask = async (operation: string, body: Json, topic: string): Promise<Heard> => {
      await client.publishAsync(`$aws/things/t1/shadow/${operation}`, JSON.stringify(body), {
        qos: 1,
      })
      const found = () => heard.find((one) => one.topic.endsWith(`${operation}/${topic}`))
      await expect.poll(found).toBeDefined()
      return found()!
    }
    expect((await ask('get', { clientToken: 'a' }, 'rejected')).body).toMatchObject({
      code: 404,
      clientToken: 'a',
    })
    const update = { state: { desired: { led: 1 }, reported: { led: 0 } }, clientToken: 'b' }
    expect((await ask('update', update, 'accepted')).body).toMatchObject({
      version: 1,
      clientToken: 'b',
    })
    await expect.poll(() => topicsOf(heard)).toContain('$aws/things/t1/shadow/update/documents')
    expect(heard.find(({ topic }) => topic.endsWith('/update/delta'))?.body).toMatchObject({
      state: { led: 1 },
      version: 1,
    })
    expect((await ask('get', { clientToken: 'c' }, 'accepted')).body).toMatchObject({
      state: { desired: { led: 1 }, reported: { led: 0 }, delta: { led: 1 } },
      clientToken: 'c',
    })
    expect((await ask('update', { ...update, version: 9 }, 'rejected')).body).toMatchObject({
      code: 409,
      message: 'Version conflict',
      clientToken: 'b',
    })
    expect((await ask('delete', {}, 'accepted')).body).toMatchObject({ version: 1 })
  })

  it('pushes a change from elsewhere in every dialect, and an answer only to who asked', async () => {
    const cloud = await openCloud()
    const client = await connect(cloud, 't1')
    const heard = await listen(client, '$aws/things/t1/shadow/#', 'devices/t1/shadow/#')
    const answer = await cloud.call('/devices/t1/shadow?name=cfg', {
      method: 'PATCH',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      body: JSON.stringify({ state: { desired: { led: 1 } } }),
    })
    expect(answer.status).toBe(200)
    await expect
      .poll(() => topicsOf(heard).sort())
      .toEqual([
        '$aws/things/t1/shadow/name/cfg/update/accepted',
        '$aws/things/t1/shadow/name/cfg/update/delta',
        '$aws/things/t1/shadow/name/cfg/update/documents',
        'devices/t1/shadow/name/cfg/update/accepted',
        'devices/t1/shadow/name/cfg/update/delta',
        'devices/t1/shadow/name/cfg/update/documents',
      ])
    heard.length = 0
    await client.publishAsync('devices/t1/shadow/name/cfg/get', '', { qos: 1 })
    await client.publishAsync('$aws/things/t1/shadow/get', '', { qos: 1 })
    await expect
      .poll(() => topicsOf(heard))
      .toEqual(['devices/t1/shadow/name/cfg/get/accepted', '$aws/things/t1/shadow/get/rejected'])
  })

  it.each([4, 5] as const)(
    'ends the connection that uses QoS 2 (MQTT %i), and only on its own topics',
    async (protocolVersion) => {
      const cloud = await openCloud()
      const client = await connectAsync(cloud.mqtt, {
        clientId: 't1',
        reconnectPeriod: 0,
        protocolVersion,
      })
      onTestFinished(() => void client.end(true))
      client.on('error', () => undefined)
      const ended = new Promise((resolve) => client.once('close', () => resolve('closed')))
      await client.publishAsync('devices/t1/telemetry', '{"a":1}', { qos: 2 })
      client.publish(
        '$aws/things/t1/shadow/update',
        '{"state":{"desired":{"a":1}}}',
        { qos: 2 },
        () => undefined,
      )
      expect(await ended).toBe('closed')
      const record = await cloud.core.ports.devices.load('t1')
      expect(record?.shadows['']?.desired).toBeUndefined()
      expect(cloud.logs.join()).toContain('publish: QoS 2')
      expect((await cloud.stats())['mqtt.refused']).toBe(1)
    },
  )

  it('ignores a will on a shadow topic, and publishes one on a plain topic', async () => {
    const cloud = await openCloud()
    const watcher = await connect(cloud, 'watcher')
    const heard = await listen(watcher, 'gone/#', '$aws/events/presence/#')
    for (const topic of ['$aws/things/t1/shadow/update', 'gone/t1']) {
      await cloud.core.gate.run('t1', [{ kind: 'presence', connected: true, at: Date.now() }])
      const client = await connectAsync(cloud.mqtt, {
        clientId: 't1',
        reconnectPeriod: 0,
        will: {
          topic,
          payload: Buffer.from('{"state":{"desired":{"on":false}}}'),
          qos: 1,
          retain: false,
        },
      })
      client.stream.destroy()
      await expect.poll(() => heard.at(-1)?.topic).not.toBe('$aws/events/presence/connected/t1')
    }
    await expect.poll(() => topicsOf(heard)).toContain('gone/t1')
    expect((await cloud.core.ports.devices.load('t1'))?.shadows['']?.desired).toBeUndefined()
  })
})

describe('plain topics and basic ingest', () => {
  const config = {
    rules: {
      hot: {
        sql: "SELECT temp, topic() AS t FROM 'dt/+/temp' WHERE temp > 30",
        actions: [{ republish: { topic: 'hot/${topic()}' } }],
      },
      direct: {
        sql: 'SELECT temp, topic() AS t, topic(1) AS first WHERE temp > 30',
        actions: [{ republish: { topic: 'direct' } }],
      },
    },
  }

  it('takes a plain topic as telemetry of the client if the client is a device', async () => {
    const cloud = await openCloud({ config })
    await cloud.core.gate.run('t1', [{ kind: 'presence', connected: false, at: Date.now() }])
    const [device, stranger] = [await connect(cloud, 't1'), await connect(cloud, 'stranger')]
    const heard = await listen(stranger, 'hot/#', 'dt/#')
    await device.publishAsync('dt/t1/temp', '{"temp":31}', { qos: 1 })
    await expect.poll(() => topicsOf(heard).sort()).toEqual(['dt/t1/temp', 'hot/dt/t1/temp'])
    await stranger.publishAsync('dt/t1/temp', '{"temp":99}', { qos: 1 })
    const letters = await cloud.core.ports.deadLetters.list('', 10)
    expect(letters.map(({ code }) => code)).toEqual(['uplink.no_device'])
    const record = await cloud.core.ports.devices.load('t1')
    expect(record?.last['temp']?.value).toBe(31)
    expect(record?.presence.connected).toBe(true)
  })

  it('runs one rule for basic ingest, whatever its FROM, and goes past the broker', async () => {
    const cloud = await openCloud({ config })
    await cloud.core.gate.run('t1', [{ kind: 'presence', connected: false, at: Date.now() }])
    const device = await connect(cloud, 't1')
    const heard = await listen(device, '#', '$aws/rules/#')
    await device.publishAsync('$aws/rules/direct/dt/t1/temp', '{"temp":31}', { qos: 1 })
    await expect
      .poll(() => heard)
      .toEqual([{ topic: 'direct', body: { temp: 31, t: 'dt/t1/temp', first: 'dt' } }])
    await device.publishAsync('$aws/rules/nothing/dt/t1/temp', '{"temp":31}', { qos: 1 })
    const [letter] = await cloud.core.ports.deadLetters.list('', 1)
    expect(letter).toMatchObject({ code: 'uplink.no_rule', ruleId: 'nothing', topic: 'dt/t1/temp' })
    expect(heard).toHaveLength(1)
  })
})

describe('presence events', () => {
  it('tells who came and who went, why, and in which order', async () => {
    const cloud = await openCloud()
    const watcher = await connect(cloud, 'watcher')
    const heard = await listen(watcher, '$aws/events/presence/+/t1')
    const first = await connect(cloud, 't1')
    first.on('error', () => undefined)
    const second = await connect(cloud, 't1')
    await second.endAsync()
    const odd = await connect(cloud, 'a/b')
    await odd.endAsync()
    await expect
      .poll(() => heard.map(({ body }) => [body['eventType'], body['disconnectReason'] ?? '']))
      .toEqual([
        ['connected', ''],
        ['disconnected', 'DUPLICATE_CLIENTID'],
        ['connected', ''],
        ['disconnected', 'CLIENT_INITIATED_DISCONNECT'],
      ])
    const versions = heard.map(({ body }) => Number(body['versionNumber']))
    expect(versions).toEqual(versions.toSorted((a, b) => a - b))
    expect(new Set(versions).size).toBe(4)
    expect(heard[0]?.body).toMatchObject({ clientId: 't1', ipAddress: '127.0.0.1' })
    expect(heard[0]?.body['sessionIdentifier']).toBe(heard[1]?.body['sessionIdentifier'])
    expect(heard[2]?.body['sessionIdentifier']).not.toBe(heard[1]?.body['sessionIdentifier'])
  })
})
