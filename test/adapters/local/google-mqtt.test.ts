import { once } from 'node:events'
import { connectAsync } from 'mqtt'
import { describe, expect, it } from 'vitest'
import type { ConfigInput } from '../../../core/index.ts'
import { type GoogleClient, type GoogleCloud, openGoogleCloud, PATH } from './google-cloud.ts'

const sees = (filter: string) => ({
  sql: `SELECT temp, topic() AS topic, get_user_properties('subFolder') AS folder FROM '${filter}'`,
  actions: [{ republish: { topic: 'seen' } }],
})

const CONFIG: ConfigInput = {
  rules: { events: sees('devices/+/telemetry'), below: sees('devices/+/telemetry/#') },
}

async function openWith(...deviceIds: string[]): Promise<GoogleCloud> {
  const cloud = await openGoogleCloud({}, { config: CONFIG })
  for (const deviceId of deviceIds) await cloud.register(deviceId)
  return cloud
}

const recordOf = (cloud: GoogleCloud, deviceId = 'd1') => cloud.core.ports.devices.load(deviceId)

/** Resolves once the connection is gone. */
async function ended(client: GoogleClient): Promise<true> {
  if (client.connected) await once(client as never, 'close')
  return true
}

/** What is published is answered, or the connection ends: both are an end of waiting. */
const tryPublish = (
  client: GoogleClient,
  topic: string,
  payload: string | Buffer = '{"temp":1}',
  options: { qos: 0 | 1 | 2; retain?: boolean } = { qos: 1 },
) =>
  new Promise<void>((resolve) => {
    client.once('close', () => resolve())
    client.publish(topic, payload, options, () => resolve())
  })

const commandTo = (cloud: GoogleCloud, deviceId: string, name: string, payload: string) =>
  cloud.core.commands.send(deviceId, { name, payload: Buffer.from(payload) })

describe('CONNECT of a Google device', () => {
  it('is accepted with its token, and shows it as connected', async () => {
    const cloud = await openWith('d1')
    const client = await cloud.connectGoogle('d1')
    await client.publishAsync('/devices/d1/events', '{"temp":1}', { qos: 1 })
    await expect.poll(async () => (await recordOf(cloud))?.presence.connected).toBe(true)
    await client.endAsync()
    await expect.poll(async () => (await recordOf(cloud))?.presence.connected).toBe(false)
  })

  it('is refused with anything else, and disturbs nobody', async () => {
    const cloud = await openWith('d1', 'd2')
    const good = await cloud.connectGoogle('d2')
    const bad: [string, string, string][] = [
      ['another key', 'd1', await cloud.token('d2')],
      ['an expired token', 'd1', await cloud.token('d1', { iat: -7_200, exp: -601 })],
      ['a token from the future', 'd1', await cloud.token('d1', { iat: 700, exp: 900 })],
      ['a token that lives too long', 'd1', await cloud.token('d1', { exp: 86_500 })],
      ['a foreign project', 'd1', await cloud.token('d1', { aud: 'other' })],
      ['no token', 'd1', ''],
      ['no token at all', 'd1', 'a.b.c'],
      ["the admin's token", 'd1', cloud.adminToken],
      ['a stranger', 'd9', await cloud.token('d1')],
    ]
    for (const [name, deviceId, password] of bad)
      await expect(cloud.connectGoogle(deviceId, { password }), name).rejects.toThrow(
        /refused|Not authorized|Bad/i,
      )
    for (const clientId of [`${PATH}/a b`, `${PATH}/`, 'projects/p/locations/x', `${PATH}/d1/x`])
      await expect(
        cloud.connectGoogle('d1', { clientId, password: await cloud.token('d1') }),
        clientId,
      ).rejects.toThrow()
    await good.publishAsync('/devices/d2/events', '{"temp":1}', { qos: 1 })
  })

  it('allows ten minutes between the clocks', async () => {
    const cloud = await openWith('d1')
    const late = await cloud.token('d1', { iat: -3_600, exp: -590 })
    await (await cloud.connectGoogle('d1', { password: late })).endAsync()
    const early = await cloud.token('d1', { iat: 590, exp: 900 })
    await (await cloud.connectGoogle('d1', { password: early })).endAsync()
  })

  it('ends when the token does', async () => {
    const cloud = await openWith('d1')
    const password = await cloud.token('d1', { iat: -3_600, exp: -598 })
    const client = await cloud.connectGoogle('d1', { password })
    expect(await ended(client)).toBe(true)
    expect((await cloud.stats())['mqtt.expired']).toBe(1)
  })

  it('ends when its key is taken away, or the device is disabled', async () => {
    const cloud = await openWith('d1', 'd2')
    const first = await cloud.connectGoogle('d1')
    const second = await cloud.connectGoogle('d2')
    const device = (await (await cloud.admin('GET', '/devices/d1')).json()) as {
      credentials: { fingerprint: string }[]
    }
    const { fingerprint } = device.credentials[0]!
    await cloud.admin('DELETE', `/devices/d1/public-keys/${fingerprint}`)
    await cloud.admin('PATCH', '/devices/d2', { enabled: false })
    await ended(first)
    await ended(second)
    await expect(cloud.connectGoogle('d1')).rejects.toThrow()
    await expect(cloud.connectGoogle('d2')).rejects.toThrow()
  })

  it('needs no proof on this machine while the device is not registered', async () => {
    const cloud = await openWith('d1')
    const options = { reconnectPeriod: 0, username: 'unused', password: 'anything' }
    const free = await connectAsync(cloud.mqtt, { clientId: `${PATH}/new`, ...options })
    await free.publishAsync('/devices/new/events', '{"temp":1}', { qos: 1 })
    expect((await recordOf(cloud, 'new'))?.accepted).toBe(1)
    await free.endAsync()
    await expect(connectAsync(cloud.mqtt, { clientId: `${PATH}/d1`, ...options })).rejects.toThrow()
  })
})

