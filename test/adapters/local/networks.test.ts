import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput, Json } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { openCloud, type TestCloud } from './cloud.ts'

const SECRET = 'a secret of the console'

/** A recorded message of a vendor. */
interface Recorded {
  readonly id: string
  readonly topic: string
  readonly payload: { readonly [key: string]: Json }
}

function recorded(id: string): Recorded {
  const { cases } = readVectors<{ cases: readonly Recorded[] }>('payloads.json')
  const found = cases.find((one) => one.id === id)
  if (found === undefined) throw new Error(`expected the vector ${id}`)
  return found
}

const CONFIG: ConfigInput = {
  networks: {
    tts: { type: 'the-things-stack', secret: SECRET },
    cs: { type: 'chirpstack', secret: SECRET, codec: 'cayenne-lpp' },
  },
  rules: {
    moved: {
      sql: "SELECT status, _network.rssi AS rssi, _network.gateways AS gateways FROM 'devices/+/telemetry' WHERE _network.network = 'the-things-stack' AND status = 1",
      actions: [{ republish: { topic: 'moved/${topic(2)}' } }],
    },
  },
}

async function connect(cloud: TestCloud, more: object = {}): Promise<MqttClient> {
  const client = await connectAsync(cloud.mqtt, { clientId: 'bridge', ...more })
  onTestFinished(() => client.endAsync(true))
  return client
}

/** What comes on a filter. */
async function listen(
  client: MqttClient,
  filter: string,
): Promise<{ topic: string; body: Json }[]> {
  const got: { topic: string; body: Json }[] = []
  client.on('message', (topic, payload) => {
    got.push({ topic, body: JSON.parse(String(payload)) })
  })
  await client.subscribeAsync(filter, { qos: 1 })
  return got
}

