import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CodecMessage, Json } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { faultOf, fromHex, fuzz, hex, openWith, SEEDED } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }
const NOON = Date.UTC(2026, 0, 31, 12)

interface Case {
  readonly id: string
  readonly kind: 'resolve' | 'codec' | 'validate'
  readonly pack: Json
  readonly resolved?: Json
  readonly cborHex?: string
  readonly valid?: boolean
}

function bytesOf(pack: Json): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(pack))
}

function decode(pack: Json, options: object = {}, receivedAt = 0): Json {
  return openWith('senml', options).decode(bytesOf(pack), { receivedAt }).value
}

function split(pack: Json, receivedAt = NOON): readonly CodecMessage[] {
  return openWith('senml').split!(decode(pack, {}, receivedAt))
}

/** In CBOR, as `encode` makes it of the pack. */
function inCbor(pack: Json): Uint8Array {
  return openWith('senml-cbor').encode!(pack, FACTS).bytes
}

describeWithShared('senml agrees with RFC 8428 and its libraries', 'vectors/senml.json', () => {
  const { cases } = readVectors<{ cases: readonly Case[] }>('senml.json')
  const resolve = cases.filter(({ kind }) => kind === 'resolve')
  const valid = cases.filter(({ valid: is }) => is === true)
  const invalid = cases.filter(({ valid: is }) => is === false)
  const coded = cases.filter(({ kind }) => kind === 'codec')

  it('has all 27 cases', () => {
    expect(cases).toHaveLength(27)
    expect([resolve, valid, invalid, coded].map(({ length }) => length)).toEqual([7, 5, 14, 1])
  })

  it.each(resolve)('$id: resolves', ({ pack, resolved }) => {
    expect(decode(pack)).toEqual(resolved)
  })

  it.each(resolve)('$id: resolves in CBOR', ({ pack, resolved }) => {
    expect(openWith('senml').decode(inCbor(pack), FACTS).value).toEqual(resolved)
  })

  it.each(valid)('$id: is accepted', ({ pack }) => {
    expect(decode(pack)).toHaveLength(1 + Number(Array.isArray(pack) && pack.length > 1))
  })

  it.each(invalid)('$id: is refused', ({ pack }) => {
    expect(faultOf(() => decode(pack)).code).toMatch(/^codec\./)
  })

  it.each(coded)('$id: is the same pack in JSON and CBOR', ({ pack, cborHex }) => {
    const as = { resolve: false }
    const bytes = fromHex(cborHex!)
    expect(openWith('senml', as).decode(bytes, FACTS).value).toEqual(pack)
    expect(openWith('senml-cbor', as).decode(bytes, FACTS).value).toEqual(pack)
    expect(decode(pack, as)).toEqual(pack)
    expect(faultOf(() => decode(pack)).code).toBe('codec.unsupported_version')
  })
})

