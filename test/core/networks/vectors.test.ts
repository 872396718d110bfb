import { expect, it } from 'vitest'
import type { Json, NetworkPart } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { hexOf, partsOf } from './open.ts'

interface Recorded {
  readonly id: string
  readonly vendor: string
  readonly protocol: string
  readonly topic?: string
  readonly payload?: Json
  readonly payloadText?: string
  readonly http?: { readonly query: string }
}

/** The networks that read what these vendors send. */
const NETWORKS: Readonly<Record<string, string>> = {
  ChirpStack: 'chirpstack',
  'The Things Stack v3': 'the-things-stack',
  Sigfox: 'sigfox',
  Tasmota: 'tasmota',
  Zigbee2MQTT: 'zigbee2mqtt',
  'Shelly Gen1': 'shelly',
  'Shelly Gen2': 'shelly',
}

/** Recorded, and no message to us: what a device or the network is sent. */
const OTHERS = ['ttn/downlink-push']

/** Where we differ, and why. */
const DEVIATIONS: Readonly<Record<string, RegExp>> = {
  // The documentation wrote `tele/SENSOR`: the topic of nobody.
  'tasmota/33': /expected a topic such as tele/,
}

/** What some of them come to, in words. */
function inShort(part: NetworkPart | undefined): unknown {
  switch (part?.kind) {
    case 'uplink': {
      const { deviceId, path, payload, fPort, sentAt, decoded } = part
      return { deviceId, path, bytes: hexOf(payload), fPort, sentAt, decoded }
    }
    case undefined:
      return undefined
    default:
      return part
  }
}

describeWithShared('networks read what vendors send', 'vectors/payloads.json', () => {
  const { cases } = readVectors<{ cases: readonly Recorded[] }>('payloads.json')
  const known = cases.filter(({ vendor, id }) => vendor in NETWORKS && !OTHERS.includes(id))

  const read = ({ vendor, topic, payload, payloadText, http }: Recorded) => {
    const query = Object.fromEntries(new URLSearchParams(http?.query ?? ''))
    const type = NETWORKS[vendor] ?? ''
    const body = payloadText ?? payload ?? null
    return { type, body, query, topic }
  }

  it('has 48 messages of these vendors', () => {
    expect(known).toHaveLength(48)
  })

  it('differs where it says so', () => {
    const differing = known.filter(({ id }) => id in DEVIATIONS)
    expect(differing).toHaveLength(1)
    for (const one of differing) {
      const { type, body, topic = '' } = read(one)
      expect(() => partsOf(type, body, { topic })).toThrow(DEVIATIONS[one.id])
    }
  })

  it.each(known.filter(({ id }) => !(id in DEVIATIONS)))('$id', (one) => {
    const { type, body, query, topic } = read(one)
    const [part, ...more] = partsOf(type, body, topic === undefined ? { query } : { topic })
    expect(more).toEqual([])
    expect(part?.kind).toMatch(/^(uplink|presence|ignored)$/)
    if (part?.kind === 'uplink') expect(part.deviceId).toMatch(/^[\w.:-]{1,128}$/)
  })

  it('reads ChirpStack the same over HTTP and MQTT', () => {
    const events = known.filter(({ vendor }) => vendor === 'ChirpStack')
    expect(events).toHaveLength(5)
    for (const one of events) {
      const { type, body, query, topic } = read(one)
      expect(partsOf(type, body, { query })).toEqual(partsOf(type, body, { topic: topic ?? '' }))
    }
  })

  it.each([
    [
      'chirpstack/up',
      {
        deviceId: '0101010101010101',
        path: undefined,
        bytes: 'aa',
        fPort: 1,
        sentAt: Date.parse('2022-07-18T09:34:15.775Z'),
      },
    ],
    ['chirpstack/status', { path: 'status', decoded: { margin: 10, batteryLevel: 88.3 } }],
    [
      'chirpstack/location',
      { path: 'location', decoded: { latitude: 37.344214, longitude: -8.839375, altitude: 2 } },
    ],
    [
      'ttn/uplink',
      {
        deviceId: 'my-motion-sensor-1',
        bytes: '01db260000e20000',
        fPort: 102,
        sentAt: Date.parse('2020-01-15T16:02:10.448Z'),
      },
    ],
    [
      'ttn/uplink-min',
      { deviceId: 'foo-device', bytes: '010203', fPort: 42, decoded: { test_key: 42 } },
    ],
    ['ttn/join', { deviceId: 'foo-device', path: 'join' }],
    [
      'sigfox/6',
      { deviceId: '40D310', bytes: '62', sentAt: 1_563_043_532_000, decoded: undefined },
    ],
    [
      'sigfox/10',
      { deviceId: '284019F', bytes: '0100b019ffe8645d0019e513', sentAt: 1_707_375_610_000 },
    ],
    [
      'sigfox/1',
      {
        deviceId: 'testdev001',
        bytes: 'cb020051',
        decoded: {
          newPosition: false,
          moving: true,
          magChange: true,
          magStatus: true,
          temperature: 7.5,
        },
      },
    ],
    ['sigfox/5', { deviceId: '49F941', path: 'location' }],
    [
      'tasmota/1',
      {
        deviceId: 'tasmota',
        path: undefined,
        sentAt: undefined,
        decoded: { ANALOG: { Illuminance: 8 } },
      },
    ],
    ['tasmota/16', { path: 'state', sentAt: 1_567_595_328_000 }],
    ['tasmota/10', { path: undefined, decoded: expect.objectContaining({ TempUnit: 'C' }) }],
    ['zigbee2mqtt/0', { deviceId: 'WSDCGQ01LM', decoded: { temperature: 27.34, humidity: 44.72 } }],
    ['zigbee2mqtt/4', { kind: 'ignored' }],
    ['zigbee2mqtt/7', { deviceId: '0x90fd9ffffe6494fc', path: 'interview' }],
    [
      'shelly/gen2-status',
      {
        deviceId: 'shellyplus1-b8d61a85a8e0',
        sentAt: 1_728_655_743_990,
        decoded: { 'switch:0': { id: 0, output: true, source: 'button' } },
      },
    ],
    [
      'shelly/gen2-event',
      { path: 'event', decoded: expect.objectContaining({ event: 'btn_down' }) },
    ],
    [
      'shelly/gen1-ht-temp',
      { deviceId: 'shellyht-B89D1E', decoded: { sensor: { temperature: 22.5 } } },
    ],
    ['shelly/gen1-relay', { deviceId: 'shelly1-B929CC', decoded: { relay: { 0: 'on' } } }],
  ] as const)('%s comes to what it says', (id, expected) => {
    const one = known.find((candidate) => candidate.id === id)
    if (one === undefined) throw new Error(`expected the vector ${id}`)
    const { type, body, query, topic } = read(one)
    const [part] = partsOf(type, body, topic === undefined ? { query } : { topic })
    expect(inShort(part)).toMatchObject(expected)
  })
})
