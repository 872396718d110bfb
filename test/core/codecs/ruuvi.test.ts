import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type Json } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { faultOf, fromHex, fuzz, hex, openWith, SEEDED } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }

interface Case {
  readonly id: string
  readonly vendor: string
  readonly hex: string
  readonly expected: Readonly<Record<string, Json>>
}

function decode(text: string): Json {
  return openWith('ruuvi').decode(fromHex(text), FACTS).value
}

function encode(value: unknown): string {
  return hex(openWith('ruuvi').encode!(value as Json, FACTS).bytes)
}

function bodyOf(text: string): Json {
  return openWith('ruuvi').split!(decode(text))[0]!.body
}

describeWithShared('ruuvi agrees with its specification', 'vectors/payloads.json', () => {
  const all = readVectors<{ cases: readonly Case[] }>('payloads.json').cases
  const cases = all.filter(({ vendor }) => vendor === 'RuuviTag')
  const heard = all.filter(({ vendor }) => vendor === 'ruuvitag')

  it('has all cases', () => {
    expect({ cases: cases.length, heard: heard.length }).toEqual({ cases: 2, heard: 2 })
  })

  it.each(cases)('decodes and encodes $id', ({ hex: text, expected }) => {
    expect(decode(text)).toEqual(expected)
    expect(encode(expected)).toBe(text)
  })

  // The collector that they are from has units and names of its own: hPa, mg, and a battery in percent.
  it.each(heard)('decodes $id, as a controller reports it', ({ hex: text, expected }) => {
    const value = bodyOf(text)
    if (!isJsonObject(value)) throw new Error('expected an object')
    const found = {
      temperature: value['temperature'],
      humidity: value['humidity'],
      pressure: Number(value['pressure']) / 100,
      rssi: value['rssi'],
      mac: String(value['mac']).replaceAll(':', ''),
      ...(value['voltage'] === undefined
        ? {}
        : {
            voltage: value['voltage'],
            'acceleration x': Number(value['accelerationX']) * 1_000,
            'acceleration y': Number(value['accelerationY']) * 1_000,
            'acceleration z': Number(value['accelerationZ']) * 1_000,
          }),
      firmware: `Ruuvitag V${value['dataFormat']}`,
    }
    expect(expected).toMatchObject(found)
    expect(Object.keys(found).length).toBeGreaterThan(5)
  })
})

