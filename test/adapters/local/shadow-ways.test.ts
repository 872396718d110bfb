import { connectAsync } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openCloud, type TestCloud } from './cloud.ts'

/** Every way in which a shadow can change. */
const WAYS: Readonly<Record<string, (cloud: TestCloud) => Promise<unknown>>> = {
  'the API': (cloud) =>
    cloud.call('/devices/t1/shadow', {
      method: 'PATCH',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      body: '{"state":{"desired":{"led":1}}}',
    }),
  'HTTP of AWS': (cloud) =>
    cloud.call('/things/t1/shadow', { method: 'POST', body: '{"state":{"desired":{"led":1}}}' }),
  'a message over HTTP of AWS': (cloud) =>
    cloud.call(`/topics/${encodeURIComponent('$aws/things/t1/shadow/update')}?qos=1`, {
      method: 'POST',
      body: '{"state":{"desired":{"led":1}}}',
    }),
  'MQTT, native': (cloud) => publish(cloud, 'devices/t1/shadow/update'),
  'MQTT of AWS': (cloud) => publish(cloud, '$aws/things/t1/shadow/update'),
  'a rule of the device': (cloud) =>
    cloud.call('/devices/t1/telemetry', { method: 'POST', body: '{"own":1}' }),
  'a rule of another device': (cloud) =>
    cloud.call('/devices/t2/telemetry', { method: 'POST', body: '{"far":1}' }),
  'the twin of Azure': (cloud) =>
    cloud.core.gate.run('t1', [
      { kind: 'twin', patches: { desired: { led: 1 } }, at: Date.now(), by: 'back end' },
    ]),
}

async function publish(cloud: TestCloud, topic: string): Promise<void> {
  const client = await connectAsync(cloud.mqtt, { clientId: 'someone' })
  await client.publishAsync(topic, '{"state":{"desired":{"led":1}}}', { qos: 1 })
  await client.endAsync()
}

const RULES = {
  own: {
    sql: "SELECT 1 AS led FROM 'devices/+/telemetry' WHERE own = 1",
    actions: [{ setDesired: {} }],
  },
  far: {
    sql: "SELECT 1 AS led FROM 'devices/+/telemetry' WHERE far = 1",
    actions: [{ setDesired: { device: 't1' } }],
  },
}

describe('a change of a shadow is told to everybody alike', () => {
  it.each(Object.keys(WAYS))('that comes by %s', async (way) => {
    const cloud = await openCloud({
      config: { rules: RULES, deviceTypes: { all: { devices: '*', report: false } } },
    })
    const watcher = await connectAsync(cloud.mqtt, { clientId: 'watcher', reconnectPeriod: 0 })
    onTestFinished(() => void watcher.end(true))
    const heard = new Map<string, unknown[]>()
    watcher.on('message', (topic, payload) => {
      const bodies = heard.get(topic) ?? []
      heard.set(topic, [...bodies, JSON.parse(payload.toString())])
    })
    await watcher.subscribeAsync(['devices/t1/shadow/#', '$aws/things/t1/shadow/#'], { qos: 1 })
    await WAYS[way]?.(cloud)
    const prefixes = ['devices/t1/shadow', '$aws/things/t1/shadow']
    // In this order, in each dialect, each once.
    await expect
      .poll(() => [...heard.keys()])
      .toEqual(
        ['delta', 'documents', 'accepted'].flatMap((event) =>
          prefixes.map((prefix) => `${prefix}/update/${event}`),
        ),
      )
    for (const prefix of prefixes) {
      expect(heard.get(`${prefix}/update/delta`)).toMatchObject([{ state: { led: 1 }, version: 1 }])
      expect(heard.get(`${prefix}/update/documents`)).toMatchObject([
        { previous: null, current: { state: { desired: { led: 1 } }, version: 1 } },
      ])
      expect(heard.get(`${prefix}/update/accepted`)).toMatchObject([
        {
          state: { desired: { led: 1 } },
          metadata: { desired: { led: { timestamp: expect.any(Number) } } },
          version: 1,
        },
      ])
    }
  })
})

describe('requests about one shadow that pile up', () => {
  const send = async (cloud: TestCloud, count: number) => {
    const client = await connectAsync(cloud.mqtt, { clientId: 't1', reconnectPeriod: 0 })
    onTestFinished(() => void client.end(true))
    const answers: { topic: string; code?: number; clientToken?: string }[] = []
    client.on('message', (topic, payload) => {
      answers.push({ topic: topic.split('/').slice(-1).join(), ...JSON.parse(payload.toString()) })
    })
    await client.subscribeAsync(
      ['accepted', 'rejected'].map((end) => `$aws/things/+/shadow/update/${end}`),
    )
    const packets = Array.from({ length: count }, (_, n) =>
      client.publishAsync(
        '$aws/things/t1/shadow/update',
        JSON.stringify({ state: { reported: { n } }, clientToken: `c${n}` }),
        { qos: 1 },
      ),
    )
    await Promise.all(packets)
    await expect.poll(() => answers.length).toBe(count)
    return { client, answers }
  }

  it('are all taken up to ten at once', async () => {
    const { answers } = await send(await openCloud(), 10)
    expect(answers.every(({ topic }) => topic === 'accepted')).toBe(true)
  })

  it('are refused past ten with 429 and their token, acknowledged, and harm nothing that comes later', async () => {
    const cloud = await openCloud()
    const { client, answers } = await send(cloud, 11)
    expect(answers.filter(({ topic }) => topic === 'rejected')).toMatchObject([
      { code: 429, message: 'Too many requests', clientToken: 'c10' },
    ])
    expect(answers.filter(({ topic }) => topic === 'accepted')).toHaveLength(10)
    await client.publishAsync('$aws/things/t1/shadow/update', '{"state":{"reported":{"n":99}}}', {
      qos: 1,
    })
    await expect.poll(() => answers.length).toBe(12)
    expect(answers.at(-1)).toMatchObject({ topic: 'accepted', state: { reported: { n: 99 } } })
    expect((await cloud.stats())['shadow.throttled']).toBe(1)
  })

  it('of one device leave those of another alone', async () => {
    const cloud = await openCloud()
    const many = Array.from({ length: 40 }, (_, n) =>
      cloud.call(`/things/t${n % 4}/shadow`, {
        method: 'POST',
        body: '{"state":{"desired":{"a":1}}}',
      }),
    )
    const statuses = (await Promise.all(many)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200]))
  })
})
