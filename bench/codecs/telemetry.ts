import { type Json, openCodec } from '../../core/index.ts'
import { type CodecShape, type CodecSide, OURS, POOL } from './entry.ts'

/** A container's report; about 150 bytes in a binary format. */
function report(n: number): Json {
  return {
    ts: 1_700_000_000_000 + n * 1_000,
    n: 100_000_000 + n,
    temp: -(1_800 + (n % 200)) / 100,
    ambient: 21.37,
    setpoint: -18,
    door: 'closed',
    battery: 87.2,
    compressor: 'on',
    site: 'hall-7-north',
    rssi: -71 - (n % 9),
    alarm: n % 7 === 0,
    firmware: '4.12.1',
  }
}

/** Reports that a gateway gathered; about 2 KB in a binary format. */
function gathered(n: number): Json {
  return {
    gateway: 'gw-hall-7',
    ts: 1_700_000_000_000 + n,
    readings: Array.from({ length: 36 }, (_, index) => ({
      t: index * 10,
      temp: -(1_800 + ((n + index) % 200)) / 100,
      humidity: 40.5 + index,
      door: index % 3 === 0,
      site: `hall-${index}`,
      count: index * 1_000 + n,
    })),
    note: 'nothing to report',
  }
}

/** Telemetry of two sizes, for formats that can say any JSON. */
export const TELEMETRY_SHAPES: readonly CodecShape[] = [
  { name: '150 bytes', values: poolOf(report), messages: undefined },
  { name: '2 KB', values: poolOf(gathered), messages: undefined },
]

function poolOf(make: (n: number) => Json): readonly Json[] {
  return Array.from({ length: POOL }, (_, n) => make(n))
}

/** One of our codecs with the options of its defaults. */
export function ourSide(options: {
  readonly type: string
  readonly [option: string]: unknown
}): CodecSide {
  return {
    name: OURS,
    load() {
      const facts = { receivedAt: 0 }
      const { decode, encode } = openCodec(options, {})
      return Promise.resolve({
        decode: (bytes) => decode(bytes, facts).value,
        encode: encode === undefined ? undefined : (value) => encode(value, facts).bytes,
        isRight: undefined,
      })
    },
  }
}
