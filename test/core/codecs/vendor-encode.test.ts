import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Codec, CoreError, type Json } from '../../../core/index.ts'
import { fromHex, openWith } from './vendor-kit.ts'

// What encoders say to values that nobody would send on purpose.

const LAYOUT = {
  checksum: { type: 'crc16-modbus' },
  fields: [
    { name: 'n', type: 'uint8', hidden: true },
    { name: 'a', type: 'int', bits: 5 },
    { name: 'b', type: 'uint', bits: 3, enum: { 0: 'off', 1: 'on' } },
    {
      name: 'list',
      type: 'repeat',
      count: { field: 'n' },
      fields: [{ name: 't', type: 'int16', scale: 0.1 }],
    },
    {
      name: 'g',
      type: 'group',
      fields: [
        { name: 'at', type: 'timestamp' },
        { name: 'f', type: 'float16' },
      ],
    },
    { name: 'bits', type: 'bitmap', flags: { 0: 'x' } },
    { name: 'digits', type: 'bcd', length: 2 },
    { name: 'label', type: 'utf8', until: 0 },
  ],
}

const CASES: readonly { name: string; codec: () => Codec; seeds: readonly string[] }[] = [
  {
    name: 'cayenne-lpp',
    codec: () => openWith('cayenne-lpp'),
    seeds: ['0167011b0371000100020003018806765ff2960a0003e8', '0387010203018e01'],
  },
  {
    name: 'teltonika',
    codec: () =>
      openWith('teltonika', { io: { 21: { name: 'signal', signed: true, scale: 0.5 } } }),
    seeds: [
      '08010000016b40d8ea30010000000000000000000000000000000105021503010101425e0f01f10000601a014e000000000000000001',
    ],
  },
  {
    name: 'ruuvi',
    codec: () => openWith('ruuvi'),
    seeds: [
      '0512fc5394c37c0004fffc040cac364200cdcbb8334c884f',
      '06170c5668c79e007000c90501d9ffcd004c884f',
    ],
  },
  { name: 'layout', codec: () => openWith('layout', LAYOUT), seeds: [] },
]

/** What takes the place of a part of a value. */
const ODD = fc.oneof(
  fc.constantFrom<Json>(null, true, '', 'x', '-1', '9'.repeat(40), [], {}, [[]], { hex: 'zz' }),
  fc.constantFrom<Json>(Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, -1, 0.5, 1e21, 2 ** 53),
  fc.integer(),
)

/** The value with one part of it replaced. */
function changed(value: Json, path: readonly number[], odd: Json): Json {
  const [first, ...rest] = path
  if (first === undefined || typeof value !== 'object' || value === null) return odd
  if (Array.isArray(value))
    return value.map((item, index) =>
      index === first % value.length ? changed(item, rest, odd) : item,
    )
  const keys = Object.keys(value)
  return Object.fromEntries(
    Object.entries(value).map(([key, item], index) => [
      key,
      index === first % keys.length ? changed(item, rest, odd) : item,
    ]),
  )
}

describe.each(CASES)('$name: encoding anything', ({ codec: open, seeds }) => {
  const codec = open()
  const valid: readonly Json[] =
    seeds.length > 0
      ? seeds.map((text) => codec.decode(fromHex(text), { receivedAt: 0 }).value)
      : [
          {
            a: -3,
            b: 'on',
            list: [{ t: 21.5 }],
            g: { at: '2026-01-31T12:00:00Z', f: 0.5 },
            bits: { x: true },
            digits: 1234,
            label: 'hall',
          },
        ]

  it('writes bytes, or refuses in words of its own', () => {
    let written = 0
    let refused = 0
    const run = (value: Json): void => {
      try {
        const { bytes } = codec.encode!(value, { receivedAt: 0 })
        expect(bytes).toBeInstanceOf(Uint8Array)
        written++
      } catch (error) {
        if (!(error instanceof CoreError) || !error.code.startsWith('codec.'))
          throw new Error(JSON.stringify(value), { cause: error })
        refused++
      }
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...valid),
        fc.array(fc.nat(20), { maxLength: 5 }),
        ODD,
        (value, path, odd) => run(changed(value, path, odd)),
      ),
      { seed: 9, numRuns: 10_000 },
    )
    fc.assert(
      fc.property(fc.jsonValue(), (value) => run(JSON.parse(JSON.stringify(value)))),
      { seed: 9, numRuns: 2_000 },
    )
    expect(written).toBeGreaterThan(10)
    expect(refused).toBeGreaterThan(100)
  })
})
