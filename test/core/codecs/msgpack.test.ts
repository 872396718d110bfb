import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { faultOf, fromHex, fuzz, hex, openWith, SEEDED } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }

interface Case {
  readonly id: string
  readonly type: string
  readonly value: Json
  readonly encodings: readonly string[]
}

function decode(text: string, options: object = {}): Json {
  return openWith('msgpack', options).decode(fromHex(text), FACTS).value
}

function encode(value: Json, options: object = {}): string {
  return hex(openWith('msgpack', options).encode!(value, FACTS).bytes)
}

/** The suite writes bytes in hex with dashes, extensions as type and bytes, times as seconds and nanoseconds. */
function typedOf({ type, value }: Case): Json {
  const base64 = (text: Json): string =>
    Buffer.from(String(text).replaceAll('-', ''), 'hex').toString('base64')
  if (type === 'binary') return { $bytes: base64(value) }
  if (!Array.isArray(value)) return value
  if (type === 'ext') return { $ext: value[0], value: base64(value[1]) }
  if (type !== 'timestamp') return value
  const whole = new Date(Number(value[0]) * 1_000).toISOString().slice(0, 19)
  const fraction = (Number(value[1]) / 1e9)
    .toFixed(9)
    .slice(1)
    .replace(/\.?0+$/, '')
  return { $time: `${whole}${fraction}Z` }
}

describeWithShared('msgpack agrees with msgpack-test-suite', 'vectors/msgpack.json', () => {
  const { cases } = readVectors<{ cases: readonly Case[] }>('msgpack.json')
  const encodings = cases.flatMap((one) =>
    one.encodings.map((bytes) => ({ id: one.id, bytes, value: typedOf(one) })),
  )

  it('has all 85 cases in 233 encodings', () => {
    expect([cases.length, encodings.length]).toEqual([85, 233])
  })

  it.each(encodings)('$id: decodes $bytes', ({ bytes, value }) => {
    expect(decode(bytes)).toEqual(value)
  })

  it.each(cases)('$id: encodes $value in its shortest form', (one) => {
    expect(encode(typedOf(one))).toBe(one.encodings[0])
  })
})

