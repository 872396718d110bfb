import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type Json } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { faultOf, fromHex, fuzz, hex, openWith, SEEDED } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }

interface Reading {
  readonly channel: number
  readonly type: number
  readonly name: string
  readonly value: number | Readonly<Record<string, number>>
}

interface Case {
  readonly id: string
  readonly kind: 'roundtrip' | 'encode' | 'decode' | 'error' | 'decode-count'
  readonly hex: string
  readonly readings: readonly Reading[]
  readonly count?: number
  readonly decodedPayload?: Json
  readonly chirpstackKey?: string
}

interface Vectors {
  readonly tolerance: number
  readonly cases: readonly Case[]
  readonly suspect: readonly (Case & { readonly name: string })[]
  readonly downlink: readonly {
    readonly name: string
    readonly hex: string
    readonly values?: Readonly<Record<string, number>>
    readonly keys?: Readonly<Record<string, number>>
    readonly error?: string
  }[]
}

function decode(text: string, options: object = {}): Json {
  return openWith('cayenne-lpp', options).decode(fromHex(text), FACTS).value
}

function encode(value: unknown, options: object = {}): string {
  return hex(openWith('cayenne-lpp', options).encode!(value as Json, FACTS).bytes)
}

/** Encoders of these cut where the count is a fraction of 0.00001 too small; so does `rounding: down`. */
const CUT = new Set([
  'ttn-go:enc-gyro (truncation artefact 0xFE67)',
  'ttn-go:enc-gps (truncation artefact ..F4)',
])

/** It cuts numbers of 32 bits; its bytes say 42.3518 where the documentation of myDevices has 42.3519, as we do. */
const DEVIATIONS = new Map([['riot:doc-3-encode', '018806765ff2960a0003e8']])

describeWithShared('cayenne-lpp agrees with nine libraries', 'vectors/cayenne-lpp.json', () => {
  const { cases, suspect, downlink } = readVectors<Vectors>('cayenne-lpp.json')
  const ofKind = (...kinds: readonly Case['kind'][]): Case[] =>
    cases.filter(({ kind }) => kinds.includes(kind))

  it('has all cases', () => {
    const decoded = ofKind('roundtrip', 'decode').length
    expect({
      all: cases.length,
      decoded,
      encoded: ofKind('roundtrip', 'encode').length,
      refused: ofKind('error').length,
      suspect: suspect.length,
      downlink: downlink.length,
    }).toEqual(COUNTS)
  })

  it.each(ofKind('roundtrip', 'decode'))('decodes $id', ({ hex: text, readings }) => {
    expect(decode(text)).toEqual(readings)
  })

  it.each(ofKind('decode-count'))('decodes $id', ({ hex: text, count }) => {
    expect(decode(text)).toHaveLength(count!)
  })

  it.each(ofKind('roundtrip', 'encode').filter(({ id }) => !CUT.has(id) && !DEVIATIONS.has(id)))(
    'encodes $id',
    ({ hex: text, readings }) => {
      expect(encode(readings)).toBe(text)
    },
  )

  it.each(cases.filter(({ id }) => CUT.has(id)))(
    'encodes $id where values are cut',
    ({ hex: text, readings }) => {
      expect(encode(readings, { rounding: 'down' })).toBe(text)
      expect(encode(readings)).not.toBe(text)
    },
  )

  it.each(cases.filter(({ id }) => DEVIATIONS.has(id)))('deviates at $id', ({ id, readings }) => {
    expect(encode(readings)).toBe(DEVIATIONS.get(id))
  })

  it.each(ofKind('error'))('refuses $id', ({ hex: text }) => {
    expect(faultOf(() => decode(text)).code).toMatch(/^codec\.(unsupported|truncated)$/)
  })

  it.each(cases.filter(({ decodedPayload }) => decodedPayload !== undefined))(
    'gives the keys of $id',
    ({ hex: text, decodedPayload }) => {
      expect(decode(text, { form: 'keys' })).toEqual(decodedPayload)
      expect(hex(fromHex(encode(decodedPayload)))).toBe(text)
    },
  )

  it.each(cases.filter(({ chirpstackKey }) => chirpstackKey !== undefined))(
    'gives the form of $id',
    ({ hex: text, chirpstackKey, readings }) => {
      const channels = Object.fromEntries(readings.map(({ channel, value }) => [channel, value]))
      expect(decode(text, { form: 'chirpstack' })).toEqual({ [chirpstackKey!]: channels })
      expect(encode({ [chirpstackKey!]: channels })).toBe(text)
    },
  )

  // The vectors say why each of them contradicts the format or its own bytes.
  it.each(suspect)('differs from $name of upstream', ({ hex: text, readings }) => {
    let found: unknown
    try {
      found = decode(text)
    } catch {
      found = 'refused'
    }
    expect(found).not.toEqual(readings)
  })

  it.each(downlink)('downlink $name', ({ hex: text, values, keys, error }) => {
    if (error !== undefined) {
      expect(faultOf(() => decode(text, { direction: 'downlink' })).code).toBe('codec.truncated')
      return
    }
    expect(decode(text, { direction: 'downlink' })).toEqual(values)
    expect(encode(values, { endByte: text.endsWith('ff') })).toBe(text)
    if (keys !== undefined) {
      expect(encode(keys)).toBe(text)
      expect(decode(text, { direction: 'downlink', form: 'keys' })).toEqual(keys)
    }
  })
})

