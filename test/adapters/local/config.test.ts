import { describe, expect, it } from 'vitest'
import { readLocalSettings } from '../../../adapters/local/config.ts'
import { openCloud } from './cloud.ts'

describe('readLocalSettings', () => {
  it('has defaults for all', () => {
    expect(readLocalSettings({}, {})).toEqual({
      host: '127.0.0.1',
      httpPort: 8080,
      httpsPort: 8443,
      mqttPort: 1883,
      mqttsPort: 8883,
      amqpsPort: 5671,
      keepEvents: false,
      data: '.anyhub',
      durability: 'full',
      requireAuth: false,
    })
  })

  it.each([
    [{}, 5671, false],
    [{ 'mqtt-port': '0' }, 0, false],
    [{ 'http-port': '9000' }, 0, false],
    [{ 'http-port': 'off' }, 5671, false],
    [{ 'http-port': 'off', 'mqtt-port': 'off' }, undefined, false],
    [{ 'http-port': 'off', 'mqtt-port': 'off', 'amqps-port': '0' }, 0, true],
    [{ 'mqtt-port': '0', 'amqps-port': '5672' }, 5672, true],
    [{ 'amqps-port': 'off' }, undefined, true],
  ])('AMQP goes with the plain ports unless it is given: %j', (flags, amqpsPort, keepEvents) =>
    expect(readLocalSettings(flags, {})).toMatchObject({ amqpsPort, keepEvents }),
  )

  it('lets a flag win over the environment, and the environment over the default', () => {
    const env = { ANYHUB_HTTP_PORT: '9000', ANYHUB_MQTT_PORT: 'off', ANYHUB_DATA: '/var/anyhub' }
    expect(readLocalSettings({ 'http-port': '0' }, env)).toMatchObject({
      httpPort: 0,
      mqttPort: undefined,
      data: '/var/anyhub',
    })
  })

  it.each(['127.0.0.1', '127.255.0.9', '::1', 'localhost'])('listens on %s', (host) =>
    expect(readLocalSettings({ host }, {}).host).toBe(host),
  )

  it.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.256',
    '127.1',
    'localhost.example',
    'example.com',
    '',
  ])('does not listen on %j, where others could reach it', (host) =>
    expect(() => readLocalSettings({ host }, {})).toThrow(
      expect.objectContaining({
        code: 'usage.wrong',
        message: expect.stringContaining('--host: expected a loopback address'),
      }),
    ),
  )

  it('listens on no address without a name, whoever has to prove himself', () =>
    expect(() => readLocalSettings({ host: '' }, {}, new Set(['require-auth']))).toThrow(/--host/))

  it.each(['-1', '65536', '1e3', '80 ', '', 'on', '0x50'])('refuses the port %j', (port) =>
    expect(() => readLocalSettings({ 'mqtt-port': port }, {})).toThrow(
      expect.objectContaining({
        message: `--mqtt-port: expected a port from 0 to 65535 or off, found ${JSON.stringify(port)}`,
      }),
    ),
  )

  it('lists every fault', () => {
    const flags = { host: '0.0.0.0', 'http-port': 'x', durability: 'some', data: '' }
    let message = ''
    try {
      readLocalSettings(flags, { ANYHUB_MQTT_PORT: 'y' })
    } catch (error) {
      message = error instanceof Error ? error.message : ''
    }
    expect(message.split('\n').map((line) => line.split(':')[0])).toEqual([
      '--durability',
      '--http-port',
      '--mqtt-port',
      '--host',
      '--data',
    ])
  })
})

describe('listening', () => {
  it('on another loopback address works, with Host of that address', async () => {
    const { httpPort } = await openCloud({ settings: { host: '127.0.0.9' } })
    expect((await fetch(`http://127.0.0.9:${httpPort}/healthz`)).status).toBe(200)
  })

  it('on an address that this machine has not is told in one sentence', async () => {
    // TEST-NET-1 of RFC 5737.
    await expect(openCloud({ settings: { host: '192.0.2.1' } })).rejects.toMatchObject({
      code: 'usage.wrong',
      message: 'port 0 on 192.0.2.1: this machine has no such address (--host)',
    })
  })
})
