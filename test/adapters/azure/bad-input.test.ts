import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Azure, createAzure } from '../../../adapters/azure/index.ts'
import { type ConfigInput, parseConfig } from '../../../core/index.ts'
import { type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { type Gate, openGate } from './gate.ts'
import { type HubMessage, triggerOf } from './hub-events.ts'
import { openStack, type Stack } from './stack.ts'

const TIMER = { isPastDue: false }
const LAST = { retryContext: { retryCount: 5, maxRetryCount: 5 } }

const ALL = () => true
const NONE = () => false

describeWithEmulators('Azure: what is broken', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  let stack: Stack
  let gate: Gate
  let hub: Gate
  let azure: Azure
  let lines: string[]
  beforeAll(async () => {
    ;[azurite, cosmos] = await Promise.all([startAzurite(), startCosmos()])
  }, 90_000)
  afterAll(() => Promise.all([azurite?.stop(), cosmos?.stop()]))
  beforeEach(async () => {
    gate = await openGate(cosmos.endpoint)
    // Nobody is behind it: what asks the hub is counted, and refused.
    hub = await openGate('http://127.0.0.1:1')
    hub.refuse(ALL)
    const settings = {
      iotHubHost: 'localhost',
      iotHubEndpoint: hub.endpoint,
      iotHubConnection: 'HostName=localhost:1;SharedAccessKeyName=x;SharedAccessKey=AAAA',
    }
    stack = await openStack({
      azurite,
      cosmos,
      hub: { settings },
      cosmosEndpoint: gate.endpoint,
    })
    azure = open({})
    lines = []
    vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
      lines.push(String(line))
      return true
    })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await azure.close()
    await stack.close()
    gate.close()
    hub.close()
  })

  function open(config: ConfigInput): Azure {
    const parsed = parseConfig(config)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    return createAzure(stack.settings, parsed.config)
  }

  const uplink = (deviceId: string, n: number): HubMessage => ({
    deviceId,
    body: Buffer.from(`{"n":${n}}`),
    system: { 'message-id': `${deviceId}-${n}` },
  })
  const letters = () => azure.core.ports.deadLetters.list('', 100)
  const accepted = async (id: string) => (await azure.core.ports.devices.load(id))?.accepted

  describe('the store', () => {
    it('asks for the batch again while it is away, and loses and doubles nothing', async () => {
      const broken = { deviceId: 'c', body: Buffer.from('{broken') }
      const batch = triggerOf([uplink('a', 1), uplink('b', 1), broken, uplink('a', 2)])
      gate.refuse(ALL)
      await expect(azure.ingest(...batch)).rejects.toMatchObject({
        code: 'store.unavailable',
        retryable: true,
      })
      gate.refuse(NONE)
      expect(await letters()).toEqual([])
      const [bodies, context] = batch
      const again = { ...context, retryContext: { retryCount: 1, maxRetryCount: 5 } }
      for (let time = 0; time < 2; time++) await azure.ingest(bodies, again)
      expect([await accepted('a'), await accepted('b')]).toEqual([2, 1])
      expect((await letters()).map(({ code }) => code)).toEqual([
        'codec.malformed',
        'codec.malformed',
      ])
      expect(hub.asked).toEqual([])
    }, 30_000)

    it('fails one device and no other', async () => {
      gate.refuse((asked) => asked.includes('/docs/kbad'))
      const batch = triggerOf([uplink('bad', 1), uplink('good', 1), uplink('bad', 2)])
      await expect(azure.ingest(...batch)).rejects.toMatchObject({ code: 'store.unavailable' })
      expect(await accepted('good')).toBe(1)
      gate.refuse(NONE)
      await azure.ingest(...batch)
      expect([await accepted('good'), await accepted('bad')]).toEqual([1, 2])
      const rows = await azure.core.ports.telemetry.range('bad', {
        from: 0,
        to: Number.MAX_SAFE_INTEGER,
        limit: 10,
        descending: false,
      })
      expect(rows.map(({ metrics }) => metrics['n'])).toEqual([1, 2])
    }, 30_000)

    it('has the bytes of what the last attempt could not store among the dead letters', async () => {
      gate.refuse((asked) => asked.includes('/docs/kbad'))
      const [bodies, context] = triggerOf([uplink('bad', 1), uplink('good', 1)])
      await azure.ingest(bodies, { ...context, ...LAST })
      gate.refuse(NONE)
      expect(await accepted('good')).toBe(1)
      const [letter, ...more] = await letters()
      expect(more).toEqual([])
      expect(letter).toMatchObject({
        deviceId: 'bad',
        topic: 'devices/bad/telemetry',
        source: 'eventhubs',
        code: 'store.unavailable',
        messageId: 'bad-1',
        reason: expect.stringContaining('given up after the last attempt'),
      })
      expect(Buffer.from(letter?.payload ?? []).toString()).toBe('{"n":1}')
      expect(await azure.core.redrive(letter?.id ?? '')).toMatchObject({ status: 'accepted' })
      expect(await accepted('bad')).toBe(1)
    }, 30_000)

    it('may be away for good: the last attempt keeps the bytes as blobs', async () => {
      gate.refuse(ALL)
      const [bodies, context] = triggerOf([uplink('a', 1)])
      await azure.ingest(bodies, { ...context, ...LAST })
      const list = await stack.account.client.send({
        service: 'blob',
        method: 'GET',
        path: `/${stack.account.name}?restype=container&comp=list&prefix=lost/`,
        headers: { 'x-ms-version': '2024-11-04' },
      })
      const name = /<Name>(lost\/[^<]+)<\/Name>/.exec(list.body.toString('utf8'))?.[1] ?? ''
      const blob = await stack.account.client.send({
        service: 'blob',
        method: 'GET',
        path: `/${stack.account.name}/${name}`,
        headers: { 'x-ms-version': '2024-11-04' },
      })
      expect(JSON.parse(blob.body.toString('utf8'))).toMatchObject({
        deviceId: 'a',
        payload: Buffer.from('{"n":1}').toString('base64'),
      })
    }, 30_000)

    it('is tried for ever where the policy says so', async () => {
      gate.refuse(ALL)
      const [bodies, context] = triggerOf([uplink('a', 1)])
      const retryContext = { retryCount: 999, maxRetryCount: -1 }
      await expect(azure.ingest(bodies, { ...context, retryContext })).rejects.toThrow()
    }, 30_000)
  })

  describe('messages', () => {
    it.each([
      ['systemPropertiesArray', []],
      ['propertiesArray', [{}, {}, {}, {}]],
    ])('whose %s has another length are set aside, each with its bytes', async (name, value) => {
      const [bodies, context] = triggerOf([uplink('a', 1), uplink('b', 1)])
      const triggerMetadata = { ...context.triggerMetadata, [name]: value }
      await azure.ingest(bodies, { triggerMetadata })
      const found = await letters()
      expect(found.map(({ payload }) => Buffer.from(payload).toString()).toSorted()).toEqual([
        '{"n":1}',
        '{"n":1}',
      ])
      for (const { code, reason, deviceId } of found) {
        expect(code).toBe('uplink.bad_properties')
        expect(reason).toContain(`${name}: expected 2`)
        expect(deviceId).toBeUndefined()
      }
    })

    it('of nobody, of a name that is none, and that cannot be read are set aside alone', async () => {
      await azure.ingest(
        ...triggerOf([
          { body: Buffer.from('{}') },
          { body: Buffer.from('{}'), deviceId: 'no device+' },
          { body: Buffer.from([0xff, 0xfe]), deviceId: 'a' },
          uplink('a', 1),
        ]),
      )
      expect(await accepted('a')).toBe(1)
      expect((await letters()).map(({ code }) => code).toSorted()).toEqual([
        'codec.malformed',
        'uplink.bad_device_id',
        'uplink.no_device',
      ])
    })

    it.each([
      ['no JSON', 'hello'],
      ['no version', { properties: { desired: { a: 1 } } }],
      ['a section that is none', { version: 2, properties: { desired: 7 } }],
    ])('of a twin with %s are set aside under a name that is no telemetry', async (_what, body) => {
      await azure.ingest(
        ...triggerOf([
          { body, deviceId: 'a', source: 'twinChangeEvents', properties: { opType: 'updateTwin' } },
          uplink('a', 1),
        ]),
      )
      expect(await letters()).toMatchObject([
        { deviceId: 'a', topic: '$iothub/twinChangeEvents/a', code: 'uplink.bad_properties' },
      ])
      expect(await accepted('a')).toBe(1)
      expect(hub.asked).toEqual([])
    })

    it('of modules and of digital twins are counted, and change nothing', async () => {
      const module = { 'iothub-connection-module-id': 'm' }
      await azure.ingest(
        ...triggerOf([
          {
            body: { version: 2, properties: { desired: { a: 1 } } },
            deviceId: 'a',
            source: 'twinChangeEvents',
            system: module,
            properties: { opType: 'updateTwin' },
          },
          { body: {}, deviceId: 'a', source: 'digitalTwinChangeEvents' },
          {
            body: {},
            deviceId: 'a',
            source: 'deviceLifecycleEvents',
            properties: { opType: 'createModuleIdentity' },
          },
        ]),
      )
      expect(await azure.core.ports.devices.load('a')).toBeUndefined()
      expect(await letters()).toEqual([])
    })
  })

  describe('the hub', () => {
    const connected = (deviceId: string): HubMessage => ({
      deviceId,
      body: '{}',
      source: 'deviceConnectionStateEvents',
      properties: { opType: 'deviceConnected' },
    })

    it('that is away keeps no telemetry, no alarm and no timer waiting', async () => {
      const batch = triggerOf([uplink('a', 1)])
      await azure.ingest(...batch)
      await azure.tick(TIMER, {})
      expect(await accepted('a')).toBe(1)
      expect(lines.some((line) => line.includes('feedback not done'))).toBe(true)
    }, 30_000)

    it('brings events again that need it', async () => {
      const { commands } = azure.core
      await azure.ingest(...triggerOf([uplink('a', 1)]))
      await commands.send('a', { commandId: 'x', name: 'x', payload: Buffer.from('{}') })
      await expect(azure.ingest(...triggerOf([connected('a')]))).rejects.toMatchObject({
        code: 'store.unavailable',
      })
      expect((await commands.get('a', 'x'))?.state).toBe('Enqueued')
    }, 60_000)
  })

  it('refuses what is no timer', async () => {
    await expect(azure.tick({}, {})).rejects.toMatchObject({ code: 'trigger.malformed' })
  })

  it('takes no trouble from a wake-up that names nothing, or what is gone', async () => {
    await azure.notify('hello', {})
    await azure.notify({ keys: ['gone'] }, {})
    expect(await letters()).toEqual([])
  })
})
