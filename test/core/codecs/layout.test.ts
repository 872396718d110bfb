import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CODEC_KINDS, type Codec, CoreError, type Json } from '../../../core/index.ts'
import { faultOf, fromHex, fuzz, hex, openWith, SEEDED } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }

function decode(options: object, text: string, fPort?: number): Json {
  const facts = fPort === undefined ? FACTS : { ...FACTS, fPort }
  return openWith('layout', options).decode(fromHex(text), facts).value
}

function encode(options: object, value: Json): string {
  return hex(openWith('layout', options).encode!(value, FACTS).bytes)
}

function warningsOf(options: object, text: string): readonly string[] {
  return openWith('layout', options).decode(fromHex(text), FACTS).warnings
}

/** What the config is told of options that make no layout. */
function complaintOf(options: object): string {
  const kind = CODEC_KINDS.find(({ name }) => name === 'layout')!
  const parsed = kind.options.safeParse({ type: 'layout', ...options })
  return parsed.success
    ? 'none'
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}

interface Row {
  readonly name: string
  readonly fields: readonly object[]
  readonly hex: string
  readonly value: Json
  /** What else stands beside the fields. */
  readonly beside?: object
  /** What `encode` writes, where it is not `hex`; `null`: it cannot. */
  readonly back?: string | null
}

const one = (field: object): readonly object[] => [{ name: 'v', ...field }]

