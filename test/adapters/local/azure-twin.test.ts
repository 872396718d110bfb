import type { MqttClient } from 'mqtt'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../core/index.ts'
import { type AzureCloud, openAzureCloud } from './azure-cloud.ts'

interface Heard {
  readonly topic: string
  readonly body: Json
}

/** A device that has subscribed to answers and to what is desired of it. */
async function openTwin(cloud: AzureCloud): Promise<{
  readonly client: MqttClient
  readonly heard: Heard[]
  ask(topic: string, body?: string | Buffer): Promise<Heard>
}> {
  const client = await cloud.connectAzure()
  const heard: Heard[] = []
  client.on('message', (topic, payload) => {
    heard.push({ topic, body: payload.length === 0 ? null : JSON.parse(String(payload)) })
  })
  await client.subscribeAsync(['$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#'])
  return {
    client,
    heard,
    async ask(topic, body = ' ') {
      const before = heard.length
      client.publish(topic, body)
      await expect.poll(() => heard.length).toBeGreaterThan(before)
      const [answer] = heard.slice(before)
      if (answer === undefined) throw new Error('no answer')
      return answer
    },
  }
}

const GET = '$iothub/twin/GET/?$rid='
const REPORT = '$iothub/twin/PATCH/properties/reported/?$rid='

describe('the twin of an Azure device over MQTT', () => {
  it('is read and reported, and other dialects see it', async () => {
    const cloud = await openAzureCloud()
    const { ask } = await openTwin(cloud)
    expect(await ask(`${GET}1`)).toEqual({
      topic: '$iothub/twin/res/200/?$rid=1',
      body: { desired: { $version: 1 }, reported: { $version: 1 } },
    })
    expect(await ask(`${REPORT}a%20b`, '{"fw":"2","net":{"rssi":-50},"gone":null}')).toEqual({
      topic: '$iothub/twin/res/204/?$rid=a%20b&$version=2',
      body: null,
    })
    expect(await ask(`${REPORT}3`, '{"net":{"rssi":null,"ssid":"x"}}')).toMatchObject({
      topic: '$iothub/twin/res/204/?$rid=3&$version=3',
    })
    expect((await ask(`${GET}4`)).body).toEqual({
      desired: { $version: 1 },
      reported: { fw: '2', net: { ssid: 'x' }, $version: 3 },
    })
    const answer = await cloud.call('/things/dev1/shadow')
    expect(await answer.json()).toMatchObject({
      state: { reported: { fw: '2', net: { ssid: 'x' } } },
    })
  })

  it.each<[string, string | Buffer, number, number, RegExp]>([
    ['bad JSON', '{', 400, 400_004, /JSON/],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 400_004, /UTF-8/],
    ['no object', '[1]', 400, 400_004, /object/],
    ['null in an array', '{"a":[null]}', 400, 400_004, /Arrays cannot contain/],
    ['a bad name', '{"a.b":1}', 400, 400_004, /invalid character '\.'/],
    ['a long text', JSON.stringify({ a: 'x'.repeat(4_097) }), 400, 400_004, /4096/],
    ['a large integer', '{"a":4503599627370497}', 400, 400_004, /out of bound/],
    ['too deep', `${'{"a":'.repeat(12)}1${'}'.repeat(12)}`, 400, 400_004, /depth/],
    [
      'too large',
      JSON.stringify(
        Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`k${at}`, 'x'.repeat(4_000)])),
      ),
      400,
      400_004,
      /Twin properties size \d+ exceeds maximum 32768/,
    ],
    ['a request of a megabyte', JSON.stringify({ a: 'x'.repeat(300_000) }), 413, 413_001, /large/],
  ])('refuses %s in the words of the vendor', async (_name, body, status, errorCode, message) => {
    const cloud = await openAzureCloud()
    const { ask } = await openTwin(cloud)
    expect(await ask(`${REPORT}7`, body)).toMatchObject({
      topic: `$iothub/twin/res/${status}/?$rid=7`,
      body: { errorCode, message: expect.stringMatching(message) },
    })
    expect((await ask(`${GET}8`)).body).toMatchObject({ reported: { $version: 1 } })
    expect(await cloud.stats()).toMatchObject({ 'twin.rejected': 1 })
  })

  it('tells what is desired, whoever wants it, and only to its own device', async () => {
    const cloud = await openAzureCloud()
    await cloud.admin('POST', '/devices', { deviceId: 'dev2', credential: 'key' })
    const { heard, client } = await openTwin(cloud)
    const other = await cloud.connectAzure({
      protocol: 'mqtt',
      port: cloud.mqttPort ?? 0,
      clientId: 'dev3',
      username: 'localhost/dev3/?api-version=2021-04-12',
      password: undefined,
    })
    const foreign: string[] = []
    other.on('message', (topic) => void foreign.push(topic))
    await other.subscribeAsync('$iothub/twin/PATCH/properties/desired/#')
    const desire = (desired: JsonObject) =>
      cloud.call('/things/dev1/shadow', {
        method: 'POST',
        body: JSON.stringify({ state: { desired } }),
      })
    await desire({ interval: 30, mode: { eco: true, night: 1 } })
    await desire({ mode: { eco: null } })
    await expect
      .poll(() => heard)
      .toEqual([
        {
          topic: '$iothub/twin/PATCH/properties/desired/?$version=2',
          body: { interval: 30, mode: { eco: true, night: 1 }, $version: 2 },
        },
        {
          topic: '$iothub/twin/PATCH/properties/desired/?$version=3',
          body: { mode: { eco: null }, $version: 3 },
        },
      ])
    await client.unsubscribeAsync('$iothub/twin/PATCH/properties/desired/#')
    await desire({ interval: 31 })
    await client.publishAsync('devices/dev1/messages/events/', '{"t":1}', { qos: 1 })
    expect(heard).toHaveLength(2)
    expect(foreign).toEqual([])
  })
})

