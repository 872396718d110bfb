import { Client, Message } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { describe, expect, it } from 'vitest'
import { ownerKeyOf } from '../../adapters/local/identity.ts'
import { openTlsCloud } from '../adapters/local/tls-cloud.ts'
import { runCli } from './run-cli.ts'

describe('anyhub connection-string', () => {
  it('prints what an unmodified SDK connects with, also when the device was added', async () => {
    const cloud = await openTlsCloud()
    const flags = ['--url', cloud.http, '--token', cloud.adminToken]
    const added = await runCli(['device', 'add', 'dev1', '--key', '--json', ...flags])
    const { key, connectionString } = JSON.parse(added.out)
    expect(key).toMatch(/^[\w-]{43}$/)
    expect(connectionString).toMatch(
      new RegExp(
        `^HostName=localhost:${cloud.mqttsPort};DeviceId=dev1;SharedAccessKey=[\\w+/]{43}=$`,
      ),
    )
    const printed = await runCli(['connection-string', 'device', 'dev1', ...flags])
    expect(printed).toMatchObject({ code: 0, out: `${connectionString}\n` })
    const client = Client.fromConnectionString(printed.out.trim(), Mqtt)
    await client.setOptions({ ca: cloud.authority })
    await client.open()
    await client.sendEvent(new Message('{"t":1}'))
    await client.close()
    expect((await cloud.core.ports.devices.load('dev1'))?.last['t']?.value).toBe(1)
    const https = await runCli([
      'connection-string',
      'device',
      'dev1',
      '--transport',
      'https',
      '--json',
      ...flags,
    ])
    expect(JSON.parse(https.out).connectionString).toBe(
      connectionString.replace(String(cloud.mqttsPort), String(cloud.httpsPort)),
    )
    const rotated = await runCli(['device', 'rotate', 'dev1', '--key', ...flags])
    expect(rotated.out).toContain('Azure SDK  HostName=localhost:')
    expect(rotated.out).not.toContain(connectionString)
  })

  it('prints that of back ends, and says what there is not', async () => {
    const cloud = await openTlsCloud()
    const flags = ['--url', cloud.http, '--token', cloud.adminToken]
    const service = ['connection-string', 'service', '--transport', 'https']
    expect((await runCli([...service, ...flags])).out).toBe(
      `HostName=localhost:${cloud.httpsPort};SharedAccessKeyName=iothubowner;SharedAccessKey=${ownerKeyOf(cloud.adminToken)}\n`,
    )
    const hubs = await runCli(['connection-string', 'event-hubs', ...flags])
    expect(hubs).toMatchObject({ code: 1, err: expect.stringContaining('no listener') })
    await cloud.admin('POST', '/devices', { deviceId: 'dev2', credential: 'certificate' })
    for (const id of ['dev2', 'nobody']) {
      const missing = await runCli(['connection-string', 'device', id, ...flags])
      expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('with keys') })
    }
    const stranger = await runCli([...service, '--url', cloud.http, '--token', 'wrong'])
    expect(stranger).toMatchObject({ code: 1, err: expect.stringContaining('401') })
    for (const wrong of [
      [],
      ['device'],
      ['service', 'x'],
      ['hub'],
      ['service', '--transport', 'x'],
    ])
      expect((await runCli(['connection-string', ...wrong, ...flags])).code).toBe(2)
  })
})
