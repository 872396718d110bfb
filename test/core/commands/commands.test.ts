import { describe, expect, it } from 'vitest'
import {
  type CommandAck,
  type CommandRequest,
  type ConfigInput,
  CoreError,
  compileProgram,
  createCore,
  FEEDBACK_QUEUE,
  MAX_COMMAND_BYTES,
  MAX_RECORD_CHARS,
  type Ports,
  parseConfig,
} from '../../../core/index.ts'
import { createMemoryPorts, createWorld, recordOf } from '../../fakes/memory-ports.ts'

const NOW = 1_750_000_000_000
const DEVICE = 'dev-1'

function build(config: ConfigInput = {}, bend: (ports: Ports) => Ports = (ports) => ports) {
  const parsed = parseConfig(config)
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  const world = createWorld(NOW)
  world.registered.set(DEVICE, {
    deviceId: DEVICE,
    tags: {},
    enabled: true,
    createdAt: NOW,
    version: 1,
    credentials: [],
  })
  const core = createCore(bend(createMemoryPorts(world)), compiled.program)
  const send = (request: Partial<CommandRequest> = {}) =>
    core.commands.send(DEVICE, { name: 'go', payload: Uint8Array.of(1), ...request })
  const statusCodes = () =>
    [...(world.queues.get(FEEDBACK_QUEUE)?.values() ?? [])].map((body) => body)
  return { core, world, send, statusCodes }
}

