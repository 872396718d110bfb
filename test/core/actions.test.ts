import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  compileProgram,
  createCore,
  type Json,
  parseConfig,
  type Uplink,
} from '../../core/index.ts'
import { createMemoryPorts, createWorld, recordOf, type World } from '../fakes/memory-ports.ts'

const NOW = 1_700_000_000_000

function build(config: ConfigInput) {
  const parsed = parseConfig(config)
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  const world = createWorld()
  world.now = NOW
  return { core: createCore(createMemoryPorts(world), compiled.program), world }
}

function uplink(body: Json, deviceId = 'dev-1', topic = `devices/${deviceId}/telemetry`): Uplink {
  const payload = new TextEncoder().encode(JSON.stringify(body))
  return {
    deviceId,
    topic,
    payload,
    contentType: 'application/json',
    receivedAt: NOW,
    source: 'test',
    facts: { clientId: 'client-7' },
  }
}

/** Runs one message through one rule with one action and waits until all is performed. */
async function act(
  action: object,
  body: Json = { temp: 31, at: 'kitchen', ts: NOW },
  sql?: string,
): Promise<World> {
  const rule = { sql: sql ?? "SELECT temp, at FROM 'devices/+/telemetry'", actions: [action] }
  const { core, world } = build({
    rules: { hot: rule },
    channels: { ops: { type: 'webhook', url: 'https://example.org/hook' } },
  } as ConfigInput)
  await core.ingest([uplink(body)])
  await core.gate.idle()
  return world
}

/** The commands of a device with what they say. */
function queued(world: World, deviceId: string) {
  return (recordOf(world, deviceId)?.commands ?? []).map((entry) => {
    const payload = world.contents.get(deviceId)?.get(entry.contentId)?.payload
    return { ...entry, payload: JSON.parse(new TextDecoder().decode(payload)) }
  })
}