const ROWS: readonly Row[] = [
  { name: 'uint8', fields: one({ type: 'uint8' }), hex: 'ff', value: { v: 255 } },
  { name: 'uint16', fields: one({ type: 'uint16' }), hex: '0102', value: { v: 258 } },
  { name: 'uint24', fields: one({ type: 'uint24' }), hex: '010203', value: { v: 66051 } },
  { name: 'uint32', fields: one({ type: 'uint32' }), hex: 'ffffffff', value: { v: 4294967295 } },
  {
    name: 'uint48',
    fields: one({ type: 'uint48' }),
    hex: 'ffffffffffff',
    value: { v: 2 ** 48 - 1 },
  },
  { name: 'uint56', fields: one({ type: 'uint56' }), hex: '01000000000000', value: { v: 2 ** 48 } },
  {
    name: 'uint64, small',
    fields: one({ type: 'uint64' }),
    hex: '0000000000000007',
    value: { v: 7 },
  },
  {
    name: 'uint64, more digits than a double keeps',
    fields: one({ type: 'uint64' }),
    hex: 'ffffffffffffffff',
    value: { v: '18446744073709551615' },
  },
  {
    name: 'int64, most negative',
    fields: one({ type: 'int64' }),
    hex: '8000000000000000',
    value: { v: '-9223372036854775808' },
  },
  { name: 'int64', fields: one({ type: 'int64' }), hex: 'ffffffffffffffff', value: { v: -1 } },
  { name: 'int8', fields: one({ type: 'int8' }), hex: '80', value: { v: -128 } },
  { name: 'int16', fields: one({ type: 'int16' }), hex: 'fffe', value: { v: -2 } },
  { name: 'int24', fields: one({ type: 'int24' }), hex: 'fffffe', value: { v: -2 } },
  {
    name: 'int of 5',
    fields: one({ type: 'int', length: 5 }),
    hex: 'ffffffffff',
    value: { v: -1 },
  },
  {
    name: 'little',
    fields: one({ type: 'uint32', endian: 'little' }),
    hex: '04030201',
    value: { v: 0x01020304 },
  },
  {
    name: 'DCBA',
    fields: one({ type: 'uint32', endian: 'DCBA' }),
    hex: '04030201',
    value: { v: 0x01020304 },
  },
  {
    name: 'CDAB',
    fields: one({ type: 'uint32', endian: 'CDAB' }),
    hex: '03040102',
    value: { v: 0x01020304 },
  },
  {
    name: 'BADC',
    fields: one({ type: 'uint32', endian: 'BADC' }),
    hex: '02010403',
    value: { v: 0x01020304 },
  },
  {
    name: 'one byte, whatever the order of words',
    fields: one({ type: 'uint8' }),
    beside: { endian: 'CDAB' },
    hex: '07',
    value: { v: 7 },
  },
  {
    name: 'words of 8 bytes',
    fields: one({ type: 'uint64', endian: 'word-swapped' }),
    hex: '0708050603040001',
    value: { v: 0x0001030405060708 },
  },
  {
    name: 'a float as Modbus meters send it',
    fields: one({ type: 'float32', endian: 'CDAB' }),
    hex: '00004348',
    value: { v: 200 },
  },
  { name: 'float16', fields: one({ type: 'float16' }), hex: '3c01', value: { v: 1.0009765625 } },
  {
    name: 'float16, smallest',
    fields: one({ type: 'float16' }),
    hex: '8001',
    value: { v: -(2 ** -24) },
  },
  { name: 'float16, largest', fields: one({ type: 'float16' }), hex: '7bff', value: { v: 65504 } },
  {
    name: 'float64',
    fields: one({ type: 'float64' }),
    hex: '400921fb54442d18',
    value: { v: Math.PI },
  },
  {
    name: 'float64, little',
    fields: one({ type: 'float64', endian: 'little' }),
    hex: '182d4454fb210940',
    value: { v: Math.PI },
  },
  {
    name: 'float32 that is not a number',
    fields: one({ type: 'float32' }),
    hex: '7fc00000',
    value: { v: null },
  },
  {
    name: 'float32, rounded',
    fields: one({ type: 'float32', decimals: 2 }),
    hex: '41ab3333',
    value: { v: 21.4 },
  },
  { name: 'scale', fields: one({ type: 'int16', scale: 0.01 }), hex: '0b25', value: { v: 28.53 } },
  {
    name: 'scale and add',
    fields: one({ type: 'uint8', scale: 0.5, add: -40 }),
    hex: '7b',
    value: { v: 21.5 },
  },
  {
    name: 'scale of no round fraction',
    fields: one({ type: 'uint16', scale: 0.07 }),
    hex: '0003',
    value: { v: 0.21 },
  },
  {
    name: 'divide',
    fields: one({ type: 'int16', divide: 16 }),
    hex: '0191',
    value: { v: 25.0625 },
  },
  {
    name: 'large scale',
    fields: one({ type: 'uint16', scale: 1e3, add: 0.5 }),
    hex: '0002',
    value: { v: 2000.5 },
  },
  {
    name: 'small scale',
    fields: one({ type: 'int32', scale: 1e-7 }),
    hex: 'fd3c6d4d',
    value: { v: -4.6371507 },
  },
  { name: 'bool', fields: one({ type: 'bool' }), hex: '01', value: { v: true } },
  {
    name: 'bool of any bit',
    fields: one({ type: 'bool' }),
    hex: '40',
    value: { v: true },
    back: '01',
  },
  { name: 'bcd', fields: one({ type: 'bcd', length: 3 }), hex: '012345', value: { v: 12345 } },
  {
    name: 'bcd, little, scaled',
    fields: one({ type: 'bcd', length: 4, endian: 'little', scale: 0.01 }),
    hex: '78563412',
    value: { v: 123456.78 },
  },
  {
    name: 'bcd of 16 digits',
    fields: one({ type: 'bcd', length: 8 }),
    hex: '9999999999999999',
    value: { v: '9999999999999999' },
  },
  {
    name: 'enum',
    fields: one({ type: 'uint8', enum: { 0: 'off', 1: 'on' } }),
    hex: '01',
    value: { v: 'on' },
  },
  {
    name: 'enum without that name',
    fields: one({ type: 'enum', enum: { 0: 'off' } }),
    hex: '07',
    value: { v: 7 },
  },
  {
    name: 'bitmap',
    fields: one({ type: 'bitmap', length: 2, flags: { 0: 'low', 9: 'door' } }),
    hex: '0200',
    value: { v: { low: false, door: true } },
  },
  {
    name: 'bitmap without a name',
    fields: [{ type: 'bitmap', flags: { 0: 'low', 7: 'door' } }],
    hex: '81',
    value: { low: true, door: true },
  },
  {
    name: 'ascii',
    fields: one({ type: 'ascii', length: 5 }),
    hex: '4142430000',
    value: { v: 'ABC' },
  },
  {
    name: 'ascii to the end',
    fields: one({ type: 'ascii', length: 'rest' }),
    hex: '414243',
    value: { v: 'ABC' },
  },
  {
    name: 'ascii until a byte',
    fields: [...one({ type: 'ascii', until: 0 }), { name: 'w', type: 'uint8' }],
    hex: '41420007',
    value: { v: 'AB', w: 7 },
  },
  { name: 'utf8', fields: one({ type: 'utf8', length: 3 }), hex: 'c2b043', value: { v: '°C' } },
  { name: 'hex', fields: one({ type: 'hex', length: 3 }), hex: '00ff10', value: { v: '00ff10' } },
  {
    name: 'base64',
    fields: one({ type: 'base64', length: 4 }),
    hex: '00ff10aa',
    value: { v: 'AP8Qqg==' },
  },
  {
    name: 'timestamp',
    fields: one({ type: 'timestamp' }),
    hex: '65920080',
    value: { v: '2024-01-01T00:00:00.000Z' },
  },
  {
    name: 'timestamp since 2000, in seconds',
    fields: one({ type: 'timestamp', since: '2000-01-01', as: 's' }),
    hex: '00000001',
    value: { v: 946684801 },
  },
  {
    name: 'timestamp in ms of 6 bytes',
    fields: one({ type: 'timestamp', length: 6, resolution: 'ms', as: 'ms' }),
    hex: '018cc251f400',
    value: { v: 1704067200000 },
  },
  {
    name: 'bits, highest first',
    fields: [
      { name: 'a', type: 'uint', bits: 3 },
      { name: 'b', type: 'int', bits: 5 },
      { name: 'c', type: 'uint', bits: 12 },
      { name: 'd', type: 'bool', bits: 1 },
      { type: 'skip', bits: 3 },
    ],
    hex: 'bffff0',
    value: { a: 5, b: -1, c: 4095, d: false },
  },
  {
    name: 'bits, lowest first',
    fields: [
      { name: 'a', type: 'uint', bits: 3 },
      { name: 'b', type: 'uint', bits: 10 },
      { name: 'c', type: 'int', bits: 3 },
    ],
    beside: { bitOrder: 'lsb' },
    hex: '0de8',
    value: { a: 5, b: 257, c: -1 },
  },
  {
    name: 'bytes after bits begin with the next byte',
    fields: [
      { name: 'a', type: 'uint', bits: 4 },
      { name: 'b', type: 'uint8' },
    ],
    hex: 'f007',
    value: { a: 15, b: 7 },
  },
  {
    name: 'bits by their numbers',
    fields: [
      { name: 'on', type: 'bool', at: 0, bit: 0 },
      { name: 'mode', type: 'uint', at: 0, bit: 1, bits: 3 },
      { name: 'low', type: 'int', at: 0, bit: 4, bits: 4 },
      { name: 'v', type: 'uint16', bit: 4, bits: 12 },
    ],
    hex: 'f5abc0',
    value: { on: true, mode: 2, low: -1, v: 0xabc },
  },
  {
    name: 'places from the start and the end',
    fields: [
      { name: 'last', type: 'uint8', at: -1 },
      { name: 'second', type: 'uint8', at: 1 },
      { name: 'third', type: 'uint8' },
    ],
    beside: { length: 5 },
    hex: '0001020003',
    value: { last: 3, second: 1, third: 2 },
  },
  {
    name: 'skipped bytes, and back',
    fields: [
      { type: 'skip', length: 2 },
      { name: 'a', type: 'uint16' },
      { type: 'skip', length: -2 },
      { name: 'b', type: 'uint8' },
      { name: 'c', type: 'uint8' },
    ],
    hex: '00000102',
    value: { a: 258, b: 1, c: 2 },
  },
  {
    name: 'a constant',
    fields: [
      { type: 'uint16', value: 0xaa55 },
      { name: 'v', type: 'uint8' },
    ],
    hex: 'aa5507',
    value: { v: 7 },
  },
  {
    name: 'a text of told length',
    fields: [
      { name: 'n', type: 'uint8', hidden: true },
      { name: 'v', type: 'ascii', length: { field: 'n' } },
    ],
    hex: '03414243',
    value: { v: 'ABC' },
  },
  {
    name: 'a group',
    fields: [
      {
        name: 'gps',
        type: 'group',
        fields: [
          { name: 'lat', type: 'int16' },
          { name: 'lon', type: 'int16' },
        ],
      },
    ],
    hex: '0001ffff',
    value: { gps: { lat: 1, lon: -1 } },
  },
  {
    name: 'a group of fixed length',
    fields: [
      { name: 'g', type: 'group', length: 4, fields: [{ name: 'x', type: 'uint8', at: 1 }] },
      { name: 'y', type: 'uint8' },
    ],
    hex: '0001000002',
    value: { g: { x: 1 }, y: 2 },
  },
  {
    name: 'a repetition to the end',
    fields: [
      {
        name: 'list',
        type: 'repeat',
        fields: [
          { name: 'a', type: 'uint8' },
          { name: 'b', type: 'uint8' },
        ],
      },
    ],
    hex: '01020304',
    value: {
      list: [
        { a: 1, b: 2 },
        { a: 3, b: 4 },
      ],
    },
  },
  {
    name: 'a repetition of told number, of plain values',
    fields: [
      { name: 'n', type: 'uint8', hidden: true },
      {
        name: 'list',
        type: 'repeat',
        count: { field: 'n' },
        fields: [{ type: 'int16', scale: 0.1, value: undefined, name: undefined }],
      },
      { name: 'end', type: 'uint8' },
    ],
    hex: '0200d7ffd707',
    value: { list: [21.5, -4.1], end: 7 },
  },
  {
    name: 'a repetition as keys',
    fields: [
      {
        name: 'probe',
        type: 'repeat',
        count: 2,
        into: 'keys',
        fields: [{ name: 't', type: 'int8' }],
      },
    ],
    hex: '01ff',
    value: { probe: { '1': { t: 1 }, '2': { t: -1 } } },
  },
  {
    name: 'places within a repetition',
    fields: [
      {
        name: 'list',
        type: 'repeat',
        fields: [
          { name: 'b', type: 'uint8', at: 1 },
          { name: 'a', type: 'uint8', at: 0 },
          { type: 'skip', length: 1 },
        ],
      },
    ],
    hex: '01020304',
    value: {
      list: [
        { a: 1, b: 2 },
        { a: 3, b: 4 },
      ],
    },
  },
  {
    name: 'a condition that holds',
    fields: [
      { name: 'kind', type: 'uint8', enum: { 1: 'hot', 2: 'wet' } },
      { name: 't', type: 'int8', when: { field: 'kind', equals: 1 } },
      { name: 'h', type: 'uint8', when: { field: 'kind', in: [2, 3] } },
    ],
    hex: '01ff',
    value: { kind: 'hot', t: -1 },
  },
  {
    name: 'conditions of every form',
    fields: [
      { name: 'k', type: 'uint8' },
      { name: 'a', type: 'uint8', when: { field: 'k', bit: 1 } },
      { name: 'b', type: 'uint8', when: { field: 'k', not: 6 } },
      {
        name: 'c',
        type: 'uint8',
        when: {
          all: [
            { field: 'k', min: 6 },
            { field: 'k', max: 6 },
          ],
        },
      },
      {
        name: 'd',
        type: 'uint8',
        when: {
          any: [
            { field: 'k', equals: 1 },
            { field: 'k', equals: 6 },
          ],
        },
      },
      { name: 'e', type: 'uint8', when: { left: 1 } },
      { name: 'f', type: 'uint8', when: { left: 1 } },
    ],
    hex: '0601020304',
    value: { k: 6, a: 1, c: 2, d: 3, e: 4 },
  },
  {
    name: 'fields that a value chooses',
    fields: [
      { name: 'kind', type: 'uint8' },
      {
        type: 'choose',
        by: 'kind',
        cases: { 1: [{ name: 't', type: 'int8' }], '0x10': [{ name: 'h', type: 'uint16' }] },
      },
    ],
    hex: '100102',
    value: { kind: 16, h: 258 },
  },
  {
    name: 'a choice that the value implies',
    fields: [
      { name: 'kind', type: 'uint8', hidden: true },
      {
        type: 'choose',
        by: 'kind',
        cases: { 1: [{ name: 't', type: 'int8' }], 2: [{ name: 'h', type: 'uint8' }] },
      },
    ],
    hex: '0207',
    value: { h: 7 },
  },
  {
    name: 'tags, lengths and values into one object',
    fields: [
      {
        type: 'repeat',
        into: 'here',
        fields: [
          { name: 'tag', type: 'uint8', hidden: true },
          { name: 'size', type: 'uint8', hidden: true },
          {
            type: 'group',
            length: { field: 'size' },
            fields: [
              {
                type: 'choose',
                by: 'tag',
                cases: {
                  1: [{ name: 't', type: 'int16', scale: 0.1 }],
                  2: [{ name: 'h', type: 'uint8', scale: 0.5 }],
                },
                otherwise: [],
              },
            ],
          },
        ],
      },
    ],
    hex: '010200d70901ff020165',
    value: { t: 21.5, h: 50.5 },
    back: null,
  },
  {
    name: 'units',
    fields: [
      { name: 't', type: 'int8', unit: 'Cel' },
      { name: 'n', type: 'uint8' },
    ],
    beside: { units: true },
    hex: 'ff01',
    value: { t: { value: -1, unit: 'Cel' }, n: 1 },
  },
  {
    name: 'no value',
    fields: [{ name: 't', type: 'int16', scale: 0.1, invalid: [-32768, 32767] }],
    hex: '8000',
    value: { t: null },
  },
  {
    name: 'a name that objects have of their own',
    fields: [{ name: 'constructor', type: 'uint8' }],
    hex: '07',
    value: { constructor: 7 },
  },
]

