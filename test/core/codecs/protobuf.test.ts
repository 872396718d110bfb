import fc from 'fast-check'
import protobufjs from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { openCodec } from '../../../core/codecs/open-codec.ts'
import { protobuf } from '../../../core/codecs/protobuf.ts'
import { inlineScripts } from '../../../core/codecs/script/files.ts'
import { CoreError } from '../../../core/errors.ts'
import type { Json } from '../../../core/model/json.ts'

const FACTS = { receivedAt: 0 }

const SCHEMA = `
// What a station sends.
syntax = "proto3";
package acme.v1;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import 'google/protobuf/struct.proto';
import "google/protobuf/wrappers.proto";
import "google/protobuf/any.proto";
import "google/protobuf/field_mask.proto";
option java_package = "com.acme";

/* Several lines
   of comment. */
message Reading {
  reserved 100 to 110, 200;
  reserved "old";
  enum Mode { option allow_alias = true; MODE_UNKNOWN = 0; MODE_AUTO = 1; AUTO = 1; MODE_OFF = -1; }
  message Cell { string id = 1; float volts = 2 [deprecated = true]; repeated Cell inner = 3; }
  float temperature = 1;
  double pressure = 2;
  int32 i32 = 3;
  int64 i64 = 4;
  uint32 u32 = 5;
  uint64 u64 = 6;
  sint32 s32 = 7;
  sint64 s64 = 8;
  fixed32 f32 = 9;
  fixed64 f64 = 10;
  sfixed32 sf32 = 11;
  sfixed64 sf64 = 12;
  bool is_on = 13;
  string device_name = 14 [json_name = "device"];
  bytes raw = 15;
  Mode mode = 16;
  Cell cell = 17;
  repeated Cell cells = 18;
  repeated sint32 samples = 19;
  repeated double plain = 20 [packed = false];
  map<string, double> by_name = 21;
  map<int32, Cell> by_number = 22;
  oneof source { string text_source = 23; uint32 number_source = 24; Cell cell_source = 25; }
  optional uint32 maybe = 26;
  google.protobuf.Timestamp at = 27;
  google.protobuf.Duration took = 28;
  google.protobuf.Struct extra = 29;
  google.protobuf.Int64Value wrapped = 30;
  google.protobuf.Any any = 31;
  google.protobuf.FieldMask mask = 32;
  google.protobuf.Value anything = 33;
  repeated string tags = 34;
  uint32 far = 5000;
}
service Ignored { rpc Get (Reading) returns (Reading) { option (x.y) = { a: 1 }; } }
`

const codec = protobuf.open(
  protobuf.options.parse({ type: 'protobuf', descriptor: SCHEMA, message: 'acme.v1.Reading' }),
  {},
)
const rival = protobufjs.parse(SCHEMA, { keepCase: false }).root
rival.addJSON(protobufjs.common.get('google/protobuf/any.proto')?.nested ?? {})
for (const name of ['timestamp', 'duration', 'struct', 'wrappers', 'field_mask'])
  rival.addJSON(protobufjs.common.get(`google/protobuf/${name}.proto`)?.nested ?? {})
rival.resolveAll()
const Reading = rival.lookupType('acme.v1.Reading')

/** Bytes and long numbers compare as texts; what is 0 is there in both. */
const AS_TEXTS = { longs: String, bytes: String, defaults: true }

function encode(value: Json): Uint8Array {
  const bytes = codec.encode?.(value, FACTS).bytes
  if (bytes === undefined) throw new Error('no encoder')
  return bytes
}

function decode(bytes: Uint8Array): Json {
  return codec.decode(bytes, FACTS).value
}

function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
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

