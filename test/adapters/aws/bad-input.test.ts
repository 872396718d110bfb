import { randomInt } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAwsClient } from '../../../adapters/aws/client.ts'
import { createCommandStore } from '../../../adapters/aws/command-store.ts'
import { readConfig } from '../../../adapters/aws/config.ts'
import { type Aws, createAws } from '../../../adapters/aws/create-aws.ts'
import { createDeviceStore } from '../../../adapters/aws/device-store.ts'
import { createHotTails } from '../../../adapters/aws/hot-tails.ts'
import { fillConfig } from '../../../adapters/node/fill-config.ts'
import { type Config, type DeviceRecord, type Json, parseConfig } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { sqsEvent } from './events.ts'
import { REGION } from './fresh-account.ts'
import { describeWithMoto, type Moto, startMoto } from './moto.ts'
import { type Answer, type Call, openProxy, type RecordingProxy } from './recording-proxy.ts'
import { openStack, type Stack } from './stack.ts'

const THROTTLED: Answer = {
  status: 400,
  body: JSON.stringify({
    __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
    message: 'The level of configured provisioned throughput for the table was exceeded.',
  }),
}
const BROKEN: Answer = {
  status: 500,
  body: '{"__type":"com.amazon.coral.service#InternalServerError"}',
}

describe('AWS: the environment of a function', () => {
  it('names every variable that is missing, at once', () => {
    const found = readError(() => readConfig({ AWS_REGION: 'eu-central-1', ANYHUB_BUCKET: '' }))
    expect(found).toMatchObject({ code: 'config.invalid', retryable: false })
    const named = found.message.replace(/^.*: /, '').split(', ')
    expect(named).toEqual([
      'AWS_LAMBDA_FUNCTION_NAME',
      'ANYHUB_DEVICES_TABLE',
      'ANYHUB_TELEMETRY_TABLE',
      'ANYHUB_ITEMS_TABLE',
      'ANYHUB_NOTIFICATIONS_TABLE',
      'ANYHUB_HIGH_QUEUE_URL',
      'ANYHUB_NORMAL_QUEUE_URL',
      'ANYHUB_QUEUE_PREFIX',
      'ANYHUB_COLD_STREAM',
      'ANYHUB_BUCKET',
      'ANYHUB_DEVICE_POLICY',
      'ANYHUB_ADMIN_TOKEN_SHA256',
    ])
  })

  it('names every variable that the config wants and that is missing', () => {
    const config = { a: 'x${env:ONE}', b: ['${env:TWO}${env:THREE}'] }
    expect(fillConfig(config, { ONE: '1', TWO: '2', THREE: '3' })).toEqual({ a: 'x1', b: ['23'] })
    expect(readError(() => fillConfig(config, { TWO: '2' })).message).toContain('ONE, THREE')
  })
})