describe('telemetry of a Google device', () => {
  it('comes to the same rules as that of others, with its subfolder', async () => {
    const cloud = await openWith('d1')
    const watcher = await connectAsync(cloud.mqtt, { reconnectPeriod: 0 })
    const seen: unknown[] = []
    watcher.on('message', (_topic, payload) => void seen.push(JSON.parse(String(payload))))
    await watcher.subscribeAsync('seen')
    const client = await cloud.connectGoogle('d1')
    await client.publishAsync('/devices/d1/events', '{"temp":1}', { qos: 1 })
    await client.publishAsync('/devices/d1/events/alerts/fire', '{"temp":2}', { qos: 0 })
    await expect
      .poll(() => seen)
      .toEqual([
        { temp: 1, topic: 'devices/d1/telemetry', folder: [''] },
        { temp: 2, topic: 'devices/d1/telemetry/alerts/fire', folder: ['alerts/fire'] },
      ])
    await watcher.endAsync()
  })

  it.each([
    ['QoS 2', '/devices/d1/events', { qos: 2 as const }],
    ['a retained message', '/devices/d1/events', { qos: 1 as const, retain: true }],
    ['a topic of another dialect', 'devices/d1/telemetry', { qos: 1 as const }],
    ['the topic of another device', '/devices/d2/events', { qos: 1 as const }],
    ['a topic that is none', '/devices/d1/config', { qos: 1 as const }],
    ['a level too many', '/devices/d1/state/x', { qos: 1 as const }],
    ['attach of who is no gateway', '/devices/d2/attach', { qos: 1 as const }],
  ])('is refused, and the connection ends: %s', async (_name, topic, options) => {
    const cloud = await openWith('d1', 'd2')
    const client = await cloud.connectGoogle('d1')
    await tryPublish(client, topic, '{"temp":1}', options)
    await ended(client)
    expect(await recordOf(cloud, 'd2')).toBeUndefined()
    expect((await cloud.stats())['mqtt.refused']).toBe(1)
  })

  it.each(['/devices/d2/config', '#', '/devices/d1/#', '/devices/+/config', 'devices/d1/shadow/#'])(
    'cannot be listened to beyond its own topics: %s',
    async (filter) => {
      const cloud = await openWith('d1', 'd2')
      const client = await cloud.connectGoogle('d1')
      await client.subscribeAsync(filter).catch(() => undefined)
      await ended(client)
    },
  )
})