describe('layout: fields', () => {
  it.each(ROWS)('$name', ({ fields, beside = {}, hex: text, value, back = text }) => {
    const options = { ...beside, fields: fields.map(withoutUndefined) }
    expect(complaintOf(options)).toBe('none')
    expect(decode(options, text)).toEqual(value)
    if (back === null) expect(faultOf(() => encode(options, value)).code).toBe('codec.unsupported')
    else expect(encode(options, value)).toBe(back)
  })

  it('warns of values that the device has not, and of counts without a name', () => {
    const options = {
      fields: [
        { name: 't', type: 'int16', invalid: 0x7fff },
        { name: 'mode', type: 'uint8', enum: { 0: 'off' } },
        { name: 'level', type: 'float32' },
      ],
    }
    expect(warningsOf(options, '7fff097f800000')).toEqual([
      't: the device has no value',
      'mode: 9 has no name',
      'level: the device has no value',
    ])
  })
})

function withoutUndefined(field: object): object {
  return JSON.parse(JSON.stringify(field))
}

describe('layout: checksums', () => {
  // The values of the text "123456789" in the catalogue of CRCs; the others by hand.
  it.each([
    ['crc16-modbus', '374b'],
    ['crc16-ibm', 'bb3d'],
    ['crc16-ccitt', '29b1'],
    ['crc16-xmodem', '31c3'],
    ['crc16-kermit', '2189'],
    ['crc8', 'f4'],
    ['crc8-maxim', 'a1'],
    ['crc32', 'cbf43926'],
    ['xor8', '31'],
    ['sum8', 'dd'],
    ['sum8-complement', '23'],
    ['sum16', '01dd'],
  ])('%s', (type, sum) => {
    const options = { checksum: { type }, fields: [{ name: 'v', type: 'ascii', length: 'rest' }] }
    const text = `313233343536373839${sum}`
    expect(decode(options, text)).toEqual({ v: '123456789' })
    expect(encode(options, { v: '123456789' })).toBe(text)
    expect(faultOf(() => decode(options, `00${text.slice(2)}`))).toMatchObject({
      code: 'codec.checksum',
      offset: 9,
    })
  })

  it('may lie anywhere and be about any bytes', () => {
    const options = {
      checksum: { type: 'sum8', at: 1, from: 2, to: 4 },
      fields: [
        { name: 'a', type: 'uint8', at: 0 },
        { name: 'b', type: 'uint16', at: 2 },
      ],
    }
    expect(decode(options, 'ff030102')).toEqual({ a: 255, b: 258 })
    expect(encode(options, { a: 255, b: 258 })).toBe('ff030102')
    expect(faultOf(() => decode(options, 'ff040102'))).toMatchObject({ code: 'codec.checksum' })
    expect(faultOf(() => decode(options, 'ff')).code).toBe('codec.truncated')
  })
})