describe('a command', () => {
  it('leaves the record of a device without commands as it was', async () => {
    const { core, world } = build()
    await core.gate.run(DEVICE, [{ kind: 'presence', connected: true, at: NOW }])
    await core.gate.run(DEVICE, [{ kind: 'purge', at: NOW }])
    await core.gate.run(DEVICE, [{ kind: 'lock', lockMs: 1, at: NOW }])
    expect(recordOf(world, DEVICE)).not.toHaveProperty('commands')
    expect(recordOf(world, DEVICE)?.version).toBe(1)
  })

  it('is received as it was sent', async () => {
    const { core, send } = build()
    await send({
      commandId: 'c-1',
      payload: Uint8Array.of(0, 255),
      contentType: 'application/cbor',
      correlationId: 'x',
      properties: { a: 'b' },
      priority: 2,
      sentBy: 'someone',
    })
    expect(await core.commands.receive(DEVICE)).toEqual({
      command: {
        deviceId: DEVICE,
        commandId: 'c-1',
        name: 'go',
        state: 'Delivered',
        enqueuedAt: NOW,
        expiresAt: NOW + 3_600_000,
        deliveries: 0,
        maxDeliveries: 10,
        priority: 2,
        ack: 'none',
        bytes: 2 + 'application/cbor'.length + 1 + 2 + 2,
        sentBy: 'someone',
        lockedUntil: NOW + 60_000,
      },
      payload: Uint8Array.of(0, 255),
      contentType: 'application/cbor',
      correlationId: 'x',
      properties: { a: 'b' },
      lockToken: expect.any(String),
      lockedUntil: NOW + 60_000,
      deliveryCount: 0,
    })
  })

  it('that has expired is not handed out, however late anybody looks', async () => {
    const { core, world, send } = build()
    await send({ commandId: 'short', ttlMs: 1_000 })
    await send({ commandId: 'long' })
    world.now += 1_000
    expect((await core.commands.receive(DEVICE))?.command.commandId).toBe('long')
    expect(await core.commands.get(DEVICE, 'short')).toMatchObject({
      state: 'Expired',
      finishedAt: NOW + 1_000,
    })
  })

  it('that is held may be completed after it would have expired, and only while the lock lasts', async () => {
    const { core, world, send } = build()
    await send({ commandId: 'a', ttlMs: 1_000 })
    await send({ commandId: 'b', ttlMs: 1_000 })
    const first = await core.commands.receive(DEVICE)
    const second = await core.commands.receive(DEVICE)
    world.now += 59_999
    await core.tick(10)
    await core.commands.settle(DEVICE, first?.lockToken ?? '', 'complete')
    world.now += 1
    await expect(
      core.commands.settle(DEVICE, second?.lockToken ?? '', 'complete'),
    ).rejects.toMatchObject({ code: 'command.lock_lost' })
    expect(world.counts['command.refused']).toBe(1)
    const states = (await core.commands.list(DEVICE)).map(({ state }) => state)
    expect(states).toEqual(['Completed', 'Expired'])
  })

  it('that is held longer keeps its lock', async () => {
    const { core, world, send } = build()
    await send()
    const received = await core.commands.receive(DEVICE)
    const token = received?.lockToken ?? ''
    world.now += 50_000
    expect((await core.commands.renew(DEVICE, token)).lockedUntil).toBe(world.now + 60_000)
    world.now += 59_999
    expect((await core.commands.settle(DEVICE, token, 'complete')).state).toBe('Completed')
  })

  it('is known by its id while it waits and after it has ended, and no second one is made', async () => {
    const { core, world, send } = build()
    const first = await send({ commandId: 'same', payload: Uint8Array.of(1) })
    expect(await send({ commandId: 'same', payload: Uint8Array.of(2) })).toEqual(first)
    expect(world.contents.get(DEVICE)?.size).toBe(1)
    const received = await core.commands.receive(DEVICE)
    expect(received?.payload).toEqual(Uint8Array.of(1))
    await core.commands.settle(DEVICE, received?.lockToken ?? '', 'complete')
    expect((await send({ commandId: 'same' })).state).toBe('Completed')
    expect(await core.commands.receive(DEVICE)).toBeUndefined()
  })

  it('is forgotten as the twenty-first that has ended', async () => {
    const { core, world, send } = build()
    for (let index = 0; index < 25; index++) {
      await send({ commandId: `c-${index}` })
      world.now += 1
      await core.commands.purge(DEVICE)
    }
    await send({ commandId: 'open' })
    const ids = (await core.commands.list(DEVICE)).map(({ commandId }) => commandId)
    expect(ids).toEqual([...Array.from({ length: 20 }, (_, index) => `c-${index + 5}`), 'open'])
    expect(world.contents.get(DEVICE)?.size).toBe(1)
  })

  it.each([
    ['none', []],
    ['positive', ['Success']],
    ['negative', ['DeliveryCountExceeded', 'Expired', 'Purged', 'Rejected']],
    ['full', ['DeliveryCountExceeded', 'Expired', 'Purged', 'Rejected', 'Success']],
  ] as [CommandAck, string[]][])('asked for %s feedback tells %j', async (ack, told) => {
    const { core, world, send, statusCodes } = build()
    const take = async (how: 'complete' | 'reject' | 'abandon') => {
      await send({ ack, maxDeliveries: 1 })
      const received = await core.commands.receive(DEVICE)
      await core.commands.settle(DEVICE, received?.lockToken ?? '', how)
    }
    for (const how of ['complete', 'reject', 'abandon'] as const) await take(how)
    await send({ ack, ttlMs: 1_000 })
    world.now += 1_000
    await core.tick(10)
    await send({ ack })
    await core.commands.purge(DEVICE)
    await core.gate.idle()
    const codes = statusCodes().map((body) => (body as { statusCode: string }).statusCode)
    expect(codes.toSorted()).toEqual(told)
  })

  it('is told of in the shape of feedback', async () => {
    const { core, world, send } = build()
    await send({ commandId: 'c-1', ack: 'full' })
    const received = await core.commands.receive(DEVICE)
    world.now += 5
    await core.commands.settle(DEVICE, received?.lockToken ?? '', 'reject', 'x'.repeat(300))
    await core.gate.idle()
    expect(await core.commands.claimFeedback(10, 1)).toEqual([
      {
        id: expect.any(String),
        at: expect.any(Number),
        feedback: {
          originalMessageId: 'c-1',
          deviceId: DEVICE,
          deviceGenerationId: String(NOW),
          statusCode: 'Rejected',
          description: 'x'.repeat(256),
          enqueuedTimeUtc: new Date(NOW + 5).toISOString(),
        },
      },
    ])
  })

  it('keeps its feedback while the queue for it is away, and tells it once', async () => {
    const { core, world, send, statusCodes } = build()
    await send({ ack: 'full' })
    world.away.add('queues')
    await core.commands.purge(DEVICE)
    await core.gate.idle()
    expect(statusCodes()).toEqual([])
    world.away.delete('queues')
    world.now += 600_000
    await core.tick(10)
    await core.gate.idle()
    expect(statusCodes()).toHaveLength(1)
    expect(recordOf(world, DEVICE)?.outbox).toEqual([])
  })

  it('wakes whoever holds the connection, also after a lock that is over, and later if that fails now', async () => {
    const { core, world, send } = build()
    await send()
    await core.gate.idle()
    expect(world.woken).toEqual([DEVICE])
    await core.commands.receive(DEVICE)
    expect(world.woken).toHaveLength(1)
    world.now += 60_000
    await core.tick(10)
    await core.gate.idle()
    expect(world.woken).toHaveLength(2)
    world.away.add('downlink')
    await send()
    await core.gate.idle()
    expect(recordOf(world, DEVICE)?.outbox).toMatchObject([{ effect: { kind: 'wake' } }])
    world.away.delete('downlink')
    world.now += 600_000
    await core.tick(10)
    await core.gate.idle()
    expect(world.woken.length).toBeGreaterThanOrEqual(3)
    expect(recordOf(world, DEVICE)?.outbox).toEqual([])
  })

  it('whose content is lost is Rejected with that reason, and the next one comes', async () => {
    const { core, world, send } = build()
    await send({ commandId: 'a' })
    const [contentId = ''] = world.contents.get(DEVICE)?.keys() ?? []
    world.contents.get(DEVICE)?.delete(contentId)
    await send({ commandId: 'b' })
    expect((await core.commands.receive(DEVICE))?.command.commandId).toBe('b')
    expect(await core.commands.get(DEVICE, 'a')).toMatchObject({
      state: 'Rejected',
      reason: 'its content is lost',
    })
  })

  it('stays as it is while the store is away', async () => {
    const { core, world, send } = build()
    await send()
    const received = await core.commands.receive(DEVICE)
    world.away.add('devices')
    await expect(send()).rejects.toMatchObject({ code: 'store.unavailable' })
    await expect(
      core.commands.settle(DEVICE, received?.lockToken ?? '', 'complete'),
    ).rejects.toMatchObject({ code: 'store.unavailable' })
    world.away.delete('devices')
    expect(await core.commands.list(DEVICE)).toMatchObject([{ state: 'Delivered' }])
    await core.commands.settle(DEVICE, received?.lockToken ?? '', 'complete')
  })

  it('of the largest kind, as many as may wait, fits into the record', async () => {
    const { world, send } = build({ commands: { maxPending: 200 } })
    for (let index = 0; index < 200; index++) {
      await send({
        commandId: `${index}`.padEnd(128, '"'),
        name: '"'.repeat(128),
        sentBy: '"'.repeat(128),
        payload: new Uint8Array(1_000),
        maxDeliveries: 100,
        ack: 'negative',
      })
    }
    await expect(send()).rejects.toMatchObject({ code: 'command.queue_full', retryable: true })
    expect(world.records.get(DEVICE)?.length).toBeLessThan(MAX_RECORD_CHARS)
  })

  it('of just the largest size is taken, one byte more is not', async () => {
    const { send } = build()
    const rest = 'go'.length + 'ü'.length * 2 + '\u{1F600}'.length * 2
    const properties = { ü: '\u{1F600}' }
    const payload = new Uint8Array(MAX_COMMAND_BYTES - rest)
    expect((await send({ properties, payload })).bytes).toBe(MAX_COMMAND_BYTES)
    await expect(
      send({ properties, payload: new Uint8Array(payload.length + 1) }),
    ).rejects.toMatchObject({ code: 'command.too_large', retryable: false })
  })

  it('for a device that nobody has heard of is refused', async () => {
    const { core } = build()
    const request = { name: 'go', payload: new Uint8Array() }
    await expect(core.commands.send('stranger', request)).rejects.toMatchObject({
      code: 'input.not_found',
    })
    await expect(core.commands.send('a/b', request)).rejects.toMatchObject({
      code: 'uplink.bad_device_id',
    })
  })

  it('of a rule that finds the queue full is tried again, and once it is there it is there once', async () => {
    const { core, world } = build({
      commands: { maxPending: 1 },
      rules: {
        r: {
          sql: "SELECT * FROM 'devices/+/telemetry'",
          actions: [{ sendCommand: { device: DEVICE, name: 'go' } }],
        },
      },
    })
    const uplink = (t: number) => ({
      deviceId: 'sender',
      topic: 'devices/sender/telemetry',
      payload: new TextEncoder().encode(JSON.stringify({ t })),
      contentType: 'application/json',
      receivedAt: world.now,
      source: 'test',
    })
    await core.ingest([uplink(1), uplink(2)])
    await core.gate.idle()
    expect(await core.commands.list(DEVICE)).toHaveLength(1)
    expect(recordOf(world, 'sender')?.outbox).toHaveLength(1)
    await core.commands.purge(DEVICE)
    world.now += 600_000
    await core.tick(10)
    await core.gate.idle()
    const commands = await core.commands.list(DEVICE)
    expect(commands.map(({ state }) => state)).toEqual(['Purged', 'Enqueued'])
    expect(recordOf(world, 'sender')?.outbox).toEqual([])
  })
})

