import { isJsonObject, type Json } from '../../core/index.ts'
import { type CodecEntry, type CodecShape, POOL } from './entry.ts'
import { ourSide } from './telemetry.ts'

/**
 * What a sensor in a room sends: the types that every library has, and values that do not change where a library cuts the
 * last binary digit.
 */
function room(n: number): Json {
  return [
    { channel: 1, type: 103, name: 'temperature', value: 20 + (n % 20) / 2 },
    { channel: 2, type: 104, name: 'relativeHumidity', value: (90 + (n % 40)) / 2 },
    { channel: 3, type: 101, name: 'illuminance', value: 300 + n },
    { channel: 4, type: 2, name: 'analogInput', value: 3 + (n % 8) / 4 },
  ]
}

/** What a tracker sends. */
function tracker(n: number): Json {
  return [
    {
      channel: 1,
      type: 136,
      name: 'gps',
      value: { latitude: 42.375, longitude: n / 16 - 87.5, altitude: 10 },
    },
    { channel: 2, type: 113, name: 'accelerometer', value: { x: 0.125, y: -1.25, z: 0.75 } },
    { channel: 3, type: 103, name: 'temperature', value: -4.5 },
    { channel: 4, type: 115, name: 'barometricPressure', value: 1013.5 },
    { channel: 5, type: 0, name: 'digitalInput', value: n % 2 },
  ]
}

const SHAPES: readonly CodecShape[] = [
  { name: 'room', values: poolOf(room), messages: undefined },
  { name: 'tracker', values: poolOf(tracker), messages: undefined },
]

function poolOf(make: (n: number) => Json): readonly Json[] {
  return Array.from({ length: POOL }, (_, n) => make(n))
}

/** Cayenne LPP beside the library of npm, which gives `[{temperature_1: 20}, …]`. */
export const cayenneLppEntry: CodecEntry = {
  codec: 'cayenne-lpp',
  shapes: SHAPES,
  sides: [
    ourSide({
      type: 'cayenne-lpp',
      form: 'readings',
      direction: 'uplink',
      rounding: 'nearest',
      endByte: false,
    }),
    {
      name: 'cayenne-lpp',
      async load() {
        const { decoder, encoder } = (await import('cayenne-lpp')).default
        return {
          decode: (bytes) =>
            decoder.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
          encode(value) {
            const parts: Buffer[] = []
            for (const reading of Array.isArray(value) ? value : []) {
              const { channel, type, value: given } = reading
              switch (type) {
                case 0:
                  parts.push(encoder.encodeDigitalInput(channel, given))
                  break
                case 2:
                  parts.push(encoder.encodeAnalogInput(channel, given))
                  break
                case 101:
                  parts.push(encoder.encodeLuminosity(channel, given))
                  break
                case 103:
                  parts.push(encoder.encodeTemperature(channel, given))
                  break
                case 104:
                  parts.push(encoder.encodeRelativeHumidity(channel, given))
                  break
                case 113:
                  parts.push(encoder.encodeAccelerometer(channel, given))
                  break
                case 115:
                  parts.push(encoder.encodeBarometricPressure(channel, given))
                  break
                default:
                  parts.push(encoder.encodeGps(channel, given))
              }
            }
            return Buffer.concat(parts)
          },
          isRight: (decoded, value) =>
            Array.isArray(decoded) && Array.isArray(value) && isSame(decoded, value),
        }
      },
    },
  ],
}

/** It names types in a way of its own: the channels and the values have to be ours. */
function isSame(decoded: readonly Json[], value: readonly Json[]): boolean {
  return (
    decoded.length === value.length &&
    value.every((reading, index) => {
      const theirs = decoded[index]
      if (!isJsonObject(reading) || !isJsonObject(theirs)) return false
      const [key = '', found] = Object.entries(theirs)[0] ?? []
      return (
        key.endsWith(`_${String(reading['channel'])}`) &&
        JSON.stringify(found) === JSON.stringify(reading['value'])
      )
    })
  )
}
