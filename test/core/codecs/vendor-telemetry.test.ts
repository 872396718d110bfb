import { describe, expect, it } from 'vitest'
import { type DecodePlan, decodePack, parsePointer, type Uplink } from '../../../core/index.ts'
import { fromHex, openWith } from './vendor-kit.ts'

// What rules, alarms and stored telemetry see of messages of these codecs.

const NOW = Date.UTC(2026, 0, 31, 12)

function planOf(codec: string, options: object = {}): DecodePlan {
  return {
    codec: openWith(codec, options),
    time: ['/ts', '/time', '/timestamp'].map(parsePointer),
    timeUnit: 'auto',
    metrics: [],
    maxBytes: 1_000,
    maxDepth: 32,
    maxMetrics: 128,
    maxFutureMs: 60_000,
  }
}

function uplink(text: string): Uplink {
  return {
    deviceId: 'dev-1',
    topic: 'devices/dev-1/telemetry',
    payload: fromHex(text),
    contentType: '',
    receivedAt: NOW,
    source: 'test',
  }
}

const TWO_RECORDS =
  '000000000000004308020000016b40d57b480100000000000000000000000000000001010101000000000000016b40d5c198010000000000000000000000000000000101010101000000020000252c'

describe('telemetry of vendors', () => {
  it('has a metric for each value of Cayenne LPP', () => {
    const [telemetry] = decodePack(uplink('0367011005670100'), planOf('cayenne-lpp'), 'id')
    expect(telemetry).toMatchObject({
      metrics: { temperature_3: 27.2, temperature_5: 25.6 },
      body: { temperature_3: 27.2, temperature_5: 25.6 },
      at: NOW,
      timed: false,
    })
  })

  it('has a message with a time for each record of Teltonika, and an id for each', () => {
    const messages = decodePack(uplink(TWO_RECORDS), planOf('teltonika'), 'id')
    expect(messages.map(({ at, timed, metrics }) => ({ at, timed, io: metrics['io.1'] }))).toEqual([
      { at: 1560160861000, timed: true, io: 0 },
      { at: 1560160879000, timed: true, io: 1 },
    ])
    expect(messages[0]?.metrics).not.toHaveProperty('timestamp')
    expect(messages[1]?.messageId).toBe(`${messages[0]?.messageId}.1`)
    expect(decodePack(uplink(TWO_RECORDS), planOf('teltonika'), 'other')[0]?.messageId).toBe(
      messages[0]?.messageId,
    )
  })

  it('has what a RuuviTag could measure, and a warning for what it could not', () => {
    const text = '0580005394c37c0004fffc040cac364200cdcbb8334c884f'
    const [telemetry] = decodePack(uplink(text), planOf('ruuvi'), 'id')
    expect(telemetry?.metrics).toEqual({
      dataFormat: 5,
      pressure: 100044,
      humidity: 53.49,
      accelerationX: 0.004,
      accelerationY: -0.004,
      accelerationZ: 1.036,
      txPower: 4,
      voltage: 2.977,
      movementCounter: 66,
      measurementSequence: 205,
      mac: 'CB:B8:33:4C:88:4F',
    })
    expect(telemetry?.warnings).toEqual(['the tag has no value for Temperature'])
  })

  it('has a message for each record of a layout, with its own time', () => {
    const plan = planOf('layout', {
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
    const messages = decodePack(uplink('636592008001659200bcff'), plan, 'id')
    expect(messages.map(({ at, metrics }) => ({ at, metrics }))).toEqual([
      { at: Date.UTC(2024, 0, 1), metrics: { battery: 99, t: 1 } },
      { at: Date.UTC(2024, 0, 1, 0, 1), metrics: { battery: 99, t: -1 } },
    ])
  })
})