describe('state of a Google device', () => {
  const reportedOf = async (cloud: GoogleCloud) => (await recordOf(cloud))?.shadows['']?.reported

  it('is reported, each one in place of the one before', async () => {
    const cloud = await openWith('d1')
    const client = await cloud.connectGoogle('d1')
    await client.publishAsync('/devices/d1/events', '{"temp":1}', { qos: 1 })
    await client.publishAsync('/devices/d1/state', '{"mode":"eco","net":{"ip":"x","up":1}}', {
      qos: 1,
    })
    expect(await reportedOf(cloud)).toEqual({ temp: 1, mode: 'eco', net: { ip: 'x', up: 1 } })
    await client.publishAsync('/devices/d1/state', '{"net":{"ip":"y"}}', { qos: 1 })
    expect(await reportedOf(cloud)).toEqual({ temp: 1, net: { ip: 'y' } })
  })

  it('that is no JSON object is kept as it is', async () => {
    const cloud = await openWith('d1')
    const client = await cloud.connectGoogle('d1')
    const bytes = Buffer.from([0xff, 0x00, 0x7b])
    await client.publishAsync('/devices/d1/state', bytes, { qos: 1 })
    const state = await cloud.asAdmin('GET', '/devices/d1/state')
    expect(state['binaryData']).toBe(bytes.toString('base64'))
    expect(await reportedOf(cloud)).toBeUndefined()
    await client.publishAsync('/devices/d1/state', '[1]', { qos: 1 })
    expect((await cloud.asAdmin('GET', '/devices/d1/state'))['binaryData']).toBe('WzFd')
  })

  it('over 64 KB ends the connection', async () => {
    const cloud = await openWith('d1')
    const client = await cloud.connectGoogle('d1')
    await tryPublish(client, '/devices/d1/state', Buffer.alloc(65_537))
    await ended(client)
  })
})

