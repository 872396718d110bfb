import { describe, expect, it } from 'vitest'
import { toRequest } from '../../../adapters/aws/http.ts'
import { toArrivals, toKeys, toReply } from '../../../adapters/aws/trigger.ts'
import { CoreError, type Json, type Outcome } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { httpEvent, sqsEvent } from './events.ts'

const NOW = Date.UTC(2026, 0, 31, 12)

const ENVELOPE = {
  payload: Buffer.from('{"temp":21}').toString('base64'),
  topic: 'devices/dev-1/telemetry',
  receivedAt: NOW - 5,
  clientId: 'dev-1',
  principal: 'abc',
  sourceIp: '192.0.2.1',
  traceId: '0c9e0b4e-1d3b-4f6e-8a52-6d3f6d7c9a10',
}

interface EventVector {
  readonly id: string
  readonly cloud: string
  readonly trigger: string
  readonly event: Json
  readonly topic?: string
}

describe('toArrivals', () => {
  it('reads a record of SQS', () => {
    const [arrival] = toArrivals(sqsEvent([JSON.stringify(ENVELOPE)]), NOW)
    const { deliveryId, payload, ...uplink } = arrival!.uplink
    expect(deliveryId).toBe(arrival!.itemId)
    expect(Buffer.from(payload).toString()).toBe('{"temp":21}')
    expect(uplink).toEqual({
      deviceId: 'dev-1',
      topic: 'devices/dev-1/telemetry',
      contentType: '',
      source: 'sqs',
      receivedAt: NOW - 5,
      redelivered: false,
      publishId: ENVELOPE.traceId,
      facts: {
        clientId: 'dev-1',
        principal: 'abc',
        sourceIp: '192.0.2.1',
        traceId: ENVELOPE.traceId,
      },
    })
  })

  it('says of a record that comes again that it does', () => {
    const [arrival] = toArrivals(sqsEvent([JSON.stringify(ENVELOPE)], 2), NOW)
    expect(arrival?.uplink.redelivered).toBe(true)
  })

  it('reads a record of Kinesis, and what a rule hands over itself', () => {
    const kinesis = {
      sequenceNumber: '495',
      data: btoa(JSON.stringify(ENVELOPE)),
      approximateArrivalTimestamp: 1.5,
    }
    const [arrival] = toArrivals({ Records: [{ eventSource: 'aws:kinesis', kinesis }] }, NOW)
    expect(arrival).toMatchObject({
      itemId: '495',
      uplink: { source: 'kinesis', deviceId: 'dev-1' },
    })
    expect(toArrivals(ENVELOPE, NOW)).toMatchObject([
      { itemId: '', uplink: { source: 'iot', deviceId: 'dev-1' } },
    ])
  })

  it('takes who publishes for the device where the topic names none', () => {
    const body = JSON.stringify({ ...ENVELOPE, topic: 'plant/7/power', clientId: 'meter-1' })
    expect(toArrivals(sqsEvent([body]), NOW)[0]?.uplink.deviceId).toBe('meter-1')
  })

  it.each([
    { title: 'no JSON', body: 'no envelope' },
    { title: 'nothing', body: '' },
    { title: 'JSON of another kind', body: '[1,2]' },
    { title: 'a message of S3', body: '{"Records":[{"eventSource":"aws:s3"}]}' },
    { title: 'a payload that is no base64', body: JSON.stringify({ ...ENVELOPE, payload: '%' }) },
    { title: 'a topic that is none', body: JSON.stringify({ ...ENVELOPE, topic: 7 }) },
  ])('makes an uplink of no device of a record with $title, with its bytes', ({ body }) => {
    const [arrival] = toArrivals(sqsEvent([body]), NOW)
    expect(arrival?.uplink.deviceId).toBeUndefined()
    expect(Buffer.from(arrival!.uplink.payload).toString()).toBe(body)
  })

  it.each([
    undefined,
    null,
    'text',
    [],
    {},
    { Records: 'none' },
    { Records: [{ eventSource: 'aws:sns' }] },
    httpEvent('GET', '/healthz', {}),
  ])('refuses what none of our triggers sends: %j', (event) => {
    expect(() => toArrivals(event, NOW)).toThrow(
      expect.objectContaining({ code: 'trigger.malformed', retryable: false }),
    )
    expect(() => toKeys(event)).toThrow(expect.objectContaining({ code: 'trigger.malformed' }))
  })
})

