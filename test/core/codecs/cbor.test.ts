import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { faultOf, fromHex, fuzz, hex, openWith, SEEDED } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }

interface Case {
  readonly id: string
  readonly hex: string
  readonly roundtrip: boolean
  readonly decoded?: Json
  readonly bigint?: string
  readonly diagnostic?: string
}

function decode(text: string, options: object = {}): Json {
  return openWith('cbor', options).decode(fromHex(text), FACTS).value
}

function encode(value: Json, options: object = {}): string {
  return hex(openWith('cbor', options).encode!(value, FACTS).bytes)
}

/** What diagnostic notation says, as typed values. */
const DIAGNOSTIC: Readonly<Record<string, Json>> = {
  Infinity: { $float: 'Infinity' },
  '-Infinity': { $float: '-Infinity' },
  NaN: { $float: 'NaN' },
  undefined: { $simple: 23 },
  'simple(16)': { $simple: 16 },
  'simple(24)': { $simple: 24 },
  'simple(255)': { $simple: 255 },
  '0("2013-03-21T20:04:00Z")': { $time: '2013-03-21T20:04:00Z' },
  '1(1363896240)': { $time: 1_363_896_240 },
  '1(1363896240.5)': { $time: 1_363_896_240.5 },
  "23(h'01020304')": { $tag: 23, value: { $bytes: 'AQIDBA==' } },
  "24(h'6449455446')": { $tag: 24, value: { $bytes: 'ZElFVEY=' } },
  '32("http://www.example.com")': { $tag: 32, value: 'http://www.example.com' },
  "h''": { $bytes: '' },
  "h'01020304'": { $bytes: 'AQIDBA==' },
  '{1: 2, 3: 4}': { 1: 2, 3: 4 },
  "(_ h'0102', h'030405')": { $bytes: 'AQIDBAU=' },
}

/** Floats without a fraction: JSON has one kind of number, and whole ones are written as integers. */
const WHOLE_FLOATS: Readonly<Record<string, string>> = {
  f90000: '00',
  f98000: 'f98000',
  f93c00: '01',
  f97bff: '19ffe0',
  fa47c35000: '1a000186a0',
  f9c400: '23',
}

describeWithShared('cbor agrees with appendix A of RFC 8949', 'vectors/cbor.json', () => {
  const { cases } = readVectors<{ cases: readonly Case[] }>('cbor.json')

  it('has all 82 cases', () => expect(cases).toHaveLength(82))

  it.each(cases)('$id: decodes $hex', ({ hex: bytes, decoded, bigint, diagnostic }) => {
    const expected = diagnostic === undefined ? (bigint ?? decoded) : DIAGNOSTIC[diagnostic]
    // As JSON: its zero has no sign.
    expect(JSON.stringify(decode(bytes))).toBe(JSON.stringify(expected))
  })

  const both = cases.filter(({ roundtrip }) => roundtrip)

  it('has 65 that go both ways', () => expect(both).toHaveLength(65))

  it.each(both)('$id: encodes $hex', ({ hex: bytes, diagnostic }) => {
    const options = diagnostic?.startsWith('{1:') ? { integerKeys: true } : {}
    expect(encode(decode(bytes), options)).toBe(WHOLE_FLOATS[bytes] ?? bytes)
  })
})

