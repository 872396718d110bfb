import { connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput, Json } from '../../../core/index.ts'
import { openCloud, type TestCloud } from './cloud.ts'

// Devices of the home and of gateways, from their topics to telemetry and back.

async function connect(cloud: TestCloud, more: object = {}): Promise<MqttClient> {
  const client = await connectAsync(cloud.mqtt, { clientId: 'bridge', ...more })
  onTestFinished(() => client.endAsync(true))
  return client
}

async function say(client: MqttClient, topic: string, body: Json, retain = false): Promise<void> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  await client.publishAsync(topic, text, { qos: 1, retain })
}

interface Detail {
  readonly presence: { readonly connected: boolean }
  readonly last: Readonly<Record<string, { readonly value: Json }>>
}

async function detailOf(cloud: TestCloud, deviceId: string): Promise<Detail | undefined> {
  const response = await cloud.call(`/devices/${deviceId}`)
  return response.ok ? ((await response.json()) as Detail) : undefined
}

async function valuesOf(cloud: TestCloud, deviceId: string) {
  const { last = {} } = (await detailOf(cloud, deviceId)) ?? {}
  return Object.fromEntries(Object.entries(last).map(([name, { value }]) => [name, value]))
}

/** Sends a command and gives what comes on a topic. */
async function answerTo(cloud: TestCloud, deviceId: string, topic: string, command: object) {
  const listener = await connect(cloud, { clientId: `listener-${topic.replaceAll('/', '-')}` })
  const got: string[] = []
  listener.on('message', (_topic, payload) => void got.push(String(payload)))
  await listener.subscribeAsync(topic, { qos: 1 })
  const response = await cloud.call(`/devices/${deviceId}/commands`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cloud.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(command),
  })
  expect(response.status).toBe(202)
  await expect.poll(() => got.length).toBe(1)
  return got[0]
}

describe('devices behind topics', () => {
  it('Zigbee2MQTT: state, availability, and a command through /set', async () => {
    const cloud = await openCloud({
      config: { networks: { z: { type: 'zigbee2mqtt', prefix: 'z-' } } },
    })
    const bridge = await connect(cloud)
    await say(bridge, 'zigbee2mqtt/lamp/availability', { state: 'online' }, true)
    await say(bridge, 'zigbee2mqtt/lamp', { state: 'ON', brightness: 200, linkquality: 80 })
    await say(bridge, 'zigbee2mqtt/bridge/state', { state: 'online' })
    expect(await valuesOf(cloud, 'z-lamp')).toMatchObject({ state: 'ON', brightness: 200 })
    expect((await detailOf(cloud, 'z-lamp'))?.presence.connected).toBe(true)
    await say(bridge, 'zigbee2mqtt/lamp/availability', { state: 'offline' }, true)
    expect((await detailOf(cloud, 'z-lamp'))?.presence.connected).toBe(false)
    const sent = await answerTo(cloud, 'z-lamp', 'zigbee2mqtt/lamp/set', {
      name: 'set',
      payload: { state: 'OFF' },
    })
    expect(sent).toBe('{"state":"OFF"}')
    expect(await cloud.core.ports.deadLetters.count()).toBe(0)
  })

  it('Tasmota: a device with its own connection, its last will, and cmnd/', async () => {
    const cloud = await openCloud({ config: { networks: { t: { type: 'tasmota' } } } })
    const device = await connect(cloud, {
      clientId: 'DVES_8A9B7C',
      will: { topic: 'tele/kitchen/LWT', payload: Buffer.from('Offline'), qos: 1, retain: true },
    })
    await say(device, 'tele/kitchen/LWT', 'Online', true)
    await say(device, 'tele/kitchen/SENSOR', {
      Time: '2026-01-01T00:00:00',
      AM2301: { Temperature: 21.5 },
    })
    expect(await valuesOf(cloud, 'kitchen')).toEqual({ 'AM2301.Temperature': 21.5 })
    expect((await detailOf(cloud, 'kitchen'))?.presence.connected).toBe(true)
    const sent = await answerTo(cloud, 'kitchen', 'cmnd/kitchen/POWER', {
      name: 'POWER',
      payload: 'ON',
    })
    expect(sent).toBe('ON')
    device.stream.destroy()
    await expect
      .poll(async () => (await detailOf(cloud, 'kitchen'))?.presence.connected)
      .toBe(false)
  })

  it('Shelly: both generations', async () => {
    const cloud = await openCloud({ config: { networks: { s: { type: 'shelly' } } } })
    const bridge = await connect(cloud)
    await say(bridge, 'shellies/shelly1-B/relay/0', 'on')
    await say(bridge, 'shellyplus1-a/online', 'true')
    await say(bridge, 'shellyplus1-a/status/switch:0', { id: 0, output: true })
    expect(await valuesOf(cloud, 'shelly1-B')).toEqual({ 'relay.0': 'on' })
    expect(await valuesOf(cloud, 'shellyplus1-a')).toMatchObject({ 'switch:0.output': true })
    const first = await answerTo(cloud, 'shelly1-B', 'shellies/shelly1-B/relay/0/command', {
      name: 'relay/0',
      payload: 'off',
    })
    expect(first).toBe('off')
    const call = await answerTo(cloud, 'shellyplus1-a', 'shellyplus1-a/rpc', {
      name: 'Switch.Set',
      payload: { id: 0, on: false },
    })
    expect(JSON.parse(call ?? '')).toMatchObject({
      method: 'Switch.Set',
      params: { id: 0, on: false },
    })
  })

  it('discovery: what was announced is known after a restart, and other topics stay what they are', async () => {
    const config: ConfigInput = { networks: { ha: { type: 'home-assistant' } } }
    const first = await openCloud({ config })
    const bridge = await connect(first)
    await say(bridge, 'homeassistant/sensor/garden/temperature/config', {
      stat_t: 'garden/state',
      val_tpl: '{{ value_json.t | float }}',
      unit_of_meas: '°C',
      dev: { ids: ['garden-1'] },
    })
    await bridge.endAsync()
    await first.close()
    const second = await openCloud({ config, data: first.data })
    const again = await connect(second)
    await say(again, 'garden/state', { t: '21.5' })
    expect(await valuesOf(second, 'garden-1')).toEqual({ temperature: 21.5 })
    await say(again, 'somewhere/else', { t: 1 })
    const letters = await second.core.ports.deadLetters.list('', 10)
    expect(letters.map(({ topic, code }) => [topic, code])).toEqual([
      ['somewhere/else', 'uplink.no_device'],
    ])
  })

  it('a wrong message is set aside with its bytes, and the next ones go on', async () => {
    const cloud = await openCloud({ config: { networks: { t: { type: 'tasmota' } } } })
    const bridge = await connect(cloud)
    await say(bridge, 'tele/kitchen/SENSOR', '{"Time":')
    await say(bridge, 'tele/kitchen/SENSOR', { A: 1 })
    const [letter] = await cloud.core.ports.deadLetters.list('', 10)
    expect(letter).toMatchObject({ topic: 'tele/kitchen/SENSOR', code: 'network.malformed' })
    expect(Buffer.from(letter?.payload ?? []).toString()).toBe('{"Time":')
    expect(await valuesOf(cloud, 'kitchen')).toEqual({ A: 1 })
  })
})

