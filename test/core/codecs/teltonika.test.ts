import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type Json } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { faultOf, fromHex, fuzz, hex, openWith, SEEDED } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }

interface Case {
  readonly id: string
  readonly vendor: string
  readonly protocol: string
  readonly hex: string
  readonly expected: Json
}

/** Of the wiki: Codec 8 over TCP and UDP, and a command of Codec 12 with its answer. */
const TCP =
  '000000000000003608010000016b40d8ea30010000000000000000000000000000000105021503010101425e0f01f10000601a014e0000000000000000010000c7cf'
const UDP =
  '003dcafe0105000f33353230393330383634303336353508010000016b4f815b30010000000000000000000000000000000103021503010101425dbc000001'
const COMMAND = '000000000000000f0c010500000007676574696e666f0100004312'

function decode(text: string, options: object = {}): Json {
  return openWith('teltonika', options).decode(fromHex(text), FACTS).value
}

function encode(value: unknown, options: object = {}): string {
  return hex(openWith('teltonika', options).encode!(value as Json, FACTS).bytes)
}

describeWithShared('teltonika agrees with its wiki and Traccar', 'vectors/payloads.json', () => {
  const cases = readVectors<{ cases: readonly Case[] }>('payloads.json').cases.filter(
    ({ vendor }) => vendor === 'Teltonika',
  )

  it('has all cases', () => {
    expect(cases).toHaveLength(14)
    expect(cases.filter(({ protocol }) => protocol.endsWith('0x8E'))).toHaveLength(6)
  })

  it.each(cases)('decodes $id', ({ hex: text, expected }) => {
    const { value, warnings } = openWith('teltonika').decode(fromHex(text), FACTS)
    expect(value).toEqual(expected)
    expect(warnings).toEqual([])
  })

  it.each(cases)('gives $id again', ({ hex: text, expected }) => {
    const value = decode(encode(expected))
    expect(withoutCrc(value)).toEqual(withoutCrc(expected))
    expect(text).not.toBe('')
  })

  it.each(cases)('reads $id without its frame', ({ hex: text, expected }) => {
    expect(decode(text.slice(16, -8))).toEqual(withoutCrc(expected))
  })

  it.each(cases)('splits $id', ({ hex: text }) => {
    const codec = openWith('teltonika')
    const value = codec.decode(fromHex(text), FACTS).value
    const records = isJsonObject(value) && Array.isArray(value['records']) ? value['records'] : []
    expect(codec.split!(value)).toEqual(
      records.map((body) => ({ body, at: isJsonObject(body) ? body['timestamp'] : undefined })),
    )
  })
})

function withoutCrc(value: Json): Json {
  if (!isJsonObject(value)) return value
  const { crc: _crc, ...rest } = value
  return rest
}

