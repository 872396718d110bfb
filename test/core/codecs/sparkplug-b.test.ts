import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openCodec } from '../../../core/codecs/open-codec.ts'
import { DATA_TYPES } from '../../../core/codecs/sparkplug/data-types.ts'
import { sparkplugB } from '../../../core/codecs/sparkplug-b.ts'
import { CoreError } from '../../../core/errors.ts'
import type { Json, JsonObject } from '../../../core/model/json.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { judged, PAYLOAD } from './sparkplug-proto.ts'

const codec = sparkplugB.open({ type: 'sparkplug-b' }, {})
const FACTS = { receivedAt: 0 }

function decode(hex: string): Json {
  return codec.decode(Buffer.from(hex, 'hex'), FACTS).value
}

function encode(value: Json): Uint8Array {
  const bytes = codec.encode?.(value, FACTS).bytes
  if (bytes === undefined) throw new Error('no encoder')
  return bytes
}

/** Encodes by protobufjs. */
function pb(payload: object): string {
  return Buffer.from(PAYLOAD.encode(PAYLOAD.fromObject(payload)).finish()).toString('hex')
}

function faultOf(run: () => unknown): CoreError {
  try {
    run()
  } catch (error) {
    if (error instanceof CoreError) return error
    throw error
  }
  throw new Error('expected a fault, found none')
}

interface Vector {
  readonly id: string
  readonly hex: string
  readonly expected: JsonObject
}

/** A vector's value in the form of this codec: whole numbers beyond 2^53 are texts, floats have 32 bits. */
function inOurForm(value: Json, isFloat = false): Json {
  if (typeof value === 'number') return isFloat ? Math.fround(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => inOurForm(one, isFloat))
  const object = value as JsonObject
  if (typeof object['bigint'] === 'string') return object['bigint']
  const floats = isFloat || object['dataType'] === 'Float' || object['dataType'] === 'FloatArray'
  const hasFloats = Array.isArray(object['types']) && object['types'].includes('Float')
  return Object.fromEntries(
    Object.entries(object).map(([key, one]) => [
      key,
      inOurForm(one, (key === 'value' && floats) || (key === 'rows' && hasFloats)),
    ]),
  )
}

describeWithShared('sparkplug-b agrees with ../shared', 'vectors/sparkplug.json', () => {
  const vectors = readVectors<{
    readonly cases: readonly Vector[]
    readonly arrays: readonly {
      readonly type: string
      readonly value: readonly Json[]
      readonly littleEndianHex: string
    }[]
    readonly topics: readonly unknown[]
    readonly rules: readonly unknown[]
  }>('sparkplug.json')

  it('has all 25 payloads, 13 arrays, 19 topics and 299 rules', () => {
    const { cases, arrays, topics, rules } = vectors
    expect([cases.length, arrays.length, topics.length, rules.length]).toEqual([25, 13, 19, 299])
  })

  it.each(vectors.cases)('decodes $id', ({ hex, expected }) => {
    const { value, warnings } = codec.decode(Buffer.from(hex, 'hex'), FACTS)
    expect(inOurForm(value)).toEqual(inOurForm(expected))
    expect(warnings).toEqual([])
  })

  /** Written by a sender that takes 64 bits for a UInt32: the specification has 32, and so has the encoder. */
  const deviations = ['tahu-TestUnsignedInt-long']

  it.each(vectors.cases)('encodes $id', ({ id, hex, expected }) => {
    const bytes = Buffer.from(encode(expected)).toString('hex')
    if (deviations.includes(id)) expect(decode(bytes)).toEqual(decode(hex))
    else expect(bytes).toBe(hex)
  })

  it.each(vectors.arrays)('reads and writes $type', ({ type, value, littleEndianHex }) => {
    const names: readonly string[] = DATA_TYPES
    const datatype = names.indexOf(type)
    const bytes_value = Buffer.from(littleEndianHex, 'hex')
    const hex = pb({ metrics: [{ name: 'a', datatype, bytes_value }] })
    // There whole numbers of 64 bits are all texts; here those are that a double would change.
    const ours = value.map((one) =>
      typeof one === 'string' && one.length < 16 && /^\d+$/.test(one) ? Number(one) : one,
    )
    expect(decode(hex)).toEqual({ metrics: [{ name: 'a', dataType: type, value: ours }] })
    expect(Buffer.from(encode(decode(hex))).toString('hex')).toBe(hex)
  })
})