describe('config of a Google device', () => {
  const desire = (cloud: GoogleCloud, desired: unknown) =>
    cloud.asAdmin('PATCH', '/devices/d1/shadow', JSON.stringify({ state: { desired } }))

  async function versionsOf(cloud: GoogleCloud) {
    const { versions } = await cloud.asAdmin('GET', '/devices/d1/config')
    return versions as { version: number; binaryData: string; acknowledgedAt?: number }[]
  }

  it('comes with the subscription, and with each change; PUBACK acknowledges it', async () => {
    const cloud = await openWith('d1')
    const client = await cloud.connectGoogle('d1')
    await client.subscribeAsync('/devices/d1/config', { qos: 1 })
    await expect.poll(() => client.got).toMatchObject([{ topic: '/devices/d1/config', text: '' }])
    await desire(cloud, { fan: 'on' })
    await expect.poll(() => client.got[1]?.text).toBe('{"fan":"on"}')
    await desire(cloud, { speed: 2 })
    await expect.poll(() => client.got[2]?.text).toBe('{"fan":"on","speed":2}')
    await expect
      .poll(async () =>
        (await versionsOf(cloud)).map((one) => [one.version, one.acknowledgedAt !== undefined]),
      )
      .toEqual([
        [3, true],
        [2, true],
        [1, true],
      ])
  })

  it('that came while the device was away is the last one, once', async () => {
    const cloud = await openWith('d1')
    await desire(cloud, { fan: 'on' })
    await desire(cloud, { fan: 'off' })
    const client = await cloud.connectGoogle('d1')
    await client.subscribeAsync('/devices/d1/config', { qos: 1 })
    await expect.poll(() => client.got.map(({ text }) => text)).toEqual(['{"fan":"off"}'])
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(client.got).toHaveLength(1)
  })

  it('comes again to a session that is resumed', async () => {
    const cloud = await openWith('d1')
    const first = await cloud.connectGoogle('d1', { clean: false })
    await first.subscribeAsync('/devices/d1/config', { qos: 1 })
    await first.endAsync()
    await desire(cloud, { fan: 'on' })
    const again = await cloud.connectGoogle('d1', { clean: false })
    await expect.poll(() => again.got.map(({ text }) => text)).toEqual(['{"fan":"on"}'])
  })

  it('may be bytes, until something else is desired; JSON becomes desired', async () => {
    const cloud = await openWith('d1')
    const client = await cloud.connectGoogle('d1')
    await client.subscribeAsync('/devices/d1/config', { qos: 1 })
    const bytes = Buffer.from([1, 2, 255])
    expect(await cloud.asAdmin('PUT', '/devices/d1/config', bytes)).toMatchObject({ version: 2 })
    await expect.poll(() => client.got[1]?.payload).toEqual(bytes)
    expect(await cloud.asAdmin('PUT', '/devices/d1/config', '{"a":1,"b":2}')).toMatchObject({
      status: 200,
      version: 3,
    })
    await expect.poll(() => client.got[2]?.text).toBe('{"a":1,"b":2}')
    await cloud.asAdmin('PUT', '/devices/d1/config', '{"b":2}')
    await expect.poll(() => client.got[3]?.text).toBe('{"b":2}')
    expect((await recordOf(cloud))?.shadows['']?.desired).toEqual({ b: 2 })
    // Nulls are no values of the desired state.
    await cloud.asAdmin('PUT', '/devices/d1/config', '{"b":null}')
    await expect.poll(() => client.got[4]?.text).toBe('{"b":null}')
    expect((await versionsOf(cloud)).map(({ version }) => version)).toEqual([5, 4, 3, 2, 1])
  })

  it('is set by the admin alone, and not over 64 KB', async () => {
    const cloud = await openWith('d1')
    expect((await cloud.call('/devices/d1/config', { method: 'PUT', body: 'x' })).status).toBe(401)
    expect((await cloud.call('/devices/d1/config')).status).toBe(401)
    expect((await cloud.call('/devices/d1/state')).status).toBe(401)
    const large = Buffer.alloc(65_537, 1)
    expect(await cloud.asAdmin('PUT', '/devices/d1/config', large)).toMatchObject({ status: 400 })
  })

  it('is not acknowledged with QoS 0', async () => {
    const cloud = await openWith('d1')
    const client = await cloud.connectGoogle('d1')
    await client.subscribeAsync('/devices/d1/config', { qos: 0 })
    await expect.poll(() => client.got).toHaveLength(1)
    expect((await versionsOf(cloud))[0]).not.toHaveProperty('acknowledgedAt')
  })
})

describe('commands to a Google device', () => {
  it('come on their subfolder, and are complete with the PUBACK', async () => {
    const cloud = await openWith('d1')
    const client = await cloud.connectGoogle('d1')
    await client.publishAsync('/devices/d1/events', '{"temp":1}', { qos: 1 })
    const waiting = await commandTo(cloud, 'd1', 'reboot', 'now')
    await client.subscribeAsync('/devices/d1/commands/#', { qos: 1 })
    await expect
      .poll(() => client.got)
      .toMatchObject([{ topic: '/devices/d1/commands/reboot', text: 'now' }])
    await expect
      .poll(async () => (await cloud.core.commands.get('d1', waiting.commandId))?.state)
      .toBe('Completed')
    await cloud.core.commands.send('d1', {
      name: 'light',
      payload: Buffer.from('x'),
      properties: { subfolder: 'led/1' },
    })
    await expect.poll(() => client.got[1]?.topic).toBe('/devices/d1/commands/led/1')
  })

  it('wait for a device that is away', async () => {
    const cloud = await openWith('d1')
    const first = await cloud.connectGoogle('d1', { clean: false })
    await first.publishAsync('/devices/d1/events', '{"temp":1}', { qos: 1 })
    await first.subscribeAsync('/devices/d1/commands/#', { qos: 1 })
    await first.endAsync()
    const { commandId } = await commandTo(cloud, 'd1', 'reboot', 'now')
    expect((await cloud.core.commands.get('d1', commandId))?.state).toBe('Enqueued')
    const again = await cloud.connectGoogle('d1', { clean: false })
    await expect.poll(() => again.got.map(({ text }) => text)).toEqual(['now'])
  })
})