const post = (cloud: TestCloud, path: string, body: Json, headers: Record<string, string> = {}) =>
  cloud.call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}`, ...headers },
    body: JSON.stringify(body),
  })

async function rowsOf(cloud: TestCloud, deviceId: string) {
  const response = await cloud.call(`/devices/${deviceId}/telemetry`)
  expect(response.status).toBe(200)
  const { rows } = (await response.json()) as { rows: { at: number; metrics: object }[] }
  return rows
}

async function sendCommand(cloud: TestCloud, deviceId: string, command: object) {
  const response = await cloud.call(`/devices/${deviceId}/commands`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${cloud.adminToken}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ name: 'set', ...command }),
  })
  expect(response.status).toBe(202)
  const { commandId } = (await response.json()) as { commandId: string }
  return () => cloud.core.commands.get(deviceId, commandId)
}

/** A server in place of the API of a network. */
async function openApi(status = 200) {
  const calls: { path: string; headers: object; body: Json }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body: Json = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      calls.push({ path: request.url ?? '', headers: request.headers, body })
      response.writeHead(status).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { calls, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describeWithShared('a recorded Things Stack uplink', 'vectors/payloads.json', () => {
  const TIME = Date.parse('2020-01-15T16:02:10.448Z')

  it('goes over HTTP into telemetry and a rule, and a command goes back over MQTT', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const bridge = await connect(cloud)
    const moved = await listen(bridge, 'moved/#')
    const { payload } = recorded('ttn/uplink')
    const response = await post(cloud, '/networks/tts', payload)
    expect(await response.json()).toEqual({
      accepted: 1,
      duplicates: 0,
      ignored: 0,
      deadLetters: [],
    })
    expect(response.status).toBe(202)
    const [row] = await rowsOf(cloud, 'my-motion-sensor-1')
    expect(row).toMatchObject({ at: TIME, metrics: { temp: 6, count: 226, events: 'motion' } })
    expect(Object.keys(row?.metrics ?? {}).filter((name) => name.startsWith('_'))).toEqual([])
    await expect
      .poll(() => moved)
      .toEqual([
        {
          topic: 'moved/my-motion-sensor-1',
          body: { status: 1, rssi: -3, gateways: [{ id: 'tektelic-1', rssi: -3, snr: 9.5 }] },
        },
      ])
    const again = await post(cloud, '/networks/tts', payload)
    expect(await again.json()).toMatchObject({ accepted: 0, duplicates: 1 })

    const down = await connect(cloud, { clientId: 'down' })
    const pushed = await listen(down, 'v3/+/devices/+/down/push')
    const bytes = await sendCommand(cloud, 'my-motion-sensor-1', {
      payload: { bytesHex: '0102ff', fPort: 15, confirmed: true },
    })
    await expect.poll(() => pushed.length).toBe(1)
    expect(pushed[0]).toMatchObject({
      topic: 'v3/my-motion-sensors@ttn/devices/my-motion-sensor-1/down/push',
      body: { downlinks: [{ f_port: 15, frm_payload: 'AQL/', confirmed: true }] },
    })
    await expect.poll(async () => (await bytes())?.state).toBe('Completed')
    await sendCommand(cloud, 'my-motion-sensor-1', { payload: { led: 'on' } })
    await expect
      .poll(() => pushed[1]?.body)
      .toMatchObject({
        downlinks: [{ f_port: 1, decoded_payload: { led: 'on' } }],
      })
  })

  it('goes over MQTT, and a command goes back over HTTP with the API key', async () => {
    const api = await openApi()
    const cloud = await openCloud({
      config: {
        ...CONFIG,
        networks: {
          tts: {
            type: 'the-things-stack',
            downlink: {
              url: `${api.url}/`,
              apiKey: 'NNSXS.KEY',
              allowPrivate: true,
              mode: 'replace',
            },
          },
        },
      },
    })
    const bridge = await connect(cloud)
    const moved = await listen(bridge, 'moved/#')
    const { topic, payload } = recorded('ttn/uplink')
    await bridge.publishAsync(topic, JSON.stringify(payload), { qos: 1 })
    expect(await rowsOf(cloud, 'my-motion-sensor-1')).toMatchObject([{ at: TIME }])
    await expect.poll(() => moved.length).toBe(1)
    const command = await sendCommand(cloud, 'my-motion-sensor-1', {
      payloadBase64: 'AQI=',
      contentType: 'application/octet-stream',
      properties: { fPort: '7' },
    })
    await expect.poll(() => api.calls.length).toBe(1)
    expect(api.calls[0]).toMatchObject({
      path: '/api/v3/as/applications/my-motion-sensors/devices/my-motion-sensor-1/down/replace',
      headers: { authorization: 'Bearer NNSXS.KEY', 'content-type': 'application/json' },
      body: { downlinks: [{ f_port: 7, frm_payload: 'AQI=' }] },
    })
    await expect.poll(async () => (await command())?.state).toBe('Completed')
  })
})

describeWithShared('a recorded ChirpStack uplink', 'vectors/payloads.json', () => {
  const DEVICE = '0101010101010101'
  const DOWN = `application/17c82e96-be03-4f38-aef3-f83d48582d97/device/${DEVICE}/command/down`

  /** The recorded event, with a temperature of 21.5 °C in place of its single byte. */
  function uplink() {
    const { topic, payload } = recorded('chirpstack/up')
    return { topic, payload: { ...payload, data: 'AWcA1w==' } }
  }

  const config: ConfigInput = {
    ...CONFIG,
    rules: {
      warm: {
        sql: "SELECT *, _network.devEui AS eui FROM 'devices/+/telemetry' WHERE _network.spreadingFactor = 11",
        actions: [
          { republish: { topic: 'warm' } },
          { sendCommand: { name: 'blink', payload: { value_3: 27.2 } } },
        ],
      },
    },
  }

  it('goes over HTTP through the codec into telemetry and a rule, whose command goes down', async () => {
    const cloud = await openCloud({ config })
    const bridge = await connect(cloud)
    const got = await listen(bridge, '#')
    const response = await post(cloud, '/networks/cs?event=up', uplink().payload)
    expect(response.status).toBe(202)
    const [row] = await rowsOf(cloud, DEVICE)
    expect(row).toMatchObject({ at: Date.parse('2022-07-18T09:34:15.775Z') })
    expect(Object.values(row?.metrics ?? {})).toContain(21.5)
    await expect
      .poll(() => got.find(({ topic }) => topic === 'warm')?.body)
      .toMatchObject({
        eui: DEVICE,
        _network: { rssi: -36, snr: 10.5, frequency: 867_100_000, bandwidth: 125_000, dataRate: 1 },
      })
    await expect
      .poll(() => got.find(({ topic }) => topic === DOWN)?.body)
      .toEqual({ devEui: DEVICE, confirmed: false, fPort: 1, data: 'Awqg' })
  })

  it('goes over MQTT, and a command goes back through the REST API', async () => {
    const api = await openApi()
    const cloud = await openCloud({
      config: {
        networks: {
          cs: {
            type: 'chirpstack',
            codec: 'cayenne-lpp',
            downlink: { url: api.url, apiKey: 'jwt', allowPrivate: true, fPort: 3 },
          },
        },
      },
    })
    const bridge = await connect(cloud)
    const { topic, payload } = uplink()
    await bridge.publishAsync(topic, JSON.stringify(payload), { qos: 1 })
    expect(await rowsOf(cloud, DEVICE)).toHaveLength(1)
    const command = await sendCommand(cloud, DEVICE, { payload: { bytesBase64: 'AQI=' } })
    await expect
      .poll(() => api.calls[0])
      .toMatchObject({
        path: `/api/devices/${DEVICE}/queue`,
        headers: { 'grpc-metadata-authorization': 'Bearer jwt' },
        body: { queueItem: { confirmed: false, fPort: 3, data: 'AQI=' } },
      })
    await expect.poll(async () => (await command())?.state).toBe('Completed')
  })
})

describe('downlinks', () => {
  const UP = {
    end_device_ids: { device_id: 'd1', application_ids: { application_id: 'a1' } },
    uplink_message: { f_port: 1, decoded_payload: { t: 1 } },
  }

  it('that the network refuses are rejected with the reason', async () => {
    const api = await openApi(403)
    const cloud = await openCloud({
      config: {
        networks: {
          tts: { type: 'the-things-stack', downlink: { url: api.url, allowPrivate: true } },
        },
      },
    })
    const bridge = await connect(cloud)
    await bridge.publishAsync('v3/a1/devices/d1/up', JSON.stringify(UP), { qos: 1 })
    const command = await sendCommand(cloud, 'd1', { payload: { a: 1 } })
    await expect.poll(async () => (await command())?.state).toBe('Rejected')
    expect((await command())?.reason).toMatch(/expected status 2xx, found 403/)
  })

  it('never go to an address that is not public unless the config allows it', async () => {
    const api = await openApi()
    const cloud = await openCloud({
      config: { networks: { tts: { type: 'the-things-stack', downlink: { url: api.url } } } },
    })
    const bridge = await connect(cloud)
    await bridge.publishAsync('v3/a1/devices/d1/up', JSON.stringify(UP), { qos: 1 })
    const command = await sendCommand(cloud, 'd1', { payload: { a: 1 } })
    await expect.poll(async () => (await command())?.state).toBe('Rejected')
    expect((await command())?.reason).toMatch(/expected a public address/)
    expect(api.calls).toEqual([])
  })

  it('go to the URL that a webhook names, where the config trusts it', async () => {
    const api = await openApi()
    const headers = {
      'x-downlink-push': `${api.url}/push`,
      'x-downlink-replace': `${api.url}/replace`,
      'x-downlink-apikey': 'NNSXS.W',
    }
    const type = 'the-things-stack' as const
    const trusting = { fromWebhook: true, allowPrivate: true }
    const cloud = await openCloud({
      config: {
        networks: {
          tts: { type, secret: SECRET, downlink: trusting },
          plain: { type, secret: SECRET, prefix: 'p-' },
        },
      },
    })
    const bridge = await connect(cloud)
    const pushed = await listen(bridge, 'v3/#')
    expect((await post(cloud, '/networks/tts', UP, headers)).status).toBe(202)
    expect((await post(cloud, '/networks/plain', UP, headers)).status).toBe(202)
    await sendCommand(cloud, 'd1', { payload: { a: 1 } })
    await expect
      .poll(() => api.calls)
      .toMatchObject([{ path: '/push', headers: { authorization: 'Bearer NNSXS.W' } }])
    await sendCommand(cloud, 'p-d1', { payload: { a: 1 } })
    await expect.poll(() => pushed.length).toBe(1)
    expect(api.calls).toHaveLength(1)
  })

  it('that waited for a device go with its first uplink', async () => {
    const cloud = await openCloud({ config: { networks: { tts: { type: 'the-things-stack' } } } })
    const bridge = await connect(cloud)
    const pushed = await listen(bridge, 'v3/+/devices/+/down/push')
    await cloud.call('/devices/d1/telemetry', { method: 'POST', body: '{"t":0}' })
    const command = await sendCommand(cloud, 'd1', { payload: { a: 1 } })
    expect((await command())?.state).toBe('Enqueued')
    await bridge.publishAsync('v3/a1@t/devices/d1/up', JSON.stringify(UP), { qos: 1 })
    await expect.poll(() => pushed).toMatchObject([{ topic: 'v3/a1@t/devices/d1/down/push' }])
  })
})

describe('POST /networks/{name}', () => {
  const UP = {
    end_device_ids: { device_id: 'd1', application_ids: { application_id: 'a1' } },
    received_at: '2026-01-01T00:00:00Z',
    uplink_message: { f_port: 1, f_cnt: 1, decoded_payload: { t: 1 } },
  }

  it('answers with problem documents', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const problemOf = async (response: Response) => {
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      const body = (await response.json()) as {
        status: number
        title: string
        deadLetters?: object[]
      }
      expect(body.status).toBe(response.status)
      return `${body.status} ${body.title}`
    }
    const wrong = { authorization: 'Bearer wrong' }
    expect(await problemOf(await post(cloud, '/networks/none', UP))).toBe('404 input.not_found')
    expect(await problemOf(await post(cloud, '/networks/tts', UP, wrong))).toBe(
      '401 network.unauthorized',
    )
    expect(await cloud.core.ports.deadLetters.count()).toBe(0)
    expect(await problemOf(await post(cloud, '/networks/tts', { a: 1 }))).toBe(
      '422 network.malformed',
    )
    const large = { ...UP, filler: 'x'.repeat(131_072 * 32) }
    expect(await problemOf(await post(cloud, '/networks/tts', large))).toBe('413 uplink.too_large')
    const letters = await cloud.core.ports.deadLetters.list('', 10)
    expect(letters.map(({ topic, source, code }) => [topic, source, code])).toEqual([
      ['networks/tts', 'network/tts', 'uplink.too_large'],
      ['networks/tts', 'network/tts', 'network.malformed'],
    ])
    expect(new TextDecoder().decode(letters[1]?.payload)).toBe('{"a":1}')
    expect(letters[0]?.payload.length).toBe(131_072)
  })

  it('without a secret in the config takes what this machine sends, and with --require-auth only the admin', async () => {
    const config: ConfigInput = { networks: { tts: { type: 'the-things-stack' } } }
    const open = await openCloud({ config })
    expect((await post(open, '/networks/tts', UP)).status).toBe(202)
    const closed = await openCloud({ config, settings: { requireAuth: true } })
    expect((await post(closed, '/networks/tts', UP)).status).toBe(401)
    const admin = { authorization: `Bearer ${closed.adminToken}` }
    expect((await post(closed, '/networks/tts', UP, admin)).status).toBe(202)
  })

  it('takes a signature or a member of the body for the secret', async () => {
    const { createHmac } = await import('node:crypto')
    const type = 'the-things-stack' as const
    const cloud = await openCloud({
      config: {
        networks: {
          signed: { type, secret: SECRET, secretIn: { signature: 'x-signature' }, prefix: 's-' },
          body: { type, secret: SECRET, secretIn: { body: '/a/secret' }, prefix: 'b-' },
        },
      },
    })
    const sign = (text: string) => createHmac('sha256', SECRET).update(text)
    const text = JSON.stringify(UP)
    const none = { authorization: '' }
    const signed = (value: string) =>
      post(cloud, '/networks/signed', UP, { ...none, 'x-signature': value })
    expect((await signed(sign(text).digest('hex'))).status).toBe(202)
    expect((await signed(`sha256=${sign(text).digest('base64')}`)).status).toBe(202)
    expect((await signed(sign(`${text} `).digest('hex'))).status).toBe(401)
    expect((await signed('')).status).toBe(401)
    const inBody = (secret: Json) => post(cloud, '/networks/body', { ...UP, a: { secret } }, none)
    expect((await inBody(SECRET)).status).toBe(202)
    expect((await inBody('no')).status).toBe(401)
    expect((await inBody(null)).status).toBe(401)
    expect(await rowsOf(cloud, 's-d1')).toHaveLength(1)
    expect(await rowsOf(cloud, 'b-d1')).toHaveLength(1)
  })

  it('keeps no secret that stood in a body', async () => {
    const secret = `quote"${SECRET}`
    const cloud = await openCloud({
      config: {
        networks: {
          hook: { type: 'webhook', secret, secretIn: { body: '/secret' }, prefix: 'b-' },
        },
      },
    })
    const none = { authorization: '' }
    expect(
      (await post(cloud, '/networks/hook', { deviceId: 'd1', t: 1, secret }, none)).status,
    ).toBe(202)
    expect((await post(cloud, '/networks/hook', { t: 1, secret }, none)).status).toBe(422)
    const rows = await rowsOf(cloud, 'b-d1')
    expect(rows).toHaveLength(1)
    const [letter] = await cloud.core.ports.deadLetters.list('', 1)
    const kept = new TextDecoder().decode(letter?.payload)
    expect(JSON.parse(kept)).toEqual({ t: 1, secret: '***' })
    expect(JSON.stringify(rows)).not.toContain(SECRET)
  })

  it('takes nothing of a device that is disabled, and tells who posted it', async () => {
    const cloud = await openCloud({ config: CONFIG })
    await cloud.core.ports.registry.create({
      deviceId: 'd1',
      tags: {},
      enabled: false,
      createdAt: 1,
      version: 1,
      credentials: [],
    })
    const response = await post(cloud, '/networks/tts', UP)
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({ title: 'device.disabled' })
    expect(await cloud.core.ports.devices.load('d1')).toBeUndefined()
  })

  it('sets an uplink aside as the message that it stood in, and reads it again', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const future = { ...UP, received_at: new Date(Date.now() + 86_400_000).toISOString() }
    const response = await post(cloud, '/networks/tts', future)
    expect(response.status).toBe(422)
    const [letter] = await cloud.core.ports.deadLetters.list('', 1)
    expect(letter).toMatchObject({
      source: 'network/tts',
      deviceId: 'd1',
      code: 'uplink.future_time',
    })
    expect(JSON.parse(new TextDecoder().decode(letter?.payload))).toEqual(future)
    expect(await cloud.core.redrive(letter?.id ?? '')).toMatchObject({ status: 'dead_lettered' })
    expect(await cloud.core.ports.deadLetters.count()).toBe(1)
  })
})

