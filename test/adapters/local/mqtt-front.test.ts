import { connectAsync } from 'mqtt'
import { expect, it, onTestFinished } from 'vitest'
import { openCloud } from './cloud.ts'

it.each(['telemetry', 'shadow/update', 'shadow/get', 'shadow/name/night/update'])(
  'sets aside what comes on devices/{no device id}/%s, and serves the next message',
  async (rest) => {
    const cloud = await openCloud()
    const client = await connectAsync(cloud.mqtt, { clientId: 'dev-1', reconnectPeriod: 0 })
    onTestFinished(() => client.endAsync(true))
    const topic = `devices/not a device/${rest}`
    await client.publishAsync(topic, '{"state": {"reported": {"a": 1}}}', { qos: 1 })
    await client.publishAsync('devices/dev-1/telemetry', '{"temp": 20}', { qos: 1 })
    expect(client.connected).toBe(true)
    const [letter, ...others] = await cloud.core.ports.deadLetters.list('', 10)
    expect(others).toEqual([])
    expect(letter).toMatchObject({ code: 'uplink.bad_device_id', source: 'mqtt', topic })
    expect(Buffer.from(letter!.payload).toString()).toBe('{"state": {"reported": {"a": 1}}}')
    const devices = await cloud.core.ports.devices.list('', 10)
    expect(devices.map(({ deviceId }) => deviceId)).toEqual(['dev-1'])
  },
)
