import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join, resolve } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDeviceConnections } from '../../../adapters/local/presence.ts'
import type { ConfigInput } from '../../../core/index.ts'
import { openCloud, type TestCloud, temporaryFolder } from './cloud.ts'

async function connect(
  cloud: TestCloud,
  clientId: string,
  options: IClientOptions = {},
): Promise<MqttClient> {
  const client = await connectAsync(cloud.mqtt, { clientId, reconnectPeriod: 0, ...options })
  client.on('error', () => undefined)
  onTestFinished(() => client.endAsync(true))
  return client
}

const presenceOf = async (cloud: TestCloud, deviceId: string) =>
  (await cloud.core.ports.devices.load(deviceId))?.presence

const connectedOf = (cloud: TestCloud, deviceId: string) => async () =>
  (await presenceOf(cloud, deviceId))?.connected

const speak = (client: MqttClient, deviceId: string) =>
  client.publishAsync(`devices/${deviceId}/telemetry`, '{"temp":1}', { qos: 1 })

describe('presence', () => {
  it('of a device that is new begins with its first message and ends with its connection', async () => {
    const cloud = await openCloud()
    const device = await connect(cloud, 'd1')
    expect(await presenceOf(cloud, 'd1')).toBeUndefined()
    const before = Date.now()
    await speak(device, 'd1')
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
    expect((await presenceOf(cloud, 'd1'))!.changedAt).toBeGreaterThanOrEqual(before)
    await device.endAsync()
    await expect.poll(connectedOf(cloud, 'd1')).toBe(false)
  })

  it('of a device that is known begins when it connects', async () => {
    const cloud = await openCloud()
    await cloud.call('/devices/d1/telemetry', { method: 'POST', body: '{"temp":1}' })
    expect(await connectedOf(cloud, 'd1')()).toBe(false)
    const device = await connect(cloud, 'd1')
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
    await device.endAsync()
    await expect.poll(connectedOf(cloud, 'd1')).toBe(false)
  })

  it('begins with a request about the own shadow too', async () => {
    const cloud = await openCloud()
    const device = await connect(cloud, 'd1')
    const body = JSON.stringify({ state: { reported: { on: true } } })
    await device.publishAsync('devices/d1/shadow/update', body, { qos: 1 })
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
  })

  it('ends when the connection is lost', async () => {
    const cloud = await openCloud()
    const device = await connect(cloud, 'd1')
    await speak(device, 'd1')
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
    device.stream.destroy()
    await expect.poll(connectedOf(cloud, 'd1')).toBe(false)
  })

  it('ends when the device is not heard of for one and a half keep-alives', async () => {
    const cloud = await openCloud()
    const socket = connectTcp(cloud.mqttPort!, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    // CONNECT of MQTT 3.1.1 with a keep-alive of one second as "d1", then a PUBLISH at QoS 0, then silence.
    socket.write(Buffer.from('100e00044d5154540402000100026431', 'hex'))
    const topic = Buffer.from('devices/d1/telemetry')
    const payload = Buffer.from('{"temp":1}')
    socket.write(
      Buffer.concat([
        Buffer.from([0x30, 2 + topic.length + payload.length, 0, topic.length]),
        topic,
        payload,
      ]),
    )
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
    const from = Date.now()
    await expect.poll(connectedOf(cloud, 'd1'), { timeout: 4_000 }).toBe(false)
    expect(Date.now() - from).toBeGreaterThan(1_000)
  })

  it('goes over to the connection that takes over', async () => {
    const cloud = await openCloud()
    const first = await connect(cloud, 'd1')
    await speak(first, 'd1')
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
    for (let round = 0; round < 5; round++) {
      const next = await connect(cloud, 'd1')
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(await connectedOf(cloud, 'd1')()).toBe(true)
      if (round === 4) {
        await next.endAsync()
        await expect.poll(connectedOf(cloud, 'd1')).toBe(false)
      }
    }
  })

  it('is right in the end however quickly connections come and go', async () => {
    const cloud = await openCloud()
    await cloud.call('/devices/d1/telemetry', { method: 'POST', body: '{"temp":1}' })
    for (let round = 0; round < 30; round++) {
      const client = await connect(cloud, 'd1')
      if (round % 3 === 0) client.stream.destroy()
      else if (round % 3 === 1) void client.endAsync(true)
    }
    const last = await connect(cloud, 'd1')
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
    last.stream.destroy()
    await expect.poll(connectedOf(cloud, 'd1')).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await connectedOf(cloud, 'd1')()).toBe(false)
  })

  it('is kept of devices only: a watcher, and a device under another name, leave no record', async () => {
    const cloud = await openCloud()
    const watcher = await connect(cloud, 'watcher')
    await watcher.subscribeAsync('#')
    const gateway = await connect(cloud, 'gateway')
    await speak(gateway, 'd1')
    const nameless = await connect(cloud, 'not a device')
    await speak(nameless, 'not a device')
    await nameless.publishAsync('devices/not a device/telemetry', '{', { qos: 1 })
    await watcher.endAsync()
    await gateway.endAsync()
    await nameless.endAsync()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const records = await cloud.core.ports.devices.list('', 10)
    expect(records.map(({ deviceId, presence }) => [deviceId, presence.connected])).toEqual([
      ['d1', false],
    ])
  })

  it('ends when the cloud closes', async () => {
    const data = temporaryFolder()
    const cloud = await openCloud({ data })
    const device = await connect(cloud, 'd1')
    await speak(device, 'd1')
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
    await cloud.close()
    const again = await openCloud({ data })
    expect(await connectedOf(again, 'd1')()).toBe(false)
  })

  it('is reset by the next start after the process was killed', async () => {
    const data = temporaryFolder()
    const config = join(temporaryFolder(), 'anyhub.yml')
    writeFileSync(config, '{}')
    const main = resolve(import.meta.dirname, '../../../cli/bin.mjs')
    const killed = spawn(
      process.execPath,
      [
        main,
        'start',
        '--json',
        '--config',
        config,
        '--data',
        data,
        '--http-port',
        '0',
        '--mqtt-port',
        '0',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    onTestFinished(() => void killed.kill('SIGKILL'))
    const [line] = await once(killed.stdout, 'data')
    const { mqtt, http } = JSON.parse(String(line))
    for (const deviceId of ['d1', 'd2']) {
      const device = await connectAsync(mqtt, { clientId: deviceId, reconnectPeriod: 0 })
      device.on('error', () => undefined)
      onTestFinished(() => device.endAsync(true))
      await speak(device, deviceId)
    }
    await fetch(`${http}/devices/d3/telemetry`, { method: 'POST', body: '{"temp":1}' })
    await expect
      .poll(async () => {
        const { devices } = (await (await fetch(`${http}/devices`)).json()) as {
          devices: { connected: boolean }[]
        }
        return devices.map(({ connected }) => connected)
      })
      .toEqual([true, true, false])
    killed.kill('SIGKILL')
    await once(killed, 'exit')

    const cloud = await openCloud({ data })
    const versions: number[] = []
    for (const deviceId of ['d1', 'd2', 'd3']) {
      const record = await cloud.core.ports.devices.load(deviceId)
      expect(record!.presence.connected).toBe(false)
      versions.push(record!.version)
    }
    // Who was not connected is not touched.
    expect(versions[2]).toBe(1)
    const device = await connect(cloud, 'd1')
    await expect.poll(connectedOf(cloud, 'd1')).toBe(true)
    await device.endAsync()
  })

  it('is told once, also over a restart: who does not come back is offline', async () => {
    const data = temporaryFolder()
    const config: ConfigInput = {
      deviceTypes: { any: { offlineAfter: '1s' } },
      rules: {
        tell: {
          sql: "SELECT status, sequence FROM '$anyhub/presence/+'",
          actions: [{ queue: { name: 'told' } }],
        },
      },
    }
    const told = async (cloud: TestCloud) =>
      (await cloud.core.ports.queues.claim('told', 10, 1)).map(({ body }) => body)
    const cloud = await openCloud({ data, config })
    for (const deviceId of ['d1', 'd2']) await speak(await connect(cloud, deviceId), deviceId)
    await expect.poll(async () => await told(cloud)).toHaveLength(2)
    await cloud.close()
    const again = await openCloud({ data, config })
    await connect(again, 'd2')
    const gone = { status: 'offline', sequence: 2 }
    await expect
      .poll(async () => await told(again), { timeout: 8_000 })
      .toEqual([{ status: 'online', sequence: 1 }, { status: 'online', sequence: 1 }, gone])
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(await told(again)).toHaveLength(3)
    expect((await presenceOf(again, 'd1'))?.judged?.status).toBe('offline')
    expect((await presenceOf(again, 'd2'))?.judged).toMatchObject({ status: 'online', sequence: 1 })
    const listed = (await (await again.call('/devices')).json()) as { devices: unknown[] }
    expect(listed.devices).toMatchObject([
      { deviceId: 'd1', status: 'offline', connected: false, expected: false },
      { deviceId: 'd2', status: 'online', connected: true },
    ])
  }, 20_000)
})

describe('connections of one device over several ways', () => {
  it('the device is there while it has one', async () => {
    const { core } = await openCloud()
    const connections = createDeviceConnections(core)
    const presence = async () => (await core.ports.devices.load('d1'))?.presence
    const first = connections.began('d1')
    const second = connections.began('d1', 'gw')
    await expect.poll(presence).toMatchObject({ connected: true, gateway: 'gw' })
    first(true)
    first(true)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await presence())?.connected).toBe(true)
    second(false)
    await expect.poll(presence).toMatchObject({ connected: false, gateway: 'gw' })
  })
})
