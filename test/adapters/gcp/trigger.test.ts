import { describe, expect, it } from 'vitest'
import { gather } from '../../../adapters/gcp/gather.ts'
import { toArrival, toKeys, toReply, toUplinks } from '../../../adapters/gcp/trigger.ts'
import { CoreError, type Outcome, type Uplink } from '../../../core/index.ts'

const AT = Date.UTC(2026, 0, 31, 15)

function push(attributes: Readonly<Record<string, string>>, data = '{"temp":1}', attempt?: number) {
  return {
    subscription: 'projects/p/subscriptions/s',
    ...(attempt === undefined ? {} : { deliveryAttempt: attempt }),
    message: {
      messageId: '123',
      message_id: '123',
      publishTime: new Date(AT).toISOString(),
      publish_time: new Date(AT).toISOString(),
      data: Buffer.from(data).toString('base64'),
      attributes,
      orderingKey: 'dev-1',
    },
  }
}

const read = (attributes: Readonly<Record<string, string>>, data?: string, now = AT) =>
  toUplinks(toArrival(push(attributes, data)), now)

describe('a message of Pub/Sub', () => {
  it.each([
    [{ topic: 'devices/dev-1/telemetry' }, 'dev-1', 'devices/dev-1/telemetry'],
    [{ topic: 'devices/dev-1/telemetry/engine' }, 'dev-1', 'devices/dev-1/telemetry/engine'],
    [{ topic: '/devices/dev-1/events' }, 'dev-1', 'devices/dev-1/telemetry'],
    [{ topic: '/devices/dev-1/events/a/b' }, 'dev-1', 'devices/dev-1/telemetry/a/b'],
    [{ topic: '/devices/dev-1/state' }, 'dev-1', 'devices/dev-1/state'],
    [{ topic: 'plant/3', deviceId: 'dev-2' }, 'dev-2', 'plant/3'],
    // Who publishes on a device's topic is that device: the broker has seen to it.
    [{ topic: 'devices/dev-1/telemetry', deviceId: 'dev-2' }, 'dev-1', 'devices/dev-1/telemetry'],
    [{ deviceId: 'dev-1' }, 'dev-1', 'devices/dev-1/telemetry'],
    [{ deviceId: 'dev-1', subFolder: 'alerts' }, 'dev-1', 'devices/dev-1/telemetry/alerts'],
    [{ deviceId: 'dev-1', subFolder: '' }, 'dev-1', 'devices/dev-1/telemetry'],
    [{ topic: 'plant/3' }, undefined, 'plant/3'],
    [{}, undefined, ''],
    [{ topic: '', deviceId: '' }, undefined, ''],
  ])('with %j is of %s on %s', (attributes, deviceId, topic) => {
    expect(read(attributes)).toMatchObject([{ deviceId, topic, source: 'pubsub', receivedAt: AT }])
  })

  it('brings its bytes, what it says of itself, and all else as user properties', () => {
    const [uplink] = read({
      topic: 'devices/dev-1/telemetry',
      contentType: 'application/cbor',
      sentAt: String(AT - 5),
      messageId: 'm-1',
      clientId: 'gateway-1',
      sourceIp: '192.0.2.1',
      site: 'a',
    })
    expect(Buffer.from(uplink?.payload ?? []).toString()).toBe('{"temp":1}')
    expect(uplink).toMatchObject({
      contentType: 'application/cbor',
      sentAt: AT - 5,
      messageId: 'm-1',
      publishId: '123',
      facts: {
        clientId: 'gateway-1',
        sourceIp: '192.0.2.1',
        userProperties: { site: ['a'] },
      },
    })
  })

  it('may have come before if it is old, or if Pub/Sub says so', () => {
    const attributes = { deviceId: 'dev-1' }
    const again = (now: number, attempt?: number) =>
      toUplinks(toArrival(push(attributes, '1', attempt)), now)[0]?.redelivered
    expect([again(AT), again(AT + 10_000), again(AT, 1)]).toEqual([false, false, false])
    expect([again(AT + 10_001), again(AT, 2)]).toEqual([true, true])
  })

  it('of ingest-http may bring many', () => {
    const batch = JSON.stringify([
      { payload: 'AQI=', contentType: 'x/y', receivedAt: 5, sentAt: 3, messageId: 'a' },
      { payload: '', contentType: '', receivedAt: 6 },
    ])
    const attributes = { topic: 'devices/dev-1/telemetry', batch: '2', publishId: 'p' }
    expect(read(attributes, batch)).toMatchObject([
      {
        deviceId: 'dev-1',
        contentType: 'x/y',
        receivedAt: 5,
        sentAt: 3,
        messageId: 'a',
        publishId: 'p/0',
      },
      { deviceId: 'dev-1', receivedAt: 6, publishId: 'p/1' },
    ])
  })

  it.each(['{broken', '{}', '[{"payload":"!"}]', '[{"payload":"AQI="}]'])(
    'that only says it were a batch is kept with its bytes: %s',
    (data) => {
      const found = read({ deviceId: 'dev-1', batch: '1' }, data)
      expect(found).toHaveLength(1)
      expect(Buffer.from(found[0]?.payload ?? []).toString()).toBe(data)
    },
  )

  it('is read from a CloudEvent as from a push, and without data or attributes', () => {
    const event = { id: '1', data: push({ deviceId: 'dev-1' }) }
    expect(toArrival(event)).toEqual(toArrival(event.data))
    const bare = { message: { messageId: '1', publishTime: new Date(AT).toISOString() } }
    expect(toUplinks(toArrival(bare), AT)).toMatchObject([{ deviceId: undefined, topic: '' }])
  })

  it.each([undefined, null, 7, 'x', [], {}, { data: {} }, { message: {} }, { message: null }])(
    'is none: %j',
    (event) => {
      expect(() => toArrival(event)).toThrow(CoreError)
      expect(() => toArrival(event)).toThrow(/expected a message of Pub\/Sub/)
    },
  )

  it('names the deliveries that wait, or none', () => {
    const keys = (data: string) => toKeys(toArrival(push({}, data)))
    expect(keys('{"keys":["a","b"]}')).toEqual(['a', 'b'])
    for (const data of ['', '{broken', '{"keys":7}', '[]']) expect(keys(data)).toEqual([])
  })

  it('comes again only if something of it could not be stored', () => {
    const error = new CoreError('store.unavailable', 'away')
    const accepted: Outcome = { status: 'accepted', deviceId: 'd', messageId: 'm' }
    expect(() => toReply([accepted])).not.toThrow()
    expect(() => toReply([accepted, { status: 'retry', error }])).toThrow(error)
  })
})