describe('cbor', () => {
  const both: readonly { hex: string; value: Json }[] = [
    { hex: '1b001fffffffffffff', value: 9_007_199_254_740_991 },
    { hex: '1b0020000000000000', value: '9007199254740992' },
    { hex: '3b001ffffffffffffe', value: -9_007_199_254_740_991 },
    { hex: '3b001fffffffffffff', value: '-9007199254740992' },
    { hex: 'f93d80', value: 1.375 },
    { hex: 'fa3f800001', value: 1 + 2 ** -23 },
    { hex: 'fb4035800000000001', value: 21.500000000000004 },
    { hex: 'f90001', value: 2 ** -24 },
    { hex: 'f903ff', value: 1_023 * 2 ** -24 },
    { hex: 'fa33000000', value: 2 ** -25 },
    { hex: 'fa00000001', value: 2 ** -149 },
    { hex: 'fb3690000000000000', value: 2 ** -150 },
    { hex: 'c101', value: { $time: 1 } },
    { hex: 'd9010002', value: { $tag: 256, value: 2 } },
    { hex: 'dbffffffffffffffff02', value: { $tag: '18446744073709551615', value: 2 } },
    { hex: `7830${'61'.repeat(48)}`, value: 'a'.repeat(48) },
    { hex: '63efbbbf', value: '\ufeff' },
    { hex: 'a1695f5f70726f746f5f5f01', value: JSON.parse('{"__proto__":1}') },
    { hex: 'a16b636f6e7374727563746f7201', value: { constructor: 1 } },
    { hex: 'a2646974656d016573746f726502', value: { item: 1, store: 2 } },
    { hex: 'a16024', value: { '': -5 } },
  ]

  it.each(both)('$hex is $value both ways', ({ hex: bytes, value }) => {
    expect(decode(bytes)).toEqual(value)
    expect(encode(value)).toBe(bytes)
  })

  const read: readonly { hex: string; value: Json; options?: object }[] = [
    // RFC 8949, section 3.4.4: 273.15 and 1.5
    { hex: 'c48221196ab3', value: 273.15 },
    { hex: 'c5822003', value: 1.5 },
    { hex: 'c4821903e801', value: { $float: 'Infinity' } },
    { hex: 'c401', value: { $tag: 4, value: 1 } },
    { hex: 'd9d9f7a1617401', value: { t: 1 } },
    { hex: 'c240', value: 0 },
    { hex: 'c25f41014100ff', value: 256 },
    { hex: 'a2f501f602', value: { true: 1, null: 2 } },
    { hex: 'a1410101', value: { 'AQ==': 1 } },
    { hex: 'c06568656c6c6f', value: { $tag: 0, value: 'hello' } },
    { hex: '4101', value: 'AQ==', options: { plain: true } },
    { hex: 'd7420102', value: 'AQI=', options: { plain: true } },
    { hex: 'c11a514b67b0', value: 1_363_896_240, options: { plain: true } },
    {
      hex: 'c074323031332d30332d32315432303a30343a30305a',
      value: '2013-03-21T20:04:00Z',
      options: { plain: true },
    },
    { hex: 'f97e00', value: null, options: { plain: true } },
    { hex: 'f7', value: null, options: { plain: true } },
    { hex: 'a1410101', value: { 'AQ==': 1 }, options: { plain: true } },
  ]

  it.each(read)('$hex is read as $value', ({ hex: bytes, value, options }) => {
    expect(decode(bytes, options)).toEqual(value)
  })

  it('warns of numbers that are none, with their place', () => {
    const { warnings } = openWith('cbor').decode(fromHex('82f97e00fa7f800000'), FACTS)
    expect(warnings).toEqual([
      'expected a finite number, found NaN, at byte 1',
      'expected a finite number, found Infinity, at byte 4',
    ])
  })

  it('writes typed objects as objects where they are none', () => {
    expect(encode({ $bytes: 'AQ==' }, { plain: true })).toBe('a1662462797465736441513d3d')
    expect(encode({ $bytes: 'AQ==', more: 1 })).toBe('a2662462797465736441513d3d646d6f726501')
  })

  it('writes long digits as text where texts stay texts', () => {
    expect(encode('18446744073709551615', { bigIntegers: false })).toBe(
      '743138343436373434303733373039353531363135',
    )
    expect(encode('490154203237518')).toBe('6f343930313534323033323337353138')
  })

  it('writes maps of many keys, and messages beyond a page', () => {
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index]))
    const long = 'x'.repeat(20_000)
    for (const value of [wide, { wide, long }, Array.from({ length: 70_000 }, () => 1)])
      expect(decode(encode(value))).toEqual(value)
  })

  it('keeps a message that it wrote as it is', () => {
    const codec = openWith('cbor')
    const first = codec.encode!({ a: 1 }, FACTS).bytes
    for (let index = 0; index < 3_000; index++) codec.encode!({ b: index }, FACTS)
    expect(hex(first)).toBe('a1616101')
  })

  const bad: readonly { hex: string; code: string; offset: number }[] = [
    { hex: '', code: 'codec.truncated', offset: 0 },
    { hex: '18', code: 'codec.truncated', offset: 1 },
    { hex: '1900', code: 'codec.truncated', offset: 1 },
    { hex: '1b00000000', code: 'codec.truncated', offset: 1 },
    { hex: '6361', code: 'codec.truncated', offset: 1 },
    { hex: '8301', code: 'codec.truncated', offset: 1 },
    { hex: '9bffffffffffffffff', code: 'codec.truncated', offset: 9 },
    { hex: '5affffffff01', code: 'codec.truncated', offset: 5 },
    { hex: 'bb0000000100000000', code: 'codec.truncated', offset: 9 },
    { hex: 'a16161', code: 'codec.truncated', offset: 3 },
    { hex: '9f01', code: 'codec.truncated', offset: 2 },
    { hex: '7f6161', code: 'codec.truncated', offset: 3 },
    { hex: 'c2', code: 'codec.truncated', offset: 1 },
    { hex: '0001', code: 'codec.trailing_bytes', offset: 1 },
    { hex: '1c', code: 'codec.malformed', offset: 0 },
    { hex: 'fc', code: 'codec.malformed', offset: 0 },
    { hex: 'ff', code: 'codec.malformed', offset: 0 },
    { hex: '81ff', code: 'codec.malformed', offset: 1 },
    { hex: 'bf6161ff', code: 'codec.malformed', offset: 3 },
    { hex: '1f', code: 'codec.malformed', offset: 0 },
    { hex: 'df00', code: 'codec.malformed', offset: 0 },
    { hex: 'f800', code: 'codec.malformed', offset: 0 },
    { hex: 'f817', code: 'codec.malformed', offset: 0 },
    { hex: '7f4161ff', code: 'codec.malformed', offset: 1 },
    { hex: '5f5f4101ffff', code: 'codec.malformed', offset: 1 },
    { hex: '62c328', code: 'codec.malformed', offset: 1 },
    { hex: '7f61c361bcff', code: 'codec.malformed', offset: 2 },
    { hex: 'c201', code: 'codec.malformed', offset: 1 },
    { hex: `c25841${'ff'.repeat(65)}`, code: 'codec.too_large', offset: 1 },
    { hex: 'a2616101616102', code: 'codec.duplicate_key', offset: 4 },
    { hex: 'a2616181a1616102616103', code: 'codec.duplicate_key', offset: 8 },
    { hex: 'a20102613103', code: 'codec.duplicate_key', offset: 3 },
    { hex: 'a26161a1616101616102', code: 'codec.duplicate_key', offset: 7 },
    { hex: 'a18001', code: 'codec.unsupported', offset: 1 },
    { hex: '81'.repeat(65), code: 'codec.too_deep', offset: 64 },
    { hex: 'c1'.repeat(100), code: 'codec.too_deep', offset: 64 },
    { hex: '9f'.repeat(100_000), code: 'codec.too_deep', offset: 64 },
  ]

  it.each(bad)('refuses $hex: $code at byte $offset', ({ hex: bytes, code, offset }) => {
    const fault = faultOf(() => decode(bytes))
    expect({ code: fault.code, offset: fault.offset }).toEqual({ code, offset })
    expect(fault.message).toContain('expected')
  })

  it.each([
    { value: { $bytes: '!' } },
    { value: { $float: 'large' } },
    { value: { $time: true } },
    { value: { $tag: -1, value: 1 } },
    { value: { $simple: 256 } },
  ])('refuses to encode $value', ({ value }) => {
    expect(faultOf(() => encode(value)).code).toBe('codec.wrong_type')
  })

  it('refuses to encode what nests deeper than it reads', () => {
    let value: Json = 1
    for (let level = 0; level < 65; level++) value = [value]
    expect(faultOf(() => encode(value)).code).toBe('codec.too_deep')
    expect(faultOf(() => encode({ a: value })).code).toBe('codec.too_deep')
  })

  it('finds keys that are there twice, however many other keys it knows', () => {
    const codec = openWith('cbor')
    const keys = Array.from({ length: 3_000 }, (_, index) => `key-${index}`)
    const object = Object.fromEntries(keys.map((key) => [key, 1]))
    const bytes = codec.encode!(object, FACTS).bytes
    expect(codec.decode(bytes, FACTS).value).toEqual(object)
    expect(codec.decode(bytes, FACTS).value).toEqual(object)
    const twice = Uint8Array.from(bytes)
    const last = twice.length - 9
    // key-2999 becomes key-2998
    twice[last + 7] = 0x38
    expect(faultOf(() => codec.decode(twice, FACTS))).toMatchObject({
      code: 'codec.duplicate_key',
      offset: last - 1,
    })
  })

  it('writes message after message, across the ends of pages', () => {
    const codec = openWith('cbor')
    for (let index = 0; index < 2_000; index++) {
      const value = { number: index, text: 'x'.repeat(index % 37), list: [{ deep: index % 7 }] }
      expect(codec.decode(codec.encode!(value, FACTS).bytes, FACTS).value).toEqual(value)
    }
  })

  it('gives back what was encoded', () => {
    const codec = openWith('cbor', { plain: true, bigIntegers: false })
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const json: Json = JSON.parse(JSON.stringify(value))
        const { bytes } = codec.encode!(json, FACTS)
        expect(codec.decode(bytes, FACTS).value).toEqual(json)
      }),
      SEEDED,
    )
  })

  it('withstands 100,000 inputs', () => {
    const seeds = [
      'a56161614161626142616361436164614461656145',
      'bf61610161629f0203ffff',
      'a3627473c11b000001869fffffff646461746182fb40358ccccccccccdf97e006269644301ff00',
      '9f018202039f0405ffc249010000000000000000ff',
      'a201020304c48221196ab3d9d9f7d81845644945544617f0',
    ].map(fromHex)
    const { decoded, refused } = fuzz(openWith('cbor'), seeds)
    expect(decoded + refused).toBe(100_000)
    expect(Math.min(decoded, refused)).toBeGreaterThan(2_000)
  })
})

describe('fields', () => {
  it('picks telemetry by pointers', () => {
    const bytes = encode({ data: [{ t: 21.5, id: 'x' }], id: 7 })
    const fields = { temperature: '/data/0/t', device: '/id', missing: '/nowhere' }
    expect(decode(bytes, { fields })).toEqual({ temperature: 21.5, device: 7 })
  })
})