describe('layout: ports, downlinks and messages', () => {
  const options = {
    endian: 'little',
    ports: {
      1: { fields: [{ name: 't', type: 'int16', scale: 0.1 }] },
      2: { endian: 'big', fields: [{ name: 'h', type: 'uint16' }] },
    },
    downlink: {
      fPort: 9,
      fields: [
        { type: 'uint8', value: 1 },
        { name: 'interval', type: 'uint16' },
      ],
    },
  }

  it('chooses by fPort', () => {
    expect(decode(options, 'd700', 1)).toEqual({ t: 21.5 })
    expect(decode(options, '00d7', 2)).toEqual({ h: 215 })
    expect(faultOf(() => decode(options, '00d7', 3))).toMatchObject({
      code: 'codec.unsupported',
      message: 'layout: expected fPort 1, 2, found 3',
    })
    expect(faultOf(() => decode(options, '00d7')).code).toBe('codec.unsupported')
    const usual = { ...options, fields: [{ name: 'raw', type: 'hex', length: 'rest' }] }
    expect(decode(usual, '00d7', 3)).toEqual({ raw: '00d7' })
  })

  it('writes downlinks of their own form, on their own port', () => {
    const codec = openWith('layout', options)
    const { bytes, fPort } = codec.encode!({ interval: 600 }, FACTS)
    expect({ text: hex(bytes), fPort }).toEqual({ text: '015802', fPort: 9 })
  })

  it('makes a message of each item of a list', () => {
    const codec = openWith('layout', {
      messages: 'log',
      fields: [
        { name: 'battery', type: 'uint8' },
        {
          name: 'log',
          type: 'repeat',
          fields: [
            { name: 'time', type: 'timestamp' },
            { name: 't', type: 'int8' },
          ],
        },
      ],
    })
    const { value } = codec.decode(fromHex('636592008001659200bcff'), FACTS)
    expect(codec.split!(value)).toEqual([
      { body: { battery: 99, time: '2024-01-01T00:00:00.000Z', t: 1 } },
      { body: { battery: 99, time: '2024-01-01T00:01:00.000Z', t: -1 } },
    ])
    expect(codec.split!(codec.decode(fromHex('63'), FACTS).value)).toHaveLength(1)
  })
})