/** Of the specifications of the formats. */
const TABLE: readonly { name: string; hex: string; value: Readonly<Record<string, Json>> }[] = [
  {
    name: '3, maximum',
    hex: '03ff7f63ffff7fff7fff7fffffff',
    value: {
      'Data format': 3,
      Temperature: 127.99,
      Pressure: 115535,
      Humidity: 127.5,
      'Acceleration X': 32.767,
      'Acceleration Y': 32.767,
      'Acceleration Z': 32.767,
      Voltage: 65.535,
    },
  },
  {
    name: '3, minimum',
    hex: '0300ff6300008001800180010000',
    value: {
      'Data format': 3,
      Temperature: -127.99,
      Pressure: 50000,
      Humidity: 0,
      'Acceleration X': -32.767,
      'Acceleration Y': -32.767,
      'Acceleration Z': -32.767,
      Voltage: 0,
    },
  },
  {
    name: '5, valid',
    hex: '0512fc5394c37c0004fffc040cac364200cdcbb8334c884f',
    value: {
      'Data format': 5,
      Temperature: 24.3,
      Pressure: 100044,
      Humidity: 53.49,
      'Acceleration X': 0.004,
      'Acceleration Y': -0.004,
      'Acceleration Z': 1.036,
      'TX Power': 4,
      Voltage: 2.977,
      'Movement counter': 66,
      'Measurement Sequence': 205,
      MAC: 'CB B8 33 4C 88 4F',
    },
  },
  {
    name: '5, maximum',
    hex: '057ffffffefffe7fff7fff7fffffdefefffecbb8334c884f',
    value: {
      'Data format': 5,
      Temperature: 163.835,
      Pressure: 115534,
      Humidity: 163.835,
      'Acceleration X': 32.767,
      'Acceleration Y': 32.767,
      'Acceleration Z': 32.767,
      'TX Power': 20,
      Voltage: 3.646,
      'Movement counter': 254,
      'Measurement Sequence': 65534,
      MAC: 'CB B8 33 4C 88 4F',
    },
  },
  {
    name: '5, not available',
    hex: '058000ffffffff800080008000ffffffffffffffffffffff',
    value: {
      'Data format': 5,
      Temperature: null,
      Pressure: null,
      Humidity: null,
      'Acceleration X': null,
      'Acceleration Y': null,
      'Acceleration Z': null,
      'TX Power': null,
      Voltage: null,
      'Movement counter': null,
      'Measurement Sequence': null,
      MAC: null,
    },
  },
  {
    name: '6, valid',
    hex: '06170c5668c79e007000c90501d9ffcd004c884f',
    value: {
      'Data format': 6,
      Temperature: 29.5,
      Pressure: 101102,
      Humidity: 55.3,
      'PM 2.5': 11.2,
      CO2: 201,
      VOC: 10,
      NOX: 2,
      Luminosity: 13026.67,
      'Measurement Sequence': 205,
      'Calibration in progress': false,
      MAC: '4C 88 4F',
    },
  },
  {
    name: '6, maximum',
    hex: '067fff9c40fffe27109c40fafafeffff074c8f4f',
    value: {
      'Data format': 6,
      Temperature: 163.835,
      Pressure: 115534,
      Humidity: 100,
      'PM 2.5': 1000,
      CO2: 40000,
      VOC: 500,
      NOX: 500,
      Luminosity: 65535,
      'Measurement Sequence': 255,
      'Calibration in progress': true,
      MAC: '4C 8F 4F',
    },
  },
  {
    name: '6, not available',
    hex: '068000ffffffffffffffffffffffffffffffffff',
    value: {
      'Data format': 6,
      Temperature: null,
      Pressure: null,
      Humidity: null,
      'PM 2.5': null,
      CO2: null,
      VOC: null,
      NOX: null,
      Luminosity: null,
      'Measurement Sequence': 255,
      'Calibration in progress': true,
      MAC: null,
    },
  },
  {
    name: 'C5, valid (with its own first byte)',
    hex: 'c512fc5394c37cac364200cdcbb8334c884f',
    value: {
      'Data format': 'C5',
      Temperature: 24.3,
      Pressure: 100044,
      Humidity: 53.49,
      'TX Power': 4,
      Voltage: 2.977,
      'Movement counter': 66,
      'Measurement Sequence': 205,
      MAC: 'CB B8 33 4C 88 4F',
    },
  },
  {
    name: 'E1, valid',
    hex: 'e1170c5668c79e0065007004bd11ca00c90a0213e0acffffffdecdee11ffffffffffcbb8334c884f',
    value: {
      'Data format': 'E1',
      Temperature: 29.5,
      Pressure: 101102,
      Humidity: 55.3,
      'PM 1.0': 10.1,
      'PM 2.5': 11.2,
      'PM 4.0': 121.3,
      'PM 10.0': 455.4,
      CO2: 201,
      VOC: 20,
      NOX: 4,
      Luminosity: 13027,
      'Measurement Sequence': 14601710,
      'Calibration in progress': true,
      MAC: 'CB B8 33 4C 88 4F',
    },
  },
]

/** Bits that are reserved, and the bytes of the documentation that contradict its table. */
const NOT_BACK = new Set(['6, maximum', '6, not available', 'E1, valid'])