describe('what sparkplug-b reads', () => {
  it('is opened by both of its names', () => {
    for (const type of ['sparkplug-b', 'sparkplug'])
      expect(openCodec({ type }, {}).decode(new Uint8Array(), FACTS).value).toEqual({})
  })

  it.each<[string, object, Json]>([
    ['Int8 in one byte', { datatype: 1, int_value: 0xe9 }, -23],
    ['Int16 in two bytes', { datatype: 2, int_value: 0x8ad0 }, -30_000],
    ['Int32 in 64 bits', { datatype: 3, long_value: '18446744073709551615' }, -1],
    ['Int64 in 32 bits', { datatype: 4, int_value: 0xffff_ffff }, -1],
    [
      'Int64 at the edge of a double',
      { datatype: 4, long_value: '18437736874454810625' },
      -9007199254740991,
    ],
    ['Int64 past it', { datatype: 4, long_value: '18437736874454810624' }, '-9007199254740992'],
    [
      'UInt64 at the edge of a double',
      { datatype: 8, long_value: '9007199254740991' },
      9007199254740991,
    ],
    ['UInt64 past it', { datatype: 8, long_value: '9007199254740992' }, '9007199254740992'],
    ['a Float in a double', { datatype: 9, double_value: 1.5 }, 1.5],
    ['a Float as it was meant', { datatype: 9, float_value: 21.7 }, 21.7],
    ['a small Float', { datatype: 9, float_value: 1.17549435e-38 }, 1.1754944e-38],
    ['a large Float', { datatype: 9, float_value: 3.4028234e38 }, 3.4028235e38],
    ['a Boolean in a number', { datatype: 11, int_value: 1 }, true],
    ['a Text', { datatype: 14, string_value: 'grün' }, 'grün'],
    ['a UUID', { datatype: 15, string_value: 'a-b' }, 'a-b'],
    ['Bytes', { datatype: 17, bytes_value: Buffer.from('00ff10', 'hex') }, '00ff10'],
    ['a File', { datatype: 18, bytes_value: Buffer.from('6869', 'hex') }, '6869'],
    ['a text without type', { string_value: 'x' }, 'x'],
    ['bytes without type', { bytes_value: Buffer.from('e97b', 'hex') }, 'e97b'],
    ['a long without type', { long_value: '18446744073709551615' }, '18446744073709551615'],
  ])('%s', (_name, metric, value) => {
    const decoded = codec.decode(
      Buffer.from(pb({ metrics: [{ name: 'a', ...metric }] }), 'hex'),
      FACTS,
    )
    expect(decoded.warnings).toEqual([])
    expect(decoded.value).toMatchObject({ metrics: [{ name: 'a' }] })
    const { metrics } = decoded.value as { metrics: readonly { value: unknown }[] }
    expect(metrics[0]?.value).toEqual(value)
  })

  it('properties, also nested ones and lists', () => {
    const properties = {
      keys: ['quality', '__proto__', 'none', 'set', 'sets'],
      values: [
        { type: 3, int_value: 192 },
        { type: 12, string_value: 'unit' },
        { type: 12, is_null: true },
        {
          type: 20,
          propertyset_value: { keys: ['a'], values: [{ type: 11, boolean_value: true }] },
        },
        {
          type: 21,
          propertysets_value: {
            propertyset: [{ keys: ['b'], values: [{ type: 10, double_value: 0.5 }] }],
          },
        },
      ],
    }
    const hex = pb({ metrics: [{ name: 'a', datatype: 3, properties, int_value: 1 }] })
    const value = decode(hex)
    expect(JSON.stringify(value)).toBe(
      '{"metrics":[{"name":"a","dataType":"Int32","properties":{"quality":{"dataType":"Int32","value":192},' +
        '"__proto__":{"dataType":"String","value":"unit"},"none":{"dataType":"String","value":null},' +
        '"set":{"dataType":"PropertySet","value":{"a":{"dataType":"Boolean","value":true}}},' +
        '"sets":{"dataType":"PropertySetList","value":[{"b":{"dataType":"Double","value":0.5}}]}},"value":1}]}',
    )
    expect(judged(encode(value))).toEqual(judged(Buffer.from(hex, 'hex')))
  })

  it('a template inside of a template', () => {
    const inner = {
      template_ref: 'motor',
      is_definition: false,
      metrics: [{ name: 'rpm', datatype: 3, int_value: 7 }],
    }
    const hex = pb({
      metrics: [
        {
          name: 'line',
          datatype: 19,
          template_value: {
            template_ref: 'line',
            metrics: [{ name: 'm1', datatype: 19, template_value: inner }],
          },
        },
      ],
    })
    expect(decode(hex)).toEqual({
      metrics: [
        {
          name: 'line',
          dataType: 'Template',
          value: {
            templateRef: 'line',
            metrics: [
              {
                name: 'm1',
                dataType: 'Template',
                value: {
                  templateRef: 'motor',
                  isDefinition: false,
                  metrics: [{ name: 'rpm', dataType: 'Int32', value: 7 }],
                },
              },
            ],
          },
        },
      ],
    })
    expect(judged(encode(decode(hex)))).toEqual(judged(Buffer.from(hex, 'hex')))
  })

  it('fields that it does not know are passed by', () => {
    // Field 100 of the payload, of each wire type, and a group.
    expect(
      decode(
        'a00601' + 'a1060000000000000000' + 'a206026869' + 'a50600000000' + 'a3060801a406' + '1805',
      ),
    ).toEqual({ seq: 5 })
  })

  it.each<[string, object, string]>([
    [
      'a value that is too large',
      { datatype: 1, int_value: 300 },
      'expected a value of Int8, found one that is too large: its low bits count',
    ],
    [
      'a value of another type',
      { datatype: 3, string_value: 'x' },
      'expected a value of Int32, found one that is laid out otherwise',
    ],
    [
      'NaN',
      { datatype: 10, double_value: Number.NaN },
      'expected a finite number, found NaN or an infinity: it is null',
    ],
    [
      'a type that is none',
      { datatype: 99, int_value: 1 },
      'expected a data type from 0 to 34, found 99',
    ],
    ['no value', { datatype: 3 }, 'a metric, at byte 2: expected a value, found none'],
  ])('%s is worth a warning', (_name, metric, sentence) => {
    const { warnings } = codec.decode(Buffer.from(pb({ metrics: [metric] }), 'hex'), FACTS)
    expect(warnings).toEqual([sentence])
  })

  it.each<[string, string, string, number]>([
    ['a varint that ends early', '08ff', 'codec.truncated', 1],
    ['a varint without end', '08ffffffffffffffffffffff01', 'codec.malformed', 1],
    ['a metric that is longer than the message', '12ffffffff0f0a0161', 'codec.truncated', 1],
    ['a name that is longer than its metric', '12030a0561', 'codec.truncated', 3],
    ['a field that ends behind its metric', '120308ff01', 'codec.malformed', 2],
    ['field 0', '0001', 'codec.malformed', 0],
    ['a timestamp that is a text', '0a0161', 'codec.malformed', 0],
    ['a name that is not UTF-8', '12030a01ff', 'codec.malformed', 4],
    ['an array with half a value', '1206201b8201011e', 'codec.truncated', 7],
    [
      'a count of booleans that nobody sent',
      '120920208201 04ffffffff'.replace(' ', ''),
      'codec.truncated',
      11,
    ],
    ['a text without its zero byte', '120620218201 0141'.replace(' ', ''), 'codec.truncated', 7],
    ['the end of a group', '0c', 'codec.malformed', 0],
  ])('%s is a fault', (_name, hex, code, offset) => {
    const fault = faultOf(() => decode(hex))
    expect(fault).toMatchObject({ code, details: { offset } })
  })

  it('templates that nest without end are a fault', () => {
    let metric: Buffer = Buffer.from('0a0161', 'hex')
    const wrapped = (tag: string, inner: Buffer): Buffer =>
      Buffer.concat([Buffer.from(tag, 'hex'), varint(inner.length), inner])
    for (let depth = 0; depth < 100; depth++) metric = wrapped('9201', wrapped('12', metric))
    expect(faultOf(() => codec.decode(wrapped('12', metric), FACTS)).code).toBe('codec.too_deep')
    let properties: Buffer = Buffer.alloc(0)
    for (let depth = 0; depth < 100; depth++)
      properties = wrapped(
        '12',
        wrapped('4a', Buffer.concat([Buffer.from('0a0161', 'hex'), properties])),
      )
    expect(faultOf(() => codec.decode(wrapped('12', wrapped('4a', properties)), FACTS)).code).toBe(
      'codec.too_deep',
    )
  })
})