describe('layout: bad input', () => {
  const pair = [
    { name: 'a', type: 'uint8' },
    { name: 'b', type: 'uint16' },
  ]

  it.each([
    [{ fields: pair }, '', 'codec.truncated', 0],
    [{ fields: pair }, '0102', 'codec.truncated', 1],
    [{ fields: pair }, '01020304', 'codec.trailing_bytes', 3],
    [{ fields: pair, length: 4 }, '010203', 'codec.truncated', 3],
    [{ fields: pair, length: { max: 3 } }, '01020304', 'codec.trailing_bytes', 3],
    [{ fields: [{ name: 'a', type: 'uint', bits: 9 }] }, '01', 'codec.truncated', 0],
    [{ fields: [{ name: 'a', type: 'bcd' }] }, '1a', 'codec.malformed', 0],
    [{ fields: [{ name: 'a', type: 'ascii', length: 1 }] }, '80', 'codec.malformed', 0],
    [{ fields: [{ name: 'a', type: 'utf8', length: 1 }] }, '80', 'codec.malformed', 0],
    [{ fields: [{ name: 'a', type: 'ascii', until: 0 }] }, '4142', 'codec.truncated', 0],
    [{ fields: [{ type: 'uint8', value: 1 }] }, '02', 'codec.malformed', 0],
    [{ fields: [{ name: 'a', type: 'uint8', at: -3 }] }, '02', 'codec.malformed', 0],
    [{ fields: [{ name: 'a', type: 'uint8', at: 9 }] }, '02', 'codec.truncated', 9],
    [{ fields: [{ name: 'a', type: 'uint', bits: 1, at: -3 }] }, '02', 'codec.malformed', 0],
    [
      { fields: [{ name: 'a', type: 'timestamp', length: 8, resolution: 'ms' }] },
      'ffffffffffffffff',
      'codec.out_of_range',
      0,
    ],
    [
      {
        fields: [
          { name: 'n', type: 'uint32' },
          { name: 'a', type: 'hex', length: { field: 'n' } },
        ],
      },
      'ffffffff00',
      'codec.truncated',
      4,
    ],
    [
      {
        fields: [
          { name: 'n', type: 'uint32' },
          {
            name: 'a',
            type: 'repeat',
            count: { field: 'n' },
            fields: [{ type: 'uint8', name: 'x' }],
          },
        ],
      },
      'ffffffff00',
      'codec.truncated',
      5,
    ],
    [
      {
        fields: [
          { name: 'n', type: 'uint32' },
          {
            name: 'a',
            type: 'repeat',
            count: { field: 'n' },
            fields: [{ type: 'uint8', name: 'x', when: { field: 'n', equals: 1 } }],
          },
        ],
      },
      'ffffffff00',
      'codec.malformed',
      4,
    ],
    [
      {
        fields: [
          { name: 'k', type: 'uint8' },
          { type: 'choose', by: 'k', cases: { 1: [] } },
        ],
      },
      '02',
      'codec.unsupported',
      1,
    ],
    [
      {
        fields: [
          { name: 'f', type: 'float32' },
          { name: 'a', type: 'hex', length: { field: 'f' } },
        ],
      },
      '3f000000',
      'codec.malformed',
      4,
    ],
  ])('%j on %s', (options, text, code, offset) => {
    expect(faultOf(() => decode(options, text))).toMatchObject({ code, offset })
  })

  it('lets bytes stand behind the fields where the layout says so', () => {
    expect(decode({ fields: pair, trailing: 'ignore' }, '01020304')).toEqual({ a: 1, b: 515 })
  })

  it.each<[object, Json, string]>([
    [{ fields: pair }, 7, 'codec.wrong_type'],
    [{ fields: pair }, { a: 1 }, 'codec.wrong_type'],
    [{ fields: pair }, { a: '1x', b: 1 }, 'codec.wrong_type'],
    [{ fields: pair }, { a: null, b: 1 }, 'codec.wrong_type'],
    [{ fields: pair }, { a: 256, b: 1 }, 'codec.out_of_range'],
    [{ fields: pair }, { a: -1, b: 1 }, 'codec.out_of_range'],
    [{ fields: pair, length: 2 }, { a: 1, b: 1 }, 'codec.wrong_type'],
    [{ fields: one({ type: 'int', bits: 3 }) }, { v: 4 }, 'codec.out_of_range'],
    [{ fields: one({ type: 'uint8', enum: { 0: 'off' } }) }, { v: 'on' }, 'codec.wrong_type'],
    [{ fields: one({ type: 'bool' }) }, { v: 'yes' }, 'codec.wrong_type'],
    [{ fields: one({ type: 'bcd' }) }, { v: 100 }, 'codec.out_of_range'],
    [{ fields: one({ type: 'bcd' }) }, { v: -1 }, 'codec.out_of_range'],
    [{ fields: one({ type: 'float32' }) }, { v: 'x' }, 'codec.wrong_type'],
    [{ fields: one({ type: 'ascii', length: 1 }) }, { v: 'AB' }, 'codec.wrong_type'],
    [{ fields: one({ type: 'ascii', length: 1 }) }, { v: 'ä' }, 'codec.wrong_type'],
    [{ fields: one({ type: 'hex', length: 1 }) }, { v: 'f' }, 'codec.wrong_type'],
    [{ fields: one({ type: 'timestamp' }) }, { v: 'soon' }, 'codec.wrong_type'],
    [{ fields: one({ type: 'timestamp' }) }, { v: -1_000 }, 'codec.out_of_range'],
    [{ fields: one({ type: 'uint8', at: -1 }) }, { v: 1 }, 'codec.unsupported'],
    [{ fields: one({ type: 'bitmap', flags: { 0: 'a' } }) }, { v: 1 }, 'codec.wrong_type'],
    [{ fields: one({ type: 'group', fields: pair }) }, { v: 1 }, 'codec.wrong_type'],
    [{ fields: one({ type: 'repeat', count: 2, fields: pair }) }, { v: [] }, 'codec.wrong_type'],
    [{ fields: one({ type: 'repeat', fields: pair }) }, { v: [1] }, 'codec.wrong_type'],
  ])('encode %j of %j', (options, value, code) => {
    expect(faultOf(() => encode(options, value)).code).toBe(code)
  })
})