describe('calls that come together', () => {
  const uplink = (messageId: string): Uplink => ({
    deviceId: 'd',
    topic: 't',
    payload: new Uint8Array(),
    contentType: '',
    receivedAt: 0,
    source: 'x',
    messageId,
  })
  const accept = (uplinks: readonly Uplink[]): readonly Outcome[] =>
    uplinks.map(({ messageId = '' }) => ({ status: 'accepted', deviceId: 'd', messageId }))

  it('are one run, what comes meanwhile is the next, and each gets its own', async () => {
    const runs: number[] = []
    const take = gather(async (uplinks) => {
      runs.push(uplinks.length)
      await new Promise((resolve) => setTimeout(resolve, 20))
      return accept(uplinks)
    })
    const first = [take([uplink('a')]), take([uplink('b'), uplink('c')])]
    await new Promise((resolve) => setTimeout(resolve, 10))
    const second = [take([uplink('d')]), take([]), take([uplink('e')])]
    const found = await Promise.all([...first, ...second])
    expect(
      found.map((outcomes) => outcomes.map((one) => 'messageId' in one && one.messageId)),
    ).toEqual([['a'], ['b', 'c'], ['d'], [], ['e']])
    expect(runs).toEqual([3, 2])
    expect(await take([uplink('f')])).toHaveLength(1)
  })

  it('fail together, and the next ones do not', async () => {
    let left = 1
    const take = gather(async (uplinks) => {
      if (left-- > 0) throw new Error('away')
      return accept(uplinks)
    })
    const results = await Promise.allSettled([take([uplink('a')]), take([uplink('b')])])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await take([uplink('c')])).toHaveLength(1)
  })
})