describe('toReply', () => {
  const arrivals = toArrivals(
    sqsEvent(Array.from({ length: 4 }, () => JSON.stringify(ENVELOPE))),
    NOW,
  )
  const error = new CoreError('store.unavailable', 'away')
  const ok: Outcome = { status: 'accepted', deviceId: 'dev-1', messageId: '1' }
  const aside: Outcome = { status: 'dead_lettered', deadLetterId: '1', error }
  const retry: Outcome = { status: 'retry', error }

  it('names the records that have to come again, and no others', () => {
    expect(toReply(arrivals, [ok, retry, aside, retry])).toEqual({
      batchItemFailures: [
        { itemIdentifier: arrivals[1]?.itemId },
        { itemIdentifier: arrivals[3]?.itemId },
      ],
    })
  })

  it('throws where the call itself is the message', () => {
    expect(() => toReply(toArrivals(ENVELOPE, NOW), [retry])).toThrow(error)
  })
})

describe('toKeys', () => {
  it('reads the keys of deliveries, and none of what is no wake-up', () => {
    const wake = JSON.stringify({ keys: ['a', 'b'] })
    expect(toKeys(sqsEvent([wake, 'no JSON', '{"keys":[1]}']))).toEqual(['a', 'b'])
  })
})

describe('toRequest', () => {
  it('brings method, path, query, headers and bytes', async () => {
    const body = '{"state":{"desired":{"mode":"ä"}}}'
    const request = toRequest(
      httpEvent('PATCH', '/devices/a%20b/shadow?name=x&name=y', { x: '1' }, body),
    )
    expect(request.method).toBe('PATCH')
    expect(request.url).toBe('https://api.example.com/devices/a%20b/shadow?name=x&name=y')
    expect(request.headers.get('x')).toBe('1')
    expect(await request.text()).toBe(body)
  })

  it('takes a path for a path, whatever it begins with', () => {
    const { pathname } = new URL(toRequest(httpEvent('GET', '//example.org/healthz', {})).url)
    expect(pathname).toBe('//example.org/healthz')
  })

  it.each([undefined, null, {}, { version: '2.0' }])(
    'refuses what no HTTP API sends: %j',
    (event) => {
      expect(() => toRequest(event)).toThrow(expect.objectContaining({ code: 'trigger.malformed' }))
    },
  )
})

describeWithShared('events as AWS sends and documents them', 'vectors/cloud-events.json', () => {
  const all = readVectors<{ readonly cases: readonly EventVector[] }>('cloud-events.json').cases
  const cases = all.filter(({ cloud }) => cloud === 'aws')
  const ofTrigger = (pattern: RegExp) => cases.filter(({ trigger }) => pattern.test(trigger))

  it('has cases of each of our triggers', () => {
    expect(cases).toHaveLength(29)
    expect(ofTrigger(/^kinesis/)).toHaveLength(3)
    expect(ofTrigger(/^sqs/)).toHaveLength(1)
    expect(ofTrigger(/^(apigw v2|lambda url)/)).toHaveLength(6)
    expect(ofTrigger(/^iot presence/)).toHaveLength(2)
  })

  it.each(ofTrigger(/^(kinesis|sqs)/))('$id: every record becomes an uplink', ({ event }) => {
    const { Records } = event as unknown as { readonly Records: readonly Json[] }
    const arrivals = toArrivals(event, NOW)
    expect(arrivals).toHaveLength(Records.length)
    expect(new Set(arrivals.map(({ itemId }) => itemId)).size).toBe(Records.length)
    // None of them is of our topic rules.
    for (const { uplink } of arrivals) {
      expect(uplink.deviceId).toBeUndefined()
      expect(uplink.payload.length).toBeGreaterThan(0)
      expect(Number.isFinite(uplink.receivedAt)).toBe(true)
    }
  })

  it.each(ofTrigger(/^(apigw v2|lambda url)/))('$id: becomes a request', ({ event }) => {
    const { rawPath } = event as { readonly rawPath: string }
    expect(new URL(toRequest(event).url).pathname).toBe(rawPath)
  })

  it.each(cases.filter(({ trigger }) => !/^(kinesis|sqs|apigw v2|lambda url)/.test(trigger)))(
    '$id: is refused, for it is not wired to us',
    ({ event }) => {
      expect(() => toArrivals(event, NOW)).toThrow(
        expect.objectContaining({ code: 'trigger.malformed' }),
      )
      expect(() => toRequest(event)).toThrow(expect.objectContaining({ code: 'trigger.malformed' }))
    },
  )
})