describe('teltonika: packets', () => {
  it('reads a datagram with its IMEI, which goes with each record', () => {
    const value = decode(UDP)
    expect(value).toMatchObject({
      packetId: 0xcafe,
      avlPacketId: 5,
      imei: '352093086403655',
      codec: 8,
      records: [{ timestamp: 1560407006000, io: { '21': 3, '1': 1, '66': 23996 } }],
    })
    expect(openWith('teltonika').split!(value)).toMatchObject([
      { at: 1560407006000, body: { imei: '352093086403655', io: { '66': 23996 } } },
    ])
  })

  it('reads the IMEI of a connection', () => {
    const value = decode('000f333536333037303432343431303133')
    expect(value).toEqual({ imei: '356307042441013' })
    expect(openWith('teltonika').split!(value)).toEqual([{ body: { imei: '356307042441013' } }])
  })

  it('writes the command of the wiki and reads what it wrote', () => {
    expect(encode({ command: 'getinfo' })).toBe(COMMAND)
    expect(decode(COMMAND)).toEqual({
      codec: 12,
      messages: [{ type: 5, text: 'getinfo' }],
      crc: '4312',
    })
  })

  it('writes commands of any length', () => {
    const command = 'x'.repeat(300_000)
    expect(decode(encode({ command }))).toMatchObject({ messages: [{ type: 5, text: command }] })
  })

  it('reads codec 15 of the wiki, with time and IMEI', () => {
    const text = '000000000000001b0f010b00000013654b65a4012345678912345648656c6c6f210a01000093d6'
    expect(decode(text)).toEqual({
      codec: 15,
      messages: [{ type: 11, timestamp: 1699440036000, imei: '123456789123456', text: 'Hello!\n' }],
      crc: '93d6',
    })
  })

  it('reads answers that are no text as hex digits, and those of codec 13 with their time', () => {
    expect(decode('0c010600000003ff000101')).toEqual({
      codec: 12,
      messages: [{ type: 6, hex: 'ff0001' }],
    })
    const value = decode('0d0106000000065f5e10004f4b01')
    expect(value).toEqual({
      codec: 13,
      messages: [{ type: 6, timestamp: 1_600_000_000_000, text: 'OK' }],
    })
    expect(openWith('teltonika').split!(value)[0]!.at).toBe(1_600_000_000_000)
  })

  it('reads codec 16 with what made the record', () => {
    const place = '0000016b40d8ea3001ffffffffffffffffff9c0000000000'
    expect(decode(`1001${place}010b05030100010102000b00270042563a000001`)).toEqual({
      codec: 16,
      records: [
        {
          timestamp: 1560161086000,
          priority: 1,
          longitude: -1e-7,
          latitude: -1e-7,
          altitude: -100,
          angle: 0,
          satellites: 0,
          speed: 0,
          eventId: 0x010b,
          generationType: 5,
          ioCount: 3,
          io: { '1': 1, '11': 0x27, '66': 0x563a },
        },
      ],
    })
  })

  it('calls IO elements what the config calls them', () => {
    const io = {
      239: 'ignition',
      66: { name: 'supplyVolts', scale: 0.001 },
      21: { name: 'signal', signed: true },
    }
    const value = decode(TCP, { io })
    expect(value).toMatchObject({
      records: [{ io: { '1': 1, signal: 3, supplyVolts: 24.079, '241': 24602, '78': 0 } }],
    })
    expect(withoutCrc(decode(encode(value, { io }), { io }))).toEqual(withoutCrc(value))
    const cold = TCP.slice(16, -8).replace('0215030101', '0215fd0101')
    expect(decode(cold, { io })).toMatchObject({ records: [{ io: { signal: -3 } }] })
    expect(decode(encode(decode(cold, { io }), { io }), { io })).toMatchObject({
      records: [{ io: { signal: -3 } }],
    })
  })

  it('warns of elements that stand twice and of a wrong number of them', () => {
    const codec = openWith('teltonika')
    const twice = TCP.slice(16, -8).replace('0215030101', '0201030101')
    expect(codec.decode(fromHex(twice), FACTS).warnings).toEqual([
      'IO element 1 stands twice; the last counts',
    ])
    const wrong = TCP.slice(16, -8).replace('0105021503', '0109021503')
    expect(codec.decode(fromHex(wrong), FACTS).warnings).toEqual([
      'expected 9 IO elements, as the record says, found 5',
    ])
  })
})