describe('layout: bad options', () => {
  it.each([
    [{}, 'fields: expected fields or ports, found neither'],
    [{ fields: [] }, 'fields: expected fields, found none'],
    [{ fields: [{ type: 'word', name: 'a' }] }, 'fields.0.type: '],
    [{ fields: [{ type: 'uint8', nam: 'a' }] }, 'fields.0: '],
    [{ fields: [{ type: 'uint8' }] }, 'expected a name or a constant value, found neither'],
    [{ fields: one({ type: 'uint16', length: 2 }) }, 'expected no length beside uint16, found one'],
    [{ fields: one({ type: 'uint', length: 9 }) }, 'expected 1 to 8 bytes'],
    [{ fields: one({ type: 'uint24', endian: 'CDAB' }) }, 'expected an even length for CDAB'],
    [{ fields: one({ type: 'uint8', bit: 6, bits: 3 }) }, 'expected bits within 1 bytes'],
    [{ fields: one({ type: 'float', length: 3 }) }, 'expected 2, 4 or 8 bytes for a float'],
    [
      { fields: one({ type: 'ascii' }) },
      'expected length or until for ascii, found neither or both',
    ],
    [{ fields: one({ type: 'bitmap' }) }, 'expected names of bits'],
    [{ fields: one({ type: 'group' }) }, 'expected the fields of v, found none'],
    [{ fields: one({ type: 'choose' }) }, 'expected by and cases'],
    [{ fields: one({ type: 'skip' }) }, 'expected length or bits to skip'],
    [{ fields: one({ type: 'timestamp', since: 'once' }) }, 'expected a day or time in ISO 8601'],
    [{ fields: one({ type: 'uint8', scale: 0 }) }, 'expected another number than 0'],
    [{ fields: [{ type: 'uint8', name: '__proto__' }] }, 'expected another name'],
    [
      {
        fields: [
          { type: 'uint8', name: 'kind' },
          { type: 'uint8', name: 'a', when: { field: 'knd', equals: 1 } },
        ],
      },
      'fields.1.when: expected the name of a field before it, found knd; did you mean kind?',
    ],
    [{ fields: one({ type: 'uint8', when: {} }) }, 'expected field, left, all or any'],
    [
      { fields: [{ type: 'uint8', name: 'a' }, ...one({ type: 'uint8', when: { field: 'a' } })] },
      'expected equals, not, in, min, max or bit',
    ],
    [{ fields: one({ type: 'uint8' }), checksum: { type: 'md5' } }, 'checksum.type'],
    [
      { fields: one({ type: 'uint8' }), messages: 'log' },
      'expected the name of a field that repeats',
    ],
    [{ ports: { 1: {} } }, 'ports.1.fields: '],
  ])('%j', (options, says) => {
    expect(complaintOf(options)).toContain(says)
  })
})