describe('a Google gateway', () => {
  const gateway = (cloud: GoogleCloud, auth = 'association') =>
    cloud.register('gw', { gatewayAuth: auth })
  const bind = (cloud: GoogleCloud, deviceId: string) =>
    cloud.admin('PUT', `/devices/gw/bound/${deviceId}`)

  async function openGateway(auth?: string): Promise<GoogleCloud> {
    const cloud = await openWith('d1', 'd2')
    await gateway(cloud, auth)
    return cloud
  }

  const listening = async (cloud: GoogleCloud): Promise<GoogleClient> => {
    const client = await cloud.connectGoogle('gw')
    await client.subscribeAsync('/devices/gw/errors', { qos: 1 })
    return client
  }

  const errorsOf = ({ got }: GoogleClient) =>
    got.filter(({ topic }) => topic === '/devices/gw/errors').map(({ text }) => JSON.parse(text))

  it('speaks and listens for devices that are bound to it', async () => {
    const cloud = await openGateway()
    await bind(cloud, 'd1')
    const client = await cloud.connectGoogle('gw')
    await client.publishAsync('/devices/d1/attach', '', { qos: 1 })
    await client.publishAsync('/devices/d1/events/x', '{"temp":3}', { qos: 1 })
    await client.publishAsync('/devices/gw/events', '{"load":1}', { qos: 1 })
    await client.publishAsync('/devices/d1/state', '{"on":true}', { qos: 1 })
    await client.subscribeAsync(['/devices/d1/config', '/devices/d1/commands/#'], { qos: 1 })
    await cloud.asAdmin('PUT', '/devices/d1/config', '{"a":1}')
    await commandTo(cloud, 'd1', 'reboot', 'now')
    await expect
      .poll(() => client.got.map(({ topic, text }) => `${topic} ${text}`).sort())
      .toEqual([
        '/devices/d1/commands/reboot now',
        '/devices/d1/config ',
        '/devices/d1/config {"a":1}',
      ])
    expect(await recordOf(cloud)).toMatchObject({
      accepted: 1,
      last: { temp: { value: 3 } },
      shadows: { '': { reported: { temp: 3, on: true } } },
      presence: { connected: true, gateway: 'gw' },
    })
    expect((await recordOf(cloud, 'gw'))?.last).toHaveProperty('load')
    await client.publishAsync('/devices/d1/detach', '', { qos: 1 })
    await expect.poll(async () => (await recordOf(cloud))?.presence.connected).toBe(false)
    await tryPublish(client, '/devices/d1/events', '{"temp":4}')
    await ended(client)
    expect((await recordOf(cloud))?.accepted).toBe(1)
  })

  it('takes up its session again: who is attached anew gets the config', async () => {
    const cloud = await openGateway()
    await bind(cloud, 'd1')
    const first = await cloud.connectGoogle('gw', { clean: false })
    await first.publishAsync('/devices/d1/attach', '', { qos: 1 })
    await first.subscribeAsync(['/devices/d1/config', '/devices/gw/errors'], { qos: 1 })
    await first.endAsync()
    await cloud.asAdmin('PUT', '/devices/d1/config', '{"a":1}')
    const again = await cloud.connectGoogle('gw', { clean: false })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(again.got).toEqual([])
    await again.publishAsync('/devices/d1/attach', '', { qos: 1 })
    await expect.poll(() => again.got.map(({ text }) => text)).toEqual(['{"a":1}'])
  })

  it('is told what it may not, where it listens to errors', async () => {
    const cloud = await openGateway()
    const client = await listening(cloud)
    await client.publishAsync('/devices/d1/attach', '', { qos: 1 })
    await client.publishAsync('/devices/nobody/attach', '', { qos: 1 })
    await client.publishAsync('/devices/d2/events', '{"temp":3}', { qos: 1 })
    await expect.poll(() => errorsOf(client)).toHaveLength(3)
    expect(errorsOf(client)).toMatchObject([
      {
        error_type: 'GATEWAY_ATTACHMENT_ERROR',
        device_id: 'd1',
        description: 'the device is not bound to the gateway',
        mqtt_message_info: { message_type: 'PUBLISH', topic: '/devices/d1/attach' },
      },
      { error_type: 'GATEWAY_ATTACHMENT_ERROR', device_id: 'nobody' },
      { error_type: 'GATEWAY_DEVICE_NOT_FOUND', device_id: 'd2' },
    ])
    const grants = await client.subscribeAsync('/devices/d1/config').catch((error) => error)
    expect(grants).toBeInstanceOf(Error)
    await expect.poll(() => errorsOf(client)).toHaveLength(4)
    expect(client.connected).toBe(true)
    expect(await recordOf(cloud)).toBeUndefined()
  })

  it('loses the connection where it does not listen', async () => {
    const cloud = await openGateway()
    const client = await cloud.connectGoogle('gw')
    await tryPublish(client, '/devices/d1/attach', '')
    await ended(client)
  })

  it('may have to bring a token of the device', async () => {
    const cloud = await openGateway('token')
    const client = await listening(cloud)
    const attach = async (deviceId: string, authorization: unknown) =>
      client.publishAsync(`/devices/${deviceId}/attach`, JSON.stringify({ authorization }), {
        qos: 1,
      })
    await attach('d1', await cloud.token('d1'))
    await client.publishAsync('/devices/d1/events', '{"temp":3}', { qos: 1 })
    expect((await recordOf(cloud))?.accepted).toBe(1)
    await attach('d2', await cloud.token('d1'))
    await attach('d2', await cloud.token('d2', { aud: 'other' }))
    await attach('d2', 7)
    await client.publishAsync('/devices/d2/attach', '{', { qos: 1 })
    await expect.poll(() => errorsOf(client)).toHaveLength(4)
    expect(errorsOf(client).every(({ device_id: id }) => id === 'd2')).toBe(true)
  })

  it('may need both: a token, and that the device is bound', async () => {
    const cloud = await openGateway('association_and_token')
    const client = await listening(cloud)
    const body = JSON.stringify({ authorization: await cloud.token('d1') })
    await client.publishAsync('/devices/d1/attach', body, { qos: 1 })
    await expect.poll(() => errorsOf(client)).toHaveLength(1)
    await bind(cloud, 'd1')
    await client.publishAsync('/devices/d1/attach', '', { qos: 1 })
    await expect.poll(() => errorsOf(client)).toHaveLength(2)
    await client.publishAsync('/devices/d1/attach', body, { qos: 1 })
    await client.publishAsync('/devices/d1/events', '{"temp":3}', { qos: 1 })
    expect((await recordOf(cloud))?.accepted).toBe(1)
  })

  it('lets a device go when its token ends, when it is unbound, and when it is disabled', async () => {
    const cloud = await openGateway('association_and_token')
    await bind(cloud, 'd1')
    await bind(cloud, 'd2')
    const client = await listening(cloud)
    const short = await cloud.token('d1', { iat: -3_600, exp: -598 })
    const body = (authorization: string) => JSON.stringify({ authorization })
    await client.publishAsync('/devices/d1/attach', body(short), { qos: 1 })
    await client.publishAsync('/devices/d2/attach', body(await cloud.token('d2')), { qos: 1 })
    await expect
      .poll(() => errorsOf(client), { timeout: 4_000 })
      .toMatchObject([{ error_type: 'GATEWAY_DETACHMENT_DEVICE_ERROR', device_id: 'd1' }])
    await client.publishAsync('/devices/d2/events', '{"temp":3}', { qos: 1 })
    await cloud.admin('DELETE', '/devices/gw/bound/d2')
    await client.publishAsync('/devices/d2/events', '{"temp":4}', { qos: 1 })
    await expect.poll(() => errorsOf(client)).toHaveLength(2)
    expect((await recordOf(cloud, 'd2'))?.accepted).toBe(1)
  })

  it('is in one place: the newest gateway has the device', async () => {
    const cloud = await openGateway()
    await cloud.register('gw2', { gatewayAuth: 'association' })
    await bind(cloud, 'd1')
    await cloud.admin('PUT', '/devices/gw2/bound/d1')
    const first = await listening(cloud)
    const second = await cloud.connectGoogle('gw2')
    await first.publishAsync('/devices/d1/attach', '', { qos: 1 })
    await second.publishAsync('/devices/d1/attach', '', { qos: 1 })
    await expect.poll(async () => (await recordOf(cloud))?.presence.gateway).toBe('gw2')
    await first.publishAsync('/devices/d1/events', '{"temp":3}', { qos: 1 })
    await expect.poll(() => errorsOf(first)).toHaveLength(1)
    await first.endAsync()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await recordOf(cloud))?.presence).toMatchObject({ connected: true, gateway: 'gw2' })
  })

  it('is heard of while it speaks for others', async () => {
    const config: ConfigInput = {
      deviceTypes: { any: {}, gateways: { devices: 'gw', expectEvery: '2s' } },
    }
    const cloud = await openGoogleCloud({}, { config })
    await cloud.register('d1')
    await gateway(cloud)
    await bind(cloud, 'd1')
    const client = await cloud.connectGoogle('gw')
    await client.publishAsync('/devices/d1/attach', '', { qos: 1 })
    for (let round = 0; round < 10; round++) {
      await client.publishAsync('/devices/d1/events', `{"n":${round}}`, { qos: 1 })
      await new Promise((resolve) => setTimeout(resolve, 400))
    }
    const judged = async () => (await recordOf(cloud, 'gw'))?.presence.judged
    expect(await judged()).toMatchObject({ status: 'online', sequence: 1 })
    await expect.poll(judged, { timeout: 6_000 }).toMatchObject({ status: 'late', sequence: 2 })
  }, 20_000)

  it('that goes takes its devices along: one event, no storm', async () => {
    const cloud = await openGoogleCloud(
      {},
      {
        config: {
          deviceTypes: { any: { offlineAfter: '1s' } },
          rules: {
            told: {
              sql: "SELECT deviceId, status FROM '$anyhub/presence/+'",
              actions: [{ republish: { topic: 'told' } }],
            },
          },
        },
      },
    )
    await gateway(cloud)
    const deviceIds = Array.from({ length: 10 }, (_, index) => `d${index}`)
    const client = await cloud.connectGoogle('gw')
    await client.publishAsync('/devices/gw/events', '{"load":1}', { qos: 1 })
    for (const deviceId of deviceIds) {
      await cloud.register(deviceId)
      await bind(cloud, deviceId)
      await client.publishAsync(`/devices/${deviceId}/attach`, '', { qos: 1 })
    }
    const statusOf = async (deviceId: string) =>
      (await recordOf(cloud, deviceId))?.presence.judged?.status
    await expect.poll(() => statusOf('d9')).toBe('online')
    const told: unknown[] = []
    const watcher = await connectAsync(cloud.mqtt, { reconnectPeriod: 0 })
    watcher.on('message', (_topic, payload) => void told.push(JSON.parse(String(payload))))
    await watcher.subscribeAsync('told')
    client.stream.destroy()
    await expect.poll(() => statusOf('d9'), { timeout: 8_000 }).toBe('unreachable')
    await expect.poll(() => told, { timeout: 8_000 }).toHaveLength(1)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(told).toEqual([{ deviceId: 'gw', status: 'offline' }])
    await watcher.endAsync()
  }, 25_000)
})