describe('teltonika: bad input', () => {
  it.each([
    ['', 'codec.truncated', 0],
    ['00', 'codec.truncated', 0],
    ['00000000ffffffff0801', 'codec.truncated', 8],
    ['000000010000000208000000', 'codec.malformed', 0],
    [TCP.slice(0, -2), 'codec.truncated', 8],
    [`${TCP}00`, 'codec.trailing_bytes', 66],
    [`${TCP.slice(0, -2)}00`, 'codec.checksum', 62],
    [TCP.replace('c7cf', 'c7ce'), 'codec.checksum', 62],
    ['0700', 'codec.unsupported_version', 0],
    ['08', 'codec.truncated', 0],
    ['0801', 'codec.truncated', 2],
    ['0800', 'codec.truncated', 2],
    ['080001', 'codec.malformed', 2],
    ['08000000', 'codec.malformed', 3],
    ['0c0106ffffffff', 'codec.truncated', 7],
    [`0801ffffffffffffffff01${'00'.repeat(40)}`, 'codec.out_of_range', 2],
    [UDP.slice(0, -2), 'codec.malformed', 0],
  ])('%s', (text, code, offset) => {
    expect(faultOf(() => decode(text))).toMatchObject({ code, offset })
  })

  it.each([
    [7, 'codec.wrong_type'],
    [{ codec: 7, records: [] }, 'codec.wrong_type'],
    [{ codec: 8, records: {} }, 'codec.wrong_type'],
    [{ codec: 8, records: [7] }, 'codec.wrong_type'],
    [{ codec: 8, records: [{ timestamp: 'now', io: {} }] }, 'codec.wrong_type'],
    [{ codec: 8, records: [{ timestamp: 1 }] }, 'codec.wrong_type'],
    [{ codec: 8, records: [{ timestamp: -1, io: {} }] }, 'codec.out_of_range'],
    [{ codec: 8, records: [{ timestamp: 1, longitude: 300, io: {} }] }, 'codec.out_of_range'],
    [{ codec: 8, records: [{ timestamp: 1, io: { 385: 1 } }] }, 'codec.out_of_range'],
    [{ codec: 8, records: [{ timestamp: 1, io: { 1: { hex: '00' } } }] }, 'codec.wrong_type'],
    [{ codec: 8, records: [{ timestamp: 1, io: { 1: -1 } }] }, 'codec.out_of_range'],
    [{ codec: 8, records: [{ timestamp: 1, io: { 1: true } }] }, 'codec.wrong_type'],
    [{ codec: 142, records: [{ timestamp: 1, io: { 1: { hex: 'f' } } }] }, 'codec.wrong_type'],
  ])('encode %j', (value, code) => {
    expect(faultOf(() => encode(value)).code).toBe(code)
  })
})

describe('teltonika: properties', () => {
  it('gives back every record that it writes', () => {
    const io = fc.dictionary(
      fc.integer({ min: 0, max: 255 }).map(String),
      fc.oneof(fc.nat(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }).map(String)),
      { maxKeys: 9 },
    )
    const record = fc.record({
      timestamp: fc.integer({ min: 0, max: 8.64e15 }),
      priority: fc.integer({ min: 0, max: 2 }),
      longitude: fc.integer({ min: -180e7, max: 180e7 }).map((count) => count / 1e7),
      latitude: fc.integer({ min: -90e7, max: 90e7 }).map((count) => count / 1e7),
      altitude: fc.integer({ min: -32768, max: 32767 }),
      angle: fc.integer({ min: 0, max: 360 }),
      satellites: fc.integer({ min: 0, max: 255 }),
      speed: fc.integer({ min: 0, max: 65535 }),
      eventId: fc.integer({ min: 0, max: 255 }),
      io,
    })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 4 }), fc.constantFrom(8, 142), (list, codec) => {
        const records = list.map((one) => ({
          ...one,
          io: { ...one.io },
          ioCount: Object.keys(one.io).length,
        }))
        expect(decode(encode({ codec, records }))).toEqual({
          codec,
          records,
          crc: expect.stringMatching(/^[0-9a-f]{4}$/),
        })
      }),
      SEEDED,
    )
  })

  it('refuses 100,000 broken packets in its own words only', () => {
    const { decoded, refused } = fuzz(openWith('teltonika'), [
      fromHex(TCP),
      fromHex(TCP.slice(16, -8)),
      fromHex(UDP),
      fromHex(COMMAND.slice(16, -8)),
      fromHex(
        '8e010000016b412cee000100000000000000000000000000000000010005000100010100010011001d00010010015e2c880002000b000000003544c87a000e000000001dd7e06a000001',
      ),
      fromHex('0d0106000000065f5e10004f4b01'),
    ])
    expect(decoded + refused).toBe(100_000)
    expect(decoded).toBeGreaterThan(1_000)
    expect(refused).toBeGreaterThan(1_000)
  })
})
