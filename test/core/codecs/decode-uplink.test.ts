import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CODEC_KINDS,
  CoreError,
  type DecodePlan,
  decodeUplink,
  type Json,
  parsePointer,
  type Telemetry,
  type Uplink,
} from '../../../core/index.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const JSON_CODEC = CODEC_KINDS.find(({ name }) => name === 'json')!.open({ type: 'json' }, {})

const PLAN: DecodePlan = {
  codec: JSON_CODEC,
  time: ['/ts', '/time'].map(parsePointer),
  timeUnit: 'auto',
  metrics: [],
  maxBytes: 1_000,
  maxDepth: 4,
  maxMetrics: 5,
  maxFutureMs: 60_000,
}

function uplink(payload: string | Uint8Array, changes: Partial<Uplink> = {}): Uplink {
  return {
    deviceId: 'dev-1',
    topic: 'devices/dev-1/telemetry',
    payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    contentType: '',
    receivedAt: NOW,
    source: 'test',
    ...changes,
  }
}

function decode(
  payload: string | Uint8Array,
  changes: Partial<Uplink> = {},
  plan: Partial<DecodePlan> = {},
): Telemetry {
  return decodeUplink(uplink(payload, changes), { ...PLAN, ...plan }, 'unique-1')
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof CoreError) return error.code
    throw error
  }
  return 'none'
}

describe('decodeUplink: body and metrics', () => {
  const cases: readonly { payload: string; metrics: Telemetry['metrics']; pointer?: string }[] = [
    { payload: '{"temp":21.5}', metrics: { temp: 21.5 } },
    { payload: ' \n{"temp" : 21.5}\t', metrics: { temp: 21.5 } },
    { payload: '\ufeff{"temp":21.5}', metrics: { temp: 21.5 } },
    { payload: '{"on":true,"off":false,"text":""}', metrics: { on: true, off: false, text: '' } },
    { payload: '{"a":{"b":{"c":1}},"d":2}', metrics: { 'a.b.c': 1, d: 2 } },
    { payload: '{"list":[1,2],"none":null,"x":1}', metrics: { x: 1 } },
    { payload: '{}', metrics: {} },
    { payload: '21.5', metrics: { value: 21.5 } },
    { payload: 'false', metrics: { value: false } },
    { payload: '{"constructor":1,"toString":2}', metrics: { constructor: 1, toString: 2 } },
    { payload: '{"ts":1,"time":2,"temp":3}', metrics: { temp: 3 } },
    { payload: '{"ts":1,"data":{"ts":5,"temp":3}}', metrics: { 'data.ts': 5, 'data.temp': 3 } },
    { payload: '{"ts":1,"data":{"ts":5,"temp":3}}', pointer: '/data', metrics: { ts: 5, temp: 3 } },
    { payload: '{"data":[{"temp":3}]}', pointer: '/data/0', metrics: { temp: 3 } },
    { payload: '{"data":7}', pointer: '/data', metrics: { value: 7 } },
    { payload: '{"":1}', metrics: { '': 1 } },
    { payload: '{"temp":1,"temp":2}', metrics: { temp: 2 } },
    {
      payload: '{"small":5e-324,"large":1.7976931348623157e308}',
      metrics: { small: 5e-324, large: Number.MAX_VALUE },
    },
    { payload: '{"underflow":1e-400}', metrics: { underflow: 0 } },
  ]

  it.each(cases)('$payload $pointer', ({ payload, metrics, pointer }) => {
    const plan = pointer === undefined ? {} : { metrics: parsePointer(pointer) }
    const telemetry = decode(payload, {}, plan)
    expect(telemetry.metrics).toEqual(metrics)
    expect(telemetry.body).toEqual(JSON.parse(payload.replace('\ufeff', '')))
    expect([...telemetry.bytes]).toEqual([...new TextEncoder().encode(payload)])
  })

  it('leaves keys alone that could change what an object is', () => {
    const payload = '{"__proto__":{"temp":1},"a":{"__proto__":{"b":2},"c":3}}'
    const telemetry = decode(payload)
    expect(telemetry.metrics).toEqual({ 'a.c': 3 })
    expect(Object.getPrototypeOf(telemetry.metrics)).toBe(Object.prototype)
    expect(JSON.stringify(telemetry.body)).toBe(payload)
    expect(JSON.stringify({})).toBe('{}')
  })

  const refused: readonly { payload: string | Uint8Array; code: string; pointer?: string }[] = [
    { payload: '', code: 'codec.malformed' },
    { payload: '  ', code: 'codec.malformed' },
    { payload: '{', code: 'codec.malformed' },
    { payload: '{"a":1}}', code: 'codec.malformed' },
    { payload: "{'a':1}", code: 'codec.malformed' },
    { payload: '{"a":NaN}', code: 'codec.malformed' },
    { payload: '{"a":Infinity}', code: 'codec.malformed' },
    { payload: '{"a":undefined}', code: 'codec.malformed' },
    { payload: '{"a":0x10}', code: 'codec.malformed' },
    { payload: '{"a":+1}', code: 'codec.malformed' },
    { payload: '{"a":01}', code: 'codec.malformed' },
    { payload: '\u0000', code: 'codec.malformed' },
    { payload: Uint8Array.of(0x22, 0xff, 0x22), code: 'codec.malformed' },
    { payload: Uint8Array.of(0x22, 0xc3, 0x22), code: 'codec.malformed' },
    { payload: Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), code: 'codec.malformed' },
    { payload: Uint8Array.of(0xfe, 0xff, 0x00, 0x7b), code: 'codec.malformed' },
    { payload: '[1,2]', code: 'codec.wrong_type' },
    { payload: '"text"', code: 'codec.wrong_type' },
    { payload: 'null', code: 'codec.wrong_type' },
    { payload: '{"data":1}', pointer: '/other', code: 'codec.wrong_type' },
    { payload: '{"data":[1]}', pointer: '/data', code: 'codec.wrong_type' },
    { payload: '{"data":"x"}', pointer: '/data', code: 'codec.wrong_type' },
    { payload: '{"temp":1e400}', code: 'codec.wrong_type' },
    { payload: '{"temp":-1e400}', code: 'codec.wrong_type' },
    { payload: '{"list":[1,[1e999]]}', code: 'codec.wrong_type' },
    { payload: '1e400', code: 'codec.wrong_type' },
  ]

  it.each(refused)('refuses $payload as $code', ({ payload, code, pointer }) => {
    const plan = pointer === undefined ? {} : { metrics: parsePointer(pointer) }
    expect(codeOf(() => decode(payload, {}, plan))).toBe(code)
  })

  it.each([
    { payload: 'nope', place: 'line 1, column 1' },
    { payload: '{"a":NaN}', place: 'line 1, column 6' },
    { payload: '{\n  "a": 1,\n  "b": undefined\n}', place: 'line 3, column 8' },
    { payload: '{"text":"at position 3","b": nope}', place: 'line 1, column 30' },
    { payload: '{"a":1,}', place: 'line 1, column 8' },
    { payload: '{"a" 1}', place: 'line 1, column 6' },
    { payload: '{"a":1', place: 'ends too early' },
    { payload: '{"a":"x', place: 'ends too early' },
  ])('says where the fault is: $payload', ({ payload, place }) => {
    expect(() => decode(payload)).toThrow(place)
  })

  it('quotes nothing of a payload that is not JSON', () => {
    for (const payload of ['{"password":"hunter2", x}', 'hunter2', '{"hunter2"}', '["hunter2'])
      expect(() => decode(payload)).toThrow(/^(?!.*hunter)/)
  })
})