describe('topics of networks with --require-auth', () => {
  const up = (deviceId: string) =>
    JSON.stringify({
      end_device_ids: { device_id: deviceId, application_ids: { application_id: 'a1' } },
      uplink_message: { f_port: 1, decoded_payload: { t: 1 } },
    })

  async function open() {
    const cloud = await openCloud({
      config: { networks: { tts: { type: 'the-things-stack' } } },
      settings: { requireAuth: true },
    })
    const tokens: Record<string, string> = {}
    for (const [deviceId, more] of Object.entries({
      bridge: { gatewayAuth: 'association' },
      truck: {},
      thing: {},
    } as const)) {
      const { credential, token } = await cloud.core.ports.issuer.token()
      tokens[deviceId] = token
      await cloud.core.ports.registry.create({
        deviceId,
        tags: {},
        enabled: true,
        createdAt: Date.now(),
        version: 1,
        credentials: [credential],
        ...more,
      })
    }
    const as = (deviceId: string) =>
      connect(cloud, {
        clientId: deviceId,
        username: deviceId,
        password: tokens[deviceId],
        protocolVersion: 5,
        reconnectPeriod: 0,
      })
    return { cloud, as }
  }

  it('are for gateways, and for each device its own', async () => {
    const { cloud, as } = await open()
    const bridge = await as('bridge')
    await bridge.publishAsync('v3/a/devices/new/up', up('new'), { qos: 1 })
    await expect(
      bridge.publishAsync('v3/a/devices/truck/up', up('truck'), { qos: 1 }),
    ).rejects.toThrow(/not authorized/i)
    const thing = await as('thing')
    await thing.publishAsync('v3/a/devices/thing/up', up('thing'), { qos: 1 })
    await expect(thing.publishAsync('v3/a/devices/new/up', up('new'), { qos: 1 })).rejects.toThrow(
      /not authorized/i,
    )
    const admin = { authorization: `Bearer ${cloud.adminToken}` }
    const count = async (deviceId: string) => {
      const response = await cloud.call(`/devices/${deviceId}/telemetry`, { headers: admin })
      return response.status === 404 ? 0 : ((await response.json()) as { count: number }).count
    }
    expect([await count('new'), await count('truck'), await count('thing')]).toEqual([1, 0, 1])
  })
})