describe('layout: properties', () => {
  const meter: object = {
    checksum: { type: 'crc16-modbus' },
    fields: [
      { name: 'address', type: 'uint8' },
      { name: 'flags', type: 'bitmap', length: 2, flags: { 0: 'low', 15: 'door' } },
      { name: 'mode', type: 'uint', bits: 3 },
      { name: 'level', type: 'int', bits: 13 },
      { name: 'count', type: 'uint8', hidden: true },
      {
        name: 'probes',
        type: 'repeat',
        count: { field: 'count' },
        fields: [
          { name: 't', type: 'int16', scale: 0.1, endian: 'little' },
          { name: 'total', type: 'uint64' },
        ],
      },
      { name: 'label', type: 'utf8', until: 0 },
    ],
  }

  it('gives back every value that it writes', () => {
    const value = fc.record({
      address: fc.integer({ min: 0, max: 255 }),
      flags: fc.record({ low: fc.boolean(), door: fc.boolean() }),
      mode: fc.integer({ min: 0, max: 7 }),
      level: fc.integer({ min: -4096, max: 4095 }),
      probes: fc.array(
        fc.record({
          t: fc.integer({ min: -32768, max: 32767 }).map((counts) => counts / 10),
          total: fc.oneof(fc.nat(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }).map(String)),
        }),
        { maxLength: 5 },
      ),
      label: fc.string({ maxLength: 9, unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    })
    fc.assert(
      fc.property(value, (given) => {
        const plain: Json = JSON.parse(JSON.stringify(given))
        expect(decode(meter, encode(meter, plain))).toEqual(plain)
      }),
      SEEDED,
    )
  })

  it('gives back every number of 16 bits that is one', () => {
    const half = openWith('layout', { fields: one({ type: 'float16' }) })
    for (let bits = 0; bits < 65_536; bits++) {
      if (((bits >> 10) & 31) === 31 || bits === 0x8000) continue
      const { value } = half.decode(Uint8Array.of(bits >> 8, bits & 255), FACTS)
      const { bytes } = half.encode!(value, FACTS)
      if (((bytes[0]! << 8) | bytes[1]!) !== bits) throw new Error(`${bits} became ${hex(bytes)}`)
    }
  })

  it('refuses 100,000 broken messages in its own words only', () => {
    const codec = openWith('layout', { ...meter, checksum: undefined, trailing: 'ignore' })
    const { decoded, refused } = fuzz(codec, [
      fromHex('0180010005020100000000000000070200000000000000094142'.concat('00')),
      fromHex('018001000500414200'),
    ])
    expect(decoded + refused).toBe(100_000)
    expect(decoded).toBeGreaterThan(1_000)
    expect(refused).toBeGreaterThan(1_000)
  })

  it('refuses 100,000 broken chains of tags in its own words only', () => {
    const codec: Codec = openWith('layout', {
      fields: ROWS.find(({ name }) => name.startsWith('tags'))!.fields,
    })
    const { decoded, refused } = fuzz(codec, [fromHex('010200d70901ff020165')])
    expect(decoded).toBeGreaterThan(1_000)
    expect(refused).toBeGreaterThan(1_000)
  })

  it('opens or refuses any options, in its own words', () => {
    const field = fc.record(
      {
        type: fc.constantFrom(
          'uint',
          'int16',
          'float32',
          'ascii',
          'repeat',
          'group',
          'choose',
          'skip',
          'bcd',
        ),
        name: fc.constantFrom('a', 'b', 'c'),
        at: fc.integer({ min: -9, max: 9 }),
        length: fc.oneof(
          fc.integer({ min: -2, max: 9 }),
          fc.constant('rest'),
          fc.constant({ field: 'a' }),
        ),
        bits: fc.integer({ min: 1, max: 48 }),
        bit: fc.integer({ min: 0, max: 47 }),
        endian: fc.constantFrom('big', 'little', 'CDAB', 'BADC'),
        when: fc.constantFrom({ field: 'a', equals: 1 }, { left: 2 }),
        fields: fc.constant([{ name: 'x', type: 'uint8' }]),
        by: fc.constantFrom('a', 'b'),
        cases: fc.constant({ 1: [{ name: 'y', type: 'uint8' }] }),
      },
      { requiredKeys: ['type'] },
    )
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 4 }),
        fc.uint8Array({ maxLength: 12 }),
        (fields, bytes) => {
          if (complaintOf({ fields }) !== 'none') return
          const codec = openWith('layout', { fields })
          for (const run of [
            () => codec.decode(bytes, FACTS),
            () => codec.encode!({ a: 1, b: [1], c: { x: 1 }, x: 1, y: 1 }, FACTS),
          ]) {
            try {
              run()
            } catch (error) {
              if (!(error instanceof CoreError) || !error.code.startsWith('codec.')) throw error
            }
          }
        },
      ),
      { seed: 9, numRuns: 3_000 },
    )
  })
})
