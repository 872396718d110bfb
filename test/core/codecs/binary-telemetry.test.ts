import { describe, expect, it } from 'vitest'
import {
  type DecodePlan,
  decodePack,
  type Json,
  parsePointer,
  type Telemetry,
} from '../../../core/index.ts'
import { openWith } from './vendor-kit.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const SECONDS = NOW / 1_000

/** The messages of an uplink of what a codec encodes. */
function decode(name: string, sent: Json, options: object = {}): readonly Telemetry[] {
  const codec = openWith(name, options)
  const plan: DecodePlan = {
    codec,
    time: ['/ts', '/time'].map(parsePointer),
    timeUnit: 'auto',
    metrics: [],
    maxBytes: 10_000,
    maxDepth: 32,
    maxMetrics: 100,
    maxFutureMs: 60_000,
  }
  const payload = codec.encode!(sent, { receivedAt: NOW }).bytes
  const uplink = {
    deviceId: 'd',
    topic: 't',
    payload,
    contentType: '',
    receivedAt: NOW,
    source: 'test',
  }
  return decodePack(uplink, plan, 'unique')
}

describe('telemetry of binary formats', () => {
  it.each([
    { name: 'cbor', time: { $time: SECONDS - 5 } },
    { name: 'cbor', time: { $time: '2026-01-31T11:59:55Z' } },
    { name: 'msgpack', time: { $time: '2026-01-31T11:59:55Z' } },
    { name: 'msgpack', time: NOW - 5_000 },
  ])('$name: takes $time for the event time', ({ name, time }) => {
    const [message, ...others] = decode(name, { time, temp: 21.5, on: true })
    expect(others).toEqual([])
    expect(message).toMatchObject({
      at: NOW - 5_000,
      timed: true,
      metrics: { temp: 21.5, on: true },
    })
  })

  it('warns of a number that is none, and goes on', () => {
    const [message] = decode('cbor', { temp: { $float: 'NaN' }, humidity: 40 }, { plain: false })
    expect(message?.metrics).toEqual({ 'temp.$float': 'NaN', humidity: 40 })
    expect(message?.warnings).toEqual(['expected a finite number, found NaN, at byte 6'])
  })

  it('makes a message of each time of a SenML pack', () => {
    const pack = [
      { bn: 'dev:', n: 'temp', v: 21.5, bt: SECONDS - 60 },
      { n: 'on', vb: true },
      { n: 'temp', v: 21.75, t: 60 },
    ]
    for (const name of ['senml', 'senml-json', 'senml-cbor']) {
      const messages = decode(name, pack, { names: 'short' })
      expect(messages.map(({ at, metrics }) => ({ at, metrics }))).toEqual([
        { at: NOW - 60_000, metrics: { temp: 21.5, on: true } },
        { at: NOW, metrics: { temp: 21.75 } },
      ])
      expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(2)
    }
  })

  it('gives a SenML pack without times the time of receipt', () => {
    const [message] = decode('senml', { temp: 21.5 })
    expect(message).toMatchObject({ at: NOW, timed: false, metrics: { temp: 21.5 } })
  })

  it('makes a message of each line and of each item', () => {
    const columns = ['ts', 'temp']
    const rows = [
      { ts: SECONDS - 1, temp: 1 },
      { ts: SECONDS, temp: 2 },
    ]
    const expected = [
      { at: NOW - 1_000, metrics: { temp: 1 } },
      { at: NOW, metrics: { temp: 2 } },
    ]
    const told = (messages: readonly Telemetry[]): unknown =>
      messages.map(({ at, metrics }) => ({ at, metrics }))
    expect(told(decode('csv', rows, { columns }))).toEqual(expected)
    expect(told(decode('key-value', rows))).toEqual(expected)
    for (const name of ['json', 'cbor', 'msgpack'])
      expect(told(decode(name, { list: rows }, { each: '/list' }))).toEqual(expected)
  })

  it('takes the time of an OwnTracks message', () => {
    const sent = { _type: 'location', latitude: 46, longitude: 11, time: SECONDS - 9 }
    expect(decode('owntracks', sent)).toMatchObject([
      { at: NOW - 9_000, metrics: { latitude: 46, longitude: 11 } },
    ])
  })
})