describe('actions', () => {
  it('republishes the result, or a payload of its own, with its templates on the message', async () => {
    const plain = await act({
      republish: { topic: 'alerts/${topic(2)}/${at}', qos: 0, retain: true },
    })
    expect(plain.published.map(({ message }) => message)).toEqual([
      {
        kind: 'publish',
        topic: 'alerts/dev-1/kitchen',
        payload: '{"temp":31,"at":"kitchen"}',
        encoding: 'utf8',
        qos: 0,
        retain: true,
      },
    ])
    const own = await act({ republish: { topic: 'a', payload: 'T=${temp} in ${at}${nothing}' } })
    expect(own.published[0]?.message).toMatchObject({ payload: 'T=31 in kitchen' })
  })

  it('stores selected values as telemetry beside the message', async () => {
    const world = await act(
      { store: { prefix: 'f_' } },
      { temp: 20, ts: NOW },
      "SELECT temp * 9 / 5 + 32 AS temp FROM 'devices/+/telemetry'",
    )
    const rows = [...(world.rows.get('dev-1')?.values() ?? [])].map(({ metrics }) => metrics)
    expect(rows).toContainEqual({ temp: 20 })
    expect(rows).toContainEqual({ f_temp: 68 })
    expect(rows).toHaveLength(2)
  })

  it('raises and clears an alarm once each, and tells the channels', async () => {
    const { core, world } = build({
      rules: {
        up: {
          sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 30",
          actions: [
            {
              raiseAlarm: {
                alarm: 'heat',
                severity: 'critical',
                text: '${temp} °C',
                notify: ['ops'],
              },
            },
          ],
        },
        down: {
          sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp < 20",
          actions: [{ clearAlarm: { alarm: 'heat', notify: ['ops'] } }],
        },
      },
      channels: { ops: { type: 'webhook', url: 'https://example.org/hook' } },
    })
    const status = async () => (await core.ports.devices.load('dev-1'))?.alarms['heat']?.status
    await core.ingest([uplink({ temp: 31, ts: NOW }), uplink({ temp: 32, ts: NOW + 1 })])
    expect(await status()).toBe('active')
    await core.tick(10)
    expect(await status()).toBe('active')
    await core.ingest([uplink({ temp: 19, ts: NOW + 2 }), uplink({ temp: 18, ts: NOW + 3 })])
    await core.gate.idle()
    expect(await status()).toBe('cleared')
    const told = [...world.queue.values()].map(({ delivery }) => delivery.notification)
    expect(told.map(({ severity, text }) => ({ severity, text }))).toEqual([
      { severity: 'critical', text: '31 °C' },
      { severity: 'info', text: 'Cleared: 31 °C' },
    ])
  })

  it('sets the desired state with values that keep their types', async () => {
    const { core } = build({
      rules: {
        r: {
          sql: "SELECT * FROM 'devices/+/telemetry'",
          actions: [
            { setDesired: { state: { limit: '${temp + 1}', note: 'was ${temp}', on: true } } },
            { setDesired: { device: 'other', shadow: 'cfg', state: { from: '${topic(2)}' } } },
          ],
        },
      },
    })
    await core.ingest([uplink({ temp: 4, ts: NOW })])
    await core.gate.idle()
    expect((await core.ports.devices.load('dev-1'))?.shadows['']?.desired).toEqual({
      limit: 5,
      note: 'was 4',
      on: true,
    })
    expect((await core.ports.devices.load('other'))?.shadows['cfg']?.desired).toEqual({
      from: 'dev-1',
    })
  })

  it('sends a command to the sender or to another device', async () => {
    const own = await act({ sendCommand: { name: 'defrost' } })
    expect(queued(own, 'dev-1')).toMatchObject([
      { name: 'defrost', state: 'Enqueued', sentBy: 'rule', payload: { temp: 31, at: 'kitchen' } },
    ])
    expect(own.woken).toEqual(['dev-1'])
    const other = await act({
      sendCommand: { name: 'open-${at}', device: 'valve-1', payload: { to: '${temp}' } },
    })
    expect(queued(other, 'valve-1')).toMatchObject([
      { name: 'open-kitchen', state: 'Enqueued', payload: { to: 31 } },
    ])
    expect(recordOf(other, 'dev-1')?.commands).toBeUndefined()
  })

  it('posts the bare result to a webhook, fills a queue and a table, archives a row', async () => {
    const webhook = await act({ webhook: { channel: 'ops' } })
    expect([...webhook.queue.values()][0]?.delivery.notification.body).toEqual({
      temp: 31,
      at: 'kitchen',
    })
    const queue = await act({ queue: { name: 'jobs-${at}' } })
    expect([...(queue.queues.get('jobs-kitchen')?.values() ?? [])]).toEqual([
      { temp: 31, at: 'kitchen' },
    ])
    const table = await act({ table: { table: 'rooms', key: '${at}', item: { last: '${temp}' } } })
    expect(table.tables.get('rooms')?.get('kitchen')).toEqual({ last: 31 })
    const cold = await act({ coldRow: {} })
    expect(cold.cold.map(({ deviceId, at, body }) => ({ deviceId, at, body }))).toEqual([
      { deviceId: 'dev-1', at: NOW, body: { temp: 31, at: 'kitchen' } },
    ])
  })

  it('writes a line to the log', async () => {
    const world = await act({ log: { text: '${at} is at ${temp}', level: 'warn' } })
    expect(world.logs).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'kitchen is at 31' }),
    )
  })

  it('does the others when one cannot be done, and the error action with the document of AWS', async () => {
    const { core, world } = build({
      rules: {
        r: {
          sql: "SELECT VALUE temp FROM 'devices/+/telemetry'",
          actions: [{ setDesired: {} }, { republish: { topic: 'fine' } }],
          errorAction: { queue: { name: 'errors' } },
        },
      },
    })
    await core.ingest([uplink({ temp: 4, ts: NOW })])
    await core.gate.idle()
    expect(world.published.map(({ message }) => message.topic)).toEqual(['fine'])
    const [error] = [...(world.queues.get('errors')?.values() ?? [])]
    expect(error).toMatchObject({
      ruleName: 'r',
      topic: 'devices/dev-1/telemetry',
      clientId: 'client-7',
      base64OriginalPayload: Buffer.from(JSON.stringify({ temp: 4, ts: NOW })).toString('base64'),
      failures: [
        {
          failedAction: 'action 1',
          failedResource: 'r',
          errorMessage: 'setDesired: expected an object as desired state',
        },
      ],
    })
  })

  it('runs the error action once an effect is given up', async () => {
    const { core, world } = build({
      rules: {
        r: {
          sql: "SELECT temp FROM 'devices/+/telemetry'",
          actions: [{ republish: { topic: 'broken' } }],
          errorAction: { queue: { name: 'errors' } },
        },
      },
    })
    world.onPublish = () => new Error('nobody there')
    await core.ingest([uplink({ temp: 4, ts: NOW })])
    for (let tries = 0; tries < 40 && world.queues.size === 0; tries++) {
      await core.gate.idle()
      world.now += 3_600_000
      await core.tick(10)
    }
    await core.gate.idle()
    expect([...world.letters.values()].map(({ source, topic }) => ({ source, topic }))).toEqual([
      { source: 'outbox', topic: 'outbox/publish' },
    ])
    const [error] = [...(world.queues.get('errors')?.values() ?? [])]
    expect(error).toMatchObject({
      ruleName: 'r',
      failures: [{ failedAction: 'publish', errorMessage: 'nobody there' }],
    })
    expect((await core.ports.devices.load('dev-1'))?.outbox).toEqual([])
  })
})

