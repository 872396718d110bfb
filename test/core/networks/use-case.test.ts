import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  CoreError,
  compileProgram,
  createCore,
  type NetworkRequestCall,
  parseConfig,
  type Uplink,
} from '../../../core/index.ts'
import { createMemoryPorts, createWorld, recordOf } from '../../fakes/memory-ports.ts'
import { NOW, programOf } from '../harness.ts'

// What hosts without a broker of their own do: topics come in with uplinks, requests go out.

const CONFIG: ConfigInput = {
  networks: {
    tts: {
      type: 'the-things-stack',
      downlink: { url: 'https://eu1.cloud.thethings.network', apiKey: 'K' },
    },
    ha: { type: 'home-assistant' },
  },
}

function open(config: ConfigInput = CONFIG) {
  const world = createWorld(NOW)
  const calls: NetworkRequestCall[] = []
  let failure: CoreError | undefined
  const core = createCore(createMemoryPorts(world, { longLived: false }), programOf(config), {
    knowsNetworkTopics: true,
    callNetwork: async (call) => {
      if (failure !== undefined) throw failure
      calls.push(call)
    },
  })
  const fail = (error: CoreError | undefined): void => {
    failure = error
  }
  return { world, calls, core, fail }
}

const UP = {
  end_device_ids: { device_id: 'd1', application_ids: { application_id: 'a1' } },
  received_at: new Date(NOW - 1_000).toISOString(),
  uplink_message: { f_port: 1, f_cnt: 3, decoded_payload: { t: 21 } },
}

function uplink(topic: string, body: unknown, more: Partial<Uplink> = {}): Uplink {
  const payload = new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
  const base = { deviceId: 'the-bridge', contentType: '', receivedAt: NOW, source: 'sqs' }
  return { ...base, topic, payload, ...more }
}

describe('ingest that knows topics of networks', () => {
  it('reads them as their network does, and leaves all others alone, in one batch', async () => {
    const { core, world } = open()
    const told: number[] = []
    const outcomes = await core.ingest(
      [
        uplink('v3/a1@t/devices/d1/up', UP),
        uplink('devices/d2/telemetry', { t: 1 }, { deviceId: 'd2' }),
        uplink('plain/topic', { t: 2 }),
        uplink('v3/a1@t/devices/d1/up', '{'),
        uplink('v3/a1@t/devices/d1/up', UP),
        uplink('v3/a1@t/devices/d1/down/queued', {}),
      ],
      (index) => void told.push(index),
    )
    expect(outcomes.map(({ status }) => status)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'dead_lettered',
      'duplicate',
      'accepted',
    ])
    expect(told.toSorted()).toEqual([0, 1, 2, 3, 4, 5])
    expect(recordOf(world, 'd1')).toMatchObject({
      last: { t: { value: 21, at: NOW - 1_000 } },
      seat: { network: 'tts', address: { application: 'a1', device: 'd1', tenant: 't' } },
    })
    expect(recordOf(world, 'the-bridge')?.last).toMatchObject({ t: { value: 2 } })
  })

  it('asks for them again where the store is away', async () => {
    const { core, world } = open()
    world.away.add('devices')
    const [outcome] = await core.ingest([uplink('v3/a1/devices/d1/up', UP)])
    expect(outcome).toMatchObject({ status: 'retry', error: { code: 'store.unavailable' } })
    world.away.delete('devices')
    world.away.add('tables')
    const [memory] = await core.ingest([uplink('garden/state', '1')])
    expect(memory).toMatchObject({ status: 'retry' })
    world.away.clear()
    world.away.add('deadLetters')
    const rejected = core.ingest([uplink('v3/a1/devices/d1/up', '{')])
    await expect(rejected).resolves.toMatchObject([{ status: 'retry' }])
  })

  it('has sent commands to the network before it resolves', async () => {
    const config: ConfigInput = {
      ...CONFIG,
      rules: {
        blink: {
          sql: "SELECT 1 AS led FROM 'devices/+/telemetry' WHERE t > 20",
          actions: [{ sendCommand: { name: 'led' } }],
        },
      },
    }
    const { core, calls } = open(config)
    await core.ingest([uplink('v3/a1/devices/d1/up', UP)])
    expect(calls.map(({ url, body }) => [url, JSON.parse(new TextDecoder().decode(body))])).toEqual(
      [
        [
          'https://eu1.cloud.thethings.network/api/v3/as/applications/a1/devices/d1/down/push',
          { downlinks: [expect.objectContaining({ decoded_payload: { led: 1 } })] },
        ],
      ],
    )
    const [command] = await core.commands.list('d1')
    expect(command?.state).toBe('Completed')
  })

  it('keeps a command that the network cannot take now, and brings it when its lock is over', async () => {
    const { core, world, calls, fail } = open()
    await core.ingest([uplink('v3/a1/devices/d1/up', UP)])
    fail(new CoreError('channel.unavailable', 'the network is away'))
    await core.commands.send('d1', { commandId: 'c1', name: 'x', payload: new Uint8Array([1]) })
    await core.gate.idle()
    expect((await core.commands.get('d1', 'c1'))?.state).toBe('Delivered')
    fail(undefined)
    world.now += 61_000
    await core.tick(10)
    await core.gate.idle()
    expect(calls).toHaveLength(1)
    expect((await core.commands.get('d1', 'c1'))?.state).toBe('Completed')
  })

  it('rejects a command that the codec cannot write', async () => {
    const { core, calls } = open({
      networks: { tts: { type: 'the-things-stack', codec: 'cayenne-lpp' } },
    })
    await core.ingest([uplink('v3/a1/devices/d1/up', UP)])
    const payload = new TextEncoder().encode('{"nothing":"known"}')
    await core.commands.send('d1', {
      commandId: 'c1',
      name: 'x',
      payload,
      contentType: 'application/json',
    })
    await core.gate.idle()
    expect(await core.commands.get('d1', 'c1')).toMatchObject({
      state: 'Rejected',
      reason: expect.stringMatching(/expected/),
    })
    expect(calls).toEqual([])
  })
})

