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
