import { connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../../core/index.ts'
import { judged, PAYLOAD } from '../../core/codecs/sparkplug-proto.ts'
import { openCloud, type TestCloud } from './cloud.ts'

const CONFIG: ConfigInput = {
  networks: { plant: { type: 'sparkplug', rebirthEvery: 1 } },
  rules: {
    hot: {
      sql: "SELECT Temperature AS t, _network.message AS message FROM 'devices/+/telemetry' WHERE Temperature > 80",
      actions: [{ republish: { topic: 'hot/${topic(2)}' } }],
    },
  },
}

const TYPES = { Boolean: 11, Float: 9, Int32: 3, UInt64: 8, String: 12 } as const

/** An edge node as vendors build them: it numbers its messages, and protobufjs writes them by the official schema. */
async function openNode(cloud: TestCloud, { bdSeq = 0 } = {}) {
  const seen: { topic: string; payload: { [key: string]: unknown } }[] = []
  const client: MqttClient = await connectAsync(cloud.mqtt, {
    clientId: `edge-${bdSeq}`,
    will: {
      topic: 'spBv1.0/G1/NDEATH/E1',
      qos: 1,
      retain: false,
      payload: encode({ timestamp: Date.now(), metrics: [bdSeqMetric(bdSeq)] }),
    },
  })
  onTestFinished(() => client.endAsync(true))
  client.on('message', (topic, payload) => void seen.push({ topic, payload: judged(payload) }))
  await client.subscribeAsync(['spBv1.0/G1/NCMD/E1', 'spBv1.0/G1/DCMD/E1/#'], { qos: 1 })
  let seq = 0
  const send = async (topic: string, metrics: readonly object[], next = seq): Promise<void> => {
    seq = (next + 1) % 256
    const payload = encode({ timestamp: Date.now(), metrics, seq: next })
    await client.publishAsync(topic, payload, { qos: 1 })
  }
  const birth = (): Promise<void> =>
    send(
      'spBv1.0/G1/NBIRTH/E1',
      [
        bdSeqMetric(bdSeq),
        { name: 'Node Control/Rebirth', datatype: TYPES.Boolean, boolean_value: false },
        { name: 'Uptime', alias: 1, datatype: TYPES.Int32, int_value: 5 },
      ],
      0,
    )
  const deviceBirth = (): Promise<void> =>
    send('spBv1.0/G1/DBIRTH/E1/D1', [
      { name: 'Temperature', alias: 2, datatype: TYPES.Float, float_value: 21.5 },
      { name: 'Outputs/Fan', alias: 3, datatype: TYPES.Boolean, boolean_value: false },
      { name: 'Offset', alias: 4, datatype: TYPES.Int32, int_value: 0 },
      { name: 'Label', alias: 5, datatype: TYPES.String, is_null: true },
    ])
  return { client, seen, send, birth, deviceBirth }
}

function bdSeqMetric(value: number): object {
  return { name: 'bdSeq', datatype: TYPES.UInt64, long_value: value }
}

function encode(payload: object): Buffer {
  return Buffer.from(PAYLOAD.encode(PAYLOAD.fromObject(payload)).finish())
}

async function rowsOf(cloud: TestCloud, deviceId: string): Promise<object[]> {
  const rows = await cloud.core.ports.telemetry.range(deviceId, {
    from: 0,
    to: Date.now() + 60_000,
    limit: 100,
    descending: false,
  })
  return rows.map(({ metrics }) => metrics)
}

async function isConnected(cloud: TestCloud, deviceId: string): Promise<boolean | undefined> {
  return (await cloud.core.ports.devices.load(deviceId))?.presence.connected
}

describe('a Sparkplug edge node at the embedded cloud', () => {
  it('is born, measures by alias, is heard by rules and dies', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const watcher = await connectAsync(cloud.mqtt, { clientId: 'watcher' })
    onTestFinished(() => watcher.endAsync(true))
    const hot: string[] = []
    watcher.on('message', (topic, payload) => void hot.push(`${topic} ${payload}`))
    await watcher.subscribeAsync('hot/#')
    const node = await openNode(cloud)
    await node.birth()
    await node.deviceBirth()
    await node.send('spBv1.0/G1/NDATA/E1', [{ alias: 1, int_value: 6 }])
    await node.send('spBv1.0/G1/DDATA/E1/D1', [
      { alias: 2, float_value: 85.3 },
      { alias: 4, int_value: 0xffff_fffb },
    ])
    await expect.poll(() => rowsOf(cloud, 'G1:E1')).toEqual([{ Uptime: 5 }, { Uptime: 6 }])
    await expect
      .poll(() => rowsOf(cloud, 'G1:E1:D1'))
      .toEqual([
        { Temperature: 21.5, 'Outputs/Fan': false, Offset: 0 },
        { Temperature: 85.3, Offset: -5 },
      ])
    await expect.poll(() => hot).toEqual(['hot/G1:E1:D1 {"t":85.3,"message":"DDATA"}'])
    expect(await isConnected(cloud, 'G1:E1')).toBe(true)
    expect(await isConnected(cloud, 'G1:E1:D1')).toBe(true)
    expect(node.seen).toEqual([])
    node.client.stream.destroy()
    await expect.poll(() => isConnected(cloud, 'G1:E1')).toBe(false)
    await expect.poll(() => isConnected(cloud, 'G1:E1:D1')).toBe(false)
  })

  it('takes commands in the types of its birth, whatever codec its type names', async () => {
    const deviceTypes = { plant: { codec: 'sparkplug-b' } }
    const cloud = await openCloud({ config: { ...CONFIG, deviceTypes } })
    const node = await openNode(cloud)
    await node.birth()
    await node.deviceBirth()
    await expect.poll(() => isConnected(cloud, 'G1:E1:D1')).toBe(true)
    const command = async (deviceId: string, body: object): Promise<void> => {
      const response = await cloud.call(`/devices/${encodeURIComponent(deviceId)}/commands`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${cloud.adminToken}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      })
      expect(response.status).toBe(202)
    }
    await command('G1:E1:D1', {
      name: 'write',
      payload: { Temperature: 20, 'Outputs/Fan': true, Offset: -1 },
    })
    await expect.poll(() => node.seen.length).toBe(1)
    expect(node.seen[0]).toMatchObject({
      topic: 'spBv1.0/G1/DCMD/E1/D1',
      payload: {
        metrics: [
          { name: 'Temperature', datatype: TYPES.Float, float_value: 20 },
          { name: 'Outputs/Fan', datatype: TYPES.Boolean, boolean_value: true },
          { name: 'Offset', datatype: TYPES.Int32, int_value: 0xffff_ffff },
        ],
      },
    })
    expect(Number(node.seen[0]?.payload['timestamp'])).toBeGreaterThan(1.7e12)
    expect(node.seen[0]?.payload).not.toHaveProperty('seq')
    await command('G1:E1', {
      name: 'reboot',
      payload: { metrics: [{ name: 'Node Control/Reboot', dataType: 'Boolean', value: true }] },
    })
    await expect.poll(() => node.seen.length).toBe(2)
    expect(node.seen[1]).toMatchObject({
      topic: 'spBv1.0/G1/NCMD/E1',
      payload: { metrics: [{ name: 'Node Control/Reboot', boolean_value: true }] },
    })
  })

  it('is asked for a birth after a gap, once, and for one that is missing', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const node = await openNode(cloud)
    const rebirth = {
      topic: 'spBv1.0/G1/NCMD/E1',
      payload: {
        metrics: [{ name: 'Node Control/Rebirth', datatype: TYPES.Boolean, boolean_value: true }],
      },
    }
    // Nobody knows what alias 1 is: what came is set aside.
    await node.send('spBv1.0/G1/NDATA/E1', [{ alias: 1, int_value: 6 }], 7)
    await expect.poll(() => node.seen).toMatchObject([rebirth])
    const [letter] = await cloud.core.ports.deadLetters.list('', 10)
    expect(letter).toMatchObject({
      code: 'network.no_birth',
      topic: 'spBv1.0/G1/NDATA/E1',
      deviceId: 'G1:E1',
    })
    await node.birth()
    await node.deviceBirth()
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await node.send('spBv1.0/G1/NDATA/E1', [{ alias: 1, int_value: 7 }], 9)
    await node.send('spBv1.0/G1/NDATA/E1', [{ alias: 1, int_value: 8 }], 20)
    await expect.poll(() => node.seen).toMatchObject([rebirth, rebirth])
    await expect
      .poll(() => rowsOf(cloud, 'G1:E1'))
      .toEqual([{ Uptime: 5 }, { Uptime: 7 }, { Uptime: 8 }])
    expect(node.seen).toHaveLength(2)
  })

  it('is not gone by the will of a connection before', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const old = await openNode(cloud, { bdSeq: 0 })
    await old.birth()
    await old.deviceBirth()
    const fresh = await openNode(cloud, { bdSeq: 1 })
    await fresh.birth()
    await expect.poll(() => isConnected(cloud, 'G1:E1:D1')).toBe(false)
    await fresh.deviceBirth()
    await expect.poll(() => isConnected(cloud, 'G1:E1:D1')).toBe(true)
    old.client.stream.destroy()
    await fresh.send('spBv1.0/G1/DDATA/E1/D1', [{ alias: 2, float_value: 1.5 }])
    await expect.poll(() => rowsOf(cloud, 'G1:E1:D1')).toHaveLength(3)
    expect(await isConnected(cloud, 'G1:E1')).toBe(true)
    expect(await isConnected(cloud, 'G1:E1:D1')).toBe(true)
    expect(fresh.seen).toEqual([])
    await fresh.send('spBv1.0/G1/DDEATH/E1/D1', [])
    await expect.poll(() => isConnected(cloud, 'G1:E1:D1')).toBe(false)
    expect(await isConnected(cloud, 'G1:E1')).toBe(true)
  })

  it('is known again after a restart of the cloud', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const node = await openNode(cloud)
    await node.birth()
    await node.client.endAsync(true)
    await cloud.close()
    const again = await openCloud({ config: CONFIG, data: cloud.data })
    const client = await connectAsync(again.mqtt, { clientId: 'edge-0' })
    onTestFinished(() => client.endAsync(true))
    await client.publishAsync(
      'spBv1.0/G1/NDATA/E1',
      encode({ timestamp: Date.now(), metrics: [{ alias: 1, int_value: 9 }], seq: 1 }),
      { qos: 1 },
    )
    await expect.poll(() => rowsOf(again, 'G1:E1')).toEqual([{ Uptime: 5 }, { Uptime: 9 }])
  })

  it('proves who it is, hears what is for it and its host, and speaks for no other', async () => {
    const cloud = await openCloud({
      config: { networks: { plant: { type: 'sparkplug', host: 'anyhub' } } },
      settings: { requireAuth: true },
    })
    const tokens: string[] = []
    for (const deviceId of ['G1:E1', 'G1:E2']) {
      const { credential, token } = await cloud.core.ports.issuer.token()
      tokens.push(token)
      await cloud.core.ports.registry.create({
        deviceId,
        tags: {},
        enabled: true,
        createdAt: Date.now(),
        version: 1,
        credentials: [credential],
        gatewayAuth: 'association',
      })
    }
    const client = await connectAsync(cloud.mqtt, {
      clientId: 'G1:E1',
      username: 'G1:E1',
      password: tokens[0] ?? '',
      protocolVersion: 5,
    })
    onTestFinished(() => client.endAsync(true))
    const states: string[] = []
    client.on('message', (_topic, payload) => void states.push(String(payload)))
    const granted = await client
      .subscribeAsync(
        [
          'spBv1.0/G1/NCMD/E1',
          'spBv1.0/G1/DCMD/E1/#',
          'spBv1.0/STATE/anyhub',
          'spBv1.0/G1/NCMD/E2',
        ],
        { qos: 1 },
      )
      .catch((error: unknown) => error)
    expect(granted).toBeInstanceOf(Error)
    await expect
      .poll(() => states)
      .toEqual([expect.stringMatching(/^{"online":true,"timestamp":\d{13}}$/)])
    const birth = {
      timestamp: Date.now(),
      seq: 0,
      metrics: [bdSeqMetric(0), { name: 'x', alias: 1, datatype: TYPES.Int32, int_value: 1 }],
    }
    await client.publishAsync('spBv1.0/G1/NBIRTH/E1', encode(birth), { qos: 1 })
    await client.publishAsync('spBv1.0/G1/DBIRTH/E1/D1', encode({ ...birth, seq: 1 }), { qos: 1 })
    await expect.poll(() => rowsOf(cloud, 'G1:E1:D1')).toEqual([{ x: 1 }])
    for (const topic of [
      'spBv1.0/G1/NBIRTH/E2',
      'spBv1.0/G1/NDEATH/E2',
      'spBv1.0/G1/NCMD/E2',
      'spBv1.0/STATE/anyhub',
    ])
      await expect(client.publishAsync(topic, encode(birth), { qos: 1 })).rejects.toThrow(
        'Not authorized',
      )
    expect(await rowsOf(cloud, 'G1:E2')).toEqual([])
    await cloud.close()
    await expect.poll(() => states.at(-1)).toMatch(/^{"online":false,/)
  })
})