describe('the twin as the back end changes it', () => {
  it('merges, replaces, keeps tags to itself and judges versions', async () => {
    const cloud = await openAzureCloud()
    const write = async (input: object) => {
      const [result] = await cloud.core.gate.run('dev1', [
        { kind: 'twin', patches: {}, at: cloud.core.ports.clock.now(), ...input },
      ])
      if (result?.status !== 'answered') throw new Error(JSON.stringify(result))
      return result
    }
    const { ask, heard } = await openTwin(cloud)
    const first = await write({
      patches: { tags: { site: 'a' }, desired: { a: 1, b: { c: 1, d: null } } },
      ifVersion: 1,
    })
    expect(first).toMatchObject({
      accepted: true,
      body: {
        version: 2,
        tags: { site: 'a' },
        properties: { desired: { a: 1, b: { c: 1 }, $version: 2, $metadata: expect.anything() } },
      },
    })
    expect(await write({ patches: { desired: { a: 2 } }, ifVersion: 1 })).toMatchObject({
      accepted: false,
      body: { code: 412 },
    })
    await write({ patches: { desired: { a: 2 } }, replace: true, ifVersion: 2 })
    await write({ patches: { tags: { site: null, floor: 3 } } })
    expect(await write({ patches: { tags: { big: 'x'.repeat(4_097) } } })).toMatchObject({
      accepted: false,
      body: { code: 400 },
    })
    await expect
      .poll(() => heard.map(({ body }) => body))
      .toEqual([
        { a: 1, b: { c: 1 }, $version: 2 },
        { a: 2, b: null, $version: 3 },
      ])
    expect((await ask(`${GET}9`)).body).toEqual({
      desired: { a: 2, $version: 3 },
      reported: { $version: 1 },
    })
    const record = await cloud.core.ports.devices.load('dev1')
    expect(record?.shadows['']).toMatchObject({ tags: { floor: 3 }, version: 3 })
    const shadow = await cloud.call('/things/dev1/shadow')
    expect(await shadow.text()).not.toContain('floor')
  })
})