function varint(length: number): Buffer {
  return length < 128 ? Buffer.from([length]) : Buffer.from([(length & 127) | 128, length >> 7])
}

describe('what sparkplug-b writes', () => {
  it('is read by protobufjs with the official schema', () => {
    const bytes = encode({
      timestamp: 1486144502122,
      metrics: [
        { name: 'Node Control/Rebirth', dataType: 'Boolean', value: true },
        { alias: 7, value: -5 },
        { name: 'x', dataType: 'int64', value: '-9223372036854775808' },
      ],
    })
    expect(judged(bytes)).toEqual({
      timestamp: '1486144502122',
      metrics: [
        { name: 'Node Control/Rebirth', datatype: 11, boolean_value: true },
        { alias: '7', int_value: 0xffff_fffb },
        { name: 'x', datatype: 4, long_value: '9223372036854775808' },
      ],
    })
  })

  it.each<[string, Json, string]>([
    ['no object', [], 'codec.wrong_type'],
    ['metrics that are no array', { metrics: {} }, 'codec.wrong_type'],
    ['a metric that is no object', { metrics: [1] }, 'codec.wrong_type'],
    ['an unknown type', { metrics: [{ dataType: 'Int7', value: 1 }] }, 'codec.wrong_type'],
    [
      'a number that does not fit',
      { metrics: [{ dataType: 'Int8', value: 128 }] },
      'codec.out_of_range',
    ],
    ['a fraction as Int32', { metrics: [{ dataType: 'Int32', value: 1.5 }] }, 'codec.out_of_range'],
    ['a text as Int32', { metrics: [{ dataType: 'Int32', value: 'x' }] }, 'codec.wrong_type'],
    ['a number as String', { metrics: [{ dataType: 'String', value: 1 }] }, 'codec.wrong_type'],
    ['a UInt64 below 0', { metrics: [{ dataType: 'UInt64', value: -1 }] }, 'codec.wrong_type'],
    [
      'bytes that are no hex',
      { metrics: [{ dataType: 'Bytes', value: 'xyz' }] },
      'codec.wrong_type',
    ],
    [
      'a data set without types',
      { metrics: [{ dataType: 'DataSet', value: { columns: ['a'] } }] },
      'codec.wrong_type',
    ],
    ['a seq that is no number', { seq: 'one' }, 'codec.wrong_type'],
  ])('%s is a fault', (_name, value, code) => {
    expect(faultOf(() => encode(value)).code).toBe(code)
  })

  const scalar = fc.oneof(
    fc.record({ dataType: fc.constant('Int8'), value: fc.integer({ min: -128, max: 127 }) }),
    fc.record({ dataType: fc.constant('Int32'), value: fc.integer() }),
    fc.record({ dataType: fc.constant('UInt32'), value: fc.nat(0xffff_ffff) }),
    fc.record({
      dataType: fc.constant('Int64'),
      value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(exact),
    }),
    fc.record({
      dataType: fc.constant('UInt64'),
      value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(exact),
    }),
    fc.record({
      dataType: fc.constant('Double'),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    }),
    fc.record({
      dataType: fc.constant('Float'),
      value: fc.float({ noNaN: true, noDefaultInfinity: true }),
    }),
    fc.record({ dataType: fc.constant('Boolean'), value: fc.boolean() }),
    fc.record({ dataType: fc.constant('String'), value: fc.string({ unit: 'grapheme' }) }),
    fc.record({ dataType: fc.constant('BooleanArray'), value: fc.array(fc.boolean()) }),
    fc.record({
      dataType: fc.constant('Int16Array'),
      value: fc.array(fc.integer({ min: -32768, max: 32767 })),
    }),
  )
  const payload = fc.record({
    timestamp: fc.nat(2 ** 52),
    seq: fc.nat(255),
    metrics: fc.array(fc.tuple(fc.string(), fc.nat(), scalar), { minLength: 1, maxLength: 5 }),
  })

  it('is read again as it was', () => {
    fc.assert(
      fc.property(payload, ({ timestamp, seq, metrics }) => {
        const value = {
          timestamp,
          metrics: metrics.map(([name, alias, one]) => ({ name, alias, ...one })),
          seq,
        }
        const again = codec.decode(encode(value), FACTS).value
        expect(inOurForm(again)).toEqual(inOurForm(value as Json))
      }),
      { seed: 9, numRuns: 500 },
    )
  })
})