describe('a webhook of any service', () => {
  const SECRET = 'sixteen or more characters'

  it('brings batches: what is well is stored, what is not is set aside, each told', async () => {
    const cloud = await openCloud({
      config: {
        networks: {
          meters: {
            type: 'webhook',
            secret: SECRET,
            items: '/rows',
            deviceId: '/id',
            messageId: '/n',
            payload: '/v',
          },
        },
      },
    })
    const post = () =>
      cloud.call('/networks/meters', {
        method: 'POST',
        headers: { authorization: SECRET },
        body: JSON.stringify({
          rows: [
            { id: 'm1', n: 1, v: { kwh: 1.5 } },
            { n: 2, v: 1 },
            { id: 'm2', n: 3, v: { kwh: 2 } },
          ],
        }),
      })
    const first = await post()
    expect(first.status).toBe(202)
    expect(await first.json()).toMatchObject({
      accepted: 2,
      duplicates: 0,
      deadLetters: [{ index: 1, code: 'network.malformed' }],
    })
    expect(await (await post()).json()).toMatchObject({ accepted: 0, duplicates: 2 })
    expect(await valuesOf(cloud, 'm2')).toEqual({ kwh: 2 })
  })

  it('that is too deep, or large once it is decoded, is set aside', async () => {
    const cloud = await openCloud({
      config: {
        networks: { any: { type: 'webhook', secret: SECRET } },
        limits: { bodyBytes: 1_000 },
      },
    })
    const post = (body: string) =>
      cloud.call('/networks/any', { method: 'POST', headers: { authorization: SECRET }, body })
    const deep = await post(`{"deviceId":"d","a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`)
    expect([deep.status, ((await deep.json()) as { title: string }).title]).toEqual([
      422,
      'uplink.too_deep',
    ])
    const large = await post(JSON.stringify({ deviceId: 'd', a: 'x'.repeat(1_000) }))
    expect([large.status, ((await large.json()) as { title: string }).title]).toEqual([
      413,
      'uplink.too_large',
    ])
  })
})