describe('decodeUplink: limits', () => {
  const nested = (levels: number, leaf = '1') =>
    '[{"a":'.repeat(levels / 2) + leaf + '}]'.repeat(levels / 2)

  it.each([
    { title: 'bytes at the limit', payload: `{"a":"${'x'.repeat(992)}"}`, code: 'none' },
    { title: 'one byte more', payload: `{"a":"${'x'.repeat(993)}"}`, code: 'uplink.too_large' },
    {
      title: 'bytes count, not characters',
      payload: `{"a":"${'ü'.repeat(497)}"}`,
      code: 'uplink.too_large',
    },
    { title: 'too large and malformed', payload: '{'.repeat(1_001), code: 'uplink.too_large' },
    { title: 'nesting at the limit', payload: `{"x":1,"d":[[["y"]]]}`, code: 'none' },
    { title: 'one level more', payload: `{"x":1,"d":[[[["y"]]]]}`, code: 'uplink.too_deep' },
    { title: 'empty containers count', payload: '{"x":1,"d":[[[[]]]]}', code: 'uplink.too_deep' },
    {
      title: 'objects count as arrays do',
      payload: '{"a":{"b":{"c":{"d":{}}}}}',
      code: 'uplink.too_deep',
    },
    { title: 'values at the limit', payload: '{"a":1,"b":2,"c":3,"d":4,"e":5}', code: 'none' },
    {
      title: 'one value more',
      payload: '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}',
      code: 'codec.wrong_type',
    },
    {
      title: 'nested values count',
      payload: '{"a":{"b":2,"c":3},"d":{"e":5,"f":6,"g":7,"h":8}}',
      code: 'codec.wrong_type',
    },
    {
      title: 'times, lists and nulls do not',
      payload: '{"ts":1,"a":1,"b":2,"c":3,"d":4,"e":5,"f":[],"g":null}',
      code: 'none',
    },
  ])('$title', ({ payload, code }) => {
    expect(codeOf(() => decode(payload))).toBe(code)
  })

  it('survives what nests without end', () => {
    const deep = { maxBytes: 10_000_000 }
    for (const payload of [
      nested(200_000),
      '['.repeat(1_000_000),
      '{"a":'.repeat(500_000),
      `{"x":1,"d":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    ]) {
      expect(codeOf(() => decode(payload, {}, deep))).toMatch(
        /^(uplink\.too_deep|codec\.malformed)$/,
      )
    }
    const wide = `{"x":1,"d":[${'[],'.repeat(200_000)}[]]}`
    expect(codeOf(() => decode(wide, {}, deep))).toBe('none')
  })
})

describe('decodeUplink: time', () => {
  it.each([
    { title: 'in the body', payload: `{"ts":${NOW - 5},"a":1}`, at: NOW - 5, timed: true },
    {
      title: 'the first pointer that exists',
      payload: `{"time":1,"ts":${NOW - 5}}`,
      at: NOW - 5,
      timed: true,
    },
    { title: 'another pointer', payload: `{"time":${NOW - 7}}`, at: NOW - 7, timed: true },
    { title: 'nowhere', payload: '{"a":1}', at: NOW, timed: false },
    {
      title: 'at the limit of the future',
      payload: `{"ts":${NOW + 60_000}}`,
      at: NOW + 60_000,
      timed: true,
    },
  ])('$title', ({ payload, at, timed }) => {
    expect(decode(payload)).toMatchObject({ at, timed, receivedAt: NOW })
  })

  it('takes the time of the transport before that of the body', () => {
    expect(decode('{"ts":1}', { sentAt: NOW - 9 })).toMatchObject({ at: NOW - 9, timed: true })
    expect(decode('{"a":1}', { sentAt: 0 })).toMatchObject({ at: 0, timed: true })
  })

  it.each([
    { payload: `{"ts":${NOW + 60_001}}`, code: 'uplink.future_time' },
    { payload: '{"ts":"9999-12-31T23:59:59Z"}', code: 'uplink.future_time' },
    { payload: '{"ts":8640000000000000}', code: 'uplink.future_time' },
    { payload: '{"ts":null}', code: 'uplink.bad_time' },
    { payload: '{"ts":"soon","time":1}', code: 'uplink.bad_time' },
    { payload: '{"ts":-1}', code: 'uplink.bad_time' },
    { payload: '{"ts":9e15}', code: 'uplink.bad_time' },
  ])('refuses $payload as $code', ({ payload, code }) => {
    expect(codeOf(() => decode(payload))).toBe(code)
  })

  it.each([
    { sentAt: NOW + 60_001, code: 'uplink.future_time' },
    { sentAt: 8.64e15, code: 'uplink.future_time' },
    { sentAt: 1e300, code: 'uplink.bad_time' },
    { sentAt: -1, code: 'uplink.bad_time' },
    { sentAt: -1e300, code: 'uplink.bad_time' },
    { sentAt: Number.NaN, code: 'uplink.bad_time' },
    { sentAt: Number.POSITIVE_INFINITY, code: 'uplink.bad_time' },
  ])('refuses $sentAt from the transport as $code', ({ sentAt, code }) => {
    expect(codeOf(() => decode('{"a":1}', { sentAt }))).toBe(code)
  })
})

describe('decodeUplink: what makes a message the same message', () => {
  const id = (payload: string, changes: Partial<Uplink> = {}) => {
    const { messageId, identity } = decode(payload, changes)
    return { messageId, identity }
  }

  it('the id of the sender before all else', () => {
    const changes = { messageId: 'm-1', deliveryId: 'c:1', sentAt: NOW }
    expect(id('{"ts":1}', changes)).toEqual({ messageId: 'm-1', identity: 'sender' })
  })

  it('its bytes and topic where it carries a time', () => {
    const first = id('{"ts":1,"a":1}', { deliveryId: 'c:1' })
    expect(first.identity).toBe('content')
    expect(id('{"ts":1,"a":1}', { deliveryId: 'c:2', receivedAt: NOW + 5 })).toEqual(first)
    expect(id('{"ts":1,"a":2}')).not.toEqual(first)
    expect(id('{"ts":2,"a":1}')).not.toEqual(first)
    expect(id('{"ts":1,"a":1}', { topic: 'devices/dev-1/telemetry/b' })).not.toEqual(first)
  })

  it('its bytes and time where the transport carries the time: equal readings are two', () => {
    const first = id('{"a":1}', { sentAt: NOW - 2 })
    expect(first.identity).toBe('content')
    expect(id('{"a":1}', { sentAt: NOW - 2 })).toEqual(first)
    expect(id('{"a":1}', { sentAt: NOW - 1 })).not.toEqual(first)
  })

  it('the same whether or not its own time also came along beside it', () => {
    const live = id('{"ts":1594598735.7727768,"a":1}')
    const replayed = { sentAt: 1_594_598_735_773 }
    expect(id('{"ts":1594598735.7727768,"a":1}', replayed)).toEqual(live)
    expect(id('{"ts":1594598735.7727768,"a":1}', { sentAt: 1_594_598_735_774 })).not.toEqual(live)
    expect(id('{"ts":"a while ago","a":1}', replayed).identity).toBe('content')
  })

  it('the delivery where there is no time', () => {
    const first = id('{"a":1}', { deliveryId: 'c:1' })
    expect(first.identity).toBe('delivery')
    expect(id('{"a":1}', { deliveryId: 'c:1', redelivered: true })).toEqual(first)
    expect(id('{"a":1}', { deliveryId: 'c:2' })).not.toEqual(first)
    expect(id('{"a":2}', { deliveryId: 'c:1' })).not.toEqual(first)
  })

  it('the publish where there is no time, whoever brings it', () => {
    const first = id('{"a":1}', { publishId: 'p-1', deliveryId: 'q:1' })
    expect(first.identity).toBe('sender')
    expect(id('{"a":1}', { publishId: 'p-1', deliveryId: 'q:2' })).toEqual(first)
    expect(id('{"a":1}', { publishId: 'p-2', deliveryId: 'q:1' })).not.toEqual(first)
  })

  it('its bytes and time, in whichever publish they come', () => {
    const first = id('{"ts":1,"a":1}', { publishId: 'p-1' })
    expect(first.identity).toBe('content')
    expect(id('{"ts":1,"a":1}', { publishId: 'p-2' })).toEqual(first)
  })

  it('nothing where nothing is known', () => {
    expect(id('{"a":1}')).toEqual({ messageId: 'unique-1', identity: 'none' })
  })

  it.each([
    { title: 'an empty id', messageId: '', code: 'uplink.bad_message_id' },
    { title: 'an id at the limit', messageId: 'x'.repeat(256), code: 'none' },
    { title: 'an id over the limit', messageId: 'x'.repeat(257), code: 'uplink.bad_message_id' },
  ])('$title: $code', ({ messageId, code }) => {
    expect(codeOf(() => decode('{"a":1}', { messageId }))).toBe(code)
  })

  it('keeps ids short, whatever the transport calls a delivery', () => {
    expect(id('{"a":1}', { deliveryId: 'c'.repeat(65_535) }).messageId.length).toBeLessThan(64)
    expect(id('{"a":1}', { publishId: 'p'.repeat(65_535) }).messageId.length).toBeLessThan(64)
  })
})

describe('decodeUplink: whatever comes', () => {
  it('gives telemetry that JSON keeps whole, or refuses', () => {
    const texts = fc.oneof(fc.json(), fc.string(), fc.string({ unit: 'binary' }))
    const bytes = fc.oneof(
      texts.map((text) => new TextEncoder().encode(text)),
      fc.uint8Array({ maxLength: 60 }),
    )
    fc.assert(
      fc.property(bytes, fc.option(fc.double(), { nil: undefined }), (payload, sentAt) => {
        try {
          const telemetry = decode(payload, sentAt === undefined ? {} : { sentAt })
          const { body, metrics, at } = telemetry
          expect(JSON.stringify(JSON.parse(JSON.stringify(body)))).toBe(JSON.stringify(body))
          for (const value of Object.values(metrics)) {
            expect(JSON.parse(JSON.stringify(value))).toBe(Object.is(value, -0) ? 0 : value)
          }
          expect(new Date(at).getTime()).toBe(at)
        } catch (error) {
          expect(error).toBeInstanceOf(CoreError)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('gives the same for the same message and changes nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 }), (body) => {
        const payload = JSON.stringify(body)
        const one = uplink(payload)
        let first: Telemetry
        try {
          first = decodeUplink(Object.freeze(one), Object.freeze(PLAN), 'u')
        } catch {
          return
        }
        expect(decodeUplink(one, PLAN, 'u')).toEqual(first)
        expect(new TextDecoder().decode(one.payload)).toBe(payload)
        expect(first.body).toEqual(JSON.parse(payload) as Json)
      }),
    )
  })
})