describe('AWS: a service that is busy', () => {
  let proxy: RecordingProxy
  afterEach(() => proxy.close())

  async function ask(failures: number, random: number) {
    const at: number[] = []
    proxy = await openProxy(undefined, () => {
      at.push(performance.now())
      return at.length > failures ? { status: 200, body: '{}' } : THROTTLED
    })
    const client = createAwsClient({
      region: REGION,
      endpoint: proxy.endpoint,
      credentials: () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
      random: () => random,
    })
    try {
      const request = { service: 'dynamodb', method: 'POST', path: '/', body: '{}' } as const
      return { at, answer: await client.send(request).catch((error: unknown) => error) }
    } finally {
      client.close()
    }
  }

  it('is asked again, each time after a longer wait', async () => {
    const { at, answer } = await ask(3, 0.5)
    expect(answer).toMatchObject({ status: 200 })
    const waits = at.slice(1).map((time, index) => time - (at[index] ?? 0))
    expect(waits).toHaveLength(3)
    for (const [index, expected] of [50, 100, 200].entries())
      expect(waits[index]).toBeGreaterThanOrEqual(expected - 2)
  })

  it('waits a part by chance, so that not all come back at once', async () => {
    const { at } = await ask(3, 0)
    expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeLessThan(300)
  })

  it('is given up within the time of a function, as a fault that may pass', async () => {
    const started = performance.now()
    const { at, answer } = await ask(Number.POSITIVE_INFINITY, 1)
    expect(at).toHaveLength(4)
    expect(answer).toMatchObject({ code: 'store.unavailable', retryable: true })
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

describeWithMoto('AWS: ingest when something is away', () => {
  let moto: Moto
  let proxy: RecordingProxy
  let stack: Stack
  let aws: Aws
  let inTheWay: (call: Call) => Answer | undefined
  beforeAll(async () => {
    moto = await startMoto()
  }, 90_000)
  afterAll(() => moto.stop())
  beforeEach(async () => {
    inTheWay = () => undefined
    proxy = await openProxy(moto.endpoint, (call) => inTheWay(call))
    stack = await openStack(moto.endpoint, proxy.endpoint)
    aws = createAws(stack.settings, configOf({}))
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await stack.close()
    await proxy.close()
  })

  /** Ids of the records that have to come again, as positions in the event. */
  async function failed(event: ReturnType<typeof sqsEvent>): Promise<readonly number[]> {
    const { Records } = event as unknown as { Records: readonly { messageId: string }[] }
    const reply = (await aws.ingest(event)) as {
      batchItemFailures: readonly { itemIdentifier: string }[]
    }
    return reply.batchItemFailures.map(({ itemIdentifier }) =>
      Records.findIndex(({ messageId }) => messageId === itemIdentifier),
    )
  }

  const counts = async () => ({
    rows: await aws.core.ports.telemetry.count(''),
    letters: await aws.core.ports.deadLetters.count(),
  })

  it('asks for all again while no table answers, and loses and doubles nothing', async () => {
    const event = sqsEvent([uplink('a', 1), uplink('b', 1), 'no envelope', uplink('a', 2)])
    inTheWay = ({ service }) => (service === 'dynamodb' ? BROKEN : undefined)
    expect(await failed(event)).toEqual([0, 1, 2, 3])
    inTheWay = () => undefined
    expect(await counts()).toEqual({ rows: 0, letters: 0 })
    expect(await failed(event)).toEqual([])
    expect(await counts()).toEqual({ rows: 3, letters: 1 })
    expect(await failed(event)).toEqual([])
    expect((await counts()).rows).toBe(3)
  }, 30_000)

  it('asks for the records of one device again, and for no others', async () => {
    inTheWay = ({ operation, body }) =>
      operation === 'PutItem' && body.includes('"deviceId":{"S":"b"}') ? BROKEN : undefined
    const event = sqsEvent([
      uplink('a', 1),
      uplink('b', 1),
      'no envelope',
      uplink('b', 2),
      uplink('c', 1),
    ])
    expect(await failed(event)).toEqual([1, 3])
    expect(await counts()).toEqual({ rows: 2, letters: 1 })
  }, 30_000)

  it('asks for a broken record again while it cannot be set aside', async () => {
    inTheWay = ({ body }) => (body.includes('$dead-letters') ? BROKEN : undefined)
    expect(await failed(sqsEvent([uplink('a', 1), 'no envelope']))).toEqual([1])
  }, 30_000)

  it('asks for nothing again that a device says wrongly of a command, its shadow or its connection', async () => {
    const event = (topic: string, payload: string): string =>
      JSON.stringify({ topic, payload: btoa(payload), receivedAt: Date.now(), clientId: 'a' })
    const bodies = [
      event('devices/a/executions/%zz/complete', 'x'),
      event('devices/a/executions/none/reject', '{"reason":7}'),
      event('$aws/things/a/shadow/update/documents', '{"current":{}}'),
      event('$aws/things/a/shadow/update/documents', 'x'),
      event('$aws/events/presence/connected/a', '{"timestamp":"soon"}'),
      event('$aws/events/presence/connected/not a device', '{"timestamp":1}'),
    ]
    expect(await failed(sqsEvent(bodies))).toEqual([])
    // A command that nobody holds is none that is malformed.
    expect(await counts()).toEqual({ rows: 0, letters: bodies.length - 1 })
    expect(await aws.core.ports.devices.load('a')).toBeUndefined()
  }, 30_000)

  describeWithShared('connections as AWS documents them', 'vectors/cloud-events.json', () => {
    it('are known of their device', async () => {
      const { cases } = readVectors<{ cases: readonly { topic?: string; event: Json }[] }>(
        'cloud-events.json',
      )
      const events = cases.filter(({ topic }) => topic?.startsWith('$aws/events/presence/'))
      expect(events).toHaveLength(2)
      const seen: unknown[] = []
      for (const { topic, event } of events) {
        const body = { topic, payload: btoa(JSON.stringify(event)), receivedAt: Date.now() }
        expect(await failed(sqsEvent([JSON.stringify(body)]))).toEqual([])
        const { presence } = (await aws.core.ports.devices.load('186b5')) ?? {}
        seen.push([presence?.connected, presence?.changedAt])
      }
      expect(seen).toEqual([
        [true, 1573002230757],
        [false, 1573002340451],
      ])
    }, 30_000)
  })

  it('tells two publishes of one reading without a time apart, and copies of one publish not', async () => {
    const reading = (traceId: string): string =>
      JSON.stringify({
        payload: btoa('{"temp":21}'),
        topic: 'devices/a/telemetry',
        receivedAt: Date.UTC(2026, 0, 31, 12),
        clientId: 'a',
        traceId,
      })
    // Two rules bring the first; the queue brings it again, later.
    await failed(sqsEvent([reading('p-1'), reading('p-2'), reading('p-1')]))
    expect((await counts()).rows).toBe(2)
    await failed(sqsEvent([reading('p-2')], 2))
    expect((await counts()).rows).toBe(2)
  }, 30_000)

  it('takes all, however busy the tables are in between', async () => {
    let left = 3
    inTheWay = ({ operation }) =>
      operation === 'BatchGetItem' && left-- > 0 ? THROTTLED : undefined
    expect(await failed(sqsEvent([uplink('a', 1), uplink('b', 1)]))).toEqual([])
    expect(left).toBeLessThan(0)
    expect((await counts()).rows).toBe(2)
  }, 30_000)

  it('stores once what was stored when the answer was lost', async () => {
    await failed(sqsEvent([uplink('a', 1)]))
    let lost = false
    const reach = proxy
    inTheWay = ({ operation, body }) => {
      if (operation !== 'PutItem' || lost) return undefined
      lost = true
      // The write goes through, and the answer to it does not come.
      void stack.account.client.send({
        service: 'dynamodb',
        method: 'POST',
        path: '/',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': 'DynamoDB_20120810.PutItem',
        },
        body: body.toString('utf8'),
      })
      return BROKEN
    }
    expect(await failed(sqsEvent([uplink('a', 2)]))).toEqual([])
    expect(reach.calls.filter(({ operation }) => operation === 'PutItem').length).toBeGreaterThan(2)
    expect((await counts()).rows).toBe(2)
  }, 30_000)

  it('keeps a command that could not be brought, and the tick brings it', async () => {
    await aws.core.gate.run('a', [{ kind: 'presence', connected: true, at: Date.now() }])
    inTheWay = ({ path }) => (path.startsWith('/topics/') ? BROKEN : undefined)
    await aws.core.commands.send('a', {
      commandId: 'job-1',
      name: 'defrost',
      payload: new TextEncoder().encode('{}'),
      sentBy: 'admin',
    })
    await aws.settle()
    expect(await aws.core.commands.get('a', 'job-1')).toMatchObject({
      state: 'Enqueued',
      deliveries: 0,
    })
    inTheWay = () => undefined
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
    await aws.tick()
    vi.useRealTimers()
    expect(await aws.core.commands.get('a', 'job-1')).toMatchObject({ state: 'Delivered' })
    expect(
      proxy.calls.filter(({ path, status }) => path.startsWith('/topics/') && status === 200),
    ).toHaveLength(1)
  }, 30_000)

  describe('a record near the most that an item holds, 400 KB', () => {
    function store() {
      const { dynamo } = stack.account
      const { devicesTable: table, telemetryTable, itemsTable } = stack.settings
      return createDeviceStore({
        dynamo,
        table,
        telemetryTable,
        tails: createHotTails(10),
        archive: async () => undefined,
        contents: createCommandStore({ dynamo, table: itemsTable, now: Date.now }),
        now: Date.now,
        retentionMs: 86_400_000,
        newId: () => 'nonce',
      })
    }

    /** Packing finds nothing to save in what is drawn by chance. */
    const recordWith = (first: number, last: number): DeviceRecord => ({
      ...NEW_RECORD,
      shadows: {
        '': {
          ...SHADOW,
          reported: {
            noise: Array.from({ length: 290_000 }, () =>
              String.fromCharCode(randomInt(first, last)),
            ).join(''),
          },
        },
      },
    })
    const commitOf = (record: DeviceRecord) => ({
      record,
      expectedVersion: 0,
      rows: [],
      cold: [],
      commands: [],
    })

    it('is stored where it fits', async () => {
      const record = recordWith(0x23, 0x5b)
      await store().commit(commitOf(record))
      expect(await store().load('a')).toEqual(record)
    }, 30_000)

    it('is refused for good where it does not, and nothing is stored', async () => {
      const record = recordWith(0x4e00, 0x9f00)
      await expect(store().commit(commitOf(record))).rejects.toMatchObject({
        code: 'device.record_too_large',
        retryable: false,
      })
      expect(await store().load('a')).toBeUndefined()
    }, 30_000)
  })
})

const NEW_RECORD: DeviceRecord = {
  deviceId: 'a',
  version: 1,
  createdAt: 1,
  presence: { connected: false, changedAt: 0, seenAt: 0 },
  accepted: 0,
  newestAt: 0,
  last: {},
  recentIds: [],
  shadows: {},
  alarms: {},
  windows: {},
  outbox: [],
  dueAt: 0,
}

const SHADOW = { version: 1, desiredVersion: 0, reportedVersion: 1, updatedAt: 1, metadata: {} }

function configOf(input: Parameters<typeof parseConfig>[0]): Config {
  const parsed = parseConfig(input)
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  return parsed.config
}

/** The body of one record as our topic rules make it. */
function uplink(deviceId: string, second: number): string {
  const payload = JSON.stringify({ ts: Date.UTC(2026, 0, 31, 12, 0, second), temp: 21 })
  return JSON.stringify({
    payload: Buffer.from(payload).toString('base64'),
    topic: `devices/${deviceId}/telemetry`,
    receivedAt: Date.UTC(2026, 0, 31, 12, 1),
    clientId: deviceId,
    traceId: `${deviceId}-${second}`,
  })
}

function readError(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('expected an error, found none')
}