describe('faults of actions', () => {
  it.each([
    [{ republish: {} }, 'actions.0.republish.topic'],
    [{ notify: { channels: ['nobody'] } }, 'actions.0.notify.channels.0'],
    [{ webhook: { channel: 'nobody' } }, 'actions.0.webhook.channel'],
    [{ raiseAlarm: { alarm: 'a', notify: ['x'] } }, 'actions.0.raiseAlarm.notify.0'],
    [{ republish: { topic: '${nofunction()}' } }, 'actions.0'],
    [{ dance: {} }, 'actions.0'],
    [{ log: { text: 'a', level: 'loud' } }, 'actions.0.log.level'],
  ])('%j is refused at its path', (action, path) => {
    const parsed = parseConfig({ rules: { r: { sql: "SELECT * FROM 'a'", actions: [action] } } })
    const faults = 'faults' in parsed ? parsed.faults : []
    const compiled = 'config' in parsed ? compileProgram(parsed.config) : { faults }
    const paths = 'faults' in compiled ? compiled.faults.map((fault) => fault.path.join('.')) : []
    expect(paths.some((one) => one.startsWith(`rules.r.${path}`))).toBe(true)
  })

  it('allows ten actions and refuses eleven', () => {
    const actions = (count: number) => Array.from({ length: count }, () => ({ log: { text: 'x' } }))
    const rule = (count: number) => ({
      rules: { r: { sql: "SELECT * FROM 'a'", actions: actions(count) } },
    })
    expect(parseConfig(rule(10))).toHaveProperty('config')
    expect(parseConfig(rule(11))).toHaveProperty('faults')
  })
})

describe('lookups', () => {
  it('answers shadow, table and secret before the step, and Undefined where there is nothing', async () => {
    const { core, world } = build({
      rules: {
        r: {
          sql: `SELECT get_thing_shadow('gateway', 'role').state.desired.mode AS mode,
            get_dynamodb('rooms', 'room', room, 'role').floor AS floor,
            lookup('rooms', room).floor AS same,
            get_secret('key', 'SecretString', 'role') AS secret,
            lookup('rooms', 'nowhere') AS nothing
            FROM 'devices/+/telemetry' WHERE lookup('rooms', room).floor = 2`,
          actions: [{ republish: { topic: 'out' } }],
        },
      },
    })
    world.tables.set('rooms', new Map([['kitchen', { floor: 2 }]]))
    world.onLookup = ({ function: name }) => (name === 'get_secret' ? 'hush' : undefined)
    await core.gate.run('gateway', [
      { kind: 'desire', name: '', desired: { mode: 'eco' }, at: NOW },
    ])
    await core.ingest([
      uplink({ room: 'kitchen', ts: NOW }),
      uplink({ room: 'cellar', ts: NOW + 1 }),
    ])
    await core.gate.idle()
    expect(world.published.map(({ message }) => JSON.parse(message.payload))).toEqual([
      { mode: 'eco', floor: 2, same: 2, secret: 'hush' },
    ])
  })

  it('answers the templates of actions and the conditions of alarms', async () => {
    const { core, world } = build({
      rules: {
        r: {
          sql: "SELECT room FROM 'devices/+/telemetry'",
          actions: [
            { republish: { topic: "floor/${lookup('rooms', room).floor}" } },
            { setDesired: { state: { floor: "${lookup('rooms', room).floor}" } } },
          ],
        },
      },
      alarms: {
        hot: { when: "temp > lookup('limits', room)", text: "limit ${lookup('limits', room)}" },
      },
    })
    world.tables.set('rooms', new Map([['kitchen', { floor: 2 }]]))
    world.tables.set('limits', new Map([['kitchen', 20]]))
    await core.ingest([uplink({ room: 'kitchen', temp: 21, ts: NOW })])
    await core.gate.idle()
    expect(world.published.map(({ message }) => message.topic)).toEqual(['floor/2'])
    const record = await core.ports.devices.load('dev-1')
    expect(record?.shadows['']?.desired).toEqual({ floor: 2 })
    expect(record?.alarms['hot']).toMatchObject({ status: 'active', text: 'limit 20' })
  })

  it('asks for the message again if a store does not answer', async () => {
    const { core, world } = build({
      rules: { r: { sql: "SELECT lookup('t', 'k') AS x FROM 'devices/+/telemetry'", actions: [] } },
    })
    world.away.add('tables')
    const [outcome] = await core.ingest([uplink({ temp: 1, ts: NOW })])
    expect(outcome?.status).toBe('retry')
    expect(await core.ports.devices.load('dev-1')).toBeUndefined()
  })
})