const COUNTS = { all: 63, decoded: 50, encoded: 51, refused: 3, suspect: 4, downlink: 3 }

describe('cayenne-lpp: telemetry', () => {
  it('keeps channel and type of each value; rules see one key for each', () => {
    const codec = openWith('cayenne-lpp')
    const { value } = codec.decode(fromHex('0367011005670100'), FACTS)
    expect(value).toEqual([
      { channel: 3, type: 103, name: 'temperature', value: 27.2 },
      { channel: 5, type: 103, name: 'temperature', value: 25.6 },
    ])
    expect(codec.split!(value)).toEqual([{ body: { temperature_3: 27.2, temperature_5: 25.6 } }])
  })

  it('loses no value of a channel that has two of one type', () => {
    const codec = openWith('cayenne-lpp')
    const { value } = codec.decode(fromHex('0366010366000366ff'), FACTS)
    const body = { presence_3: 1, presence_3_2: 0, presence_3_3: 255 }
    expect(codec.split!(value)).toEqual([{ body }])
    expect(encode(body)).toBe('0366010366000366ff')
  })

  it('takes what people write', () => {
    expect(encode([{ channel: 1, name: 'switch', value: true }])).toBe('018e01')
    expect(encode({ readings: [{ channel: 1, type: 103, value: -4.7 }] })).toBe('0167ffd1')
    expect(encode({ energy_2: 1.234, colour_3: { r: 1, g: 2, b: 3 } })).toBe(
      '0283000004d20387010203',
    )
    expect(encode({ load_4: -5.05, magnetometer_1: { x: 1.2, y: 0, z: -1.2 } })).toBe(
      '047affec46017204b00000fb50',
    )
    expect(decode('047affec46')).toEqual([{ channel: 4, type: 122, name: 'load', value: -5.05 }])
    expect(encode({ humidity_2: 50, digital_input_1: 1, rgb_3: { r: 1, g: 2, b: 3 } })).toBe(
      '0268640100010387010203',
    )
    expect(encode([])).toBe('')
    expect(decode('')).toEqual([])
  })
})

