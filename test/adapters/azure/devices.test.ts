import { Message } from 'azure-iot-common'
import type { Client, Message as DeviceMessage, Twin } from 'azure-iot-device'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Azure, createAzure } from '../../../adapters/azure/index.ts'
import { type ConfigInput, type Json, parseConfig } from '../../../core/index.ts'
import { type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { type EmbeddedHub, startHub } from './embedded-hub.ts'
import { triggerOf } from './hub-events.ts'
import { openStack, type Stack } from './stack.ts'

const CONFIG: ConfigInput = {
  rules: {
    hot: {
      sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 30",
      actions: [{ republish: { topic: 'devices/${topic(2)}/warnings' } }],
    },
    hotter: {
      sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 40",
      actions: [
        { republish: { topic: 'devices/${topic(2)}/messages/devicebound/level=high&a%20b=c' } },
        { republish: { topic: 'fleet/hot' } },
        { setDesired: { state: { fan: 'on' } } },
      ],
    },
  },
  commands: { ttl: '1h', maxTtl: '7d' },
}

const TIMER = { isPastDue: false, schedule: { adjustForDST: true } }
const until = { timeout: 8_000, interval: 30 }

let counter = 0

/** A device that the SDK connects, and what it gets. */
interface Connected {
  readonly id: string
  readonly client: Client
  readonly messages: DeviceMessage[]
}

describeWithEmulators('Azure: devices of a hub, by the vendor’s SDK', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  let hub: EmbeddedHub
  let stack: Stack
  let azure: Azure
  beforeAll(async () => {
    ;[azurite, cosmos, hub] = await Promise.all([startAzurite(), startCosmos(), startHub()])
    stack = await openStack({ azurite, cosmos, hub })
    const parsed = parseConfig(CONFIG)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    azure = createAzure(stack.settings, parsed.config)
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  }, 90_000)
  afterAll(async () => {
    vi.restoreAllMocks()
    await azure?.close()
    await stack?.close()
    await Promise.all([azurite?.stop(), cosmos?.stop(), hub?.close()])
  })
  beforeEach(async () => {
    await pump()
  })

  /** Brings what the hub has told to ingest, as its routes do. Gives how many there were. */
  async function pump(): Promise<number> {
    const changes = await hub.takeChanges()
    if (changes.length > 0) await azure.ingest(...triggerOf(changes))
    return changes.length
  }

  async function connect(id = `dev-${++counter}`): Promise<Connected> {
    const client = await hub.connect(id)
    const messages: DeviceMessage[] = []
    client.on('message', (message: DeviceMessage) => {
      messages.push(message)
      void client.complete(message)
    })
    await expect.poll(pump, until).toBeGreaterThan(0)
    await expect.poll(async () => (await record(id))?.presence.connected, until).toBe(true)
    return { id, client, messages }
  }

  const record = (id: string) => azure.core.ports.devices.load(id)
  const stateOf = async (id: string, commandId: string) =>
    (await azure.core.commands.get(id, commandId))?.state
  const tick = () => azure.tick(TIMER, {})

  async function telemetry(id: string, body: Json): Promise<void> {
    await azure.ingest(...triggerOf([{ body, deviceId: id }]))
  }

  describe('commands', () => {
    const payload = Buffer.from('{"minutes":5}')

    it('reach a device that is connected, and its answer comes back as feedback', async () => {
      const { id, messages } = await connect()
      await azure.core.commands.send(id, {
        commandId: 'job-1',
        name: 'defrost',
        payload,
        contentType: 'application/json',
        correlationId: 'c-1',
        properties: { why: 'ice' },
        ack: 'full',
      })
      await azure.settle()
      expect(await stateOf(id, 'job-1')).toBe('Delivered')
      await expect.poll(() => messages.length, until).toBe(1)
      const [message] = messages
      expect(message?.getData().toString()).toBe('{"minutes":5}')
      expect(message).toMatchObject({ messageId: 'job-1', correlationId: 'c-1' })
      expect(message?.properties.getValue('command')).toBe('defrost')
      expect(message?.properties.getValue('why')).toBe('ice')
      await expect
        .poll(async () => {
          await tick()
          return stateOf(id, 'job-1')
        }, until)
        .toBe('Completed')
      const told = await azure.core.commands.claimFeedback(10, 60_000)
      expect(told.map(({ feedback }) => feedback)).toMatchObject([
        { originalMessageId: 'job-1', deviceId: id, statusCode: 'Success' },
      ])
      for (const { id: entry } of told) await azure.core.commands.removeFeedback(entry)
    })

    it('wait with us while the device is away, and go when the hub says that it is there', async () => {
      const id = `dev-${++counter}`
      await hub.ask('PUT', `/devices/${id}`, { deviceId: id })
      for (const commandId of ['a', 'b'])
        await azure.core.commands.send(id, { commandId, name: 'message', payload })
      await azure.settle()
      expect(await stateOf(id, 'a')).toBe('Enqueued')
      const { messages } = await connect(id)
      await expect.poll(() => messages.map(({ messageId }) => messageId), until).toEqual(['a', 'b'])
      expect(messages[0]?.properties.getValue('command')).toBeUndefined()
      await expect
        .poll(async () => {
          await tick()
          return Promise.all([stateOf(id, 'a'), stateOf(id, 'b')])
        }, until)
        .toEqual(['Completed', 'Completed'])
    })

    it('that nobody takes in time expire here and there', async () => {
      const id = `dev-${++counter}`
      await hub.connect(id)
      await expect.poll(pump, until).toBeGreaterThan(0)
      // It is connected, and listens to no messages.
      await azure.core.commands.send(id, { commandId: 'x', name: 'x', payload, ttlMs: 300 })
      await azure.settle()
      expect(await stateOf(id, 'x')).toBe('Delivered')
      await expect
        .poll(async () => {
          await hub.cloud.core.gate.catchUp(id)
          await tick()
          return stateOf(id, 'x')
        }, until)
        .toBe('Expired')
    })

    it('that may wait for longer than the hub keeps anything go there again', async () => {
      const id = `dev-${++counter}`
      await hub.connect(id)
      await expect.poll(pump, until).toBeGreaterThan(0)
      const ttlMs = 3 * 86_400_000
      await azure.core.commands.send(id, { commandId: 'x', name: 'x', payload, ttlMs })
      await azure.settle()
      const atHub = async () => (await hub.cloud.core.commands.list(id)).map(({ state }) => state)
      expect(await atHub()).toEqual(['Enqueued'])
      const now = Date.now() + 2 * 86_400_000
      vi.spyOn(Date, 'now').mockReturnValue(now)
      await hub.cloud.core.gate.catchUp(id)
      expect(await atHub()).toEqual(['Expired'])
      await tick()
      vi.mocked(Date.now).mockRestore()
      expect(await stateOf(id, 'x')).toBe('Delivered')
    })

    it('that are purged are gone at the hub as well', async () => {
      const id = `dev-${++counter}`
      await hub.connect(id)
      await expect.poll(pump, until).toBeGreaterThan(0)
      await azure.core.commands.send(id, { commandId: 'x', name: 'x', payload })
      await azure.settle()
      expect(await hub.cloud.core.commands.list(id)).toMatchObject([{ state: 'Enqueued' }])
      expect(await azure.core.commands.purge(id)).toBe(1)
      expect(await hub.cloud.core.commands.list(id)).toMatchObject([{ state: 'Purged' }])
      expect(await stateOf(id, 'x')).toBe('Purged')
      await tick()
      expect(await stateOf(id, 'x')).toBe('Purged')
    })

    it('are given back where the hub has no room, and go once it has', async () => {
      const id = `dev-${++counter}`
      await hub.connect(id)
      await expect.poll(pump, until).toBeGreaterThan(0)
      for (let index = 0; index < 50; index++)
        await hub.cloud.core.commands.send(id, { name: 'other', payload })
      await azure.core.commands.send(id, { commandId: 'x', name: 'x', payload })
      await azure.settle()
      expect(await stateOf(id, 'x')).toBe('Enqueued')
      const left = (await record(id))?.outbox.map(({ effect }) => effect.kind)
      expect(left).toEqual(['wake'])
      await hub.cloud.core.commands.purge(id)
      const at = (await record(id))?.outbox[0]?.at ?? 0
      vi.spyOn(Date, 'now').mockReturnValue(at + 1)
      await tick()
      vi.mocked(Date.now).mockRestore()
      expect(await stateOf(id, 'x')).toBe('Delivered')
    })
  })

  describe('what rules publish', () => {
    it('below a device goes to it; all else waits in a queue', async () => {
      const { id, messages } = await connect()
      await telemetry(id, { temp: 35 })
      await expect.poll(() => messages.length, until).toBe(1)
      expect(messages[0]?.properties.getValue('topic')).toBe(`devices/${id}/warnings`)
      expect(messages[0]?.getData().toString()).toBe('{"temp":35}')
      await telemetry(id, { temp: 45 })
      await expect.poll(() => messages.length, until).toBe(3)
      const bound = messages.find((one) => one.properties.getValue('level') !== undefined)
      expect(bound?.properties.getValue('level')).toBe('high')
      expect(bound?.properties.getValue('a b')).toBe('c')
      expect((await stack.takeQueue('published')).map((text) => JSON.parse(text))).toEqual([
        { topic: 'fleet/hot', payload: '{"temp":45}', encoding: 'utf8', qos: 1, retain: false },
      ])
      expect((await record(id))?.outbox).toEqual([])
    })

    it('for a device that the hub does not know is set aside', async () => {
      const id = `dev-${++counter}`
      await telemetry(id, { temp: 35 })
      const letters = await azure.core.ports.deadLetters.list('', 10)
      expect(letters.find(({ deviceId }) => deviceId === id)).toMatchObject({
        topic: 'outbox/publish',
        code: 'input.not_found',
      })
      expect((await record(id))?.outbox).toEqual([])
    })
  })

  describe('the twin', () => {
    /** Its wishes as they come; the round trip after it says that the hub knows who listens. */
    async function listen(client: Client, event: string): Promise<{ twin: Twin; wishes: Json[] }> {
      const twin = await client.getTwin()
      const wishes: Json[] = []
      twin.on(event, (wish: Json) => void wishes.push(wish))
      await new Promise<void>((done) => twin.get(() => done()))
      return { twin, wishes }
    }

    it('brings wishes to the device, and what it reports to the record', async () => {
      const { id, client } = await connect()
      const { twin, wishes } = await listen(client, 'properties.desired')
      const body = JSON.stringify({ state: { desired: { led: { mode: 'on' } } } })
      await azure.core.gate.run(id, [
        { kind: 'shadow', operation: 'update', name: '', body, at: Date.now() },
      ])
      await azure.core.gate.idle()
      await expect.poll(() => wishes.at(-1), until).toMatchObject({ led: { mode: 'on' } })
      await new Promise<void>((done, reject) =>
        twin.properties.reported.update(
          { led: { mode: 'on' }, uptime: 7 },
          (error: Error | null) => (error ? reject(error) : done()),
        ),
      )
      await expect
        .poll(async () => {
          await pump()
          return (await record(id))?.shadows['']?.reported
        }, until)
        .toEqual({ led: { mode: 'on' }, uptime: 7 })
      const shadow = (await record(id))?.shadows['']
      expect(shadow?.desired).toEqual({ led: { mode: 'on' } })
      const owners = (await hub.ask('GET', `/twins/${id}`)) as { version: number }
      expect(shadow?.ownerVersion).toBe(owners.version)
    })

    it('is asked once, and then followed change by change', async () => {
      const { id } = await connect()
      const patch = (led: string) =>
        hub.ask('PATCH', `/twins/${id}`, { properties: { desired: { led } } })
      await patch('a')
      await pump()
      expect((await record(id))?.shadows['']?.desired).toEqual({ led: 'a' })
      const asked = vi.spyOn(hub.cloud.core.ports.devices, 'load')
      await patch('b')
      const changes = await hub.takeChanges()
      asked.mockClear()
      await azure.ingest(...triggerOf(changes))
      expect((await record(id))?.shadows['']?.desired).toEqual({ led: 'b' })
      expect(asked).not.toHaveBeenCalled()
      // One is lost: all of it is asked for.
      await patch('c')
      await hub.takeChanges()
      await hub.ask('PATCH', `/twins/${id}`, { properties: { desired: { fan: 1 } } })
      await pump()
      expect((await record(id))?.shadows['']?.desired).toEqual({ led: 'c', fan: 1 })
      asked.mockRestore()
    })

    it('brings tags that others set, and a replacement of all of it', async () => {
      const { id } = await connect()
      await hub.ask('PATCH', `/twins/${id}`, { tags: { site: 'north', floor: { number: 2 } } })
      await pump()
      expect((await record(id))?.shadows['']?.tags).toEqual({ site: 'north', floor: { number: 2 } })
      const replaced = { ...(await hub.takeChanges()), length: 0 }
      expect(replaced).toEqual({ length: 0 })
      await hub.ask('PUT', `/twins/${id}`, { tags: {}, properties: { desired: { x: 1 } } })
      const changes = await hub.takeChanges()
      await azure.ingest(
        ...triggerOf(
          changes.map((one) => ({
            ...one,
            properties: { ...one.properties, opType: 'replaceTwin' },
          })),
        ),
      )
      expect((await record(id))?.shadows['']).toMatchObject({ desired: { x: 1 } })
      expect((await record(id))?.shadows['']?.tags).toBeUndefined()
    })

    it('takes a wish of a rule once, however often it is told', async () => {
      const { id, client } = await connect()
      const { wishes } = await listen(client, 'properties.desired.fan')
      await telemetry(id, { temp: 50 })
      await telemetry(id, { temp: 51 })
      await expect.poll(() => wishes, until).toEqual(['on'])
    })
  })

  describe('connections', () => {
    const event = (deviceId: string, opType: string, at: number) => ({
      deviceId,
      body: '{"sequenceNumber":"00"}',
      source: 'deviceConnectionStateEvents',
      properties: { opType, operationTimestamp: new Date(at).toISOString() },
    })

    it('count by when they were made, in whatever order the hub tells of them', async () => {
      const id = `dev-${++counter}`
      await hub.ask('PUT', `/devices/${id}`, { deviceId: id })
      const now = Date.now()
      await azure.ingest(...triggerOf([event(id, 'deviceConnected', now - 5_000)]))
      await azure.ingest(
        ...triggerOf([
          event(id, 'deviceDisconnected', now - 9_000),
          event(id, 'deviceUpdated', now),
        ]),
      )
      expect((await record(id))?.presence).toMatchObject({
        connected: true,
        changedAt: now - 5_000,
      })
      await azure.ingest(...triggerOf([event(id, 'deviceDisconnected', now - 1_000)]))
      expect((await record(id))?.presence).toMatchObject({
        connected: false,
        changedAt: now - 1_000,
      })
    })
  })

  describe('registrations', () => {
    it('that somebody else makes are taken in, and what somebody else removes is forgotten', async () => {
      const id = `dev-${++counter}`
      await hub.ask('PUT', `/devices/${id}`, { deviceId: id, statusReason: 'from the portal' })
      await pump()
      const { registry } = azure.core.ports
      expect(
        (await registry.list('', 1_000)).find(({ deviceId }) => deviceId === id),
      ).toMatchObject({
        enabled: true,
        statusReason: 'from the portal',
        version: 1,
        credentials: [],
      })
      await hub.ask('PATCH', `/twins/${id}`, { properties: { desired: { led: 1 } } })
      await pump()
      expect((await record(id))?.shadows['']?.desired).toEqual({ led: 1 })
      await hub.ask('DELETE', `/devices/${id}`)
      await pump()
      expect((await registry.list('', 1_000)).some(({ deviceId }) => deviceId === id)).toBe(false)
      expect((await record(id))?.shadows['']?.deletedAt).toBeDefined()
      // Another one gets its name: its twin counts from the beginning.
      await hub.ask('PUT', `/devices/${id}`, { deviceId: id })
      await hub.ask('PATCH', `/twins/${id}`, { properties: { desired: { led: 2 } } })
      await pump()
      expect((await record(id))?.shadows['']?.desired).toEqual({ led: 2 })
    })
  })

  it('answers a direct method, and says who is not there', async () => {
    const { id, client } = await connect()
    client.onDeviceMethod('reboot', (request, response) => {
      void response.send(202, { in: request.payload.in })
    })
    const call = { name: 'reboot', payload: { in: 5 }, connectTimeoutMs: 3_000 }
    expect(await azure.core.methods.invoke(id, call)).toEqual({ status: 202, payload: { in: 5 } })
    const away = `dev-${++counter}`
    await hub.ask('PUT', `/devices/${away}`, { deviceId: away })
    await expect(azure.core.methods.invoke(away, { name: 'x' })).rejects.toMatchObject({
      code: 'method.device_offline',
    })
    await expect(azure.core.methods.invoke('nobody', { name: 'x' })).rejects.toMatchObject({
      code: 'input.not_found',
    })
  })

  it('stores what the SDK sends, as Event Hubs gives it', async () => {
    const { id, client } = await connect()
    const message = new Message('{"temp":21.5}')
    message.messageId = 'm-1'
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    message.properties.add('level', 'low')
    await client.sendEvent(message)
    const events = await hub.takeEvents(1)
    const given = triggerOf(
      events.map(({ body, properties, systemProperties }) => ({
        body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
        deviceId: String(systemProperties?.['iothub-connection-device-id']),
        system: systemProperties ?? {},
        properties: properties ?? {},
      })),
    )
    await azure.ingest(...given)
    await azure.ingest(...given)
    expect(await record(id)).toMatchObject({ accepted: 1, last: { temp: { value: 21.5 } } })
  })
})
