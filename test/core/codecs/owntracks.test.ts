import { describe, expect, it } from 'vitest'
import type { Json } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { faultOf, fuzz, openWith } from './vendor-kit.ts'

const FACTS = { receivedAt: 0 }

function bytesOf(value: Json): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function decode(value: Json): Json {
  return openWith('owntracks').decode(bytesOf(value), FACTS).value
}

interface Case {
  readonly vendor: string
  readonly payload: Json
  readonly expected: { readonly time: number }
}

describeWithShared('owntracks agrees with captures of its apps', 'vectors/payloads.json', () => {
  const cases = readVectors<{ cases: readonly Case[] }>('payloads.json').cases.filter(
    ({ vendor, expected }) => vendor === 'OwnTracks' && expected !== undefined,
  )

  it('has all 3 locations', () => expect(cases).toHaveLength(3))

  it.each(cases)('$payload', ({ payload, expected }) => {
    const value = decode(payload)
    expect(value).toMatchObject(expected)
    const [message] = openWith('owntracks').split!(value)
    expect(message).toEqual({ at: expected.time * 1_000, body: value })
    const { bytes } = openWith('owntracks').encode!(value, FACTS)
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(payload)
  })
})

describe('owntracks', () => {
  const read: readonly { sent: Json; read: Json }[] = [
    {
      sent: { _type: 'transition', tst: 5, wtst: 3, event: 'enter', lat: 1, lon: 2, acc: 4 },
      read: {
        _type: 'transition',
        time: 5,
        wtst: 3,
        event: 'enter',
        latitude: 1,
        longitude: 2,
        acc: 4,
      },
    },
    {
      sent: { _type: 'waypoint', desc: 'home', tst: 5, lat: 1, lon: 2, rad: 50 },
      read: { _type: 'waypoint', desc: 'home', tst: 5, latitude: 1, longitude: 2, rad: 50 },
    },
    {
      sent: { _type: 'waypoints', waypoints: [{ _type: 'waypoint', desc: 'a', lat: 1, lon: 2 }] },
      read: {
        _type: 'waypoints',
        waypoints: [{ _type: 'waypoint', desc: 'a', latitude: 1, longitude: 2 }],
      },
    },
    { sent: { _type: 'lwt', tst: 5 }, read: { _type: 'lwt', tst: 5 } },
    { sent: { _type: 'card', name: 'Ann' }, read: { _type: 'card', name: 'Ann' } },
    { sent: { _type: 'status', iOS: {} }, read: { _type: 'status', iOS: {} } },
    {
      sent: { _type: 'cmd', action: 'reportLocation' },
      read: { _type: 'cmd', action: 'reportLocation' },
    },
  ]

  it.each(read)('reads $sent, and writes it back', ({ sent, read: expected }) => {
    expect(decode(sent)).toEqual(expected)
    const { bytes } = openWith('owntracks').encode!(expected, FACTS)
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(sent)
  })

  it('takes the time of a region, or of a connection, for none of the message', () => {
    const codec = openWith('owntracks')
    expect(codec.split!(decode({ _type: 'lwt', tst: 5 }))).toEqual([
      { body: { _type: 'lwt', tst: 5 } },
    ])
  })

  it('reads each message of a list', () => {
    const list = [1, 2].map((tst) => ({ _type: 'location', lat: 1, lon: 2, tst }))
    const messages = openWith('owntracks').split!(decode(list))
    expect(messages.map(({ at }) => at)).toEqual([1_000, 2_000])
  })

  it('warns of a type that it does not know', () => {
    const { value, warnings } = openWith('owntracks').decode(
      bytesOf({ _type: 'new', lat: 1 }),
      FACTS,
    )
    expect(value).toEqual({ _type: 'new', latitude: 1 })
    expect(warnings).toEqual(['expected a known _type, found another'])
  })

  it.each([
    { sent: { _type: 'encrypted', data: 'x' }, code: 'codec.unsupported' },
    { sent: {}, code: 'codec.wrong_type' },
    { sent: 5, code: 'codec.wrong_type' },
    { sent: [5], code: 'codec.wrong_type' },
    { sent: { _type: 'location', lat: 1 }, code: 'codec.wrong_type' },
    { sent: { _type: 'location', lat: '1', lon: 2 }, code: 'codec.wrong_type' },
    { sent: { _type: 'location', lat: 91, lon: 2 }, code: 'codec.out_of_range' },
    { sent: { _type: 'location', lat: 9, lon: -181 }, code: 'codec.out_of_range' },
    { sent: { _type: 'location', lat: 9, lon: 1, tst: -1 }, code: 'codec.out_of_range' },
    { sent: { _type: 'location', lat: 9, lon: 1, tst: 'now' }, code: 'codec.wrong_type' },
    { sent: { _type: 'cmd' }, code: 'codec.wrong_type' },
    { sent: { _type: 'waypoints', waypoints: 1 }, code: 'codec.wrong_type' },
    { sent: { _type: 'waypoints', waypoints: [1] }, code: 'codec.wrong_type' },
  ])('refuses $sent: $code', ({ sent, code }) => {
    expect(faultOf(() => decode(sent))).toMatchObject({ code })
  })

  it('withstands 100,000 inputs', () => {
    const seeds = read.map(({ sent }) => bytesOf(sent))
    const { decoded, refused } = fuzz(openWith('owntracks'), seeds)
    expect(decoded + refused).toBe(100_000)
    expect(Math.min(decoded, refused)).toBeGreaterThan(1_000)
  })
})