describe('methods', () => {
  it('pass on what the device says, with what the caller asked for', async () => {
    const { core, world } = build()
    const calls: unknown[] = []
    world.onMethod = (deviceId, call) => {
      calls.push({ deviceId, ...call })
      return { status: 418, payload: ['tea'] }
    }
    expect(await core.methods.invoke(DEVICE, { name: 'brew', payload: { cups: 2 } })).toEqual({
      status: 418,
      payload: ['tea'],
    })
    expect(calls).toEqual([
      {
        deviceId: DEVICE,
        name: 'brew',
        payload: { cups: 2 },
        connectTimeoutMs: 0,
        responseTimeoutMs: 30_000,
      },
    ])
    expect(world.counts).toMatchObject({ 'method.answered': 1 })
  })

  it.each([
    { name: '' },
    { name: 'a/b' },
    { name: '+' },
    { name: '#' },
    { name: 'a b' },
    { name: 'ü' },
    { name: 'a\u0000' },
    { name: 'x'.repeat(101) },
    { name: 'go', connectTimeoutMs: -1 },
    { name: 'go', connectTimeoutMs: 300_001 },
    { name: 'go', connectTimeoutMs: Number.NaN },
    { name: 'go', responseTimeoutMs: 0 },
    { name: 'go', responseTimeoutMs: 300_001 },
    { name: 'go', payload: 'x'.repeat(131_071) },
  ])('refuse $name, $connectTimeoutMs, $responseTimeoutMs', async (request) => {
    const { core, world } = build()
    await expect(core.methods.invoke(DEVICE, request)).rejects.toMatchObject({
      code: 'method.invalid',
    })
    expect(world.counts['method.failed']).toBe(1)
  })

  it('are not called on what is no device', async () => {
    const { core } = build()
    await expect(core.methods.invoke('#', { name: 'go' })).rejects.toBeInstanceOf(CoreError)
    await expect(core.methods.invoke(DEVICE, { name: 'go' })).rejects.toMatchObject({
      code: 'method.device_offline',
      retryable: true,
    })
  })
})