describe('msgpack', () => {
  const both: readonly { hex: string; value: Json }[] = [
    { hex: 'cf001fffffffffffff', value: 9_007_199_254_740_991 },
    { hex: 'd30020000000000000', value: '9007199254740992' },
    { hex: 'd3ffe0000000000001', value: -9_007_199_254_740_991 },
    { hex: 'd3ffe0000000000000', value: '-9007199254740992' },
    { hex: 'cb3ff199999999999a', value: 1.1 },
    { hex: 'ca7fc00000', value: { $float: 'NaN' } },
    { hex: 'caff800000', value: { $float: '-Infinity' } },
    { hex: 'c70cff000000007fffffffffffffff', value: { $ext: -1, value: 'AAAAAH//////////' } },
    { hex: '81a95f5f70726f746f5f5f01', value: JSON.parse('{"__proto__":1}') },
    { hex: '81ab636f6e7374727563746f7201', value: { constructor: 1 } },
    { hex: `d930${'61'.repeat(48)}`, value: 'a'.repeat(48) },
    { hex: 'a3efbbbf', value: '\ufeff' },
    { hex: '81a0fb', value: { '': -5 } },
  ]

  it.each(both)('$hex is $value both ways', ({ hex: bytes, value }) => {
    expect(decode(bytes)).toEqual(value)
    expect(encode(value)).toBe(bytes)
  })

  const read: readonly { hex: string; value: Json; options?: object }[] = [
    { hex: '84010203c0c20405c3', value: { 1: 2, 3: null, false: 4, 5: true } },
    { hex: '81c4010105', value: { 'AQ==': 5 } },
    { hex: '81c4010105', value: { 'AQ==': 5 }, options: { plain: true } },
    { hex: 'c40101', value: 'AQ==', options: { plain: true } },
    { hex: 'd6ff5a4af6a5', value: '2018-01-02T03:04:05Z', options: { plain: true } },
    { hex: 'd40110', value: 'EA==', options: { plain: true } },
    { hex: 'cb7ff8000000000000', value: null, options: { plain: true } },
  ]

  it.each(read)('$hex is read as $value', ({ hex: bytes, value, options }) => {
    expect(decode(bytes, options)).toEqual(value)
  })

  const written: readonly { value: Json; hex: string; options?: object }[] = [
    { value: { $time: 1_514_862_245 }, hex: 'd6ff5a4af6a5' },
    { value: { $time: 1.5 }, hex: 'd7ff7735940000000001' },
    { value: { $time: '2018-01-02T04:04:05.5+01:00' }, hex: 'd7ff773594005a4af6a5' },
    { value: { $bytes: 'AQ==' }, hex: '81a6246279746573a441513d3d', options: { plain: true } },
    { value: { $bytes: 'AQ==', more: 1 }, hex: '82a6246279746573a441513d3da46d6f726501' },
    {
      value: '9007199254740992',
      hex: 'b039303037313939323534373430393932',
      options: { bigIntegers: false },
    },
    { value: '18446744073709551616', hex: 'b43138343436373434303733373039353531363136' },
  ]

  it.each(written)('writes $value as $hex', ({ value, hex: bytes, options }) => {
    expect(encode(value, options)).toBe(bytes)
  })

  it('warns of numbers that are none, with their place', () => {
    const { warnings } = openWith('msgpack').decode(
      fromHex('92cb7ff8000000000000ca7f800000'),
      FACTS,
    )
    expect(warnings).toEqual([
      'expected a finite number, found NaN, at byte 1',
      'expected a finite number, found Infinity, at byte 10',
    ])
  })

  it('writes maps of many keys, and messages beyond a page', () => {
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index]))
    const long = 'x'.repeat(70_000)
    const bytes = { $bytes: Buffer.alloc(70_000).toString('base64') }
    for (const value of [wide, { wide, long, bytes }, Array.from({ length: 70_000 }, () => 1)])
      expect(decode(encode(value))).toEqual(value)
  })

  const bad: readonly { hex: string; code: string; offset: number }[] = [
    { hex: '', code: 'codec.truncated', offset: 0 },
    { hex: 'cc', code: 'codec.truncated', offset: 1 },
    { hex: 'cd00', code: 'codec.truncated', offset: 1 },
    { hex: 'cb00000000', code: 'codec.truncated', offset: 5 },
    { hex: 'a261', code: 'codec.truncated', offset: 1 },
    { hex: 'd9', code: 'codec.truncated', offset: 1 },
    { hex: 'dbffffffff61', code: 'codec.truncated', offset: 5 },
    { hex: 'ddffffffff01', code: 'codec.truncated', offset: 5 },
    { hex: 'dfffffffff01', code: 'codec.truncated', offset: 5 },
    { hex: 'c6ffffffff01', code: 'codec.truncated', offset: 5 },
    { hex: 'c9ffffffff01', code: 'codec.truncated', offset: 6 },
    { hex: '9201', code: 'codec.truncated', offset: 1 },
    { hex: '81a161', code: 'codec.truncated', offset: 3 },
    { hex: '0001', code: 'codec.trailing_bytes', offset: 1 },
    { hex: 'c1', code: 'codec.malformed', offset: 0 },
    { hex: '91c1', code: 'codec.malformed', offset: 1 },
    { hex: 'a2c328', code: 'codec.malformed', offset: 1 },
    { hex: 'd5ff0102', code: 'codec.malformed', offset: 0 },
    { hex: 'd7ffee6b280000000000', code: 'codec.out_of_range', offset: 0 },
    { hex: '82a16101a16102', code: 'codec.duplicate_key', offset: 4 },
    { hex: '82a16181a16101a16102', code: 'codec.duplicate_key', offset: 7 },
    { hex: '820102a13103', code: 'codec.duplicate_key', offset: 3 },
    { hex: '819001', code: 'codec.unsupported', offset: 1 },
    { hex: '81d4010001', code: 'codec.unsupported', offset: 1 },
    { hex: '91'.repeat(65), code: 'codec.too_deep', offset: 64 },
    { hex: '81a161'.repeat(100), code: 'codec.too_deep', offset: 192 },
    { hex: 'dc0001'.repeat(100), code: 'codec.too_deep', offset: 192 },
  ]

  it.each(bad)('refuses $hex: $code at byte $offset', ({ hex: bytes, code, offset }) => {
    const fault = faultOf(() => decode(bytes))
    expect({ code: fault.code, offset: fault.offset }).toEqual({ code, offset })
    expect(fault.message).toContain('expected')
  })

  it.each([
    { value: { $bytes: 1 } },
    { value: { $float: 1 } },
    { value: { $time: 'noon' } },
    { value: { $ext: 128, value: '' } },
    { value: { $ext: 1, value: '?' } },
  ])('refuses to encode $value', ({ value }) => {
    expect(faultOf(() => encode(value)).code).toBe('codec.wrong_type')
  })

  it('refuses to encode what nests deeper than it reads', () => {
    let value: Json = 1
    for (let level = 0; level < 65; level++) value = { a: value }
    expect(faultOf(() => encode(value)).code).toBe('codec.too_deep')
  })

  it('writes message after message, across the ends of pages', () => {
    const codec = openWith('msgpack')
    for (let index = 0; index < 2_000; index++) {
      const value = { number: index, text: 'x'.repeat(index % 37), list: [{ deep: index % 7 }] }
      expect(codec.decode(codec.encode!(value, FACTS).bytes, FACTS).value).toEqual(value)
    }
  })

  it('gives back what was encoded', () => {
    const codec = openWith('msgpack', { plain: true, bigIntegers: false })
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const json: Json = JSON.parse(JSON.stringify(value))
        const { bytes } = codec.encode!(json, FACTS)
        expect(codec.decode(bytes, FACTS).value).toEqual(json)
      }),
      SEEDED,
    )
  })

  it('gives back times to the nanosecond', () => {
    const codec = openWith('msgpack')
    const seconds = fc.integer({ min: -62_167_219_200, max: 253_402_300_799 })
    fc.assert(
      fc.property(seconds, fc.integer({ min: 0, max: 999_999_999 }), (second, nanosecond) => {
        const whole = new Date(second * 1_000).toISOString().slice(0, 19)
        const digits = String(nanosecond).padStart(9, '0').replace(/0+$/, '')
        const value = { $time: `${whole}${digits === '' ? '' : `.${digits}`}Z` }
        expect(codec.decode(codec.encode!(value, FACTS).bytes, FACTS).value).toEqual(value)
      }),
      SEEDED,
    )
  })

  it('withstands 100,000 inputs', () => {
    const seeds = [
      '82a161a141a162920203',
      '83a27473cf000001869fffffffa46461746192cb40358cccccccccccca7fc00000a26964c40301ff00',
      'de0001a161de0000',
      '93d6ff5a4af6a5c70cff3b9ac9ffffffffffffffffffd8055051525354555657',
      'df00000001a161dd000000020102',
    ].map(fromHex)
    const { decoded, refused } = fuzz(openWith('msgpack'), seeds)
    expect(decoded + refused).toBe(100_000)
    expect(Math.min(decoded, refused)).toBeGreaterThan(2_000)
  })
})