describe('senml', () => {
  it('gives a message for each time, with the values by the names of their records', () => {
    const messages = split([
      { bn: 'dev-1:', bt: 1_769_860_800, n: 'temp', v: 21.5 },
      { n: 'door', vb: true },
      { n: 'state', vs: 'ok' },
      { n: 'raw', vd: 'AQI' },
      { n: 'energy', v: 3, s: 120.5 },
      { n: 'rain', s: 7 },
      { n: 'temp', t: -60.5, v: 21 },
    ])
    expect(messages).toEqual([
      {
        at: NOON,
        body: {
          'dev-1:temp': 21.5,
          'dev-1:door': true,
          'dev-1:state': 'ok',
          'dev-1:raw': 'AQI',
          'dev-1:energy': 3,
          'dev-1:energy.sum': 120.5,
          'dev-1:rain.sum': 7,
        },
      },
      { at: NOON - 60_500, body: { 'dev-1:temp': 21 } },
    ])
  })

  it('tells times below 2^28 from the time of receipt, and now as no time', () => {
    expect(
      split([
        { n: 'a', v: 1 },
        { n: 'a', t: -5, v: 2 },
        { n: 'b', v: 3 },
      ]),
    ).toEqual([{ body: { a: 1, b: 3 } }, { at: NOON - 5_000, body: { a: 2 } }])
    expect(decode([{ n: 'a', t: -5, v: 2 }])).toEqual([{ n: 'a', v: 2, t: { now: -5 } }])
    expect(decode([{ n: 'a', bt: 2 ** 28, v: 2 }])).toEqual([{ n: 'a', v: 2, t: 2 ** 28 }])
  })

  it('begins another message where a value is told twice for one time', () => {
    expect(
      split([
        { n: 'a', v: 1 },
        { n: 'b', v: 2 },
        { n: 'a', v: 3 },
        { n: 'b', v: 4 },
      ]),
    ).toEqual([{ body: { a: 1, b: 2 } }, { body: { a: 3, b: 4 } }])
  })

  it('names records without their base name where asked', () => {
    const pack = [{ bn: 'urn:dev:1:', n: 'temp', v: 1 }, { v: 2 }]
    expect(decode(pack, { names: 'short' })).toMatchObject([{ n: 'temp' }, { n: 'urn:dev:1:' }])
  })

  it('tells the form of a message by its content type, else by its first byte', () => {
    const pack = [{ n: 'a', v: 1 }]
    const codec = openWith('senml')
    const resolved = [{ n: 'a', v: 1, t: { now: 0 } }]
    for (const contentType of ['', 'application/octet-stream', 'application/senml+json'])
      expect(codec.decode(bytesOf(pack), { receivedAt: 0, contentType }).value).toEqual(resolved)
    for (const contentType of ['', 'application/senml+cbor; charset=x'])
      expect(codec.decode(inCbor(pack), { receivedAt: 0, contentType }).value).toEqual(resolved)
    const wrong = { receivedAt: 0, contentType: 'application/senml+cbor' }
    expect(faultOf(() => codec.decode(bytesOf(pack), wrong)).code).toMatch(/^codec\./)
  })

  it('encodes records, and values by name', () => {
    const values = { temp: 21.5, door: true, state: 'ok' }
    const text = '[{"n":"temp","v":21.5},{"n":"door","vb":true},{"n":"state","vs":"ok"}]'
    expect(Buffer.from(openWith('senml').encode!(values, FACTS).bytes).toString()).toBe(text)
    expect(hex(openWith('senml-cbor').encode!({ temp: 21.5 }, FACTS).bytes)).toBe(
      '81a2006474656d7002f94d60',
    )
    expect(hex(openWith('senml-cbor').encode!([{ n: 'a', vd: '_-8' }], FACTS).bytes)).toBe(
      '81a20061610842ffef',
    )
  })

  it('encodes what it decodes', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9:._/-]{0,8}$/)
    const record = fc.oneof(
      fc.record({ n: name, v: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
      fc.record({ n: name, vs: fc.string(), t: fc.integer({ min: 2 ** 28, max: 2 ** 32 }) }),
      fc.record({ n: name, vb: fc.boolean(), u: fc.constantFrom('Cel', '%RH'), s: fc.integer() }),
      fc.record({ n: name, vd: fc.constantFrom('', 'AQ', '_-8'), t: fc.integer({ max: 0 }) }),
    )
    const form = fc.constantFrom('senml', 'senml-json', 'senml-cbor')
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), form, (pack, codecName) => {
        const codec = openWith(codecName)
        const json: Json = JSON.parse(JSON.stringify(pack))
        const once = codec.decode(codec.encode!(json, FACTS).bytes, FACTS).value
        expect(codec.decode(codec.encode!(once, FACTS).bytes, FACTS).value).toEqual(once)
        expect(once).toMatchObject(pack.map(({ n }) => ({ n })))
      }),
      SEEDED,
    )
  })

  const bad: readonly { pack: Json; code: string }[] = [
    { pack: [], code: 'codec.wrong_type' },
    { pack: { n: 'a', v: 1 }, code: 'codec.wrong_type' },
    { pack: [1], code: 'codec.wrong_type' },
    { pack: [{ n: 1, v: 1 }], code: 'codec.wrong_type' },
    { pack: [{ n: 'a', v: '1' }], code: 'codec.wrong_type' },
    { pack: [{ n: 'a', vb: 1 }], code: 'codec.wrong_type' },
    { pack: [{ n: 'a', vd: '#' }], code: 'codec.wrong_type' },
    { pack: [{ n: 'a', vd: 'aGkgC' }], code: 'codec.wrong_type' },
    { pack: [{ n: 'a' }], code: 'codec.malformed' },
    { pack: [{ bn: 'a', t: 1 }], code: 'codec.malformed' },
    { pack: [{ n: 'a', v: 1, vb: true }], code: 'codec.malformed' },
    { pack: [{ n: 'a', v: 1, must_: 1 }], code: 'codec.unsupported' },
    { pack: [{ n: 'a', v: 1, bver: 11 }], code: 'codec.unsupported_version' },
    { pack: [{ n: 'a', v: 1, bver: 0 }], code: 'codec.wrong_type' },
    {
      pack: [
        { n: 'a', v: 1 },
        { n: 'a', v: 1, bver: 5 },
      ],
      code: 'codec.malformed',
    },
  ]

  it.each(bad)('refuses $pack: $code', ({ pack, code }) => {
    expect(faultOf(() => decode(pack))).toMatchObject({ code })
    expect(faultOf(() => decode(pack)).message).toContain('expected')
  })

  it.each([
    { bytes: '', code: 'codec.malformed', offset: 0 },
    { bytes: '5b7b', code: 'codec.malformed', offset: 2 },
    { bytes: '81a100', code: 'codec.truncated', offset: 2 },
    { bytes: '81a2006161616e6162', code: 'codec.duplicate_key', offset: 0 },
  ])('refuses the bytes $bytes: $code', ({ bytes, code, offset }) => {
    expect(faultOf(() => openWith('senml').decode(fromHex(bytes), FACTS))).toMatchObject({
      code,
      offset,
    })
  })

  it.each([{ value: 1 }, { value: { a: {} } }, { value: [{ n: 'a', v: 1, t: { later: 1 } }] }])(
    'refuses to encode $value',
    ({ value }) => {
      expect(faultOf(() => openWith('senml').encode!(value, FACTS)).code).toBe('codec.wrong_type')
    },
  )

  it('withstands 100,000 inputs', () => {
    const pack = [
      { bn: 'd:', bt: 1e9, n: 't', u: 'Cel', v: 1.5, s: 2 },
      { n: 'x', vs: 'on', t: 1 },
    ]
    const data = [
      { n: 'x', vd: 'AQ' },
      { n: 'y', vb: true },
    ]
    const seeds = [bytesOf(pack), bytesOf(data), inCbor(pack), inCbor(data)]
    const codec = openWith('senml')
    const { decoded, refused } = fuzz(codec, seeds)
    expect(decoded + refused).toBe(100_000)
    expect(Math.min(decoded, refused)).toBeGreaterThan(1_000)
  })
})