describe('cayenne-lpp: bad input', () => {
  it.each([
    ['03', 'codec.truncated', 0],
    ['0367', 'codec.truncated', 2],
    ['036701', 'codec.truncated', 2],
    ['0367010005', 'codec.truncated', 4],
    ['0367010001f0', 'codec.unsupported', 5],
    ['018806765ff2960a0003', 'codec.truncated', 2],
  ])('%s', (text, code, offset) => {
    expect(faultOf(() => decode(text))).toMatchObject({ code, offset })
  })

  it.each([
    ['02ec', 'codec.truncated', 1],
    ['02ec45ff01', 'codec.trailing_bytes', 4],
  ])('downlink %s', (text, code, offset) => {
    expect(faultOf(() => decode(text, { direction: 'downlink' }))).toMatchObject({ code, offset })
  })

  it.each([
    [7, 'codec.wrong_type'],
    [[7], 'codec.wrong_type'],
    [{ temperature: 7 }, 'codec.wrong_type'],
    [{ heat_1: 7 }, 'codec.wrong_type'],
    [{ temperature_1: '7' }, 'codec.wrong_type'],
    [{ temperature_1: null }, 'codec.wrong_type'],
    [{ temperature_256: 7 }, 'codec.wrong_type'],
    [{ accelerometer_1: 7 }, 'codec.wrong_type'],
    [{ accelerometer_1: { x: 1, y: 2 } }, 'codec.wrong_type'],
    [{ temperature_1: 3276.8 }, 'codec.out_of_range'],
    [{ relative_humidity_1: -1 }, 'codec.out_of_range'],
    [{ gps_1: { latitude: 900, longitude: 0, altitude: 0 } }, 'codec.out_of_range'],
    [{ value_1: 327.68 }, 'codec.out_of_range'],
    [{ value_1: 1, temperature_1: 7 }, 'codec.wrong_type'],
    [{ '255': 1 }, 'codec.wrong_type'],
    [[{ channel: 1.5, type: 103, value: 1 }], 'codec.wrong_type'],
    [[{ channel: 1, type: 104.5, value: 1 }], 'codec.wrong_type'],
  ])('encode %j', (value, code) => {
    expect(faultOf(() => encode(value)).code).toBe(code)
  })
})

describe('cayenne-lpp: properties', () => {
  it('gives back every frame that it reads', () => {
    const frame = fc.array(
      fc.oneof(
        ...[0, 1, 2, 3, 100, 101, 102, 103, 104, 113, 114, 115, 116, 117, 118, 120].map(one),
        ...[121, 122, 125, 128, 130, 131, 132, 133, 134, 135, 136, 142].map(one),
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(frame, (parts) => {
        const text = parts.join('')
        const value = decode(text)
        expect(encode(value)).toBe(text)
        for (const item of Array.isArray(value) ? value : []) expect(isJsonObject(item)).toBe(true)
        expect(encode(openWith('cayenne-lpp').split!(value)[0]!.body)).toBe(text)
      }),
      SEEDED,
    )
  })

  it('refuses 100,000 broken frames in its own words only', () => {
    const { decoded, refused } = fuzz(openWith('cayenne-lpp'), [
      fromHex('0167011b0371000100020003018806765ff2960a0003e8'),
      fromHex('0302000a058e01038700010203820000011003850000000a'),
    ])
    expect(decoded + refused).toBe(100_000)
    expect(decoded).toBeGreaterThan(1_000)
    expect(refused).toBeGreaterThan(1_000)
  })
})

const SIZES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  100: 4,
  101: 2,
  102: 1,
  103: 2,
  104: 1,
  113: 6,
  114: 6,
  115: 2,
  116: 2,
  117: 2,
  118: 4,
  120: 1,
  121: 2,
  122: 3,
  125: 2,
  128: 2,
  130: 4,
  131: 4,
  132: 2,
  133: 4,
  134: 6,
  135: 3,
  136: 9,
  142: 1,
}

/** One value of a type, with any channel and any bytes. */
function one(type: number): fc.Arbitrary<string> {
  const size = SIZES[type]!
  return fc
    .uint8Array({ minLength: size + 1, maxLength: size + 1 })
    .map((bytes) => hex(Uint8Array.of(bytes[0]!, type, ...bytes.subarray(1))))
}