describe('ruuvi: formats', () => {
  it.each(TABLE)('$name', ({ name, hex: text, value }) => {
    expect(decode(text)).toEqual(value)
    if (NOT_BACK.has(name)) expect(decode(encode(value))).toEqual(value)
    else expect(encode(value)).toBe(text)
  })

  it('warns of what the tag could not measure, and rules see the rest', () => {
    const { value, warnings } = openWith('ruuvi').decode(
      fromHex('0580005394ffff0004fffc040cac364200cdcbb8334c884f'),
      FACTS,
    )
    expect(warnings).toEqual(['the tag has no value for Temperature, Pressure'])
    expect(openWith('ruuvi').split!(value)).toEqual([
      {
        body: {
          dataFormat: 5,
          humidity: 53.49,
          accelerationX: 0.004,
          accelerationY: -0.004,
          accelerationZ: 1.036,
          txPower: 4,
          voltage: 2.977,
          movementCounter: 66,
          measurementSequence: 205,
          mac: 'CB:B8:33:4C:88:4F',
        },
      },
    ])
  })

  const data = '0512fc5394c37c0004fffc040cac364200cdcbb8334c884f'

  it.each([
    ['with the company before it', `9904${data}`],
    ['as an advertisement', `0201061bff9904${data}`],
    ['as an advertisement with padding', `0201061fff9904${data}00000000`],
    ['with padding', `${data}0000`],
  ])('reads the data %s', (_name, text) => {
    expect(decode(text)).toEqual(decode(data))
  })

  it('reads an extended report with address and signal', () => {
    const e1 = 'e1170c5668c79e0065007004bd11ca00c90a0213e0acffffffdecdee11ffffffffffcbb8334c884f'
    const head = `0d010000014f884c33b8cb0100ff7fc4000000000000000000`
    const advertisement = `2bff9904${e1}`
    const rest = `${head}${(advertisement.length / 2).toString(16)}${advertisement}`
    const report = `043e${(rest.length / 2).toString(16)}${rest}`
    expect(decode(report)).toMatchObject({
      'Data format': 'E1',
      MAC: 'CB B8 33 4C 88 4F',
      RSSI: -60,
    })
  })

  it('reads the address of an Eddystone beacon', () => {
    expect(decode(hex(new TextEncoder().encode('https://ruu.vi/#BFwaAMjlQ')))).toEqual({
      'Data format': 4,
      Temperature: 26,
      Pressure: 101429,
      Humidity: 46,
    })
  })

  it('reads what a Ruuvi Gateway publishes, with signal and time', () => {
    const message = {
      gw_mac: 'C8:25:2D:8E:9C:2C',
      rssi: -26,
      aoa: [],
      gwts: '1653668027',
      ts: '1653668026',
      data: `0201061BFF9904${data.toUpperCase()}`,
      coords: '',
    }
    const value = decode(hex(new TextEncoder().encode(JSON.stringify(message))))
    expect(value).toEqual({
      ...TABLE.find(({ name }) => name === '5, valid')!.value,
      RSSI: -26,
      Timestamp: 1653668026,
    })
    expect(openWith('ruuvi').split!(value)[0]).toMatchObject({
      at: 1653668026000,
      body: { rssi: -26, timestamp: 1653668026 },
    })
    expect(decode(hex(new TextEncoder().encode(message.data)))).toEqual(decode(data))
    expect(faultOf(() => decode(hex(new TextEncoder().encode('{"data":"zz"}       ')))).code).toBe(
      'codec.unsupported_version',
    )
  })

  it('takes the names that rules see', () => {
    expect(decode(encode({ dataFormat: 5, temperature: 21.5, mac: 'cb:b8:33:4c:88:4f' }))).toEqual({
      'Data format': 5,
      Temperature: 21.5,
      Pressure: null,
      Humidity: null,
      'Acceleration X': null,
      'Acceleration Y': null,
      'Acceleration Z': null,
      'TX Power': null,
      Voltage: null,
      'Movement counter': null,
      'Measurement Sequence': null,
      MAC: 'CB B8 33 4C 88 4F',
    })
  })
})

describe('ruuvi: bad input', () => {
  it.each([
    ['', 'codec.truncated', 0],
    ['01', 'codec.unsupported_version', 0],
    ['ff00', 'codec.unsupported_version', 0],
    ['08', 'codec.unsupported', 0],
    ['05', 'codec.truncated', 0],
    ['990405', 'codec.truncated', 2],
    ['020106 04ff990407'.replace(' ', ''), 'codec.unsupported_version', 7],
    [`03291a1ece1efc18f94202ca0b5301`, 'codec.trailing_bytes', 14],
  ])('%s', (text, code, offset) => {
    expect(faultOf(() => decode(text))).toMatchObject({ code, offset })
  })

  it.each([
    [7, 'codec.wrong_type'],
    [{ 'Data format': 8 }, 'codec.wrong_type'],
    [{ temperature: 'warm' }, 'codec.wrong_type'],
    [{ temperature: 164 }, 'codec.out_of_range'],
    [{ humidity: -1 }, 'codec.out_of_range'],
    [{ mac: 'cb:b8' }, 'codec.wrong_type'],
    [{ mac: 7 }, 'codec.wrong_type'],
    [{ 'Data format': 6, luminosity: -2 }, 'codec.out_of_range'],
  ])('encode %j', (value, code) => {
    expect(faultOf(() => encode(value)).code).toBe(code)
  })
})

describe('ruuvi: properties', () => {
  it.each([
    [5, 23],
    [0xc5, 17],
  ])('gives back every message of format %i', (id, size) => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: size, maxLength: size }), (rest) => {
        const text = hex(Uint8Array.of(id, ...rest))
        expect(encode(decode(text))).toBe(text)
      }),
      SEEDED,
    )
  })

  it('refuses 100,000 broken messages in its own words only', () => {
    const { decoded, refused } = fuzz(openWith('ruuvi'), [
      new TextEncoder().encode(
        '{"rssi":-2,"ts":"7","data":"0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"}',
      ),
      ...TABLE.map(({ hex: text }) => fromHex(text)),
      fromHex('0201061bff99040512fc5394c37c0004fffc040cac364200cdcbb8334c884f'),
      fromHex(
        '043e2b02010301c4c437d31ed01f0201060303aafe1716aafe10f6037275752e76692f2342475159414d71387798',
      ),
    ])
    expect(decoded + refused).toBe(100_000)
    expect(decoded).toBeGreaterThan(1_000)
    expect(refused).toBeGreaterThan(1_000)
  })
})