describe('protobuf and protobufjs', () => {
  it.each<[string, object, Json]>([
    ['a float as it was meant', { temperature: 21.7 }, { temperature: 21.7 }],
    ['a double', { pressure: 1013.25 }, { pressure: 1013.25 }],
    [
      'numbers that are none',
      { pressure: Number.NaN, temperature: Number.NEGATIVE_INFINITY },
      { temperature: '-Infinity', pressure: 'NaN' },
    ],
    ['a negative int32', { i32: -5 }, { i32: -5 }],
    ['an int64', { i64: '-9223372036854775808' }, { i64: '-9223372036854775808' }],
    ['a small int64', { i64: 5 }, { i64: '5' }],
    ['a uint32', { u32: 4294967295 }, { u32: 4294967295 }],
    ['a uint64', { u64: '18446744073709551615' }, { u64: '18446744073709551615' }],
    ['a sint32', { s32: -2147483648 }, { s32: -2147483648 }],
    ['a sint64', { s64: '-9223372036854775808' }, { s64: '-9223372036854775808' }],
    ['a fixed32', { f32: 4294967295 }, { f32: 4294967295 }],
    ['a fixed64', { f64: '18446744073709551615' }, { f64: '18446744073709551615' }],
    ['a sfixed32', { sf32: -1 }, { sf32: -1 }],
    ['a sfixed64', { sf64: '-2' }, { sf64: '-2' }],
    ['a bool', { isOn: true }, { isOn: true }],
    ['a name of its own', { deviceName: 'grün' }, { device: 'grün' }],
    ['bytes', { raw: Buffer.from('00ff', 'hex') }, { raw: 'AP8=' }],
    ['an enumeration', { mode: 1 }, { mode: 'MODE_AUTO' }],
    ['a value that it has not', { mode: 9 }, { mode: 9 }],
    ['a value below 0', { mode: -1 }, { mode: 'MODE_OFF' }],
    [
      'messages',
      { cell: { id: 'a', inner: [{ id: 'b' }] }, cells: [{}, { volts: 3.3 }] },
      { cell: { id: 'a', inner: [{ id: 'b' }] }, cells: [{}, { volts: 3.3 }] },
    ],
    ['packed numbers', { samples: [1, -1, 300] }, { samples: [1, -1, 300] }],
    ['numbers that are not packed', { plain: [0.5, 1.5] }, { plain: [0.5, 1.5] }],
    [
      'maps',
      { byName: { a: 1, b: 0 }, byNumber: { 7: { id: 'x' }, '-1': {} } },
      { byName: { a: 1, b: 0 }, byNumber: { '-1': {}, 7: { id: 'x' } } },
    ],
    ['one of several', { numberSource: 0 }, { numberSource: 0 }],
    ['a presence of its own', { maybe: 0 }, { maybe: 0 }],
    [
      'a time',
      { at: { seconds: 1486144502, nanos: 122000000 } },
      { at: '2017-02-03T17:55:02.122Z' },
    ],
    [
      'a time before 1970',
      { at: { seconds: -1, nanos: 1 } },
      { at: '1969-12-31T23:59:59.000000001Z' },
    ],
    ['a duration', { took: { seconds: -1, nanos: -500000000 } }, { took: '-1.500s' }],
    ['a wrapped value', { wrapped: { value: 5 } }, { wrapped: '5' }],
    ['a mask', { mask: { paths: ['a.b_c', 'd'] } }, { mask: 'a.bC,d' }],
    ['a large number of a field', { far: 3 }, { far: 3 }],
    ['texts', { tags: ['', 'a'] }, { tags: ['', 'a'] }],
  ])('%s', (_name, message, value) => {
    const bytes = Reading.encode(Reading.fromObject(message)).finish()
    expect(decode(bytes)).toEqual(value)
    const back = encode(value)
    expect(Reading.toObject(Reading.decode(back), AS_TEXTS)).toEqual(
      Reading.toObject(Reading.decode(bytes), AS_TEXTS),
    )
    expect(Buffer.from(back).toString('hex')).toBe(Buffer.from(bytes).toString('hex'))
  })

  it('JSON inside of a message', () => {
    const value = {
      extra: { a: 1, b: [true, null, 'x'], __proto__x: { y: {} } },
      anything: null,
      any: { '@type': 'type.googleapis.com/acme.v1.Reading.Cell', id: 'z' },
    }
    expect(decode(encode(value))).toEqual(value)
    const wrapped = {
      any: { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '3s' },
    }
    expect(decode(encode(wrapped))).toEqual(wrapped)
    const extra = { extra: JSON.parse('{"__proto__": 1}') }
    expect(JSON.stringify(decode(encode(extra)))).toBe('{"extra":{"__proto__":1}}')
  })

  it('a type that nobody declared stays base64, with a warning', () => {
    const any = { '@type': 'x/acme.Unknown', value: 'AQI=' }
    const { value, warnings } = codec.decode(encode({ any }), FACTS)
    expect(value).toEqual({ any })
    expect(warnings).toEqual([
      'google.protobuf.Any: type "acme.Unknown" is not known: its value is base64',
    ])
  })

  it('whatever protobufjs writes is read, and written the same', () => {
    const cell = fc.record(
      { id: fc.string(), volts: fc.float({ noNaN: true }) },
      { requiredKeys: [] },
    )
    const message = fc.record(
      {
        pressure: fc.double(),
        i32: fc.integer(),
        s32: fc.integer(),
        i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
        s64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
        u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
        f64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
        deviceName: fc.string({ unit: 'grapheme' }),
        raw: fc.uint8Array(),
        mode: fc.constantFrom(0, 1, -1, 77),
        cells: fc.array(cell, { maxLength: 3 }),
        samples: fc.array(fc.integer(), { maxLength: 5 }),
        maybe: fc.nat(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(message, (given) => {
        const bytes = Reading.encode(Reading.fromObject(given)).finish()
        const again = encode(decode(bytes))
        expect(Reading.toObject(Reading.decode(again), AS_TEXTS)).toEqual(
          Reading.toObject(Reading.decode(bytes), AS_TEXTS),
        )
        expect(encode(decode(again))).toEqual(again)
      }),
      { seed: 9, numRuns: 500 },
    )
  })
})

describe('how protobuf reads', () => {
  it('parts of a message are put together, and of one-ofs the last counts', () => {
    // cell {id: "a"}, cell {volts: 1}; number_source 1, text_source "t"
    expect(decode(hex('8a01030a0161 8a0105150000803f c00101 ba010174'))).toEqual({
      cell: { id: 'a', volts: 1 },
      textSource: 't',
    })
  })

  it('numbers that should be packed may come one by one, and the other way', () => {
    // samples, not packed; plain, packed
    expect(decode(hex('980102 980101 a20108 000000000000e03f'))).toEqual({
      samples: [1, -1],
      plain: [0.5],
    })
  })

  it('an entry of a map without key or value has those of its types', () => {
    expect(decode(hex('aa0100 b20100'))).toEqual({ byName: { '': 0 }, byNumber: { 0: {} } })
  })

  it('unknown fields are passed by, with a warning', () => {
    const { value, warnings } = codec.decode(hex('e02501 6801 e22502ffff e02501'), FACTS)
    expect(value).toEqual({ isOn: true })
    expect(warnings).toEqual(['acme.v1.Reading: field 604 is not known'])
  })

  it.each<[string, string, string, number]>([
    ['a varint that ends early', '18ff', 'codec.truncated', 1],
    ['a text that ends early', '720561', 'codec.truncated', 1],
    ['a length of 4 GB', '7affffffff0f00', 'codec.truncated', 1],
    ['another wire type', '0801', 'codec.malformed', 0],
    ['field 0', '0201', 'codec.malformed', 0],
    ['a text that is not UTF-8', '7201ff', 'codec.malformed', 2],
    ['a message that ends inside of a field', '8a0103 0a0561', 'codec.truncated', 4],
    ['half a double among packed ones', 'a2010401020304', 'codec.truncated', 3],
    ['a time in the year 10000', 'da0107088083d1ffaf07', 'codec.out_of_range', 3],
  ])('%s is a fault', (_name, bytes, code, offset) => {
    expect(faultOf(() => decode(hex(bytes)))).toMatchObject({ code, details: { offset } })
  })

  it('messages that nest without end are a fault', () => {
    let bytes = Buffer.alloc(0)
    for (let depth = 0; depth < 120; depth++)
      bytes = Buffer.concat([Buffer.from([0x1a]), size(bytes.length), bytes])
    const whole = Buffer.concat([Buffer.from([0x8a, 0x01]), size(bytes.length), bytes])
    expect(faultOf(() => decode(whole)).code).toBe('codec.too_deep')
  })

  it('keys, numbers and defaults as the config wants them', () => {
    const schema =
      'message M { required int64 serial_no = 1; optional int32 b = 2; repeated int32 c = 3; }'
    const two = openCodec(
      { type: 'protobuf', descriptor: schema, names: 'proto', int64: 'number', defaults: true },
      {},
    )
    expect(two.decode(hex('0805'), FACTS).value).toEqual({ serial_no: 5, c: [] })
    expect(faultOf(() => two.decode(hex('1005'), FACTS))).toMatchObject({
      code: 'codec.malformed',
      details: { offset: 2 },
    })
    const three = openCodec(
      {
        type: 'protobuf',
        descriptor: `syntax = "proto3"; enum E { NONE = 0; } message M { int64 serial_no = 1; string s = 2; E e = 3; map<string, int32> m = 4; optional bool o = 5; }`,
        defaults: true,
      },
      {},
    )
    expect(three.decode(new Uint8Array(), FACTS).value).toEqual({
      serialNo: '0',
      s: '',
      e: 'NONE',
      m: {},
    })
  })

  it('extensions of proto2 have keys in brackets', () => {
    const schema =
      'syntax = "proto2"; package p; message M { extensions 100 to max; } extend M { optional int32 extra = 100; }'
    const one = openCodec({ type: 'protobuf', descriptor: schema }, {})
    expect(one.decode(hex('a00607'), FACTS).value).toEqual({ '[p.extra]': 7 })
    expect(Buffer.from(one.encode?.({ '[p.extra]': 7 }, FACTS).bytes ?? []).toString('hex')).toBe(
      'a00607',
    )
  })
})

function size(length: number): Buffer {
  return length < 128 ? Buffer.from([length]) : Buffer.from([(length & 127) | 128, length >> 7])
}

describe('schemas', () => {
  /** FileDescriptorSet of `syntax="proto3"; package d; message M { int32 a = 1; repeated float b = 2; map<string, E> m = 3; } enum E { Z = 0; Y = 1; }` as protoc writes it. */
  const SET = Buffer.concat([
    message(1, [
      text(1, 'd.proto'),
      text(2, 'd'),
      message(4, [
        text(1, 'M'),
        message(2, [text(1, 'a'), number(3, 1), number(4, 1), number(5, 5), text(10, 'a')]),
        message(2, [text(1, 'b'), number(3, 2), number(4, 3), number(5, 2), text(10, 'b')]),
        message(2, [
          text(1, 'm'),
          number(3, 3),
          number(4, 3),
          number(5, 11),
          text(6, '.d.M.MEntry'),
          text(10, 'm'),
        ]),
        message(3, [
          text(1, 'MEntry'),
          message(2, [text(1, 'key'), number(3, 1), number(4, 1), number(5, 9), text(10, 'key')]),
          message(2, [
            text(1, 'value'),
            number(3, 2),
            number(4, 1),
            number(5, 14),
            text(6, '.d.E'),
            text(10, 'value'),
          ]),
          message(7, [number(7, 1)]),
        ]),
      ]),
      message(5, [
        text(1, 'E'),
        message(2, [text(1, 'Z'), number(2, 0)]),
        message(2, [text(1, 'Y'), number(2, 1)]),
      ]),
      text(12, 'proto3'),
    ]),
  ])

  function field(tag: number, wire: number): Buffer {
    return size((tag << 3) | wire)
  }
  function text(tag: number, value: string): Buffer {
    return Buffer.concat([field(tag, 2), size(value.length), Buffer.from(value)])
  }
  function number(tag: number, value: number): Buffer {
    return Buffer.concat([field(tag, 0), size(value)])
  }
  function message(tag: number, parts: readonly Buffer[]): Buffer {
    const inner = Buffer.concat(parts)
    return Buffer.concat([field(tag, 2), size(inner.length), inner])
  }

  it('may be a FileDescriptorSet', () => {
    const one = openCodec({ type: 'protobuf', descriptor: SET.toString('base64') }, {})
    const value = { a: -1, b: [0.5, 2], m: { x: 'Y', y: 'Z' } }
    const bytes = one.encode?.(value, FACTS).bytes ?? new Uint8Array()
    expect(one.decode(bytes, FACTS).value).toEqual(value)
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '08ffffffffffffffffff0112080000003f000000401a050a017810011a050a01791000',
    )
  })

  it.each<[string, object, string]>([
    ['no schema', { descriptor: '!' }, 'descriptor: expected the language of .proto files, found'],
    [
      'a fault in it',
      { descriptor: 'message M {\n  int32 a 1;\n}' },
      'descriptor: expected "=", found "1", at line 2, column 11',
    ],
    [
      'a type that nobody declared',
      { descriptor: 'message M { Other o = 1; }' },
      'descriptor: M.o: expected a type that is declared, found Other',
    ],
    [
      'a message that is none',
      { descriptor: 'message M {}', message: 'N' },
      'message: expected one that the schema declares (M), found "N"',
    ],
    [
      'no message of two',
      { descriptor: 'message M {} message N {}' },
      'message: expected one that the schema declares (M, N), found none',
    ],
    [
      'an import',
      { descriptor: 'import "a.proto"; message M {}' },
      'descriptor: expected a file that imports google/protobuf alone, found an import of a.proto',
    ],
    [
      'a group',
      { descriptor: 'message M { optional group G = 1 { } }' },
      'descriptor: expected a type, found a group',
    ],
    ['other bytes', { descriptor: 'AAAA' }, 'descriptor: expected a FileDescriptorSet in base64'],
    [
      'a field without end',
      { descriptor: `message M { ${' '.repeat(50_000)}\u0001` },
      'descriptor: expected the language of .proto files',
    ],
  ])('%s is a fault of the config', (_name, options, sentence) => {
    const fault = faultOf(() => openCodec({ type: 'protobuf', ...options }, {}))
    expect(fault.code).toBe('codec.bad_options')
    expect(fault.message).toContain(sentence)
  })
})

describe('a schema in a file', () => {
  it('is put into the config', () => {
    const codec = { type: 'protobuf', file: 'm.proto' }
    const given = { deviceTypes: { a: { codec }, b: { codec: 'json' } } }
    const { data, faults } = inlineScripts(given, (file) =>
      file === 'm.proto' ? 'message M {}' : undefined,
    )
    expect(faults).toEqual([])
    expect(data).toEqual({
      deviceTypes: { a: { codec: { ...codec, descriptor: 'message M {}' } }, b: { codec: 'json' } },
    })
    expect(inlineScripts(given, () => undefined).faults).toHaveLength(1)
  })
})

describe('what protobuf cannot write', () => {
  it.each<[string, Json, string]>([
    ['no object', 1, 'codec.wrong_type'],
    ['a field that is not declared', { nothing: 1 }, 'codec.wrong_type'],
    ['a text as a number', { i32: 'x' }, 'codec.wrong_type'],
    ['a number that is too large', { i32: 2147483648 }, 'codec.out_of_range'],
    ['a fraction', { u32: 0.5 }, 'codec.out_of_range'],
    ['a number below 0', { u64: -1 }, 'codec.wrong_type'],
    ['a bool that is none', { isOn: 1 }, 'codec.wrong_type'],
    ['a name that an enumeration has not', { mode: 'MODE_X' }, 'codec.wrong_type'],
    ['bytes that are no base64', { raw: '***' }, 'codec.wrong_type'],
    ['a list that is none', { samples: 1 }, 'codec.wrong_type'],
    ['two of which one can be', { textSource: 'a', numberSource: 1 }, 'codec.wrong_type'],
    ['a time that is none', { at: 'yesterday' }, 'codec.wrong_type'],
    ['a duration that is none', { took: '1m' }, 'codec.wrong_type'],
  ])('%s', (_name, value, code) => {
    expect(faultOf(() => encode(value)).code).toBe(code)
  })
})

describe('protobuf and bytes of any kind', () => {
  const valid = [
    Reading.encode(
      Reading.fromObject({
        temperature: 21.5,
        i64: '-5',
        deviceName: 'station 7',
        raw: Buffer.alloc(8),
        cells: [{ id: 'a', volts: 3 }, { inner: [{ id: 'b' }] }],
        samples: [1, 2, 300, -70000],
        byName: { a: 1, b: 2 },
        at: { seconds: 1486144502 },
      }),
    ).finish(),
    encode({
      extra: { a: [1, { b: null }], c: 'x' },
      any: { '@type': 'x/acme.v1.Reading.Cell', id: 'z' },
      wrapped: '7',
      took: '3s',
    }),
  ]

  it('gives a value or a fault of a codec, 100,000 times', () => {
    let seed = 20_261_121
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed % below
    }
    let values = 0
    for (let run = 0; run < 100_000; run++) {
      let bytes: Uint8Array
      if (run % 4 === 0) {
        bytes = new Uint8Array(next(48))
        for (let at = 0; at < bytes.length; at++) bytes[at] = next(65_536) >> 8
      } else {
        bytes = new Uint8Array(valid[next(valid.length)]!)
        for (let change = next(4); change >= 0; change--)
          bytes[next(bytes.length)] = next(65_536) >> 8
        if (run % 3 === 0) bytes = bytes.subarray(0, next(bytes.length))
      }
      try {
        const value = decode(bytes)
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