describe('what networks bring is not trusted', () => {
  const DISABLED = { tags: {}, enabled: false, createdAt: NOW, version: 1, credentials: [] }

  it('sets aside what it says of a device that is disabled, and takes it once it is enabled', async () => {
    const { core, world } = open({ networks: { ...CONFIG.networks, z: { type: 'zigbee2mqtt' } } })
    world.registered.set('d1', { ...DISABLED, deviceId: 'd1' })
    world.registered.set('lamp', { ...DISABLED, deviceId: 'lamp' })
    const outcomes = await core.ingest([
      uplink('v3/a1/devices/d1/up', UP),
      uplink('zigbee2mqtt/lamp/availability', 'online'),
      uplink('zigbee2mqtt/lamp2/availability', 'online'),
    ])
    expect(outcomes).toMatchObject([
      { status: 'dead_lettered', error: { code: 'device.disabled' } },
      { status: 'dead_lettered', error: { code: 'device.disabled' } },
      { status: 'accepted' },
    ])
    expect([recordOf(world, 'd1'), recordOf(world, 'lamp')]).toEqual([undefined, undefined])
    const [letter] = [...world.letters.values()].filter(({ deviceId }) => deviceId === 'd1')
    expect(letter).toMatchObject({ source: 'network/tts', code: 'device.disabled' })
    world.registered.set('d1', { ...DISABLED, deviceId: 'd1', enabled: true })
    expect(await core.redrive(letter?.id ?? '')).toMatchObject({ status: 'accepted' })
    expect(recordOf(world, 'd1')?.last).toMatchObject({ t: { value: 21 } })
  })

  it('takes from a network only what is of devices that it may speak for', async () => {
    const { core, world } = open({
      networks: { z: { type: 'zigbee2mqtt', prefix: 'z-', devices: 'z-lamp*' } },
    })
    const outcomes = await core.ingest([
      uplink('zigbee2mqtt/lamp1', { on: true }),
      uplink('zigbee2mqtt/pump', { on: true }),
      uplink('zigbee2mqtt/pump/availability', 'online'),
    ])
    expect(outcomes).toMatchObject([
      { status: 'accepted', deviceId: 'z-lamp1' },
      { status: 'dead_lettered', error: { code: 'network.not_its_device' } },
      { status: 'dead_lettered', error: { code: 'network.not_its_device' } },
    ])
    expect(recordOf(world, 'z-pump')).toBeUndefined()
  })

  it('brings a device that is disabled no commands', async () => {
    const { core, world, calls } = open()
    await core.ingest([uplink('v3/a1/devices/d1/up', UP)])
    world.registered.set('d1', { ...DISABLED, deviceId: 'd1' })
    const payload = new Uint8Array([1])
    await core.commands.send('d1', { commandId: 'c1', name: 'x', payload })
    await core.gate.idle()
    expect(calls).toEqual([])
    expect((await core.commands.get('d1', 'c1'))?.state).toBe('Enqueued')
    world.registered.set('d1', { ...DISABLED, deviceId: 'd1', enabled: true })
    await core.commands.send('d1', { commandId: 'c2', name: 'x', payload })
    await core.gate.idle()
    expect(calls).toHaveLength(2)
  })

  it('names the device of what it sets aside by its id here', async () => {
    const { core, world } = open({ networks: { s: { type: 'sparkplug', prefix: 'p-' } } })
    // An alias that no birth named: a metric of alias 5 whose value is 1.
    const bytes = new Uint8Array([0x12, 0x04, 0x10, 0x05, 0x50, 0x01])
    await core.ingest([{ ...uplink('spBv1.0/G/NDATA/E', ''), payload: bytes }])
    const [letter] = [...world.letters.values()]
    expect(letter).toMatchObject({ code: 'network.no_birth', deviceId: 'p-G:E' })
  })

  it('lets nobody announce, change or take away what devices of others say', async () => {
    const { core, world } = open()
    const network = core.program.networks.get('ha')
    if (network === undefined) throw new Error('expected a network')
    const topic = 'homeassistant/sensor/t/config'
    const announce = (body: string, speaker: string) =>
      core.networks.take(
        network,
        { topic, body: new TextEncoder().encode(body), receivedAt: NOW },
        { contentType: '', maySpeakFor: (deviceId) => deviceId === speaker },
        () => Promise.reject(new Error('expected no uplink')),
      )
    const of = (device: string): string =>
      JSON.stringify({ stat_t: 'x/state', dev: { ids: device } })
    expect((await announce(of('pump'), 'mallory')).refused).toBe(true)
    expect(world.tables.size).toBe(0)
    expect((await announce(of('pump'), 'pump')).refused).toBe(false)
    const before = structuredClone(world.tables)
    expect(before.size).toBeGreaterThan(0)
    expect((await announce(of('mallory'), 'mallory')).refused).toBe(true)
    expect((await announce('', 'mallory')).refused).toBe(true)
    expect(world.tables).toEqual(before)
    expect((await announce('', 'pump')).refused).toBe(false)
  })

  it('asks for it again where nobody knows whether its device is disabled', async () => {
    const { core, world } = open()
    world.away.add('registry')
    const [outcome] = await core.ingest([uplink('v3/a1/devices/d1/up', UP)])
    expect(outcome).toMatchObject({ status: 'retry', error: { code: 'store.unavailable' } })
  })

  it('sets aside events that are nested too deep to be written', async () => {
    const { core } = open({ networks: { s: { type: 'shelly' } } })
    const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`
    const body = `{"method":"NotifyEvent","params":{"events":[{"a":${deep}}]}}`
    const outcomes = await core.ingest([uplink('s1/events/rpc', body)])
    expect(outcomes).toMatchObject([
      { status: 'dead_lettered', error: { code: 'uplink.too_deep' } },
    ])
  })

  it.each([
    [
      'the-things-stack',
      'v3/a/devices/d1/up',
      { ...UP, end_device_ids: { device_id: 'd1', application_ids: { application_id: 'a/../b' } } },
    ],
    [
      'the-things-stack',
      'v3/a/devices/d1/up',
      { ...UP, end_device_ids: { device_id: 'd1', application_ids: { application_id: '#' } } },
    ],
    [
      'helium',
      'helium/d1/rx',
      { dev_eui: '0102030405060708', name: 'd1', id: 'a\u0000', payload: 'eyJ0IjoxfQ==' },
    ],
    [
      'chirpstack',
      'application/1/device/0102030405060708/event/up',
      {
        deviceInfo: { devEui: '0102030405060708', deviceName: 'd1', applicationId: '1/+' },
        object: { t: 1 },
      },
    ],
  ])('rejects commands whose way back %s cannot mean', async (type, topic, body) => {
    const id = type === 'the-things-stack' ? {} : { id: 'deviceName' }
    const parsed = parseConfig({ networks: { n: { type, ...id } } })
    if (!('config' in parsed)) throw new Error('expected a config')
    const world = createWorld(NOW)
    const program = compileProgram(parsed.config)
    if (!('program' in program)) throw new Error('expected a program')
    const core = createCore(createMemoryPorts(world, { longLived: false }), program.program, {
      knowsNetworkTopics: true,
    })
    await core.ingest([uplink(topic, body)])
    await core.commands.send('d1', { commandId: 'c1', name: 'x', payload: new Uint8Array([1]) })
    await core.gate.idle()
    expect((await core.commands.get('d1', 'c1'))?.state).toBe('Rejected')
    expect(world.published).toEqual([])
  })

  it.each([
    [{ type: 'helium', id: 'deviceName', downlink: { allowPrivate: true } }, false],
    [
      {
        type: 'helium',
        id: 'deviceName',
        downlink: { allowPrivate: true, url: 'http://10.0.0.1' },
      },
      false,
    ],
  ] as const)('reaches no private address that an uplink names', async (network, allowed) => {
    const world = createWorld(NOW)
    const told: unknown[] = []
    const core = createCore(
      createMemoryPorts(world, { longLived: false }),
      programOf({ networks: { n: network } }),
      {
        knowsNetworkTopics: true,
        callNetwork: async ({ url }, { allowPrivate }) => void told.push([url, allowPrivate]),
      },
    )
    const url = 'http://169.254.169.254/latest'
    const body = {
      dev_eui: '0102030405060708',
      name: 'd1',
      downlink_url: url,
      payload: 'eyJ0IjoxfQ==',
    }
    await core.ingest([uplink('helium/d1/rx', body)])
    await core.commands.send('d1', { commandId: 'c1', name: 'x', payload: new Uint8Array([1]) })
    await core.gate.idle()
    expect(told).toEqual([[url, allowed]])
  })
})

describe('networks in a config', () => {
  it.each([
    [{ type: 'the-things-stak' }, 'networks.a.type', /did you mean the-things-stack/],
    [{}, 'networks.a.type', /expected a network .* found none/],
    [{ type: 'sigfox', topic: 'x' }, 'networks.a.topic', /unknown key/],
    [{ type: 'sigfox', secret: 'short' }, 'networks.a.secret', /at least 16/],
    [
      { type: 'sigfox', secretIn: { header: 'a', body: '/b' } },
      'networks.a.secretIn',
      /expected one/,
    ],
    [{ type: 'sigfox', codec: 'nope' }, 'networks.a.codec', /expected a codec/],
    [{ type: 'chirpstack', downlink: { url: 'ftp://x' } }, 'networks.a.downlink.url', /URL/],
    [{ type: 'zigbee2mqtt', base: 'a/#' }, 'networks.a.base', /without wildcards/],
  ])('%j is at fault', (network, place, message) => {
    const parsed = parseConfig({ networks: { a: network } })
    const compiled = 'faults' in parsed ? parsed : compileProgram(parsed.config)
    const faults = 'faults' in compiled ? compiled.faults : []
    expect(faults.map(({ path }) => path.join('.'))).toEqual([place])
    expect(faults[0]?.message).toMatch(message)
  })
})