/** As this codec says whole numbers of 64 bits. */
function exact(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

describe('sparkplug-b and bytes of any kind', () => {
  const valid = [
    '08eaf2f5a8a02b121e0a0e537570706c7920566f6c7461676518eaf2f5a8a02b200965cdcc44411802',
    '08eaf2f5a8a02b12a4010a0b546573744461746153657418eaf2f5a8a02b20108a018a0108051208426f6f6c65616e731206496e743332731206466c6f617473120544617465731207537472696e6773180b18031809180d180c221f0a0228000a0208010a051dcdcc8c3f0a0710eaf2f5a8a02b0a053203616263221c0a0228010a0208020a051d9a99993f0a0710eaf2f5a8a02b0a02320022130a0228000a0208030a051d6666a63f0a000a001800',
    '08eaf2f5a8a02b125f0a105465737454656d706c617465496e737418eaf2f5a8a02b20139201410a0476312e3012150a0f54656d706c6174654d657472696331200b70011a0f0a09426f6f6c506172616d100b3801220f5465737454656d706c61746544656628011800',
    '08eaf2f5a8a02b122b0a0d4461746554696d65417272617918eaf2f5a8a02b2022820110c7d0907524010000b8bab897810100001801',
  ].map((hex) => Buffer.from(hex, 'hex'))

  it('gives a value or a fault of a codec, 100,000 times', () => {
    let seed = 20_261_121
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed % below
    }
    let values = 0
    for (let run = 0; run < 100_000; run++) {
      let bytes: Buffer
      if (run % 4 === 0) {
        bytes = Buffer.alloc(next(48))
        for (let at = 0; at < bytes.length; at++) bytes[at] = next(65_536) >> 8
      } else {
        bytes = Buffer.from(valid[next(valid.length)]!)
        for (let change = next(4); change >= 0; change--)
          bytes[next(bytes.length)] = next(65_536) >> 8
        if (run % 3 === 0) bytes = bytes.subarray(0, next(bytes.length))
      }
      try {
        const { value } = codec.decode(bytes, FACTS)
        values++
        if (run % 10 === 0) JSON.stringify(value)
      } catch (error) {
        if (!(error instanceof CoreError) || !error.code.startsWith('codec.')) throw error
        expect(error.details['offset']).toBeTypeOf('number')
      }
    }
    expect(values).toBeGreaterThan(1_000)
  })
})
